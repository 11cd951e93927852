"""Servers in place of Slack: one with a fixed response, one that never responds, and a port that refuses."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


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
