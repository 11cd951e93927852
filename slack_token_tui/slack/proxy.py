"""Choose the proxy for a host from the environment as curl does: curl(1), section ENVIRONMENT.

Only the variable that applies to the host is read, so an invalid value in another one has no effect.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from slack_token_tui.sanitize import clean
from slack_token_tui.slack.errors import SlackUnreachable

_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_SCHEMES = {"http": "http", "https": "https", "socks": "socks5", "socks5": "socks5", "socks5h": "socks5h"}
"""Supported proxy schemes. GNOME writes ``socks://`` for any SOCKS proxy, and SOCKS 5 is the usual one."""
_SYSTEM_SETTINGS = "the system's network settings"

NOT_A_URL = "it isn't a URL with a port between 1 and 65535"


@dataclass(frozen=True)
class Proxy:
    """A proxy.

    Attributes:
        url: its URL, with the user name and password if there are any.
        variable: the environment variable that names it.
    """

    url: str = field(repr=False)
    variable: str

    @property
    def display_url(self) -> str:
        """The URL without user name and password."""
        return clean(self.url.rsplit("@", 1)[-1], 120)


def find_proxy(base: str) -> Proxy | None:
    """Return the proxy for the Slack at ``base``, or None to connect directly.

    Args:
        base: its base URL. A Slack on loopback never has a proxy, which the caller checks.

    Raises:
        SlackUnreachable: ``proxy_unusable``: the variable that applies does not name a proxy that can be used.
    """
    target = urlsplit(base)
    host, port = (target.hostname or "").rstrip("."), target.port or 443
    variable = next((name for name in _VARIABLES if os.environ.get(name)), None)
    if variable is None:
        return _find_system_proxy(host)
    no_proxy = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if any(_excludes(entry, host, port) for entry in no_proxy.replace(",", " ").split()):
        return None
    return Proxy(_parse(os.environ[variable], variable), variable)


def _find_system_proxy(host: str) -> Proxy | None:
    """Return the proxy in the settings of macOS or Windows."""
    if sys.platform not in ("darwin", "win32"):
        return None
    from urllib.request import getproxies, proxy_bypass

    url = getproxies().get("https")
    return Proxy(_parse(url, _SYSTEM_SETTINGS), _SYSTEM_SETTINGS) if url and not proxy_bypass(host) else None


def _parse(value: str, variable: str) -> str:
    """Return ``value`` as a proxy URL."""
    scheme, separator, rest = value.strip().partition("://")
    if not separator:
        scheme, rest = "http", value.strip()
    if (known := _SCHEMES.get(scheme.lower())) is None:
        problem = f"{clean(scheme, 20)} proxies aren't supported"
    else:
        problem = NOT_A_URL
        with suppress(ValueError):  # the port is not a number, or too large
            parts = urlsplit(f"{known}://{rest}")
            if parts.hostname and parts.port != 0 and all("!" <= character <= "~" for character in rest):
                return parts.geturl()
    raise SlackUnreachable("proxy_unusable", proxy_variable=variable, detail=problem)


def _excludes(entry: str, host: str, port: int) -> bool:
    """Return whether ``entry`` of NO_PROXY excludes ``host`` from using a proxy.

    It is ``*``, a domain with or without a leading dot, an IP address or a CIDR network. A port is optional.
    """
    if entry == "*":
        return True
    with suppress(ValueError):  # not an IP address
        address = ip_address(host.strip("[]"))
        network, _, length = entry.partition("/")
        with suppress(ValueError):
            return address in ip_network(
                f"{network.strip('[]')}/{length}" if length else network.strip("[]"), strict=False
            )
    name, _, wanted_port = entry.rpartition(":") if entry.rpartition(":")[2].isdigit() else (entry, "", "")
    name = name.strip(".").lower()
    is_in_domain = bool(name) and (host.lower() == name or host.lower().endswith(f".{name}"))
    return is_in_domain and wanted_port in ("", str(port))
