"""Every way out of a sign-in in the TUI, at every phase: the port closes, and no token is lost."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from slack_token_tui.practice.models import CLIENT_ID, App
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.fallback_dir import list_fallback_files
from slack_token_tui.store.profiles import ProfileStore
from tests.support.locks import hold_lock
from tests.support.ports import get_port, is_port_open
from tests.support.rounds import Rounds
from tests.support.store import save_last_app
from tests.support.terminal import Terminal
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="LOUD: no pseudo terminals on Windows")


def press(*keys: bytes) -> Callable[[Terminal], None]:
    def leave(terminal: Terminal) -> None:
        for key in keys:
            os.write(terminal.descriptor, key)

    return leave


def send(number: int) -> Callable[[Terminal], None]:
    return lambda terminal: os.kill(terminal.pid, number)


WAYS_OUT: dict[str, Callable[[Terminal], None]] = {
    "Esc": press(b"\x1b"),
    "Ctrl+C": press(b"\x03"),
    "Ctrl+C twice": press(b"\x03", b"\x03"),
    "Ctrl+Q": press(b"\x11"),
    "SIGINT": send(signal.SIGINT),
    "SIGTERM": send(signal.SIGTERM),
    "SIGHUP": send(getattr(signal, "SIGHUP", 1)),
    "closed terminal": Terminal.hang_up,
}


class Moment:
    """A sign-in that is held in one phase until :meth:`let_go`."""

    def __init__(self, slack: PracticeSlack, home: Path, patch: pytest.MonkeyPatch) -> None:
        self.slack = slack
        self.home = home
        self.patch = patch
        self.reached, self.may_go_on = threading.Event(), threading.Event()
        self.stack = ExitStack()

    def hold(self, name: str) -> None:
        """Hold the response of a method of the practice Slack after it did its work."""
        work = getattr(self.slack.workspace, name)

        def hold_response(*arguments: Any) -> Any:
            response = work(*arguments)
            self.reached.set()
            self.may_go_on.wait(30)
            return response

        self.patch.setattr(self.slack.workspace, name, hold_response)

    def let_go(self) -> None:
        """Let the sign-in go on."""
        self.may_go_on.set()
        self.stack.close()


def wait_for_the_browser(moment: Moment, terminal: Terminal, url: str) -> None:
    """The phase in which every sign-in begins."""


def hold_exchange(moment: Moment, terminal: Terminal, url: str) -> None:
    moment.hold("exchange")
    allow(url)
    assert moment.reached.wait(30)


def rate_limit(moment: Moment, terminal: Terminal, url: str) -> None:
    moment.slack.workspace.retry_after_seconds = 30
    allow(url, wrong="exchange:ratelimited")
    terminal.wait_for_text("trying again in")


def hold_verification(moment: Moment, terminal: Terminal, url: str) -> None:
    moment.hold("auth_test")
    allow(url)
    assert moment.reached.wait(30)


def hold_save(moment: Moment, terminal: Terminal, url: str) -> None:
    moment.stack.enter_context(hold_lock(moment.home / "locks", ".new-profiles"))
    allow(url)
    terminal.wait_for_text("Saving the token")


def fail(moment: Moment, terminal: Terminal, url: str) -> None:
    allow(url, wrong="exchange:invalid_code")
    terminal.wait_for_text("invalid_code")


def succeed(moment: Moment, terminal: Terminal, url: str) -> None:
    allow(url)
    terminal.wait_for_text("Signed in")


PHASES = {
    "waiting": wait_for_the_browser,
    "exchanging": hold_exchange,
    "retrying": rate_limit,
    "verifying": hold_verification,
    "saving": hold_save,
    "failed": fail,
    "saved": succeed,
}


def allow(url: str, **choice: str) -> None:
    threading.Thread(target=simulate_browser, args=(url,), kwargs=choice, daemon=True).start()


@contextmanager
def run_sign_in(environment: dict[str, str]) -> Iterator[tuple[Terminal, str]]:
    """Run the TUI up to the wait for the browser, and yield its terminal and the authorize URL."""
    terminal = Terminal({**environment, "COLUMNS": "600", "LINES": "50"}, "-m", "slack_token_tui")
    terminal.wait_for_text("keys")
    terminal.press(b"a")
    terminal.wait_for_text("Client ID")
    terminal.press(b"\r")
    terminal.wait_for_text(" left")
    terminal.wait_until(lambda output: re.search(rb"code_challenge_method=S256", output))
    found = re.search(rb"\x1b\]8;[^;]*;(http[^\x1b\x07]+S256)", terminal.output)
    assert found is not None
    yield terminal, found[1].decode()


@pytest.mark.parametrize("phase", PHASES)
def test_no_way_out_loses_a_token_or_leaves_the_port_open(
    rounds: Rounds,
    redirect_uris: tuple[str, ...],
    child_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    phase: str,
) -> None:
    first = list(PHASES).index(phase)
    ways = [list(WAYS_OUT)[(first + number) % len(WAYS_OUT)] for number in range(rounds(3, len(WAYS_OUT)))]
    for number, way in enumerate(ways):
        monkeypatch.setenv("SLACK_TOKEN_TUI_HOME", str(tmp_path / f"home{number}"))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        environment = {**child_environment, **{name: os.environ[name] for name in _DIRECTORIES}}
        with PracticeSlack(Workspace(apps=[App(redirect_urls=redirect_uris)])) as slack:
            store, app = ProfileStore(), SlackApp(CLIENT_ID, Endpoints(slack.base), redirect_uris, ("users:read",))
            save_last_app(store, app)
            leave_sign_in(phase, way, Moment(slack, store.home, monkeypatch), environment)
            assert not is_port_open(get_port(redirect_uris[0])), way
            kept = {store.read_with_tokens(name)[1].access_token.reveal() for name in store.names()}
            rescued = "".join(path.read_text() for path in list_fallback_files(store.home))
            lost = [
                token for token in slack.workspace.tokens.access_tokens if token not in kept and token not in rescued
            ]
        assert not lost, way
        assert bool(kept) is (phase in ("exchanging", "verifying", "saving", "saved")), way
    rounds.report(f"{len(ways)} ways out of a sign-in that is {phase}: 0 tokens lost")


_DIRECTORIES = ("SLACK_TOKEN_TUI_HOME", "XDG_RUNTIME_DIR")


def leave_sign_in(phase: str, way: str, moment: Moment, environment: dict[str, str]) -> None:
    """Sign in up to ``phase``, leave in this way, and wait for the end of the program."""
    with run_sign_in(environment) as (terminal, url):
        PHASES[phase](moment, terminal, url)
        threading.Timer(0.3, moment.let_go).start()
        WAYS_OUT[way](terminal)
        if way in ("Esc", "Ctrl+C"):
            assert wait_until(lambda: not is_port_open(get_port(moment.slack.workspace.apps[0].redirect_urls[0])))
            press(b"\x11")(terminal)
        if way != "closed terminal":
            terminal.wait_for_exit()
