"""HTTP listener for the callback: one registered port on 127.0.0.1 and ::1, open only during a sign-in.

See RFC 8252 §7.3 and §8.3. h11 parses HTTP. Every request other than the callback gets a short constant response. It
changes no state and never ends the wait.
"""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import h11

from slack_token_tui.oauth.callback import AuthorizationResponse, CallbackRejected
from slack_token_tui.oauth.pages import HEADERS, NOT_A_CALLBACK, Page
from slack_token_tui.problems import Problem

MAX_HEAD_BYTES = 64 * 1024
"""Servers on other ports of localhost may have set many cookies. Cookies are shared by all ports: RFC 6265 §8.5."""
_MAX_DISCARDED_BYTES = 1024 * 1024
"""How much of an oversized head to read. The browser shows no page before it has sent the whole head."""
_READ_BYTES = 8 * 1024
HEAD_TIMEOUT_SECONDS = 5.0
HOLD_TIMEOUT_SECONDS = 10.0
"""How long a browser waits for the final page before it gets ``Page.CONTINUE_IN_TERMINAL``."""
_CLOSE_TIMEOUT_SECONDS = 1.0
_MAX_CONNECTIONS = 64
_OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_CONNECTION_ERRORS = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.EINTR})
_SOCKET_CLOSED = frozenset({errno.EBADF, errno.EINVAL, errno.ENOTSOCK})
_ACCEPT_PAUSE_SECONDS = 1.0
_TLS_HANDSHAKE = b"\x16\x03"
_FAMILY_UNAVAILABLE = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT})
"""Errors of a machine without loopback for one address family. The port is still used with the other family."""


class PortsUnavailable(Problem):
    """The port of no registered redirect URL could be bound.

    Codes: ``all_ports_taken`` (facts: ``ports``) if other programs hold them, or else ``no_loopback`` (facts:
    ``detail``, the operating system's error message).
    """


class CallbackHandler(Protocol):
    """Interface through which the listener checks and reports callbacks."""

    def check_callback(self, query: str) -> AuthorizationResponse:
        """Return the response in ``query`` or raise CallbackRejected."""

    def accept(self, response: AuthorizationResponse) -> None:
        """Process the first valid callback. Called once."""

    def ignore(self, code: str) -> None:
        """Report a request or socket error that was ignored. ``code`` is a key in the problem catalog."""


@dataclass(frozen=True)
class BoundPort:
    """A registered redirect URL with its listening sockets.

    ``families`` holds ``IPv4``, ``IPv6`` or both, depending on the machine. ``taken`` holds the redirect URLs that
    were tried first and whose ports were taken.
    """

    redirect_uri: str
    sockets: tuple[socket.socket, ...]
    families: tuple[str, ...]
    taken: tuple[str, ...]

    def close(self) -> None:
        """Close the listening sockets."""
        for sock in self.sockets:
            sock.close()


def bind_first_free(redirect_uris: Iterable[str]) -> BoundPort:
    """Bind and listen on the first of ``redirect_uris`` whose port is free on both loopback families.

    A port that another program holds on either family is skipped: the browser might connect to that program.

    Raises:
        PortsUnavailable: no port could be bound.
    """
    taken: list[str] = []
    detail = None
    for redirect_uri in redirect_uris:
        port = urlsplit(redirect_uri).port
        if port is None:
            continue
        sockets: list[socket.socket] = []
        families: list[str] = []
        try:
            for label, family, address in (("IPv4", socket.AF_INET, "127.0.0.1"), ("IPv6", socket.AF_INET6, "::1")):
                try:
                    sockets.append(_bind_and_listen(family, address, port))
                    families.append(label)
                except OSError as error:
                    if error.errno not in _FAMILY_UNAVAILABLE:
                        raise
                    detail = error.strerror
        except OSError as error:
            for sock in sockets:
                sock.close()
            if error.errno == errno.EADDRINUSE:
                taken.append(redirect_uri)
            else:
                detail = error.strerror
            continue
        if sockets:
            return BoundPort(redirect_uri, tuple(sockets), tuple(families), tuple(taken))
    if taken:
        raise PortsUnavailable("all_ports_taken", ports=", ".join(str(urlsplit(uri).port) for uri in taken))
    raise PortsUnavailable("no_loopback", detail=detail or "no reason given")


def _bind_and_listen(family: int, address: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # On Windows, SO_REUSEADDR would let another program share the port and read the code.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # Our own connections in TIME_WAIT must not block a retry.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
        # Listen at once: between bind and listen, another socket with SO_REUSEADDR could take the port.
        sock.listen(128)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


class CallbackListener:
    """HTTP server on one bound port for one sign-in.

    Call ``start``, then ``finish`` with the final page, then ``close``.

    Attributes:
        port: the port, which is open from the beginning.
    """

    def __init__(self, port: BoundPort, handler: CallbackHandler, hold_seconds: float = HOLD_TIMEOUT_SECONDS) -> None:
        parts = urlsplit(port.redirect_uri)
        self.port = port
        self._handler = handler
        self._hold_seconds = hold_seconds
        self._path = parts.path or "/"
        self._host_pattern = re.compile(rf"(?:localhost|127\.0\.0\.1|\[::1\]):{parts.port}", re.IGNORECASE)
        self._accept_tasks: list[asyncio.Task[None]] = []
        self._is_out_of_files = False
        self._connections: dict[asyncio.Task[None], bool] = {}
        """Maps each connection's task, in order of arrival, to whether it waits for the final page."""
        self._accepted_query: str | None = None
        self._final_page: asyncio.Future[Page] = asyncio.get_running_loop().create_future()

    async def start(self) -> None:
        """Start accepting connections."""
        self._accept_tasks = [asyncio.create_task(self._accept_connections(sock)) for sock in self.port.sockets]

    async def _accept_connections(self, sock: socket.socket) -> None:
        """Accept connections one at a time.

        asyncio.start_server is not used. When file descriptors run out, it retries a hundred times per second and logs
        a traceback each time.
        """
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(sock)
            except OSError as error:
                if error.errno in _SOCKET_CLOSED:
                    self._handler.ignore("port_lost")
                    return
                if error.errno in _OUT_OF_RESOURCES and not self._is_out_of_files:
                    self._is_out_of_files = True
                    self._handler.ignore("out_of_files")
                # Always suspend: sock_accept raises without suspending, so this loop would block the event loop.
                await asyncio.sleep(0 if error.errno in _CONNECTION_ERRORS else _ACCEPT_PAUSE_SECONDS)
                continue
            try:
                await self._serve(connection)
            except OSError:
                connection.close()

    async def _serve(self, connection: socket.socket) -> None:
        reader = asyncio.StreamReader(limit=_READ_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader, self._handle_connection)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, connection)

    def finish(self, page: Page) -> None:
        """Send ``page`` to every waiting browser. Only the first call has an effect."""
        if not self._final_page.done():
            self._final_page.set_result(page)

    async def close(self) -> None:
        """Close the port at once, and all connections within a second."""
        for accept_task in self._accept_tasks:
            accept_task.cancel()
        self.port.close()
        self.finish(Page.STOPPED)
        # Wait here, with a timeout: from Python 3.12 on, Server.wait_closed() waits for connections without one.
        waiting = [task for task, is_waiting in self._connections.items() if is_waiting]
        for task in self._connections.keys() - set(waiting):
            task.cancel()
        if waiting:
            await asyncio.wait(waiting, timeout=_CLOSE_TIMEOUT_SECONDS)
        remaining = list(self._connections)
        for task in remaining:
            task.cancel()
        await asyncio.gather(*remaining, *self._accept_tasks, return_exceptions=True)

    async def _handle_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._drop_oldest_connections()
        self._connections[task] = False
        try:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(HEAD_TIMEOUT_SECONDS):
                    target = await self._read_head(reader, writer)
                if target is not None:
                    await self._handle_callback(target, writer, task)
        except asyncio.CancelledError:
            # Only close() and _drop_oldest_connections() cancel. asyncio would log the cancellation as an error.
            pass
        finally:
            self._connections.pop(task, None)
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    def _drop_oldest_connections(self) -> None:
        """Cancel the oldest connections over the limit, except browsers that wait for the final page."""
        idle = [task for task, is_waiting in self._connections.items() if not is_waiting]
        for task in idle[: max(0, len(self._connections) + 1 - _MAX_CONNECTIONS)]:
            task.cancel()

    async def _read_head(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str | None:
        """Read one request head and return the query of a callback. Reply to any other request and return None."""
        # The size is checked here: h11's own limit does not apply to a head that arrives complete.
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        head = bytearray()
        while True:
            try:
                event = http.next_event()
            except h11.RemoteProtocolError as error:
                await _send_response(writer, error.error_status_hint, NOT_A_CALLBACK)
                return None
            if event is not h11.NEED_DATA:
                break
            received = await reader.read(_READ_BYTES)
            if not received:
                return None
            head += received
            if head.startswith(_TLS_HANDSHAKE):
                self._handler.ignore("browser_insists_on_https")
                return None
            end = _find_end(head, len(received))
            if (end or len(head)) > MAX_HEAD_BYTES:
                await self._reject_large_head(head, end, reader, writer)
                return None
            http.receive_data(received)
        if not isinstance(event, h11.Request):
            return None
        return await self._check_request(event, writer)

    async def _reject_large_head(
        self, head: bytearray, end: int | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Read the rest of the head, and respond with a page that says how to fix it."""
        # Any program can send something here. Report only what looks like a browser's callback.
        if head.startswith(f"GET {self._path}?".encode()):
            self._handler.ignore("too_many_cookies")
        while end is None and len(head) <= _MAX_DISCARDED_BYTES and (received := await reader.read(_READ_BYTES)):
            head += received
            end = _find_end(head, len(received))
        await _send_response(writer, 431, Page.TOO_MANY_COOKIES.value)

    async def _check_request(self, request: h11.Request, writer: asyncio.StreamWriter) -> str | None:
        hosts = [value for name, value in request.headers if name == b"host"]
        path, _, query = request.target.decode("ascii", "replace").partition("?")
        is_head = request.method == b"HEAD"
        if len(hosts) != 1 or not self._host_pattern.fullmatch(hosts[0].decode("ascii", "replace")):
            await _send_response(writer, 421, NOT_A_CALLBACK, is_head=is_head)
        elif path != self._path:
            await _send_response(writer, 404, NOT_A_CALLBACK, is_head=is_head)
        elif request.method != b"GET":
            await _send_response(writer, 405, NOT_A_CALLBACK, is_head=is_head, extra_headers=(("Allow", "GET"),))
        else:
            return query
        return None

    async def _handle_callback(self, query: str, writer: asyncio.StreamWriter, task: asyncio.Task[None]) -> None:
        """Respond to a well-formed request for the callback path. Only the first valid callback is accepted."""
        try:
            response = self._handler.check_callback(query)
        except CallbackRejected as rejected:
            self._handler.ignore(rejected.code)
            await _send_response(writer, 400, NOT_A_CALLBACK)
            return
        if self._accepted_query is None:
            self._accepted_query = query
            self._handler.accept(response)
        elif query != self._accepted_query:
            await _send_response(writer, 200, Page.ALREADY_RECEIVED.value)
            return
        self._connections[task] = True
        try:
            async with asyncio.timeout(self._hold_seconds):
                page = await asyncio.shield(self._final_page)
        except TimeoutError:
            page = Page.CONTINUE_IN_TERMINAL
        await _send_response(writer, 200, page.value)


def _find_end(head: bytearray, new_bytes: int) -> int | None:
    """Return the length of a complete head, or None. Only its last ``new_bytes`` have not been searched before."""
    start = head.find(b"\r\n\r\n", max(0, len(head) - new_bytes - 3))
    return None if start < 0 else start + 4


async def _send_response(
    writer: asyncio.StreamWriter,
    status: int,
    body: bytes,
    *,
    is_head: bool = False,
    extra_headers: Iterable[tuple[str, str]] = (),
) -> None:
    content_type = "text/html" if body.startswith(b"<") else "text/plain"
    http = h11.Connection(h11.SERVER)
    headers = [
        *HEADERS,
        *extra_headers,
        ("Content-Type", f"{content_type}; charset=utf-8"),
        ("Content-Length", str(len(body))),
    ]
    reason = _REASONS.get(status, "Bad Request")
    head = http.send(h11.Response(status_code=status, headers=headers, reason=reason))
    writer.write((head or b"") + (b"" if is_head else body))
    await writer.drain()


_REASONS = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 421: "Misdirected Request", 431: "Header Too Large"}
