"""What a closed terminal does to a Textual app, and how it ends in order all the same.

The kernel follows SIGHUP with SIGCONT. Textual 8.2 takes any SIGCONT for the end of a suspension and starts its threads a
second time, which then wait for each other for ever; and a write to a terminal that is gone ends the thread that writes.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

from slack_token_tui.sanitize import escape_unprintable

if sys.platform != "win32":
    import termios


def ignore_unexpected_sigcont() -> None:
    """Let SIGCONT reach Textual's own handler only when its SIGTSTP handler has run before."""
    if sys.platform == "win32":
        return
    previous_stop, previous_continue = signal.getsignal(signal.SIGTSTP), signal.getsignal(signal.SIGCONT)
    if not callable(previous_stop) or not callable(previous_continue):  # a driver without a terminal sets none
        return
    stopped = False

    def handle_stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        previous_stop(number, frame)

    def handle_continue(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        if stopped:
            stopped = False
            previous_continue(number, frame)

    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTSTP, handle_stop)
        signal.signal(signal.SIGCONT, handle_continue)


def is_terminal_closed() -> bool:
    """Tell whether the terminal on standard input has been closed."""
    if sys.platform == "win32":
        return False
    try:
        termios.tcgetattr(0)
    except termios.error:
        return True
    return False


def detach_from_terminal() -> None:
    """Put something in the place of a closed terminal: nothing is ever read from it, and what is written to it is gone."""
    with suppress(OSError):
        # Its other end stays open, so that nobody reads an end of file again and again; whoever is about to read from the
        # terminal must not wait here for ever.
        silent, _ = os.pipe()
        os.set_blocking(silent, False)
        os.dup2(silent, 0)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)


def print_messages(*lines: str) -> None:
    """Print ``lines`` to the terminal when the interface is gone, each whole, so that a command in it can be pasted."""
    with suppress(OSError):  # the terminal may be gone too
        for line in lines:
            print(escape_unprintable(line), file=sys.stderr, flush=True)  # noqa: T201 - the interface is gone
