"""The program on a pseudo terminal: how it leaves the terminal, and which bytes it writes."""

from __future__ import annotations

import os
import signal

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.secret import Secret
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from tests.support.ports import get_port, is_port_open
from tests.support.profiles import CANARY, new_sign_in
from tests.support.store import save_last_app
from tests.support.terminal import Terminal

HOSTILE = "[/red]\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\u202eevil\x1b]0;title\x07"


@pytest.fixture
def prepared_store(app: SlackApp, slack: PracticeSlack, store: ProfileStore) -> ProfileStore:
    """Return a store with one profile and an app, so that the sign-in form is filled in."""
    store.save_sign_in(
        *new_sign_in(team_name=HOSTILE, user_name=HOSTILE, refresh_token=Secret("xoxe-1-canary-refresh-0123"))
    )
    save_last_app(store, app)
    return store


def is_restored(seen: bytes) -> bool:
    return b"\x1b[?1049l" in seen and b"\x1b[?1003l" in seen and b"\x1b[?25h" in seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("where", ["home", "form", "waiting", "help"])
def test_signal_restores_the_terminal_and_closes_the_port(
    prepared_store: ProfileStore, app: SlackApp, child_environment: dict[str, str], where: str, number: signal.Signals
) -> None:
    terminal = Terminal(child_environment, "-m", "slack_token_tui")
    terminal.wait_for_text("acme")
    terminal.wait_for_text("keys")
    if where == "help":
        terminal.press(b"?")
        terminal.wait_for_text("Your saved profiles")
    if where in {"form", "waiting"}:
        terminal.press(b"a")
        terminal.wait_for_text("What can the token do?")
    if where == "waiting":
        terminal.press(b"\r")
        terminal.wait_for_text(" left")
        assert is_port_open(get_port(app.redirect_uris[0]))
    os.kill(terminal.pid, number)
    ended = terminal.wait_for_exit()
    assert ended == 128 + number, terminal.output[-3000:].decode(errors="replace")
    assert is_restored(terminal.output)
    assert not is_port_open(get_port(app.redirect_uris[0]))
    assert b"Traceback" not in terminal.output


def test_tui_escapes_hostile_names_and_shows_no_token(
    prepared_store: ProfileStore, child_environment: dict[str, str]
) -> None:
    terminal = Terminal(child_environment, "-m", "slack_token_tui")
    terminal.wait_for_text("acme")
    terminal.wait_for_text("[/red]")
    terminal.press(b"?")
    terminal.wait_for_text("Your saved profiles")
    terminal.press(b"\x1b")
    terminal.wait_for_new_text("1 profile")
    terminal.press(b"q")
    assert terminal.wait_for_exit() == 0
    assert is_restored(terminal.output)
    for bad in (b"\x1b]52", b"\x1b[2J\xc2", "\x9b".encode(), "\u202e".encode(), b"\x1b]0;", b"canary"):
        assert bad not in terminal.output


@pytest.mark.parametrize("command", [["list"], ["show"], ["list", "--json"]])
def test_commands_escape_hostile_names(
    prepared_store: ProfileStore, child_environment: dict[str, str], command: list[str]
) -> None:
    terminal = Terminal(child_environment, "-m", "slack_token_tui", *command)
    assert terminal.wait_for_exit() == 0
    assert b"[/red]" in terminal.output
    assert b"\x1b" not in terminal.output
    assert "\u202e".encode() not in terminal.output
    assert b"canary" not in terminal.output


CRASHING_PROGRAM = f"""
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


def test_crash_shows_no_token(prepared_store: ProfileStore, child_environment: dict[str, str]) -> None:
    terminal = Terminal(child_environment, "-c", CRASHING_PROGRAM)
    terminal.wait_for_text("acme")
    terminal.wait_for_text("keys")  # the footer: from now on it takes keys
    terminal.press(b"\x1b[15~")  # F5
    assert terminal.wait_for_exit() == 1
    assert is_restored(terminal.output)
    assert b"ValueError in" in terminal.output
    assert b"canary" not in terminal.output


def test_textual_log_is_not_written(prepared_store: ProfileStore, child_environment: dict[str, str]) -> None:
    log = child_environment["SLACK_TOKEN_TUI_HOME"] + "/textual.log"
    terminal = Terminal({**child_environment, "TEXTUAL_LOG": log}, "-m", "slack_token_tui")
    terminal.wait_for_text("acme")
    terminal.press(b"q")
    assert terminal.wait_for_exit() == 0
    assert not os.path.exists(log)


def test_copy_without_a_clipboard_uses_the_terminal_and_says_so(
    prepared_store: ProfileStore, child_environment: dict[str, str]
) -> None:
    terminal = Terminal(child_environment, "-m", "slack_token_tui", "copy")
    assert terminal.wait_for_exit() == 0
    assert b"\x1b]52;c;" in terminal.output
    assert b"If pasting fails" in terminal.output
