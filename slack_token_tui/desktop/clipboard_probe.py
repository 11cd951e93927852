"""Checks whether the clipboard tools of this machine work, without changing the clipboard.

X11 has a secondary selection, macOS has unused pasteboards, and tmux has named buffers. Text is written to these and
read back. Wayland and Windows have no equivalent, so there the tool is only queried.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass

from slack_token_tui.desktop import environment

TIMEOUT_SECONDS = 3.0
_EMPTY_MESSAGES = ("nothing is copied", "no selection")
"""Messages of wl-paste versions about an empty clipboard, which they report with a failing exit code."""


@dataclass(frozen=True)
class ClipboardBackend:
    """A clipboard tool and the result of its check.

    Attributes:
        tool: name of the tool.
        works: True if text was read back, False if the tool failed or timed out, None if it could only be queried.
        message: the result, as a sentence.
    """

    tool: str
    works: bool | None
    message: str


def list_backends() -> list[ClipboardBackend]:
    """Return the clipboard backends in the order they are tried, or an empty list if there is only the terminal's."""
    backends = [] if environment.detect().is_over_ssh else _probe_native()
    if os.environ.get("TMUX") and shutil.which("tmux"):
        backends.append(_round_trip("tmux", *_TMUX))
    return backends


_BUFFER = "slack-token-tui-check"
_TMUX = (
    ["tmux", "load-buffer", "-b", _BUFFER, "-"],
    ["tmux", "show-buffer", "-b", _BUFFER],
    ["tmux", "delete-buffer", "-b", _BUFFER],
)
_XCLIP = (["xclip", "-selection", "secondary", "-loops", "2"], ["xclip", "-selection", "secondary", "-o"], None)
_XSEL = (["xsel", "--secondary", "--input"], ["xsel", "--secondary", "--output"], ["xsel", "--secondary", "--clear"])
_PBCOPY = (["pbcopy", "-pboard", "ruler"], ["pbpaste", "-pboard", "ruler"], None)


def _probe_native() -> list[ClipboardBackend]:
    if sys.platform == "darwin":
        return [_round_trip("pbcopy", *_PBCOPY)]
    if sys.platform == "win32":
        return [ClipboardBackend("windows", None, "Windows clipboard. Each copy is verified.")]
    if os.environ.get("WAYLAND_DISPLAY") and shutil.which("wl-copy"):
        return [_query("wl-copy", ["wl-paste", "--list-types"])]
    if os.environ.get("DISPLAY"):
        if shutil.which("xclip"):
            return [_round_trip("xclip", *_XCLIP)]
        if shutil.which("xsel"):
            return [_round_trip("xsel", *_XSEL)]
    if shutil.which("clip.exe"):
        return [ClipboardBackend("clip.exe", None, "Windows clipboard. Each copy is verified.")]
    return []


def _round_trip(tool: str, write: list[str], read: list[str], clear: list[str] | None) -> ClipboardBackend:
    text = secrets.token_hex(8)
    try:
        _run(write, text)
        matches = _run(read) == text
        if clear:
            _run(clear)
    except subprocess.TimeoutExpired:
        return ClipboardBackend(tool, False, f"{tool} doesn't respond.")
    except (OSError, subprocess.CalledProcessError):
        return ClipboardBackend(tool, False, f"{tool} failed. It may not be able to reach the display.")
    message = f"Clipboard works ({tool})." if matches else f"{tool} reported success but copied nothing."
    return ClipboardBackend(tool, matches, message)


def _query(tool: str, command: list[str]) -> ClipboardBackend:
    try:
        # wl-paste reports an empty clipboard as an error, but that also shows that the display responds.
        result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return ClipboardBackend(tool, False, f"{tool} doesn't respond.")
    except OSError:
        return ClipboardBackend(tool, False, f"Couldn't start {tool}.")
    if result.returncode == 0 or any(words in result.stderr.lower() for words in _EMPTY_MESSAGES):
        return ClipboardBackend(tool, None, f"{tool} responds. Each copy is verified.")
    return ClipboardBackend(tool, False, f"{tool} failed. It may not be able to reach the display.")


def _run(command: list[str], text: str | None = None) -> str:
    """Return the output of ``command``, or "" if it gets ``text`` on its standard input.

    A tool that gets text may leave a server process behind, which must not hold our pipe open.
    """
    result = subprocess.run(
        command,
        input=text,
        stdin=None if text is not None else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if text is not None else subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=True,
    )
    return result.stdout or ""
