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
from pathlib import Path, PurePath

from slack_token_tui.desktop import environment
from slack_token_tui.sanitize import clean

_TEXT_BROWSERS = frozenset({"www-browser", "links", "links2", "elinks", "lynx", "w3m", "browsh", "carbonyl", "retawq"})
_OPENERS = ("xdg-open", "x-www-browser", "firefox", "chromium", "google-chrome", "brave-browser", "microsoft-edge")
_POWERSHELL = "/mnt/c/Windows/System32/WindowsPowerShell/v1.0/powershell.exe"
_EXPLORER = "/mnt/c/Windows/explorer.exe"
"""Where they are when WSL does not put Windows' programs on the path."""
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
    "powershell.exe": "your Windows browser",
    "explorer.exe": "your Windows browser",
}
_FILE_BROWSERS = frozenset(
    {"firefox", "chromium", "chromium-browser", "google-chrome", "chrome", "brave-browser", "brave", "microsoft-edge"}
)
_QUERY_TIMEOUT_SECONDS = 2
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


def validate_url(url: str) -> str:
    """Return ``url`` when it can be handed to a program: https (http on loopback), printable ASCII, no quotes or spaces.

    Raises:
        ValueError: it cannot. Nothing that a server said ever comes here, so this is a defect.
    """
    if not _URL.fullmatch(url):
        raise ValueError("this address is not one to give to a browser")
    return url


async def open_url(url: str, command: str = "", redirect_file: Path | None = None) -> Opened | NotOpened:
    """Open ``url``. ``BROWSER`` is respected, with ``%s`` and without; streams go nowhere and no shell is involved.

    Args:
        url: what to open.
        command: takes the place of ``BROWSER``, for an app with a browser of its own; where only ``BROWSER`` can reach the
            person (over SSH, in a container) it is not tried.
        redirect_file: an HTML file that leads to ``url``. A browser that can open files gets it instead, so that the URL is
            in no list of processes.

    Raises:
        ValueError: ``url`` is not one to give to a program.
    """
    url = validate_url(url)
    if sys.platform == "win32":
        os.startfile(url)  # noqa: S606 - checked above; Windows has no other way
        return Opened("your default browser")
    reason = "No browser was found on this machine."
    environ = environment.detect()
    if (no_browser_reason := environ.no_browser_reason) and not os.environ.get("BROWSER"):
        return NotOpened(no_browser_reason)
    if command and not no_browser_reason:
        reason = f"This app’s own browser, {clean(command, 60)}, was not found."
    for words in _commands(url, "" if no_browser_reason else command, is_wsl=environ.is_wsl):
        program = PurePath(words[0]).name
        if program in _TEXT_BROWSERS:
            reason = f"Only {program} was found, a text browser that would take over this terminal."
            continue
        if shutil.which(words[0]) is None:
            continue
        if redirect_file is not None and await asyncio.to_thread(_can_open_files, words[0]):
            words = [word.replace(url, redirect_file.as_uri()) for word in words]
        # Explorer's exit code is 1 whatever it has done.
        if await _start(words) or program == "explorer.exe":
            return Opened(_NAMES.get(program, program))
        reason = f"{program} did not start."
    return NotOpened(reason)


def parse_command(text: str) -> str:
    """Return ``text`` as a command that opens a browser, or "" for the usual one.

    Raises:
        ValueError: with a sentence, when there is no such program, or it would take over the terminal.
    """
    text = text.strip()
    if not text:
        return ""
    try:
        words = shlex.split(text)
    except ValueError:
        raise ValueError("A quotation mark is missing in the browser’s command.") from None
    if re.search(r"%(?!s\b)", text):
        raise ValueError("In the browser’s command only %s has a meaning: the address comes there.")
    program = PurePath(words[0]).name
    if program in _TEXT_BROWSERS:
        raise ValueError(f"{program} is a text browser and would take over this terminal.")
    if shutil.which(words[0]) is None:
        raise ValueError(f"There is no program {program} here.")
    return text


def default_browser(command: str = "") -> str | NotOpened:
    """Return the name of the browser that :func:`open_url` would start, without starting it."""
    if sys.platform == "win32":
        return "your default browser"
    environ = environment.detect()
    if (no_browser_reason := environ.no_browser_reason) and not os.environ.get("BROWSER"):
        return NotOpened(no_browser_reason)
    for words in _commands("https://slack.com", "" if no_browser_reason else command, is_wsl=environ.is_wsl):
        program = PurePath(words[0]).name
        if program not in _TEXT_BROWSERS and shutil.which(words[0]) is not None:
            return _NAMES.get(program, program)
    return NotOpened("No browser was found on this machine.")


def _commands(url: str, command: str, *, is_wsl: bool) -> Iterator[list[str]]:
    """The programs to try, as argument lists with the address in place.

    An app's own ``command`` stands alone: another browser may be signed in as somebody else.
    """
    for entry in [command] if command else os.environ.get("BROWSER", "").split(os.pathsep):
        try:
            words = shlex.split(entry)
        except ValueError:
            continue
        if words:
            yield [word.replace("%s", url) for word in words] if "%s" in entry else [*words, url]
    if command:
        return
    if sys.platform == "darwin":
        yield ["open", url]
        return
    if is_wsl:
        yield ["wslview", url]
        for powershell in ("powershell.exe", _POWERSHELL):
            # The address holds no quotation mark (validate_url), so PowerShell takes it as it is.
            yield [powershell, "-NoProfile", "-NonInteractive", "-Command", f"Start-Process '{url}'"]
        for explorer in ("explorer.exe", _EXPLORER):
            yield [explorer, url]
    for opener in _OPENERS:
        yield [opener, url]


def _can_open_files(program: str) -> bool:
    """Tell whether browser ``program`` is known to open an HTML file of this user in a hidden directory.

    Snaps and Flatpaks see no hidden directories, Windows' browsers no Linux files, and a remote editor's helper sends what
    it gets to another machine. Those, and programs that are not known, get the URL.
    """
    program = shutil.which(program) or ""
    if PurePath(program).name == "xdg-open":
        program = _default_browser() or ""
    real = os.path.realpath(program)
    name = PurePath(real).name.removesuffix("-stable").removesuffix("-esr")
    return name in _FILE_BROWSERS and "flatpak" not in real and not _is_snap(real)


def _is_snap(program: str) -> bool:
    """Tell whether ``program`` is a snap, cannot be read, or is a script that starts one, as Ubuntu's ``firefox`` is."""
    if "/snap/" in program:
        return True
    try:
        with open(program, "rb") as file:  # noqa: PTH123 - a program, however it is called
            return b"/snap/" in file.read(4096)
    except OSError:
        return True


def _default_browser() -> str | None:
    """Return the program that xdg-open starts for web pages, if it starts the same one for HTML files."""
    asked = [_run_command("xdg-mime", "query", "default", kind) for kind in ("x-scheme-handler/https", "text/html")]
    entry = asked[0].removesuffix(".desktop")
    if not entry or asked[0] != asked[1]:
        return None
    # Snaps (firefox_firefox) and Flatpaks (org.mozilla.firefox) have entries that are not programs.
    return shutil.which(entry)


def _run_command(*words: str) -> str:
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=_QUERY_TIMEOUT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


async def _start(command: list[str]) -> bool:
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
    is_running = process.returncode is None
    if is_running:
        # It is nobody's child any more: Popen would warn about it when it is forgotten.
        process.returncode = 0
    return is_running or process.returncode == 0
