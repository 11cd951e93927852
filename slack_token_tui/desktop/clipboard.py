"""Puts a text on the clipboard, and says how and how surely.

A native clipboard is written by pyperclip in a process of its own: its tools may hang, keep streams open, or say yes and
do nothing, so they get a time limit and are read back. Over SSH, where a native clipboard would be the other machine's,
and where there is none, the text goes to the terminal (OSC 52), through tmux when it runs in one.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from slack_token_tui.desktop.clipboard_clearing import NATIVE
from slack_token_tui.secret import Secret

_COPY_TIMEOUT_SECONDS = 4.0
_CHECK_TIMEOUT_SECONDS = 3.0
TMUX_BUFFER = "slack-token-tui"


@dataclass(frozen=True)
class ClearPolicy:
    """When a copied secret is taken off the clipboard again.

    Attributes:
        seconds: after how long; 0 for never.
        newest: begins the names of files that name the newest copy on each clipboard, so that an older one's time does not
            end it early.
    """

    seconds: int
    newest: Path


@dataclass(frozen=True)
class Copied:
    """The text is, or may be, on the clipboard.

    Attributes:
        how: ``xclip``, ``tmux``, ``OSC 52``: what was used.
        certain: it was read back and is there.
        cleared_after_seconds: when it is taken off again, where that is sure to happen; 0 for never.
    """

    tool: str
    is_verified: bool
    cleared_after_seconds: int = 0

    def message(self, what: str) -> str:
        """Say so of ``what``, promising no more than is known."""
        seconds = self.cleared_after_seconds
        if self.tool == "tmux":
            deleted = f", which forgets it in {seconds} s," if seconds else ""
            there = "to your terminal’s clipboard; whether that took it is not known"
            return f"{what} was sent to tmux{deleted} and through it {there}."
        if self.tool == "OSC 52":
            return f"{what} was sent to your terminal’s clipboard (OSC 52); whether it took it is not known."
        if not self.is_verified:
            return f"{what} was handed to {self.tool}; it could not be read back."
        saved = f", cleared in {seconds} s; a clipboard manager may keep it" if seconds else ""
        return f"{what} copied with {self.tool}{saved}."


@dataclass(frozen=True)
class NotCopied:
    """Nothing was copied; ``reason`` is a sentence."""

    reason: str


class TerminalClipboard(Protocol):
    """The way to the clipboard of the terminal that this program is shown on. What goes there cannot be taken back."""

    async def confirm(self) -> bool:
        """Say so before it happens; False when it shall not."""

    def write(self, text: str) -> bool:
        """Send ``text`` by OSC 52; False when there is no terminal."""


def is_over_ssh() -> bool:
    """Tell whether this terminal is on another machine than this process."""
    return bool(os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"))


async def copy(text: Secret, terminal: TerminalClipboard, clearing: ClearPolicy | None = None) -> Copied | NotCopied:
    """Put ``text`` on the clipboard.

    Args:
        text: what to copy.
        terminal: used where no native clipboard works.
        clearing: when to take it off again; None for what is no secret.
    """
    native = None if is_over_ssh() else await _copy_natively(text, clearing)
    if native is not None and native.is_verified:
        return native
    # A tool that said yes and did nothing is no reason not to try the terminal.
    if not await terminal.confirm():
        return native or NotCopied("It was not sent to the terminal, and there is no other clipboard here.")
    if os.environ.get("TMUX") and (done := await _run_helper(TMUX_BUFFER, text, clearing)):
        return Copied("tmux", is_verified=False, cleared_after_seconds=done.cleared_after_seconds)
    if terminal.write(text.reveal()):
        return Copied("OSC 52", is_verified=False)
    return native or NotCopied("There is no clipboard here, and no terminal to send it to.")


def osc52_sequence(text: str) -> str:
    """Return the control sequence that asks a terminal to put ``text`` on its clipboard."""
    return f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07"


async def _copy_natively(text: Secret, clearing: ClearPolicy | None) -> Copied | None:
    """Copy with a native tool, or return None when there is none that works."""
    displayed = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("WSL_DISTRO_NAME")
    if sys.platform == "linux" and not displayed:
        return None
    return await _run_helper(NATIVE, text, clearing)


async def _run_helper(where: str, text: Secret, clearing: ClearPolicy | None) -> Copied | None:
    seconds = clearing.seconds if clearing else 0
    newest = str(clearing.newest.with_name(f"{clearing.newest.name}-{where}")) if clearing else ""
    # -P: what lies in the current directory is not imported.
    helper = [sys.executable, "-P", "-m", "slack_token_tui.desktop.clipboard_helper"]
    tool = await _run_with_input([*helper, "copy", where, str(seconds), newest], text, _COPY_TIMEOUT_SECONDS)
    if not tool:
        return None
    # Read back by a process of its own: a tool that hangs over that is ended without ending the one that serves the copy.
    certain = await _run_with_input([*helper, "check", where], text, _CHECK_TIMEOUT_SECONDS) == b"same"
    return Copied(tool.decode(), certain, seconds if certain else 0)


async def _run_with_input(command: list[str], text: Secret, limit_seconds: float) -> bytes | None:
    """Run ``command`` with ``text`` on its standard input; return its output, or None when it failed or hung."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(limit_seconds):
            said, _ = await process.communicate(text.reveal().encode())
        return said if process.returncode == 0 else None
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with suppress(OSError):
                # The tool that the helper waits for hangs too: the whole session goes.
                os.killpg(process.pid, signal.SIGKILL) if sys.platform != "win32" else process.kill()
            await process.wait()
