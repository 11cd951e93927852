"""Clean exit of a Textual app whose terminal was closed.

The kernel sends SIGCONT after SIGHUP. Textual 8.2 treats every SIGCONT as the end of a suspension and starts its
threads a second time. These threads then deadlock. A write to a closed terminal ends the thread that writes.
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
    """Pass SIGCONT to Textual's handler only if its SIGTSTP handler has run before."""
    if sys.platform == "win32":
        return
    previous_stop, previous_continue = signal.getsignal(signal.SIGTSTP), signal.getsignal(signal.SIGCONT)
    # A driver without a terminal installs no handlers.
    if not callable(previous_stop) or not callable(previous_continue):
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

    with suppress(ValueError):  # outside the main thread
        signal.signal(signal.SIGTSTP, handle_stop)
        signal.signal(signal.SIGCONT, handle_continue)


def is_terminal_closed() -> bool:
    """Return whether the terminal on standard input has been closed."""
    if sys.platform == "win32":
        return False
    try:
        termios.tcgetattr(0)
    except termios.error:
        return True
    return False


def detach_from_terminal() -> None:
    """Replace the standard streams of a closed terminal.

    Reads from them never return data, and writes to them are discarded.
    """
    with suppress(OSError):
        # The write end stays open, or a reader would see end-of-file in a loop. The read end is non-blocking, because a
        # thread that is about to read from the terminal must not block forever.
        read_fd, _ = os.pipe()
        os.set_blocking(read_fd, False)
        os.dup2(read_fd, 0)
        devnull_fd = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull_fd, 1)
        os.dup2(devnull_fd, 2)


def print_messages(*lines: str) -> None:
    """Print ``lines`` to the terminal after the UI has exited.

    Each line is printed whole, so that a command in it can be pasted.
    """
    with suppress(OSError):  # the terminal may be closed
        for line in lines:
            print(escape_unprintable(line), file=sys.stderr, flush=True)  # noqa: T201 - the UI has exited
