"""A closed terminal: the kernel sends SIGHUP and SIGCONT, reads and writes fail, and the program ends in order all the same."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import termios
import threading
import time
from pathlib import Path

from slack_token_tui.store.apps import SlackApp, save_app
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import remember_last_app
from tests.conftest import Rounds, becomes, pressing
from tests.support.terminal import Terminal


def ends(terminal: Terminal) -> bool:
    """Close the terminal as a closed window does, and tell whether the program ends by itself."""
    os.close(terminal.descriptor)
    return has_ended(terminal)


def has_ended(terminal: Terminal) -> bool:
    if becomes(lambda: os.waitpid(terminal.pid, os.WNOHANG)[0]):
        return True
    os.kill(terminal.pid, signal.SIGKILL)
    os.waitpid(terminal.pid, 0)
    return False


def test_a_closed_terminal_leaves_no_process_behind(child_environment: dict[str, str], rounds: Rounds) -> None:
    times = rounds(6, 60)
    for number in range(times):
        terminal = Terminal(child_environment, "-m", "slack_token_tui", "demo")
        terminal.shows("No profiles yet")
        terminal.press((b"", b"?", b"N")[number % 3])
        assert ends(terminal)
    rounds.closing(f"{times} terminals closed under the demo: every process ended")


def test_a_terminal_that_closes_with_output_unread_leaves_no_process_behind(
    child_environment: dict[str, str], rounds: Rounds
) -> None:
    for _ in range(rounds(2, 10)):
        terminal = Terminal(child_environment, "-m", "slack_token_tui", "demo")
        terminal.shows("No profiles yet")
        quiet = 0
        while quiet < 5:  # until the main thread waits for the writer, which waits for somebody to read
            os.write(terminal.descriptor, b"?\x1b")
            time.sleep(0.05)  # the state of a thread has no event to wait for
            waits = Path(f"/proc/{terminal.pid}/wchan").read_text().startswith("futex")
            quiet = quiet + 1 if waits else 0
        assert ends(terminal)


def test_a_terminal_that_closes_among_many_resizes_leaves_no_process_behind(child_environment: dict[str, str]) -> None:
    terminal = Terminal(child_environment, "-m", "slack_token_tui", "demo")
    terminal.shows("No profiles yet")
    for number in range(200):
        size = struct.pack("HHHH", 24, 60 + number % 40, 0, 0)
        fcntl.ioctl(terminal.descriptor, termios.TIOCSWINSZ, size)
    assert ends(terminal)


def test_a_terminal_that_closes_while_slack_answers_loses_no_token(
    store: ProfileStore,
    app: SlackApp,
    child_environment: dict[str, str],
    exchanging: tuple[threading.Event, threading.Event],
    tmp_path: Path,
) -> None:
    given, arrives = exchanging
    store.check_writable()
    save_app(store.home, app)
    remember_last_app(store.home, app.client_id)
    opener, url = tmp_path / "browser", tmp_path / "url"
    opener.write_text(f'#!/bin/sh\nprintf %s "$1" > {url}.new; mv {url}.new {url}\n')
    opener.chmod(0o755)
    terminal = Terminal({**child_environment, "BROWSER": str(opener)}, "-m", "slack_token_tui")
    terminal.shows("No profiles yet")
    terminal.press(b"a")
    terminal.shows("Sign in (Enter)")
    terminal.press(b"\r")
    terminal.until(lambda _: url.exists())
    pressing(url.read_text())
    terminal.until(lambda _: given.is_set())
    os.close(terminal.descriptor)
    arrives.set()
    assert has_ended(terminal)
    assert len(store.names()) == 1
