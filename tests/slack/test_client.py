"""The client on real sockets: limits, errors, proxies, and what is never sent where."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slack_token_tui.event_loop import run, run_in_daemon_thread
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client import OAuthClient, SlackClient
from slack_token_tui.slack.endpoints import Endpoints, EndpointVariant, parse_base_url
from slack_token_tui.slack.errors import RateLimited, SlackError, SlackUnreachable, UnusableResponse
from tests.support.profiles import URL_CREDENTIALS
from tests.support.servers import StartServer, make_http_response

CODE, VERIFIER, REDIRECT = Secret("canary-code"), Secret("canary-verifier"), "http://localhost:28417/callback"


async def exchange_code(base: str, client: OAuthClient | None = None, deadline: float = 5) -> object:
    async with SlackClient(Endpoints(base), deadline) as slack:
        return await slack.exchange(client or OAuthClient("1.2"), CODE, VERIFIER, REDIRECT)


TOKEN_RESPONSE = b'{"ok":true,"access_token":"xoxp-canary-aaaaaaaa"}'


async def test_public_client_sends_its_id_and_verifier_and_no_secret(start_server: StartServer) -> None:
    server = start_server(make_http_response(TOKEN_RESPONSE))
    await exchange_code(server.url)
    request = server.requests[0].decode()
    assert request.startswith("POST /api/oauth.v2.user.access ")
    head, _, body = request.partition("\r\n\r\n")
    assert sorted(part.split("=")[0] for part in body.split("&")) == [
        "client_id",
        "code",
        "code_verifier",
        "grant_type",
        "redirect_uri",
    ]
    assert "authorization" not in head.lower()
    assert "accept-encoding: identity" in head.lower()
    assert "content-type: application/x-www-form-urlencoded\r\n" in head.lower() + "\r\n"


async def test_confidential_client_uses_basic_auth_and_no_pkce(start_server: StartServer) -> None:
    server = start_server(make_http_response(TOKEN_RESPONSE))
    async with SlackClient(Endpoints(server.url, EndpointVariant.V2)) as slack:
        await slack.exchange(OAuthClient("1.2", Secret("canary-secret")), CODE, None, "https://example.com/cb")
    request = server.requests[0].decode()
    assert request.startswith("POST /api/oauth.v2.access ")
    assert "Authorization: Basic MS4yOmNhbmFyeS1zZWNyZXQ=" in request
    assert "code_verifier" not in request
    assert "client_id=" not in request


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (make_http_response(b"<html>Wi-Fi</html>"), "not_slack"),
        (make_http_response(b"", "302 Found", "Location: https://evil.example/"), "answer_redirects"),
        (make_http_response(b"", "307 Temporary Redirect", "Location: https://evil.example/"), "answer_redirects"),
        (make_http_response(b"x" * 70_000), "answer_too_large"),
        (make_http_response(b"x", "503 Service Unavailable"), "slack_outage"),
        (make_http_response(b"x", "200 OK", "Content-Encoding: gzip"), "answer_packed"),
        (make_http_response(b"", "407 Proxy Authentication Required"), "proxy_sign_in_required"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", "connection_lost"),
        (b"garbage\r\n\r\n", "connection_lost"),
        (b"", "connection_lost"),
    ],
)
async def test_invalid_response_raises_its_error_code(start_server: StartServer, answer: bytes, code: str) -> None:
    server = start_server(answer)
    with pytest.raises(SlackError) as caught:
        await exchange_code(server.url)
    assert caught.value.code == code
    assert len(server.requests) == 1, "nothing is sent again, here or elsewhere"


async def test_rate_limit_reports_the_retry_delay(start_server: StartServer) -> None:
    server = start_server(make_http_response(b"{}", "429 Too Many Requests", "Retry-After: 17"))
    with pytest.raises(RateLimited) as caught:
        await exchange_code(server.url)
    assert caught.value.retry_after_seconds == 17


async def test_timeout_covers_the_whole_response(silent_server_url: str) -> None:
    with pytest.raises(SlackUnreachable) as caught:
        await exchange_code(silent_server_url, deadline=0.3)
    assert caught.value.code == "network_timeout"


async def test_refused_connection_is_reported() -> None:
    with pytest.raises(SlackUnreachable) as caught:
        await exchange_code("http://127.0.0.1:1")
    assert caught.value.code == "network_unreachable"


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
async def test_loopback_slack_bypasses_the_proxy(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    await exchange_code(start_server(make_http_response(TOKEN_RESPONSE)).url)


async def test_unreachable_proxy_is_reported_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{URL_CREDENTIALS}@127.0.0.1:1")
    with pytest.raises(SlackUnreachable) as caught:
        await exchange_code("https://slack.com")
    assert caught.value.code == "proxy_unreachable"
    assert caught.value.facts["proxy"] == "127.0.0.1:1"


async def test_proxy_refusal_is_reported(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server = start_server(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    with pytest.raises(SlackUnreachable) as caught:
        await exchange_code("https://slack.com")
    assert caught.value.code == "proxy_refused"
    assert b"canary" not in server.requests[0]


async def test_socks_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(SlackUnreachable) as caught:
        await exchange_code("https://slack.com")
    assert caught.value.code == "proxy_unreachable"


async def test_missing_socks_package_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    import httpcore  # noqa: F401 - first loaded without the package, it would miss it in every later test

    monkeypatch.setitem(__import__("sys").modules, "socksio", None)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(SlackUnreachable) as caught:
        await exchange_code("https://slack.com")
    assert caught.value.code == "proxy_socks_missing"


async def test_missing_certificate_file_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent/ca.pem")
    with pytest.raises(SlackUnreachable) as caught:
        await exchange_code("https://slack.com")
    assert caught.value.code == "certificates_unreadable"


async def test_certificates_that_never_load_end_in_the_deadline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A pipe stands for a file on a network disk that hangs."""
    pipe = tmp_path / "ca.pem"
    os.mkfifo(pipe)
    monkeypatch.setenv("SSL_CERT_FILE", str(pipe))
    with pytest.raises(SlackUnreachable) as caught:
        await run_in_daemon_thread(run, exchange_code("https://slack.com", deadline=0.2))
    assert (caught.value.code, caught.value.facts["detail"]) == ("certificates_unreadable", str(pipe))
    descriptor = os.open(pipe, os.O_WRONLY)  # lets the thread end
    os.close(descriptor)


async def test_errors_hold_no_secret(start_server: StartServer) -> None:
    server = start_server(b"garbage\r\n\r\n")
    with pytest.raises(SlackError) as caught:
        await exchange_code(server.url)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "canary" not in repr(caught.value)
    assert not isinstance(caught.value, UnusableResponse)


@pytest.mark.parametrize(
    "address",
    [
        "slack.com",
        "http://slack.com",
        "https://slack.com/x",
        "https://a@slack.com",
        "https://",
        "ftp://x",
        "https://slack.com?x",
        "http://[::1",
        "https://sla ck.com",
    ],
)
def test_base_url_must_be_https_with_only_a_host(address: str) -> None:
    with pytest.raises(ValueError):
        parse_base_url(address)


def test_both_endpoint_variants_share_one_base_url() -> None:
    for base in ("https://slack.com", "https://slack-gov.com", "http://localhost:9"):
        for pair in EndpointVariant:
            endpoints = Endpoints(parse_base_url(base + "/"), pair)
            assert endpoints.authorize_url == f"{base}/oauth/{pair}/authorize"
            assert endpoints.method_url("auth.test") == f"{base}/api/auth.test"
    assert Endpoints().scope_parameter == "scope"
    assert Endpoints(variant=EndpointVariant.V2).scope_parameter == "user_scope"
