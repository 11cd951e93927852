"""The program ends when it is told to, whatever its threads wait for. Otherwise these tests end in a time limit."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from tests.support.locks import hold_lock
from tests.support.practice import issue_profile
from tests.support.profiles import new_sign_in, time_from_now
from tests.support.store import change_profile, save_last_app
from tests.support.terminal import Terminal

WAITS_FOREVER = (
    "import socket, sys, threading\n"
    "from slack_token_tui.store import locks\n"
    "from slack_token_tui.slack import client\n"
    "locks.WAIT_SECONDS = 100_000\n"
    "client.DEADLINE_SECONDS = 1\n"
    "from slack_token_tui.oauth import session\n"
    "session.MAX_AUTOMATIC_RETRY_SECONDS = 1\n"
    "real = socket.getaddrinfo\n"
    "def getaddrinfo(host, *args, **kwargs):\n"
    "    if host not in ('localhost', '127.0.0.1', '::1', None):\n"
    "        threading.Event().wait()\n"
    "    return real(host, *args, **kwargs)\n"
    "socket.getaddrinfo = getaddrinfo\n"
    "from slack_token_tui.cli.main import main\n"
    "sys.exit(main())\n"
)
"""The program with a name server that never answers, and no limit to the wait for a lock."""


def test_quit_does_not_wait_for_a_rename_that_waits_for_a_lock(
    store: ProfileStore, home: Path, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(*new_sign_in())
    with hold_lock(home / "locks", "acme"):
        terminal = Terminal(child_environment, "-c", WAITS_FOREVER)
        terminal.wait_for_text("Active")
        terminal.wait_for_text("keys")
        terminal.press(b"n")
        terminal.wait_for_text("Rename")
        terminal.press(b"x\r")
        terminal.wait_for_text("Renaming")
        terminal.press(b"\x1b")
        terminal.press(b"q")
        assert terminal.wait_for_exit() == 0
    assert store.names() == ["acme"]


@pytest.mark.parametrize("key", [b"r", b"v", b"R", b"V"])
def test_quit_leaves_nothing_on_the_terminal_while_a_request_waits(
    store: ProfileStore, slack: PracticeSlack, home: Path, child_environment: dict[str, str], key: bytes
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=5), generation=1)
    change_profile(store, expires_at=time_from_now(minutes=12))  # due within the hour that r asks for
    with hold_lock(home / "locks", "acme"):
        terminal = Terminal(child_environment, "-c", WAITS_FOREVER)
        terminal.wait_for_text("keys")
        terminal.press(key)
        terminal.wait_for_text("working")
        terminal.press(b"q")
        assert terminal.wait_for_exit() == 0
    assert b"Traceback" not in terminal.output and b"exception" not in terminal.output


def test_screen_works_while_the_settings_are_locked(
    store: ProfileStore, home: Path, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(*new_sign_in())
    with hold_lock(home, "settings"):
        terminal = Terminal(child_environment, "-c", WAITS_FOREVER)
        terminal.wait_for_text("Active")
        terminal.wait_for_text("keys")
        for key in (b"d", b"S"):
            terminal.press(key)
            terminal.press(b"?")
            terminal.wait_for_new_text("Your saved profiles")
            terminal.press(b"\x1b")
        terminal.press(b"q")
        assert terminal.wait_for_exit() == 0


def test_quit_does_not_wait_for_a_name_server(
    store: ProfileStore, home: Path, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(*new_sign_in())
    terminal = Terminal(child_environment, "-c", WAITS_FOREVER)
    terminal.wait_for_text("Active")
    terminal.wait_for_text("keys")
    terminal.press(b"v")
    terminal.wait_for_text("did not answer")
    terminal.press(b"q")
    assert terminal.wait_for_exit() == 0


def test_doctor_ends_although_the_name_server_does_not_answer(child_environment: dict[str, str]) -> None:
    program = WAITS_FOREVER.replace("from slack_token_tui.cli.main", _SHORT_DOCTOR + "from slack_token_tui.cli.main")
    done = subprocess.run(
        [sys.executable, "-c", program, "doctor"], capture_output=True, text=True, env=child_environment, timeout=60
    )
    assert done.returncode == 1
    assert "did not answer in time" in done.stdout
    assert "within 2 seconds" in " ".join(done.stdout.split()), "the limit that was in force"


_SHORT_DOCTOR = "from slack_token_tui.doctor import connectivity; connectivity.SLACK_TIMEOUT_SECONDS = 2\n"


def test_login_ends_although_the_name_server_does_not_answer(
    store: ProfileStore, child_environment: dict[str, str]
) -> None:
    save_last_app(store, SlackApp("2141029472.691202649728", redirect_uris=("https://tokens.example.com/done",)))
    login = subprocess.Popen(
        [sys.executable, "-c", WAITS_FOREVER, "login", "x", "--no-browser", "--scopes", "users:read"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=child_environment,
    )
    assert login.stdin is not None and login.stderr is not None
    for line in login.stderr:
        if state := re.search(r"state=([^&\s]+)", line):
            login.stdin.write(f"https://tokens.example.com/done?code=practice12345&state={state[1]}\n")
            login.stdin.flush()
            break
    _, messages = login.communicate(timeout=60)
    assert login.returncode == 75, messages
    assert "network_timeout" in messages


def test_removal_is_finished_although_the_program_is_quit_meanwhile(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its refresh token alone would be revoked, and the profile would look good until the token expires."""
    revoking, may_answer = threading.Event(), threading.Event()
    revoke = slack.workspace.tokens.revoke

    def revoke_late(bearer: str | None) -> dict[str, object]:
        answer = revoke(bearer)
        revoking.set()
        may_answer.wait(30)
        return answer

    monkeypatch.setattr(slack.workspace.tokens, "revoke", revoke_late)
    issue_profile(store, slack, expires_at=time_from_now(hours=5))
    terminal = Terminal(child_environment, "-m", "slack_token_tui")
    terminal.wait_for_text("keys")
    terminal.press(b"x")
    terminal.wait_for_text("Remove acme?")
    terminal.press(b"y")
    assert revoking.wait(30)
    terminal.press(b"\x11")
    terminal.wait_for_text("Waiting until Slack has answered and the result is saved")
    may_answer.set()
    assert terminal.wait_for_exit() == 0
    assert store.names() == []
    assert all(token.revoked for token in slack.workspace.tokens.access_tokens.values())


@pytest.fixture(autouse=True)
def _need_a_terminal() -> None:
    if sys.platform == "win32":
        pytest.skip("LOUD: no pseudo terminals on Windows")
