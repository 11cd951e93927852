"""A practice Slack with TLS, reached through a real HTTP proxy (CONNECT) and a real SOCKS proxy."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client import OAuthClient, SlackClient
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.errors import SlackRefused
from tests.support.ports import get_port
from tests.support.tls import create_tls_context

NAME = "slack.practice.example"


class Proxy:
    """Accepts CONNECT and SOCKS5, and connects every client to one port of this machine."""

    def __init__(self, target: int) -> None:
        self.asked_for: list[str] = []
        self._target = target
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._carry, args=(connection,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target)) as server, contextlib.suppress(OSError):
            first = client.recv(4096)
            if first.startswith(b"CONNECT "):
                self.asked_for.append(first.split()[1].decode())
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                client.sendall(b"\x05\x00")
                request = client.recv(4096)
                self.asked_for.append(request[5 : 5 + request[4]].decode())
                client.sendall(b"\x05\x00\x00\x01\0\0\0\0\0\0")
            while True:
                for ready in select.select([client, server], [], [], 10)[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    (server if ready is client else client).sendall(data)


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    context = create_tls_context(NAME, tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with PracticeSlack(tls=context) as slack:
        running = Proxy(get_port(slack.base))
        yield running
        running.close()


@pytest.mark.parametrize(
    ("variable", "scheme"), [("HTTPS_PROXY", "http"), ("ALL_PROXY", "http"), ("ALL_PROXY", "socks5")]
)
async def test_slack_is_reached_through_the_environment_proxy(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str
) -> None:
    monkeypatch.setenv(variable, f"{scheme}://{proxy.address}")
    async with SlackClient(Endpoints(f"https://{NAME}")) as slack:
        with pytest.raises(SlackRefused) as caught:
            await slack.exchange(
                OAuthClient("1111111111.2222222222222"), Secret("canary"), Secret("canary"), "http://localhost:1/x"
            )
    assert caught.value.code == "invalid_code"
    assert proxy.asked_for[0].startswith(NAME)
