"""HTTP for a practice Slack: which requests it accepts, and what every answer carries.

Any page in a browser on this machine can send requests to a loopback port. The rules here match the callback listener's.
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
"""How long a whole request may take to arrive, and an answer to be read."""
_MAX_DROPPED_READS = 256
_OWN_SITES = frozenset({"same-origin", "none"})

HEADERS = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Content-Security-Policy": f"{POLICY}; form-action 'self'",
    # With no-referrer, browsers send "Origin: null" from the server's own forms. This one tells other sites nothing either.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer. No CORS header is among them, and no ``Server``."""


class RequestRefused(Exception):
    """A request that gets a short constant answer."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


def parse_fields(text: str, *, blank: bool) -> dict[str, str]:
    """Return the fields of a form or a query, with or without those that have no value.

    Raises:
        Refused: there are too many, or they are not UTF-8.
    """
    try:
        return dict(parse_qsl(text, keep_blank_values=blank, max_num_fields=MAX_FIELDS, errors="strict"))
    except ValueError:
        raise RequestRefused(HTTPStatus.BAD_REQUEST) from None


class WebServer(ThreadingHTTPServer):
    """A server on loopback.

    Attributes:
        form_token: the value of a hidden field in every form. Another site can't read it.
        scheme: ``http``, or ``https`` where a TLS context was given.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, handler: type[WebHandler], tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.form_token = secrets.token_urlsafe(32)
        self.scheme = "http" if tls is None else "https"
        if tls is not None:
            # The handshake happens in the handler's thread. In accept() a silent client would block every other one.
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._host = re.compile(rf"(?:localhost|127\.0\.0\.1|\[::1\]):{self.server_address[1]}", re.IGNORECASE)

    def is_own(self, host: str) -> bool:
        """Tell whether a Host header names this server."""
        # With TLS the certificate does that: a browser sends nothing under a name that is not in it.
        return self.scheme == "https" or self._host.fullmatch(host) is not None

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: a client that left early is no error, and the terminal belongs to the TUI."""


class WebHandler(BaseHTTPRequestHandler):
    """One request. Subclasses serve it in :meth:`get` and :meth:`post`, which may raise Refused."""

    server: WebServer
    default_request_version = "HTTP/1.0"  # HTTP/0.9, the base class's, has no headers

    def get(self) -> None:
        """Answer a GET request."""
        raise NotImplementedError

    def post(self) -> None:
        """Answer a POST request."""
        raise NotImplementedError

    def setup(self) -> None:
        """Read the connection with a deadline."""
        super().setup()
        self.rfile.close()
        self.rfile = io.BufferedReader(_DeadlineReader(self.connection, REQUEST_TIMEOUT_SECONDS))

    def do_GET(self) -> None:
        """Answer a GET request, or refuse it."""
        self._serve(self.get)

    def do_POST(self) -> None:
        """Answer a POST request, or refuse it."""
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
        """Return the fields of the URL's query.

        Raises:
            Refused: as :func:`fields`.
        """
        return parse_fields(self.path.partition("?")[2], blank=False)

    def form(self) -> dict[str, str]:
        """Return the fields of the request's body.

        Raises:
            Refused: as :func:`fields`, or the body is too long, or its length is missing or wrong.
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
        """Raise Refused when a page of another site sent this request."""
        own = f"{self.server.scheme}://{self.headers['host']}".lower()
        origins, sites = self.headers.get_all("origin", []), self.headers.get_all("sec-fetch-site", [])
        if any(origin.lower() != own for origin in origins) or not _OWN_SITES.issuperset(sites):
            raise RequestRefused(HTTPStatus.FORBIDDEN)

    def check_form(self, form: Mapping[str, str]) -> None:
        """Raise Refused unless ``form`` comes from one of this server's own pages."""
        self.check_sender()
        if not secrets.compare_digest(form.get(FORM_TOKEN, "").encode(), self.server.form_token.encode()):
            raise RequestRefused(HTTPStatus.FORBIDDEN)

    def send(self, status: HTTPStatus, kind: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer. ``headers`` are added to the usual ones, or replace them."""
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
        """Write one header line. A value with a line break would add headers of the sender's choice."""
        super().send_header(keyword, re.sub(r"[^\x20-\x7e]", "?", value))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Send a short constant answer. The base class calls this too, for a request that it cannot parse."""
        status = HTTPStatus(code)
        self.close_connection = True
        self.send(status, "text/plain; charset=utf-8", f"{status.value} {status.phrase}\n".encode())
        # Closing a socket with unread data resets the connection, and the browser would not show the answer.
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            for _ in range(_MAX_DROPPED_READS):
                if not self.rfile.read1(1 << 16):
                    break

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
        """Print nothing: the terminal belongs to the TUI."""


class _DeadlineReader(io.RawIOBase):
    """The bytes of a connection, until a deadline for all of them: a slow sender must not get more time with each byte."""

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
