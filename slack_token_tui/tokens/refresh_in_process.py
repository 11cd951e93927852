"""Refresh a profile's tokens: one request for all concurrent callers, and no token lost in a crash.

The order of the steps makes this safe:

1. Defer termination and stop signals.
2. Acquire the lock and read the profile again.
3. Recover an earlier, interrupted refresh.
4. Reserve disk space, connect, and write the intent.
5. Send the request and write the raw response.
6. Parse the response and save the profile.
7. Delete the journal, release the lock, and only then re-raise the deferred signals, so that Ctrl+Z can't suspend the
   process while it holds the lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime

from slack_token_tui.event_loop import run
from slack_token_tui.problems import Problem
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client import OAuthClient, SlackClient
from slack_token_tui.slack.endpoints import EndpointVariant
from slack_token_tui.slack.errors import (
    RateLimited,
    SlackError,
    SlackRefused,
    SlackUnreachable,
    UnusableResponse,
    UnusableToken,
)
from slack_token_tui.slack.responses import TokenResponse, find_tokens
from slack_token_tui.store import locks
from slack_token_tui.store.apps import load_app, with_secret
from slack_token_tui.store.errors import ProfileError, StorageError
from slack_token_tui.store.journal import RefreshIntent, token_digest
from slack_token_tui.store.locked_profile import LockedProfile
from slack_token_tui.store.profile import RESPONSE_UNUSABLE, Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.recovery import (
    may_have_rotated,
    quarantine_and_mark,
    quarantine_response,
    save_refreshed,
)
from slack_token_tui.tokens.deferred_signals import DeferredSignals, defer_signals
from slack_token_tui.tokens.refresh_result import (
    REFRESH_TOKEN_INVALID_CODES,
    USUAL_POLICY,
    RefreshPolicy,
    RefreshResult,
    recorded_problem,
)

_TRY_OTHER_VARIANT = frozenset({"invalid_grant_type", "not_implemented", "oauth_authorization_url_mismatch"})
"""The only errors after which the other endpoint variant is tried."""
_MAX_RETRY_AFTER_SECONDS = 20
"""The longest ``Retry-After`` to wait for under the lock. It is only waited for if the access token has expired."""
_IDENTITY_TIMEOUT_SECONDS = 5.0
"""Timeout for ``auth.test`` under the lock. The new token is already in the journal."""
RETRY_PAUSES_SECONDS = (0.3, 1.0)
"""Pauses between attempts that never reached Slack."""


def refresh_in_process(
    store: ProfileStore,
    name: str,
    policy: RefreshPolicy = USUAL_POLICY,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    deferred: DeferredSignals | None = None,
    waits_for_limit: bool = True,
) -> RefreshResult:
    """Refresh profile ``name`` if ``policy`` wants it.

    This can block for a minute. Call it in the main thread, where signals can be deferred, in a separate process, or
    with the signals that the main thread defers.

    Args:
        store: the store that holds the profile.
        name: the profile name.
        policy: when to refresh.
        now: returns the current time in UTC.
        deferred: the signals that the main thread defers meanwhile. If there is one, nothing more is sent.
        waits_for_limit: whether to wait for a short rate limit if the access token has expired. A batch handles rate
            limits itself.

    Raises:
        ProfileError: the profile does not exist, was removed meanwhile, or its file can't be used.
        StorageError: the tokens could not be loaded from the keyring.
    """
    initial_profile = store.read(name)

    def is_needed(profile: Profile) -> bool:
        # If another process has refreshed it meanwhile, there is nothing left to do.
        is_unchanged = profile.generation == initial_profile.generation
        # Recovery has found that Slack replaced the refresh token, in a response that can't be used.
        is_spent = profile.refresh_refused == RESPONSE_UNUSABLE != initial_profile.refresh_refused
        return policy.wants(profile, now()) and (is_unchanged or not policy.insist) and not is_spent

    def refresh_under_lock(signals: DeferredSignals) -> RefreshResult:
        with store.lock(name, unless=lambda: bool(signals.numbers) or not is_needed(store.read(name))) as locked:
            if not is_needed(locked.profile):
                recovered = locked.recovered
                return RefreshResult(locked.profile, locked.tokens, refreshed=recovered, recovered=recovered)
            store.check_not_copied(locked.profile)
            return RefreshAttempt(locked, signals, now, waits_for_limit=waits_for_limit).run()

    if not is_needed(initial_profile):
        return RefreshResult(*store.read_with_tokens(name))
    while True:
        try:
            # Signals are re-raised after the lock is released: Ctrl+Z must not block processes that wait for it.
            with defer_signals() if deferred is None else nullcontext(deferred) as signals:
                return refresh_under_lock(signals)
        except locks.NoLongerNeeded:
            if is_needed(store.read(name)):
                if deferred is not None:
                    return RefreshResult(*store.read_with_tokens(name), problem=Problem("refresh_stopped", name=name))
                continue  # suspended with Ctrl+Z while waiting for the lock, and resumed
            return RefreshResult(*store.read_with_tokens(name))
        except ProfileError:
            raise
        except StorageError as error:
            return RefreshResult(*store.read_with_tokens(name), problem=error.with_facts(name=name))


class _StoppedBeforeSending(Exception):
    """Raised if a signal arrives before the request is sent."""


class RefreshAttempt:
    """One refresh under the lock. It implements :class:`slack_token_tui.slack.client.RefreshObserver`."""

    def __init__(
        self,
        locked: LockedProfile,
        signals: DeferredSignals,
        now: Callable[[], datetime],
        *,
        waits_for_limit: bool,
    ) -> None:
        """
        Raises:
            StorageError: the tokens could not be loaded from the keyring.
        """
        refresh_token = locked.tokens.refresh_token
        assert refresh_token is not None, "RefreshPolicy.wants() is false without one"
        self._locked = locked
        self._profile = locked.profile
        self._refresh_token = refresh_token
        self._now = now
        self._journal = locked.journal
        self._first_unanswered_at = locked.first_unanswered_at
        self._variant: EndpointVariant = locked.profile.refresh_variant or locked.profile.endpoints.variant
        self._signals = signals
        self._waits_for_limit = waits_for_limit
        self._intent: RefreshIntent | None = None
        self._sent = False
        self._response: bytes | None = None
        self._journal_failed = False
        self._app_error: StorageError | None = None

    def run(self) -> RefreshResult:
        """Run the refresh, from reserving disk space to deleting the journal."""
        self._locked.check_writable()
        self._journal.reserve()
        try:
            token_response = run(self._request())
        except _StoppedBeforeSending:
            self._remove_journal_unless_unanswered()
            return self._result(Problem("refresh_stopped", name=self._profile.name))
        except StorageError:
            self._remove_journal_unless_unanswered()  # the intent could not be written, so nothing was sent
            raise
        except SlackError as error:
            return self._handle_error(error)
        else:
            return self._save(token_response)
        finally:
            self._journal.close()

    def _result(self, problem: Problem | None) -> RefreshResult:
        return RefreshResult(self._locked.profile, self._locked.tokens, problem=problem)

    # ── RefreshObserver ──

    def before_send(self) -> None:
        """Write the intent to disk before the request is sent. This is the last chance to stop."""
        if self._signals.numbers:
            raise _StoppedBeforeSending
        self._quarantine_earlier_response()
        self._intent = RefreshIntent(
            token_digest(self._refresh_token), self._variant, self._now(), self._first_unanswered_at
        )
        self._journal.write_intent(self._intent)
        self._sent, self._response = True, None

    def _quarantine_earlier_response(self) -> None:
        """Save an earlier response, which the intent would overwrite. Even an unusable one may hold tokens."""
        unfinished = self._journal.read(token_digest(self._refresh_token))
        if unfinished is None or not unfinished.response:
            return
        response = Secret(unfinished.response.decode("latin-1"))
        if find_tokens(response):
            with suppress(StorageError):
                quarantine_response(self._locked, response)

    def response_received(self, body: bytes) -> None:
        """Write the response to disk before parsing it. A write error only matters if saving the profile fails too."""
        self._response = body
        try:
            self._journal.write_response(body)
        except StorageError:
            self._journal_failed = True

    # ── requests ──

    async def _request(self) -> TokenResponse:
        request_task = asyncio.ensure_future(self._request_either_variant())
        loop = asyncio.get_running_loop()
        # Only until the event loop ends: the next signal may arrive during the save.
        with self._signals.calling(lambda: loop.call_soon_threadsafe(self._cancel_unsent, request_task)):
            try:
                return await request_task
            except asyncio.CancelledError:
                raise _StoppedBeforeSending from None

    def _cancel_unsent(self, request_task: asyncio.Future[TokenResponse]) -> None:
        if not self._sent:
            request_task.cancel()

    async def _request_either_variant(self) -> TokenResponse:
        try:
            app = load_app(self._locked.home, self._profile.client_id) if self._profile.client_id else None
        except (ValueError, StorageError) as error:
            # Only an app with a client secret needs its file. Without the secret, Slack returns bad_client_secret.
            app, self._app_error = None, error if isinstance(error, StorageError) else None
        try:
            secret = with_secret(app.with_endpoints(self._profile.endpoints)).client_secret if app else None
        except StorageError as error:
            raise SlackUnreachable(error.code, **error.facts) from None  # not sent, so no token was used
        client = OAuthClient(self._profile.client_id, secret)
        async with SlackClient(self._profile.endpoints) as slack:
            try:
                return await self._request_with_retries(slack, client)
            except SlackRefused as refusal:
                if refusal.code not in _TRY_OTHER_VARIANT or self._signals.numbers:
                    raise
                first_refusal = refusal
            self._variant = self._variant.alternative
            try:
                return await self._request_with_retries(slack, client)
            except SlackRefused as refusal:
                # Neither variant is supported: the first refusal says more about this profile.
                raise first_refusal if refusal.code in _TRY_OTHER_VARIANT else refusal from None

    async def _request_with_retries(self, slack: SlackClient, client: OAuthClient) -> TokenResponse:
        """Retry until a response arrives, or until another attempt would be useless or too risky."""
        remaining_pauses, response_lost, has_waited = list(RETRY_PAUSES_SECONDS), False, False
        while True:
            self._sent = False
            try:
                token_response = await slack.refresh(client, self._refresh_token, self._variant, self)
                if not token_response.user_id and not token_response.team_id:
                    token_response = await self._add_identity(slack, token_response)
                if not self._profile.matches_account(token_response):
                    raise UnusableToken("other_account")
                return token_response
            except RateLimited as limit:
                if (
                    has_waited
                    or not self._waits_for_limit
                    or limit.retry_after_seconds > _MAX_RETRY_AFTER_SECONDS
                    or not self._is_access_token_expired()
                ):
                    raise
                has_waited, self._sent = True, False
                await asyncio.sleep(limit.retry_after_seconds)
            except SlackError as error:
                if not self._sent:
                    if not remaining_pauses or error.code == "network_timeout" or isinstance(error, UnusableResponse):
                        raise
                    await asyncio.sleep(remaining_pauses.pop(0))
                elif not may_have_rotated(error) or response_lost:
                    raise
                else:
                    # Slack accepts a used refresh token for a short grace period, meant for exactly this case.
                    response_lost = True
                    self._first_unanswered_at = self._first_unanswered_at or (
                        self._intent.sent_at if self._intent else None
                    )

    async def _add_identity(self, slack: SlackClient, token_response: TokenResponse) -> TokenResponse:
        """Add the account from ``auth.test`` to a token response without one. The token is saved even if this fails."""
        with suppress(SlackError, TimeoutError):
            async with asyncio.timeout(_IDENTITY_TIMEOUT_SECONDS):
                identity = await slack.verify(token_response.access_token)
            return replace(token_response, user_id=identity.user_id, team_id=identity.team_id)
        return token_response

    def _is_access_token_expired(self) -> bool:
        return self._profile.expires_at is not None and self._profile.expires_at <= self._now()

    # ── results ──

    def _save(self, token_response: TokenResponse) -> RefreshResult:
        assert self._intent is not None and self._response is not None
        try:
            save_refreshed(self._locked, token_response, self._intent)
        except StorageError as error:
            refreshed = self._profile.with_token_response(token_response, self._intent.sent_at, self._variant)
            tokens = self._locked.tokens.refreshed(token_response)
            return RefreshResult(refreshed, tokens, refreshed=True, problem=self._not_saved(error))
        return RefreshResult(self._locked.profile, self._locked.tokens, refreshed=True)

    def _not_saved(self, error: StorageError) -> Problem:
        """Return the problem that the response is only in the journal, or else in the fallback directory."""
        facts = {**error.facts, "name": self._profile.name, "token_location": self._save_response_elsewhere()}
        return Problem("refresh_not_saved", **facts)

    def _save_response_elsewhere(self) -> str:
        """Return a sentence about where the new tokens are."""
        assert self._intent is not None and self._response is not None
        if not self._journal_failed:
            return f"They are stored in {self._journal.path} for now."
        try:
            return f"They are stored in {self._journal.save_to_fallback(self._intent, self._response)} for now."
        except StorageError:
            return "They exist only in memory and are lost when this program ends."

    def _handle_error(self, error: SlackError) -> RefreshResult:
        facts = {"client_id": self._profile.client_id, **error.facts, "name": self._profile.name}
        if self._sent and self._response is not None and isinstance(error, UnusableToken):
            try:
                quarantine_and_mark(self._locked, self._response)
            except StorageError as storage_error:
                return self._result(self._not_saved(storage_error))
            return self._result(Problem(RESPONSE_UNUSABLE, **facts))
        if may_have_rotated(error) if self._sent else self._first_unanswered_at:
            return self._result(Problem("refresh_lost", **{**facts, "detail": error.code}))
        if error.code == "invalid_grant":  # RFC 6749 §5.2: here it is the refresh token, and not a code
            return self._mark_refresh_refused("invalid_refresh_token")
        if error.code in REFRESH_TOKEN_INVALID_CODES:
            return self._mark_refresh_refused(error.code)
        self._remove_journal_unless_unanswered()
        if error.code == "bad_client_secret" and self._app_error is not None:
            return self._result(self._app_error)
        return self._result(Problem(error.code, **facts))

    def _mark_refresh_refused(self, code: str) -> RefreshResult:
        """Mark the refresh token as unusable. Nothing is deleted: the access token may remain valid for hours."""
        self._locked.reload()
        if self._locked.tokens.refresh_token != self._refresh_token:  # a synced directory brought a different one
            self._journal.remove()
            return self._result(None)
        if self._first_unanswered_at is not None:
            code = "refresh_interrupted"
        marked = self._locked.profile.with_refresh_refused(code, self._first_unanswered_at or self._now())
        self._locked.save(marked)
        self._journal.remove()
        return self._result(recorded_problem(marked))

    def _remove_journal_unless_unanswered(self) -> None:
        if self._first_unanswered_at is None:
            self._journal.remove()
