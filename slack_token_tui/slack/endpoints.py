"""Slack's addresses: every one of them derived from one base, so that two Slacks can never be mixed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

SLACK = "https://slack.com"
GOVSLACK = "https://slack-gov.com"
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


class EndpointVariant(StrEnum):
    """An authorize page and the method that takes its codes. The two must never be mixed.

    Slack answers a mixed pair with ``oauth_authorization_url_mismatch``.
    """

    V2_USER = "v2_user"
    """``/oauth/v2_user/authorize`` with ``oauth.v2.user.access``: user tokens only."""
    V2 = "v2"
    """``/oauth/v2/authorize`` with ``oauth.v2.access``: the user scopes travel as ``user_scope``."""

    @property
    def alternative(self) -> EndpointVariant:
        """The pair that is left to try when Slack does not know this one."""
        return EndpointVariant.V2 if self is EndpointVariant.V2_USER else EndpointVariant.V2_USER


def is_loopback(host: str | None) -> bool:
    """Tell whether ``host`` (without brackets) names this machine itself."""
    if host is None:
        return False
    if host.lower() == "localhost":
        return True
    if not host[:1].isdigit() and ":" not in host:
        return False
    import ipaddress  # most hosts never get here

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_base_url(address: str) -> str:
    """Return ``address`` as a base: scheme, host and port, nothing else.

    Raises:
        ValueError: with a sentence for the person, when it is not https (plain http is for loopback alone) or has more
            in it than a host and a port.
    """
    address = address.strip().rstrip("/")
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise ValueError("That is not an address.") from None
    host = parts.hostname
    if parts.scheme not in {"https", "http"} or not host:
        raise ValueError("A Slack address begins with https:// and a host name.")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("Plain http is only for a Slack on this machine; everything else needs https.")
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        raise ValueError("Give the address of Slack alone, without a path, a question mark or a user name.")
    if ":" in host:
        import ipaddress

        try:
            host = f"[{ipaddress.IPv6Address(host)}]"
        except ValueError:
            raise ValueError("That is not a host name.") from None
    elif not _HOST.fullmatch(host):
        raise ValueError("That is not a host name.")
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


@dataclass(frozen=True)
class Endpoints:
    """The addresses of one Slack for one pair.

    Attributes:
        base: as :func:`parse_base_url` returns it.
        pair: which authorize page and exchange method belong together.
    """

    base: str = SLACK
    variant: EndpointVariant = EndpointVariant.V2_USER

    @property
    def authorize_url(self) -> str:
        """The page where the person says yes. Slack: installing with OAuth."""
        return f"{self.base}/oauth/{self.variant}/authorize"

    @property
    def exchange_method(self) -> str:
        """The method that turns a code into a grant, and renews it."""
        return "oauth.v2.user.access" if self.variant is EndpointVariant.V2_USER else "oauth.v2.access"

    @property
    def scope_parameter(self) -> str:
        """The authorize parameter that carries user scopes: on ``v2`` plain ``scope`` means bot scopes."""
        return "scope" if self.variant is EndpointVariant.V2_USER else "user_scope"

    @property
    def host(self) -> str:
        """The base as a person reads it: ``slack.com``."""
        return self.base.split("://", 1)[1]

    @property
    def is_loopback(self) -> bool:
        """Whether this Slack runs on this machine."""
        return is_loopback(urlsplit(self.base).hostname)

    @property
    def apps_url(self) -> str:
        """Where the person's Slack apps are listed."""
        return f"{self.base}/apps" if self.is_loopback else self.base.replace("https://", "https://api.", 1) + "/apps"

    def method_url(self, name: str) -> str:
        """Return the address of Web API method ``name``."""
        return f"{self.base}/api/{name}"
