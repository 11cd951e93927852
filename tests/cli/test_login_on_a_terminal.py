"""``login`` on a terminal: it names the account before a first sign-in is final, and the sign-in can be undone at once."""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

import pytest

from slack_token_tui.practice.models import CLIENT_ID
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.store.profiles import ProfileStore
from tests.cli.test_login import Login
from tests.conftest import pressing
from tests.support.profiles import profile
from tests.support.terminal import Terminal

QUESTION = "Press Enter if this is you"


class LoginTerminal(Terminal):
    def __init__(self, environment: dict[str, str], *words: str) -> None:
        super().__init__(environment, "-m", "slack_token_tui", "login", *words)

    @property
    def url(self) -> str:
        self.shows("Open ")
        self.until(lambda seen: re.search(rb"https?://\S+state=\S+\s", seen))
        return re.search(rb"https?://\S+state=\S+", self.seen)[0].decode()  # type: ignore[index]


@pytest.fixture
def words(slack: PracticeSlack, redirect_uris: tuple[str, ...]) -> list[str]:
    redirects = [word for address in redirect_uris for word in ("--redirect-uri", address)]
    return ["work", "--client-id", CLIENT_ID, "--slack-url", slack.base, "--no-browser", *redirects]


def test_enter_accepts_the_account_of_a_first_sign_in(
    words: list[str], child_environment: dict[str, str], store: ProfileStore
) -> None:
    terminal = LoginTerminal(child_environment, *words)
    pressing(terminal.url)
    terminal.shows("Signed in  as jane in Acme Practice. Press Enter if this is you")
    assert store.names() == ["work"], "it is saved before the question"
    terminal.press(b"\r")
    terminal.shows("slack-token-tui token work")
    assert terminal.end() == 0


@pytest.mark.parametrize("answer", [b"no\r", b"N\r"])
def test_no_revokes_and_removes_what_another_account_signed_in(
    words: list[str], child_environment: dict[str, str], store: ProfileStore, workspace: Workspace, answer: bytes
) -> None:
    terminal = LoginTerminal(child_environment, *words)
    somebody = workspace.people[1]
    simulate_browser(terminal.url, person=somebody.id)
    terminal.shows(f"Signed in  as {somebody.name} in")
    terminal.press(answer)
    terminal.shows("work is deleted")
    assert terminal.end() == 1
    assert store.names() == []
    assert all(token.revoked for token in workspace.tokens.access_tokens.values())


@pytest.mark.parametrize("word", [b"nope", b"not me", b"undo", b"http://localhost:1/callback?code=x&state=y"])
def test_any_other_word_asks_again(
    words: list[str], child_environment: dict[str, str], store: ProfileStore, word: bytes
) -> None:
    terminal = LoginTerminal(child_environment, *words)
    pressing(terminal.url)
    terminal.shows(QUESTION)
    terminal.press(word + b"\r")
    terminal.answers(QUESTION)
    terminal.press(b"no\r")
    assert terminal.end() == 1
    assert store.names() == []


def test_a_signal_during_the_exchange_ends_without_a_question(
    words: list[str],
    child_environment: dict[str, str],
    store: ProfileStore,
    exchanging: tuple[threading.Event, threading.Event],
) -> None:
    given, arrives = exchanging
    terminal = LoginTerminal(child_environment, *words)
    pressing(terminal.url)
    terminal.until(lambda _: given.is_set())
    os.kill(terminal.pid, signal.SIGTERM)
    terminal.shows("Stopping")
    arrives.set()
    assert terminal.end() == 143
    assert store.names() == ["work"] and QUESTION.encode() not in terminal.seen


def test_the_end_of_input_while_waiting_asks_nothing_later(
    words: list[str], child_environment: dict[str, str], store: ProfileStore
) -> None:
    terminal = LoginTerminal(child_environment, *words)
    url = terminal.url
    terminal.press(b"\x04")
    terminal.shows("standard input has ended")
    pressing(url)
    assert terminal.end() == 0
    assert store.names() == ["work"] and QUESTION.encode() not in terminal.seen


@pytest.mark.parametrize("way", ["ctrl+c", "end of input"])
def test_leaving_the_question_leaves_the_token_saved(
    words: list[str], child_environment: dict[str, str], store: ProfileStore, way: str
) -> None:
    terminal = LoginTerminal(child_environment, *words)
    pressing(terminal.url)
    terminal.shows(QUESTION)
    terminal.press(b"\x03" if way == "ctrl+c" else b"\x04")
    assert terminal.end() == (130 if way == "ctrl+c" else 0)
    assert store.names() == ["work"]


def test_signing_in_again_asks_nothing(
    words: list[str], child_environment: dict[str, str], store: ProfileStore
) -> None:
    for _ in range(2):
        terminal = LoginTerminal(child_environment, *words)
        pressing(terminal.url)
        terminal.shows(QUESTION if not store.names() else "Updated")
        if b"Updated" not in terminal.seen:
            terminal.press(b"\r")
        assert terminal.end() == 0
    assert QUESTION.encode() not in terminal.seen


def test_a_wished_name_of_another_account_is_never_taken_over(
    words: list[str], child_environment: dict[str, str], store: ProfileStore
) -> None:
    before = store.save_sign_in(profile(), "work").profile
    terminal = LoginTerminal(child_environment, *words)
    pressing(terminal.url)
    terminal.shows("work belongs to another account")
    terminal.shows(QUESTION)
    terminal.press(b"\r")
    assert terminal.end() == 0
    assert store.read("work") == before and len(store.names()) == 2


def test_an_unusable_response_is_named_and_revoked_on_request(
    words: list[str], child_environment: dict[str, str], store: ProfileStore, workspace: Workspace, monkeypatch: Any
) -> None:
    exchange = workspace.exchange
    monkeypatch.setattr(workspace, "exchange", lambda *arguments: {**exchange(*arguments), "token_type": "mac"})
    terminal = LoginTerminal(child_environment, *words)
    pressing(terminal.url, "allow")
    terminal.shows("Slack issued a token anyway. Its response is saved in")
    terminal.shows("Revoke this token now? [y/N]")
    terminal.press(b"y\r")
    assert terminal.end() == 1
    assert all(token.revoked for token in workspace.tokens.access_tokens.values())
    assert store.names() == []


def test_thousands_of_stray_requests_are_said_in_a_few_lines(
    slack: PracticeSlack, redirect_uris: tuple[str, ...], child_environment: dict[str, str]
) -> None:
    import http.client

    redirects = [word for address in redirect_uris for word in ("--redirect-uri", address)]
    login = Login(
        child_environment, "--client-id", CLIENT_ID, "--slack-url", slack.base, "--no-browser", *redirects, "--json"
    )
    url = login.until("Open").split()[1]
    port = urlsplit(redirect_uris[0]).port
    for _ in range(1500):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/callback?code=x&state=wrong", headers={"Host": f"localhost:{port}"})
        assert connection.getresponse().status == 400
        connection.close()
    pressing(url)
    code, _, err = login.end()
    assert code == 0
    ignored = [line for line in err.splitlines() if line.startswith("Ignored")]
    assert re.match(r"Ignored    \d+ responses?: ", ignored[0])
    assert ignored[-1] == "Ignored    1500 responses so far"
    assert len(ignored) <= 6, ignored


def test_without_file_descriptors_one_line_is_said_and_the_sign_in_goes_on(
    words: list[str], child_environment: dict[str, str], redirect_uris: tuple[str, ...], store: ProfileStore
) -> None:
    login = Login(child_environment, *words)
    url, port = login.until("Open").split()[1], urlsplit(redirect_uris[0]).port
    login.until("           or paste")
    pid = login.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")), hard))
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(30)]
    login.until("Note       The browser's connection could not be accepted")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    pressing(url)
    code, _, err = login.end()
    for connection in silent:
        connection.close()
    assert code == 0 and store.names() == ["work"]
    assert err.count("could not be accepted") == 1
    assert "Traceback" not in err and len(err.splitlines()) < 20, err


@pytest.mark.parametrize("command", ["import acme", "login --client-id 1.2 --client-secret-stdin"])
def test_bytes_that_are_not_utf8_at_a_hidden_prompt_are_not_repeated(
    child_environment: dict[str, str], command: str
) -> None:
    terminal = Terminal(child_environment, "-m", "slack_token_tui", *command.split())
    terminal.shows("(not shown)")
    terminal.press(b"xoxp-canary\xff\r")
    assert terminal.end() == 2
    assert b"This one has other bytes" in terminal.seen
    assert b"codec" not in terminal.seen and b"0xff" not in terminal.seen and b"canary" not in terminal.seen
