"""A sign-in from key press to saved profile, as a stream of events. It knows nothing of who reads them."""

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
from slack_token_tui.store.atomic_file import StorageError
from slack_token_tui.store.hot_path import ProfileFileError
from slack_token_tui.store.profiles import ProfileStore, SavedProfile
from slack_token_tui.tokens.revoke import Revocation

TIMEOUT_SECONDS = 300.0
EXTENSION_SECONDS = 300.0
HINT_DELAY_SECONDS = 20.0
"""After so long without an answer the browser probably shows something that never comes here."""

BrowserOpener = Callable[[str, str, Path | None], Awaitable[browser.Opened | browser.NotOpened]]
"""Called with a URL, the app's own browser command and a file that leads to the URL, as
:func:`slack_token_tui.desktop.browser.open_url` is."""


class SignInSession:
    """One sign-in. Iterate over :meth:`events` once; close or cancel it at any point to end everything it opened.

    A grant in hand survives that: see :mod:`slack_token_tui.oauth.exchange`.
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
            app: which Slack app, on which Slack.
            scopes: user scopes to ask for.
            store: where the token will be kept.
            name: the profile's name, if one is wished for.
            open_browser: how; None to only show the address.
            timeout_seconds: how long to wait for the person.
            hint_seconds: after how long without an answer to say so.
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
            "lacking": _missing_scopes(app, scopes),
            "host": app.endpoints.host,
            "app_settings": app.endpoints.apps_url,
            "name": name or "the profile",
        }

    @property
    def seconds_left(self) -> float:
        """How long the wait for the person will go on, never below zero."""
        return max(0.0, self._deadline - time.monotonic())

    @property
    def has_response(self) -> bool:
        """Whether an answer has come, heard or pasted."""
        return self._has_response

    def extend(self, seconds: float = EXTENSION_SECONDS) -> None:
        """Give the person more time: at least ``seconds`` from now."""
        self._deadline = max(self._deadline, time.monotonic() + seconds)

    def explain(self, code: str, facts: dict[str, str] | None = None) -> Explanation:
        """Return the explanation of ``code`` with the values of this sign-in filled in."""
        return explain(code, {**self._facts, **(facts or {})})

    def paste(self, text: str, *, accept_bare_code: bool = False) -> Explanation | None:
        """Take the address that a person pasted; return None when it is the answer, else why it is not.

        The check is the listener's own. ``pasted_bare_code`` means: ask, then come again with ``accept_bare_code``.
        """
        if self.request is None:
            return self.explain("callback_unreadable")
        if self._has_response:
            return None
        try:
            answer = check_pasted(text, self.request, accept_bare_code=accept_bare_code)
        except CallbackRejected as rejected:
            return self.explain(rejected.code)
        self.accept(answer)
        return None

    # ── a grant that is here alone ──

    @property
    def saved(self) -> SavedProfile | None:
        """What was saved, also on the way out."""
        return self._exchange.saved if self._exchange else None

    @property
    def has_unsaved_token(self) -> bool:
        """Whether there is a grant, or one on its way, that is not saved yet or could not be, and is here alone."""
        return self._exchange is not None and self._exchange.has_unsaved_token

    def skip_verification(self) -> bool:
        """Somebody wants to leave. Tell whether the stream must be followed to its end first, because it holds a grant.

        That end comes soon: Slack is no longer asked who the grant speaks for.
        """
        if self._exchange is not None:
            self._exchange.skip_verification()
        return self.has_unsaved_token

    @property
    def unusable(self) -> UnusableTokenResponse | None:
        """What Slack sent instead of a token that can be used."""
        return self._exchange.unusable if self._exchange else None

    def describe_unusable(self) -> str:
        """See :meth:`slack_token_tui.oauth.exchange.Finishing.describe_unusable`."""
        return self._exchange.describe_unusable() if self._exchange else ""

    async def revoke_unusable(self) -> tuple[Revocation, ...]:
        """See :meth:`slack_token_tui.oauth.exchange.Finishing.revoke_unusable`."""
        assert self._exchange is not None, "unusable says when there is one"
        return await self._exchange.revoke_unusable()

    def discard(self) -> None:
        """Forget the token that could not be saved. A person has decided so."""
        if self._exchange is not None:
            self._exchange.discard()

    def save_to_fallback(self) -> str:
        """See :meth:`slack_token_tui.oauth.exchange.Finishing.rescue`."""
        return self._exchange.save_to_fallback() if self._exchange else ""

    async def save_again(self, *, in_file: bool = False) -> SavedProfile:
        """See :meth:`slack_token_tui.oauth.exchange.Finishing.save_again`."""
        assert self._exchange is not None, "has_unsaved_token says when there is one"
        return await self._exchange.save_again(in_file=in_file)

    # ── what the listener tells ──

    def check_callback(self, query: str) -> AuthorizationResponse:
        """See :class:`slack_token_tui.oauth.listener.Reader`."""
        assert self.request is not None
        return check_callback(query, self.request)

    def accept(self, answer: AuthorizationResponse) -> None:
        """See :class:`slack_token_tui.oauth.listener.Reader`. The first answer wins, heard or pasted."""
        if not self._has_response:
            self._has_response = True
            self._responses.put_nowait(answer)

    def ignore(self, code: str) -> None:
        """See :class:`slack_token_tui.oauth.listener.Reader`."""
        self._ignored_count += 1
        if code not in self._queued_ignored_codes:  # thousands may come before the first is told of; the count says so
            self._queued_ignored_codes.add(code)
            self._responses.put_nowait(events.UnexpectedCallback(self._ignored_count, self.explain(code)))

    # ── the stream ──

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield what happens. The last event is Saved or Failed."""
        async with aclosing(self._events()) as stream:
            try:
                async for event in stream:
                    yield event
            finally:
                if (written := self._redirect_file) is not None:
                    if written.done():
                        _remove_redirect_file(written)
                    else:
                        written.add_done_callback(_remove_redirect_file)

    async def _events(self) -> AsyncGenerator[Event, None]:
        is_known("out_of_files")  # loads the catalogue: without file descriptors it cannot be opened any more
        try:
            # What could not be saved is better not asked for.
            await asyncio.to_thread(self.store.check_writable, self.name)
            self._saved_app = await asyncio.to_thread(read_app, self.store.home, self.app.client_id)
            self.app = await asyncio.to_thread(with_secret, self.app)
        except StorageError as error:
            yield events.Failed(Step.SAVE, self.explain(error.code, error.facts))
            return
        team = await asyncio.to_thread(
            self._previous_team
        )  # before the port is bound: nothing may come between bind and listen
        port: BoundPort | None = None
        redirect_uri = self.app.redirect_uris[0]
        if local := [address for address in self.app.redirect_uris if is_loopback_redirect(address)]:
            redirect_uri = local[0]
            try:
                port = bind_first_free(local)
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
            passed_over = await asyncio.to_thread(_find_port_holders, port.skipped)
            yield events.Listening(redirect_uri, port.families, passed_over)
            async with aclosing(self._authorize_and_exchange(self.request, listener)) as stream:
                async for event in stream:
                    yield event
        finally:
            await listener.close()

    def _previous_team(self) -> str:
        """The workspace that the profile belongs to, when one is signed in again: Slack's page then begins with it."""
        if self.name is None or any(scope.startswith("identity.") for scope in self.scopes):
            return ""  # beside identity scopes Slack has answered oauth_authorization_url_mismatch to it
        try:
            previous = self.store.read(self.name)
        except (FileNotFoundError, ProfileFileError):
            return ""
        return previous.team_id or "" if previous.client_id == self.app.client_id else ""

    async def _require_paste(self, unavailable: PortsUnavailable, redirect_uri: str) -> Event:
        if not unavailable.taken:
            facts = {"detail": unavailable.detail or "no reason given"}
            return events.PasteRequired(redirect_uri, self.explain("no_loopback", facts))
        found = await asyncio.to_thread(_find_port_holders, unavailable.taken)
        facts = {"ports": ", ".join(str(holder.port) for holder in found), "holders": "; ".join(map(str, found))}
        return events.PasteRequired(redirect_uri, self.explain("all_ports_taken", facts))

    async def _authorize_and_exchange(
        self, request: AuthorizationRequest, listener: CallbackListener | None
    ) -> AsyncGenerator[Event, None]:
        tell_browser = _no_browser if listener is None else listener.finish
        yield events.BrowserOpening(request.url)
        outcome: browser.Opened | browser.NotOpened | None = None
        if self._open_browser is not None:
            loop = asyncio.get_running_loop()
            self._redirect_file = loop.run_in_executor(None, write_redirect_file, self.store.home, request.url)
            outcome = await self._open_browser(request.url, self.app.browser, await asyncio.shield(self._redirect_file))
            yield events.BrowserResult(outcome)
        around = environment.detect()
        # Where BROWSER has opened one, as a remote editor's does, that editor forwards the port too.
        opened = isinstance(outcome, browser.Opened)
        if around.is_remote and not opened and is_loopback_redirect(request.redirect_uri):
            port = urlsplit(request.redirect_uri).port if listener is not None else None
            yield events.RemoteBrowser(around.tunnel_command(port) if port is not None else None)

        answer: AuthorizationResponse | None = None
        hint_at = time.monotonic() + self._hint_seconds
        while answer is None:
            until_hint = max(0.0, hint_at - time.monotonic())
            try:
                heard = await asyncio.wait_for(self._responses.get(), min(self.seconds_left, until_hint))
            except TimeoutError:
                if time.monotonic() >= hint_at and self.seconds_left > 0:
                    hint_at = float("inf")
                    yield events.StillWaiting()
                    continue
                if self.seconds_left > 0:  # the person was given more time meanwhile
                    continue
                tell_browser(Page.CANCELLED)
                yield events.Failed(Step.APPROVE, self.explain("sign_in_timed_out"))
                return
            if isinstance(heard, events.UnexpectedCallback):
                self._queued_ignored_codes.discard(heard.explanation.code)
                yield replace(heard, count=self._ignored_count)
            else:
                answer = heard
        if not isinstance(answer, AuthorizationCode):
            tell_browser(Page.DENIED if answer.code == "access_denied" else Page.REFUSED)
            yield events.Failed(Step.APPROVE, self.explain(answer.code))
            return
        # Slack has taken the app, so it is worth remembering; that goes on beside the requests.
        known = (self.store.home, self._requested_app, self._saved_app, self.scopes)
        remembering = asyncio.get_running_loop().run_in_executor(None, remember_app, *known)
        yield events.Approved()
        self._exchange = CodeExchange(self.app, request, self.store, self.name, self.explain, tell_browser)
        async with aclosing(self._exchange.events(answer)) as stream:
            async for event in stream:
                if isinstance(event, events.Saved):
                    await asyncio.shield(remembering)
                yield event


def _remove_redirect_file(written: asyncio.Future[Path | None]) -> None:
    if not written.cancelled() and (path := written.result()) is not None:
        with suppress(OSError):
            path.unlink()


def _no_browser(_: Page) -> None:
    """No browser waits here: the answer was pasted."""


def _missing_scopes(app: SlackApp, scopes: tuple[str, ...]) -> str:
    """Return, as a sentence or nothing, which of ``scopes`` the app is known not to have."""
    names = [name for name in scopes if app.registered_scopes and name not in app.registered_scopes]
    return f"The app is not known to have {', '.join(names)}." if names else ""


def _find_port_holders(redirect_uris: tuple[str, ...]) -> tuple[port_holders.PortHolder, ...]:
    ports = (urlsplit(address).port for address in redirect_uris)
    return tuple(port_holders.find_holder(port) for port in ports if port is not None)
