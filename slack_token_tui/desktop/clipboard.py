"""Copying text to the clipboard. The result names the tool and says whether the copy was verified.

pyperclip writes to a native clipboard in a separate process. Its tools may hang, hold streams open, or report success
without copying, so each copy has a timeout and is read back. Over SSH, the native clipboard is on the wrong machine.
Then, or without a native clipboard, the text is sent to the terminal (OSC 52), or through tmux if it is running.
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

from slack_token_tui.desktop import clipboard_helper, environment
from slack_token_tui.desktop.clipboard_clearing import NATIVE, read_clipboard
from slack_token_tui.event_loop import run_in_daemon_thread
from slack_token_tui.interpreter import child_environment, module_command
from slack_token_tui.secret import Secret

COPY_TIMEOUT_SECONDS = 4.0
CHECK_TIMEOUT_SECONDS = 3.0
TMUX_BUFFER = "slack-token-tui"
_SCREEN_STRING_LENGTH = 200
"""Longer strings than 256 characters are dropped by older versions of screen."""


@dataclass(frozen=True)
class ClearPolicy:
    """When to clear a copied secret from the clipboard.

    Attributes:
        seconds: delay in seconds, or 0 for never.
        newest_prefix: prefix for the paths of files that identify the newest copy on each clipboard. They prevent the
            timer of an older copy from clearing a newer one early.
    """

    seconds: int
    newest_prefix: Path


@dataclass(frozen=True)
class Copied:
    """Result if the text was copied, or may have been.

    Attributes:
        tool: what was used, such as ``xclip``, ``tmux`` or ``OSC 52``.
        is_verified: whether the text was read back from the clipboard.
        cleared_after_seconds: delay after which the clipboard is cleared, or 0 if that is not certain.
    """

    tool: str
    is_verified: bool
    cleared_after_seconds: int = 0

    def message(self, what: str) -> str:
        """Return a sentence about the copy of ``what`` that claims no more than was verified."""
        cleared = f" (cleared in {self.cleared_after_seconds} s)" if self.cleared_after_seconds else ""
        if self.tool == "tmux":
            return f"Copied {what} via tmux{cleared}. {_TERMINAL_NOTE}"
        if self.tool == "OSC 52":
            return f"Sent {what} to your terminal's clipboard (OSC 52). {_TERMINAL_NOTE}"
        if not self.is_verified:
            return f"Copied {what} with {self.tool}, but the copy couldn't be verified."
        history = " A clipboard manager may still save it." if cleared else ""
        return f"Copied {what} with {self.tool}{cleared}.{history}"


_TERMINAL_NOTE = "If pasting fails, your terminal blocks clipboard access."


@dataclass(frozen=True)
class NotCopied:
    """Result if nothing was copied. ``reason`` is a sentence."""

    reason: str


class TerminalClipboard(Protocol):
    """Protocol for the clipboard of the terminal that displays this program. It can't be cleared from here."""

    async def confirm(self) -> bool:
        """Announce or confirm the copy before it happens. Return False to cancel it."""

    def write(self, text: str) -> bool:
        """Send ``text`` with OSC 52. Return False if there is no terminal."""


async def copy(
    text: Secret, terminal: TerminalClipboard, clear_policy: ClearPolicy | None = None
) -> Copied | NotCopied:
    """Copy ``text`` to the clipboard.

    Args:
        text: the text to copy.
        terminal: fallback if no native clipboard works.
        clear_policy: when to clear the clipboard, or None if the text is not secret.
    """
    env = await asyncio.to_thread(environment.detect)
    has_native = not env.is_over_ssh and (env.has_display or env.is_wsl)
    native = await _run_helper(NATIVE, text, clear_policy, env) if has_native else None
    if native is not None and native.is_verified:
        return native
    # A native tool may report success without copying, so try the terminal too.
    if not env.has_terminal_clipboard:
        return native or NotCopied(
            "JupyterLab's terminal doesn't support copying (OSC 52). Select the text with Shift+drag."
        )
    if not await terminal.confirm():
        return native or NotCopied("This machine has no clipboard, and your terminal's wasn't used.")
    if os.environ.get("TMUX") and (result := await _run_helper(TMUX_BUFFER, text, clear_policy, env)):
        return Copied("tmux", is_verified=False, cleared_after_seconds=result.cleared_after_seconds)
    if terminal.write(text.reveal()):
        return Copied("OSC 52", is_verified=False)
    return native or NotCopied("This machine has no clipboard, and there's no terminal to copy to.")


def osc52_sequence(text: str) -> str:
    """Return the control sequence that asks a terminal to put ``text`` on its clipboard."""
    return through_screen(f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07")


def through_screen(sequence: str) -> str:
    """Return ``sequence`` wrapped for GNU screen, if this runs in it: screen drops what it doesn't know. screen(1)."""
    if not os.environ.get("STY") or os.environ.get("TMUX"):
        return sequence
    starts = range(0, len(sequence), _SCREEN_STRING_LENGTH)
    return "".join(f"\x1bP{sequence[start : start + _SCREEN_STRING_LENGTH]}\x1b\\" for start in starts)


async def _run_helper(
    where: str, text: Secret, clear_policy: ClearPolicy | None, env: environment.Environment
) -> Copied | None:
    helper = module_command("desktop.clipboard_helper")
    if helper is None:
        return await _copy_in_thread(where, text)
    seconds = clear_policy.seconds if clear_policy else 0
    newest = (
        str(clear_policy.newest_prefix.with_name(f"{clear_policy.newest_prefix.name}-{where}")) if clear_policy else ""
    )
    tool = await _run_with_input([*helper, "copy", where, str(seconds), newest], text, COPY_TIMEOUT_SECONDS, env)
    if not tool:
        return None
    # Read back in a separate process: if the read hangs, it is killed without killing the process that serves the copy.
    is_verified = await _run_with_input([*helper, "check", where], text, CHECK_TIMEOUT_SECONDS, env) == b"same"
    return Copied(tool.decode(), is_verified, seconds if is_verified else 0)


async def _copy_in_thread(where: str, text: Secret) -> Copied | None:
    """Copy without a helper process, where there is no interpreter to run it. Nothing outlives this one to clear it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(COPY_TIMEOUT_SECONDS):
            tool = await run_in_daemon_thread(clipboard_helper.copy_to, where, text.reveal())
        if not tool:
            return None
        is_verified = False
        with suppress(TimeoutError):
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                is_verified = await run_in_daemon_thread(read_clipboard, where) == text.reveal().removesuffix("\n")
        return Copied(tool, is_verified)
    return None


async def _run_with_input(
    command: list[str], text: Secret, limit_seconds: float, env: environment.Environment
) -> bytes | None:
    """Run ``command`` with ``text`` on its standard input. Return its output, or None if it failed or timed out."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            start_new_session=True,
            env=child_environment(env.variables),
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(limit_seconds):
            output, _ = await process.communicate(text.reveal().encode())
        return output if process.returncode == 0 else None
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with suppress(OSError):
                # The tool that the helper waits for hangs too, so kill the whole session.
                os.killpg(process.pid, signal.SIGKILL) if sys.platform != "win32" else process.kill()
            await process.wait()
