"""Slack's URLs, all derived from one base URL, so that two Slack hosts can never be mixed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from slack_token_tui.problems import InvalidInput

SLACK = "https://slack.com"
GOVSLACK = "https://slack-gov.com"
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


class EndpointVariant(StrEnum):
    """An authorize page and the method that accepts its codes.

    Slack rejects a code from the other variant's page with ``oauth_authorization_url_mismatch``.
    """

    V2_USER = "v2_user"
    """``/oauth/v2_user/authorize`` with ``oauth.v2.user.access``: user tokens only."""
    V2 = "v2"
    """``/oauth/v2/authorize`` with ``oauth.v2.access``: user scopes are sent as ``user_scope``."""

    @property
    def alternative(self) -> EndpointVariant:
        """The variant to try when Slack does not support this one."""
        return EndpointVariant.V2 if self is EndpointVariant.V2_USER else EndpointVariant.V2_USER


def is_loopback(host: str | None) -> bool:
    """Return whether ``host`` (without brackets) is a loopback host."""
    if host is None:
        return False
    if host.lower() == "localhost":
        return True
    if not host[:1].isdigit() and ":" not in host:
        return False
    import ipaddress  # deferred: most hosts return earlier

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_base_url(url: str) -> str:
    """Return the base URL in ``url``: only scheme, host and port.

    Raises:
        ValueError: the URL is not HTTPS (plain HTTP is only for loopback) or has more than a host and a port. The
            message is a sentence for the user.
    """
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidInput("That isn't a URL.") from None
    host = parts.hostname
    if parts.scheme not in {"https", "http"} or not host:
        raise InvalidInput("A Slack URL starts with https:// and a hostname.")
    if parts.scheme == "http" and not is_loopback(host):
        raise InvalidInput("Use https. Slack allows http only on this machine.")
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        raise InvalidInput("Enter only the base URL, such as https://slack.com, without a path or a username.")
    if ":" in host:
        import ipaddress

        try:
            host = f"[{ipaddress.IPv6Address(host)}]"
        except ValueError:
            raise InvalidInput("That isn't a valid hostname.") from None
    elif not _HOST.fullmatch(host):
        raise InvalidInput("That isn't a valid hostname.")
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


@dataclass(frozen=True)
class Endpoints:
    """The URLs of one Slack host for one endpoint variant.

    Attributes:
        base: the base URL, as returned by :func:`parse_base_url`.
        variant: selects the authorize page and the matching exchange method.
    """

    base: str = SLACK
    variant: EndpointVariant = EndpointVariant.V2_USER

    @property
    def authorize_url(self) -> str:
        """URL of the consent page. Slack: installing with OAuth."""
        return f"{self.base}/oauth/{self.variant}/authorize"

    @property
    def exchange_method(self) -> str:
        """Web API method that exchanges a code for tokens and refreshes them."""
        return "oauth.v2.user.access" if self.variant is EndpointVariant.V2_USER else "oauth.v2.access"

    @property
    def scope_parameter(self) -> str:
        """Authorize URL parameter for user scopes. On ``v2``, plain ``scope`` means bot scopes."""
        return "scope" if self.variant is EndpointVariant.V2_USER else "user_scope"

    @property
    def host(self) -> str:
        """Host and port for display, such as ``slack.com``."""
        return self.base.split("://", 1)[1]

    @property
    def is_loopback(self) -> bool:
        """Whether this Slack runs on this machine."""
        return is_loopback(urlsplit(self.base).hostname)

    @property
    def apps_url(self) -> str:
        """URL of the page that lists the user's Slack apps."""
        return f"{self.base}/apps" if self.is_loopback else self.base.replace("https://", "https://api.", 1) + "/apps"

    def method_url(self, name: str) -> str:
        """Return the URL of Web API method ``name``."""
        return f"{self.base}/api/{name}"
