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
        mismatch = f"{identity.user_name or 'somebody'} ({identity.user_id}, not {profile.user_id})"
        return SlackRefused("other_account", {"name": profile.name, "detail": mismatch})
    return identity


def save_verification(store: ProfileStore, profile: Profile, result: Identity | SlackError) -> Verification:
    """Save the result of a verification, unless the profile has received a new token meanwhile.

    Raises:
        FileNotFoundError, ProfileFileError: the profile was removed or became unreadable meanwhile.
    """
    error = result if isinstance(result, SlackError) else None
    try:
        return _save(store, profile, result, error)
    except StorageError as save_error:  # the result is valid even if it can't be saved
        return Verification(
            _apply_identity(profile, result) if isinstance(result, Identity) else profile, error, save_error
        )


def _save(
    store: ProfileStore, profile: Profile, result: Identity | SlackError, error: SlackError | None
) -> Verification:
    with locks.acquire(store.home / "locks", profile.name):
        current = store.read(profile.name)
        if current.generation != profile.generation or current.id != profile.id:
            return Verification(current, error)
        updated = current
        if isinstance(result, Identity):
            updated = _apply_identity(current, result)
        elif isinstance(result, SlackRefused) and result.code in REVOKED_CODES | {"invalid_auth"}:
            updated = replace(current, refused=result.code)
        if updated != current:
            # A keyring profile has no tokens loaded here, so writing it does not touch the keyring.
            store.write(updated)
    return Verification(updated, error)


def _apply_identity(profile: Profile, identity: Identity) -> Profile:
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
