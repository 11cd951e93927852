"""Sign-in from a notebook: it runs in a background thread, shows a link, and accepts a pasted URL.

>>> await stt.sign_in("acme", client_id="2141029472.691202649728", scopes="users:read")
>>> stt.sign_in("acme").wait()                 # without await

Over a tunnel, for example on JupyterHub, the browser can't reach the kernel's machine. Save what ``sign_in`` returns,
click Allow, and paste the URL of the page you land on:

>>> pending = stt.sign_in("acme")
>>> pending.paste("http://localhost:28417/callback?code=…")     # or pending.ask(), which prompts for it
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from functools import partial
from html import escape
from typing import Any

from slack_token_tui.api import ProfileSummary, SignInFailed, capture_outcome, summarize
from slack_token_tui.desktop import browser
from slack_token_tui.event_loop import EventLoop
from slack_token_tui.oauth import events
from slack_token_tui.oauth.resolve_app import resolve_app
from slack_token_tui.oauth.session import TIMEOUT_SECONDS, SignInSession
from slack_token_tui.problems import Explanation, InvalidInput, Problem, error_location
from slack_token_tui.secret import Secret
from slack_token_tui.store.profiles import ProfileStore

_STOP_TIMEOUT_SECONDS = 30.0
"""How long ``cancel()`` waits for the thread. It ends at once unless a request that may return a token is in progress."""


class PendingSignIn:
    """A sign-in that runs in a background thread. ``await`` it, or call :meth:`wait`.

    It shows its link and its progress in the notebook cell that started it. Elsewhere, it prints the link.

    Attributes:
        line: a short description of the current status.
    """

    def __init__(self, sign_in: SignInSession) -> None:
        self._sign_in = sign_in
        self._loop = EventLoop()
        self._outcome: Future[ProfileSummary] = Future()
        self._outcome.add_done_callback(self._stop_when_cancelled)  # interrupting ``await`` cancels the future
        self._task: asyncio.Task[None] | None = None
        self._url: str | None = None
        self.line = "starting"
        self._listening = threading.Event()
        self._display: Any = None
        self._thread = threading.Thread(target=self._run, name="slack-token-tui sign-in", daemon=True)
        self._thread.start()
        self._listening.wait(10)
        self._display = _show_card(self)

    @property
    def url(self) -> str | None:
        """The authorize URL, to open in any browser. None until the sign-in is ready."""
        return self._url

    @property
    def done(self) -> bool:
        """Whether the sign-in has ended, successfully or not."""
        return self._outcome.done()

    def __await__(self) -> Generator[Any, None, ProfileSummary]:
        return asyncio.wrap_future(self._outcome).__await__()

    def wait(self, timeout_seconds: float | None = None) -> ProfileSummary:
        """Block until the sign-in has ended. Interrupting the cell cancels it.

        Raises:
            SignInFailed: the sign-in ended without a token.
            TimeoutError: the sign-in is still running. Call this again to continue waiting.
        """
        try:
            return self._outcome.result(timeout_seconds)
        except KeyboardInterrupt:
            self.cancel()
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
        refusal = asyncio.run_coroutine_threadsafe(self._paste(pasted), self._loop).result(10)
        if refusal is not None:
            raise InvalidInput(f"{refusal.title}. {refusal.remedies[0]}.")

    def ask(self) -> ProfileSummary:
        """Prompt for the pasted URL, then wait until the sign-in has ended. An empty line skips the prompt."""
        # Without a user to prompt, for example in a scheduled notebook, only wait.
        with suppress(EOFError, NotImplementedError):
            while not self.done and not self._ask_once():
                pass
        return self.wait()

    def _ask_once(self) -> bool:
        """Prompt once for the pasted URL, and return whether to stop prompting."""
        pasted = Secret(input("Paste the address that the browser ended on: ").strip())
        if pasted.reveal() and not self.done:
            try:
                self._submit_paste(pasted)
            except InvalidInput as refusal:
                print(f"✗ {refusal}")  # noqa: T201 - a reply to the user's input
                return False
        return True

    def cancel(self) -> None:
        """Stop the sign-in and close its port. A token that Slack has already issued is saved first."""
        self._stop()
        self._thread.join(_STOP_TIMEOUT_SECONDS)

    def _stop(self) -> None:
        def stop() -> None:
            if self._task is not None and not self._sign_in.skip_verification():
                self._task.cancel()

        with suppress(RuntimeError):  # the loop is already closed
            self._loop.call_soon_threadsafe(stop)

    def _stop_when_cancelled(self, outcome: Future[ProfileSummary]) -> None:
        if outcome.cancelled():
            self._stop()

    def __repr__(self) -> str:
        return f"<sign-in: {self.line}>" if self.done or not self._url else f"<sign-in: {self.line}; open {self._url}>"

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._run_task())
        except Exception as error:  # a bug must not leave the caller waiting
            self._fail(Problem("unexpected", detail=error_location(error)).explain())
        finally:
            self._listening.set()

    async def _run_task(self) -> None:
        self._task = asyncio.ensure_future(self._handle_events())
        try:
            await self._task
        except asyncio.CancelledError:
            self.line = "cancelled"
            self._outcome.cancel()
            self._update_display()

    async def _handle_events(self) -> None:
        async with aclosing(self._sign_in.events()) as stream:
            async for event in stream:
                match event:
                    case events.BrowserOpening(url):
                        self._url = url
                        self.line = "waiting for you to press Allow"
                        self._listening.set()
                    case events.Exchanging() | events.Verifying():
                        self.line = "asking Slack"
                    case events.Saved(saved):
                        self.line = f"saved as {saved.profile.name}"
                        if self._sign_in.name not in (None, saved.profile.name):
                            self.line += f", the name of this account here, and not as {self._sign_in.name}"
                        if self._outcome.set_running_or_notify_cancel():
                            self._outcome.set_result(summarize(saved.profile, datetime.now(UTC)))
                    case events.Failed(_, explanation):
                        self._fail(explanation)
                self._update_display()

    def _fail(self, explanation: Explanation) -> None:
        self.line = f"{explanation.title} ({explanation.code}). {explanation.happened}"
        unsaved_note = " ".join(filter(None, (self._sign_in.save_to_fallback(), self._sign_in.describe_unusable())))
        self.line = f"{self.line} {unsaved_note}".rstrip()
        if not self._outcome.done():
            self._outcome.set_exception(SignInFailed(explanation, unsaved_note))

    async def _paste(self, url: Secret) -> Explanation | None:
        return self._sign_in.paste(url.reveal())

    def _update_display(self) -> None:
        if self._display is not None:
            self._display.update(_Card(self))


class _Card:
    """The notebook output of a sign-in."""

    def __init__(self, pending: PendingSignIn) -> None:
        self._pending = pending

    def __repr__(self) -> str:
        return repr(self._pending)

    def _repr_html_(self) -> str:
        pending = self._pending
        parts = [f"<b>Sign in to Slack</b>: {escape(pending.line)}"]
        if pending.url and not pending.done:
            escaped_url = escape(pending.url, quote=True)
            parts += [
                f"<a href='{escaped_url}' target='_blank' rel='noopener noreferrer'>Open Slack and press Allow</a>",
                "If your browser cannot reach this machine: <code>pending = stt.sign_in(…)</code>, then "
                "<code>pending.ask()</code> shows a field for the address that the browser ends on.",
            ]
        return "<br>".join(parts)


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
    opener = browser.open_url if open_browser else None
    return PendingSignIn(
        SignInSession(app, requested_scopes, store, name=name, open_browser=opener, timeout_seconds=timeout_seconds)
    )


def _show_card(pending: PendingSignIn) -> Any:
    """Show ``pending`` in the notebook cell and return a handle to update it. Elsewhere, print the link once."""
    with suppress(ImportError):
        from IPython import get_ipython  # type: ignore[import-not-found,unused-ignore]
        from IPython.display import display  # type: ignore[import-not-found,unused-ignore]

        show: Any = display
        if get_ipython() is not None:
            return show(_Card(pending), display_id=True)
    if pending.url and not pending.done and sys.stderr is not None:
        print(f"Open this and press Allow: {pending.url}", file=sys.stderr)  # noqa: T201 - the user needs the link
    return None
