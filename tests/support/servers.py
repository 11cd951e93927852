"""Servers in place of Slack: a fixed response, none at all, a port that refuses, and a way to Slack that loses things."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from urllib.parse import urlsplit


def make_http_response(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Return a whole HTTP response with ``body``, after which the connection closes."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class RawServer:
    """Answers every request with the same bytes and records the requests."""

    def __init__(self, response: bytes) -> None:
        self.requests: list[bytes] = []
        self._response = response
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                received = b""
                while b"\r\n\r\n" not in received:
                    received += connection.recv(65536)
                head, _, body = received.partition(b"\r\n\r\n")
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.lower().split(b"\r\n")
                        if line.startswith(b"content-length")
                    ),
                    0,
                )
                while len(body) < length:
                    body += connection.recv(65536)
                self.requests.append(head + b"\r\n\r\n" + body)
                try:
                    connection.sendall(self._response)
                except OSError:
                    continue

    def close(self) -> None:
        """Accept no more connections."""
        self._socket.close()


StartServer = Callable[[bytes], RawServer]
"""Type of the ``start_server`` fixture."""


@contextmanager
def run_silent_server() -> Iterator[str]:
    """Run a server that accepts connections and never responds. Yield its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def reserve_refusing_port() -> Iterator[str]:
    """Keep a port on which nothing listens, so that connections are refused. Yield its URL."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


class Relay:
    """Passes requests on to a server, each on a connection of its own, and records how many are under way at once.

    Attributes:
        url: its URL.
        loses: called with the first line of a request. If it returns True, the response is lost on the way back.
        before: called with the first line of a request before it is passed on.
        busiest: the largest number of requests that were under way at once.
        connections: how many were opened.
    """

    def __init__(self, target: str) -> None:
        self.loses: Callable[[str], bool] = lambda _: False
        self.before: Callable[[str], object] = lambda _: None
        self.busiest = self.connections = self._active = 0
        self._lock = threading.Lock()
        self._target = urlsplit(target)
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while (head := _read_until(connection, b"\r\n\r\n")) is not None:
                length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
                body = head.partition(b"\r\n\r\n")[2]
                while len(body) < (int(length[1]) if length else 0):
                    body += connection.recv(65536)
                request = head.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body
                if not self._pass_on(request, connection):
                    return

    def _pass_on(self, request: bytes, connection: socket.socket) -> bool:
        first = request.partition(b"\r\n")[0].decode()
        with self._lock:
            self._active += 1
            self.busiest = max(self.busiest, self._active)
        try:
            self.before(first)
            assert self._target.hostname
            back = HTTPConnection(self._target.hostname, self._target.port or 80, timeout=60)
            head, _, body = request.partition(b"\r\n\r\n")
            lines = [line.split(b": ", 1) for line in head.split(b"\r\n")[1:]]
            headers = {name.decode(): value.decode() for name, value in lines if name.lower() != b"host"}
            back.request("POST", first.split()[1], body, headers)
            answer = back.getresponse()
            content = answer.read()
        finally:
            with self._lock:
                self._active -= 1
        if self.loses(first):
            return False
        kept = [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() not in _OWN_HEADERS]
        status = f"HTTP/1.1 {answer.status} {answer.reason}"
        connection.sendall("\r\n".join([status, f"Content-Length: {len(content)}", *kept, "", ""]).encode() + content)
        return True

    def close(self) -> None:
        """Accept no more connections."""
        self._socket.close()


_OWN_HEADERS = ("content-length", "connection", "transfer-encoding")


def _read_until(connection: socket.socket, end: bytes) -> bytes | None:
    """Return what was received up to ``end`` and perhaps more, or None if the connection ends first."""
    received = b""
    while end not in received:
        if not (part := connection.recv(65536)):
            return None
        received += part
    return received
