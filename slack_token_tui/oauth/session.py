"""A sign-in from start to saved profile, as a stream of events. It is independent of the interface that shows them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from slack_token_tui.desktop import browser, environment, port_holders
from slack_token_tui.oauth import events
from slack_token_tui.oauth.app_memory import remember_app
from slack_token_tui.oauth.callback import (
    AuthorizationCode,
    AuthorizationResponse,
    CallbackRejected,
    check_callback,
    check_pasted,
)
from slack_token_tui.oauth.events import Event, Step
from slack_token_tui.oauth.exchange import CodeExchange, UnusableTokenResponse
from slack_token_tui.oauth.listener import BoundPort, CallbackListener, PortsUnavailable, bind_first_free
from slack_token_tui.oauth.pages import Page
from slack_token_tui.oauth.redirect_file import write_redirect_file
from slack_token_tui.oauth.request import AuthorizationRequest
from slack_token_tui.problems import Explanation, explain, is_known
from slack_token_tui.store.apps import SlackApp, is_loopback_redirect, read_app, with_secret
from slack_token_tui.store.errors import ProfileError, StorageError
from slack_token_tui.store.profiles import ProfileStore, SavedProfile
from slack_token_tui.tokens.revoke import Revocation

TIMEOUT_SECONDS = 300.0
EXTENSION_SECONDS = 300.0
HINT_DELAY_SECONDS = 20.0
"""After this long without a response, the browser probably shows an error that Slack does not send here."""

BrowserOpener = Callable[[str, str, Path | None], Awaitable[browser.Opened | browser.NotOpened]]
"""Called like :func:`slack_token_tui.desktop.browser.open_url`: with a URL, the app's browser command, and an HTML file
that redirects to the URL."""


class SignInSession:
    """One sign-in. Iterate over :meth:`events` once. Closing or cancelling the iterator closes everything it opened.

    A token that Slack has issued is not lost by that: see :mod:`slack_token_tui.oauth.exchange`.
    """

    def __init__(
        self,
        app: SlackApp,
        scopes: tuple[str, ...],
        store: ProfileStore,
        *,
        name: str | None = None,
        open_browser: BrowserOpener | None = browser.open_url,
        timeout_seconds: float = TIMEOUT_SECONDS,
        hint_seconds: float = HINT_DELAY_SECONDS,
    ) -> None:
        """
        Args:
            app: the Slack app, with the endpoints to use.
            scopes: the user scopes to request.
            store: where the token is saved.
            name: the preferred profile name, or None.
            open_browser: the function that opens the browser, or None to only show the URL.
            timeout_seconds: how long to wait for the user.
            hint_seconds: how long to wait for a response before yielding StillWaiting.
        """
        self.app = app
        self.scopes = scopes
        self.store = store
        self.name = name
        self.request: AuthorizationRequest | None = None
        self._open_browser = open_browser
        self._deadline = time.monotonic() + timeout_seconds
        self._hint_seconds = hint_seconds
        self._responses: asyncio.Queue[AuthorizationResponse | events.UnexpectedCallback] = asyncio.Queue()
        self._has_response = False
        self._requested_app = app
        self._saved_app: SlackApp | None = None
        self._exchange: CodeExchange | None = None
        self._ignored_count = 0
        self._queued_ignored_codes: set[str] = set()
        self._redirect_file: asyncio.Future[Path | None] | None = None
        self._facts = {
            "client_id": app.client_id,
            "scopes": ", ".join(scopes),
            "lacking": _missing_scopes_sentence(app, scopes),
            "host": app.endpoints.host,
            "app_settings": app.endpoints.apps_url,
            "name": name or "the profile",
        }

    @property
    def remaining_seconds(self) -> float:
        """The remaining seconds to wait for the user, never below zero."""
        return max(0.0, self._deadline - time.monotonic())

    @property
    def has_response(self) -> bool:
        """Whether a response was received or pasted."""
        return self._has_response

    def extend(self, seconds: float = EXTENSION_SECONDS) -> None:
        """Extend the deadline to at least ``seconds`` from now."""
        self._deadline = max(self._deadline, time.monotonic() + seconds)

    def explain(self, code: str, facts: dict[str, str] | None = None) -> Explanation:
        """Return the explanation of ``code`` with the values of this sign-in filled in."""
        return explain(code, {**self._facts, **(facts or {})})

    def paste(self, text: str, *, accept_bare_code: bool = False) -> Explanation | None:
        """Accept the URL that the user pasted. Return None if it is the response, or the reason if it is not.

        The URL's query is checked like a callback. On ``pasted_bare_code``, ask the user, then call again with
        ``accept_bare_code``.
        """
        if self.request is None:
            return self.explain("callback_unreadable")
        if self._has_response:
            return None
        try:
            response = check_pasted(text, self.request, accept_bare_code=accept_bare_code)
        except CallbackRejected as rejected:
            return self.explain(rejected.code)
        self.accept(response)
        return None

    # ── unsaved and unusable tokens ──

    @property
    def saved(self) -> SavedProfile | None:
        """The saved profile, also if the sign-in was cancelled after the token was received."""
        return self._exchange.saved if self._exchange else None

    @property
    def has_unsaved_token(self) -> bool:
        """Whether a token exists only in memory: requested, not saved yet, or failed to save."""
        return self._exchange is not None and self._exchange.has_unsaved_token

    def skip_verification(self) -> bool:
        """Skip verification because the user wants to leave. Return whether there is an unsaved token.

        If so, read the stream to its end first. It ends soon, because the token is no longer verified.
        """
        if self._exchange is not None:
            self._exchange.skip_verification()
        return self.has_unsaved_token

    @property
    def unusable(self) -> UnusableTokenResponse | None:
        """The response with a token that cannot be used, or None."""
        return self._exchange.unusable if self._exchange else None

    def describe_unusable(self) -> str:
        """See :meth:`slack_token_tui.oauth.exchange.CodeExchange.describe_unusable`."""
        return self._exchange.describe_unusable() if self._exchange else ""

    async def revoke_unusable(self) -> tuple[Revocation, ...]:
        """See :meth:`slack_token_tui.oauth.exchange.CodeExchange.revoke_unusable`."""
        assert self._exchange is not None, "unusable says when there is one"
        return await self._exchange.revoke_unusable()

    def discard(self) -> None:
        """Discard the token that could not be saved, because the user chose to."""
        if self._exchange is not None:
            self._exchange.discard()

    def save_to_fallback(self) -> str:
        """See :meth:`slack_token_tui.oauth.exchange.CodeExchange.save_to_fallback`."""
        return self._exchange.save_to_fallback() if self._exchange else ""

    async def save_again(self, *, in_file: bool = False) -> SavedProfile:
        """See :meth:`slack_token_tui.oauth.exchange.CodeExchange.save_again`."""
        assert self._exchange is not None, "has_unsaved_token says when there is one"
        return await self._exchange.save_again(in_file=in_file)

    # ── calls from the listener (CallbackHandler) ──

    def check_callback(self, query: str) -> AuthorizationResponse:
        """See :meth:`slack_token_tui.oauth.listener.CallbackHandler.check_callback`."""
        assert self.request is not None
        return check_callback(query, self.request)

    def accept(self, response: AuthorizationResponse) -> None:
        """Accept the first response, from the listener or pasted. Later ones are ignored."""
        if not self._has_response:
            self._has_response = True
            self._responses.put_nowait(response)

    def ignore(self, code: str) -> None:
        """See :meth:`slack_token_tui.oauth.listener.CallbackHandler.ignore`."""
        self._ignored_count += 1
        # Queue each code once: thousands of callbacks may arrive before the event is read. The count includes all.
        if code not in self._queued_ignored_codes:
            self._queued_ignored_codes.add(code)
            self._responses.put_nowait(events.UnexpectedCallback(self._ignored_count, self.explain(code)))

    # ── event stream ──

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield the events of the sign-in. The last one is Saved or Failed."""
        async with aclosing(self._events()) as stream:
            try:
                async for event in stream:
                    yield event
            finally:
                if (file_future := self._redirect_file) is not None:
                    if file_future.done():
                        _remove_redirect_file(file_future)
                    else:
                        file_future.add_done_callback(_remove_redirect_file)

    async def _events(self) -> AsyncGenerator[Event, None]:
        is_known("out_of_files")  # loads the catalog, which cannot be opened once file descriptors run out
        try:
            # Do not request a token that could not be saved.
            await asyncio.to_thread(self.store.check_writable, self.name)
            self._saved_app = await asyncio.to_thread(read_app, self.store.home, self.app.client_id)
            self.app = await asyncio.to_thread(with_secret, self.app)
        except StorageError as error:
            yield events.Failed(Step.SAVE, self.explain(error.code, error.facts))
            return
        # Before the port is bound: nothing may be awaited between binding the port and starting the listener.
        team = await asyncio.to_thread(self._previous_team)
        port: BoundPort | None = None
        redirect_uri = self.app.redirect_uris[0]
        if loopback_uris := [uri for uri in self.app.redirect_uris if is_loopback_redirect(uri)]:
            redirect_uri = loopback_uris[0]
            try:
                port = bind_first_free(loopback_uris)
                redirect_uri = port.redirect_uri
            except PortsUnavailable as unavailable:
                yield await self._require_paste(unavailable, redirect_uri)
        else:
            yield events.PasteRequired(redirect_uri, None)
        self._facts["redirect_uri"] = redirect_uri
        self.request = AuthorizationRequest.create(self.app, self.scopes, redirect_uri, team)
        if port is None:
            async for event in self._authorize_and_exchange(self.request, None):
                yield event
            return
        listener = CallbackListener(port, self)
        try:
            await listener.start()
            skipped_holders = await asyncio.to_thread(_find_port_holders, port.taken)
            yield events.Listening(redirect_uri, port.families, skipped_holders)
            async with aclosing(self._authorize_and_exchange(self.request, listener)) as stream:
                async for event in stream:
                    yield event
        finally:
            await listener.close()

    def _previous_team(self) -> str:
        """Return the workspace of the profile that is signed in again, or "". Slack's page preselects it."""
        if self.name is None or any(scope.startswith("identity.") for scope in self.scopes):
            return ""  # with identity scopes, Slack has returned oauth_authorization_url_mismatch for it
        try:
            previous = self.store.read(self.name)
        except ProfileError:
            return ""
        return previous.team_id or "" if previous.client_id == self.app.client_id else ""

    async def _require_paste(self, unavailable: PortsUnavailable, redirect_uri: str) -> Event:
        if not unavailable.taken:
            facts = {"detail": unavailable.detail or "no reason given"}
            return events.PasteRequired(redirect_uri, self.explain("no_loopback", facts))
        holders = await asyncio.to_thread(_find_port_holders, unavailable.taken)
        facts = {"ports": ", ".join(str(holder.port) for holder in holders), "holders": "; ".join(map(str, holders))}
        return events.PasteRequired(redirect_uri, self.explain("all_ports_taken", facts))

    async def _authorize_and_exchange(
        self, request: AuthorizationRequest, listener: CallbackListener | None
    ) -> AsyncGenerator[Event, None]:
        show_page = _ignore_page if listener is None else listener.finish
        yield events.BrowserOpening(request.url)
        outcome: browser.Opened | browser.NotOpened | None = None
        if self._open_browser is not None:
            loop = asyncio.get_running_loop()
            self._redirect_file = loop.run_in_executor(None, write_redirect_file, self.store.home, request.url)
            outcome = await self._open_browser(request.url, self.app.browser, await asyncio.shield(self._redirect_file))
            yield events.BrowserResult(outcome)
        env = environment.detect()
        # Not needed if BROWSER opened one: a remote editor that sets BROWSER also forwards the port.
        opened = isinstance(outcome, browser.Opened)
        if env.is_remote and not opened and is_loopback_redirect(request.redirect_uri):
            port = urlsplit(request.redirect_uri).port if listener is not None else None
            yield events.RemoteBrowser(env.tunnel_command(port) if port is not None else None)

        response: AuthorizationResponse | None = None
        hint_at = time.monotonic() + self._hint_seconds
        while response is None:
            until_hint = max(0.0, hint_at - time.monotonic())
            try:
                received = await asyncio.wait_for(self._responses.get(), min(self.remaining_seconds, until_hint))
            except TimeoutError:
                if time.monotonic() >= hint_at and self.remaining_seconds > 0:
                    hint_at = float("inf")
                    yield events.StillWaiting()
                    continue
                if self.remaining_seconds > 0:  # the deadline was extended meanwhile
                    continue
                show_page(Page.CANCELLED)
                yield events.Failed(Step.APPROVE, self.explain("sign_in_timed_out"))
                return
            if isinstance(received, events.UnexpectedCallback):
                self._queued_ignored_codes.discard(received.explanation.code)
                yield replace(received, count=self._ignored_count)
            else:
                response = received
        if not isinstance(response, AuthorizationCode):
            show_page(Page.DENIED if response.code == "access_denied" else Page.REFUSED)
            yield events.Failed(Step.APPROVE, self.explain(response.code))
            return
        # Slack accepted the app, so save it. This runs in parallel with the requests.
        app_args = (self.store.home, self._requested_app, self._saved_app, self.scopes)
        remember_future = asyncio.get_running_loop().run_in_executor(None, remember_app, *app_args)
        yield events.Approved()
        self._exchange = CodeExchange(self.app, request, self.store, self.name, self.explain, show_page)
        async with aclosing(self._exchange.events(response)) as stream:
            async for event in stream:
                if isinstance(event, events.Saved):
                    await asyncio.shield(remember_future)
                yield event


def _remove_redirect_file(file_future: asyncio.Future[Path | None]) -> None:
    if not file_future.cancelled() and (path := file_future.result()) is not None:
        with suppress(OSError):
            path.unlink()


def _ignore_page(_: Page) -> None:
    """Do nothing: no browser is waiting, because the URL was pasted."""


def _missing_scopes_sentence(app: SlackApp, scopes: tuple[str, ...]) -> str:
    """Return a sentence that names the ``scopes`` missing from the app's registered scopes, or "" if there are none."""
    names = [name for name in scopes if app.registered_scopes and name not in app.registered_scopes]
    return f"The app is not known to have {', '.join(names)}." if names else ""


def _find_port_holders(redirect_uris: tuple[str, ...]) -> tuple[port_holders.PortHolder, ...]:
    ports = (urlsplit(uri).port for uri in redirect_uris)
    return tuple(port_holders.find_holder(port) for port in ports if port is not None)
