"""Renews a profile's tokens: one request, whoever asks at the same time, and nothing lost whatever comes in between.

The order is the safety: lock, read again, finish what was left, reserve disk, connect, write the intent, send, write the
raw answer, parse, save, forget the journal, obey the signals that came meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from slack_token_tui.event_loop import run
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client import Client, SlackClient
from slack_token_tui.slack.endpoints import EndpointVariant
from slack_token_tui.slack.errors import (
    AnswerUnusable,
    RateLimited,
    SlackError,
    SlackRefused,
    SlackUnreachable,
    TokenUnusable,
)
from slack_token_tui.slack.responses import TokenResponse, tokens_in
from slack_token_tui.store import locks
from slack_token_tui.store.apps import find_app, with_secret
from slack_token_tui.store.atomic_file import StoreError
from slack_token_tui.store.hot_path import REFRESH_MARGIN_SECONDS
from slack_token_tui.store.profile import RESPONSE_UNUSABLE, Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.deferred_signals import DeferredSignals, defer_signals
from slack_token_tui.tokens.journal import Intent, Journal, Unfinished, digest_of
from slack_token_tui.tokens.recovery import (
    conclude,
    journal_of,
    may_have_rotated,
    quarantine_response,
    recover,
    set_aside,
)
from slack_token_tui.tokens.refresh_result import REFRESH_TOKEN_OVER, RefreshProblem, RefreshResult, standing_trouble

_OTHER_METHOD = frozenset({"invalid_grant_type", "not_implemented", "oauth_authorization_url_mismatch"})
"""The only refusals after which the other pair's method is asked."""
_LONGEST_WAIT_SECONDS = 20
"""As long as Slack's own limit is waited for under the lock, and only when there is no living token to go on with."""
_OWNER_SECONDS = 5.0
"""For ``auth.test`` under the lock, after the new token is in the journal."""
_PAUSES_SECONDS = (0.3, 1.0)
"""Between attempts that never reached Slack."""


def refresh(
    store: ProfileStore,
    name: str,
    *,
    min_ttl_seconds: float = REFRESH_MARGIN_SECONDS,
    insist: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> RefreshResult:
    """Renew profile ``name`` if its access token has less than ``min_ttl_seconds`` to live. It may block for a minute.

    Call it in the main thread, where signals can be held back, or in a process of its own.

    Args:
        store: where the profile is.
        name: which.
        min_ttl_seconds: see :meth:`Profile.is_due`.
        insist: renew in any case, also when the refresh token was refused before.
        now: the clock, UTC.

    Raises:
        FileNotFoundError: there is no such profile, or no longer.
        ProfileFileError: its file cannot be used.
        StoreError: its tokens could not be fetched from the keyring.
    """
    first = store.read(name)

    def wanted(profile: Profile) -> bool:
        if insist:
            return profile.has_refresh_token and profile.generation == first.generation
        return profile.is_due(now(), min_ttl_seconds)

    def locked(signals: DeferredSignals) -> RefreshResult:
        with locks.acquire(
            store.home / "locks", name, unless=lambda: bool(signals.numbers) or not wanted(store.read(name))
        ):
            recovered = recover(store, name)
            profile = store.with_tokens(recovered.profile)
            if not wanted(profile):
                return RefreshResult(profile, renewed=recovered.finished, recovered=recovered.finished)
            store.check_is_no_copy(profile)
            return RefreshAttempt(store, profile, recovered.doubted_at, signals, now).run()

    if not wanted(first):
        return RefreshResult(store.with_tokens(first))
    while True:
        try:
            # Signals are obeyed when the lock is free again: Ctrl+Z must not stop everybody who waits for it.
            with defer_signals() as signals:
                return locked(signals)
        except locks.NotNeeded:
            if wanted(store.read(name)):
                continue  # stopped with Ctrl+Z while it waited, and woken again
            return RefreshResult(store.with_tokens(store.read(name)))
        except StoreError as error:
            trouble = RefreshProblem(error.code, {"name": name, **error.facts})
            return RefreshResult(store.with_tokens(store.read(name)), trouble=trouble)


class _Stopped(Exception):
    """A signal came before anything was sent."""


class RefreshAttempt:
    """One refresh under the lock. It is the :class:`RefreshWatch` of its own requests."""

    def __init__(
        self,
        store: ProfileStore,
        profile: Profile,
        doubted_at: datetime | None,
        signals: DeferredSignals,
        now: Callable[[], datetime],
    ) -> None:
        assert profile.refresh_token is not None, "is_due() and insist ask for one"
        self._store = store
        self._profile = profile
        self._refresh_token: Secret = profile.refresh_token
        self._now = now
        self._journal: Journal = journal_of(store, profile)
        self._doubted_at = doubted_at
        self._pair: EndpointVariant = profile.refresh_pair or profile.endpoints.pair
        self._signals = signals
        self._intent: Intent | None = None
        self._sent = False
        self._answer: bytes | None = None
        self._journal_failed = False
        self._app_trouble: StoreError | None = None

    def run(self) -> RefreshResult:
        """Do it all, from the room on the disk to the end of the journal."""
        self._journal.reserve()
        try:
            grant = run(self._ask())
        except _Stopped:
            self._forget_unless_doubted()
            return RefreshResult(self._profile, trouble=RefreshProblem("refresh_stopped", {"name": self._profile.name}))
        except StoreError:
            self._forget_unless_doubted()  # the intent could not be written, so nothing was sent
            raise
        except SlackError as error:
            return self._refused(error)
        else:
            return self._granted(grant)
        finally:
            self._journal.close()

    # ── RefreshWatch ──

    def sending(self) -> None:
        """The last moment to turn back: the intent is on disk before the request goes out."""
        if self._signals.numbers:
            raise _Stopped
        self._quarantine_earlier_response()
        self._intent = Intent(digest_of(self._refresh_token), self._pair, self._now(), self._doubted_at)
        self._journal.intend(self._intent)
        self._sent, self._answer = True, None

    def _quarantine_earlier_response(self) -> None:
        """The intent takes the place of an earlier response. One that could not be used may still hold tokens."""
        earlier = self._journal.read(digest_of(self._refresh_token))
        if earlier is None or not earlier.answer:
            return
        response = Secret(earlier.answer.decode("latin-1"))
        if tokens_in(response):
            with suppress(StoreError):
                quarantine_response(self._store, self._profile, response)

    def received(self, body: bytes) -> None:
        """On disk before anybody reads it. A disk that fails now is met when everything is known."""
        self._answer = body
        try:
            self._journal.answered(body)
        except StoreError:
            self._journal_failed = True

    # ── asking ──

    async def _ask(self) -> TokenResponse:
        asking = asyncio.ensure_future(self._at_either_method())
        loop = asyncio.get_running_loop()
        self._signals.on_first = lambda: loop.call_soon_threadsafe(self._stop, asking)
        if self._signals.numbers:
            self._stop(asking)
        try:
            return await asking
        except asyncio.CancelledError:
            raise _Stopped from None

    def _stop(self, asking: asyncio.Future[TokenResponse]) -> None:
        if not self._sent:
            asking.cancel()

    async def _at_either_method(self) -> TokenResponse:
        try:
            app = find_app(self._store.home, self._profile.client_id) if self._profile.client_id else None
        except (ValueError, StoreError) as error:
            # Only an app with a client secret needs its file, and that shows when Slack misses the secret.
            app, self._app_trouble = None, error if isinstance(error, StoreError) else None
        try:
            secret = with_secret(app.at(self._profile.endpoints)).client_secret if app else None
        except StoreError as error:
            raise SlackUnreachable(error.code, error.facts) from None  # nothing was asked, and nothing spent
        client = Client(self._profile.client_id, secret)
        async with SlackClient(self._profile.endpoints) as slack:
            try:
                return await self._persistently(slack, client)
            except SlackRefused as refusal:
                if refusal.code not in _OTHER_METHOD or self._signals.numbers:
                    raise
                first_refusal = refusal
            self._pair = self._pair.other
            try:
                return await self._persistently(slack, client)
            except SlackRefused as refusal:
                # "Not here" from both: the first one's own words say more about this profile.
                raise first_refusal if refusal.code in _OTHER_METHOD else refusal from None

    async def _persistently(self, slack: SlackClient, client: Client) -> TokenResponse:
        """Ask until there is an answer, or it is certain or too risky that none comes."""
        pauses, lost, waited = list(_PAUSES_SECONDS), False, False
        while True:
            self._sent = False
            try:
                grant = await slack.refresh(client, self._refresh_token, self._pair, self)
                if not grant.user_id and not grant.team_id:
                    grant = await self._with_owner(slack, grant)
                if not self._profile.is_same_grant(grant):
                    raise TokenUnusable("other_account")
                return grant
            except RateLimited as limit:
                if waited or limit.retry_after_seconds > _LONGEST_WAIT_SECONDS or not self._is_over():
                    raise
                waited, self._sent = True, False
                await asyncio.sleep(limit.retry_after_seconds)
            except SlackError as error:
                if not self._sent:
                    if not pauses or error.code == "network_timeout" or isinstance(error, AnswerUnusable):
                        raise
                    await asyncio.sleep(pauses.pop(0))
                elif not may_have_rotated(error) or lost:
                    raise
                else:
                    # Slack lets a spent token work for a short grace period, made for exactly this.
                    lost = True
                    self._doubted_at = self._doubted_at or (self._intent.sent_at if self._intent else None)

    async def _with_owner(self, slack: SlackClient, grant: TokenResponse) -> TokenResponse:
        """Ask Slack who a token speaks for whose response does not say so. It is saved even if Slack cannot be asked."""
        with suppress(SlackError, TimeoutError):
            async with asyncio.timeout(_OWNER_SECONDS):
                identity = await slack.verify(grant.access_token)
            return replace(grant, user_id=identity.user_id, team_id=identity.team_id)
        return grant

    def _is_over(self) -> bool:
        return self._profile.expires_at is not None and self._profile.expires_at <= self._now()

    # ── what came of it ──

    def _granted(self, grant: TokenResponse) -> RefreshResult:
        assert self._intent is not None and self._answer is not None
        try:
            renewed = conclude(self._store, self._profile, grant, Unfinished(self._intent, self._answer), self._journal)
        except StoreError as error:
            renewed = self._profile.refreshed(grant, self._intent.sent_at, self._pair)
            facts = {**error.facts, "name": self._profile.name, "kept": self._rescued(self._intent, self._answer)}
            return RefreshResult(renewed, renewed=True, trouble=RefreshProblem("refresh_not_saved", facts))
        return RefreshResult(renewed, renewed=True)

    def _rescued(self, intent: Intent, answer: bytes) -> str:
        """Return where the answer is that could not be saved, as the end of "the new tokens are kept …"."""
        if not self._journal_failed:
            return f"in {self._journal.path} until they can be"
        try:
            return f"in {self._journal.rescue(intent, answer)} until they can be"
        except StoreError:
            return "nowhere: they are lost when this program ends"

    def _refused(self, error: SlackError) -> RefreshResult:
        facts = {"client_id": self._profile.client_id, **error.facts, "name": self._profile.name}
        if self._sent and self._answer is not None and isinstance(error, TokenUnusable):
            marked = set_aside(self._store, self._profile, self._answer, self._journal)
            return RefreshResult(marked, trouble=RefreshProblem(RESPONSE_UNUSABLE, facts))
        if may_have_rotated(error) if self._sent else self._doubted_at:
            return RefreshResult(self._profile, trouble=RefreshProblem("refresh_lost", {**facts, "detail": error.code}))
        if error.code in REFRESH_TOKEN_OVER:
            return self._over(error.code)
        self._forget_unless_doubted()
        if error.code == "bad_client_secret" and self._app_trouble is not None:
            return RefreshResult(self._profile, trouble=RefreshProblem(self._app_trouble.code, self._app_trouble.facts))
        return RefreshResult(self._profile, trouble=RefreshProblem(error.code, facts))

    def _over(self, code: str) -> RefreshResult:
        """The refresh token is useless. Nothing is deleted or blanked: the access token may live for hours."""
        current = self._store.with_tokens(self._store.read(self._profile.name))
        if current.refresh_token != self._refresh_token:  # a synchronised directory brought another one
            self._journal.remove()
            return RefreshResult(current)
        if self._doubted_at is not None:
            code = "refresh_interrupted"
        marked = self._profile.not_renewable(code, self._doubted_at or self._now())
        self._store.write(marked)
        self._journal.remove()
        return RefreshResult(marked, trouble=standing_trouble(marked))

    def _forget_unless_doubted(self) -> None:
        if self._doubted_at is None:
            self._journal.remove()
