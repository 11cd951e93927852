"""Opening the user's browser: detached, silent, and never a text browser that would take over the terminal."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from urllib.parse import urlsplit

from slack_token_tui.desktop import environment
from slack_token_tui.problems import InvalidInput
from slack_token_tui.sanitize import clean
from slack_token_tui.slack.endpoints import is_loopback

_TEXT_BROWSERS = frozenset({"www-browser", "links", "links2", "elinks", "lynx", "w3m", "browsh", "carbonyl", "retawq"})
_OPENERS = ("xdg-open", "x-www-browser", "firefox", "chromium", "google-chrome", "brave-browser", "microsoft-edge")
_POWERSHELL = "/mnt/c/Windows/System32/WindowsPowerShell/v1.0/powershell.exe"
_EXPLORER = "/mnt/c/Windows/explorer.exe"
"""Full paths, for WSL without Windows programs on its PATH."""
_DISPLAY_NAMES = {
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
SETTLE_SECONDS = 1.5
"""An opener that fails exits sooner. One that runs this long has started a browser or is one."""
_POLL_SECONDS = 0.05
_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%-]+")


@dataclass(frozen=True)
class Opened:
    """Result if a browser was started. ``name`` is its name for display."""

    name: str


@dataclass(frozen=True)
class NotOpened:
    """Result if no browser was started. ``reason`` is a sentence."""

    reason: str


def validate_url(url: str) -> str:
    """Return ``url`` if it is safe to pass to a program.

    It must be HTTPS (or HTTP on loopback) and printable ASCII without quotes or spaces.

    Raises:
        ValueError: it is not safe. Data from a server never gets here, so this is a bug.
    """
    # Loopback as in parse_base_url(), so that every Slack that an app may have can be opened.
    if not _URL.fullmatch(url) or not (url.startswith("https:") or is_loopback(urlsplit(url).hostname)):
        raise ValueError("this URL can't be passed to a browser")
    return url


async def open_url(url: str, command: str = "", redirect_file: Path | None = None) -> Opened | NotOpened:
    """Open ``url`` in the user's browser.

    ``BROWSER`` is honored, with or without ``%s``. Standard streams are discarded and no shell is used.

    Args:
        url: the URL to open.
        command: replaces ``BROWSER``, for an app with a separate browser. It is ignored where only ``BROWSER`` can
            reach the user (over SSH, in a container).
        redirect_file: an HTML file that redirects to ``url``. A browser that can open files gets it instead of the URL,
            so that the URL does not show up in process lists.

    Raises:
        ValueError: ``url`` is not safe to pass to a program.
    """
    url = validate_url(url)
    if sys.platform == "win32":
        os.startfile(url)  # noqa: S606 - validated above, and Windows has no other way
        return Opened("your default browser")
    env = await asyncio.to_thread(environment.detect)
    reason = env.no_browser_reason or "No browser was found on this machine."
    if command and not env.no_browser_reason:
        reason = f"This app's browser ({clean(command, 60)}) was not found."
    for argv in _commands(url, command, env):
        program = PurePath(argv[0]).name
        if shutil.which(argv[0]) is None:
            continue
        if await asyncio.to_thread(_is_text_browser, argv):
            if not env.no_browser_reason:
                reason = f"Only {program} was found, a text browser that would take over this terminal."
            continue
        if redirect_file is not None and await asyncio.to_thread(_can_open_files, argv[0]):
            argv = [word.replace(url, redirect_file.as_uri()) for word in argv]
        variables = await asyncio.to_thread(_variables_for, argv, env.variables)
        # explorer.exe exits with 1 even if it succeeds.
        if await _start(argv, variables) or program == "explorer.exe":
            return Opened(_DISPLAY_NAMES.get(program, program))
        reason = f"Couldn't start {program}."
    return NotOpened(reason)


def parse_command(text: str) -> str:
    """Return ``text`` as a command that opens a browser, or "" for the default browser.

    Raises:
        InvalidInput: the command is malformed, the program does not exist, or it would take over the terminal. The
            message is a sentence for the user.
    """
    text = text.strip()
    if not text:
        return ""
    try:
        words = shlex.split(text)
    except ValueError:
        raise InvalidInput("A quotation mark is missing in the browser command.") from None
    if re.search(r"%(?!s\b)", text):
        raise InvalidInput("The browser command supports only %s, which stands for the URL.")
    program = PurePath(words[0]).name
    if _is_text_browser(words):
        raise InvalidInput(f"{program} is a text browser and would take over this terminal.")
    if shutil.which(words[0]) is None:
        raise InvalidInput(f"{program} was not found.")
    return text


def default_browser(command: str = "") -> str | NotOpened:
    """Return the name of the browser that :func:`open_url` would start, or why it would start none."""
    if sys.platform == "win32":
        return "your default browser"
    env = environment.detect()
    for argv in _commands("https://slack.com", command, env):
        program = PurePath(argv[0]).name
        if shutil.which(argv[0]) is not None and not _is_text_browser(argv):
            return _DISPLAY_NAMES.get(program, program)
    return NotOpened(env.no_browser_reason or "No browser was found on this machine.")


def _commands(url: str, command: str, env: environment.Environment) -> Iterator[list[str]]:
    """Yield the commands to try, as argument lists that include the URL.

    An app's ``command`` has no fallback, because another browser may be signed in as another user. Where no browser can
    open a window, only ``BROWSER`` is tried: a remote editor sets it to a program that opens the user's own browser.
    """
    if env.no_browser_reason:
        command = ""
    for entry in [command] if command else os.environ.get("BROWSER", "").split(os.pathsep):
        try:
            argv = shlex.split(entry)
        except ValueError:
            continue
        if argv:
            yield [word.replace("%s", url) for word in argv] if "%s" in entry else [*argv, url]
    if command or env.no_browser_reason:
        return
    if sys.platform == "darwin":
        yield ["open", url]
        return
    if env.is_wsl:
        yield ["wslview", url]
        for powershell in ("powershell.exe", _POWERSHELL):
            # The URL contains no quotation mark (see validate_url), so PowerShell needs no escaping.
            yield [powershell, "-NoProfile", "-NonInteractive", "-Command", f"Start-Process '{url}'"]
        for explorer in ("explorer.exe", _EXPLORER):
            yield [explorer, url]
    for opener in _OPENERS:
        yield [opener, url]


def _is_text_browser(command: list[str]) -> bool:
    """Return whether ``command`` starts a text browser: by name, as an argument of another program, or by xdg-open."""
    words = [word for argument in command for word in re.split(r"[\s;|&'\"]+", argument) if word]
    names = {PurePath(word).name for word in words if not _URL.fullmatch(word)}
    names.add(PurePath(os.path.realpath(shutil.which(command[0]) or "")).name)
    if PurePath(command[0]).name == "xdg-open":
        names.add(_https_handler())
    return bool(names & _TEXT_BROWSERS)


def _https_handler() -> str:
    """Return the name of the program that xdg-open starts for web pages, or "" if it would choose one itself."""
    return _run_command("xdg-mime", "query", "default", "x-scheme-handler/https").removesuffix(".desktop")


def _variables_for(command: list[str], variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables for ``command``, with a ``BROWSER`` that never leads to a text browser.

    xdg-open starts what ``BROWSER`` names. If it is not set and there is no default browser, it tries a built-in list
    that ends with text browsers.
    """
    entries = [entry for entry in variables.get("BROWSER", "").split(os.pathsep) if entry.split()]
    graphical = [entry for entry in entries if not _is_text_browser(entry.split())]
    if not graphical and PurePath(command[0]).name == "xdg-open" and not _https_handler():
        graphical = list(_OPENERS[1:])
    rest = {name: value for name, value in variables.items() if name != "BROWSER"}
    return {**rest, "BROWSER": os.pathsep.join(graphical)} if graphical else rest


def _can_open_files(program: str) -> bool:
    """Return whether browser ``program`` can open this user's HTML files in hidden directories.

    Snaps and Flatpaks can't read hidden directories, and Windows browsers can't read Linux files. A remote editor's
    helper sends its argument to another machine. These and unknown programs get the URL instead.
    """
    program = shutil.which(program) or ""
    if PurePath(program).name == "xdg-open":
        program = _xdg_default_browser() or ""
    real = os.path.realpath(program)
    name = PurePath(real).name.removesuffix("-stable").removesuffix("-esr")
    return name in _FILE_BROWSERS and "flatpak" not in real and not _is_snap(real)


def _is_snap(program: str) -> bool:
    """Return whether ``program`` is a snap, a script that starts one (such as Ubuntu's ``firefox``), or unreadable."""
    if "/snap/" in program:
        return True
    try:
        with open(program, "rb") as file:  # noqa: PTH123 - ``program`` is a string
            return b"/snap/" in file.read(4096)
    except OSError:
        return True


def _xdg_default_browser() -> str | None:
    """Return the program that xdg-open starts for web pages, or None if HTML files open in another program."""
    handlers = [_run_command("xdg-mime", "query", "default", kind) for kind in ("x-scheme-handler/https", "text/html")]
    entry = handlers[0].removesuffix(".desktop")
    if not entry or handlers[0] != handlers[1]:
        return None
    # Desktop entries of snaps (firefox_firefox) and Flatpaks (org.mozilla.firefox) are not names of programs.
    return shutil.which(entry)


def _run_command(*words: str) -> str:
    try:
        result = subprocess.run(
            words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=_QUERY_TIMEOUT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip()


async def _start(command: list[str], variables: dict[str, str]) -> bool:
    """Start ``command`` in a new session, with environment ``variables``, and return whether it seems to work.

    asyncio's subprocesses are not used, because they are killed when the event loop closes. The browser must stay open.
    """
    try:
        process = subprocess.Popen(  # noqa: ASYNC220 - returns once the program is loaded
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            close_fds=True,
            env=variables,
        )
    except OSError:
        return False
    deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
    while process.poll() is None and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - no Popen event
        await asyncio.sleep(_POLL_SECONDS)
    is_running = process.returncode is None
    if is_running:
        # The browser keeps running. Without an exit code, Popen would emit a ResourceWarning when it is deleted.
        process.returncode = 0
    return is_running or process.returncode == 0
