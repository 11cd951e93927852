"""HTTP client for Slack's Web API, with one deadline per request.

Redirects are never followed, so a token is only sent to the requested host. Responses are requested uncompressed and
limited in size. The proxy and the certificates of the environment are used, but a Slack on this machine is never
contacted through a proxy.
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
from urllib.parse import urlencode

import httpx

from slack_token_tui.problems import error_location
from slack_token_tui.sanitize import clean
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints, EndpointVariant
from slack_token_tui.slack.errors import (
    AMBIGUOUS_REFUSALS,
    RateLimited,
    SlackError,
    SlackUnreachable,
    UnusableResponse,
    UnusableToken,
)
from slack_token_tui.slack.limits import MAX_WORKSPACES
from slack_token_tui.slack.proxy import NOT_A_URL, Proxy, find_proxy
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
"""Callback for httpx's ``trace`` extension. It receives the name and details of each network event."""
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    # No charset: Slack returns a warning if a form has one.
    "Content-Type": "application/x-www-form-urlencoded",
    "User-Agent": "slack-token-tui",
}


@dataclass(frozen=True)
class OAuthClient:
    """An OAuth client.

    Without a secret it is a public client (RFC 6749 §2.1) and uses PKCE. With a secret it is confidential and uses HTTP
    Basic without PKCE. Slack responds with ``internal_error`` or ``bad_client_secret`` if both are sent.
    """

    client_id: str
    client_secret: Secret | None = None

    @property
    def is_public(self) -> bool:
        """Whether the client uses PKCE instead of a client secret."""
        return self.client_secret is None


class RefreshObserver(Protocol):
    """Protocol for an object that records the progress of a refresh."""

    def before_send(self) -> None:
        """Record that the connection is established.

        The request is sent when this returns. From then on the refresh token may be spent.
        """

    def response_received(self, body: bytes) -> None:
        """Record the complete response body. It has not been parsed yet."""


@dataclass(frozen=True)
class Connectivity:
    """The network path to Slack.

    Attributes:
        proxy: the proxy in use, without its user name and password, or None.
        tls_version: as the TLS library names it, or None for plain HTTP on loopback.
        issuer: the organization that issued Slack's certificate, or None. This is your company if it inspects TLS.
        date: Slack's clock as an aware datetime, from the ``Date`` header (RFC 9110 §6.6.1), or None.
    """

    proxy: str | None
    tls_version: str | None
    issuer: str | None
    date: datetime | None


@dataclass(frozen=True)
class _Response:
    """Slack's response: the JSON object, the headers, and the raw body, which may contain tokens."""

    data: dict[str, Any]
    headers: httpx.Headers
    body: Secret


class SlackClient:
    """A client for the Web API of one Slack host. Use it as an async context manager."""

    def __init__(self, endpoints: Endpoints, deadline_seconds: float | None = None) -> None:
        self.endpoints = endpoints
        self._deadline_seconds = DEADLINE_SECONDS if deadline_seconds is None else deadline_seconds
        self._http: httpx.AsyncClient | None = None
        self._creation = asyncio.Lock()
        self._proxy: Proxy | None = None

    async def __aenter__(self) -> SlackClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()

    async def prepare(self) -> None:
        """Read the proxy and certificate settings of the environment, which each request needs. Nothing is sent.

        Raises:
            SlackUnreachable: they can't be used.
        """
        try:
            async with asyncio.timeout(self._deadline_seconds):
                await self._http_client()
        except TimeoutError:
            raise _unsent(self._settings_error()) from None

    async def exchange(
        self, client: OAuthClient, code: Secret, code_verifier: Secret | None, redirect_uri: str
    ) -> TokenResponse:
        """Exchange an authorization code for tokens. RFC 6749 §4.1.3, RFC 7636 §4.5; Slack: oauth.v2.user.access.

        Args:
            client: public or confidential.
            code: from the callback. This call spends it.
            code_verifier: the secret behind the code challenge, or None for a confidential client.
            redirect_uri: exactly as in the authorization request, byte for byte.

        Raises:
            SlackRefused, UnusableResponse, SlackUnreachable: see :mod:`slack_token_tui.slack.errors`.
        """
        form = {"grant_type": "authorization_code", "code": code.reveal(), "redirect_uri": redirect_uri}
        if client.is_public and code_verifier is not None:
            form["code_verifier"] = code_verifier.reveal()
        return await self._request_token(self.endpoints.exchange_method, client, form)

    async def refresh(
        self, client: OAuthClient, refresh_token: Secret, variant: EndpointVariant, observer: RefreshObserver
    ) -> TokenResponse:
        """Exchange ``refresh_token`` for new tokens. RFC 6749 §6; Slack: using token rotation.

        Args:
            client: the client that the token was issued to.
            refresh_token: valid for one use.
            variant: selects the method to call. Both methods accept the same arguments.
            observer: notified before the request is sent and when the response has arrived, so that a crash in between
                is detectable. An exception that it raises aborts the request.

        Raises:
            SlackRefused, UnusableResponse, SlackUnreachable: see :mod:`slack_token_tui.slack.errors`.
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()}
        return await self._request_token(
            Endpoints(self.endpoints.base, variant).exchange_method, client, form, observer
        )

    async def _request_token(
        self, method: str, client: OAuthClient, form: Mapping[str, str], observer: RefreshObserver | None = None
    ) -> TokenResponse:
        client_fields, headers = _authenticate_client(client)
        response = await self._call(method, {**form, **client_fields}, headers, observer, issues_token=True)
        try:
            return parse_token_response(response.data)
        except SlackError as error:
            error.response = response.body if find_tokens(response.body) else None
            raise
        except Exception as error:  # a bug must not lose the token either
            problem = UnusableToken("unexpected", detail=error_location(error))
            problem.response = response.body
            raise problem from None

    async def revoke(self, token: Secret) -> bool:
        """Revoke an access or refresh token and return whether Slack confirmed it. Slack: auth.revoke.

        Raises:
            SlackRefused, UnusableResponse, SlackUnreachable: see :mod:`slack_token_tui.slack.errors`.
        """
        headers = {"Authorization": f"Bearer {token.reveal()}"}
        data = (await self._call("auth.revoke", {}, headers)).data
        raise_if_refused(data)
        return data.get("revoked") is True

    async def verify(self, access_token: Secret) -> Identity:
        """Return the user, team and scopes of ``access_token``, and the workspaces of an organization's token.

        Slack: auth.test, auth.teams.list.

        Raises:
            SlackRefused, UnusableResponse, SlackUnreachable: see :mod:`slack_token_tui.slack.errors`.
        """
        headers = {"Authorization": f"Bearer {access_token.reveal()}"}
        response = await self._call("auth.test", {}, headers)
        identity = parse_identity(response.data, response.headers.get("x-oauth-scopes"))
        if not identity.is_enterprise_install:
            return identity
        with suppress(SlackError):  # the identity is valid without the workspace list
            return replace(identity, workspaces=await self._list_workspaces(headers))
        return identity

    async def _list_workspaces(self, headers: Mapping[str, str]) -> tuple[str, ...]:
        form = {"limit": str(MAX_WORKSPACES)}
        return parse_workspaces((await self._call("auth.teams.list", form, headers)).data)

    async def check_connectivity(self) -> Connectivity:
        """Send a request without a token and return the network path to Slack. Slack: auth.test.

        Raises:
            UnusableResponse, SlackUnreachable: see :mod:`slack_token_tui.slack.errors`.
        """
        certificate: dict[str, str] = {}

        async def record_certificate(event: str, details: Mapping[str, Any]) -> None:
            if event.endswith("start_tls.complete"):
                certificate.update(_certificate_details(details["return_value"]))

        response = await self._call("auth.test", {}, {}, trace=record_certificate)
        if (code := response.data.get("error")) in AMBIGUOUS_REFUSALS:
            raise SlackUnreachable("slack_outage", host=self.endpoints.host, detail=str(code))
        return Connectivity(
            self._proxy.display_url if self._proxy else None,
            certificate.get("version"),
            certificate.get("issuer"),
            parse_date(response.headers.get("date", "")),
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
        """POST ``form`` and return Slack's response, whether ``ok`` is true or false.

        Raises:
            UnusableResponse, SlackUnreachable: see :mod:`slack_token_tui.slack.errors`.
        """
        host = {"host": self.endpoints.host}
        progress = _Progress(observer, trace)
        max_bytes = _MAX_TOKEN_RESPONSE_BYTES if issues_token else _MAX_RESPONSE_BYTES
        body, response, failure, is_reported = bytearray(), None, None, False
        try:
            async with asyncio.timeout(self._deadline_seconds):
                http = await self._http_client()
                async with http.stream(
                    "POST",
                    self.endpoints.method_url(method),
                    content=urlencode(form),
                    headers=headers,
                    extensions={"trace": progress.on_event},
                ) as response:
                    async for chunk in response.aiter_raw():
                        body += chunk
                        if len(body) > max_bytes:
                            break
                    if observer is not None and self._http_status_error(response) is None:
                        # Report it here and not after the block: the process can be killed while the connection closes.
                        is_reported = True
                        observer.response_received(bytes(body[:max_bytes]))
        except TimeoutError:
            failure = self._timeout_error() if self._http is not None else self._settings_error()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # An httpx error references the request, which contains a code or token, so it must not propagate.
            code, facts = _classify_error(error, host, self._proxy)
            failure = self._timeout_error() if code == "network_timeout" else SlackUnreachable(code, **facts)
        raw = Secret(body[:max_bytes].decode("latin-1"))
        has_token = issues_token and bool(find_tokens(raw))
        if observer is not None and has_token and not is_reported:
            observer.response_received(bytes(body[:max_bytes]))
        problem: SlackError | None = (self._http_status_error(response) if response is not None else None) or failure
        if problem is None and response is not None:
            try:
                return _Response(parse_body(bytes(body[:max_bytes])), response.headers, raw)
            except UnusableResponse as error:
                if response.is_server_error:
                    problem = SlackUnreachable("slack_outage", **host, detail=str(response.status_code))
                else:
                    problem = UnusableResponse("answer_too_large" if len(body) > max_bytes else error.code, **host)
        assert problem is not None, "without a response there is a failure"
        problem.response, problem.was_sent = raw if has_token else None, progress.was_sent
        raise problem from None

    async def _http_client(self) -> httpx.AsyncClient:
        async with self._creation:  # several requests may be the first
            return self._http or await self._create_http_client()

    async def _create_http_client(self) -> httpx.AsyncClient:
        try:
            context = await _ssl_context()
            self._proxy = None if self.endpoints.is_loopback else find_proxy(self.endpoints.base)
            self._http = httpx.AsyncClient(
                trust_env=False,  # httpx would read every proxy variable, and fail if one of them is malformed
                proxy=_httpx_proxy(self._proxy, context) if self._proxy else None,
                verify=context,
                follow_redirects=False,
                timeout=self._deadline_seconds,
                headers=_HEADERS,
            )
        except SlackUnreachable as error:
            raise _unsent(error) from None
        except ImportError:
            raise _unsent(self._proxy_error("proxy_socks_missing")) from None
        except (ValueError, httpx.InvalidURL):
            raise _unsent(self._proxy_error("proxy_unusable")) from None
        except (OSError, ssl.SSLError) as error:
            raise _unsent(self._settings_error(error)) from None
        return self._http

    def _proxy_error(self, code: str) -> SlackUnreachable:
        facts = {"proxy_variable": self._proxy.variable, "detail": NOT_A_URL} if self._proxy else {}
        return SlackUnreachable(code, host=self.endpoints.host, **facts)

    def _settings_error(self, error: Exception | None = None) -> SlackUnreachable:
        """Return the problem with the certificates or the key log, which are loaded together."""
        host, key_log = self.endpoints.host, os.environ.get("SSLKEYLOGFILE")
        if isinstance(error, OSError) and key_log and error.filename == key_log:
            return SlackUnreachable("key_log_unusable", host=host, file=key_log, detail=error.strerror or "")
        path = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR") or ""
        return SlackUnreachable("certificates_unreadable", host=host, detail=clean(path, 200))

    def _timeout_error(self) -> SlackUnreachable:
        return SlackUnreachable("network_timeout", host=self.endpoints.host, seconds=f"{self._deadline_seconds:.0f}")

    def _http_status_error(self, response: httpx.Response) -> SlackError | None:
        """Return the error implied by the status or headers, or None if the body decides.

        Slack sends its errors with HTTP 200, so the body decides for most responses.
        """
        facts = {"host": self.endpoints.host, "detail": str(response.status_code)}
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            return RateLimited(_retry_after_seconds(response.headers.get("retry-after")))
        if response.status_code == httpx.codes.PROXY_AUTHENTICATION_REQUIRED:
            return SlackUnreachable("proxy_sign_in_required", **facts)
        if response.is_redirect:
            return UnusableResponse("answer_redirects", **facts)
        if response.headers.get("content-encoding", "identity").lower() != "identity" and not response.is_server_error:
            return UnusableResponse("answer_packed", **facts)
        return None


class SlackClients:
    """Clients that share their connections: one for each Slack. Use it as an async context manager."""

    def __init__(self) -> None:
        self._clients: dict[str, SlackClient] = {}

    async def __aenter__(self) -> SlackClients:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()

    def get(self, endpoints: Endpoints) -> SlackClient:
        """Return the client for the Slack at ``endpoints``. It can send several requests at once.

        The endpoint variant is that of the first call. Only exchanges and refreshes depend on it.
        """
        return self._clients.setdefault(endpoints.base, SlackClient(endpoints))


def tls_key_log_path() -> str | None:
    """Return the file that the keys of every TLS connection are logged to, or None.

    OpenSSL's SSLKEYLOGFILE is honored because people debug with it. Any reader of that file can decrypt recorded
    traffic, including tokens, so the user interfaces show that it is set.
    """
    path = os.environ.get("SSLKEYLOGFILE")
    return clean(path, 200) if path else None


def _unsent(error: SlackUnreachable) -> SlackUnreachable:
    error.was_sent = False
    return error


def _httpx_proxy(proxy: Proxy, context: ssl.SSLContext) -> httpx.Proxy:
    is_tls = proxy.url.startswith("https:")
    return httpx.Proxy(proxy.url, ssl_context=context if is_tls else None)


async def _ssl_context() -> ssl.SSLContext:
    """Return a cached SSL context with the trusted certificates.

    Loading takes a tenth of a second, so it happens once and in a thread.
    """
    paths = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    if paths not in _ssl_contexts:
        _ssl_contexts[paths] = await asyncio.to_thread(httpx.create_ssl_context)
    return _ssl_contexts[paths]


_ssl_contexts: dict[tuple[str | None, str | None], ssl.SSLContext] = {}


def _authenticate_client(client: OAuthClient) -> tuple[dict[str, str], dict[str, str]]:
    """Return the form fields and headers that authenticate the client."""
    if client.client_secret is None:
        return {"client_id": client.client_id}, {}
    credentials = f"{client.client_id}:{client.client_secret.reveal()}"
    return {}, {"Authorization": f"Basic {b64encode(credentials.encode()).decode()}"}


class _Progress:
    """Progress of one request, from httpx's ``trace`` extension: whether it may have reached Slack."""

    def __init__(self, observer: RefreshObserver | None, trace: Trace | None) -> None:
        self.was_sent = False
        self._observer = observer
        self._trace = trace

    async def on_event(self, event: str, details: Mapping[str, Any]) -> None:
        # A proxy's CONNECT request also sends headers, but it comes before the connection to Slack.
        if event.endswith(".send_request_headers.started") and details["request"].method == b"POST":
            if self._observer is not None:
                self._observer.before_send()
            self.was_sent = True
        if self._trace is not None:
            await self._trace(event, details)


def _certificate_details(stream: Any) -> dict[str, str]:
    """Return the TLS version and the certificate issuer after httpx has completed a TLS handshake."""
    connection = stream.get_extra_info("ssl_object")
    if connection is None:
        return {}
    issuer = {key: value for part in (connection.getpeercert() or {}).get("issuer", ()) for key, value in part}
    name = issuer.get("organizationName") or issuer.get("commonName") or ""
    return {"version": str(connection.version() or ""), "issuer": clean(name, 80)}


def parse_date(header: str) -> datetime | None:
    """Return the time in a ``Date`` header (RFC 9110 §6.6.1), or None if it is invalid."""
    try:
        return parsedate_to_datetime(header).replace(tzinfo=UTC)  # HTTP dates are always GMT
    except (ValueError, TypeError, OverflowError):
        return None


def _retry_after_seconds(value: str | None) -> int:
    """Return the delay in a ``Retry-After`` header, between 1 and 3600 seconds.

    RFC 9110 §10.2.3 also allows a date, but Slack sends seconds. A missing or invalid value counts as 60.
    """
    try:
        return min(max(int(value or "60"), 1), _MAX_RETRY_AFTER_SECONDS)
    except ValueError:
        return 60


def _classify_error(error: Exception, host: Mapping[str, str], proxy: Proxy | None) -> tuple[str, dict[str, str]]:
    """Return the catalog code of an httpx error, and facts that contain no secrets."""
    if proxy is not None:
        host = {**host, "proxy": proxy.display_url, "proxy_variable": proxy.variable}
    if isinstance(error, httpx.ProxyError):
        # The proxy's response to CONNECT, such as "407 Proxy Authentication Required". It contains nothing we sent.
        message = clean(str(error), 120)
        code = "proxy_sign_in_required" if message.startswith("407") else "proxy_refused"
        return code, {**host, "detail": message}
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
        return "proxy_unreachable", {**host, "detail": clean(str(error), 120)}
    if isinstance(error, httpx.TimeoutException):
        return "network_timeout", dict(host)
    if isinstance(error, httpx.ConnectError):
        return "network_unreachable", {**host, "detail": clean(str(error), 120)}
    return "connection_lost", dict(host)
