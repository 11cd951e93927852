"""Clipboards to copy to: a terminal that records what it gets, an X server, a tmux server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slack_token_tui.desktop.clipboard import ClearPolicy
from slack_token_tui.secret import Secret

CLIPBOARD_TOKEN = Secret("xoxp-canary-clipboard-0123")


class RecordingTerminal:
    """Stands in for the terminal that a token may be sent to. Records what is sent."""

    def __init__(self, *, allows: bool = True, is_present: bool = True) -> None:
        self.sent: list[str] = []
        self._allows = allows
        self._is_present = is_present

    async def confirm(self) -> bool:
        """Answer the question whether the token may be sent."""
        return self._allows

    def write(self, text: str) -> bool:
        """Record ``text``. Return whether there is a terminal."""
        self.sent.append(text)
        return self._is_present


def make_clear_policy(directory: Path, seconds: int = 2) -> ClearPolicy:
    """Return a policy that clears a copied token after ``seconds``."""
    return ClearPolicy(seconds, directory / "clipboard")


@contextmanager
def run_x_server() -> Iterator[str]:
    """Run an X server without a screen. Yield the value for ``$DISPLAY``."""
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-nolisten", "tcp"], pass_fds=[writer], stderr=subprocess.DEVNULL
    )
    os.close(writer)
    with os.fdopen(reader) as output:
        name = f":{output.readline().strip()}"
    try:
        yield name
    finally:
        server.terminate()
        server.wait()


@contextmanager
def run_tmux_server(socket: Path) -> Iterator[list[str]]:
    """Run a tmux server at ``socket``. Yield the command that talks to it."""
    tmux = ["tmux", "-S", str(socket), "-f", "/dev/null"]
    subprocess.run([*tmux, "new-session", "-d", "sleep 60"], check=True)
    try:
        yield tmux
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)
