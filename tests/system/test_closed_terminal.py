"""A closed terminal: the kernel sends SIGHUP and SIGCONT, reads and writes fail, and the program still ends in order."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import termios
import time
from pathlib import Path

from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from tests.support.browser import RecordingBrowser
from tests.support.practice import DelayedExchange
from tests.support.rounds import Rounds
from tests.support.store import save_last_app
from tests.support.terminal import Terminal, sign_in_until_token_issued
from tests.support.waiting import wait_until


def close_and_wait_for_end(terminal: Terminal) -> bool:
    """Close the terminal, as a closed window does. Return whether the program ends by itself."""
    os.close(terminal.descriptor)
    return wait_for_end(terminal)


def wait_for_end(terminal: Terminal) -> bool:
    """Return whether the program ends by itself. Otherwise kill it."""
    if wait_until(lambda: os.waitpid(terminal.pid, os.WNOHANG)[0]):
        return True
    os.kill(terminal.pid, signal.SIGKILL)
    os.waitpid(terminal.pid, 0)
    return False


def test_closed_terminal_leaves_no_process_running(child_environment: dict[str, str], rounds: Rounds) -> None:
    times = rounds(6, 60)
    for number in range(times):
        terminal = Terminal(child_environment, "-m", "slack_token_tui", "demo")
        terminal.wait_for_text("Get your first Slack token")
        terminal.press((b"", b"?", b"N")[number % 3])
        assert close_and_wait_for_end(terminal)
    rounds.report(f"{times} terminals closed under the demo: every process ended")


def test_terminal_closed_with_unread_output_leaves_no_process_running(
    child_environment: dict[str, str], rounds: Rounds
) -> None:
    for _ in range(rounds(2, 10)):
        terminal = Terminal(child_environment, "-m", "slack_token_tui", "demo")
        terminal.wait_for_text("Get your first Slack token")
        quiet = 0
        while quiet < 5:  # until the main thread waits for the writer, which waits for a reader
            os.write(terminal.descriptor, b"?\x1b")
            time.sleep(0.05)  # the state of a thread sends no event
            waits = Path(f"/proc/{terminal.pid}/wchan").read_text().startswith("futex")
            quiet = quiet + 1 if waits else 0
        assert close_and_wait_for_end(terminal)


def test_terminal_closed_during_resizes_leaves_no_process_running(child_environment: dict[str, str]) -> None:
    terminal = Terminal(child_environment, "-m", "slack_token_tui", "demo")
    terminal.wait_for_text("Get your first Slack token")
    for number in range(200):
        size = struct.pack("HHHH", 24, 60 + number % 40, 0, 0)
        fcntl.ioctl(terminal.descriptor, termios.TIOCSWINSZ, size)
    assert close_and_wait_for_end(terminal)


def test_terminal_closed_during_the_exchange_loses_no_token(
    store: ProfileStore,
    app: SlackApp,
    child_environment: dict[str, str],
    delayed_exchange: DelayedExchange,
    tmp_path: Path,
) -> None:
    save_last_app(store, app)
    browser = RecordingBrowser(tmp_path)
    terminal = Terminal({**child_environment, "BROWSER": browser.program}, "-m", "slack_token_tui")
    sign_in_until_token_issued(terminal, browser, delayed_exchange.token_issued)
    os.close(terminal.descriptor)
    delayed_exchange.may_respond.set()
    assert wait_for_end(terminal)
    assert len(store.names()) == 1
