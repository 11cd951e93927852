"""Whatever bytes a terminal sends, the interface lives on; and however it crashes, a token that Slack gave is safe."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from slack_token_tui.store.apps import SlackApp, save_app
from slack_token_tui.store.fallback_dir import list_fallback_files
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import remember_last_app
from tests.conftest import pressing
from tests.support.profiles import profile
from tests.support.terminal import Terminal

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


def test_bytes_that_are_not_utf8_do_not_end_the_interface(
    store: ProfileStore, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(profile())
    terminal = Terminal(child_environment, "-m", "slack_token_tui")
    terminal.shows("acme")
    for received in NOT_UTF8.values():
        terminal.press(received)
        terminal.press(b"\x1b")  # out of whatever field the bytes have led to
        terminal.press(b"?")
        terminal.answers("Be led through")
        terminal.press(b"\x1b")
        terminal.answers("acme")
    terminal.press(b"\x03\x03")
    assert terminal.end() == 0
    assert b"Traceback" not in terminal.seen


CRASHING = """
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
def in_the_exchange(
    store: ProfileStore,
    app: SlackApp,
    child_environment: dict[str, str],
    exchanging: tuple[threading.Event, threading.Event],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[[str, str], Terminal]:
    """Start the interface, which crashes at X as given, and sign in until Slack has issued the token."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    store.check_writable()
    save_app(store.home, app)
    remember_last_app(store.home, app.client_id)
    opener, url, script = tmp_path / "browser", tmp_path / "url", tmp_path / "crashing.py"
    opener.write_text(f'#!/bin/sh\nprintf %s "$1" > {url}.new; mv {url}.new {url}\n')
    opener.chmod(0o755)
    environment = {**child_environment, "BROWSER": str(opener), "XDG_RUNTIME_DIR": str(tmp_path / "runtime")}

    def start(crash: str, at_once: str) -> Terminal:
        script.write_text(CRASHING.format(crash=crash, at_once=at_once))
        terminal = Terminal(environment, str(script))
        terminal.shows("No profiles yet")
        terminal.press(b"a")
        terminal.shows("Sign in (Enter)")
        terminal.press(b"\r")
        terminal.until(lambda _: url.exists())
        pressing(url.read_text())
        terminal.until(lambda _: exchanging[0].is_set())
        return terminal

    return start


INTERFACE_IS_GONE = b"\x1b[?1049l"


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
def test_a_crash_during_the_exchange_saves_or_rescues_the_token(
    store: ProfileStore,
    in_the_exchange: Callable[[str, str], Terminal],
    exchanging: tuple[threading.Event, threading.Event],
    crash: str,
    at_once: str,
    can_be_saved: bool,
) -> None:
    terminal = in_the_exchange(crash, at_once)
    if not can_be_saved:
        (store.home / "profiles").rmdir()
        (store.home / "profiles").write_text("in the way")
    terminal.press(b"X")
    terminal.until(lambda seen: INTERFACE_IS_GONE in seen)
    exchanging[1].set()
    assert terminal.end() == 1
    assert b"canary" not in terminal.seen
    assert b"ZeroDivisionError" in terminal.seen
    if can_be_saved:
        assert len(store.names()) == 1
    else:
        assert len(list_fallback_files(store.home)) == 1
        assert b"slack-token-tui import" in terminal.seen


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
def test_signals_while_a_crashed_interface_waits_for_slack_lose_no_token(
    store: ProfileStore,
    in_the_exchange: Callable[[str, str], Terminal],
    exchanging: tuple[threading.Event, threading.Event],
    signals: list[str],
    codes: set[int],
) -> None:
    terminal = in_the_exchange("boom()", "")
    terminal.press(b"X")
    terminal.until(lambda seen: INTERFACE_IS_GONE in seen and b"Waiting for Slack's response" in seen)
    for name in signals:
        os.kill(terminal.pid, getattr(signal, name))
    exchanging[1].set()
    assert terminal.end() in codes
    assert len(store.names()) == 1
    assert b"ZeroDivisionError" in terminal.seen and b"The token was saved as" in terminal.seen
    assert b"Traceback" not in terminal.seen and b"never awaited" not in terminal.seen


@pytest.mark.parametrize("then", ["X", "SIGINT", "SIGTERM"])
def test_whatever_follows_a_signal_loses_no_token(
    store: ProfileStore,
    in_the_exchange: Callable[[str, str], Terminal],
    exchanging: tuple[threading.Event, threading.Event],
    then: str,
) -> None:
    terminal = in_the_exchange("boom()", "")
    os.kill(terminal.pid, signal.SIGHUP)
    if then == "X":
        terminal.press(b"X")
        terminal.until(lambda seen: INTERFACE_IS_GONE in seen)
    else:
        os.kill(terminal.pid, getattr(signal, then))
    exchanging[1].set()
    assert terminal.end() in {
        129,
        129 if then == "X" else 128 + getattr(signal, then),
    }  # the kernel may swap two signals
    assert len(store.names()) == 1
