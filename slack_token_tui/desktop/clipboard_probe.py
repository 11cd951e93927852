"""Whether the clipboard tools of this machine really work, found out without touching what is on the clipboard.

X11 has a third selection, macOS has pasteboards that nobody looks at, tmux has named buffers: those are written and read
back. Wayland and Windows have nothing of the kind, so there the tool is only asked.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass

from slack_token_tui.desktop.clipboard import is_over_ssh

_TIMEOUT_SECONDS = 3.0
_EMPTY_MESSAGES = ("nothing is copied", "no selection")
"""What versions of wl-paste say of an empty clipboard, with a failure as exit code."""


@dataclass(frozen=True)
class ClipboardBackend:
    """A way to the clipboard.

    Attributes:
        tool: its name.
        works: True when a text came back from it; False when it failed or hung; None when it could only be asked.
        said: what was found, as a sentence.
    """

    tool: str
    works: bool | None
    message: str


def list_backends() -> list[ClipboardBackend]:
    """Return every way to a clipboard, in the order in which they are tried; empty when there is only the terminal's own."""
    found = [] if is_over_ssh() else _probe_native()
    if os.environ.get("TMUX") and shutil.which("tmux"):
        found.append(_round_trip("tmux", *_TMUX))
    return found


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
        return [ClipboardBackend("windows", None, "Windows has its own clipboard; it is read back at each copy.")]
    if os.environ.get("WAYLAND_DISPLAY") and shutil.which("wl-copy"):
        return [_query("wl-copy", ["wl-paste", "--list-types"])]
    if os.environ.get("DISPLAY"):
        if shutil.which("xclip"):
            return [_round_trip("xclip", *_XCLIP)]
        if shutil.which("xsel"):
            return [_round_trip("xsel", *_XSEL)]
    if shutil.which("clip.exe"):
        return [ClipboardBackend("clip.exe", None, "Windows’ clipboard is used; it is read back at each copy.")]
    return []


def _round_trip(tool: str, write: list[str], read: list[str], clear: list[str] | None) -> ClipboardBackend:
    text = secrets.token_hex(8)
    try:
        _run(write, text)
        same = _run(read) == text
        if clear:
            _run(clear)
    except subprocess.TimeoutExpired:
        return ClipboardBackend(tool, False, f"{tool} hangs.")
    except (OSError, subprocess.CalledProcessError):
        return ClipboardBackend(tool, False, f"{tool} fails: it may not reach the display.")
    return ClipboardBackend(
        tool, same, f"{tool} gives back what it was given." if same else f"{tool} says yes and keeps nothing."
    )


def _query(tool: str, command: list[str]) -> ClipboardBackend:
    try:
        # An empty clipboard is an error to wl-paste, and a sign that the display answers.
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return ClipboardBackend(tool, False, f"{tool} hangs.")
    except OSError:
        return ClipboardBackend(tool, False, f"{tool} cannot be started.")
    if done.returncode == 0 or any(words in done.stderr.lower() for words in _EMPTY_MESSAGES):
        return ClipboardBackend(tool, None, f"{tool} answers; each copy is read back.")
    return ClipboardBackend(tool, False, f"{tool} fails: it may not reach the display.")


def _run(command: list[str], text: str | None = None) -> str:
    """Return what ``command`` prints. One that is given a text may leave a server behind, which must not hold our pipe."""
    done = subprocess.run(
        command,
        input=text,
        stdin=None if text is not None else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if text is not None else subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=True,
    )
    return done.stdout or ""
