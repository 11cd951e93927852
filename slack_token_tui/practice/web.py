"""HTTP layer of the practice Slack: request checks and default response headers.

Any page in a browser on this machine can send requests to a loopback port. The checks match those of the callback
listener.
"""

from __future__ import annotations

import io
import re
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from slack_token_tui.practice.page import FORM_TOKEN, POLICY

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_BODY_BYTES = 256 * 1024
MAX_FIELDS = 20
REQUEST_TIMEOUT_SECONDS = 15.0
"""Timeout for receiving a whole request, and for sending a response."""
_MAX_DROPPED_READS = 256
_OWN_SITES = frozenset({"same-origin", "none"})

HEADERS = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Content-Security-Policy": f"{POLICY}; form-action 'self'",
    # With no-referrer, browsers send "Origin: null" from the server's own forms.
    # same-origin doesn't send a referrer to other sites either.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every response. There is no CORS header and no ``Server`` header."""


class RequestRefused(Exception):
    """The request is refused with a short fixed response."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


def parse_fields(text: str, *, blank: bool) -> dict[str, str]:
    """Return the fields of a form or query string. Fields without a value are included if ``blank``.

    Raises:
        RequestRefused: there are too many fields, or they are not UTF-8.
    """
    try:
        return dict(parse_qsl(text, keep_blank_values=blank, max_num_fields=MAX_FIELDS, errors="strict"))
    except ValueError:
        raise RequestRefused(HTTPStatus.BAD_REQUEST) from None


class WebServer(ThreadingHTTPServer):
    """An HTTP server on loopback.

    Attributes:
        form_token: value of a hidden field in every form. Other sites can't read it.
        scheme: ``http``, or ``https`` if a TLS context was given.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, handler: type[WebHandler], tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.form_token = secrets.token_urlsafe(32)
        self.scheme = "http" if tls is None else "https"
        if tls is not None:
            # Do the handshake in the handler's thread. In accept(), a silent client would block all other clients.
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._host = re.compile(rf"(?:localhost|127\.0\.0\.1|\[::1\]):{self.server_address[1]}", re.IGNORECASE)

    def is_own(self, host: str) -> bool:
        """Return whether a Host header names this server."""
        # With TLS the certificate check does this: a browser sends no request for a name that is not in it.
        return self.scheme == "https" or self._host.fullmatch(host) is not None

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing. A client that disconnects early is not an error, and the TUI uses the terminal."""


class WebHandler(BaseHTTPRequestHandler):
    """Handler for one request. Subclasses implement :meth:`get` and :meth:`post`, which may raise RequestRefused."""

    server: WebServer
    default_request_version = "HTTP/1.0"  # the base class defaults to HTTP/0.9, which has no headers

    def get(self) -> None:
        """Handle a GET request."""
        raise NotImplementedError

    def post(self) -> None:
        """Handle a POST request."""
        raise NotImplementedError

    def setup(self) -> None:
        """Set up the connection, with one deadline for reading the request."""
        super().setup()
        self.rfile.close()
        self.rfile = io.BufferedReader(_DeadlineReader(self.connection, REQUEST_TIMEOUT_SECONDS))

    def do_GET(self) -> None:
        """Check a GET request, then handle or refuse it."""
        self._serve(self.get)

    def do_POST(self) -> None:
        """Check a POST request, then handle or refuse it."""
        self._serve(self.post)

    def _serve(self, method: Callable[[], None]) -> None:
        try:
            hosts = self.headers.get_all("host", [])
            if len(hosts) != 1 or not self.server.is_own(hosts[0]):
                raise RequestRefused(HTTPStatus.MISDIRECTED_REQUEST)
            if not self.path.isascii():
                raise RequestRefused(HTTPStatus.BAD_REQUEST)
            method()
        except RequestRefused as refused:
            self.send_error(refused.status)

    def query(self) -> dict[str, str]:
        """Return the fields of the URL's query string.

        Raises:
            RequestRefused: see :func:`parse_fields`.
        """
        return parse_fields(self.path.partition("?")[2], blank=False)

    def form(self) -> dict[str, str]:
        """Return the form fields in the request body.

        Raises:
            RequestRefused: see :func:`parse_fields`. Also if the body is too long, or its length is missing or wrong.
        """
        if "transfer-encoding" in self.headers:
            raise RequestRefused(HTTPStatus.LENGTH_REQUIRED)
        lengths = self.headers.get_all("content-length", ["0"])
        if len(lengths) != 1 or not re.fullmatch("[0-9]+", lengths[0]):
            raise RequestRefused(HTTPStatus.BAD_REQUEST)
        if len(lengths[0]) > 9 or int(lengths[0]) > MAX_BODY_BYTES:
            raise RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = self.rfile.read(int(lengths[0]))
        if len(body) < int(lengths[0]):
            raise RequestRefused(HTTPStatus.BAD_REQUEST)
        try:
            return parse_fields(body.decode(), blank=True)
        except UnicodeDecodeError:
            raise RequestRefused(HTTPStatus.BAD_REQUEST) from None

    def check_sender(self) -> None:
        """Raise RequestRefused if a page of another site sent this request."""
        own = f"{self.server.scheme}://{self.headers['host']}".lower()
        origins, sites = self.headers.get_all("origin", []), self.headers.get_all("sec-fetch-site", [])
        if any(origin.lower() != own for origin in origins) or not _OWN_SITES.issuperset(sites):
            raise RequestRefused(HTTPStatus.FORBIDDEN)

    def check_form(self, form: Mapping[str, str]) -> None:
        """Raise RequestRefused unless ``form`` was submitted from a page of this server."""
        self.check_sender()
        if not secrets.compare_digest(form.get(FORM_TOKEN, "").encode(), self.server.form_token.encode()):
            raise RequestRefused(HTTPStatus.FORBIDDEN)

    def send(self, status: HTTPStatus, kind: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send a complete response. ``headers`` add to or replace the default headers."""
        length = {"Content-Type": kind, "Content-Length": str(len(body))}
        self.send_head(status, length | dict(headers or {}))
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_head(self, status: HTTPStatus, headers: Mapping[str, str]) -> None:
        """Send the status line and the headers."""
        self.send_response_only(status)
        for name, value in {**HEADERS, "Date": self.date_time_string(), **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def send_header(self, keyword: str, value: str) -> None:
        """Write one header line, with unsafe characters replaced. A line break would allow header injection."""
        super().send_header(keyword, re.sub(r"[^\x20-\x7e]", "?", value))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Send a short fixed response. The base class also calls this for a request that it can't parse."""
        status = HTTPStatus(code)
        self.close_connection = True
        self.send(status, "text/plain; charset=utf-8", f"{status.value} {status.phrase}\n".encode())
        # Closing a socket with unread data resets the connection, and the browser would not show the response.
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            for _ in range(_MAX_DROPPED_READS):
                if not self.rfile.read1(1 << 16):
                    break

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the base class
        """Print nothing, because the TUI uses the terminal."""


class _DeadlineReader(io.RawIOBase):
    """Raw stream of a connection, with one deadline for all reads.

    With a timeout per read, a slow sender would get more time with each byte.
    """

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        received = self._connection.recv_into(buffer)
        self._connection.settimeout(self._seconds)
        return received
