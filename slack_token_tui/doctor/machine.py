"""Checks of what a sign-in needs from this machine: ports, loopback, browser and clipboard."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlsplit

from slack_token_tui import __version__
from slack_token_tui.desktop import browser as browsers
from slack_token_tui.desktop import clipboard_probe, environment, port_holders
from slack_token_tui.doctor.report import Finding, Verdict
from slack_token_tui.oauth.listener import PortsUnavailable, bind_first_free
from slack_token_tui.slack.endpoints import is_loopback
from slack_token_tui.store.apps import LOOPBACK_REDIRECT_URIS, SlackApp, is_loopback_redirect


def check_versions() -> Iterator[Finding]:
    """Yield a finding with the versions of this program, Python, the main packages and the operating system."""
    parts = [f"slack-token-tui {__version__}", f"Python {platform.python_version()}"]
    for package in ("textual", "httpx"):
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            parts.append(f"{package} missing")
    yield Finding("versions", Verdict.NOTE, "Versions", ", ".join([*parts, platform.platform(terse=True)]) + ".")


def check_environment() -> Iterator[Finding]:
    """Yield a finding about SSH, containers, WSL, tmux and the terminal. They affect keys, links and copying."""
    env = environment.detect()
    places = []
    if env.is_over_ssh:
        places.append("over SSH")
    if env.container:
        places.append(f"in a container ({env.container})")
    if env.is_wsl:
        places.append("in WSL")
    if env.in_tmux:
        places.append("in tmux")
    if env.terminal:
        places.append({"vscode": "in VS Code's terminal", "jupyter": "in JupyterLab's terminal"}[env.terminal])
    if not places:
        places.append("on this machine" if env.has_display else "on a machine without a display")
    said = f"Running {', '.join(places)}."
    hints = list(env.hints)
    if env.is_remote:
        tunnel = env.tunnel_command(urlsplit(LOOPBACK_REDIRECT_URIS[0]).port or 0)
        hints.insert(0, "Your browser can't reach localhost on this machine. Paste the URL of the page you land on.")
        if tunnel:
            hints.insert(1, f"Or run this on your computer first: {tunnel}")
    yield Finding("surroundings", Verdict.LOOK if hints else Verdict.NOTE, "Terminal", said, " ".join(hints))


def check_ports(redirect_uris: tuple[str, ...]) -> Iterator[Finding]:
    """Yield a finding for each registered port: free, or the program that holds it."""
    local = [uri for uri in redirect_uris if is_loopback_redirect(uri)]
    if not local:
        message = "The app's redirect URL isn't on this machine. Paste the URL of the page you land on."
        yield Finding("port", Verdict.NOTE, "Ports", message)
    holders: dict[int, str] = {}
    for uri in local:
        port = urlsplit(uri).port or 0
        holders[port] = ""
        try:
            bind_first_free([uri]).close()
        except PortsUnavailable as unavailable:
            is_taken = unavailable.code == "all_ports_taken"
            holders[port] = str(port_holders.find_holder(port)) if is_taken else unavailable.facts["detail"]
    some_free = not all(holders.values())
    remedy = (
        "The next registered port is used instead."
        if some_free
        else "Close that program. Or click Allow and paste the URL of the page you land on."
    )
    for port, holder in holders.items():
        if holder:
            verdict = Verdict.LOOK if some_free else Verdict.BAD
            yield Finding(f"port_{port}", verdict, f"Port {port}", f"Not available: {holder}.", remedy)
        else:
            yield Finding(f"port_{port}", Verdict.GOOD, f"Port {port}", "Available.")


def check_loopback() -> Iterator[Finding]:
    """Yield a finding on whether IPv4 and IPv6 loopback can be bound and what localhost resolves to."""
    families = [label for label, family, address in _FAMILIES if _can_bind(family, address)]
    try:
        addresses = {str(entry[4][0]) for entry in socket.getaddrinfo("localhost", None)}
    except OSError:
        addresses = set()
    if not families:
        remedy = "Ask your admin for a loopback interface, or paste the URL of the page you land on."
        yield Finding("loopback", Verdict.BAD, "Loopback", "This machine can't listen on localhost.", remedy)
        return
    message = f"{' and '.join(families)} available."
    if not addresses:
        remedy = 'Add "127.0.0.1 localhost" to the hosts file, or paste the URL of the page you land on.'
        yield Finding("loopback", Verdict.BAD, "Loopback", f"{message} Couldn't resolve localhost.", remedy)
    elif not all(is_loopback(address.split("%")[0]) for address in addresses):
        remedy = "Fix the hosts file. localhost must be 127.0.0.1 and ::1."
        yield Finding(
            "loopback", Verdict.BAD, "Loopback", f"localhost resolves to {', '.join(sorted(addresses))}.", remedy
        )
    else:
        yield Finding(
            "loopback", Verdict.GOOD, "Loopback", f"{message} localhost is {' and '.join(sorted(addresses))}."
        )


_FAMILIES = (("IPv4", socket.AF_INET, "127.0.0.1"), ("IPv6", socket.AF_INET6, "::1"))


def _can_bind(family: int, address: str) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as bound:
            bound.bind((address, 0))
    except OSError:
        return False
    return True


def check_browser(app: SlackApp) -> Iterator[Finding]:
    """Yield a finding about the browser that a sign-in would open."""
    found = browsers.default_browser(app.browser)
    if isinstance(found, browsers.NotOpened):
        remedy = "Open the sign-in link in any browser. If the page you land on won't load, paste its URL."
        yield Finding("browser", Verdict.LOOK, "Browser", found.reason, remedy)
    else:
        source = " (from BROWSER)" if os.environ.get("BROWSER") and not app.browser else ""
        yield Finding("browser", Verdict.GOOD, "Browser", f"Sign-ins open {found}{source}.")


def check_clipboard() -> Iterator[Finding]:
    """Yield findings about the available clipboard tools and whether they work."""
    backends = clipboard_probe.list_backends()
    for backend in backends:
        if backend.works is False:
            remedy = "Copies go to your terminal instead (OSC 52). In the interface, press t to show a token."
            yield Finding("clipboard", Verdict.LOOK, "Clipboard", backend.message, remedy)
        else:
            yield Finding("clipboard", Verdict.GOOD, "Clipboard", backend.message)
    if not backends:
        env = environment.detect()
        said = "This machine has no clipboard. Copies go to your terminal (OSC 52), which may block them."
        if not env.has_terminal_clipboard:
            said = "This machine has no clipboard, and JupyterLab's terminal doesn't support copying (OSC 52)."
        remedy = "Install xclip, xsel or wl-clipboard." if env.has_display and not env.is_over_ssh else _NO_CLIPBOARD
        yield Finding("clipboard", Verdict.LOOK, "Clipboard", said, remedy)


_NO_CLIPBOARD = "In the interface, press t to show a token, then select it with the mouse."
