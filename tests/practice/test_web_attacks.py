"""The practice Slack responds to its own pages and to programs on this machine, and to no page of another site.

Raw sockets send what a browser or the program of an attacker can send.
"""

from __future__ import annotations

import ast
import json
import re
import socket
import ssl
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from slack_token_tui import practice
from slack_token_tui.practice import web
from slack_token_tui.practice.consent_page import error_page
from slack_token_tui.practice.manifest_rules import find_problems
from slack_token_tui.practice.models import CLIENT_ID
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.practice.workspace import EXCHANGE_ERRORS, MAX_APPS, MAX_CODES, TOKEN_SHAPES, Workspace
from tests.support.chromium import skip_without
from tests.support.ports import get_port
from tests.support.practice import issue_tokens
from tests.support.tls import create_tls_context

CHALLENGE = "c" * 43
EVIL = "http://evil.example"


@dataclass(frozen=True)
class Response:
    """What the server sent before it closed the connection."""

    status: int
    head: str
    body: str

    def header(self, name: str) -> list[str]:
        return re.findall(rf"(?im)^{name}: (.*?)\r?$", self.head)


def receive_all(connection: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(1 << 16):
            received += part
    return received


def send_raw(slack: PracticeSlack, request: bytes, *, half_close: bool = False) -> Response:
    with socket.create_connection(("127.0.0.1", get_port(slack.base)), timeout=30) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        raw, _, body = receive_all(connection).partition(b"\r\n\r\n")
    head = raw.decode("latin-1")
    return Response(int(head.split()[1]) if head.startswith("HTTP/") else 0, head, body.decode())


def send_request(
    slack: PracticeSlack, method: str, target: str, *headers: str, body: bytes = b"", hosts: tuple[str, ...] = ("own",)
) -> Response:
    own = f"127.0.0.1:{get_port(slack.base)}"
    lines = [f"{method} {target} HTTP/1.1", *(f"Host: {own if host == 'own' else host}" for host in hosts), *headers]
    if body and not any(line.lower().startswith("content-length") for line in lines):
        lines.append(f"Content-Length: {len(body)}")
    return send_raw(slack, "\r\n".join([*lines, "", ""]).encode("latin-1") + body)


def read_form_token(slack: PracticeSlack) -> str:
    found = re.search('name="form_token" value="([^"]+)"', send_request(slack, "GET", "/apps").body)
    assert found
    return found[1]


def post_form(slack: PracticeSlack, target: str, *headers: str, **fields: str) -> Response:
    """Send a form as the server's own page would."""
    return send_request(
        slack, "POST", target, *headers, body=urlencode({"form_token": read_form_token(slack), **fields}).encode()
    )


def build_consent_path(workspace: Workspace, **changes: str) -> str:
    query = {
        "client_id": CLIENT_ID,
        "scope": "users:read",
        "redirect_uri": workspace.apps[0].redirect_urls[0],
        "state": "practice-state",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return f"/oauth/v2_user/authorize?{urlencode(query)}"


def copy_state(workspace: Workspace) -> object:
    """Return everything that a request could change."""
    apps = [(app.app_id, app.redirect_urls, app.scopes, app.pkce_enabled) for app in workspace.apps]
    tokens = [(name, token.revoked) for name, token in workspace.tokens.access_tokens.items()]
    return apps, list(workspace.codes), tokens, list(workspace.tokens.refresh_tokens), dict(workspace.calls)


class TestHost:
    """DNS rebinding: an attacker's host name resolves to 127.0.0.1, and the browser sends that name."""

    @pytest.mark.parametrize(
        "hosts",
        [
            ("evil.example",),
            ("evil.example:PORT",),
            ("127.0.0.1",),
            ("127.0.0.1:1",),
            ("127.0.0.1:PORT.evil.example",),
            ("127.0.0.1:PORT@evil.example",),
            ("0.0.0.0:PORT",),
            ("127.0.0.1:PORT", "evil.example:PORT"),
            ("127.0.0.1:PORT", "127.0.0.1:PORT"),
            ("",),
            (),
        ],
    )
    def test_wrong_host_gets_a_constant_421_response(
        self, slack: PracticeSlack, workspace: Workspace, hosts: tuple[str, ...]
    ) -> None:
        token, _ = issue_tokens(workspace)
        before = copy_state(workspace)
        named = tuple(host.replace("PORT", str(get_port(slack.base))) for host in hosts)
        form = urlencode({"form_token": read_form_token(slack), "decision": "allow", "redirects": f"{EVIL}/x"}).encode()
        answers = [
            send_request(slack, "GET", "/apps", hosts=named),
            send_request(slack, "GET", "/apps/A0PRACTICE/oauth", hosts=named),
            send_request(slack, "POST", "/apps/A0PRACTICE/oauth", hosts=named, body=form),
            send_request(slack, "POST", build_consent_path(workspace), hosts=named, body=form),
            send_request(slack, "POST", "/api/auth.test", f"Authorization: Bearer {token}", hosts=named),
            send_request(slack, "GET", "/api/auth.revoke", f"Authorization: Bearer {token}", hosts=named),
        ]
        assert {(answer.status, answer.body) for answer in answers} == {(421, "421 Misdirected Request\n")}
        assert copy_state(workspace) == before

    @pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LocalHost", "[::1]"])
    def test_loopback_host_names_are_accepted(self, slack: PracticeSlack, name: str) -> None:
        hosts = (f"{name}:{get_port(slack.base)}",)
        assert send_request(slack, "GET", "/apps", hosts=hosts).status == 200
        assert json.loads(send_request(slack, "POST", "/api/auth.test", hosts=hosts).body)["error"] == "not_authed"


PAGES = ["/apps", "/apps/A0PRACTICE/oauth", "authorize"]
FORM_FIELDS = {
    "decision": "allow",
    "redirects": f"{EVIL}/x",
    "manifest": json.dumps({"display_information": {"name": "x"}}),
}


class TestForms:
    """Cross-site requests: a page of another site sends a form to the practice Slack."""

    @pytest.mark.parametrize("page", PAGES)
    @pytest.mark.parametrize("token", [None, "", "guess", "é", "another server's"])
    def test_form_without_a_valid_form_token_is_rejected(
        self, slack: PracticeSlack, workspace: Workspace, page: str, token: str | None
    ) -> None:
        fields = FORM_FIELDS if token is None else {**FORM_FIELDS, "form_token": token}
        if token == "another server's":
            with PracticeSlack() as other:
                fields["form_token"] = read_form_token(other)
        before = copy_state(workspace)
        target = build_consent_path(workspace) if page == "authorize" else page
        answer = send_request(slack, "POST", target, body=urlencode(fields).encode())
        assert (answer.status, answer.body, answer.header("Location")) == (403, "403 Forbidden\n", [])
        assert copy_state(workspace) == before

    @pytest.mark.parametrize("page", PAGES)
    @pytest.mark.parametrize(
        "headers",
        [
            (f"Origin: {EVIL}",),
            ("Origin: null",),
            ("Origin: http://127.0.0.1:1",),
            ("Origin: https://OWN",),
            ("Origin: http://OWN", f"Origin: {EVIL}"),
            ("Sec-Fetch-Site: cross-site",),
            ("Sec-Fetch-Site: same-site",),
            ("Origin: http://OWN", "Sec-Fetch-Site: cross-site"),
        ],
    )
    def test_cross_site_form_is_rejected_even_with_the_form_token(
        self, slack: PracticeSlack, workspace: Workspace, page: str, headers: tuple[str, ...]
    ) -> None:
        before = copy_state(workspace)
        target = build_consent_path(workspace) if page == "authorize" else page
        named = (header.replace("OWN", f"127.0.0.1:{get_port(slack.base)}") for header in headers)
        assert post_form(slack, target, *named, **FORM_FIELDS).status == 403
        assert copy_state(workspace) == before

    @pytest.mark.parametrize("site", ["same-origin", "none"])
    def test_same_site_form_is_accepted(self, slack: PracticeSlack, workspace: Workspace, site: str) -> None:
        headers = (f"Origin: {slack.base}", f"Sec-Fetch-Site: {site}")
        assert "Saved." in post_form(slack, "/apps/A0PRACTICE/oauth", *headers, redirects="https://a.example/x").body
        assert workspace.apps[0].redirect_urls == ("https://a.example/x",)

    @pytest.mark.parametrize("page", PAGES)
    def test_every_form_contains_the_form_token(self, slack: PracticeSlack, workspace: Workspace, page: str) -> None:
        html = send_request(slack, "GET", build_consent_path(workspace) if page == "authorize" else page).body
        assert html.count("<form ") == 1
        assert html.count(f'name="form_token" value="{read_form_token(slack)}"') == 1

    def test_each_server_has_a_different_form_token(self, slack: PracticeSlack) -> None:
        with PracticeSlack() as other:
            assert read_form_token(slack) != read_form_token(other)

    def test_post_to_an_unknown_page_is_not_an_api_call(self, slack: PracticeSlack, workspace: Workspace) -> None:
        assert send_request(slack, "POST", "/elsewhere").status == 403
        assert post_form(slack, "/elsewhere").status == 404
        assert not workspace.calls

    @pytest.mark.parametrize("header", [f"Origin: {EVIL}", "Origin: null", "Sec-Fetch-Site: cross-site"])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_cross_site_api_call_is_rejected(
        self, slack: PracticeSlack, workspace: Workspace, header: str, method: str
    ) -> None:
        access, refresh = issue_tokens(workspace)
        before = copy_state(workspace)
        form = urlencode({"client_id": CLIENT_ID, "grant_type": "refresh_token", "refresh_token": refresh}).encode()
        answers = [
            send_request(slack, method, "/api/auth.revoke", f"Authorization: Bearer {access}", header),
            send_request(slack, method, "/api/oauth.v2.user.access", header, body=form),
        ]
        assert {(answer.status, answer.body) for answer in answers} == {(403, "403 Forbidden\n")}
        assert copy_state(workspace) == before

    def test_simulate_browser_returns_the_page_without_a_form(self, slack: PracticeSlack, workspace: Workspace) -> None:
        assert "invalid_scope" in simulate_browser(slack.base + build_consent_path(workspace, scope="a\tb"))
        assert "421 Misdirected" in simulate_browser(f"http://127.1:{get_port(slack.base)}/apps")


class TestInjection:
    """Text of a request stays text. It is no format string and no header line."""

    @pytest.mark.parametrize("template", ["{redirect_uri:>20000000}", "{redirect_uri.__class__}", "{0}", "{", "%s%n"])
    def test_format_string_is_shown_as_text(self, slack: PracticeSlack, workspace: Workspace, template: str) -> None:
        chosen = post_form(slack, build_consent_path(workspace), wrong=f"page:{template}")
        sent = send_request(
            slack, "GET", build_consent_path(workspace, redirect_uri=f"https://a.example/{quote(template)}")
        )
        for answer, words in ((chosen, template), (sent, quote(template))):
            assert answer.status == 200
            assert f"{escape(words)}</code>" in answer.body
            assert len(answer.body) < 10_000

    @pytest.mark.parametrize("code", ["bad_redirect_uri", pytest.param("x" * 100_000, id="long")])
    def test_error_page_truncates_request_text_to_500_characters(self, code: str) -> None:
        shown = re.search("<code>(.*?)</code>", error_page(code, "https://a.example/" + "x" * 100_000), re.DOTALL)
        assert shown
        assert len(shown[1]) == 501

    def test_apps_pages_truncate_each_error_to_500_characters(self, slack: PracticeSlack) -> None:
        manifest = {f"{number}{'x' * 5000}": 1 for number in range(40)}
        page = post_form(slack, "/apps", manifest=json.dumps(manifest)).body
        listed = re.findall("<li>(unknown key .*?)</li>", page)
        assert len(listed) == 20
        assert max(map(len, listed)) < 600
        said = post_form(
            slack, "/apps/A0PRACTICE/oauth", redirects=" ".join(f"x{number}" for number in range(900))
        ).body
        assert len(re.findall("<p>(Not saved: .*?)</p>", said, re.DOTALL)[0]) == 501

    UNSAFE_SUFFIXES = (
        "\r\nX-Evil: 1",
        "\nX-Evil: 1",
        "\rX-Evil: 1",
        "\x00",
        "\x1b[2J",
        "\x7f",
        "\x85",
        " x",
        "é",
        "\u2028",
    )

    @pytest.mark.parametrize("tail", UNSAFE_SUFFIXES)
    def test_redirect_uri_with_invalid_header_characters_is_rejected(
        self, slack: PracticeSlack, workspace: Workspace, tail: str
    ) -> None:
        target = build_consent_path(workspace, redirect_uri=f"{workspace.apps[0].redirect_urls[0]}/{tail}")
        answers = [
            send_request(slack, "GET", target),
            post_form(slack, target, decision="allow"),
            post_form(slack, target),
        ]
        for answer in answers:
            assert answer.status == 200
            assert "did not match any configured URIs" in answer.body
            assert "evil" not in answer.head.lower()
        assert not workspace.codes

    @pytest.mark.parametrize("wrong", ["page:", "page:approval_required", "callback:", "exchange:"])
    def test_form_choices_never_redirect_to_an_unregistered_uri(
        self, slack: PracticeSlack, workspace: Workspace, wrong: str
    ) -> None:
        target = build_consent_path(workspace, redirect_uri=f"{EVIL}/x")
        answers = [post_form(slack, target, decision="allow", wrong=wrong), post_form(slack, target, wrong=wrong)]
        answers.append(post_form(slack, "/oauth/v2_user/authorize", decision="allow", wrong=wrong))
        assert [(answer.status, answer.header("Location")) for answer in answers] == [(200, [])] * 3
        assert not workspace.codes

    @pytest.mark.parametrize(
        "redirect_uri",
        [
            "javascript:alert(1)//",
            "data:text/html,x",
            "ftp://a.example/x",
            "com.example:/x",
            "//a.example/x",
            "http://[",
        ],
    )
    def test_non_http_redirect_uri_is_rejected_even_when_registered(
        self, slack: PracticeSlack, workspace: Workspace, redirect_uri: str
    ) -> None:
        workspace.apps[0].redirect_urls += (redirect_uri,)
        target = build_consent_path(workspace, redirect_uri=redirect_uri)
        for answer in (send_request(slack, "GET", target), post_form(slack, target, decision="allow")):
            assert "did not match any configured URIs" in answer.body
            assert not answer.header("Location")

    @pytest.mark.parametrize("tail", [*UNSAFE_SUFFIXES, "http://["])
    def test_invalid_redirect_url_cannot_be_registered(
        self, slack: PracticeSlack, workspace: Workspace, tail: str
    ) -> None:
        url = tail if tail == "http://[" else f"https://a.example/{tail}"
        oauth = {"pkce_enabled": True, "redirect_urls": [url]}
        record = {"display_information": {"name": "x"}, "oauth_config": oauth}
        assert any("not a valid redirect URL" in problem for problem in find_problems(record))
        if tail == "http://[":  # the form splits the others at white space
            assert "not a valid redirect URL" in post_form(slack, "/apps/A0PRACTICE/oauth", redirects=url).body
        assert len(workspace.apps[0].redirect_urls) == 3

    @pytest.mark.parametrize("scope", ["users:read\r\nX-Evil: 1", "a\x00", "é"])
    def test_scope_with_invalid_header_characters_is_rejected(
        self, slack: PracticeSlack, workspace: Workspace, scope: str
    ) -> None:
        for answer in (
            send_request(slack, "GET", build_consent_path(workspace, scope=scope)),
            post_form(slack, build_consent_path(workspace, scope=scope)),
        ):
            assert "(invalid_scope)" in answer.body

    @pytest.mark.parametrize("scope", ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "a\u2028X-Evil: 1"])
    def test_header_value_cannot_start_a_new_header(
        self, slack: PracticeSlack, workspace: Workspace, scope: str
    ) -> None:
        access, _ = issue_tokens(workspace, scope)
        answer = send_request(slack, "POST", "/api/auth.test", f"Authorization: Bearer {access}")
        assert answer.status == 200
        assert answer.header("x-oauth-scopes")[0].endswith("X-Evil: 1")
        assert not [line for line in re.split("[\r\n]+", answer.head) if line.startswith("X-Evil")]

    def test_missing_redirect_uri_defaults_to_the_first_registered_one(
        self, slack: PracticeSlack, workspace: Workspace
    ) -> None:
        target = re.sub("&redirect_uri=[^&]*", "", build_consent_path(workspace))
        (location,) = post_form(slack, target, decision="allow").header("Location")
        assert location.startswith(f"{workspace.apps[0].redirect_urls[0]}?code=")


class TestHeaders:
    def test_every_response_has_security_headers(self, slack: PracticeSlack, workspace: Workspace) -> None:
        answers = {
            "apps": send_request(slack, "GET", "/apps"),
            "permissions": send_request(slack, "GET", "/apps/A0PRACTICE/oauth"),
            "consent": send_request(slack, "GET", build_consent_path(workspace)),
            "error": send_request(slack, "GET", build_consent_path(workspace, scope="")),
            "redirect": post_form(slack, build_consent_path(workspace), decision="allow"),
            "missing": send_request(slack, "GET", "/elsewhere"),
            "api": send_request(slack, "POST", "/api/auth.test"),
            "refused": send_request(slack, "GET", "/apps", hosts=()),
            "forbidden": send_request(slack, "POST", "/apps"),
            "method": send_request(slack, "OPTIONS", "/apps"),
            "head": send_request(slack, "HEAD", "/apps"),
            "broken": send_raw(slack, b"what is this\r\n\r\n"),
            "long": send_raw(slack, b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n"),
            "headers": send_raw(slack, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n"),
        }
        statuses = [answer.status for answer in answers.values()]
        assert statuses == [200, 200, 200, 200, 302, 404, 200, 421, 403, 501, 501, 400, 414, 431]
        for name, answer in answers.items():
            (policy,) = answer.header("Content-Security-Policy")
            assert policy.startswith("default-src 'none'; style-src 'sha256-"), name
            assert {"frame-ancestors 'none'", "base-uri 'none'"} <= set(policy.split("; ")), name
            assert ("form-action 'self'" in policy) is (name != "consent"), "a redirect of Allow has to lead elsewhere"
            assert answer.header("X-Content-Type-Options") == ["nosniff"], name
            assert answer.header("Cache-Control") == ["no-store"], name
            assert answer.header("Referrer-Policy") == ["same-origin"], "browsers send Origin: null under no-referrer"
            assert answer.header("Server") == [], name
            assert answer.header("Access-Control-.*") == [], name
        assert answers["head"].body == ""

    def test_content_security_policy_allows_the_page_styles(self, slack: PracticeSlack) -> None:
        answer = send_request(slack, "GET", "/apps")
        style = re.search("<style>(.*?)</style>", answer.body, re.DOTALL)
        assert style
        assert b64encode(sha256(style[1].encode()).digest()).decode() in answer.header("Content-Security-Policy")[0]


class TestRobustness:
    """Whatever is sent, the response is a status, and the server keeps its state."""

    @pytest.fixture(autouse=True)
    def _no_handler_fails(self, monkeypatch: pytest.MonkeyPatch, slack: PracticeSlack) -> Iterator[None]:
        """Fail if a handler raised. The server hides the traceback and sends no response then."""
        failed: list[BaseException | None] = []
        monkeypatch.setattr(type(slack.server), "handle_error", lambda *_: failed.append(sys.exc_info()[1]))
        yield
        assert failed == []
        assert send_request(slack, "GET", "/apps").status == 200

    @pytest.mark.parametrize("target", ["/apps", "authorize", "/api/auth.test"])
    def test_oversized_body_is_rejected_and_not_truncated(
        self, slack: PracticeSlack, workspace: Workspace, target: str
    ) -> None:
        target = build_consent_path(workspace) if target == "authorize" else target
        body = b"manifest=" + b"x" * (web.MAX_BODY_BYTES - 8)
        assert send_request(slack, "POST", target, body=body).status == 413
        assert send_request(slack, "POST", target, "Content-Length: 1000000000000").status == 413
        assert send_request(slack, "POST", target, f"Content-Length: {'9' * 5000}").status == 413
        assert send_request(slack, "POST", target, body=b"x" * 4_000_000).status == 413
        assert not workspace.calls

    def test_body_of_exactly_the_limit_is_accepted(self, slack: PracticeSlack) -> None:
        fields = urlencode({"form_token": read_form_token(slack), "manifest": ""})
        body = fields.encode().ljust(web.MAX_BODY_BYTES, b"x")
        assert "the manifest is not valid JSON" in send_request(slack, "POST", "/apps", body=body).body

    @pytest.mark.parametrize("length", ["-1", "+5", "abc", "1e3", "0x10", "1_0", "\xb2", "", "5, 5"])
    @pytest.mark.parametrize("target", ["/apps", "/api/auth.test"])
    def test_invalid_content_length_is_rejected(self, slack: PracticeSlack, target: str, length: str) -> None:
        assert send_request(slack, "POST", target, f"Content-Length: {length}", body=b"a=bcd").status == 400

    def test_body_without_a_single_content_length_is_rejected(self, slack: PracticeSlack) -> None:
        assert (
            send_request(slack, "POST", "/apps", "Content-Length: 5", "Content-Length: 6", body=b"a=bcd").status == 400
        )
        assert (
            send_request(slack, "POST", "/apps", "Transfer-Encoding: chunked", body=b"5\r\na=bcd\r\n0\r\n\r\n").status
            == 411
        )

    def test_truncated_body_is_rejected(self, slack: PracticeSlack, workspace: Workspace) -> None:
        form = urlencode({"form_token": read_form_token(slack), "redirects": f"{EVIL}/x"})
        head = f"POST /apps/A0PRACTICE/oauth HTTP/1.1\r\nHost: 127.0.0.1:{get_port(slack.base)}\r\n"
        request = f"{head}Content-Length: {len(form) + 1}\r\n\r\n{form}".encode()
        before = copy_state(workspace)
        assert send_raw(slack, request, half_close=True).status == 400
        assert copy_state(workspace) == before

    @pytest.mark.parametrize("body", [b"manifest=\xff", b"manifest=%ff", b"%ff=x", b"manifest=%ed%a0%80"])
    @pytest.mark.parametrize("target", ["/apps", "/api/oauth.v2.user.access"])
    def test_non_utf8_form_is_rejected(self, slack: PracticeSlack, target: str, body: bytes) -> None:
        assert send_request(slack, "POST", target, body=body).status == 400

    @pytest.mark.parametrize(
        "target", ["/apps?manifest_json=%ff", "/apps?manifest_json=\xff", "/\xff", "/apps/\xe9/oauth"]
    )
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_non_utf8_url_is_rejected(self, slack: PracticeSlack, target: str, method: str) -> None:
        answer = send_request(slack, "GET", target) if method == "GET" else post_form(slack, target)
        assert answer.status == 400

    @pytest.mark.parametrize("target", ["//[", "/[", "http://[/", "http://evil.example/apps", "*", "/apps/%00/oauth"])
    def test_malformed_url_returns_404(self, slack: PracticeSlack, target: str) -> None:
        assert send_request(slack, "GET", target).status == 404
        assert post_form(slack, target).status == 404

    @pytest.mark.parametrize("target", ["/apps", "/api/auth.test", "authorize"])
    def test_more_than_20_fields_are_rejected(self, slack: PracticeSlack, workspace: Workspace, target: str) -> None:
        target = build_consent_path(workspace) if target == "authorize" else target
        many = "&".join(f"a{number}=b" for number in range(21))
        assert send_request(slack, "POST", target, body=many.encode()).status == 400
        if not target.startswith("/api/"):
            assert send_request(slack, "GET", f"{target.partition('?')[0]}?{many}").status == 400

    @pytest.mark.parametrize("credentials", ["!", "a", "YQ", "/w==", "\xff", "", pytest.param("=" * 60_000, id="long")])
    def test_invalid_basic_credentials_are_rejected(self, slack: PracticeSlack, credentials: str) -> None:
        answer = send_request(slack, "POST", "/api/oauth.v2.user.access", f"Authorization: Basic {credentials}")
        assert answer.status == 200
        assert json.loads(answer.body)["error"] in {"invalid_auth", "invalid_client_id"}

    @pytest.mark.parametrize(
        "change",
        [
            {"display_information": {"name": []}},
            {"display_information": {"name": {}}},
            {"display_information": {"name": "\ud800"}},
            {"display_information": {"name": "a\nb"}},
            {"display_information": {"name": "x", "background_color": []}},
            {"oauth_config": {"redirect_urls": ["https://\ud800"]}},
            {"oauth_config": {"scopes": {"user": ["\ud800" * 51]}}},
            {"oauth_config": {"scopes": {"user_optional": ["a"], "user": 5}}},
            {"oauth_config": {"scopes": {"user_optional": ["a"], "user": [{}]}}},
            {"\ud800": 1},
        ],
        ids=str,
    )
    def test_manifest_with_invalid_values_is_rejected(
        self, slack: PracticeSlack, workspace: Workspace, change: dict[str, Any]
    ) -> None:
        record = {"display_information": {"name": "x"}, **change}
        assert "can't be used to create an app" in post_form(slack, "/apps", manifest=json.dumps(record)).body
        assert len(workspace.apps) == 1

    @pytest.mark.parametrize("depth", [100, 900, 950, 980, 1000, 20_000])
    @pytest.mark.parametrize("around", ["{}", '{{"display_information": {{"name": "x", "background_color": {}}}}}'])
    def test_deeply_nested_manifest_is_rejected(self, slack: PracticeSlack, depth: int, around: str) -> None:
        manifest = around.format("[" * depth + "]" * depth)
        answer = post_form(slack, "/apps", manifest=manifest)
        assert answer.status == 200
        assert "This manifest can't be used to create an app" in answer.body

    def test_number_of_apps_is_limited(self, slack: PracticeSlack, workspace: Workspace) -> None:
        for number in range(MAX_APPS - 1):
            app, wrong = workspace.create_app({"display_information": {"name": f"x{number}"}})
            assert app is not None, wrong
        page = post_form(slack, "/apps", manifest=json.dumps({"display_information": {"name": "one more"}})).body
        assert f"up to {MAX_APPS} apps" in page
        assert len(workspace.apps) == MAX_APPS

    def test_number_of_codes_is_limited(self, slack: PracticeSlack, workspace: Workspace) -> None:
        choice = {"decision": "allow", "wrong": f"exchange:{'x' * 9000}", "shape": "x" * 9000}
        for _ in range(MAX_CODES):
            workspace.issue_code("v2_user", {"client_id": CLIENT_ID}, {})
        (location,) = post_form(slack, build_consent_path(workspace), **choice).header("Location")
        assert len(workspace.codes) == MAX_CODES
        code = list(workspace.codes.values())[-1]
        assert f"code={list(workspace.codes)[-1]}" in location, "the oldest one is gone, and not the newest"
        assert len(str(code.error)) < 1000
        assert code.shape == "top_level"

    def test_every_form_option_is_accepted(self, slack: PracticeSlack, workspace: Workspace) -> None:
        for wrong, shape in zip(EXCHANGE_ERRORS, TOKEN_SHAPES * 10, strict=False):
            post_form(slack, build_consent_path(workspace), decision="allow", wrong=f"exchange:{wrong}", shape=shape)
            code = list(workspace.codes.values())[-1]
            assert (code.error, code.shape) == (wrong, shape)

    def test_calls_to_unknown_methods_are_not_recorded(self, slack: PracticeSlack, workspace: Workspace) -> None:
        for number in range(5):
            assert json.loads(send_request(slack, "POST", f"/api/x{number}").body)["error"] == "unknown_method"
        send_request(slack, "POST", "/api/auth.test")
        assert dict(workspace.calls) == {"/api/auth.test": 1}

    @pytest.mark.parametrize(
        "begin",
        [
            b"",
            b"GET /apps HT",
            b"GET /apps HTTP/1.1\r\nHost",
            b"POST /apps HTTP/1.1\r\nHost: OWN\r\nContent-Length: 9\r\n\r\na",
        ],
    )
    def test_silent_connection_is_closed(
        self, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, begin: bytes
    ) -> None:
        monkeypatch.setattr(web, "REQUEST_TIMEOUT_SECONDS", 0.3)
        with socket.create_connection(("127.0.0.1", get_port(slack.base)), timeout=30) as connection:
            connection.sendall(begin.replace(b"OWN", f"127.0.0.1:{get_port(slack.base)}".encode()))
            assert receive_all(connection) == b""

    def test_slow_connection_is_closed(self, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(web, "REQUEST_TIMEOUT_SECONDS", 0.5)
        with socket.create_connection(("127.0.0.1", get_port(slack.base)), timeout=0.05) as connection:
            connection.sendall(b"GET /")
            for _ in range(600):
                with suppress(TimeoutError, OSError):
                    connection.sendall(b"x")
                try:
                    assert connection.recv(100) == b""
                    break
                except ConnectionResetError:
                    break
                except TimeoutError:
                    continue
            else:
                pytest.fail("each byte gave it more time")

    def test_client_that_does_not_read_is_disconnected(
        self, slack: PracticeSlack, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(web, "REQUEST_TIMEOUT_SECONDS", 0.3)
        ended = threading.Event()
        shutdown_request = slack.server.shutdown_request

        def shut_down(request: Any) -> None:
            shutdown_request(request)
            ended.set()

        monkeypatch.setattr(slack.server, "shutdown_request", shut_down)
        monkeypatch.setattr("slack_token_tui.practice.server.apps_page", lambda *_: "x" * 50_000_000)
        with socket.create_connection(("127.0.0.1", get_port(slack.base)), timeout=30) as connection:
            connection.sendall(f"GET /apps HTTP/1.1\r\nHost: 127.0.0.1:{get_port(slack.base)}\r\n\r\n".encode())
            assert ended.wait(30)
        monkeypatch.undo()


def test_silent_client_does_not_block_a_tls_server(tmp_path: Path) -> None:
    context = create_tls_context("127.0.0.1", tmp_path / "ca.pem")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    with (
        PracticeSlack(tls=context) as slack,
        socket.create_connection(("127.0.0.1", get_port(slack.base))),
        socket.create_connection(("127.0.0.1", get_port(slack.base)), timeout=30) as second,
        trusting.wrap_socket(second, server_hostname="127.0.0.1") as talking,
    ):
        talking.sendall(f"GET /apps HTTP/1.1\r\nHost: 127.0.0.1:{get_port(slack.base)}\r\n\r\n".encode())
        assert receive_all(talking).startswith(b"HTTP/1.0 200 OK\r\n")


def test_practice_slack_imports_nothing_else_from_the_package() -> None:
    found = set()
    for path in Path(practice.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                found.add(f"{'.' * node.level}{node.module or ''}")
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
    assert not [name for name in found if name.startswith(".")]
    assert {name for name in found if name.startswith("slack_token_tui")} == {
        name for name in found if name.startswith("slack_token_tui.practice.")
    }


@contextmanager
def run_another_site(html: Callable[[], str]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = html().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@skip_without("chromium", "chromedriver")
class TestInChromium:
    def test_cross_site_form_changes_nothing(
        self,
        slack: PracticeSlack,
        workspace: Workspace,
        chromium: webdriver.Chrome,
    ) -> None:
        before = copy_state(workspace)
        attack = (
            f'<form method="post" action="{slack.base}/apps/A0PRACTICE/oauth">'
            f'<input name="redirects" value="{EVIL}/x"><input name="form_token" value="{read_form_token(slack)}"></form>'
            "<script>document.forms[0].submit()</script>"
        )
        with run_another_site(lambda: attack) as url:
            chromium.get(url)
            WebDriverWait(chromium, 60).until(lambda driver: "403 Forbidden" in driver.page_source)
        assert copy_state(workspace) == before

    def test_pages_are_styled_and_obey_their_content_security_policy(
        self,
        slack: PracticeSlack,
        workspace: Workspace,
        chromium: webdriver.Chrome,
    ) -> None:
        for target in (
            "/apps",
            "/apps/A0PRACTICE/oauth",
            build_consent_path(workspace),
            build_consent_path(workspace, scope=""),
        ):
            chromium.get(slack.base + target)
            header = chromium.find_element(By.TAG_NAME, "header")
            assert header.value_of_css_property("background-color") == "rgba(74, 21, 75, 1)"
        chromium.get(f"{slack.base}/apps/A0PRACTICE/oauth")
        chromium.find_element(By.CSS_SELECTOR, "button.allow").click()
        WebDriverWait(chromium, 60).until(lambda driver: "Saved." in driver.page_source)
        assert [entry for entry in chromium.get_log("browser") if "Content Security Policy" in str(entry)] == []
