"""Opens the person's browser: detached, silent, and never one that would take over the terminal."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

_TEXT_BROWSERS = frozenset({"www-browser", "links", "links2", "elinks", "lynx", "w3m", "browsh", "carbonyl", "retawq"})
_OPENERS = ("xdg-open", "x-www-browser", "firefox", "chromium", "google-chrome", "brave-browser", "microsoft-edge")
_NAMES = {
    "firefox": "Firefox",
    "chromium": "Chromium",
    "chromium-browser": "Chromium",
    "google-chrome": "Chrome",
    "brave-browser": "Brave",
    "microsoft-edge": "Edge",
    "xdg-open": "your default browser",
    "x-www-browser": "your default browser",
    "open": "your default browser",
    "wslview": "your Windows browser",
}
_SETTLE_SECONDS = 1.5
"""An opener that fails does so at once; one that lives this long has started a browser or is one."""
_POLL_SECONDS = 0.05
_URL = re.compile(r"(?:https://|http://(?:localhost|127\.0\.0\.1|\[::1\])[:/])[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%-]+")


@dataclass(frozen=True)
class Opened:
    """A browser was started; ``name`` as a person calls it."""

    name: str


@dataclass(frozen=True)
class NotOpened:
    """No browser was started; ``reason`` is a sentence."""

    reason: str


def checked_url(url: str) -> str:
    """Return ``url`` when it can be handed to a program: https (http on loopback), printable ASCII, no quotes or spaces.

    Raises:
        ValueError: it cannot. Nothing that a server said ever comes here, so this is a defect.
    """
    if not _URL.fullmatch(url):
        raise ValueError("this address is not one to give to a browser")
    return url


async def open_url(url: str) -> Opened | NotOpened:
    """Open ``url``. ``BROWSER`` is respected, with ``%s`` and without; streams go nowhere and no shell is involved.

    Raises:
        ValueError: ``url`` is not one to give to a program.
    """
    url = checked_url(url)
    if sys.platform == "win32":
        os.startfile(url)  # noqa: S606 - checked above; Windows has no other way
        return Opened("your default browser")
    reason = "No browser was found on this machine."
    if not os.environ.get("BROWSER") and (absent := _why_no_display()):
        return NotOpened(absent)
    for command in _commands(url):
        program = PurePath(command[0]).name
        if program in _TEXT_BROWSERS:
            reason = f"Only {program} was found, a text browser that would take over this terminal."
            continue
        if shutil.which(command[0]) is None:
            continue
        if await _started(command):
            return Opened(_NAMES.get(program, program))
        reason = f"{program} did not start."
    return NotOpened(reason)


def _why_no_display() -> str | None:
    if sys.platform == "darwin":
        return None
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return "This is an SSH session: a browser here would open on the other machine’s screen."
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY") and shutil.which("wslview") is None:
        return "This machine has no display to open a browser on."
    return None


def _commands(url: str) -> Iterator[list[str]]:
    """The programs to try, as argument lists with the address in place."""
    for entry in os.environ.get("BROWSER", "").split(os.pathsep):
        try:
            words = shlex.split(entry)
        except ValueError:
            continue
        if words:
            yield [word.replace("%s", url) for word in words] if "%s" in entry else [*words, url]
    if sys.platform == "darwin":
        yield ["open", url]
        return
    for opener in ("wslview", *_OPENERS):
        yield [opener, url]


async def _started(command: list[str]) -> bool:
    """Start ``command`` in a session of its own and tell whether it seems to work.

    Not asyncio's own subprocess: that kills what still runs when the event loop ends, and the browser must stay.
    """
    try:
        process = subprocess.Popen(  # noqa: ASYNC220 - returns as soon as the program is loaded
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            close_fds=True,
        )
    except OSError:
        return False
    deadline = asyncio.get_running_loop().time() + _SETTLE_SECONDS
    while process.poll() is None and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - a Popen has no event
        await asyncio.sleep(_POLL_SECONDS)
    still_runs = process.returncode is None
    if still_runs:
        # It is nobody's child any more: Popen would warn about it when it is forgotten.
        process.returncode = 0
    return still_runs or process.returncode == 0
