"""Verify a profile's access token with Slack and save the result."""

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
    """The result of verifying an access token.

    Attributes:
        profile: the current profile.
        error: why the token could not be verified, or None if it was.
        save_error: why the result could not be saved, or None.
    """

    profile: Profile
    error: SlackError | None = None
    save_error: StorageError | None = None


async def request_identity(profile: Profile) -> Identity | SlackError:
    """Return the identity that the access token of ``profile`` belongs to, or the error. Slack: auth.test.

    Args:
        profile: the profile, with its tokens loaded.
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
    """Save the result of a verification, unless the profile has received a new token meanwhile.

    Raises:
        FileNotFoundError, ProfileFileError: the profile was removed or became unreadable meanwhile.
    """
    error = said if isinstance(said, SlackError) else None
    try:
        return _save(store, asked, said, error)
    except StorageError as unnoted:  # the result is valid even if it can't be saved
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
            # A keyring profile has no tokens loaded here, so writing it does not touch the keyring.
            store.write(noted)
    return Verification(noted, error)


def _with_identity(profile: Profile, identity: Identity) -> Profile:
    """Return ``profile`` updated with ``identity``, which is newer. Values that Slack left out stay as they are."""
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
