"""The callback listener: one registered port on 127.0.0.1 and ::1, open only while a sign-in waits (RFC 8252 §7.3, §8.3).

HTTP is parsed by h11. Whatever is not the callback gets a short constant answer, changes nothing and never ends the wait.
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

from slack_token_tui.oauth.callback import Answer, CallbackRejected
from slack_token_tui.oauth.pages import HEADERS, NOT_OURS, Page

HEAD_BYTES = 8 * 1024
HEAD_SECONDS = 5.0
HOLD_SECONDS = 10.0
"""How long a browser is held for the truth before it is told to go on in the terminal."""
_CLOSE_SECONDS = 1.0
_MOST_CONNECTIONS = 64
_OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_LEFT_EARLY = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.EINTR})
_NO_LONGER_LISTENING = frozenset({errno.EBADF, errno.EINVAL, errno.ENOTSOCK})
_PAUSE_SECONDS = 1.0
_TLS_HANDSHAKE = b"\x16\x03"
_ABSENT = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT})
"""This machine does not have that family's loopback, which is no reason to give the port up."""


class PortsUnavailable(Exception):
    """No registered address can be listened on.

    Attributes:
        taken: the redirect addresses whose port another program holds.
        detail: the system's words when it is something else than taken ports.
    """

    def __init__(self, taken: tuple[str, ...], detail: str | None) -> None:
        super().__init__("no registered port could be opened")
        self.taken = taken
        self.detail = detail


class Reader(Protocol):
    """What the listener tells about what it hears."""

    def check(self, query: str) -> Answer:
        """Return the answer in ``query`` or raise CallbackRejected."""

    def answered(self, answer: Answer) -> None:
        """The first right callback has come. Called once."""

    def stray(self, code: str) -> None:
        """Something came to the callback address that is not the answer; ``code`` is the catalogue's."""


@dataclass(frozen=True)
class BoundPort:
    """A registered redirect address with listening sockets behind it.

    ``families`` holds ``IPv4`` and ``IPv6``, as far as this machine has them; ``passed_over`` the addresses before it in
    the list, whose ports were taken.
    """

    redirect_uri: str
    sockets: tuple[socket.socket, ...]
    families: tuple[str, ...]
    passed_over: tuple[str, ...]

    def close(self) -> None:
        """Let the port go without having listened."""
        for bound in self.sockets:
            bound.close()


def bind_first_free(redirect_uris: Iterable[str]) -> BoundPort:
    """Bind and listen on the first of ``redirect_uris`` whose port is free on both loopback families.

    A port that another program holds on either family is passed over: the browser might knock there.

    Raises:
        PortsUnavailable: none is left.
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
                    sockets.append(_listening(family, address, port))
                    families.append(label)
                except OSError as error:
                    if error.errno not in _ABSENT:
                        raise
                    detail = error.strerror
        except OSError as error:
            for bound in sockets:
                bound.close()
            if error.errno == errno.EADDRINUSE:
                taken.append(redirect_uri)
            else:
                detail = error.strerror
            continue
        if sockets:
            return BoundPort(redirect_uri, tuple(sockets), tuple(families), tuple(taken))
    raise PortsUnavailable(tuple(taken), detail)


def _listening(family: int, address: str, port: int) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # On Windows SO_REUSEADDR would let another program share the port, and read the code.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # Our own connections in TIME_WAIT must not block a retry.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address, port))
        # At once: between bind and listen another socket with SO_REUSEADDR could take the port.
        bound.listen(128)
        bound.setblocking(False)
    except BaseException:
        bound.close()
        raise
    return bound


class CallbackListener:
    """Serves one bound port for one sign-in. ``start``, then ``finish`` with the page that is true, then ``close``."""

    def __init__(self, port: BoundPort, reader: Reader, hold_seconds: float = HOLD_SECONDS) -> None:
        address = urlsplit(port.redirect_uri)
        self._port = port
        self._reader = reader
        self._hold_seconds = hold_seconds
        self._path = address.path or "/"
        self._host = re.compile(rf"(?:localhost|127\.0\.0\.1|\[::1\]):{address.port}", re.IGNORECASE)
        self._accepting: list[asyncio.Task[None]] = []
        self._is_out_of_files = False
        self._connections: dict[asyncio.Task[None], bool] = {}
        """Each connection's task, in order of arrival, with whether it is held for the truth."""
        self._winner: str | None = None
        self._truth: asyncio.Future[Page] = asyncio.get_running_loop().create_future()

    async def start(self) -> None:
        """Begin to answer."""
        self._accepting = [asyncio.create_task(self._accept(bound)) for bound in self._port.sockets]

    async def _accept(self, bound: socket.socket) -> None:
        """Accept connections one by one.

        Not asyncio.start_server: without a file descriptor it logs a traceback for each of a hundred attempts a second.
        """
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(bound)
            except OSError as error:
                if error.errno in _NO_LONGER_LISTENING:
                    self._reader.stray("port_lost")
                    return
                if error.errno in _OUT_OF_RESOURCES and not self._is_out_of_files:
                    self._is_out_of_files = True
                    self._reader.stray("out_of_files")
                # A pause in any case: sock_accept raises without one, and the whole program would stand still.
                await asyncio.sleep(0 if error.errno in _LEFT_EARLY else _PAUSE_SECONDS)
                continue
            try:
                await self._serve(connection)
            except OSError:
                connection.close()

    async def _serve(self, connection: socket.socket) -> None:
        reader = asyncio.StreamReader(limit=HEAD_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader, self._connected)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, connection)

    def finish(self, page: Page) -> None:
        """Tell every held browser how the sign-in ended. The first word counts."""
        if not self._truth.done():
            self._truth.set_result(page)

    async def close(self) -> None:
        """Close the port at once, and every connection within a second."""
        for accepting in self._accepting:
            accepting.cancel()
        self._port.close()
        self.finish(Page.CANCELLED)
        # Server.wait_closed() waits for connections without a limit from Python 3.12 on, so they are waited for here.
        held = [task for task, is_held in self._connections.items() if is_held]
        for task in self._connections.keys() - set(held):
            task.cancel()
        if held:
            await asyncio.wait(held, timeout=_CLOSE_SECONDS)
        left = list(self._connections)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, *self._accepting, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._make_room()
        self._connections[task] = False
        try:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(HEAD_SECONDS):
                    target = await self._head(reader, writer)
                if target is not None:
                    await self._callback(target, writer, task)
        except asyncio.CancelledError:
            # Only close() and _make_room() cancel; streams would log the cancellation as an error of ours.
            pass
        finally:
            self._connections.pop(task, None)
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    def _make_room(self) -> None:
        """Drop the oldest silent connections when there are too many; held browsers stay."""
        silent = [task for task, is_held in self._connections.items() if not is_held]
        for task in silent[: max(0, len(self._connections) + 1 - _MOST_CONNECTIONS)]:
            task.cancel()

    async def _head(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str | None:
        """Read one request head and return its query when it is for us; else answer it and return None."""
        http = h11.Connection(h11.SERVER)
        head = bytearray()
        while True:
            try:
                event = http.next_event()
            except h11.RemoteProtocolError as error:
                await _answer(writer, error.error_status_hint, NOT_OURS)
                return None
            if event is not h11.NEED_DATA:
                break
            received = await reader.read(HEAD_BYTES)
            if not received:
                return None
            head += received
            if head.startswith(_TLS_HANDSHAKE):
                self._reader.stray("browser_insists_on_https")
                return None
            # h11's own limit lets a complete head of any size through, so it is counted here.
            end = head.find(b"\r\n\r\n")
            if (len(head) if end < 0 else end + 4) > HEAD_BYTES:
                await _answer(writer, 431, NOT_OURS)
                return None
            http.receive_data(received)
        if not isinstance(event, h11.Request):
            return None
        return await self._query(event, writer)

    async def _query(self, request: h11.Request, writer: asyncio.StreamWriter) -> str | None:
        hosts = [value for name, value in request.headers if name == b"host"]
        path, _, query = request.target.decode("ascii", "replace").partition("?")
        is_head = request.method == b"HEAD"
        if len(hosts) != 1 or not self._host.fullmatch(hosts[0].decode("ascii", "replace")):
            await _answer(writer, 421, NOT_OURS, is_head=is_head)
        elif path != self._path:
            await _answer(writer, 404, NOT_OURS, is_head=is_head)
        elif request.method != b"GET":
            await _answer(writer, 405, NOT_OURS, is_head=is_head, extra=(("Allow", "GET"),))
        else:
            return query
        return None

    async def _callback(self, query: str, writer: asyncio.StreamWriter, task: asyncio.Task[None]) -> None:
        """Answer a well-formed request for the callback address: the first right one wins, once."""
        try:
            answer = self._reader.check(query)
        except CallbackRejected as rejected:
            self._reader.stray(rejected.code)
            await _answer(writer, 400, NOT_OURS)
            return
        if self._winner is None:
            self._winner = query
            self._reader.answered(answer)
        elif query != self._winner:
            await _answer(writer, 200, Page.ANSWERED.value)
            return
        self._connections[task] = True
        try:
            async with asyncio.timeout(self._hold_seconds):
                page = await asyncio.shield(self._truth)
        except TimeoutError:
            page = Page.GO_ON
        await _answer(writer, 200, page.value)


async def _answer(
    writer: asyncio.StreamWriter,
    status: int,
    body: bytes,
    *,
    is_head: bool = False,
    extra: Iterable[tuple[str, str]] = (),
) -> None:
    kind = "text/html" if body.startswith(b"<") else "text/plain"
    http = h11.Connection(h11.SERVER)
    headers = [
        *HEADERS,
        *extra,
        ("Content-Type", f"{kind}; charset=utf-8"),
        ("Content-Length", str(len(body))),
    ]
    reason = _REASONS.get(status, "Bad Request")
    head = http.send(h11.Response(status_code=status, headers=headers, reason=reason))
    writer.write((head or b"") + (b"" if is_head else body))
    await writer.drain()


_REASONS = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 421: "Misdirected Request", 431: "Header Too Large"}
