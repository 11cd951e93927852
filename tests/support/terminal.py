"""A real pseudo terminal with a program on it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Callable


class Terminal:
    """A program on a pseudo terminal of 80x24."""

    def __init__(self, environment: dict[str, str], *command: str) -> None:
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.execve(sys.executable, [sys.executable, *command], {**environment, "TERM": "xterm-256color"})
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.seen = b""
        self._pressed_at = 0

    def until(self, condition: Callable[[bytes], object], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition(self.seen):
            if time.monotonic() > deadline:
                raise AssertionError(f"it never came: {self.seen[-2000:]!r}")
            self._read(0.1)

    def shows(self, words: str) -> None:
        plain = words.encode()
        self.until(lambda seen: plain in re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", seen))

    def answers(self, words: str) -> None:
        """Wait for ``words`` to be drawn after the last key press."""
        plain = words.encode()
        self.until(lambda seen: plain in re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", seen[self._pressed_at :]))

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self.descriptor], [], [], seconds)
        if not ready:
            return True
        try:
            received = os.read(self.descriptor, 65536)
        except OSError:
            return False
        self.seen += received
        return bool(received)

    def press(self, keys: bytes) -> None:
        """Press ``keys`` as a person does: once the program has drawn all it had to draw."""
        while select.select([self.descriptor], [], [], 0.2)[0] and self._read(0):
            pass
        self._pressed_at = len(self.seen)
        os.write(self.descriptor, keys)

    def end(self) -> int:
        """Read to the end and return the exit code."""
        deadline = time.monotonic() + 60
        while self._read(0.1):
            assert time.monotonic() < deadline, f"it does not end: {self.seen[-500:]!r}"
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                while self._read(0.05):
                    if not select.select([self.descriptor], [], [], 0.05)[0]:
                        break
                return os.waitstatus_to_exitcode(status)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def hang_up(self) -> None:
        """Close the terminal, as a closed window does, and wait for the program's end."""
        os.close(self.descriptor)
        os.waitpid(self.pid, 0)
