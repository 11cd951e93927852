"""Verify a profile's access token with Slack and save the result."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from slack_token_tui.event_loop import run
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client import SlackClient
from slack_token_tui.slack.errors import SlackError, SlackRefused
from slack_token_tui.slack.responses import Identity
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.hot_path import REVOKED_CODES
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.fresh_token import fresh_token
from slack_token_tui.tokens.refresh_result import USUAL_POLICY, Refresher


@dataclass(frozen=True)
class Verification:
    """A profile whose token Slack has confirmed.

    Attributes:
        profile: the profile as it is now.
        save_error: why the confirmation could not be saved, or None.
    """

    profile: Profile
    save_error: StorageError | None = None


def verify(store: ProfileStore, name: str, refresher: Refresher) -> Verification:
    """Refresh the token of profile ``name`` if it is due, verify it with Slack, and save the result. Slack: auth.test.

    Args:
        store: the store that holds the profile.
        name: the profile name.
        refresher: called if the token is due.

    Raises:
        Problem: the profile can't be read, its token is invalid, or Slack could not be reached.
    """
    fresh = fresh_token(store, name, USUAL_POLICY, refresher)
    try:
        identity = run(request_identity(fresh.profile, fresh.access_token))
    except SlackError as error:
        with suppress(StorageError):
            _save(store, fresh.profile, error)
        raise error.with_facts(name=name) from None
    try:
        return Verification(_save(store, fresh.profile, identity))
    except StorageError as error:  # the token is confirmed even if that can't be saved
        return Verification(_apply_identity(fresh.profile, identity), error)


async def request_identity(profile: Profile, access_token: Secret) -> Identity:
    """Return the identity of ``access_token``. Slack: auth.test.

    Raises:
        SlackError: Slack rejected the token or could not be reached; ``other_account`` if the token belongs to another
            account than ``profile``.
    """
    async with SlackClient(profile.endpoints) as slack:
        identity = await slack.verify(access_token)
    if profile.user_id and identity.user_id != profile.user_id:
        mismatch = f"{identity.user_name or 'somebody'} ({identity.user_id}, not {profile.user_id})"
        raise SlackRefused("other_account", name=profile.name, detail=mismatch)
    return identity


def _save(store: ProfileStore, verified: Profile, result: Identity | SlackError) -> Profile:
    """Save the result unless another process has refreshed the token meanwhile, and return the profile as it is now."""

    def apply_result(current: Profile) -> Profile:
        if current.id != verified.id:  # removed, and another one saved under its name
            return current
        if isinstance(result, Identity):
            return _apply_identity(current, result)
        is_refused = isinstance(result, SlackRefused) and result.code in REVOKED_CODES | {"invalid_auth"}
        return replace(current, refused=result.code) if is_refused else current

    return store.update(verified.name, verified.generation, apply_result)


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
