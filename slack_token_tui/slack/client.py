"""Asks Slack: one request, one answer, one deadline.

Redirects are never followed, answers come unpacked and bounded, and a token goes to the host that was asked for and to
no other. The environment's proxies and certificates are respected, except that a Slack on this machine is never asked
through a proxy.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from slack_token_tui.foreign_text import clean
from slack_token_tui.secret import Secret
from slack_token_tui.slack.answers import Grant, Identity, parse_body, parse_grant, parse_identity
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.errors import AnswerUnusable, RateLimited, SlackUnreachable

DEADLINE_SECONDS = 20.0
_TOKEN_ANSWER_BYTES = 64 * 1024
_ANSWER_BYTES = 1024 * 1024
_LONGEST_WAIT_SECONDS = 3600
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    # No charset: Slack warns of a superfluous one on forms.
    "Content-Type": "application/x-www-form-urlencoded",
    "User-Agent": "slack-token-tui",
}


@dataclass(frozen=True)
class Client:
    """An OAuth client as Slack knows it.

    Without a secret it is a public client (RFC 6749 §2.1): PKCE proves who it is. With one it is confidential and proves
    itself by HTTP Basic, without PKCE: Slack answers ``internal_error`` or ``bad_client_secret`` to a mixture.
    """

    client_id: str
    client_secret: Secret | None = None

    @property
    def is_public(self) -> bool:
        """Whether PKCE is the proof."""
        return self.client_secret is None


class SlackClient:
    """The Web API of one Slack. Use it as an async context manager."""

    def __init__(self, endpoints: Endpoints, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self.endpoints = endpoints
        self._deadline_seconds = deadline_seconds
        self._http: httpx.AsyncClient | None = None

    async def __aenter__(self) -> SlackClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._http is not None:
            await self._http.aclose()

    async def exchange(self, client: Client, code: Secret, code_verifier: Secret | None, redirect_uri: str) -> Grant:
        """Exchange an authorization code for a grant. RFC 6749 §4.1.3, RFC 7636 §4.5; Slack: oauth.v2.user.access.

        Args:
            client: public or confidential.
            code: as the callback brought it; it is spent by this call.
            code_verifier: the secret behind the code challenge; None for a confidential client.
            redirect_uri: byte for byte what the authorization request said.

        Raises:
            SlackRefused, AnswerUnusable, SlackUnreachable: see :mod:`slack_token_tui.slack.errors`.
        """
        form = {"grant_type": "authorization_code", "code": code.reveal(), "redirect_uri": redirect_uri}
        headers: dict[str, str] = {}
        if client.client_secret is None:
            form["client_id"] = client.client_id
            if code_verifier is not None:
                form["code_verifier"] = code_verifier.reveal()
        else:
            pair = f"{client.client_id}:{client.client_secret.reveal()}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        answer, _ = await self._call(self.endpoints.exchange_method, form, headers, _TOKEN_ANSWER_BYTES)
        return parse_grant(answer)

    async def verify(self, access_token: Secret) -> Identity:
        """Ask who ``access_token`` speaks for and which scopes it has. Slack: auth.test.

        Raises:
            SlackRefused, AnswerUnusable, SlackUnreachable: see :mod:`slack_token_tui.slack.errors`.
        """
        headers = {"Authorization": f"Bearer {access_token.reveal()}"}
        answer, answered = await self._call("auth.test", {}, headers, _ANSWER_BYTES)
        return parse_identity(answer, answered.get("x-oauth-scopes"))

    async def _call(
        self, method: str, form: Mapping[str, str], headers: Mapping[str, str], most_bytes: int
    ) -> tuple[dict[str, Any], httpx.Headers]:
        """POST ``form`` and return the answer's JSON object and headers, whatever ``ok`` says in it."""
        http = self._open()
        host = {"host": self.endpoints.host}
        try:
            async with (
                asyncio.timeout(self._deadline_seconds),
                http.stream(
                    "POST", self.endpoints.method(method), content=urlencode(form), headers=headers
                ) as response,
            ):
                self._raise_for_status(response)
                body = bytearray()
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > most_bytes:
                        raise AnswerUnusable("answer_too_large", host)
        except TimeoutError:
            raise SlackUnreachable("network_timeout", host) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # An httpx error holds the request, and the request holds a code or a token: it goes no further than here.
            raise SlackUnreachable(*_named(error, host, self._proxy())) from None
        try:
            return parse_body(bytes(body)), response.headers
        except AnswerUnusable as error:
            raise AnswerUnusable(error.code, host) from None

    def _open(self) -> httpx.AsyncClient:
        if self._http is None:
            local = self.endpoints.on_loopback
            host = {"host": self.endpoints.host}
            try:
                self._http = httpx.AsyncClient(
                    trust_env=not local,
                    verify=httpx.create_ssl_context(),
                    follow_redirects=False,
                    timeout=self._deadline_seconds,
                    headers=_HEADERS,
                )
            except ImportError:
                raise SlackUnreachable("proxy_socks_missing", host) from None
            except (ValueError, httpx.InvalidURL):
                raise SlackUnreachable("proxy_unusable", host) from None
            except (OSError, ssl.SSLError):
                named = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR") or ""
                raise SlackUnreachable("certificates_unreadable", {**host, "detail": clean(named, 200)}) from None
        return self._http

    def _proxy(self) -> str | None:
        """The proxy that the environment names for this Slack, without the name and password it may hold."""
        if self.endpoints.on_loopback or proxy_bypass(self.endpoints.host):
            return None
        proxies = getproxies()
        address = proxies.get(urlsplit(self.endpoints.base).scheme) or proxies.get("all")
        return clean(address.rsplit("@", 1)[-1], 120) if address else None

    def _raise_for_status(self, response: httpx.Response) -> None:
        """Slack says no with HTTP 200; other statuses come from something before it, from an outage or a limit."""
        facts = {"host": self.endpoints.host, "detail": str(response.status_code)}
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise RateLimited(_retry_after_seconds(response.headers.get("retry-after")))
        if response.status_code == httpx.codes.PROXY_AUTHENTICATION_REQUIRED:
            raise SlackUnreachable("proxy_sign_in_required", facts)
        if response.is_redirect:
            raise AnswerUnusable("answer_redirects", facts)
        if response.is_server_error:
            raise SlackUnreachable("slack_outage", facts)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise AnswerUnusable("answer_packed", facts)


def _retry_after_seconds(value: str | None) -> int:
    """RFC 9110 §10.2.3 allows a date too; Slack sends seconds. What cannot be read counts as a minute."""
    try:
        return min(max(int(value or "60"), 1), _LONGEST_WAIT_SECONDS)
    except ValueError:
        return 60


def _named(error: Exception, host: Mapping[str, str], proxy: str | None) -> tuple[str, dict[str, str]]:
    """Return the catalogue code of an httpx error, with facts that hold no secret."""
    if isinstance(error, httpx.ProxyError):
        # "407 Proxy Authentication Required": what the proxy answered to CONNECT, never anything of ours.
        words = clean(str(error), 120)
        code = "proxy_sign_in_required" if words.startswith("407") else "proxy_refused"
        return code, {**host, "proxy": proxy or "?", "detail": words}
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "tls_untrusted", {**host, "detail": clean(cause.verify_message, 120)}
        if isinstance(cause, ssl.SSLError):
            return "tls_failed", {**host, "detail": clean(cause.reason or "", 120)}
        if proxy is None and isinstance(cause, socket.gaierror):
            return "name_not_found", dict(host)
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError) and proxy is not None:
        return "proxy_unreachable", {**host, "proxy": proxy, "detail": clean(str(error), 120)}
    if isinstance(error, httpx.TimeoutException):
        return "network_timeout", dict(host)
    if isinstance(error, httpx.ConnectError):
        return "network_unreachable", {**host, "detail": clean(str(error), 120)}
    return "connection_lost", dict(host)
