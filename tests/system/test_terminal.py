"""The real program on a real pseudo terminal: what it leaves behind, and which bytes it writes."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.secret import Secret
from slack_token_tui.store.apps import SlackApp, save_app
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import remember_last_app
from tests.support.profiles import CANARY, profile
from tests.support.terminal import Terminal

HOSTILE = "[/red]\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\u202eevil\x1b]0;title\x07"


@pytest.fixture
def ready(app: SlackApp, slack: PracticeSlack, store: ProfileStore) -> ProfileStore:
    """A home whose sign-in form is filled in."""
    store.save_sign_in(
        profile(team_name=HOSTILE, user_name=HOSTILE, refresh_token=Secret("xoxe-1-canary-refresh-0123"))
    )
    save_app(store.home, app)
    remember_last_app(store.home, app.client_id)
    return store


def restored(seen: bytes) -> bool:
    return b"\x1b[?1049l" in seen and b"\x1b[?1003l" in seen and b"\x1b[?25h" in seen


def is_open(address: str) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", urlsplit(address).port or 0), 1):
        return True
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("where", ["home", "form", "waiting", "help"])
def test_a_signal_restores_the_terminal_and_closes_the_port(
    ready: ProfileStore, app: SlackApp, child_environment: dict[str, str], where: str, number: signal.Signals
) -> None:
    terminal = Terminal(child_environment, "-m", "slack_token_tui")
    terminal.shows("acme")
    terminal.shows("Sign in")
    if where == "help":
        terminal.press(b"?")
        terminal.shows("Your saved sign-ins")
    if where in {"form", "waiting"}:
        terminal.press(b"a")
        terminal.shows("User scopes")
    if where == "waiting":
        terminal.press(b"\r")
        terminal.shows("Waiting for you to press Allow")
        assert is_open(app.redirect_uris[0])
    os.kill(terminal.pid, number)
    ended = terminal.end()
    assert ended == 128 + number, terminal.seen[-3000:].decode(errors="replace")
    assert restored(terminal.seen)
    assert not is_open(app.redirect_uris[0])
    assert b"Traceback" not in terminal.seen


def test_hostile_names_reach_the_terminal_as_harmless_bytes_and_no_token_does(
    ready: ProfileStore, child_environment: dict[str, str]
) -> None:
    terminal = Terminal(child_environment, "-m", "slack_token_tui")
    terminal.shows("acme")
    terminal.shows("[/red]")
    terminal.press(b"?")
    terminal.shows("Your saved sign-ins")
    terminal.press(b"\x1b")
    terminal.answers("Profiles ·")
    terminal.press(b"q")
    assert terminal.end() == 0
    assert restored(terminal.seen)
    for bad in (b"\x1b]52", b"\x1b[2J\xc2", "\x9b".encode(), "\u202e".encode(), b"\x1b]0;", b"canary"):
        assert bad not in terminal.seen


@pytest.mark.parametrize("command", [["list"], ["show"], ["list", "--json"]])
def test_the_command_line_prints_hostile_names_as_harmless_bytes(
    ready: ProfileStore, child_environment: dict[str, str], command: list[str]
) -> None:
    terminal = Terminal(child_environment, "-m", "slack_token_tui", *command)
    assert terminal.end() == 0
    assert b"[/red]" in terminal.seen
    assert b"\x1b" not in terminal.seen
    assert "\u202e".encode() not in terminal.seen
    assert b"canary" not in terminal.seen


CRASH = f"""
import sys
from slack_token_tui.tui import run
from slack_token_tui.tui.options import LaunchOptions
import slack_token_tui.tui.screens.home as home
from slack_token_tui.secret import Secret
def broken(self):
    local = {CANARY!r}
    wrapped = Secret(local)
    raise ValueError(local)
home.HomeScreen.action_reload = broken
sys.exit(run.run_app(LaunchOptions()))
"""


def test_a_crash_shows_no_token(ready: ProfileStore, child_environment: dict[str, str]) -> None:
    terminal = Terminal(child_environment, "-c", CRASH)
    terminal.shows("acme")
    terminal.shows("Sign in")  # the footer: from here on keys are taken
    terminal.press(b"\x1b[15~")  # F5
    assert terminal.end() == 1
    assert restored(terminal.seen)
    assert b"ValueError in" in terminal.seen
    assert b"canary" not in terminal.seen


def test_textuals_log_is_not_written_where_pastes_would_stand_in_clear(
    ready: ProfileStore, child_environment: dict[str, str]
) -> None:
    log = child_environment["SLACK_TOKEN_TUI_HOME"] + "/textual.log"
    terminal = Terminal({**child_environment, "TEXTUAL_LOG": log}, "-m", "slack_token_tui")
    terminal.shows("acme")
    terminal.press(b"q")
    assert terminal.end() == 0
    assert not os.path.exists(log)


def test_copy_without_a_clipboard_goes_to_the_terminal_and_says_so(
    ready: ProfileStore, child_environment: dict[str, str]
) -> None:
    terminal = Terminal(child_environment, "-m", "slack_token_tui", "copy")
    assert terminal.end() == 0
    assert b"\x1b]52;c;" in terminal.seen
    assert b"not known" in terminal.seen
