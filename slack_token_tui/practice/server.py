"""HTTP server of the practice Slack, on loopback and in a separate thread."""

from __future__ import annotations

import json
import re
import ssl
import threading
import time
import urllib.error
import urllib.request
from base64 import b64decode
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from slack_token_tui.practice.apps_page import apps_page, credentials_page, permissions_page
from slack_token_tui.practice.consent_page import consent_page, error_page
from slack_token_tui.practice.models import App
from slack_token_tui.practice.page import FORM_TOKEN, MAX_ECHO_LENGTH, POLICY
from slack_token_tui.practice.tokens import SlackErrorResponse
from slack_token_tui.practice.web import WebHandler, WebServer
from slack_token_tui.practice.workspace import Workspace, requested_redirect_uri, requested_scopes

_AUTHORIZE_VARIANTS = {"/oauth/v2_user/authorize": "v2_user", "/oauth/v2/authorize": "v2"}
_MAX_HOLD_SECONDS = 60.0
_EXCHANGE_VARIANTS = {"/api/oauth.v2.user.access": "v2_user", "/api/oauth.v2.access": "v2"}
_METHODS = frozenset({*_EXCHANGE_VARIANTS, "/api/auth.test", "/api/auth.teams.list", "/api/auth.revoke"})


class PracticeSlack:
    """A running practice Slack. Use it as a context manager.

    Attributes:
        base: its URL, ``http://127.0.0.1:PORT``, or https if a TLS context was given.
        workspace: its state. Callers may read and change it.
        server: its web server.
    """

    def __init__(self, workspace: Workspace | None = None, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.workspace = workspace or Workspace()
        self.server = _Server(port, self.workspace, tls)
        self.base = f"{self.server.scheme}://127.0.0.1:{self.server.server_address[1]}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> PracticeSlack:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def simulate_browser(url: str, decision: str = "allow", **choice: str) -> str:
    """Open ``url`` and submit its form, as a person in a browser would. Return the HTML of the last page.

    A page without a form is an error page. It is returned as the last page.

    Args:
        url: authorize URL of a practice Slack, or its page that creates an app.
        decision: ``allow`` or ``cancel``.
        choice: other fields of the consent form: ``team``, ``person``, ``wrong``, ``shape``.
    """
    # Ignore proxies from the environment: the server is on loopback.
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def read(form: bytes | None) -> str:
        try:
            with browser.open(url, form, timeout=30) as page:
                text: str = page.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode()
        return text

    page = read(None)
    match = re.search(f'name="{FORM_TOKEN}" value="([^"]+)"', page)
    if match is None:
        return page
    return read(urlencode({FORM_TOKEN: match[1], "decision": decision, **choice}).encode())


class _Server(WebServer):
    def __init__(self, port: int, workspace: Workspace, tls: ssl.SSLContext | None) -> None:
        self.workspace = workspace
        super().__init__(port, _Handler, tls)


class _Handler(WebHandler):
    server: _Server

    def get(self) -> None:
        workspace, form_token, path = self.server.workspace, self.server.form_token, self._path()
        pair = _AUTHORIZE_VARIANTS.get(path)
        if pair is not None:
            self._show_consent(pair)
        elif path == "/apps":
            self._send_page(HTTPStatus.OK, apps_page(workspace, self.query().get("manifest_json", ""), form_token))
        elif (app := self._app_for_page()) is not None:
            self._send_page(HTTPStatus.OK, permissions_page(app, form_token))
        elif path.startswith("/api/"):
            self._handle_api({})
        else:
            self._send_page(HTTPStatus.NOT_FOUND, error_page("not_found", ""))

    def post(self) -> None:
        workspace, form_token, path = self.server.workspace, self.server.form_token, self._path()
        form = self.form()
        if path.startswith("/api/"):
            self._handle_api(form)
            return
        self.check_form(form)
        pair = _AUTHORIZE_VARIANTS.get(path)
        if pair is not None:
            self._handle_decision(pair, form)
        elif path == "/apps":
            self._send_page(
                HTTPStatus.OK, self._create_app(form.get("manifest") or self.query().get("manifest_json", ""))
            )
        elif (app := self._app_for_page()) is not None:
            self._send_page(HTTPStatus.OK, permissions_page(app, form_token, workspace.change_app(app, form)))
        else:
            self._send_page(HTTPStatus.NOT_FOUND, error_page("not_found", ""))

    def _path(self) -> str:
        return self.path.partition("?")[0]

    def _app_for_page(self) -> App | None:
        """Return the app whose OAuth & Permissions page was requested."""
        match = re.fullmatch("/apps/(A[A-Z0-9]+)/oauth", self._path())
        return next((app for app in self.server.workspace.apps if match and app.app_id == match[1]), None)

    def _show_consent(self, pair: str) -> None:
        query, workspace = self.query(), self.server.workspace
        app = workspace.find_app(query.get("client_id", ""))
        if objection := workspace.find_problem(pair, query):
            self._send_page(HTTPStatus.OK, error_page(objection, query.get("redirect_uri", "")))
            return
        assert app is not None
        redirect_uri, scopes = requested_redirect_uri(app, query), requested_scopes(pair, query)
        html = consent_page(workspace, app, scopes, redirect_uri, self.server.form_token, query.get("team", ""))
        # No form-action: Chromium applies it to the redirect that follows a form, and to every later redirect.
        # Allow has to redirect to the redirect URL, which is on another port or host.
        self._send_page(HTTPStatus.OK, html, {"Content-Security-Policy": POLICY})

    def _handle_decision(self, pair: str, choice: dict[str, str]) -> None:
        query, workspace = self.query(), self.server.workspace
        # Some of the values are stored with the code.
        choice = {name: value[:MAX_ECHO_LENGTH] for name, value in choice.items()}
        wrong = choice.get("wrong", "")
        chosen = wrong.removeprefix("page:") if wrong.startswith("page:") else ""
        if objection := workspace.find_problem(pair, query) or chosen:
            self._send_page(HTTPStatus.OK, error_page(objection, query.get("redirect_uri", "")))
            return
        app = workspace.find_app(query["client_id"])
        assert app is not None
        if choice.get("decision") != "allow":
            answer = {"error": "access_denied"}
        elif wrong.startswith("callback:"):
            answer = {"error": wrong.removeprefix("callback:")}
        else:
            answer = {"code": workspace.issue_code(pair, query, choice)}
        if "state" in query:
            answer["state"] = query["state"]
        location = f"{requested_redirect_uri(app, query)}?{urlencode(answer)}"
        self.send_head(HTTPStatus.FOUND, {"Location": location, "Content-Length": "0"})

    def _create_app(self, text: str) -> str:
        """Create an app and return the next page: its credentials, or the problems of the manifest."""
        workspace, form_token = self.server.workspace, self.server.form_token
        try:
            manifest = json.loads(text)
        except (ValueError, RecursionError):
            return apps_page(workspace, text, form_token, ["the manifest is not valid JSON"])
        app, wrong = workspace.create_app(manifest)
        return apps_page(workspace, text, form_token, wrong) if app is None else credentials_page(app)

    def _handle_api(self, form: dict[str, str]) -> None:
        path, workspace = self._path(), self.server.workspace
        self.check_sender()
        if path in _METHODS:
            workspace.calls[path] += 1
        kind, _, credentials = (self.headers.get("authorization") or "").partition(" ")
        bearer = credentials if kind == "Bearer" else None
        headers: dict[str, str] = {}
        response: dict[str, Any]
        try:
            if path in _EXCHANGE_VARIANTS:
                if bearer:
                    raise SlackErrorResponse("invalid_auth")
                basic = None
                if kind == "Basic":
                    basic = _parse_basic_auth(credentials)
                if form.get("grant_type") == "refresh_token":
                    self._refresh(_EXCHANGE_VARIANTS[path], form, basic)
                    return
                response = workspace.exchange(_EXCHANGE_VARIANTS[path], form, basic)
            elif path == "/api/auth.test":
                response, scopes = workspace.auth_test(bearer)
                headers["x-oauth-scopes"] = ",".join(scopes)
            elif path == "/api/auth.teams.list":
                response = workspace.auth_teams_list(bearer)
            elif path == "/api/auth.revoke":
                response = workspace.tokens.revoke(bearer)
            else:
                raise SlackErrorResponse("unknown_method")
            status = HTTPStatus.OK
        except SlackErrorResponse as error:
            response = {"ok": False, "error": error.code}
            status = HTTPStatus.OK
            if error.code == "ratelimited":
                status, headers["Retry-After"] = HTTPStatus.TOO_MANY_REQUESTS, str(workspace.retry_after_seconds)
        self.send(status, "application/json; charset=utf-8", json.dumps(response).encode(), headers)

    def _refresh(self, pair: str, form: dict[str, str], basic: tuple[str, str] | None) -> None:
        """Handle a refresh, with the next fault of the workspace if there is one.

        Faults before the refresh token is spent:
            ``error:CODE``: respond with a Slack error.
            ``status:NUMBER``: respond with an HTTP status.

        Faults after it is spent:
            ``late:SECONDS``: delay the response.
            ``held``: wait for ``workspace.may_respond``.
            ``lost``: close the connection without a response.
            ``half``: close the connection in the middle of the response.
            ``html``: respond with the page of a captive portal.
            ``spent_error:CODE``, ``spent_status:NUMBER``: report an error although the refresh succeeded.
            ``without:KEY``, ``with:{JSON}``: change the response.
        """
        workspace = self.server.workspace
        kind, _, value = (workspace.faults.popleft() if workspace.faults else "").partition(":")
        if kind == "error":
            raise SlackErrorResponse(value)
        if kind == "status":
            self.send(
                HTTPStatus(int(value)),
                "text/plain",
                b"",
                {"Retry-After": str(self.server.workspace.retry_after_seconds)},
            )
            return
        answer = workspace.refresh(pair, form, basic)
        if kind == "late":
            time.sleep(float(value))
        elif kind == "held":
            workspace.may_respond.wait(_MAX_HOLD_SECONDS)
        elif kind == "spent_error":
            raise SlackErrorResponse(value)
        elif kind == "spent_status":
            self.send(HTTPStatus(int(value)), "text/plain", b"")
            return
        elif kind == "html":
            self._send_page(HTTPStatus.OK, "<html>Welcome to the airport</html>")
            return
        elif kind == "without":
            del answer[value]
        elif kind == "with":
            answer |= json.loads(value)
        body = json.dumps(answer).encode()
        if kind in {"lost", "half"}:
            self.close_connection = True
            if kind == "half":
                self.send_head(HTTPStatus.OK, {"Content-Length": str(len(body))})
                self.wfile.write(body[: len(body) // 2])
            return
        self.send(HTTPStatus.OK, "application/json; charset=utf-8", body)

    def _send_page(self, status: HTTPStatus, html: str, headers: dict[str, str] | None = None) -> None:
        # JSON can contain a lone surrogate, which UTF-8 can't encode.
        self.send(status, "text/html; charset=utf-8", html.encode(errors="replace"), headers)


def _parse_basic_auth(credentials: str) -> tuple[str, str]:
    """Return the Client ID and client secret from a Basic Authorization header."""
    try:
        client_id, _, secret = b64decode(credentials).decode().partition(":")
    except ValueError:
        raise SlackErrorResponse("invalid_auth") from None
    return client_id, secret
