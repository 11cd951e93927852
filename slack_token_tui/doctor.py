"""What is wrong with this machine, as a list of findings. The interface and the command line read it; it changes nothing."""

from __future__ import annotations

import asyncio
import os
import platform
import socket
import stat
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

from slack_token_tui import __version__
from slack_token_tui.crash import place_of
from slack_token_tui.desktop import browser, clipboard_check, port_holders, surroundings
from slack_token_tui.keeping.apps import LOOPBACK_REDIRECT_URIS, SlackApp, is_heard_here, unreadable_apps
from slack_token_tui.keeping.fast_read import ProfileFileError, read_record
from slack_token_tui.keeping.files import StoreError
from slack_token_tui.keeping.profile import Profile
from slack_token_tui.keeping.settings import read_settings
from slack_token_tui.keeping.store import ProfileStore, Unreadable
from slack_token_tui.signing_in.listener import PortsUnavailable, bind_first_free
from slack_token_tui.slack.client import Reached, SlackClient
from slack_token_tui.slack.endpoints import Endpoints, is_loopback
from slack_token_tui.slack.errors import SlackError
from slack_token_tui.slack.explanations import explain

_SLACK_SECONDS = 10.0
_CLOCK_SECONDS = 90.0
_PUBLIC_ISSUERS = ("digicert", "let's encrypt", "isrg", "amazon", "google trust", "sectigo", "globalsign", "entrust")
_SYNCED = ("dropbox", "onedrive", "google drive", "googledrive", "mobile documents", "icloud", "nextcloud", "owncloud")
_SYNC_MARKS = (".stfolder", ".stignore")


class Verdict(StrEnum):
    """What a finding means for a sign-in."""

    GOOD = "good"
    NOTE = "note"
    LOOK = "look"
    BAD = "bad"

    @property
    def mark(self) -> str:
        """A sign for the beginning of a line."""
        return {"good": "✓", "note": "·", "look": "!", "bad": "✗"}[self]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        id: for scripts: ``port_28417``, ``loopback``, ``browser`` …
        verdict: ``good``; ``note``, nothing to do; ``look``, something to know of; ``bad``, something that is in the way.
        about: what was looked at, in a word or two.
        said: what was found, as a sentence. It holds no secret.
        remedy: what to do, or "".
    """

    id: str
    verdict: Verdict
    about: str
    said: str
    remedy: str = ""


async def examine(home: Path, app: SlackApp | None = None) -> AsyncGenerator[Finding, None]:
    """Yield the findings, one by one, as they are known.

    Args:
        home: where profiles are kept.
        app: whose redirect addresses, Slack and browser are meant; the usual ones when None.
    """
    app = app or SlackApp("")
    asking = asyncio.ensure_future(_slack(app.endpoints))
    try:
        for look in (
            _versions,
            _where,
            partial(_ports, app.redirect_uris),
            _loopback,
            partial(_browser, app),
            _clipboard,
            partial(_keyring, home),
            partial(_directory, home),
            partial(_profiles, home),
            partial(_left_over, home),
        ):
            for finding in await _beside(look):
                yield finding
        try:
            for finding in await asking:
                yield finding
        except Exception as error:  # as in _all_of
            yield _unfinished(error)
    finally:
        asking.cancel()


def as_text(findings: list[Finding]) -> str:
    """Return the findings as lines to send to somebody."""
    lines = []
    for one in findings:
        lines.append(f"{one.verdict:<5} {one.about}: {one.said}")
        if one.remedy:
            lines.append(f"      {one.remedy}")
    return "\n".join(lines)


async def _beside(look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """Look in a thread that may be left behind: one of the executor would hold up the end of the program."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Finding]] = loop.create_future()

    def tell(findings: list[Finding]) -> None:
        if not found.done():
            found.set_result(findings)

    def work() -> None:
        findings = _all_of(look)
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, findings)

    threading.Thread(target=work, daemon=True).start()
    return await found


def _all_of(look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    found: list[Finding] = []
    try:
        found += look()
    except Exception as error:  # a defect of one look must not hide what the others find
        found.append(_unfinished(error))
    return found


def _unfinished(error: Exception) -> Finding:
    return Finding("unexpected", Verdict.BAD, "Doctor", f"A look was not finished: {place_of(error)}.", "Report it.")


def _versions() -> Iterator[Finding]:
    parts = [f"slack-token-tui {__version__}", f"Python {platform.python_version()}"]
    for package in ("textual", "httpx"):
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            parts.append(f"{package} missing")
    yield Finding("versions", Verdict.NOTE, "Versions", ", ".join([*parts, platform.platform(terse=True)]) + ".")


def _where() -> Iterator[Finding]:
    around = surroundings.look()
    places = []
    if around.over_ssh:
        places.append("over SSH")
    if around.container:
        places.append(f"in a container ({around.container})")
    if around.is_wsl:
        places.append("in WSL")
    if around.tmux:
        places.append("in tmux or screen")
    if around.terminal:
        places.append({"vscode": "in VS Code’s terminal", "jupyter": "in JupyterLab’s terminal"}[around.terminal])
    said = f"This runs {', '.join(places)}." if places else "This runs in a terminal of this machine."
    hints = list(around.hints)
    if around.is_remote:
        tunnel = around.tunnel(urlsplit(LOOPBACK_REDIRECT_URIS[0]).port or 0)
        before = f" Or type this where the browser is, first: {tunnel}" if tunnel else ""
        hints.insert(0, f"Your browser cannot reach this machine’s localhost: paste the address it ends on.{before}")
    yield Finding("surroundings", Verdict.LOOK if hints else Verdict.NOTE, "Terminal", said, " ".join(hints))


def _ports(redirect_uris: tuple[str, ...]) -> Iterator[Finding]:
    local = [address for address in redirect_uris if is_heard_here(address)]
    if not local:
        yield Finding(
            "port", Verdict.NOTE, "Ports", "The app’s redirect is not on this machine: it is finished by paste."
        )
    holders: dict[int, str] = {}
    for address in local:
        port = urlsplit(address).port or 0
        holders[port] = ""
        try:
            bind_first_free([address]).close()
        except PortsUnavailable as unavailable:
            holders[port] = (
                str(port_holders.holder(port)) if unavailable.taken else unavailable.detail or "no reason given"
            )
    some_free = not all(holders.values())
    remedy = (
        "The next registered port is used instead."
        if some_free
        else "Close that program, or finish by paste: press Allow, then paste the address that the browser ends on."
    )
    for port, holder in holders.items():
        if holder:
            verdict = Verdict.LOOK if some_free else Verdict.BAD
            yield Finding(f"port_{port}", verdict, f"Port {port}", f"Not free: {holder}.", remedy)
        else:
            yield Finding(f"port_{port}", Verdict.GOOD, f"Port {port}", "Free.")


def _loopback() -> Iterator[Finding]:
    there = [label for label, family, address in _FAMILIES if _can_bind(family, address)]
    try:
        means = {str(entry[4][0]) for entry in socket.getaddrinfo("localhost", None)}
    except OSError:
        means = set()
    if not there:
        remedy = "Finish sign-ins by paste, or ask who runs this machine for a loopback interface."
        yield Finding("loopback", Verdict.BAD, "Loopback", "Nothing can be opened on this machine’s loopback.", remedy)
        return
    said = f"{' and '.join(there)} can be listened on."
    if not means:
        remedy = "Add “127.0.0.1 localhost” to the hosts file, or finish sign-ins by paste."
        yield Finding("loopback", Verdict.BAD, "Loopback", f"{said} The name localhost is not known here.", remedy)
    elif not all(is_loopback(address.split("%")[0]) for address in means):
        remedy = "Mend the entry in the hosts file: localhost is 127.0.0.1 and ::1."
        yield Finding("loopback", Verdict.BAD, "Loopback", f"localhost leads to {', '.join(sorted(means))}.", remedy)
    else:
        yield Finding("loopback", Verdict.GOOD, "Loopback", f"{said} localhost is {' and '.join(sorted(means))}.")


_FAMILIES = (("IPv4", socket.AF_INET, "127.0.0.1"), ("IPv6", socket.AF_INET6, "::1"))


def _can_bind(family: int, address: str) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as bound:
            bound.bind((address, 0))
    except OSError:
        return False
    return True


def _browser(app: SlackApp) -> Iterator[Finding]:
    found = browser.would_open(app.browser)
    if isinstance(found, browser.NotOpened):
        remedy = "A sign-in shows the address instead: open it in any browser and paste what that ends on."
        yield Finding("browser", Verdict.LOOK, "Browser", found.reason, remedy)
    else:
        named = " (from BROWSER)" if os.environ.get("BROWSER") and not app.browser else ""
        yield Finding("browser", Verdict.GOOD, "Browser", f"Slack is opened with {found}{named}.")


def _clipboard() -> Iterator[Finding]:
    ways = clipboard_check.ways()
    for way in ways:
        if way.works is False:
            remedy = "Copies go to your terminal instead (OSC 52); t at home shows a token."
            yield Finding("clipboard", Verdict.LOOK, "Clipboard", way.said, remedy)
        else:
            yield Finding("clipboard", Verdict.GOOD, "Clipboard", way.said)
    if not ways:
        around = surroundings.look()
        said = "No clipboard of this machine can be used; copies are sent to your terminal (OSC 52), which may refuse."
        remedy = "Install xclip, xsel or wl-clipboard." if around.has_display and not around.over_ssh else _NO_CLIPBOARD
        yield Finding("clipboard", Verdict.LOOK, "Clipboard", said, remedy)


_NO_CLIPBOARD = "t at home shows a token, to select by hand."


def _keyring(home: Path) -> Iterator[Finding]:
    from slack_token_tui.keeping import keyring_tokens

    profiles = [one for one in ProfileStore(home).entries() if isinstance(one, Profile)]
    wanted = read_settings(home).get("storage") == "keyring" or any(one.in_keyring for one in profiles)
    try:
        said = f"{keyring_tokens.name()} is there; m at home moves tokens into it."
        yield Finding("keyring", Verdict.GOOD, "Keyring", said)
    except StoreError as error:
        explanation = explain(error.code, error.facts)
        if wanted:
            said = f"{explanation.title}. {explanation.happened}"
            yield Finding("keyring", Verdict.BAD, "Keyring", said, f"{explanation.remedies[0]}.")
        else:
            said = f"Not used: tokens are kept in files. ({explanation.title}.)"
            yield Finding("keyring", Verdict.NOTE, "Keyring", said)


def _directory(home: Path) -> Iterator[Finding]:
    if os.path.lexists(home) and not home.is_dir():
        remedy = "Move it away, or set SLACK_TOKEN_TUI_HOME to a directory."
        yield Finding("directory", Verdict.BAD, "Files", f"{home} is there and is not a directory.", remedy)
        return
    if not home.exists():
        at = next(parent for parent in home.parents if parent.exists())
        if os.access(at, os.W_OK):
            yield Finding("directory", Verdict.NOTE, "Files", f"{home} does not exist yet; the first sign-in makes it.")
        else:
            remedy = "Make it writable, or set SLACK_TOKEN_TUI_HOME to another directory."
            yield Finding("directory", Verdict.BAD, "Files", f"{home} cannot be made: {at} is not writable.", remedy)
        return
    status = home.stat()
    trouble = ""
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        trouble, remedy = f"{home} belongs to another user.", "Set SLACK_TOKEN_TUI_HOME to a directory of your own."
    elif os.name == "posix" and stat.S_IMODE(status.st_mode) & 0o077:
        trouble, remedy = f"{home} can be entered by others.", f"chmod 700 {home}"
    elif not os.access(home, os.W_OK):
        trouble, remedy = (
            f"{home} cannot be written to.",
            f"chmod 700 {home}, or free the disk if it was mounted read-only.",
        )
    if trouble:
        yield Finding("directory", Verdict.BAD, "Files", trouble, remedy)
    else:
        yield Finding("directory", Verdict.GOOD, "Files", f"{home}, for you alone.")
    for room in ("profiles", "apps", "locks", "journal"):
        if os.path.lexists(home / room) and not (home / room).is_dir():
            said = f"{home / room} is there and is not a directory."
            yield Finding("directory", Verdict.BAD, "Files", said, "Move it away.")
    try:
        read_record(str(home / "settings.json"))
    except FileNotFoundError:
        pass
    except ProfileFileError as error:
        explanation = explain(error.code, {"file": error.path, "detail": error.detail or "damaged"})
        remedy = f"{explanation.remedies[0]}."
        yield Finding("settings", Verdict.LOOK, "Settings", f"They are not used. {explanation.happened}", remedy)
    yield from _shared_directory(home)


def _shared_directory(home: Path) -> Iterator[Finding]:
    """Tell where more than this machine may see the files."""
    above = [home, *home.parents]
    tree = next((place for place in above if (place / ".git").exists()), None)
    if tree is not None:
        if (home / ".gitignore").exists():
            said = f"The files lie in the git work tree {tree}; a .gitignore keeps them out."
            yield Finding("git", Verdict.NOTE, "Git", said)
        else:
            said = f"The files lie in the git work tree {tree}, and nothing keeps them out of it."
            yield Finding("git", Verdict.LOOK, "Git", said, f"Write a * into {home / '.gitignore'}")
    parts = [part.lower() for part in home.parts]
    marked = next((place for place in above if any((place / mark).exists() for mark in _SYNC_MARKS)), None)
    if marked is not None or any(part.startswith(name) for part in parts for name in _SYNCED):
        yield Finding(
            "synced",
            Verdict.LOOK,
            "Synchronised",
            "The files seem to lie in a folder that is copied to other machines.",
            "Keep them on one machine: two that renew one profile end each other’s tokens. SLACK_TOKEN_TUI_HOME moves them.",
        )


def _profiles(home: Path) -> Iterator[Finding]:
    entries = list(ProfileStore(home).entries())
    for one in entries:
        if isinstance(one, Unreadable):
            facts = {"file": one.error.path, "detail": one.error.detail or "damaged"}
            explanation = explain(one.error.code, facts)
            yield Finding("profile", Verdict.BAD, one.name, explanation.happened, f"{explanation.remedies[0]}.")
    for error in unreadable_apps(home):
        explanation = explain(error.code, error.facts)
        yield Finding("app", Verdict.LOOK, "App", explanation.happened, f"{explanation.remedies[0]}.")
    good = sum(isinstance(one, Profile) for one in entries)
    if good:
        yield Finding("profiles", Verdict.GOOD, "Profiles", f"{good} can be read.")


def _left_over(home: Path) -> Iterator[Finding]:
    journals, quarantine = home / "journal", home / "quarantine"
    names = {}
    for name in ProfileStore(home).names():
        try:
            names[ProfileStore(home).read(name).id] = name
        except (FileNotFoundError, ProfileFileError):
            continue
    for path in _files(journals):
        whose = names.get(path.stem)
        said = f"A refresh of {whose or 'a profile that is gone'} is under way or was interrupted."
        remedy = f"The next use looks after it: slack-token-tui refresh {whose}" if whose else ""
        yield Finding("journal", Verdict.LOOK, "Journal", said, remedy)
    for path in _files(quarantine):
        said = f"{path} holds an answer that could not be used."
        remedy = "It may hold a living token. When the profile works again, delete it."
        yield Finding("quarantine", Verdict.LOOK, "Quarantine", said, remedy)


def _files(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError:
        return []


async def _slack(endpoints: Endpoints) -> list[Finding]:
    host = endpoints.host
    try:
        async with SlackClient(endpoints, _SLACK_SECONDS) as slack:
            reached = await slack.reach()
    except SlackError as error:
        explanation = explain(error.code, error.facts)
        remedy = f"{explanation.remedies[0]}."
        return [Finding("slack", Verdict.BAD, "Slack", f"{explanation.title}. {explanation.happened}", remedy)]
    through = f" through the proxy {reached.proxy}" if reached.proxy else ""
    findings = [Finding("slack", Verdict.GOOD, "Slack", f"{host} answers{through}.")]
    findings += _tls(reached)
    if reached.date is not None:
        findings.append(_clock(reached.date))
    return findings


def _tls(reached: Reached) -> list[Finding]:
    if reached.tls_version is None:
        return []
    issuer = reached.issuer or "nobody"
    said = f"{reached.tls_version}, vouched for by {issuer}."
    if any(name in issuer.lower() for name in _PUBLIC_ISSUERS):
        return [Finding("tls", Verdict.GOOD, "TLS", said)]
    remedy = "That is not a usual public authority: a company’s proxy may read what goes to Slack, tokens included."
    return [Finding("tls", Verdict.LOOK, "TLS", said, remedy)]


def _clock(date: datetime) -> Finding:
    seconds = (datetime.now(UTC) - date).total_seconds()
    if abs(seconds) < _CLOCK_SECONDS:
        return Finding("clock", Verdict.GOOD, "Clock", "It agrees with Slack’s.")
    minutes = f"{abs(seconds) / 60:.0f} min {'ahead of' if seconds > 0 else 'behind'} Slack’s."
    remedy = "Set the clock: tokens would be renewed too early or too late, and TLS may fail."
    return Finding("clock", Verdict.BAD if abs(seconds) > 600 else Verdict.LOOK, "Clock", f"It is {minutes}", remedy)
