"""``login`` on a terminal: it asks whether a first sign-in is the right account, and undoes it if not."""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import threading
from typing import Any

import pytest

from slack_token_tui.practice.server import simulate_browser
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.store.profiles import ProfileStore
from tests.support.browser import press_consent_button
from tests.support.cli import LoginProcess
from tests.support.ports import get_port
from tests.support.profiles import new_sign_in
from tests.support.terminal import Terminal

QUESTION = "Is this you? Press Enter"


class LoginTerminal(Terminal):
    """A ``login`` on a terminal."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        super().__init__(environment, "-m", "slack_token_tui", "login", *arguments)

    @property
    def url(self) -> str:
        """The authorize URL, once it is printed."""
        self.wait_for_text("Open ")
        self.wait_until(lambda output: re.search(rb"https?://\S+state=\S+\s", output))
        return re.search(rb"https?://\S+state=\S+", self.output)[0].decode()  # type: ignore[index]


def test_enter_confirms_the_account_after_a_first_sign_in(
    login_arguments: list[str], child_environment: dict[str, str], store: ProfileStore
) -> None:
    terminal = LoginTerminal(child_environment, "work", *login_arguments)
    press_consent_button(terminal.url)
    terminal.wait_for_text("Signed in  as jane in Acme Practice. Is this you? Press Enter")
    assert store.names() == ["work"], "it is saved before the question"
    terminal.press(b"\r")
    terminal.wait_for_text("slack-token-tui token work")
    assert terminal.wait_for_exit() == 0


@pytest.mark.parametrize("answer", [b"no\r", b"N\r"])
def test_typing_no_revokes_and_removes_the_wrong_account(
    login_arguments: list[str],
    child_environment: dict[str, str],
    store: ProfileStore,
    workspace: Workspace,
    answer: bytes,
) -> None:
    terminal = LoginTerminal(child_environment, "work", *login_arguments)
    somebody = workspace.people[1]
    simulate_browser(terminal.url, person=somebody.id)
    terminal.wait_for_text(f"Signed in  as {somebody.name} in")
    terminal.press(answer)
    terminal.wait_for_text("Removed work")
    assert terminal.wait_for_exit() == 1
    assert store.names() == []
    assert all(token.revoked for token in workspace.tokens.access_tokens.values())


def test_removal_after_no_is_finished_although_ctrl_c_comes_meanwhile(
    login_arguments: list[str],
    child_environment: dict[str, str],
    store: ProfileStore,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    revoking, may_answer = threading.Event(), threading.Event()
    revoke = workspace.tokens.revoke

    def revoke_late(bearer: str | None) -> dict[str, object]:
        answer = revoke(bearer)
        revoking.set()
        may_answer.wait(30)
        return answer

    monkeypatch.setattr(workspace.tokens, "revoke", revoke_late)
    terminal = LoginTerminal(child_environment, "work", *login_arguments)
    press_consent_button(terminal.url)
    terminal.wait_for_text(QUESTION)
    terminal.press(b"no\r")
    assert revoking.wait(30)
    terminal.press(b"\x03")
    may_answer.set()
    assert terminal.wait_for_exit() == 130
    assert store.names() == []
    assert all(token.revoked for token in workspace.tokens.access_tokens.values())
    assert b"token was saved" not in terminal.output and b"received and is saved" not in terminal.output


@pytest.mark.parametrize("word", [b"nope", b"not me", b"undo", b"http://localhost:1/callback?code=x&state=y"])
def test_unrecognized_reply_asks_again(
    login_arguments: list[str], child_environment: dict[str, str], store: ProfileStore, word: bytes
) -> None:
    terminal = LoginTerminal(child_environment, "work", *login_arguments)
    press_consent_button(terminal.url)
    terminal.wait_for_text(QUESTION)
    terminal.press(word + b"\r")
    terminal.wait_for_new_text(QUESTION)
    terminal.press(b"no\r")
    assert terminal.wait_for_exit() == 1
    assert store.names() == []


def test_signal_during_the_exchange_exits_without_a_prompt(
    login_arguments: list[str],
    child_environment: dict[str, str],
    store: ProfileStore,
    delayed_exchange: tuple[threading.Event, threading.Event],
) -> None:
    given, arrives = delayed_exchange
    terminal = LoginTerminal(child_environment, "work", *login_arguments)
    press_consent_button(terminal.url)
    terminal.wait_until(lambda _: given.is_set())
    os.kill(terminal.pid, signal.SIGTERM)
    terminal.wait_for_text("Stopping")
    arrives.set()
    assert terminal.wait_for_exit() == 143
    assert store.names() == ["work"] and QUESTION.encode() not in terminal.output


def test_end_of_input_while_waiting_skips_the_prompt(
    login_arguments: list[str], child_environment: dict[str, str], store: ProfileStore
) -> None:
    terminal = LoginTerminal(child_environment, "work", *login_arguments)
    url = terminal.url
    terminal.press(b"\x04")
    terminal.wait_for_text("Standard input has ended")
    press_consent_button(url)
    assert terminal.wait_for_exit() == 0
    assert store.names() == ["work"] and QUESTION.encode() not in terminal.output


@pytest.mark.parametrize("way", ["ctrl+c", "end of input"])
def test_quitting_the_prompt_leaves_the_token_saved(
    login_arguments: list[str], child_environment: dict[str, str], store: ProfileStore, way: str
) -> None:
    terminal = LoginTerminal(child_environment, "work", *login_arguments)
    press_consent_button(terminal.url)
    terminal.wait_for_text(QUESTION)
    terminal.press(b"\x03" if way == "ctrl+c" else b"\x04")
    assert terminal.wait_for_exit() == (130 if way == "ctrl+c" else 0)
    assert store.names() == ["work"]


def test_repeated_sign_in_skips_the_prompt(
    login_arguments: list[str], child_environment: dict[str, str], store: ProfileStore
) -> None:
    for _ in range(2):
        terminal = LoginTerminal(child_environment, "work", *login_arguments)
        press_consent_button(terminal.url)
        terminal.wait_for_text(QUESTION if not store.names() else "Updated")
        if b"Updated" not in terminal.output:
            terminal.press(b"\r")
        assert terminal.wait_for_exit() == 0
    assert QUESTION.encode() not in terminal.output


def test_requested_name_never_overwrites_another_account(
    login_arguments: list[str], child_environment: dict[str, str], store: ProfileStore
) -> None:
    new, tokens = new_sign_in()
    before = store.save_sign_in(new, tokens, "work").profile, tokens
    terminal = LoginTerminal(child_environment, "work", *login_arguments)
    press_consent_button(terminal.url)
    terminal.wait_for_text("work belongs to another account")
    terminal.wait_for_text(QUESTION)
    terminal.press(b"\r")
    assert terminal.wait_for_exit() == 0
    assert store.read_with_tokens("work") == before and len(store.names()) == 2


def test_unusable_response_is_reported_and_revoked_on_request(
    login_arguments: list[str],
    child_environment: dict[str, str],
    store: ProfileStore,
    workspace: Workspace,
    monkeypatch: Any,
) -> None:
    exchange = workspace.exchange
    monkeypatch.setattr(workspace, "exchange", lambda *arguments: {**exchange(*arguments), "token_type": "mac"})
    terminal = LoginTerminal(child_environment, "work", *login_arguments)
    press_consent_button(terminal.url, "allow")
    terminal.wait_for_text("Slack issued a token anyway. Its response is saved in")
    terminal.wait_for_text("Revoke this token now? [y/N]")
    terminal.press(b"y\r")
    assert terminal.wait_for_exit() == 1
    assert all(token.revoked for token in workspace.tokens.access_tokens.values())
    assert store.names() == []


def test_many_stray_requests_are_summarized_in_a_few_lines(
    login_arguments: list[str], redirect_uris: tuple[str, ...], child_environment: dict[str, str]
) -> None:
    import http.client

    login = LoginProcess(child_environment, *login_arguments, "--json")
    url = login.wait_for_url()
    port = get_port(redirect_uris[0])
    for _ in range(1500):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/callback?code=x&state=wrong", headers={"Host": f"localhost:{port}"})
        assert connection.getresponse().status == 400
        connection.close()
    press_consent_button(url)
    code, _, err = login.finish()
    assert code == 0
    ignored = [line for line in err.splitlines() if line.startswith("Ignored")]
    assert re.match(r"Ignored    \d+ responses?\. Response from a different sign-in", ignored[0])
    assert ignored[-1] == "Ignored    1500 responses in total"
    assert len(ignored) <= 6, ignored


def test_running_out_of_file_descriptors_prints_one_note_and_continues(
    login_arguments: list[str], child_environment: dict[str, str], redirect_uris: tuple[str, ...], store: ProfileStore
) -> None:
    login = LoginProcess(child_environment, "work", *login_arguments)
    url, port = login.wait_for_url(), get_port(redirect_uris[0])
    login.wait_for_line("           If the page")
    pid = login.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")), hard))
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(30)]
    login.wait_for_line("Note       The browser's connection could not be accepted")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    press_consent_button(url)
    code, _, err = login.finish()
    for connection in silent:
        connection.close()
    assert code == 0 and store.names() == ["work"]
    assert err.count("could not be accepted") == 1
    assert "Traceback" not in err and len(err.splitlines()) < 20, err


@pytest.mark.parametrize("command", ["import acme", "login --client-id 1.2 --client-secret-stdin"])
def test_non_utf8_input_at_a_hidden_prompt_is_not_echoed(child_environment: dict[str, str], command: str) -> None:
    terminal = Terminal(child_environment, "-m", "slack_token_tui", *command.split())
    terminal.wait_for_text("(not shown)")
    terminal.press(b"xoxp-canary\xff\r")
    assert terminal.wait_for_exit() == 2
    assert b"letters" in terminal.output
    assert b"codec" not in terminal.output and b"0xff" not in terminal.output and b"canary" not in terminal.output
