"""Puts a text on the clipboard, and says how and how surely.

A native clipboard is written by pyperclip in a process of its own: its tools may hang, keep streams open, or say yes and
do nothing, so they get a time limit and are read back. Over SSH, where a native clipboard would be the other machine's,
and where there is none, the text goes to the terminal (OSC 52), through tmux when it runs in one.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from slack_token_tui.secret import Secret

_HELPER_SECONDS = 4.0
_TMUX_SECONDS = 2.0
TMUX_BUFFER = "slack-token-tui"


@dataclass(frozen=True)
class Copied:
    """The text is, or may be, on the clipboard.

    Attributes:
        how: ``xclip``, ``tmux``, ``OSC 52``: what was used.
        certain: it was read back and is there.
    """

    how: str
    certain: bool

    def sentence(self, what: str) -> str:
        """Say so of ``what`` in one sentence, promising no more than is known."""
        if self.certain:
            return f"{what} copied with {self.how}."
        if self.how == "tmux":
            return f"{what} sent to tmux and through it to your terminal’s clipboard; whether it took it is not known."
        if self.how == "OSC 52":
            return f"{what} sent to your terminal’s clipboard (OSC 52); whether it took it is not known."
        return f"{what} handed to {self.how}; it could not be read back."


@dataclass(frozen=True)
class NotCopied:
    """Nothing was copied; ``reason`` is a sentence."""

    reason: str


def over_ssh() -> bool:
    """Tell whether this terminal is on another machine than this process."""
    return bool(os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"))


async def copy(text: Secret, write_to_terminal: Callable[[str], bool]) -> Copied | NotCopied:
    """Put ``text`` on the clipboard.

    Args:
        text: what to copy.
        write_to_terminal: takes an OSC 52 sequence's text and says whether there is a terminal to send it to.
    """
    if not over_ssh() and (done := await _copy_natively(text)):
        return done
    if os.environ.get("TMUX") and await _copy_to_tmux(text):
        return Copied("tmux", certain=False)
    if write_to_terminal(text.reveal()):
        return Copied("OSC 52", certain=False)
    return NotCopied("There is no clipboard here, and no terminal to send it to.")


def osc52(text: str) -> str:
    """Return the control sequence that asks a terminal to put ``text`` on its clipboard."""
    return f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07"


async def _copy_natively(text: Secret) -> Copied | None:
    """Copy with a native tool, or return None when there is none that works."""
    displayed = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("WSL_DISTRO_NAME")
    if sys.platform == "linux" and not displayed:
        return None
    said = await _fed([sys.executable, "-m", "slack_token_tui.desktop.clipboard_helper"], text, _HELPER_SECONDS)
    try:
        answer = json.loads(said or b"")
        return Copied(str(answer["tool"]), certain=answer["read_back"] is True)
    except (ValueError, KeyError, TypeError):
        return None


async def _copy_to_tmux(text: Secret) -> bool:
    """``load-buffer -w`` passes the text on to the terminal even where tmux drops OSC 52 from programs."""
    tmux = shutil.which("tmux")
    if tmux is None:
        return False
    return await _fed([tmux, "load-buffer", "-w", "-b", TMUX_BUFFER, "-"], text, _TMUX_SECONDS) is not None


async def _fed(command: list[str], text: Secret, limit_seconds: float) -> bytes | None:
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
