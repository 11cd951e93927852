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
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from slack_token_tui.problems import error_location
from slack_token_tui.sanitize import clean
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints, EndpointVariant
from slack_token_tui.slack.errors import RateLimited, SlackError, SlackUnreachable, UnusableResponse, UnusableToken
from slack_token_tui.slack.limits import MAX_WORKSPACES
from slack_token_tui.slack.responses import (
    Identity,
    TokenResponse,
    find_tokens,
    parse_body,
    parse_identity,
    parse_token_response,
    parse_workspaces,
    raise_if_refused,
)

DEADLINE_SECONDS = 20.0
_MAX_TOKEN_RESPONSE_BYTES = 64 * 1024
_MAX_RESPONSE_BYTES = 1024 * 1024
_MAX_RETRY_AFTER_SECONDS = 3600
Trace = Callable[[str, Mapping[str, Any]], Awaitable[None]]
"""httpx's ``trace`` extension: called with the name of each thing that happens on the wire."""
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


class RefreshObserver(Protocol):
    """Somebody who writes down what a refresh has come to."""

    def before_send(self) -> None:
        """The connection stands; the request goes out when this returns, and the refresh token may be spent from then on."""

    def response_received(self, body: bytes) -> None:
        """The whole answer is here, and nobody has looked at it yet."""


@dataclass(frozen=True)
class Connectivity:
    """What the way to a Slack looks like.

    Attributes:
        proxy: the proxy in between, without its user and password, or None.
        tls_version: as the library names it; None for plain http on loopback.
        issuer: the organisation that vouches for Slack's certificate: a company's own, where TLS is inspected.
        date: Slack's clock (RFC 9110 §6.6.1), an aware datetime.
    """

    proxy: str | None
    tls_version: str | None
    issuer: str | None
    date: datetime | None


@dataclass(frozen=True)
class _Response:
    """What Slack sent: the JSON object, the headers, and the raw body, which may hold tokens."""

    data: dict[str, Any]
    headers: httpx.Headers
    body: Secret


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

    async def exchange(
        self, client: Client, code: Secret, code_verifier: Secret | None, redirect_uri: str
    ) -> TokenResponse:
        """Exchange an authorization code for a grant. RFC 6749 §4.1.3, RFC 7636 §4.5; Slack: oauth.v2.user.access.

        Args:
            client: public or confidential.
            code: as the callback brought it; it is spent by this call.
            code_verifier: the secret behind the code challenge; None for a confidential client.
            redirect_uri: byte for byte what the authorization request said.

        Raises:
            SlackRefused, UnusableTokenResponse, SlackUnreachable: see :mod:`slack_token_tui.slack.errors`.
        """
        form = {"grant_type": "authorization_code", "code": code.reveal(), "redirect_uri": redirect_uri}
        if client.is_public and code_verifier is not None:
            form["code_verifier"] = code_verifier.reveal()
        return await self._request_token(self.endpoints.exchange_method, client, form)

    async def refresh(
        self, client: Client, refresh_token: Secret, variant: EndpointVariant, observer: RefreshObserver
    ) -> TokenResponse:
        """Spend ``refresh_token`` for a new grant. RFC 6749 §6; Slack: using token rotation.

        Args:
            client: the one that the token was issued to.
            refresh_token: good once.
            pair: whose method to ask; the two take the same arguments.
            watch: told of the two moments that a crash must not fall between unnoticed. What it raises ends the request.

        Raises:
            SlackRefused, UnusableTokenResponse, SlackUnreachable: see :mod:`slack_token_tui.slack.errors`.
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()}
        return await self._request_token(
            Endpoints(self.endpoints.base, variant).exchange_method, client, form, observer
        )

    async def _request_token(
        self, method: str, client: Client, form: Mapping[str, str], observer: RefreshObserver | None = None
    ) -> TokenResponse:
        client_fields, headers = _authenticate_client(client)
        response = await self._call(method, {**form, **client_fields}, headers, observer, issues_token=True)
        try:
            return parse_token_response(response.data)
        except SlackError as error:
            error.response = response.body if find_tokens(response.body) else None
            raise
        except Exception as error:  # a bug must not cost the token either
            raise UnusableToken("unexpected", {"detail": error_location(error)}, response.body) from None

    async def revoke(self, token: Secret) -> bool:
        """End ``token``, access or refresh, and return what Slack says of it. Slack: auth.revoke.

        Raises:
            SlackRefused, UnusableTokenResponse, SlackUnreachable: see :mod:`slack_token_tui.slack.errors`.
        """
        headers = {"Authorization": f"Bearer {token.reveal()}"}
        answer = (await self._call("auth.revoke", {}, headers)).data
        raise_if_refused(answer)
        return answer.get("revoked") is True

    async def verify(self, access_token: Secret) -> Identity:
        """Ask who ``access_token`` speaks for and which scopes it has; of an organisation's token also which workspaces.

        Slack: auth.test, auth.teams.list.

        Raises:
            SlackRefused, UnusableTokenResponse, SlackUnreachable: see :mod:`slack_token_tui.slack.errors`.
        """
        headers = {"Authorization": f"Bearer {access_token.reveal()}"}
        response = await self._call("auth.test", {}, headers)
        identity = parse_identity(response.data, response.headers.get("x-oauth-scopes"))
        if not identity.is_enterprise_install:
            return identity
        with suppress(SlackError):  # who it is, is known; the list is shown where there is one
            return replace(identity, workspaces=await self._list_workspaces(headers))
        return identity

    async def _list_workspaces(self, headers: Mapping[str, str]) -> tuple[str, ...]:
        form = {"limit": str(MAX_WORKSPACES)}
        return parse_workspaces((await self._call("auth.teams.list", form, headers)).data)

    async def check_connectivity(self) -> Connectivity:
        """Ask Slack something that needs no token, and return what the way there looks like. Slack: auth.test.

        Raises:
            UnusableTokenResponse, SlackUnreachable: see :mod:`slack_token_tui.slack.errors`.
        """
        certificate: dict[str, str] = {}

        async def record_certificate(event: str, details: Mapping[str, Any]) -> None:
            if event.endswith("start_tls.complete"):
                certificate.update(_certificate_facts(details["return_value"]))

        response = await self._call("auth.test", {}, {}, trace=record_certificate)
        return Connectivity(
            self._proxy_url(),
            certificate.get("version"),
            certificate.get("issuer"),
            _parse_date(response.headers.get("date", "")),
        )

    async def _call(
        self,
        method: str,
        form: Mapping[str, str],
        headers: Mapping[str, str],
        observer: RefreshObserver | None = None,
        trace: Trace | None = None,
        *,
        issues_token: bool = False,
    ) -> _Response:
        """POST ``form`` and return Slack's response, whatever its status is and ``ok`` says in it."""
        http = await self._http_client()
        host = {"host": self.endpoints.host}
        trace = _trace_requests(observer) if observer else trace
        max_bytes = _MAX_TOKEN_RESPONSE_BYTES if issues_token else _MAX_RESPONSE_BYTES
        body, response, failure, is_reported = bytearray(), None, None, False
        try:
            async with (
                asyncio.timeout(self._deadline_seconds),
                http.stream(
                    "POST",
                    self.endpoints.method_url(method),
                    content=urlencode(form),
                    headers=headers,
                    extensions={"trace": trace} if trace else None,
                ) as response,
            ):
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > max_bytes:
                        break
                if observer is not None and self._http_status_error(response) is None:
                    # Here and not after the block: closing the connection is work in which a process can be killed.
                    is_reported = True
                    observer.response_received(bytes(body[:max_bytes]))
        except TimeoutError:
            failure = SlackUnreachable("network_timeout", host)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # An httpx error holds the request, and the request holds a code or a token: it goes no further than here.
            failure = SlackUnreachable(*_classify_error(error, host, self._proxy_url()))
        raw = Secret(body[:max_bytes].decode("latin-1"))
        holds_token = issues_token and bool(find_tokens(raw))
        if observer is not None and holds_token and not is_reported:
            observer.response_received(bytes(body[:max_bytes]))
        problem: SlackError | None = (self._http_status_error(response) if response is not None else None) or failure
        if problem is None and response is not None:
            try:
                return _Response(parse_body(bytes(body[:max_bytes])), response.headers, raw)
            except UnusableResponse as error:
                if response.is_server_error:
                    problem = SlackUnreachable("slack_outage", {**host, "detail": str(response.status_code)})
                else:
                    problem = UnusableResponse("answer_too_large" if len(body) > max_bytes else error.code, host)
        assert problem is not None, "without a response there is a failure"
        problem.response = raw if holds_token else None
        raise problem from None

    async def _http_client(self) -> httpx.AsyncClient:
        if self._http is None:
            local = self.endpoints.is_loopback
            host = {"host": self.endpoints.host}
            try:
                self._http = httpx.AsyncClient(
                    trust_env=not local,
                    verify=await _ssl_context(),
                    follow_redirects=False,
                    timeout=self._deadline_seconds,
                    headers=_HEADERS,
                )
            except ImportError:
                raise SlackUnreachable("proxy_socks_missing", host) from None
            except (ValueError, httpx.InvalidURL):
                raise SlackUnreachable("proxy_unusable", host) from None
            except (OSError, ssl.SSLError):
                path = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR") or ""
                raise SlackUnreachable("certificates_unreadable", {**host, "detail": clean(path, 200)}) from None
        return self._http

    def _proxy_url(self) -> str | None:
        """The proxy that the environment names for this Slack, without the name and password it may hold."""
        if self.endpoints.is_loopback or proxy_bypass(self.endpoints.host):
            return None
        proxies = getproxies()
        address = proxies.get(urlsplit(self.endpoints.base).scheme) or proxies.get("all")
        return clean(address.rsplit("@", 1)[-1], 120) if address else None

    def _http_status_error(self, response: httpx.Response) -> SlackError | None:
        """Return what a status means that decides by itself. Slack says no with HTTP 200, so its body decides otherwise."""
        facts = {"host": self.endpoints.host, "detail": str(response.status_code)}
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            return RateLimited(_retry_after_seconds(response.headers.get("retry-after")))
        if response.status_code == httpx.codes.PROXY_AUTHENTICATION_REQUIRED:
            return SlackUnreachable("proxy_sign_in_required", facts)
        if response.is_redirect:
            return UnusableResponse("answer_redirects", facts)
        if response.headers.get("content-encoding", "identity").lower() != "identity" and not response.is_server_error:
            return UnusableResponse("answer_packed", facts)
        return None


def tls_key_log_path() -> str | None:
    """Return the file that the keys of every TLS connection are written to, or None.

    OpenSSL's SSLKEYLOGFILE is honored: people debug with it. Whoever can read that file can decrypt recorded traffic, tokens
    included, so the interfaces say that it is set.
    """
    path = os.environ.get("SSLKEYLOGFILE")
    return clean(path, 200) if path else None


async def _ssl_context() -> ssl.SSLContext:
    """Return whom to trust. It takes a tenth of a second to read, so it is read once, and beside whatever else goes on."""
    paths = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    if paths not in _ssl_contexts:
        _ssl_contexts[paths] = await asyncio.to_thread(httpx.create_ssl_context)
    return _ssl_contexts[paths]


_ssl_contexts: dict[tuple[str | None, str | None], ssl.SSLContext] = {}


def _authenticate_client(client: Client) -> tuple[dict[str, str], dict[str, str]]:
    """Return the form fields and headers that say which client asks."""
    if client.client_secret is None:
        return {"client_id": client.client_id}, {}
    pair = f"{client.client_id}:{client.client_secret.reveal()}"
    return {}, {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _trace_requests(observer: RefreshObserver) -> Trace:
    """Return httpx's ``trace`` extension that calls ``watch.sending`` before the request's own first byte.

    A proxy's CONNECT sends headers too, before there is a connection to Slack: it does not count.
    """

    async def on_event(event: str, details: Mapping[str, Any]) -> None:
        if event.endswith(".send_request_headers.started") and details["request"].method == b"POST":
            observer.before_send()

    return on_event


def _certificate_facts(stream: Any) -> dict[str, str]:
    """Return TLS version and the issuer's organisation of a connection that httpx has just secured."""
    connection = stream.get_extra_info("ssl_object")
    if connection is None:
        return {}
    issuer = {key: value for part in (connection.getpeercert() or {}).get("issuer", ()) for key, value in part}
    name = issuer.get("organizationName") or issuer.get("commonName") or ""
    return {"version": str(connection.version() or ""), "issuer": clean(name, 80)}


def _parse_date(header: str) -> datetime | None:
    """Return the instant in a ``Date`` header (RFC 9110 §6.6.1), or None when it is not one."""
    try:
        return parsedate_to_datetime(header).replace(tzinfo=UTC)  # HTTP dates are GMT, always
    except (ValueError, TypeError, OverflowError):
        return None


def _retry_after_seconds(value: str | None) -> int:
    """RFC 9110 §10.2.3 allows a date too; Slack sends seconds. What cannot be read counts as a minute."""
    try:
        return min(max(int(value or "60"), 1), _MAX_RETRY_AFTER_SECONDS)
    except ValueError:
        return 60


def _classify_error(error: Exception, host: Mapping[str, str], proxy: str | None) -> tuple[str, dict[str, str]]:
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
