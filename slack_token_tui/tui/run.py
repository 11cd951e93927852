"""Starts the TUI: what has to happen before Textual is imported, and what the process says when it has ended."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from slack_token_tui.sanitize import escape_unprintable

if TYPE_CHECKING:
    from slack_token_tui.slack.endpoints import Endpoints
    from slack_token_tui.store.apps import SlackApp
    from slack_token_tui.tui.app import TokenApp


def _now() -> datetime:
    return datetime.now(UTC)


_USAGE = 2
_NO_TERMINAL_MESSAGE = """slack-token-tui: the interface needs a terminal, and there is none here.
  Without one: slack-token-tui login, token, list; see slack-token-tui --help
"""


@dataclass(frozen=True)
class LaunchOptions:
    """What the TUI begins with.

    Attributes:
        home: where profiles are kept; this user's own directory when None.
        app: the Slack app that the sign-in form starts with; the one used last when None.
        simulate_browser: does what a person would in a browser at an address, and returns the last page. The demo
            alone has one.
        is_demo: whether everything is gone afterwards.
        now: the clock, UTC.
    """

    home: Path | None = None
    slack_app: SlackApp | None = None
    simulate_browser: Callable[[str], Awaitable[str]] | None = None
    is_demo: bool = False
    now: Callable[[], datetime] = field(default=_now)

    @property
    def endpoints(self) -> Endpoints:
        """The Slack that new apps live on, to begin with."""
        from slack_token_tui.slack.endpoints import Endpoints

        return self.slack_app.endpoints if self.slack_app else Endpoints()


def _has_terminal() -> bool:
    """Textual reads keys from standard input and draws on standard error. Without a terminal there it would run unseen."""
    drawn_on = 1 if sys.platform == "win32" else 2
    try:
        return os.isatty(0) and os.isatty(drawn_on)
    except OSError:
        return False


def run_app(options: LaunchOptions) -> int:
    """Run the TUI to its end and return the exit code."""
    if not _has_terminal():
        if sys.stderr is not None:
            sys.stderr.write(_NO_TERMINAL_MESSAGE)
        return _USAGE
    # Textual's log would hold every paste and every password field in clear.
    for name in ("TEXTUAL_LOG", "TEXTUAL", "TEXTUAL_SCREENSHOT"):
        os.environ.pop(name, None)
    # Importing Textual makes hundreds of thousands of objects that never die; collecting them in between costs a tenth
    # of the time to the first frame. The app turns collection on again after it.
    gc.disable()
    from slack_token_tui.tui.app import TokenApp

    app = TokenApp(options)
    try:
        asyncio.run(_run_until_saved(app))
    finally:
        print_messages(*app.exit_messages)
    return app.return_code or 0


async def _run_until_saved(app: TokenApp) -> None:
    """Run ``app``, then run the event loop until no sign-in holds an unsaved token, however the app has ended."""
    try:
        await app.run_async()
    finally:
        # The signals that would end this wait are noted only. A stop would wake Textual's threads again.
        loop = asyncio.get_running_loop()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(getattr(signal, name), app.record_signal, getattr(signal, name))
        for name in ("SIGTSTP", "SIGCONT"):
            with suppress(AttributeError, ValueError):
                signal.signal(getattr(signal, name), signal.SIG_DFL)
        from slack_token_tui.oauth.exchange import wait_until_done  # with all of a sign-in behind it

        await wait_until_done(asyncio.ensure_future(app.save_pending_tokens()))


def print_messages(*lines: str) -> None:
    """Print ``lines`` to the terminal when the interface is gone, each whole, so that a command in it can be pasted."""
    with suppress(OSError):  # the terminal may be gone too
        for line in lines:
            print(escape_unprintable(line), file=sys.stderr, flush=True)  # noqa: T201 - the interface is gone
