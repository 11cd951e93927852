"""The practice Slack as an HTTP server on loopback, in a thread of its own."""

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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from slack_token_tui.practice.apps_page import apps_page, credentials_page, permissions_page
from slack_token_tui.practice.consent_page import consent_page, error_page
from slack_token_tui.practice.grants import SlackSays
from slack_token_tui.practice.people import App
from slack_token_tui.practice.workspace import Workspace, scopes_asked

_PAIRS = {"/oauth/v2_user/authorize": "v2_user", "/oauth/v2/authorize": "v2"}
_LONGEST_HOLD_SECONDS = 60.0
_EXCHANGES = {"/api/oauth.v2.user.access": "v2_user", "/api/oauth.v2.access": "v2"}


class PracticeSlack:
    """A running practice Slack. Use it as a context manager.

    Attributes:
        base: its address, ``http://127.0.0.1:PORT`` or https where a TLS context was given.
        workspace: its state, to look at and to change.
    """

    def __init__(self, workspace: Workspace | None = None, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.workspace = workspace or Workspace()
        self._server = _Server(("127.0.0.1", port), self.workspace)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.base = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> PracticeSlack:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def play_browser(url: str, decision: str = "allow", **choice: str) -> str:
    """Do what a person would in a browser at authorize address ``url``; return the text of the last page.

    Args:
        url: a practice Slack's authorize address.
        decision: ``allow`` or ``cancel``.
        choice: the other fields of the consent form: ``team``, ``person``, ``wrong``, ``shape``.
    """
    # Straight to loopback: a proxy of the environment has no business between two programs of one machine.
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    form = urlencode({"decision": decision, **choice}).encode()
    try:
        with browser.open(url, form, timeout=30) as page:
            text: str = page.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            text = error.read().decode()
    return text


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], workspace: Workspace) -> None:
        self.workspace = workspace
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: somebody who left before the answer is no error, and the terminal belongs to the TUI."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "PracticeSlack"
    sys_version = ""

    def do_GET(self) -> None:
        pair = _PAIRS.get(urlsplit(self.path).path)
        if pair is not None:
            self._authorize(pair)
        elif urlsplit(self.path).path == "/apps":
            self._page(HTTPStatus.OK, apps_page(self.server.workspace, self._query().get("manifest_json")))
        elif (app := self._app_of_page()) is not None:
            self._page(HTTPStatus.OK, permissions_page(app))
        elif urlsplit(self.path).path.startswith("/api/"):
            self._api({})
        else:
            self._page(HTTPStatus.NOT_FOUND, error_page("not_found", ""))

    def do_POST(self) -> None:
        length = min(int(self.headers.get("content-length") or 0), 1 << 20)
        form = dict(parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True))
        pair = _PAIRS.get(urlsplit(self.path).path)
        if pair is not None:
            self._decide(pair, form)
        elif urlsplit(self.path).path == "/apps":
            self._page(HTTPStatus.OK, self._create_app(form.get("manifest") or self._query().get("manifest_json", "")))
        elif (app := self._app_of_page()) is not None:
            self._page(HTTPStatus.OK, permissions_page(app, self.server.workspace.change_app(app, form)))
        else:
            self._api(form)

    def _app_of_page(self) -> App | None:
        """Return the app whose OAuth & Permissions page this is."""
        found = re.fullmatch("/apps/(A[A-Z0-9]+)/oauth", urlsplit(self.path).path)
        return next((app for app in self.server.workspace.apps if found and app.app_id == found[1]), None)

    def _query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query))

    def _authorize(self, pair: str) -> None:
        query, workspace = self._query(), self.server.workspace
        app = workspace.app(query.get("client_id", ""))
        if objection := workspace.objection(pair, query):
            self._page(HTTPStatus.OK, error_page(objection, query.get("redirect_uri", "")))
            return
        assert app is not None
        redirect_uri = query.get("redirect_uri", app.redirect_urls[0])
        scopes = scopes_asked(pair, query)
        self._page(HTTPStatus.OK, consent_page(workspace, app, scopes, redirect_uri, query.get("team", "")))

    def _decide(self, pair: str, choice: dict[str, str]) -> None:
        query, workspace = self._query(), self.server.workspace
        wrong = choice.get("wrong", "")
        redirect_uri = query.get("redirect_uri", "")
        objection = wrong.removeprefix("page:") if wrong.startswith("page:") else workspace.objection(pair, query)
        if objection:
            self._page(HTTPStatus.OK, error_page(objection, redirect_uri))
            return
        if choice.get("decision") != "allow":
            answer = {"error": "access_denied"}
        elif wrong.startswith("callback:"):
            answer = {"error": wrong.removeprefix("callback:")}
        else:
            answer = {"code": workspace.allow(pair, query, choice)}
        if "state" in query:
            answer["state"] = query["state"]
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", f"{redirect_uri}?{urlencode(answer)}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _create_app(self, text: str) -> str:
        """Return the page that follows Create: the new app's credentials, or what is wrong with the manifest."""
        try:
            manifest = json.loads(text)
        except ValueError:
            return apps_page(self.server.workspace, text, ["the manifest is not JSON"])
        app, wrong = self.server.workspace.create_app(manifest)
        return apps_page(self.server.workspace, text, wrong) if app is None else credentials_page(app)

    def _api(self, form: dict[str, str]) -> None:
        path, workspace = urlsplit(self.path).path, self.server.workspace
        workspace.calls[path] += 1
        kind, _, credentials = (self.headers.get("authorization") or "").partition(" ")
        bearer = credentials if kind == "Bearer" else None
        headers: dict[str, str] = {}
        answer: dict[str, Any]
        try:
            if path in _EXCHANGES:
                if bearer:
                    raise SlackSays("invalid_auth")
                basic = None
                if kind == "Basic":
                    client_id, _, secret = b64decode(credentials).decode().partition(":")
                    basic = (client_id, secret)
                if form.get("grant_type") == "refresh_token":
                    self._refresh(_EXCHANGES[path], form, basic)
                    return
                answer = workspace.exchange(_EXCHANGES[path], form, basic)
            elif path == "/api/auth.test":
                answer, scopes = workspace.test(bearer)
                headers["x-oauth-scopes"] = ",".join(scopes)
            elif path == "/api/auth.teams.list":
                answer = workspace.teams_list(bearer)
            elif path == "/api/auth.revoke":
                answer = workspace.grants.revoke(bearer)
            else:
                raise SlackSays("unknown_method")
            status = HTTPStatus.OK
        except SlackSays as says:
            answer = {"ok": False, "error": says.code}
            status = HTTPStatus.OK
            if says.code == "ratelimited":
                status, headers["Retry-After"] = HTTPStatus.TOO_MANY_REQUESTS, "30"
        self._send(status, "application/json; charset=utf-8", json.dumps(answer).encode(), headers)

    def _refresh(self, pair: str, form: dict[str, str], basic: tuple[str, str] | None) -> None:
        """Refresh, with the next fault of the workspace if there is one.

        Before anything is spent: ``error:CODE``, ``status:NUMBER``. After it: ``late:SECONDS`` answers late, ``held``
        when the workspace says so, ``lost`` never, ``half`` breaks off, ``html`` is a portal's page, ``spent_error:CODE`` and ``spent_status:NUMBER`` hide the success,
        ``without:KEY`` and ``with:{JSON}`` change the answer.
        """
        workspace = self.server.workspace
        kind, _, value = (workspace.faults.popleft() if workspace.faults else "").partition(":")
        if kind == "error":
            raise SlackSays(value)
        if kind == "status":
            self._send(HTTPStatus(int(value)), "text/plain", b"", {"Retry-After": "7"})
            return
        answer = workspace.refresh(pair, form, basic)
        if kind == "late":
            time.sleep(float(value))
        elif kind == "held":
            workspace.may_answer.wait(_LONGEST_HOLD_SECONDS)
        elif kind == "spent_error":
            raise SlackSays(value)
        elif kind == "spent_status":
            self._send(HTTPStatus(int(value)), "text/plain", b"", {})
            return
        elif kind == "html":
            self._page(HTTPStatus.OK, "<html>Welcome to the airport</html>")
            return
        elif kind == "without":
            del answer[value]
        elif kind == "with":
            answer |= json.loads(value)
        body = json.dumps(answer).encode()
        if kind in {"lost", "half"}:
            self.close_connection = True
            if kind == "half":
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2])
            return
        self._send(HTTPStatus.OK, "application/json; charset=utf-8", body, {})

    def _page(self, status: HTTPStatus, html: str) -> None:
        self._send(status, "text/html; charset=utf-8", html.encode(), {})

    def _send(self, status: HTTPStatus, kind: str, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
        """Say nothing: the terminal belongs to the TUI."""
