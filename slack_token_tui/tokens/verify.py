"""Verify a profile's access token with Slack and save the result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from slack_token_tui.event_loop import run_uninterrupted
from slack_token_tui.problems import Kind, Problem
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client import SlackClient, SlackClients
from slack_token_tui.slack.errors import SlackError, SlackRefused
from slack_token_tui.slack.responses import Identity
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.hot_path import REVOKED_CODES
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.fresh_token import refresh_if_due
from slack_token_tui.tokens.refresh_result import UNANSWERED, USUAL_POLICY, Refresher, sign_in_needed


@dataclass(frozen=True)
class Verification:
    """A profile whose token Slack has confirmed.

    Attributes:
        profile: the profile as it is now.
        save_error: why the confirmation could not be saved, or None.
        refresh_problem: why the token was not refreshed although it was due, or None. The token is still valid for
            some minutes.
    """

    profile: Profile
    save_error: StorageError | None = None
    refresh_problem: Problem | None = None


async def verify(
    store: ProfileStore,
    name: str,
    refresher: Refresher,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    *,
    clients: SlackClients,
) -> Verification:
    """Refresh the token of profile ``name`` if it is due, verify it with Slack, and save the result. Slack: auth.test.

    A token that Slack rejected before is also verified, because Slack may accept it now. Cancellation stops only
    the request: a refresh under way is finished first, and so is saving.

    Args:
        store: the store that holds the profile.
        name: the profile name.
        refresher: called if the token is due.
        now: returns the current time in UTC.
        clients: the clients that send the request.

    Raises:
        Problem: the profile can't be read, its token is invalid, or Slack could not be reached.
    """
    result = await run_uninterrupted(refresh_if_due, store, name, USUAL_POLICY, refresher, now)
    task = asyncio.current_task()
    if task is not None and task.cancelling():  # while the token was refreshed
        raise asyncio.CancelledError
    profile = result.profile
    if profile.expires_at is not None and profile.expires_at <= now():
        raise result.problem or sign_in_needed(profile, now()) or Problem("sign_in_needed", name=name)
    try:
        identity = await request_identity(clients.get(profile.endpoints), profile, result.tokens.access_token)
    except SlackError as error:
        if result.problem is not None and result.problem.code in UNANSWERED and error.code in REVOKED_CODES:
            # The refresh whose response was lost has replaced this token. The next refresh gets the new one.
            raise result.problem from None
        with suppress(StorageError):
            await run_uninterrupted(_save, store, profile, error)
        raise error.with_facts(name=name) from None
    try:
        saved = await run_uninterrupted(_save, store, profile, identity)
        return Verification(saved, refresh_problem=result.problem)
    except StorageError as error:
        if error.kind is Kind.NOT_FOUND:  # removed meanwhile, and its tokens revoked
            raise
        # The token is confirmed, even if that can't be saved.
        return Verification(profile.with_identity(identity, now()), error, result.problem)


async def request_identity(client: SlackClient, profile: Profile, access_token: Secret) -> Identity:
    """Return the identity of ``access_token``. Slack: auth.test.

    Raises:
        SlackError: Slack rejected the token or could not be reached; ``other_account`` if the token belongs to another
            account than ``profile``.
    """
    identity = await client.verify(access_token)
    if profile.user_id and identity.user_id != profile.user_id:
        mismatch = f"{identity.user_name or 'another user'} ({identity.user_id}, not {profile.user_id})"
        raise SlackRefused("other_account", name=profile.name, detail=mismatch)
    return identity


def _save(store: ProfileStore, verified: Profile, result: Identity | SlackError) -> Profile:
    """Save the result unless another process has refreshed the token meanwhile, and return the profile as it is now."""

    def apply_result(current: Profile) -> Profile:
        if current.id != verified.id:  # removed, and another profile was saved under its name
            return current
        if isinstance(result, Identity):
            return current.with_identity(result, datetime.now(UTC))
        is_refused = isinstance(result, SlackRefused) and result.code in REVOKED_CODES | {"invalid_auth"}
        return replace(current, refused=result.code) if is_refused else current

    return store.update(verified.name, verified.generation, apply_result)
