"""Start the TUI: prepare the process before Textual is imported, and print the messages left after it exits."""

from __future__ import annotations

import asyncio
import codecs
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from slack_token_tui.event_loop import has_unfinished_work, run, wait_until_done
from slack_token_tui.tui import first_frame
from slack_token_tui.tui.terminal_exit import print_messages

if TYPE_CHECKING:
    from slack_token_tui.tui.app import TokenApp
    from slack_token_tui.tui.options import LaunchOptions


_HELP = "Without it: slack-token-tui login, token, list; see slack-token-tui --help"


def _terminal_problem() -> tuple[str, str] | None:
    """Return why the interface can't be shown in this terminal and what helps, or None if it can.

    Textual reads keys from standard input and draws on standard error. Without a terminal there it would run unseen.
    """
    output_fd = 1 if sys.platform == "win32" else 2
    try:
        has_terminal = os.isatty(0) and os.isatty(output_fd)
    except OSError:
        has_terminal = False
    if not has_terminal:
        return "the interface needs a terminal, and there is none here.", _HELP
    if os.environ.get("TERM") in ("dumb", "unknown"):
        return f"this terminal can't show the interface (TERM={os.environ['TERM']}).", _HELP
    stream = sys.__stdout__ if sys.platform == "win32" else sys.__stderr__
    encoding = stream.encoding if stream is not None else "utf-8"
    if codecs.lookup(encoding).name != "utf-8":
        by_python = os.environ.get("PYTHONIOENCODING")
        remedy = "Run: unset PYTHONIOENCODING" if by_python else "Run: export LC_ALL=C.UTF-8"
        return f"the interface needs UTF-8, and this terminal is set to {encoding}.", remedy
    return None


def run_app(options: LaunchOptions) -> int:
    """Run the TUI until it exits and return the exit code."""
    if problem := _terminal_problem():
        if sys.stderr is not None:
            reason, remedy = problem
            sys.stderr.write(f"slack-token-tui: {reason}\n  {remedy}\n")
        return 2
    # Textual's log would contain every paste and every password field in plain text.
    for name in ("TEXTUAL_LOG", "TEXTUAL", "TEXTUAL_SCREENSHOT"):
        os.environ.pop(name, None)
    # A shell that exports these, such as JupyterLab's, freezes the layout at the size that the terminal had then.
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    # Textual 8.2 ends at some key reports of this protocol, and a Cyrillic layout has no key that quits.
    os.environ["TEXTUAL_DISABLE_KITTY_KEY"] = "1"
    _use_true_color()
    first_frame.prepare()
    from slack_token_tui.tui.app import TokenApp

    app = TokenApp(options)
    try:
        run(_run_until_saved(app))
    finally:
        print_messages(*app.exit_messages)
        if has_unfinished_work():
            print_messages("Waiting until Slack has answered and the result is saved. This can take a minute.")
    return app.return_code or 0


def _use_true_color() -> None:
    """Use all colors in JupyterLab's terminal. It shows them, but doesn't set ``COLORTERM``."""
    if "COLORTERM" in os.environ:
        return
    from slack_token_tui.desktop.environment import detect  # deferred: most terminals set the variable

    found = detect(os.environ)
    if found.terminal == "jupyter" and not found.in_tmux:
        os.environ["COLORTERM"] = "truecolor"


async def _run_until_saved(app: TokenApp) -> None:
    """Run ``app``, then the event loop until no sign-in holds an unsaved token, however the app ended."""
    try:
        await app.run_async()
    finally:
        # Only record the signals that would end this wait. Textual's handler for SIGCONT would start its threads again.
        loop = asyncio.get_running_loop()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(getattr(signal, name), app.record_signal, getattr(signal, name))
        for name in ("SIGTSTP", "SIGCONT"):
            with suppress(AttributeError, ValueError):
                signal.signal(getattr(signal, name), signal.SIG_DFL)
        await wait_until_done(asyncio.ensure_future(app.save_pending_tokens()))
