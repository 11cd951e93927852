"""Sign-in from a notebook or a script: it runs in a background thread, shows a link, and accepts a pasted URL.

>>> await stt.sign_in("acme", client_id="2141029472.691202649728", scopes="users:read")
>>> stt.sign_in("acme").wait()                 # without await

Over a tunnel, for example on JupyterHub, the browser can't reach the kernel's machine. Save what ``sign_in`` returns,
click Allow, and paste the URL of the page you land on:

>>> pending = stt.sign_in("acme")
>>> pending.paste("http://localhost:28417/callback?code=…")     # or pending.ask(), which prompts for it
"""

from __future__ import annotations

import asyncio
import atexit
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from html import escape
from typing import Any

from slack_token_tui.api import ProfileSummary, SignInFailed, capture_outcome, summarize
from slack_token_tui.desktop import browser
from slack_token_tui.event_loop import EventLoop
from slack_token_tui.oauth.resolve_app import resolve_app
from slack_token_tui.oauth.session import (
    INTERRUPTIBLE_PHASES,
    TIMEOUT_SECONDS,
    Services,
    SignInRequest,
    SignInSession,
    describe_stop,
)
from slack_token_tui.oauth.state import Command, Phase, SignInState, allowed
from slack_token_tui.problems import InvalidInput, Problem, error_location
from slack_token_tui.secret import Secret
from slack_token_tui.store.profiles import ProfileStore, SavedProfile

START_TIMEOUT_SECONDS = 10.0
_STOP_TIMEOUT_SECONDS = 90.0
"""How long ``cancel()`` waits for the thread. It ends at once unless a request that may return a token is in progress,
which takes up to 20 s, and then the lock of the profile up to 30 s."""
_EXIT_THREAD_NAME = "slack-token-tui: end of a sign-in"
_TICK_SECONDS = 0.25
"""How often a wait looks for an interrupt. The event loop of an idle kernel is not woken by one."""

Work = Callable[[], Coroutine[Any, Any, SavedProfile]]


class PendingSignIn:
    """A sign-in that runs in a background thread. ``await`` it, or call :meth:`wait`.

    It shows its link and its progress in the notebook cell that started it. Elsewhere, it prints the link. The end of the
    program or the kernel waits until a token that Slack has been asked for is saved, also after Ctrl+C. Only a signal
    that kills the process, such as SIGTERM, loses it.
    """

    def __init__(self, request: SignInRequest, services: Services) -> None:
        self._session = SignInSession(request, services, self._show)
        self._display: Any = None
        self._start(self._session.run)
        try:
            self._has_link.wait(START_TIMEOUT_SECONDS)
            self._display = _display_card(self)
        except BaseException:  # the cell was interrupted, so the caller never gets this object
            self._stop()
            raise

    @property
    def url(self) -> str | None:
        """The authorize URL, to open in any browser. None until the sign-in is ready."""
        return self._session.state.url

    @property
    def done(self) -> bool:
        """Whether the sign-in has ended, successfully or not."""
        return self._outcome.done()

    @property
    def line(self) -> str:
        """A short description of the current status."""
        return status_line(self._session.state, self._session.request.name, self._note)

    def __await__(self) -> Generator[Any, None, ProfileSummary]:
        return self._wait_for_outcome().__await__()

    async def _wait_for_outcome(self) -> ProfileSummary:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def wake(_: Future[ProfileSummary]) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(ended.set)

        self._outcome.add_done_callback(wake)
        try:
            while not self._outcome.done():
                with suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), _TICK_SECONDS)
        except (asyncio.CancelledError, KeyboardInterrupt):
            self._stop()
            raise
        return self._outcome.result()

    def wait(self, timeout_seconds: float | None = None) -> ProfileSummary:
        """Block until the sign-in has ended. Interrupting the cell stops the sign-in and returns at once.

        A token that Slack has already been asked for is saved in the background.

        Raises:
            SignInFailed: the sign-in ended without a token.
            TimeoutError: the sign-in is still running. Call this again to continue waiting.
        """
        try:
            return self._outcome.result(timeout_seconds)
        except KeyboardInterrupt:
            self._stop()
            raise

    def paste(self, url: str) -> None:
        """Accept the URL of the page that the browser landed on.

        Raises:
            ValueError: the URL is not a response to this sign-in. The message says why. The sign-in keeps waiting.
        """
        pasted = Secret(url)  # the URL contains a code, which tracebacks with local variables would show
        del url
        self._submit_paste(pasted)

    def _submit_paste(self, pasted: Secret) -> None:
        if self.done:
            raise InvalidInput("This sign-in has ended.")
        rejected = asyncio.run_coroutine_threadsafe(self._paste(pasted), self._loop).result(START_TIMEOUT_SECONDS)
        if rejected is not None:
            explanation = rejected.explain()
            raise InvalidInput(f"{explanation.title}. {explanation.remedies[0]}.")

    async def _paste(self, url: Secret) -> Problem | None:
        try:
            self._session.paste(url.reveal())
        except Problem as rejected:
            return rejected
        return None

    def ask(self) -> ProfileSummary:
        """Prompt for the pasted URL until the sign-in has ended, with a paste or in the browser. Return the profile.

        An empty line skips the prompt. Interrupting it stops the sign-in.
        """
        # Without a user to prompt, for example in a scheduled notebook, only wait.
        try:
            with suppress(EOFError, NotImplementedError), _interrupted_when(self._outcome):
                while not self.done and not self._ask_once():
                    pass
        except KeyboardInterrupt:
            self._stop()
            raise
        return self.wait()

    def _ask_once(self) -> bool:
        """Prompt once for the pasted URL, and return whether to stop prompting."""
        pasted = Secret(input("Paste the URL of the page you landed on: ").strip())
        if pasted.reveal() and not self.done:
            try:
                self._submit_paste(pasted)
            except InvalidInput as refusal:
                with suppress(OSError, ValueError):  # standard output can't show it
                    print(refusal)  # noqa: T201 - a reply to the user's input
                return False
        return True

    def retry_exchange(self) -> PendingSignIn:
        """Send the code again after Slack could not be reached. You need not click Allow again. ``await`` the result.

        Raises:
            ValueError: there is no code that Slack still accepts.
        """
        if not self.done:  # it is being sent, or will be in a moment
            self._loop.call_soon_threadsafe(self._session.skip_pause)
            return self
        if Command.RETRY_EXCHANGE not in allowed(self._session.state):
            raise InvalidInput("There is no code to send again. Start a new sign-in.")
        self._start(self._session.retry_exchange)
        self._display = _display_card(self)
        return self

    def cancel(self) -> None:
        """Stop the sign-in and close its port. A token that Slack has already issued is saved first."""
        self._stop()
        self._thread.join(_STOP_TIMEOUT_SECONDS)

    @property
    def is_saved(self) -> bool:
        """Whether the token is saved."""
        return self._session.state.result is not None

    @property
    def is_replaceable(self) -> bool:
        """Whether another sign-in may replace it: Slack is not being asked for a token."""
        return self._session.state.phase in INTERRUPTIBLE_PHASES

    def _stop(self) -> None:
        def stop() -> None:
            self._stopping = asyncio.ensure_future(self._session.stop())

        with suppress(RuntimeError):  # the loop is already closed
            self._loop.call_soon_threadsafe(stop)

    def __repr__(self) -> str:
        return f"<sign-in: {self.line}>" if self.done or not self.url else f"<sign-in: {self.line}. Open {self.url}>"

    def _repr_html_(self) -> str:
        return card(self._session.state, self.line)

    # ── the thread ──

    def _start(self, work: Work) -> None:
        self._loop = EventLoop()
        self._outcome: Future[ProfileSummary] = Future()
        self._has_link = threading.Event()
        self._note = ""
        self._thread = threading.Thread(target=self._run, args=(work,), name="slack-token-tui sign-in", daemon=True)
        self._thread.start()
        threading.Thread(target=self._stop_at_exit, name=_EXIT_THREAD_NAME).start()
        atexit.register(self._finish_at_exit)

    def _stop_at_exit(self) -> None:
        """Stop the sign-in when the program ends. The interpreter waits for this thread, because it is no daemon."""
        while self._thread.is_alive():
            threading.main_thread().join(_TICK_SECONDS)
            if not threading.main_thread().is_alive():
                if not _others_are_running():
                    if not self.is_replaceable:
                        _print_to_stderr("Waiting for Slack's response, to save the token. This can take a minute.")
                    self.cancel()
                time.sleep(_TICK_SECONDS)
        atexit.unregister(self._finish_at_exit)

    def _finish_at_exit(self) -> None:
        """Finish what a second Ctrl+C did not wait for. The interpreter has stopped waiting for threads by now."""
        if self._thread.is_alive():
            with suppress(ValueError):  # this is not the main thread
                signal.signal(signal.SIGINT, signal.SIG_IGN)
            self.cancel()

    def _run(self, work: Work) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._run_work(work))
        finally:
            self._has_link.set()

    async def _run_work(self, work: Work) -> None:
        try:
            saved = await work()
            self._outcome.set_result(summarize(saved.profile, datetime.now(UTC)))
        except Problem as problem:
            await self._fail(problem)
        except Exception as error:  # a bug must not leave the caller waiting
            result = self._session.state.result
            if result is not None:
                self._outcome.set_result(summarize(result.profile, datetime.now(UTC)))
            else:
                await self._fail(Problem("unexpected", detail=error_location(error)))
        self._update_display()

    async def _fail(self, problem: Problem) -> None:
        if Command.RETRY_EXCHANGE not in allowed(self._session.state):
            self._note = describe_stop(await self._session.stop(), self._session.request.app.endpoints.apps_url)
        self._outcome.set_exception(SignInFailed(problem.explain(), self._note))

    def _show(self, state: SignInState) -> None:
        if state.url is not None and not self._has_link.is_set():
            if state.phase is Phase.WAITING and not _runs_in_ipython():
                _print_to_stderr(f"Open this link and click Allow: {state.url}", *_notes(state))
            self._has_link.set()
        self._update_display()

    def _update_display(self) -> None:
        if self._display is not None:
            self._display.update(_Card(self))


def _print_to_stderr(*lines: str) -> None:
    with suppress(OSError, ValueError):  # it is closed, or can't show the characters
        if sys.stderr is not None:
            print(*lines, sep="\n", file=sys.stderr)  # noqa: T201 - the user has to know


def _others_are_running() -> bool:
    """Return whether another thread keeps the program running after the end of the main thread."""
    own = {threading.main_thread(), threading.current_thread()}
    return any(
        not thread.daemon and thread not in own and thread.name != _EXIT_THREAD_NAME for thread in threading.enumerate()
    )


class _Card:
    """What a notebook shows of a sign-in."""

    def __init__(self, pending: PendingSignIn) -> None:
        self._text, self._html = repr(pending), pending._repr_html_()

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return self._html


def status_line(state: SignInState, wanted_name: str | None, note: str = "") -> str:
    """Return a short description of ``state``.

    Args:
        state: the state of the sign-in.
        wanted_name: the profile name that was asked for, or None.
        note: what happened to a token that was not saved, or "".
    """
    match state.phase:
        case Phase.SAVED if state.result is not None:
            name = state.result.profile.name
            if wanted_name in (None, name):
                return f"saved as {name}"
            reason = "this account was already saved" if state.result.replaced else "that name is taken"
            return f"saved as {name}, not as {wanted_name}, because {reason}"
        case Phase.FAILED if state.failure is not None:
            explanation = state.failure.explanation
            if explanation.code == "sign_in_stopped":
                return "canceled"
            return f"{explanation.title} ({explanation.code}). {explanation.happened} {note}".rstrip()
        case Phase.PREPARING:
            return "starting"
        case Phase.WAITING if state.port is None:
            return "waiting for you to click Allow and paste the URL of the page you land on"
        case Phase.WAITING:
            return "waiting for you to click Allow"
        case Phase.RETRYING if state.retry_reason is not None:
            return f"{state.retry_reason.title}. Trying again"
    return "waiting for Slack"


def _notes(state: SignInState) -> list[str]:
    """Return what the user should know before clicking Allow, as sentences."""
    notes = []
    if state.port is None:
        notes += [] if state.paste_reason is None else [state.paste_reason.happened]
        notes.append("Run pending = sign_in(…) and pending.ask(), and paste the URL of the page you land on.")
    if state.ignored is not None and state.ignored.is_important:
        notes.append(f"{state.ignored.explanation.happened} {state.ignored.explanation.remedies[0]}.")
    return notes


def card(state: SignInState, line: str) -> str:
    """Return the HTML that a notebook shows of ``state``, with ``line`` as its first line."""
    parts = [f"<b>Sign in to Slack</b>: {escape(line)}"]
    if state.phase is Phase.WAITING and state.url is not None:
        parts += [
            f"<a href='{escape(state.url, quote=True)}' target='_blank' rel='noopener noreferrer'>"
            "Open Slack and click Allow</a>",
            *map(escape, _notes(state)),
            "If your browser can't reach this machine, run <code>pending = stt.sign_in(…)</code>. "
            "Then <code>pending.ask()</code> prompts for the URL of the page you land on.",
        ]
    if Command.RETRY_EXCHANGE in allowed(state) and state.phase is Phase.FAILED:
        parts.append("<code>await pending.retry_exchange()</code> sends the code again. You don't need to click Allow.")
    return "<br>".join(parts)


@contextmanager
def _interrupted_when(outcome: Future[Any]) -> Iterator[None]:
    """End the block once ``outcome`` is done, with an interrupt: nothing else ends a prompt.

    Signals interrupt only the main thread, and on Windows not even a prompt. There, the block ends by itself.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or sys.platform == "win32" or outcome.done():
        yield
        return
    main_thread, previous = threading.main_thread().ident, signal.getsignal(signal.SIGINT)
    is_inside, is_interrupted = True, False

    def handle(number: int, frame: Any) -> None:
        nonlocal is_interrupted
        if not outcome.done():
            if callable(previous):
                previous(number, frame)
        elif is_inside:
            is_interrupted = True
            raise KeyboardInterrupt

    def interrupt(_: Future[Any]) -> None:
        if is_inside and main_thread is not None:
            signal.pthread_kill(main_thread, signal.SIGINT)

    signal.signal(signal.SIGINT, handle)
    try:
        outcome.add_done_callback(interrupt)
        yield
    except KeyboardInterrupt:
        if not is_interrupted:
            raise
    finally:
        is_inside = False
        signal.signal(signal.SIGINT, previous)


_pending: dict[tuple[str | None, str, str], PendingSignIn] = {}
"""The last sign-in of each kind: profile name, Client ID and Slack."""
_pending_lock = threading.Lock()


def sign_in(
    name: str | None = None,
    *,
    client_id: str | None = None,
    scopes: str | None = None,
    slack_url: str | None = None,
    redirect_uris: tuple[str, ...] = (),
    open_browser: bool = True,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> PendingSignIn:
    """Start a sign-in and return at once. ``await`` the result, or call its ``wait()``.

    A call with the same arguments, as when a cell is run again, replaces a sign-in that still waits for the browser. If
    Slack is being asked for a token meanwhile, that sign-in is returned.

    Args:
        name: the profile name. Defaults to the name of the workspace.
        client_id: the Client ID of the app. Defaults to the profile's app, or the app used last.
        scopes: the scopes to request, separated by commas or spaces. Defaults to the scopes used last time.
        slack_url: the base URL of another Slack, such as GovSlack.
        redirect_uris: the redirect URLs of the app. Defaults to the three in the README.
        open_browser: whether to try to open a browser. The link is shown either way.
        timeout_seconds: how long to wait for the user.

    Raises:
        ValueError: an argument is missing or invalid.
    """
    store = ProfileStore()
    choose = partial(
        resolve_app,
        store,
        name=name,
        client_id=client_id,
        scopes=scopes,
        slack_url=slack_url,
        redirect_uris=redirect_uris,
    )
    chosen = capture_outcome(choose, expected=ValueError)
    if isinstance(chosen, BaseException):
        raise chosen
    app, requested_scopes = chosen
    services = Services(store, open_browser=browser.open_url if open_browser else None)
    request = SignInRequest(app, requested_scopes, name, timeout_seconds)
    key = (name, app.client_id, app.endpoints.base)
    with _pending_lock:
        previous = _pending.get(key)
        if previous is not None and not previous.done:
            if not previous.is_replaceable:
                return previous
            previous.cancel()
            if previous.is_saved or not previous.done:  # it was faster than the cancel
                return previous
        _pending[key] = PendingSignIn(request, services)
        return _pending[key]


def _runs_in_ipython() -> bool:
    """Return whether the program runs in IPython, which can show a card."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def _display_card(pending: PendingSignIn) -> Any:
    """Show ``pending`` in the notebook cell and return a handle to update it. Elsewhere, return None."""
    if not _runs_in_ipython():
        return None
    from IPython.display import display  # type: ignore[import-not-found,unused-ignore]

    show: Any = display
    return show(_Card(pending), display_id=True)
