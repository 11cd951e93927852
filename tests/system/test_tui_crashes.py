"""Any bytes from the terminal leave the TUI running, and a crash never loses a token that Slack issued."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.fallback_dir import list_fallback_files
from slack_token_tui.store.profiles import ProfileStore
from tests.support.browser import RecordingBrowser
from tests.support.practice import DelayedExchange
from tests.support.profiles import new_sign_in
from tests.support.store import save_last_app
from tests.support.terminal import Terminal, sign_in_until_token_issued

NOT_UTF8 = {
    "0xff": b"\xff",
    "0x80": b"\x80",
    "Latin-1 é": b"\xe9z",
    "cut UTF-8": b"\xe2\x82",
    "a surrogate": b"\xed\xa0\x80",
    "too long": b"\xf8\x88\x80\x80\x80",
    "a paste": b"\x1b[200~https://example.com/\xff\xe9\x1b[201~",
    "an escape sequence": b"\x1b[\xff~",
    "a mouse report": b"\x1b[<0;\xe9;1M",
}


def test_non_utf8_input_does_not_stop_the_tui(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.save_sign_in(*new_sign_in())
    terminal = Terminal(child_environment, "-m", "slack_token_tui")
    terminal.wait_for_text("acme")
    for received in NOT_UTF8.values():
        terminal.press(received)
        terminal.press(b"\x1b")  # leaves a field that the bytes may have opened
        terminal.press(b"?")
        terminal.wait_for_new_text("Your saved profiles")
        terminal.press(b"\x1b")
        terminal.wait_for_new_text("acme")
    terminal.press(b"\x03\x03")
    assert terminal.wait_for_exit() == 0
    assert b"Traceback" not in terminal.output


CRASHING_PROGRAM = """
import sys
from textual import events
from textual.drivers import linux_driver
from textual.widget import Widget
from slack_token_tui.tui.app import TokenApp
from slack_token_tui.tui.screens.sign_in import SignInScreen
from slack_token_tui.cli.main import main

feed, on_event = linux_driver.XTermParser.feed, TokenApp.on_event

def boom(*arguments):
    canary = "xoxp-canary-in-a-local"
    raise ZeroDivisionError(canary)

def boom_on_x(self, text):
    return boom() if "X" in text else feed(self, text)

async def boom_on_key(self, event):
    return boom() if isinstance(event, events.Key) and event.key == "X" else await on_event(self, event)

def break_now(self, event):
    if event.key == "X":
        {crash}

SignInScreen.on_key = break_now
{at_once}
sys.exit(main([]))
"""


@pytest.fixture
def start_in_exchange(
    store: ProfileStore,
    app: SlackApp,
    child_environment: dict[str, str],
    delayed_exchange: DelayedExchange,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[[str, str], Terminal]:
    """Return a function that starts a TUI which crashes at X, and signs in until Slack has issued the token."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    save_last_app(store, app)
    browser, script = RecordingBrowser(tmp_path), tmp_path / "crashing.py"
    environment = {**child_environment, "BROWSER": browser.program, "XDG_RUNTIME_DIR": str(tmp_path / "runtime")}

    def start(crash: str, at_once: str) -> Terminal:
        script.write_text(CRASHING_PROGRAM.format(crash=crash, at_once=at_once))
        terminal = Terminal(environment, str(script))
        sign_in_until_token_issued(terminal, browser, delayed_exchange.token_issued)
        return terminal

    return start


TUI_CLOSED = b"\x1b[?1049l"


@pytest.mark.parametrize(
    ("crash", "at_once"),
    [
        ("boom()", ""),
        ("pass", "linux_driver.XTermParser.feed = boom_on_x"),
        ("pass", "TokenApp.on_event = boom_on_key"),
        ("Widget.render_line = boom; self.refresh(layout=True); self.app.refresh()", ""),
    ],
    ids=["in a key's handler", "in the reading thread", "in the app", "while drawing"],
)
@pytest.mark.parametrize("can_be_saved", [True, False])
def test_crash_during_the_exchange_saves_the_token_or_a_fallback_file(
    store: ProfileStore,
    start_in_exchange: Callable[[str, str], Terminal],
    delayed_exchange: DelayedExchange,
    crash: str,
    at_once: str,
    can_be_saved: bool,
) -> None:
    terminal = start_in_exchange(crash, at_once)
    if not can_be_saved:
        (store.home / "profiles").rmdir()
        (store.home / "profiles").write_text("in the way")
    terminal.press(b"X")
    terminal.wait_until(lambda output: TUI_CLOSED in output)
    delayed_exchange.may_respond.set()
    assert terminal.wait_for_exit() == 1
    assert b"canary" not in terminal.output
    assert b"ZeroDivisionError" in terminal.output
    if can_be_saved:
        assert len(store.names()) == 1
    else:
        assert len(list_fallback_files(store.home)) == 1
        assert b"slack-token-tui import" in terminal.output


@pytest.mark.parametrize(
    ("signals", "codes"),
    [
        (["SIGINT"], {130}),
        (["SIGINT", "SIGINT"], {130}),
        (["SIGTERM"], {143}),
        (["SIGHUP", "SIGTERM"], {129, 143}),  # the kernel may swap two signals
        (["SIGCONT"], {1}),
    ],
    ids=str,
)
def test_signals_while_a_crashed_tui_waits_for_slack_lose_no_token(
    store: ProfileStore,
    start_in_exchange: Callable[[str, str], Terminal],
    delayed_exchange: DelayedExchange,
    signals: list[str],
    codes: set[int],
) -> None:
    terminal = start_in_exchange("boom()", "")
    terminal.press(b"X")
    terminal.wait_until(lambda output: TUI_CLOSED in output and b"Waiting for Slack's response" in output)
    for name in signals:
        os.kill(terminal.pid, getattr(signal, name))
    delayed_exchange.may_respond.set()
    assert terminal.wait_for_exit() in codes
    assert len(store.names()) == 1
    assert b"ZeroDivisionError" in terminal.output and b"The token was saved as" in terminal.output
    assert b"Traceback" not in terminal.output and b"never awaited" not in terminal.output


@pytest.mark.parametrize("then", ["X", "SIGINT", "SIGTERM"])
def test_crash_or_signal_after_a_signal_loses_no_token(
    store: ProfileStore,
    start_in_exchange: Callable[[str, str], Terminal],
    delayed_exchange: DelayedExchange,
    then: str,
) -> None:
    terminal = start_in_exchange("boom()", "")
    os.kill(terminal.pid, signal.SIGHUP)
    if then == "X":
        terminal.press(b"X")
        terminal.wait_until(lambda output: TUI_CLOSED in output)
    else:
        os.kill(terminal.pid, getattr(signal, then))
    delayed_exchange.may_respond.set()
    assert terminal.wait_for_exit() in {
        129,
        129 if then == "X" else 128 + getattr(signal, then),
    }  # the kernel may swap two signals
    assert len(store.names()) == 1
