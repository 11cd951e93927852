"""Clipboards to copy to: a terminal that records what it gets, an X server, a tmux server."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slack_token_tui.desktop.clipboard import ClearPolicy
from slack_token_tui.secret import Secret
from tests.support.processes import list_pids, read_process_file

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


CLEAR_SECONDS = 600
"""So long that it never ends by itself during a test: see :func:`let_clear_timeouts_pass`."""


def make_clear_policy(directory: Path, seconds: int = CLEAR_SECONDS) -> ClearPolicy:
    """Return a policy that clears a copied token after ``seconds``."""
    return ClearPolicy(seconds, directory / "clipboard")


def find_clearing_processes(directory: Path) -> list[int]:
    """Return the processes that wait to clear a copy made with :func:`make_clear_policy`, oldest first."""
    path = str(directory / "clipboard").encode()
    commands = {pid: read_process_file(pid, "cmdline") for pid in sorted(list_pids())}
    return [pid for pid, command in commands.items() if b"clipboard_clearing" in command and path in command]


def let_clear_timeouts_pass(directory: Path) -> None:
    """Let the timeout of every copy made with :func:`make_clear_policy` pass now, so that no test depends on time."""
    for pid in find_clearing_processes(directory):
        let_clear_timeout_pass(pid)


def let_clear_timeout_pass(pid: int) -> None:
    """Replace a process that waits to clear a copy by one that does not wait, and see it end."""
    command = [argument.decode() for argument in read_process_file(pid, "cmdline").split(b"\0")[:-1]]
    command[command.index(str(CLEAR_SECONDS))] = "0"
    os.kill(pid, signal.SIGKILL)
    # In a session of its own, because it ends its process group if the clipboard hangs.
    subprocess.run(command, check=True, start_new_session=True)


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
