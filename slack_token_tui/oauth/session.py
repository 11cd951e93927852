"""A sign-in from start to saved profile, as a sequence of states. It is independent of the interface that shows them.

A token that Slack has issued is never lost, however the sign-in ends: it is saved, or written to a fallback file, or the
user discards it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from slack_token_tui.desktop import browser, port_holders
from slack_token_tui.desktop import environment as desktop_environment
from slack_token_tui.event_loop import wait_until_done
from slack_token_tui.oauth import events
from slack_token_tui.oauth.app_memory import add_registered_scopes, remember_app
from slack_token_tui.oauth.callback import (
    AuthorizationCode,
    AuthorizationResponse,
    CallbackRejected,
    check_callback,
    check_pasted,
)
from slack_token_tui.oauth.events import Event
from slack_token_tui.oauth.listener import CallbackListener, PortsUnavailable, bind_first_free
from slack_token_tui.oauth.new_profile import new_profile
from slack_token_tui.oauth.pages import Page
from slack_token_tui.oauth.redirect_file import write_redirect_file
from slack_token_tui.oauth.request import AuthorizationRequest
from slack_token_tui.oauth.state import Command, IgnoredCallbacks, Phase, SignInState, allowed, reduce
from slack_token_tui.oauth.unusable_response import UnusableTokenResponse, may_delete
from slack_token_tui.problems import Explanation, InvalidInput, Kind, Problem, error_location, explain, is_known
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client import OAuthClient, SlackClient
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.errors import RateLimited, SlackError, SlackRefused, SlackUnreachable
from slack_token_tui.slack.responses import Identity, TokenResponse
from slack_token_tui.store.apps import SlackApp, is_loopback_redirect, read_app, with_secret
from slack_token_tui.store.errors import ProfileError, StorageError
from slack_token_tui.store.fallback_dir import import_command, save_tokens_to_fallback
from slack_token_tui.store.hot_path import REVOKED_CODES
from slack_token_tui.store.profile import Profile, Tokens
from slack_token_tui.store.profiles import ProfileStore, SavedProfile
from slack_token_tui.tokens.revoke import Revocation

TIMEOUT_SECONDS = 300.0
EXTENSION_SECONDS = 300.0
HINT_DELAY_SECONDS = 20.0
"""After this long without a response, the browser probably shows an error that Slack does not send here."""
CODE_LIFETIME_SECONDS = 600.0
"""Slack accepts an authorization code for ten minutes."""
MAX_AUTOMATIC_RETRY_SECONDS = 30.0
"""The longest pause, and without a rate limit the longest time in all, after which a code is sent again automatically."""
_IGNORED_CALLBACKS_PAUSE_SECONDS = 0.25
"""Thousands of callbacks may arrive in a second. The state changes at most this often for them."""

INTERRUPTIBLE_PHASES = frozenset({Phase.PREPARING, Phase.WAITING, Phase.RETRYING})
"""The phases without a token request under way and without a token in memory. A stop ends them at once."""

BrowserOpener = Callable[[str, str, Path | None], Awaitable[browser.Opened | browser.NotOpened]]
"""Called like :func:`slack_token_tui.desktop.browser.open_url`: with a URL, the app's browser command, and an HTML file
that redirects to the URL."""
TokenStorage = Literal["file", "keyring"]


@dataclass(frozen=True)
class SignInRequest:
    """What to sign in to.

    Attributes:
        app: the Slack app, with the endpoints to use.
        scopes: the user scopes to request.
        name: the preferred profile name, or None.
        timeout_seconds: how long to wait for the user.
    """

    app: SlackApp
    scopes: tuple[str, ...]
    name: str | None = None
    timeout_seconds: float = TIMEOUT_SECONDS


@dataclass(frozen=True)
class Services:
    """Everything outside the sign-in that it uses.

    Attributes:
        store: where the token is saved.
        open_browser: opens the authorize URL. None only shows the URL.
        environment: returns where this program runs.
        port_holder: returns the program that holds a port.
        clock: returns monotonic seconds.
        slack: returns a client of the Slack with these endpoints.
    """

    store: ProfileStore
    open_browser: BrowserOpener | None
    environment: Callable[[], desktop_environment.Environment] = lambda: desktop_environment.detect()
    port_holder: Callable[[int], port_holders.PortHolder] = port_holders.find_holder
    clock: Callable[[], float] = time.monotonic
    slack: Callable[[Endpoints], SlackClient] = SlackClient


@dataclass(frozen=True)
class StopResult:
    """What happened to the token of a sign-in that was stopped.

    Attributes:
        saved: the saved profile, or None.
        rescued_path: the fallback file with the token that could not be saved, or None.
        discarded: whether the user discarded the token.
        unsaved: whether the token is still in memory only, because no file could be written.
        unusable: the token that Slack issued and that can't be used, or None.
    """

    saved: SavedProfile | None = None
    rescued_path: Path | None = None
    discarded: bool = False
    unsaved: bool = False
    unusable: UnusableTokenResponse | None = None


class SignInSession:
    """One sign-in: call :meth:`run` once, and :meth:`stop` to leave early.

    Create it and call its methods on one event loop.

    Attributes:
        request: what to sign in to.
        services: what the sign-in uses.
        state: the current state.
    """

    def __init__(
        self,
        request: SignInRequest,
        services: Services,
        on_change: Callable[[SignInState], None] = lambda _: None,
    ) -> None:
        """
        Args:
            request: what to sign in to.
            services: what the sign-in uses.
            on_change: called with each new state.
        """
        self.request = request
        self.state = SignInState(deadline=services.clock() + request.timeout_seconds)
        self.services = services
        self._on_change = on_change
        self._interface_error: Exception | None = None
        self._app = request.app
        self._saved_app: SlackApp | None = None
        self._authorization: AuthorizationRequest | None = None
        self._response: asyncio.Future[AuthorizationResponse] | None = None
        self._ignored_count = 0
        self._ignored: IgnoredCallbacks | None = None
        self._ignored_timer: asyncio.TimerHandle | None = None
        self._code: _Code | None = None
        self._retry_now = asyncio.Event()
        self._exchanged_at = datetime.now(UTC)
        self._verification: asyncio.Future[Identity] | None = None
        self._unsaved: tuple[Profile, Tokens] | None = None
        self._refusal: SlackError | None = None
        self._unusable: UnusableTokenResponse | None = None
        self._revoking: asyncio.Future[tuple[Revocation, ...]] | None = None
        self._app_saving: asyncio.Future[None] | None = None
        self._work: asyncio.Future[SavedProfile] | None = None
        """The running task: the sign-in, a repeated exchange, or a repeated save."""
        self._tasks: set[asyncio.Future[SavedProfile]] = set()
        """The running task, and an earlier one that is still closing its port."""
        self._is_stopping = False
        self._problem: Problem | None = None
        self._facts = {
            "client_id": request.app.client_id,
            "scopes": ", ".join(request.scopes),
            "lacking": _missing_scopes_sentence(request.app, request.scopes),
            "host": request.app.endpoints.host,
            "app_settings": request.app.endpoints.apps_url,
            "name": request.name or "",
        }

    def explain(self, code: str) -> Explanation:
        """Return the explanation of ``code`` with the values of this sign-in filled in."""
        return explain(code, self._facts)

    # ── commands ──

    async def run(self) -> SavedProfile:
        """Sign in and return the saved profile. The port is closed however the sign-in ends.

        Canceling it stops the sign-in first: see :meth:`stop`.

        Raises:
            Problem: the sign-in failed, or was stopped (``sign_in_stopped``). ``state`` tells what can still be done.
        """
        try:
            return await self._run_work(self._sign_in())
        finally:
            # Not before the state shows the end, because another program may hold the lock.
            if self._app_saving is not None and not self._is_stopping:
                await asyncio.wait({self._app_saving})

    async def stop(self, *, discard: bool = False) -> StopResult:
        """End the sign-in and return what happened to its token. This is the only way to leave early.

        An exchange under way is waited for, because its response may hold a token, and so is a save. A verification is
        skipped. A token that could not be saved is written to a fallback file. It may be called more than once.

        Args:
            discard: whether to discard a token that could not be saved, because the user chose to.
        """
        self._is_stopping = True
        if self._work is not None and not self._work.done():
            if self.state.phase in INTERRUPTIBLE_PHASES:
                self._work.cancel()
            elif self._verification is not None:
                self._verification.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))
        if not self.state.is_ended:  # it was not started, or not yet
            self._fail(self.state.phase, Problem("sign_in_stopped"))
        if self._unsaved is not None:
            if discard:
                self._unsaved = None
                self._apply(events.TokenDiscarded())
            else:
                self._rescue(*self._unsaved)
        state = self.state
        return StopResult(state.result, state.rescued_path, state.discarded, state.unsaved, state.unusable)

    def paste(self, text: str, *, accept_bare_code: bool = False) -> None:
        """Accept the URL that the user pasted. It is checked like a callback. Once there is a response, it is ignored.

        Args:
            text: the pasted text.
            accept_bare_code: whether the user agreed to use a code without state. Ask after ``pasted_bare_code``.

        Raises:
            CallbackRejected: the text is not the response to this sign-in. The sign-in continues to wait.
        """
        if self._authorization is None:
            raise CallbackRejected("callback_unreadable", **self._facts)
        if self.state.phase is not Phase.WAITING:
            return
        try:
            self.accept(check_pasted(text, self._authorization, accept_bare_code=accept_bare_code))
        except CallbackRejected as rejected:
            raise CallbackRejected(rejected.code, **self._facts) from None

    def extend(self, seconds: float = EXTENSION_SECONDS) -> None:
        """Extend the deadline to at least ``seconds`` from now."""
        self._apply(events.DeadlineExtended(max(self.state.deadline, self.services.clock() + seconds)))

    async def retry_exchange(self) -> SavedProfile:
        """Send the code again, which is not spent, and return the saved profile. The user need not click Allow again.

        Raises:
            Problem: the exchange failed again, or the code has expired (``invalid_code``).
        """
        if self._work is not None and not self.state.is_ended:  # the key was pressed twice, or during the pause
            self.skip_pause()
            return await asyncio.shield(self._work)
        if self._code is None or Command.RETRY_EXCHANGE not in allowed(self.state) or self._is_stopping:
            raise Problem("invalid_code", **self._facts)
        self._apply(events.Exchanging())  # at once, so that a second call joins
        return await self._run_work(self._record_failure(self._finish(self._code)))

    def skip_pause(self) -> None:
        """Send the code now, if there is a pause before it is sent again."""
        self._retry_now.set()

    async def save_again(self, storage: TokenStorage | None = None) -> SavedProfile:
        """Save the token that could not be saved, and return the profile.

        Args:
            storage: where to save it. None means where the settings say.

        Raises:
            Problem: saving failed again. The token stays in memory.
            InvalidInput: there is no token to save.
        """
        if self._work is not None and not self.state.is_ended:
            return await asyncio.shield(self._work)
        if self._unsaved is None or Command.SAVE_AGAIN not in allowed(self.state) or self._is_stopping:
            raise InvalidInput("There is no token to save.")
        self._apply(events.SavingAgain())
        return await self._run_work(self._record_failure(self._save(*self._unsaved, storage)))

    async def revoke_unusable(self) -> tuple[Revocation, ...]:
        """Revoke every token in the unusable response and return the results. Slack: auth.revoke."""
        if self._unusable is None:
            return ()
        if self._revoking is None or self._revoking.done():
            self._revoking = asyncio.ensure_future(self._unusable.revoke(self._app.endpoints))
        revocations = await asyncio.shield(self._revoking)
        if may_delete(revocations):
            self._unusable = None
            self._apply(events.UnusableTokenRevoked())
        return revocations

    # ── calls from the listener (CallbackHandler) ──

    def check_callback(self, query: str) -> AuthorizationResponse:
        """See :meth:`slack_token_tui.oauth.listener.CallbackHandler.check_callback`."""
        assert self._authorization is not None, "the listener is opened for a request"
        return check_callback(query, self._authorization)

    def accept(self, response: AuthorizationResponse) -> None:
        """Accept the first response, from the listener or pasted. Later ones are ignored."""
        if self._response is not None and not self._response.done():
            self._response.set_result(response)

    def ignore(self, code: str) -> None:
        """See :meth:`slack_token_tui.oauth.listener.CallbackHandler.ignore`."""
        self._ignored_count += 1
        ignored = IgnoredCallbacks(self._ignored_count, self.explain(code))
        is_news = ignored.is_important and (self._ignored is None or self._ignored.explanation.code != code)
        if self._ignored is None or ignored.is_important or not self._ignored.is_important:
            self._ignored = ignored
        if self._ignored_timer is None or is_news:
            self._report_ignored()
            loop = asyncio.get_running_loop()
            self._ignored_timer = loop.call_later(_IGNORED_CALLBACKS_PAUSE_SECONDS, self._report_ignored)

    def _report_ignored(self) -> None:
        """Report the callbacks that came since the last report."""
        if self._ignored_timer is not None:
            self._ignored_timer.cancel()
            self._ignored_timer = None
        if self._ignored is not None:
            self._apply(events.CallbacksIgnored(self._ignored_count, self._ignored.explanation))

    # ── tasks and their results ──

    async def _run_work(self, work: Coroutine[None, None, SavedProfile]) -> SavedProfile:
        """Run ``work`` in a separate task, so that canceling the caller can't interrupt an exchange."""
        if self._is_stopping:
            work.close()
            raise Problem("sign_in_stopped", **self._facts)
        self._work = task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # the caller may be gone
        try:
            saved = await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():  # stop() was called before its first step
                raise self._fail(self.state.phase, Problem("sign_in_stopped")) from None
            await wait_until_done(asyncio.ensure_future(self.stop()))
            raise
        if self._interface_error is not None:
            raise self._interface_error
        return saved

    async def _record_failure(self, work: Coroutine[None, None, SavedProfile]) -> SavedProfile:
        """Await ``work``. Convert any exception to a Problem, and record it in the state."""
        try:
            return await work
        except Problem as error:
            problem = error
        except asyncio.CancelledError:  # only stop() cancels it
            problem = Problem("sign_in_stopped")
        except Exception as error:
            problem = Problem("unexpected", detail=error_location(error))
        raise self._fail(self.state.phase, problem) from None

    def _fail(self, phase: Phase, problem: Problem) -> Problem:
        """Put ``problem`` into the state, and return it with the values of this sign-in filled in."""
        self._problem = problem = problem.with_facts(**self._facts)
        code_expires_at = None if self._code is None or self._is_stopping else self._code.expires_at
        self._apply(events.Failed(phase, problem.explain(), code_expires_at, self._unusable))
        if self._code is not None and code_expires_at is not None:
            delay = code_expires_at - self.services.clock()
            asyncio.get_running_loop().call_later(delay, self._forget_code, self._code)
        return problem

    def _forget_code(self, expired: _Code) -> None:
        if self._code is expired:
            self._code = None
            self._apply(events.CodeExpired())

    def _apply(self, event: Event) -> None:
        state = reduce(self.state, event)
        if state is not self.state:
            self.state = state
            try:
                self._on_change(state)
            except Exception as error:  # a bug of the interface must not lose the token: run() raises it at the end
                self._interface_error = self._interface_error or error

    def _rescue(self, profile: Profile, tokens: Tokens) -> None:
        """Write the unsaved token to the fallback directory. If that fails, it stays in memory, as the state says."""
        with suppress(Exception):
            path = save_tokens_to_fallback(self.services.store.home, profile, tokens)
            self._unsaved = None
            self._apply(events.TokenRescued(path))

    # ── from the first check to the code ──

    async def _sign_in(self) -> SavedProfile:
        is_known("out_of_files")  # loads the catalog, which cannot be opened once file descriptors run out
        async with AsyncExitStack() as resources:
            return await self._record_failure(self._authorize_and_finish(resources))

    async def _authorize_and_finish(self, resources: AsyncExitStack) -> SavedProfile:
        team = await self._check_before_the_browser_opens()
        redirect_uri, listener = await self._open_port(resources)
        self._facts["redirect_uri"] = redirect_uri
        self._response = asyncio.get_running_loop().create_future()
        self._authorization = AuthorizationRequest.create(self._app, self.request.scopes, redirect_uri, team)
        if listener is not None:
            await listener.start()
            skipped = await asyncio.to_thread(self._find_port_holders, listener.port.taken)
            self._apply(events.Listening(redirect_uri, listener.port.families, skipped))
        self._apply(events.BrowserOpening(self._authorization.url))
        await self._open_browser(resources, self._authorization)
        self._code = await self._wait_for_code()
        return await self._finish(self._code)

    async def _check_before_the_browser_opens(self) -> str:
        """Check that a token can be saved. Return the workspace that Slack's page preselects, or "".

        Raises:
            StorageError: a token could not be saved, so none is requested.
        """
        store, app = self.services.store, self._app
        try:
            async with self.services.slack(app.endpoints) as slack:
                await slack.prepare()
        except SlackError as error:
            raise self._fail(Phase.EXCHANGING, error) from None
        try:
            await asyncio.to_thread(store.check_writable, self.request.name)
            self._saved_app = await asyncio.to_thread(read_app, store.home, app.client_id)
            self._app = await asyncio.to_thread(with_secret, app)
        except StorageError as error:
            raise self._fail(Phase.SAVING, error) from None
        return await asyncio.to_thread(self._previous_team)

    def _previous_team(self) -> str:
        """Return the workspace of the profile that is signed in again, or ""."""
        if self.request.name is None or any(scope.startswith("identity.") for scope in self.request.scopes):
            return ""  # with identity scopes, Slack has returned oauth_authorization_url_mismatch for it
        try:
            previous = self.services.store.read(self.request.name)
        except ProfileError:
            return ""
        return previous.team_id or "" if previous.client_id == self._app.client_id else ""

    async def _open_port(self, resources: AsyncExitStack) -> tuple[str, CallbackListener | None]:
        """Bind the first free port, and return its redirect URL and listener. Without a port, the user has to paste."""
        loopback_uris = [uri for uri in self._app.redirect_uris if is_loopback_redirect(uri)]
        if not loopback_uris:
            self._apply(events.PasteRequired(self._app.redirect_uris[0], None))
            return self._app.redirect_uris[0], None
        try:
            listener = CallbackListener(bind_first_free(loopback_uris), self)
        except PortsUnavailable as unavailable:
            taken = loopback_uris if unavailable.code == "all_ports_taken" else ()
            holders = await asyncio.to_thread(self._find_port_holders, taken)
            problem = unavailable.with_facts(holders=", ".join(map(str, holders)), **self._facts)
            self._apply(events.PasteRequired(loopback_uris[0], problem.explain()))
            return loopback_uris[0], None
        resources.push_async_callback(self._close_listener, listener)
        return listener.port.redirect_uri, listener

    async def _close_listener(self, listener: CallbackListener) -> None:
        self._report_ignored()
        listener.finish(_final_page(self.state, self._problem))
        await listener.close()

    def _find_port_holders(self, redirect_uris: Iterable[str]) -> tuple[port_holders.PortHolder, ...]:
        ports = (urlsplit(uri).port for uri in redirect_uris)
        return tuple(self.services.port_holder(port) for port in ports if port is not None)

    async def _open_browser(self, resources: AsyncExitStack, authorization: AuthorizationRequest) -> None:
        outcome: browser.Opened | browser.NotOpened | None = None
        if self.services.open_browser is not None:
            home, url = self.services.store.home, authorization.url
            file = asyncio.get_running_loop().run_in_executor(None, write_redirect_file, home, url)
            resources.callback(_remove_redirect_file, file)
            try:
                outcome = await self.services.open_browser(url, self._app.browser, await asyncio.shield(file))
            except Exception:  # the link works in any browser
                outcome = browser.NotOpened("The browser couldn't be started.")
            self._apply(events.BrowserResult(outcome))
        # Not needed if BROWSER opened one: a remote editor that sets BROWSER also forwards the port.
        environment = await asyncio.to_thread(self.services.environment)
        opened = isinstance(outcome, browser.Opened)
        if environment.is_remote and not opened and is_loopback_redirect(authorization.redirect_uri):
            port = urlsplit(authorization.redirect_uri).port if self.state.port is not None else None
            self._apply(events.RemoteBrowser(environment.tunnel_command(port) if port is not None else None))

    async def _wait_for_code(self) -> _Code:
        """Return the code of the response.

        Raises:
            Problem: Slack responded with an error, or there was no response (``sign_in_timed_out``).
        """
        assert self._response is not None, "it is created with the request"
        clock = self.services.clock
        hint_at = clock() + HINT_DELAY_SECONDS
        while not self._response.done():
            remaining = self.state.deadline - clock()
            if remaining <= 0:
                raise Problem("sign_in_timed_out")
            if not self.state.hint and clock() >= hint_at:
                self._apply(events.StillWaiting())
            until_hint = remaining if self.state.hint else hint_at - clock()
            await asyncio.wait({self._response}, timeout=min(remaining, until_hint))
        self._report_ignored()
        response = self._response.result()
        if not isinstance(response, AuthorizationCode):
            raise Problem(response.code, **({"description": response.description} if response.description else {}))
        # Slack accepted the app, so save it. This runs in parallel with the requests.
        arguments = (self.services.store.home, self.request.app, self._saved_app, self.request.scopes)
        self._app_saving = asyncio.get_running_loop().run_in_executor(None, remember_app, *arguments)
        return _Code(response, clock() + CODE_LIFETIME_SECONDS)

    # ── from the code to the saved profile ──

    async def _finish(self, code: _Code) -> SavedProfile:
        async with self.services.slack(self._app.endpoints) as slack:
            token_response = await self._exchange(slack, code)
            identity = await self._verify(slack, token_response)
        with suppress(Exception):  # the profile without an identity is already in _unsaved
            self._unsaved = self._new_profile(token_response, identity), _tokens_of(token_response)
        assert self._unsaved is not None, "the exchange has set it"
        return await self._save(*self._unsaved)

    async def _exchange(self, slack: SlackClient, code: _Code) -> TokenResponse:
        """Exchange the code. While it is not spent, it is sent again after a pause."""
        clock, first_sent_at = self.services.clock, self.services.clock()
        for attempt in count():
            self._apply(events.Exchanging())
            self._code = None  # whatever happens, unless it is known to be unspent
            if clock() >= code.expires_at:
                raise Problem("invalid_code")
            try:
                token_response = await self._send_code(slack, code.code)
            except SlackError as error:
                if not is_unspent(error):
                    raise
                self._code = code
                pause = automatic_retry_pause(error, attempt, clock() - first_sent_at)
                if pause is None or self._is_stopping or clock() + pause >= code.expires_at:
                    raise
                explanation = error.with_facts(**self._facts).explain()
            else:
                self._apply(events.TokenReceived())
                return token_response
            self._retry_now = asyncio.Event()
            self._apply(events.ExchangeDelayed(clock() + pause, explanation))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._retry_now.wait(), pause)
        raise AssertionError("count() never ends")

    async def _send_code(self, slack: SlackClient, code: AuthorizationCode) -> TokenResponse:
        """Send the code, and put the token into ``_unsaved``. Cancellation waits: Slack may have issued a token."""
        assert self._authorization is not None
        verifier = self._authorization.pkce.code_verifier if self._authorization.pkce else None
        client = OAuthClient(self._app.client_id, self._app.client_secret)
        self._exchanged_at = datetime.now(UTC)
        exchange = slack.exchange(client, code.code, verifier, self._authorization.redirect_uri)
        try:
            token_response = await wait_until_done(asyncio.ensure_future(exchange))
        except SlackError as error:
            self._quarantine(error.response)
            raise
        try:
            self._unsaved = self._new_profile(token_response, None), _tokens_of(token_response)
        except Exception as error:
            tokens = (token_response.refresh_token, token_response.access_token)
            self._quarantine(Secret("\n".join(token.reveal() for token in tokens if token is not None)))
            raise SlackError("unexpected", detail=error_location(error)) from None
        return token_response

    def _quarantine(self, response: Secret | None) -> None:
        if response is not None:
            self._unusable = UnusableTokenResponse.quarantine(self.services.store.home, response)

    async def _verify(self, slack: SlackClient, token_response: TokenResponse) -> Identity | None:
        """Return who the token belongs to. Return None if that is not known: the token is saved anyway."""
        explanation = None
        try:
            if not self._is_stopping:
                self._verification = asyncio.ensure_future(slack.verify(token_response.access_token))
                identity = await self._verification
                self._apply(events.Verified(identity))
                return identity
        except asyncio.CancelledError:  # by stop()
            pass
        except SlackError as error:
            explanation = error.with_facts(**self._facts).explain()
            if isinstance(error, SlackRefused) and error.code in REVOKED_CODES:
                self._refusal = error
        except Exception as error:
            explanation = Problem("unexpected", detail=error_location(error)).explain()
        finally:
            self._verification = None
        self._apply(events.Unverified(explanation))
        return None

    async def _save(self, profile: Profile, tokens: Tokens, storage: TokenStorage | None = None) -> SavedProfile:
        """Save the profile. Cancellation waits for the end.

        Raises:
            StorageError: it could not be saved.
            Problem: ``new_token_refused``: it is saved, but Slack rejects its token.
        """
        save = asyncio.get_running_loop().run_in_executor(None, self._save_profile, profile, tokens, storage)
        saved = await wait_until_done(save)
        self._unsaved = None
        if self._refusal is not None:
            refusal = Problem("new_token_refused", name=saved.profile.name, detail=self._refusal.code)
            self._apply(events.SavedRefusedToken(saved, refusal.explain()))
            raise refusal
        self._apply(events.Saved(saved))
        return saved

    def _save_profile(self, profile: Profile, tokens: Tokens, storage: TokenStorage | None) -> SavedProfile:
        store, in_keyring = self.services.store, None if storage is None else storage == "keyring"
        try:
            saved = store.save_sign_in(profile, tokens, self.request.name, in_keyring=in_keyring)
        except StorageError:
            raise
        except Exception as error:  # the token stays in memory, so it can be saved again or written to the fallback
            raise StorageError("unexpected", detail=error_location(error)) from None
        with suppress(Exception):  # optional: the token is already saved
            add_registered_scopes(store.home, self._app, profile.scopes)
        return saved

    def _new_profile(self, token_response: TokenResponse, identity: Identity | None) -> Profile:
        assert self._authorization is not None
        return new_profile(
            token_response=token_response,
            identity=identity,
            client_id=self._authorization.client_id,
            endpoints=self._authorization.endpoints,
            redirect_uri=self._authorization.redirect_uri,
            requested_scopes=self._authorization.scopes,
            requested_at=self._exchanged_at,
            verified_at=datetime.now(UTC) if identity else None,
            refused=self._refusal.code if self._refusal is not None else None,
        )


@dataclass(frozen=True)
class _Code:
    """A code that is not spent, and until when Slack accepts it."""

    code: AuthorizationCode
    expires_at: float


def is_unspent(error: SlackError) -> bool:
    """Return whether the code can be sent again after ``error``: Slack has not seen it, or has only limited the rate."""
    return error.response is None and (not error.was_sent or isinstance(error, RateLimited))


def automatic_retry_pause(error: SlackError, attempt: int, elapsed_seconds: float) -> float | None:
    """Return the delay in seconds before an unspent code is sent again automatically, or None if the user has to decide.

    Slack's Retry-After is respected if it is short. Without it, the pauses double, for half a minute in all.

    Args:
        error: why the last attempt failed.
        attempt: how many attempts have failed before it.
        elapsed_seconds: the time since the first attempt.
    """
    pause = float(2**attempt)
    if isinstance(error, RateLimited):
        pause = max(pause, error.retry_after_seconds)
        return pause if pause <= MAX_AUTOMATIC_RETRY_SECONDS else None
    is_temporary = error.kind is Kind.RETRY
    return pause if is_temporary and elapsed_seconds + pause <= MAX_AUTOMATIC_RETRY_SECONDS else None


def _final_page(state: SignInState, problem: Problem | None) -> Page:
    """Return the page that a waiting browser shows at the end of a sign-in."""
    if state.result is not None:
        return Page.SAVED if state.failure is None else Page.TOKEN_REFUSED
    if problem is None or state.failure is None or problem.code in ("sign_in_stopped", "sign_in_timed_out"):
        return Page.STOPPED
    if problem.code == "access_denied":
        return Page.DENIED
    if state.failure.phase is Phase.SAVING:
        return Page.NOT_SAVED
    is_unreachable = isinstance(problem, SlackUnreachable) and not isinstance(problem, RateLimited)
    return Page.UNREACHABLE if is_unreachable else Page.REFUSED


def describe_stop(result: StopResult, apps_url: str) -> str:
    """Return what happened to the token of a stopped sign-in, as text for the user. Empty if there was none."""
    if result.saved is not None:
        return f"The token was saved as {result.saved.profile.name}."
    if result.rescued_path is not None:
        command = import_command(result.rescued_path)
        return f"The new token is saved in {result.rescued_path}. Only you can read it. Fix the problem, then run: {command}"
    if result.unsaved:
        return f"The new token couldn't be saved. It works in Slack until it expires or you revoke it: {apps_url}"
    return result.unusable.sentence if result.unusable is not None else ""


def _remove_redirect_file(file: asyncio.Future[Path | None]) -> None:
    """Remove the file, or schedule its removal for when it is written."""
    if not file.done():
        file.add_done_callback(_remove_redirect_file)
    elif not file.cancelled() and (path := file.result()) is not None:
        with suppress(OSError):
            path.unlink()


def _missing_scopes_sentence(app: SlackApp, scopes: tuple[str, ...]) -> str:
    """Return a sentence that names the ``scopes`` missing from the app's registered scopes, or "" if there are none."""
    names = [name for name in scopes if app.registered_scopes and name not in app.registered_scopes]
    return f"The app may not have {', '.join(names)}." if names else ""


def _tokens_of(token_response: TokenResponse) -> Tokens:
    return Tokens(token_response.access_token, token_response.refresh_token)
