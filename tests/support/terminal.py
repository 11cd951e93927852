"""A pseudo terminal with a program or a shell on it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable

from tests.support.browser import RecordingBrowser, press_consent_button


class Terminal:
    """A Python program on a pseudo terminal of 80x24. ``output`` is all that it has written."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.execve(sys.executable, [sys.executable, *arguments], {"TERM": "xterm-256color", **environment})
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.output = b""
        self._pressed_at = 0

    def wait_until(self, condition: Callable[[bytes], object], seconds: float = 60) -> None:
        """Read until ``condition`` is true of the output."""
        deadline = time.monotonic() + seconds
        while not condition(self.output):
            if time.monotonic() > deadline:
                raise AssertionError(f"it never came: {self.output[-2000:]!r}")
            self._read(0.1)

    def wait_for_text(self, text: str) -> None:
        """Wait until ``text`` has been written at any time."""
        plain = text.encode()
        self.wait_until(lambda output: plain in _without_escape_sequences(output))

    def wait_for_new_text(self, text: str) -> None:
        """Wait until ``text`` is written after the last key press."""
        plain = text.encode()
        self.wait_until(lambda output: plain in _without_escape_sequences(output[self._pressed_at :]))

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self.descriptor], [], [], seconds)
        if not ready:
            return True
        try:
            received = os.read(self.descriptor, 65536)
        except OSError:
            return False
        self.output += received
        return bool(received)

    def press(self, keys: bytes) -> None:
        """Press ``keys`` once the program has drawn all that it had to draw, as a person does."""
        while select.select([self.descriptor], [], [], 0.2)[0] and self._read(0):
            pass
        self._pressed_at = len(self.output)
        os.write(self.descriptor, keys)

    def wait_for_exit(self) -> int:
        """Read to the end and return the exit code."""
        deadline = time.monotonic() + 60
        while self._read(0.1):
            assert time.monotonic() < deadline, f"it does not end: {self.output[-500:]!r}"
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                while self._read(0.05):
                    if not select.select([self.descriptor], [], [], 0.05)[0]:
                        break
                return os.waitstatus_to_exitcode(status)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def hang_up(self) -> None:
        """Close the terminal, as a closed window does, and wait for the program to end."""
        os.close(self.descriptor)
        os.waitpid(self.pid, 0)


class Shell(Terminal):
    """An interactive shell with job control."""

    def __init__(self, environment: dict[str, str]) -> None:
        program = "import os; os.execvp('bash', ['bash', '--norc', '--noprofile', '-i'])"
        super().__init__({**environment, "PS1": "ready> "}, "-c", program)
        self.wait_for_text("ready>")


def _without_escape_sequences(output: bytes) -> bytes:
    return re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", output)


def sign_in_until_token_issued(terminal: Terminal, browser: RecordingBrowser, token_issued: threading.Event) -> None:
    """Sign in from an empty home screen, click Allow, and wait for ``token_issued``.

    The app that was used last must be saved, and ``browser`` must be the terminal's ``$BROWSER``.
    """
    terminal.wait_for_text("Get your first Slack token")
    terminal.press(b"a")
    terminal.wait_for_text("What can the token do?")
    terminal.press(b"\r")
    terminal.wait_until(lambda _: browser.was_opened)
    press_consent_button(browser.take_url())
    terminal.wait_until(lambda _: token_issued.is_set())
