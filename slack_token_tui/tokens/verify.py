"""Asks Slack whether a profile's access token works, and writes down what it said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from slack_token_tui.slack.client import SlackClient
from slack_token_tui.slack.errors import SlackError, SlackRefused
from slack_token_tui.slack.responses import Identity
from slack_token_tui.store import locks
from slack_token_tui.store.atomic_file import StorageError
from slack_token_tui.store.hot_path import REVOKED_CODES
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore


@dataclass(frozen=True)
class Verification:
    """What Slack said.

    Attributes:
        profile: as it is now.
        error: why it could not be verified; None when it was.
        unnoted: why it could not be written down.
    """

    profile: Profile
    error: SlackError | None = None
    save_error: StorageError | None = None


async def request_identity(profile: Profile) -> Identity | SlackError:
    """Return who the access token of ``profile`` speaks for, or what Slack said instead. Slack: auth.test.

    Args:
        profile: with its tokens.
    """
    assert profile.access_token is not None, "with_tokens() comes first"
    try:
        async with SlackClient(profile.endpoints) as slack:
            identity = await slack.verify(profile.access_token)
    except SlackError as error:
        return error
    if profile.user_id and identity.user_id != profile.user_id:
        whose = f"{identity.user_name or 'somebody'} ({identity.user_id}, not {profile.user_id})"
        return SlackRefused("other_account", {"name": profile.name, "detail": whose})
    return identity


def save_verification(store: ProfileStore, asked: Profile, said: Identity | SlackError) -> Verification:
    """Write down what Slack said of the token in ``asked``, unless the profile has got another one meanwhile.

    Raises:
        FileNotFoundError, ProfileFileError: the profile went meanwhile.
    """
    error = said if isinstance(said, SlackError) else None
    try:
        return _save(store, asked, said, error)
    except StorageError as unnoted:  # what Slack said is true all the same
        return Verification(_with_identity(asked, said) if isinstance(said, Identity) else asked, error, unnoted)


def _save(store: ProfileStore, asked: Profile, said: Identity | SlackError, error: SlackError | None) -> Verification:
    with locks.acquire(store.home / "locks", asked.name):
        current = store.read(asked.name)
        if current.generation != asked.generation or current.id != asked.id:
            return Verification(current, error)
        noted = current
        if isinstance(said, Identity):
            noted = _with_identity(current, said)
        elif isinstance(said, SlackRefused) and said.code in REVOKED_CODES | {"invalid_auth"}:
            noted = replace(current, refused=said.code)
        if noted != current:
            # Without its tokens a keyring profile is written without touching the keyring.
            store.write(noted)
    return Verification(noted, error)


def _with_identity(profile: Profile, identity: Identity) -> Profile:
    """Slack's word is newer than ours; what it leaves out stays."""
    return replace(
        profile,
        refused=None,
        verified_at=datetime.now(UTC).replace(microsecond=0),
        user_id=identity.user_id,
        team_id=profile.team_id or (None if identity.is_enterprise_install else identity.team_id),
        enterprise_id=profile.enterprise_id or identity.enterprise_id,
        user_name=identity.user_name or profile.user_name,
        team_name=identity.team_name or profile.team_name,
        workspace_url=identity.workspace_url or profile.workspace_url,
        app_id=identity.app_id or profile.app_id,
        app_name=identity.app_name or profile.app_name,
        scopes=profile.scopes if identity.scopes is None else identity.scopes,
        workspaces=profile.workspaces if identity.workspaces is None else identity.workspaces,
    )
