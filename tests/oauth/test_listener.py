"""The seven promises of the listener, on real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from slack_token_tui.oauth import listener as listener_module
from slack_token_tui.oauth.callback import AuthorizationCode, AuthorizationResponse, check_callback
from slack_token_tui.oauth.listener import CallbackListener, PortsUnavailable, bind_first_free
from slack_token_tui.oauth.pages import Page
from slack_token_tui.oauth.request import AuthorizationRequest
from slack_token_tui.store.apps import SlackApp


class Ear:
    """Reads what the listener tells."""

    def __init__(self, redirect_uri: str) -> None:
        self.request = AuthorizationRequest.create(SlackApp("1.2"), ("users:read",), redirect_uri)
        self.answers: list[AuthorizationResponse] = []
        self.strays: list[str] = []
        self.came = asyncio.Event()

    def check_callback(self, query: str) -> AuthorizationResponse:
        return check_callback(query, self.request)

    def accept(self, answer: AuthorizationResponse) -> None:
        self.answers.append(answer)
        self.came.set()

    def ignore(self, code: str) -> None:
        self.strays.append(code)

    @property
    def good(self) -> str:
        return f"/callback?code=canary-code&state={self.request.state.reveal()}"


class Running:
    def __init__(self, listener: CallbackListener, ear: Ear, port: int) -> None:
        self.listener, self.ear, self.port = listener, ear, port

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

    async def real_callback(self, host: str = "127.0.0.1") -> bytes:
        """Deliver the right callback and finish; it must answer at once whatever came before."""
        answer = asyncio.create_task(self.send(self.get(self.ear.good), host))
        await asyncio.wait_for(self.ear.came.wait(), 20)
        self.listener.finish(Page.SAVED)
        return await answer


@asynccontextmanager
async def running(redirect_uris: tuple[str, ...], **kwargs: float) -> AsyncIterator[Running]:
    port = bind_first_free(redirect_uris)
    ear = Ear(port.redirect_uri)
    listener = CallbackListener(port, ear, **kwargs)
    await listener.start()
    try:
        yield Running(listener, ear, int(port.redirect_uri.split(":")[2].split("/")[0]))
    finally:
        await listener.close()


def is_open(port: int, host: str = "127.0.0.1") -> bool:
    with suppress(OSError), socket.create_connection((host, port), 1):
        return True
    return False


# ── 1. bound to loopback, both families, next registered port ──


async def test_both_families_are_served_on_the_same_port(redirect_uris: tuple[str, ...]) -> None:
    for host in ("127.0.0.1", "::1"):
        async with running(redirect_uris) as it:
            assert b"You are signed in" in await it.real_callback(host)


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_port_taken_on_either_family_is_passed_over(
    redirect_uris: tuple[str, ...], family: int, address: str
) -> None:
    with socket.socket(family) as other:
        other.bind((address, int(redirect_uris[0].split(":")[2].split("/")[0])))
        other.listen()
        port = bind_first_free(redirect_uris)
        assert port.redirect_uri == redirect_uris[1]
        assert port.skipped == (redirect_uris[0],)
        port.close()


def test_when_all_are_taken_all_are_named(redirect_uris: tuple[str, ...]) -> None:
    first = [bind_first_free([address]) for address in redirect_uris]
    with pytest.raises(PortsUnavailable) as caught:
        bind_first_free(redirect_uris)
    assert caught.value.taken == redirect_uris
    for port in first:
        port.close()


async def test_nothing_but_loopback_is_bound(redirect_uris: tuple[str, ...]) -> None:
    port = bind_first_free(redirect_uris)
    assert {bound.getsockname()[0] for bound in port.sockets} == {"127.0.0.1", "::1"}
    port.close()


# ── 2. open only during a sign-in ──


async def test_the_port_closes_within_a_second_with_connections_open(redirect_uris: tuple[str, ...]) -> None:
    async with running(redirect_uris) as it:
        idle = [await asyncio.open_connection("127.0.0.1", it.port) for _ in range(20)]
        before = asyncio.get_running_loop().time()
        await it.listener.close()
        assert asyncio.get_running_loop().time() - before < 1
        assert not is_open(it.port)
        for _, writer in idle:
            writer.close()
    again = bind_first_free((it.ear.request.redirect_uri,))
    again.close()


# ── 3. one task a connection; slow ones delay nobody; 8 KiB ──


async def test_silent_connections_do_not_delay_the_callback(redirect_uris: tuple[str, ...]) -> None:
    async with running(redirect_uris) as it:
        idle = [await asyncio.open_connection("127.0.0.1", it.port) for _ in range(100)]
        assert b"You are signed in" in await it.real_callback()
        for _, writer in idle:
            writer.close()


async def test_a_silent_connection_ends(redirect_uris: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "HEAD_TIMEOUT_SECONDS", 0.2)
    async with running(redirect_uris) as it:
        assert await it.send(b"GET /callb") == b""


@pytest.mark.parametrize("size", [8 * 1024, 64 * 1024, 4 * 1024 * 1024])
@pytest.mark.parametrize("complete", [True, False])
async def test_a_head_over_8_kib_is_refused_complete_or_not(
    redirect_uris: tuple[str, ...], size: int, complete: bool
) -> None:
    async with running(redirect_uris) as it:
        head = it.get(it.ear.good, extra=f"X: {'a' * size}\r\n")
        with suppress(ConnectionError):
            answer = await it.send(head if complete else head[:-4])
            assert answer in (b"",) or answer.startswith(b"HTTP/1.1 431")
        assert it.ear.answers == []
        assert b"You are signed in" in await it.real_callback()


async def test_a_head_just_under_8_kib_is_read(redirect_uris: tuple[str, ...]) -> None:
    async with running(redirect_uris) as it:
        bare = len(it.get(it.ear.good, extra="X: \r\n"))
        head = it.get(it.ear.good, extra=f"X: {'a' * (8 * 1024 - bare)}\r\n")
        assert len(head) == 8 * 1024
        task = asyncio.create_task(it.send(head))
        await asyncio.wait_for(it.ear.came.wait(), 20)
        it.listener.finish(Page.SAVED)
        assert b"You are signed in" in await task


# ── 4. only GET, the exact path, one right Host ──

WRONG = {
    "HEAD": lambda it: it.get(it.ear.good, method="HEAD"),
    "POST": lambda it: it.get(it.ear.good, method="POST", extra="Content-Length: 0\r\n"),
    "OPTIONS": lambda it: it.get(
        it.ear.good, method="OPTIONS", extra="Access-Control-Request-Private-Network: true\r\n"
    ),
    "lower case get": lambda it: it.get(it.ear.good, method="get"),
    "favicon": lambda it: it.get("/favicon.ico"),
    "trailing slash": lambda it: it.get(it.ear.good.replace("/callback", "/callback/")),
    "encoded path": lambda it: it.get(it.ear.good.replace("/callback", "/%63allback")),
    "double slash": lambda it: it.get("/" + it.ear.good),
    "absolute form": lambda it: it.get(f"http://localhost:{it.port}{it.ear.good}"),
    "foreign host": lambda it: it.get(it.ear.good, host="evil.example"),
    "foreign host, our port": lambda it: it.get(it.ear.good, host=f"evil.example:{it.port}"),
    "another port": lambda it: it.get(it.ear.good, host="localhost:1"),
    "no port": lambda it: it.get(it.ear.good, host="localhost"),
    "dotted": lambda it: it.get(it.ear.good, host=f"localhost.:{it.port}"),
    "two hosts": lambda it: it.get(it.ear.good, extra=f"Host: localhost:{it.port}\r\n"),
    "no host": lambda it: f"GET {it.ear.good} HTTP/1.1\r\n\r\n".encode(),
    "no host, 1.0": lambda it: f"GET {it.ear.good} HTTP/1.0\r\n\r\n".encode(),
    "garbage": lambda it: b"\x00\xff garbage\r\n\r\n",
    "http/2": lambda it: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "socks": lambda it: b"\x05\x01\x00",
    "smuggling": lambda it: it.get(
        it.ear.good, method="POST", extra="Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
    ),
}


@pytest.mark.parametrize("what", WRONG)
async def test_anything_else_changes_nothing_and_the_callback_still_finishes(
    redirect_uris: tuple[str, ...], what: str
) -> None:
    async with running(redirect_uris) as it:
        answer = await it.send(WRONG[what](it), eof=True)
        assert it.ear.answers == []
        assert b"Access-Control" not in answer
        assert not answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 3"))
        assert b"canary" not in answer
        assert b"You are signed in" in await it.real_callback()


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_every_spelling_of_this_machine_counts(redirect_uris: tuple[str, ...], host: str, version: str) -> None:
    async with running(redirect_uris) as it:
        task = asyncio.create_task(
            it.send(f"GET {it.ear.good} HTTP/{version}\r\nHost: {host}:{it.port}\r\n\r\n".encode())
        )
        await asyncio.wait_for(it.ear.came.wait(), 20)
        it.listener.finish(Page.SAVED)
        assert b"200 OK" in await task


async def test_a_prefetch_with_the_right_state_counts(redirect_uris: tuple[str, ...]) -> None:
    async with running(redirect_uris) as it:
        task = asyncio.create_task(it.send(it.get(it.ear.good, extra="Sec-Purpose: prefetch\r\n")))
        await asyncio.wait_for(it.ear.came.wait(), 20)
        it.listener.finish(Page.SAVED)
        await task


# ── 5. state first ──


@pytest.mark.parametrize(
    "query", ["code=a&state=wrong", "error=access_denied", "error=access_denied&state=x", "code=a", "", "code=a&code=b"]
)
async def test_wrong_state_does_not_end_the_wait(redirect_uris: tuple[str, ...], query: str) -> None:
    async with running(redirect_uris) as it:
        assert (await it.send(it.get(f"/callback?{query}"))).startswith(b"HTTP/1.1 400")
        assert len(it.ear.strays) == 1
        assert it.ear.answers == []
        assert b"You are signed in" in await it.real_callback()


async def test_a_thousand_forged_answers_are_counted_and_the_real_one_wins(redirect_uris: tuple[str, ...]) -> None:
    async with running(redirect_uris) as it:
        for _ in range(20):
            await asyncio.gather(*(it.send(it.get("/callback?code=x&state=wrong")) for _ in range(50)))
        assert it.ear.strays.count("state_mismatch") == 1000
        assert b"You are signed in" in await it.real_callback()


async def test_a_browser_that_insists_on_https_is_noticed(redirect_uris: tuple[str, ...]) -> None:
    async with running(redirect_uris) as it:
        await it.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100)
        assert it.ear.strays == ["browser_insists_on_https"]


# ── 6. the first right one wins, once, and sees the truth ──


async def test_twenty_equal_callbacks_are_one_answer_and_one_page(redirect_uris: tuple[str, ...]) -> None:
    async with running(redirect_uris) as it:
        tasks = [asyncio.create_task(it.send(it.get(it.ear.good))) for _ in range(20)]
        await asyncio.wait_for(it.ear.came.wait(), 20)
        it.listener.finish(Page.SAVED)
        pages = await asyncio.gather(*tasks)
        assert it.ear.answers == [AuthorizationCode(it.ear.answers[0].code)]  # type: ignore[arg-type]
        assert {page.split(b"\r\n\r\n", 1)[1] for page in pages} == {Page.SAVED.value}


async def test_the_browser_is_held_until_the_truth_is_known(redirect_uris: tuple[str, ...]) -> None:
    async with running(redirect_uris) as it:
        task = asyncio.create_task(it.send(it.get(it.ear.good)))
        await asyncio.wait_for(it.ear.came.wait(), 20)
        await asyncio.sleep(0.05)
        assert not task.done()
        it.listener.finish(Page.REFUSED)
        assert b"Slack refused the sign-in" in await task


async def test_a_browser_held_too_long_goes_on_in_the_terminal(redirect_uris: tuple[str, ...]) -> None:
    async with running(redirect_uris, hold_seconds=0.1) as it:
        assert b"Go on in your terminal" in await it.send(it.get(it.ear.good))


async def test_a_held_browser_gets_its_page_when_the_port_closes(redirect_uris: tuple[str, ...]) -> None:
    async with running(redirect_uris) as it:
        task = asyncio.create_task(it.send(it.get(it.ear.good)))
        await asyncio.wait_for(it.ear.came.wait(), 20)
        it.listener.finish(Page.SAVED)
        await it.listener.close()
        assert b"You are signed in" in await task


# ── 7. pages are constants ──


async def test_pages_carry_the_promised_headers_and_nothing_of_the_request(redirect_uris: tuple[str, ...]) -> None:
    async with running(redirect_uris) as it:
        for data in (it.get("/x"), it.get("/callback?code=%3Cscript%3E&state=canary"), it.get("/", method="POST")):
            answer = await it.send(data)
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
def test_no_page_has_a_script_an_outside_address_or_invites_a_reload(page: Page) -> None:
    text = page.value.decode().lower()
    assert "<script" not in text
    assert "http:" not in text
    assert "https:" not in text
    assert "reload" not in text


# ── the port itself fails ──


async def test_a_port_that_is_closed_from_outside_is_named_and_nothing_stands_still(
    redirect_uris: tuple[str, ...],
) -> None:
    async with running(redirect_uris) as it:
        for bound in it.listener._port.sockets:
            bound.shutdown(socket.SHUT_RDWR)  # what a program that closes other programs' sockets does to it
        for _ in range(1000):
            await asyncio.sleep(0)
            if len(it.ear.strays) == len(it.listener._port.sockets):
                break
        assert set(it.ear.strays) == {"port_lost"}
