"""A sign-in from key press to saved profile, as a stream of events. It knows nothing of who reads them."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from slack_token_tui.desktop import browser, port_holders, surroundings
from slack_token_tui.keeping.apps import SlackApp, change_app, is_heard_here, read_app, with_secret
from slack_token_tui.keeping.fast_read import ProfileFileError
from slack_token_tui.keeping.files import StoreError
from slack_token_tui.keeping.profile import Profile
from slack_token_tui.keeping.rescue import rescue_tokens
from slack_token_tui.keeping.settings import remember_last_app
from slack_token_tui.keeping.store import Kept, ProfileStore
from slack_token_tui.signing_in import events
from slack_token_tui.signing_in.callback import (
    Answer,
    AuthorizationCode,
    CallbackRejected,
    check_callback,
    check_pasted,
)
from slack_token_tui.signing_in.events import Event, Step
from slack_token_tui.signing_in.listener import BoundPort, CallbackListener, PortsUnavailable, bind_first_free
from slack_token_tui.signing_in.pages import Page
from slack_token_tui.signing_in.profile_of import profile_of
from slack_token_tui.signing_in.request import AuthorizationRequest
from slack_token_tui.slack.answers import Grant, Identity
from slack_token_tui.slack.client import Client, SlackClient
from slack_token_tui.slack.errors import RateLimited, SlackError, SlackUnreachable
from slack_token_tui.slack.explanations import Explanation, explain

TIME_LIMIT_SECONDS = 300.0
EXTENSION_SECONDS = 300.0
_USED = ("endpoints", "redirect_uris", "client_secret", "secret_in_keyring")
"""What a sign-in uses of its app, and proves to be right. The rest of what is remembered is the person's own."""
HINT_SECONDS = 20.0
"""After so long without an answer the browser probably shows something that never comes here."""

OpenBrowser = Callable[[str, str], Awaitable[browser.Opened | browser.NotOpened]]
"""Of an address and of the app's own browser command, as :func:`slack_token_tui.desktop.browser.open_url`."""


class SignIn:
    """One sign-in. Iterate over :meth:`events` once; close or cancel it at any point to end everything it opened.

    A grant in hand survives that: when the end comes after the code went to Slack, the answer is waited for and saved before
    anything else.

    Attributes:
        kept: what was saved, also on the way out.
    """

    def __init__(
        self,
        app: SlackApp,
        scopes: tuple[str, ...],
        store: ProfileStore,
        *,
        name: str | None = None,
        open_browser: OpenBrowser | None = browser.open_url,
        time_limit_seconds: float = TIME_LIMIT_SECONDS,
        hint_seconds: float = HINT_SECONDS,
    ) -> None:
        """
        Args:
            app: which Slack app, on which Slack.
            scopes: user scopes to ask for.
            store: where the token will be kept.
            name: the profile's name, if one is wished for.
            open_browser: how; None to only show the address.
            time_limit_seconds: how long to wait for the person.
            hint_seconds: after how long without an answer to say so.
        """
        self.app = app
        self.scopes = scopes
        self.store = store
        self.name = name
        self.request: AuthorizationRequest | None = None
        self._open_browser = open_browser
        self._deadline = time.monotonic() + time_limit_seconds
        self._hint_seconds = hint_seconds
        self._heard: asyncio.Queue[Answer | events.Stray] = asyncio.Queue()
        self._answered = False
        self.kept: Kept | None = None
        self._app_before: SlackApp | None = None
        self._exchanging: asyncio.Future[Grant] | None = None
        self._unsaved: Profile | None = None
        self._hurried = False
        self._verifying: asyncio.Timeout | None = None
        self._strays = 0
        self._facts = {
            "client_id": app.client_id,
            "scopes": ", ".join(scopes),
            "lacking": _lacking(app, scopes),
            "host": app.endpoints.host,
            "app_settings": app.endpoints.apps_page,
            "name": name or "the profile",
        }

    @property
    def seconds_left(self) -> float:
        """How long the wait for the person will go on, never below zero."""
        return max(0.0, self._deadline - time.monotonic())

    def extend(self, seconds: float = EXTENSION_SECONDS) -> None:
        """Give the person more time: at least ``seconds`` from now."""
        self._deadline = max(self._deadline, time.monotonic() + seconds)

    def explain(self, code: str, facts: dict[str, str] | None = None) -> Explanation:
        """Return the explanation of ``code`` with the values of this sign-in filled in."""
        return explain(code, {**self._facts, **(facts or {})})

    def paste(self, text: str, *, bare_code_is_meant: bool = False) -> Explanation | None:
        """Take the address that a person pasted; return None when it is the answer, else why it is not.

        The check is the listener's own. ``pasted_bare_code`` means: ask, then come again with ``bare_code_is_meant``.
        """
        if self.request is None:
            return self.explain("callback_unreadable")
        if self._answered:
            return None
        try:
            answer = check_pasted(text, self.request, bare_code_is_meant=bare_code_is_meant)
        except CallbackRejected as rejected:
            return self.explain(rejected.code)
        self.answered(answer)
        return None

    @property
    def holds_unsaved(self) -> bool:
        """Whether there is a grant, or one on its way, that is not saved yet or could not be, and is here alone."""
        return self._unsaved is not None or self._exchanging is not None

    def hurry(self) -> bool:
        """Somebody wants to leave. Tell whether the stream must be followed to its end first, because it holds a grant.

        That end comes soon: Slack is no longer asked who the grant speaks for.
        """
        self._hurried = True
        if self._verifying is not None:
            self._verifying.reschedule(0)
        return self.holds_unsaved

    def rescue(self) -> str:
        """Put the grant that could not be saved into a file of its own, and return what to say of that, as a sentence."""
        assert self._unsaved is not None, "holds_unsaved says when there is one"
        profile = self._unsaved
        try:
            path = rescue_tokens(profile)
        except StoreError:
            return (
                f"The new token could be kept nowhere. It works at Slack until it ends: {self.app.endpoints.apps_page}"
            )
        words = ["slack-token-tui", "import", "--client-id", profile.client_id, "--slack-url", profile.endpoints.base]
        return (
            f"The new token is in {path}, readable by you alone. When what is in the way is mended: "
            f"{shlex.join(words)} < {shlex.quote(str(path))}"
        )

    async def save_again(self, *, in_file: bool = False) -> Kept:
        """Save the grant that could not be saved.

        Args:
            in_file: in a file, when the settings say keyring.

        Raises:
            StoreError: it still cannot be. The grant stays here.
        """
        assert self._unsaved is not None, "holds_unsaved says when there is one"
        kept = await asyncio.get_running_loop().run_in_executor(None, self._keep, self._unsaved, in_file)
        self._unsaved = None
        return kept

    # ── what the listener tells ──

    def check(self, query: str) -> Answer:
        """See :class:`slack_token_tui.signing_in.listener.Reader`."""
        assert self.request is not None
        return check_callback(query, self.request)

    def answered(self, answer: Answer) -> None:
        """See :class:`slack_token_tui.signing_in.listener.Reader`. The first answer wins, heard or pasted."""
        if not self._answered:
            self._answered = True
            self._heard.put_nowait(answer)

    def stray(self, code: str) -> None:
        """See :class:`slack_token_tui.signing_in.listener.Reader`."""
        self._strays += 1
        self._heard.put_nowait(events.Stray(self._strays, self.explain(code)))

    # ── the stream ──

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield what happens. The last event is Saved or Failed."""
        try:
            # What could not be saved is better not asked for.
            await asyncio.to_thread(self.store.make_ready, self.name)
            self._app_before = await asyncio.to_thread(read_app, self.store.home, self.app.client_id)
            self.app = await asyncio.to_thread(with_secret, self.app)
        except StoreError as error:
            yield events.Failed(Step.SAVE, self.explain(error.code, error.facts))
            return
        port: BoundPort | None = None
        redirect_uri = self.app.redirect_uris[0]
        if local := [address for address in self.app.redirect_uris if is_heard_here(address)]:
            redirect_uri = local[0]
            try:
                port = bind_first_free(local)
                redirect_uri = port.redirect_uri
            except PortsUnavailable as unavailable:
                yield await self._paste_only(unavailable, redirect_uri)
        else:
            yield events.PasteOnly(redirect_uri, None)
        self._facts["redirect_uri"] = redirect_uri
        team = await asyncio.to_thread(self._team)
        self.request = AuthorizationRequest.create(self.app, self.scopes, redirect_uri, team)
        if port is None:
            async for event in self._ask_and_exchange(self.request, None):
                yield event
            return
        listener = CallbackListener(port, self)
        try:
            await listener.start()
            passed_over = await asyncio.to_thread(_holders, port.passed_over)
            yield events.Listening(redirect_uri, port.families, passed_over)
            async with aclosing(self._ask_and_exchange(self.request, listener)) as stream:
                async for event in stream:
                    yield event
        finally:
            await listener.close()

    def _team(self) -> str:
        """The workspace that the profile belongs to, when one is signed in again: Slack's page then begins with it."""
        if self.name is None or any(scope.startswith("identity.") for scope in self.scopes):
            return ""  # beside identity scopes Slack has answered oauth_authorization_url_mismatch to it
        try:
            older = self.store.read(self.name)
        except (FileNotFoundError, ProfileFileError):
            return ""
        return older.team_id or "" if older.client_id == self.app.client_id else ""

    async def _paste_only(self, unavailable: PortsUnavailable, redirect_uri: str) -> Event:
        if not unavailable.taken:
            facts = {"detail": unavailable.detail or "no reason given"}
            return events.PasteOnly(redirect_uri, self.explain("no_loopback", facts))
        found = await asyncio.to_thread(_holders, unavailable.taken)
        facts = {"ports": ", ".join(str(one.port) for one in found), "holders": "; ".join(map(str, found))}
        return events.PasteOnly(redirect_uri, self.explain("all_ports_taken", facts))

    async def _ask_and_exchange(
        self, request: AuthorizationRequest, listener: CallbackListener | None
    ) -> AsyncGenerator[Event, None]:
        def failed(step: Step, page: Page, code: str, facts: dict[str, str] | None = None) -> Event:
            if listener is not None:
                listener.finish(page)
            return events.Failed(step, self.explain(code, facts))

        yield events.BrowserOpening(request.url)
        outcome: browser.Opened | browser.NotOpened | None = None
        if self._open_browser is not None:
            outcome = await self._open_browser(request.url, self.app.browser)
            yield events.BrowserAnswered(outcome)
        around = surroundings.look()
        # Where BROWSER has opened one, as a remote editor's does, that editor forwards the port too.
        opened = isinstance(outcome, browser.Opened)
        if around.is_remote and not opened and is_heard_here(request.redirect_uri):
            port = urlsplit(request.redirect_uri).port if listener is not None else None
            yield events.BrowserElsewhere(around.tunnel(port) if port is not None else None)

        answer: Answer | None = None
        hint_at = time.monotonic() + self._hint_seconds
        while answer is None:
            until_hint = max(0.0, hint_at - time.monotonic())
            try:
                heard = await asyncio.wait_for(self._heard.get(), min(self.seconds_left, until_hint))
            except TimeoutError:
                if time.monotonic() >= hint_at and self.seconds_left > 0:
                    hint_at = float("inf")
                    yield events.NothingYet()
                    continue
                if self.seconds_left > 0:  # the person was given more time meanwhile
                    continue
                yield failed(Step.APPROVE, Page.CANCELLED, "sign_in_timed_out")
                return
            if isinstance(heard, events.Stray):
                yield heard
            else:
                answer = heard
        if not isinstance(answer, AuthorizationCode):
            page = Page.DENIED if answer.code == "access_denied" else Page.REFUSED
            yield failed(Step.APPROVE, page, answer.code)
            return
        # Slack has taken the app, so it is worth remembering; that goes on beside the requests.
        remembering = asyncio.get_running_loop().run_in_executor(None, self._remember_app)
        yield events.Approved()

        async with SlackClient(self.app.endpoints) as slack:
            yield events.Exchanging()
            granted_at = datetime.now(UTC)
            verifier = request.pkce.code_verifier if request.pkce else None
            client = Client(self.app.client_id, self.app.client_secret)
            self._exchanging = asyncio.ensure_future(
                slack.exchange(client, answer.code, verifier, request.redirect_uri)
            )
            try:
                grant = await asyncio.shield(self._exchanging)
            except asyncio.CancelledError:
                # Slack may have given a token by now: whoever has cancelled waits for it, as long as a request may take.
                with suppress(SlackError):
                    self._unsaved = self._profile(request, await self._exchanging, None, granted_at)
                    self._keep_unsaved(listener)
                raise
            except SlackError as error:
                self._exchanging = None
                never_asked = isinstance(error, SlackUnreachable) and not isinstance(error, RateLimited)
                page = Page.UNREACHABLE if never_asked else Page.REFUSED
                yield failed(Step.EXCHANGE, page, error.code, error.facts)
                return
            # From here on there is a grant, and whatever ends this generator must not lose it.
            self._unsaved, self._exchanging = self._profile(request, grant, None, granted_at), None
            try:
                yield events.Verifying()
                identity, trouble = await self._verified(slack, grant)
                if trouble is not None and trouble.code == "token_is_bot":
                    self._unsaved = None
                    yield failed(Step.VERIFY, Page.REFUSED, trouble.code)
                    return
                if identity is not None:
                    yield events.Verified(identity)
                elif trouble is not None:
                    yield events.Unverified(self.explain(trouble.code, trouble.facts))
            except (GeneratorExit, asyncio.CancelledError):
                self._keep_unsaved(listener)
                raise
        self._unsaved = profile = self._profile(request, grant, identity, granted_at)
        # A future of the executor, not a task: it is under way at once, and no cancel of ours can stop it any more.
        saving = asyncio.get_running_loop().run_in_executor(None, self._keep, profile)
        try:
            kept = self.kept = await asyncio.shield(saving)
            self._unsaved = None
            await asyncio.shield(remembering)
        except StoreError as error:
            yield failed(Step.SAVE, Page.NOT_SAVED, error.code, error.facts)
            return
        if listener is not None:
            listener.finish(Page.SAVED)
        yield events.Saved(kept)

    async def _verified(self, slack: SlackClient, grant: Grant) -> tuple[Identity | None, SlackError | None]:
        """Return who the grant speaks for, or what prevented Slack from saying; neither after :meth:`hurry`."""
        try:
            async with asyncio.timeout(0 if self._hurried else None) as self._verifying:
                return await slack.verify(grant.access_token), None
        except TimeoutError:  # only hurry()'s: a time limit of Slack's is a SlackError
            return None, None
        except SlackError as error:
            return None, error
        finally:
            self._verifying = None

    def _profile(
        self, request: AuthorizationRequest, grant: Grant, identity: Identity | None, granted_at: datetime
    ) -> Profile:
        return profile_of(
            grant=grant,
            identity=identity,
            client_id=request.client_id,
            endpoints=request.endpoints,
            redirect_uri=request.redirect_uri,
            scopes_asked=request.scopes,
            granted_at=granted_at,
            verified_at=datetime.now(UTC) if identity else None,
        )

    def _keep_unsaved(self, listener: CallbackListener | None) -> None:
        """Save at the very end what is here alone; ``kept`` and ``holds_unsaved`` say what came of it."""
        if self._unsaved is None:
            return
        with suppress(StoreError):
            self.kept, self._unsaved = self._keep(self._unsaved), None
            if listener is not None:
                listener.finish(Page.SAVED)

    def _keep(self, profile: Profile, in_file: bool = False) -> Kept:
        kept = self.store.keep(profile, self.name, in_keyring=False if in_file else None)
        self._learn(profile.scopes)
        return kept

    def _learn(self, granted: tuple[str, ...]) -> None:
        """Where it is known which scopes the app has, those that Slack has granted belong to them."""

        def learn(known: SlackApp | None) -> SlackApp | None:
            if known is None or not known.registered_scopes:
                return None
            return replace(known, registered_scopes=tuple(dict.fromkeys((*known.registered_scopes, *granted))))

        with suppress(StoreError):  # as in _remember_app
            change_app(self.store.home, self.app.client_id, learn)

    def _remember_app(self) -> None:
        """It is only a convenience for next time: what prevents it is not reported."""

        def remember(known: SlackApp | None) -> SlackApp | None:
            if self._app_before is None:
                return replace(known or self.app, scopes=self.scopes)
            if known is None:
                return None  # it was forgotten meanwhile
            used = {name: getattr(self.app, name) for name in _USED if self._differs(name)}
            return replace(known, scopes=self.scopes, **used)

        with suppress(StoreError):
            change_app(self.store.home, self.app.client_id, remember)
            remember_last_app(self.store.home, self.app.client_id)

    def _differs(self, name: str) -> bool:
        """Tell whether this sign-in has used another value than was remembered when it began."""
        return bool(getattr(self.app, name) != getattr(self._app_before, name))


def _lacking(app: SlackApp, scopes: tuple[str, ...]) -> str:
    """Return, as a sentence or nothing, which of ``scopes`` the app is known not to have."""
    names = [name for name in scopes if app.registered_scopes and name not in app.registered_scopes]
    return f"The app is not known to have {', '.join(names)}." if names else ""


def _holders(redirect_uris: tuple[str, ...]) -> tuple[port_holders.PortHolder, ...]:
    ports = (urlsplit(address).port for address in redirect_uris)
    return tuple(port_holders.holder(port) for port in ports if port is not None)
