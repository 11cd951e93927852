"""The callback listener on real sockets: what it binds, when it is open, what it answers."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from selenium import webdriver

from slack_token_tui.oauth import listener as listener_module
from slack_token_tui.oauth.callback import AuthorizationCode, AuthorizationResponse, check_callback
from slack_token_tui.oauth.listener import CallbackListener, PortsUnavailable, bind_first_free
from slack_token_tui.oauth.pages import Page
from slack_token_tui.oauth.request import AuthorizationRequest
from slack_token_tui.store.apps import SlackApp
from tests.support.chromium import skip_without
from tests.support.ports import get_port, is_port_open


class CallbackRecorder:
    """Records what the listener reports."""

    def __init__(self, redirect_uri: str) -> None:
        self.request = AuthorizationRequest.create(SlackApp("1.2"), ("users:read",), redirect_uri)
        self.answers: list[AuthorizationResponse] = []
        self.ignored: list[str] = []
        self.received = asyncio.Event()

    def check_callback(self, query: str) -> AuthorizationResponse:
        return check_callback(query, self.request)

    def accept(self, answer: AuthorizationResponse) -> None:
        self.answers.append(answer)
        self.received.set()

    def ignore(self, code: str) -> None:
        self.ignored.append(code)

    @property
    def valid_target(self) -> str:
        return f"/callback?code=canary-code&state={self.request.state.reveal()}"


class ListenerClient:
    """Sends requests to a running listener."""

    def __init__(self, listener: CallbackListener, recorder: CallbackRecorder, port: int) -> None:
        self.listener, self.recorder, self.port = listener, recorder, port

    async def send(self, data: bytes, host: str = "127.0.0.1", *, eof: bool = False) -> bytes:
        reader, writer = await asyncio.open_connection(host, self.port)
        writer.write(data)
        if eof:
            writer.write_eof()
        try:
            return await asyncio.wait_for(reader.read(), 8)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    def get(self, target: str, host: str | None = None, method: str = "GET", extra: str = "") -> bytes:
        return f"{method} {target} HTTP/1.1\r\nHost: {host or f'localhost:{self.port}'}\r\n{extra}\r\n".encode()

    async def send_valid_callback(self, host: str = "127.0.0.1") -> bytes:
        """Send the right callback and finish. It must be answered at once, whatever came before it."""
        answer = asyncio.create_task(self.send(self.get(self.recorder.valid_target), host))
        await asyncio.wait_for(self.recorder.received.wait(), 20)
        self.listener.finish(Page.SAVED)
        return await answer


@asynccontextmanager
async def run_listener(redirect_uris: tuple[str, ...], **kwargs: float) -> AsyncIterator[ListenerClient]:
    port = bind_first_free(redirect_uris)
    recorder = CallbackRecorder(port.redirect_uri)
    listener = CallbackListener(port, recorder, **kwargs)
    await listener.start()
    try:
        yield ListenerClient(listener, recorder, get_port(port.redirect_uri))
    finally:
        await listener.close()


# ── bound to loopback, both families, next registered port ──


async def test_ipv4_and_ipv6_are_served_on_the_same_port(redirect_uris: tuple[str, ...]) -> None:
    for host in ("127.0.0.1", "::1"):
        async with run_listener(redirect_uris) as client:
            assert b"You are signed in" in await client.send_valid_callback(host)


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_port_in_use_on_either_family_is_skipped(redirect_uris: tuple[str, ...], family: int, address: str) -> None:
    with socket.socket(family) as other:
        other.bind((address, get_port(redirect_uris[0])))
        other.listen()
        port = bind_first_free(redirect_uris)
        assert port.redirect_uri == redirect_uris[1]
        assert port.taken == (redirect_uris[0],)
        port.close()


def test_error_lists_all_ports_when_none_is_free(redirect_uris: tuple[str, ...]) -> None:
    first = [bind_first_free([address]) for address in redirect_uris]
    with pytest.raises(PortsUnavailable) as caught:
        bind_first_free(redirect_uris)
    assert caught.value.code == "all_ports_taken"
    assert caught.value.facts["ports"] == ", ".join(str(get_port(uri)) for uri in redirect_uris)
    for port in first:
        port.close()


async def test_only_loopback_is_bound(redirect_uris: tuple[str, ...]) -> None:
    port = bind_first_free(redirect_uris)
    assert {bound.getsockname()[0] for bound in port.sockets} == {"127.0.0.1", "::1"}
    port.close()


# ── open only during a sign-in ──


async def test_port_closes_within_a_second_despite_open_connections(redirect_uris: tuple[str, ...]) -> None:
    async with run_listener(redirect_uris) as client:
        idle = [await asyncio.open_connection("127.0.0.1", client.port) for _ in range(20)]
        before = asyncio.get_running_loop().time()
        await client.listener.close()
        assert asyncio.get_running_loop().time() - before < 1
        assert not is_port_open(client.port)
        for _, writer in idle:
            writer.close()
    again = bind_first_free((client.recorder.request.redirect_uri,))
    again.close()


# ── one task per connection: slow ones delay no other; 64 KiB ──


async def test_silent_connections_do_not_delay_the_callback(redirect_uris: tuple[str, ...]) -> None:
    async with run_listener(redirect_uris) as client:
        idle = [await asyncio.open_connection("127.0.0.1", client.port) for _ in range(100)]
        assert b"You are signed in" in await client.send_valid_callback()
        for _, writer in idle:
            writer.close()


async def test_silent_connection_is_closed(redirect_uris: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "HEAD_TIMEOUT_SECONDS", 0.2)
    async with run_listener(redirect_uris) as client:
        assert await client.send(b"GET /callb") == b""


@pytest.mark.parametrize("size", [64 * 1024, 200 * 1024, 4 * 1024 * 1024])
@pytest.mark.parametrize("complete", [True, False])
async def test_head_over_64_kib_is_rejected_even_if_incomplete(
    redirect_uris: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, size: int, complete: bool
) -> None:
    monkeypatch.setattr(listener_module, "HEAD_TIMEOUT_SECONDS", 60 if complete else 0.5)
    async with run_listener(redirect_uris) as client:
        head = client.get(client.recorder.valid_target, extra=f"Cookie: {'a' * size}\r\n")
        with suppress(ConnectionError):
            answer = await client.send(head if complete else head[:-4])
            assert answer in (b"",) or answer.startswith(b"HTTP/1.1 431")
            assert complete is False or size > 1024 * 1024 or b"Open the link from your terminal in a private" in answer
        assert client.recorder.answers == []
        assert client.recorder.ignored == ["too_many_cookies"], "the terminal says it too"
        assert b"You are signed in" in await client.send_valid_callback()


async def test_large_head_for_another_path_is_not_reported(redirect_uris: tuple[str, ...]) -> None:
    async with run_listener(redirect_uris) as client:
        answer = await client.send(client.get("/favicon.ico", extra=f"Cookie: {'a' * 70_000}\r\n"))
        assert answer.startswith(b"HTTP/1.1 431") and client.recorder.ignored == []


@pytest.mark.parametrize("size", [9 * 1024, 20 * 1024, 64 * 1024])
async def test_head_of_up_to_64_kib_is_read(redirect_uris: tuple[str, ...], size: int) -> None:
    async with run_listener(redirect_uris) as client:
        bare = len(client.get(client.recorder.valid_target, extra="Cookie: \r\n"))
        head = client.get(client.recorder.valid_target, extra=f"Cookie: {'a' * (size - bare)}\r\n")
        assert len(head) == size
        task = asyncio.create_task(client.send(head))
        await asyncio.wait_for(client.recorder.received.wait(), 20)
        client.listener.finish(Page.SAVED)
        assert b"You are signed in" in await task


@contextmanager
def run_cookie_server(kilobytes: int) -> Iterator[str]:
    """Run a development server that sets so many cookies for localhost. Yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            for number in range(kilobytes):
                self.send_header("Set-Cookie", f"practice{number}={'c' * 1000}; Path=/")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()


@skip_without("chromium", "chromedriver")
@pytest.mark.parametrize("kilobytes", [40, 120])
async def test_cookies_of_other_programs_in_a_real_browser(
    redirect_uris: tuple[str, ...], chromium: webdriver.Chrome, kilobytes: int
) -> None:
    with run_cookie_server(kilobytes) as url:
        await asyncio.to_thread(chromium.get, url)
    async with run_listener(redirect_uris) as client:
        client.listener.finish(Page.SAVED)
        await asyncio.to_thread(chromium.get, f"http://localhost:{client.port}{client.recorder.valid_target}")
        title = await asyncio.to_thread(lambda: chromium.title)
        if kilobytes < 64:
            assert title == "You are signed in"
        else:
            assert title == "Your browser has too many cookies for localhost"
            assert client.recorder.ignored == ["too_many_cookies"]


# ── only GET, the exact path, one right Host ──

WRONG_REQUESTS = {
    "HEAD": lambda client: client.get(client.recorder.valid_target, method="HEAD"),
    "POST": lambda client: client.get(client.recorder.valid_target, method="POST", extra="Content-Length: 0\r\n"),
    "OPTIONS": lambda client: client.get(
        client.recorder.valid_target, method="OPTIONS", extra="Access-Control-Request-Private-Network: true\r\n"
    ),
    "lower case get": lambda client: client.get(client.recorder.valid_target, method="get"),
    "favicon": lambda client: client.get("/favicon.ico"),
    "trailing slash": lambda client: client.get(client.recorder.valid_target.replace("/callback", "/callback/")),
    "encoded path": lambda client: client.get(client.recorder.valid_target.replace("/callback", "/%63allback")),
    "double slash": lambda client: client.get("/" + client.recorder.valid_target),
    "absolute form": lambda client: client.get(f"http://localhost:{client.port}{client.recorder.valid_target}"),
    "foreign host": lambda client: client.get(client.recorder.valid_target, host="evil.example"),
    "foreign host, our port": lambda client: client.get(
        client.recorder.valid_target, host=f"evil.example:{client.port}"
    ),
    "another port": lambda client: client.get(client.recorder.valid_target, host="localhost:1"),
    "no port": lambda client: client.get(client.recorder.valid_target, host="localhost"),
    "dotted": lambda client: client.get(client.recorder.valid_target, host=f"localhost.:{client.port}"),
    "two hosts": lambda client: client.get(client.recorder.valid_target, extra=f"Host: localhost:{client.port}\r\n"),
    "no host": lambda client: f"GET {client.recorder.valid_target} HTTP/1.1\r\n\r\n".encode(),
    "no host, 1.0": lambda client: f"GET {client.recorder.valid_target} HTTP/1.0\r\n\r\n".encode(),
    "garbage": lambda client: b"\x00\xff garbage\r\n\r\n",
    "http/2": lambda client: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "socks": lambda client: b"\x05\x01\x00",
    "smuggling": lambda client: client.get(
        client.recorder.valid_target, method="POST", extra="Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
    ),
}


@pytest.mark.parametrize("what", WRONG_REQUESTS)
async def test_wrong_request_is_ignored_and_the_callback_still_works(redirect_uris: tuple[str, ...], what: str) -> None:
    async with run_listener(redirect_uris) as client:
        answer = await client.send(WRONG_REQUESTS[what](client), eof=True)
        assert client.recorder.answers == []
        assert b"Access-Control" not in answer
        assert not answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 3"))
        assert b"canary" not in answer
        assert b"You are signed in" in await client.send_valid_callback()


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_every_loopback_host_name_is_accepted(redirect_uris: tuple[str, ...], host: str, version: str) -> None:
    async with run_listener(redirect_uris) as client:
        task = asyncio.create_task(
            client.send(
                f"GET {client.recorder.valid_target} HTTP/{version}\r\nHost: {host}:{client.port}\r\n\r\n".encode()
            )
        )
        await asyncio.wait_for(client.recorder.received.wait(), 20)
        client.listener.finish(Page.SAVED)
        assert b"200 OK" in await task


async def test_prefetch_with_the_right_state_is_accepted(redirect_uris: tuple[str, ...]) -> None:
    async with run_listener(redirect_uris) as client:
        task = asyncio.create_task(
            client.send(client.get(client.recorder.valid_target, extra="Sec-Purpose: prefetch\r\n"))
        )
        await asyncio.wait_for(client.recorder.received.wait(), 20)
        client.listener.finish(Page.SAVED)
        await task


# ── state is checked first ──


@pytest.mark.parametrize(
    "query", ["code=a&state=wrong", "error=access_denied", "error=access_denied&state=x", "code=a", "", "code=a&code=b"]
)
async def test_wrong_state_does_not_end_the_wait(redirect_uris: tuple[str, ...], query: str) -> None:
    async with run_listener(redirect_uris) as client:
        assert (await client.send(client.get(f"/callback?{query}"))).startswith(b"HTTP/1.1 400")
        assert len(client.recorder.ignored) == 1
        assert client.recorder.answers == []
        assert b"You are signed in" in await client.send_valid_callback()


async def test_forged_callbacks_are_counted_and_the_real_one_is_accepted(redirect_uris: tuple[str, ...]) -> None:
    async with run_listener(redirect_uris) as client:
        for _ in range(20):
            await asyncio.gather(*(client.send(client.get("/callback?code=x&state=wrong")) for _ in range(50)))
        assert client.recorder.ignored.count("state_mismatch") == 1000
        assert b"You are signed in" in await client.send_valid_callback()


async def test_https_only_browser_is_detected(redirect_uris: tuple[str, ...]) -> None:
    async with run_listener(redirect_uris) as client:
        await client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100)
        assert client.recorder.ignored == ["browser_insists_on_https"]


# ── the first right callback wins, once, and its browser sees the outcome ──


async def test_duplicate_callbacks_count_once_and_get_the_same_page(redirect_uris: tuple[str, ...]) -> None:
    async with run_listener(redirect_uris) as client:
        tasks = [asyncio.create_task(client.send(client.get(client.recorder.valid_target))) for _ in range(20)]
        await asyncio.wait_for(client.recorder.received.wait(), 20)
        client.listener.finish(Page.SAVED)
        pages = await asyncio.gather(*tasks)
        assert client.recorder.answers == [AuthorizationCode(client.recorder.answers[0].code)]  # type: ignore[arg-type]
        assert {page.split(b"\r\n\r\n", 1)[1] for page in pages} == {Page.SAVED.value}


async def test_browser_waits_until_the_result_is_known(redirect_uris: tuple[str, ...]) -> None:
    async with run_listener(redirect_uris) as client:
        task = asyncio.create_task(client.send(client.get(client.recorder.valid_target)))
        await asyncio.wait_for(client.recorder.received.wait(), 20)
        await asyncio.sleep(0.05)
        assert not task.done()
        client.listener.finish(Page.REFUSED)
        assert b"Slack rejected the sign-in" in await task


async def test_browser_waiting_too_long_is_told_to_continue_in_the_terminal(redirect_uris: tuple[str, ...]) -> None:
    async with run_listener(redirect_uris, hold_seconds=0.1) as client:
        assert b"Continue in your terminal" in await client.send(client.get(client.recorder.valid_target))


async def test_waiting_browser_gets_its_page_when_the_port_closes(redirect_uris: tuple[str, ...]) -> None:
    async with run_listener(redirect_uris) as client:
        task = asyncio.create_task(client.send(client.get(client.recorder.valid_target)))
        await asyncio.wait_for(client.recorder.received.wait(), 20)
        client.listener.finish(Page.SAVED)
        await client.listener.close()
        assert b"You are signed in" in await task


# ── pages are constants ──


async def test_pages_have_security_headers_and_no_request_data(redirect_uris: tuple[str, ...]) -> None:
    async with run_listener(redirect_uris) as client:
        for data in (
            client.get("/x"),
            client.get("/callback?code=%3Cscript%3E&state=canary"),
            client.get("/", method="POST"),
        ):
            answer = await client.send(data)
            head = answer.split(b"\r\n\r\n")[0].decode()
            assert "Cache-Control: no-store" in head
            assert "Referrer-Policy: no-referrer" in head
            assert "X-Content-Type-Options: nosniff" in head
            for rule in (
                "default-src 'none'",
                "frame-ancestors 'none'",
                "base-uri 'none'",
                "form-action 'none'",
                "sha256-",
            ):
                assert rule in head
            assert "Server:" not in head
            assert "script" not in answer.decode()
            assert b"canary" not in answer


@pytest.mark.parametrize("page", Page)
def test_pages_have_no_scripts_external_urls_or_reload_prompts(page: Page) -> None:
    text = page.value.decode().lower()
    assert "<script" not in text
    assert "http:" not in text
    assert "https:" not in text
    assert "reload" not in text


# ── the port fails ──


async def test_externally_closed_port_is_reported_without_blocking(
    redirect_uris: tuple[str, ...],
) -> None:
    async with run_listener(redirect_uris) as client:
        for bound in client.listener.port.sockets:
            bound.shutdown(socket.SHUT_RDWR)  # as a program does that closes other programs' sockets
        for _ in range(1000):
            await asyncio.sleep(0)
            if len(client.recorder.ignored) == len(client.listener.port.sockets):
                break
        assert set(client.recorder.ignored) == {"port_lost"}
