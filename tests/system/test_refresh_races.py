"""Many processes ask and one refreshes, and whatever interrupts a refresh, no token is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from slack_token_tui.tokens.refresh_result import RefreshPolicy
from tests.support.cli import COMMAND
from tests.support.practice import issue_profile
from tests.support.profiles import time_from_now
from tests.support.rounds import Rounds
from tests.support.store import change_profile, read_tokens
from tests.support.terminal import Terminal
from tests.support.waiting import wait_until

CONCURRENT_PROGRAM = """
import os, sys, time
from slack_token_tui.cli.main import main
from slack_token_tui.cli import fresh_token
print("ready", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.005)
sys.exit(main(sys.argv[2:]))
"""


def run_all_at_once(commands: list[list[str]], environment: dict[str, str], starter: Path) -> list[tuple[int, str]]:
    """Start all commands, wait until they have loaded the program, and let them go at the same moment."""
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", CONCURRENT_PROGRAM, str(starter), *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        for command in commands
    ]
    for process in asking:
        assert process.stdout is not None
        process.stdout.readline()
    starter.touch()
    said = [process.communicate(timeout=120)[0] for process in asking]
    return [(process.returncode, text.strip()) for process, text in zip(asking, said, strict=True)]


def forbid_token_reuse(slack: PracticeSlack, refreshes: int) -> None:
    """Give no grace period to a used refresh token, and delay responses so that the processes overlap."""
    slack.workspace.tokens.grace_seconds = 0
    slack.workspace.faults.extend(["late:0.12"] * refreshes)


def test_concurrent_processes_refresh_one_expired_token_once(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], tmp_path: Path, rounds: Rounds
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    forbid_token_reuse(slack, 1)
    count = rounds(8, 50)
    answers = run_all_at_once([["token", "acme"]] * count, child_environment, tmp_path / "go")
    assert set(answers) == {(0, read_tokens(store).access_token.reveal())}
    assert (slack.workspace.tokens.refreshed, slack.workspace.tokens.reused) == (1, 0)
    rounds.report(f"{count} processes ask for one expired token: 1 refresh, {count} equal tokens")


def test_open_tui_and_concurrent_commands_refresh_the_token_once(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], tmp_path: Path, rounds: Rounds
) -> None:
    """The profile expires while the TUI is open and many commands ask for it."""
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    forbid_token_reuse(slack, 1)
    count = rounds(8, 50)
    mixed = [["token", "acme"], ["export", "acme", "--as", "token"], ["exec", "acme", "--", "printenv", "SLACK_TOKEN"]]
    terminal = Terminal(child_environment, "-m", "slack_token_tui")
    answers = run_all_at_once([mixed[n % 3] for n in range(count)], child_environment, tmp_path / "go")
    terminal.wait_for_text("Active")
    terminal.press(b"q")
    assert terminal.wait_for_exit() == 0
    assert set(answers) == {(0, read_tokens(store).access_token.reveal())}
    assert (slack.workspace.tokens.refreshed, slack.workspace.tokens.reused) == (1, 0)
    assert b"practice-" not in terminal.output
    rounds.report(f"an open TUI and {count} mixed commands: 1 refresh, {count} equal tokens")


def test_five_profiles_are_refreshed_once_each_by_concurrent_commands(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], tmp_path: Path, rounds: Rounds
) -> None:
    names = ["one", "two", "three", "four", "five"]
    for number, name in enumerate(names):
        # One user for each profile, because Slack limits the active tokens of a user.
        person = slack.workspace.people[0]
        slack.workspace.people = (type(person)(f"U{number}", name), *slack.workspace.people)
        issue_profile(store, slack, name, expires_at=time_from_now(hours=-1))
    forbid_token_reuse(slack, 5)
    count = rounds(10, 50)
    commands = [["token", names[n % 5]] for n in range(count)]
    answers = run_all_at_once(commands, child_environment, tmp_path / "go")
    for (_, name), answer in zip(commands, answers, strict=True):
        assert answer == (0, read_tokens(store, name).access_token.reveal())
    assert (slack.workspace.tokens.refreshed, slack.workspace.tokens.reused) == (5, 0)
    rounds.report(f"{count} processes ask for five expired tokens: 5 refreshes, every answer right")


# ── signals ──


def use_host_name(slack: PracticeSlack) -> Endpoints:
    """A host name starts the thread of the resolver, which an IP address would not."""
    return Endpoints(slack.base.replace("127.0.0.1", "localhost"))


Moment = Callable[[], object]
"""Returns at the moment at which the process is to end."""


def end_by_signal(number: signal.Signals) -> Callable[[dict[str, str], Moment], None]:
    def end(environment: dict[str, str], moment: Moment) -> None:
        process = subprocess.Popen(
            [*COMMAND, "token", "acme"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        moment()
        process.send_signal(number)
        process.wait(30)

    return end


def end_by_closed_terminal(environment: dict[str, str], moment: Moment) -> None:
    terminal = Terminal(environment, "-m", "slack_token_tui", "token", "acme")
    moment()
    terminal.hang_up()


ENDINGS = [
    end_by_signal(signal.SIGINT),
    end_by_signal(signal.SIGTERM),
    end_by_signal(signal.SIGHUP),
    end_by_closed_terminal,
]


def test_signal_during_a_refresh_loses_nothing(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], rounds: Rounds
) -> None:
    slack.workspace.tokens.grace_seconds = 0
    issue_profile(store, slack, endpoints=use_host_name(slack), expires_at=time_from_now(hours=-1))
    times, in_the_middle = rounds(12, 100), 0
    for number in range(times):
        slack.workspace.faults.clear()
        slack.workspace.faults.append("late:0.5")
        refreshed = slack.workspace.tokens.refreshed
        moment = _wait_at_random if number % 8 < 4 else partial(_wait_until_rotated, slack, refreshed)
        ENDINGS[number % 4](child_environment, moment)
        in_the_middle += slack.workspace.tokens.refreshed - refreshed
        slack.workspace.faults.clear()
        after = store.read("acme")
        assert after.refresh_refused is None
        renewed = refresh_in_process(store, "acme", RefreshPolicy(insist=True))
        assert renewed.problem is None, renewed.problem
        change_profile(store, expires_at=time_from_now(hours=-1))
    assert slack.workspace.tokens.reused == 0
    assert in_the_middle >= times // 3, "too few signals came late enough to prove anything"
    rounds.report(
        f"{times} signals and closed terminals around a refresh by host name, {in_the_middle} after Slack had rotated: 0 lost"
    )


def _wait_at_random() -> None:
    time.sleep(0.2 + random.random() * 0.5)


def _wait_until_rotated(slack: PracticeSlack, refreshed: int) -> None:
    """Return while Slack's response is on its way."""
    assert wait_until(lambda: slack.workspace.tokens.refreshed != refreshed, 20)


def test_terminal_closed_during_a_tui_refresh_loses_nothing(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], rounds: Rounds
) -> None:
    slack.workspace.tokens.grace_seconds = 0
    issue_profile(store, slack, endpoints=use_host_name(slack), expires_at=time_from_now(hours=-1))
    times = rounds(1, 10)
    for _ in range(times):
        before = slack.workspace.tokens.refreshed
        slack.workspace.faults.clear()
        slack.workspace.faults.append("late:0.5")
        generation = store.read("acme").generation
        terminal = Terminal(child_environment, "-m", "slack_token_tui")
        terminal.wait_until(lambda _, before=before: slack.workspace.tokens.refreshed > before)
        terminal.hang_up()  # Slack has rotated the tokens, and its response is on its way
        assert wait_until(lambda generation=generation: store.read("acme").generation != generation)
        assert slack.workspace.tokens.authenticate(read_tokens(store).access_token.reveal())
        change_profile(store, expires_at=time_from_now(hours=-1))
    rounds.report(f"{times} terminals closed under the TUI while Slack's answer was on its way: 0 lost")


def test_stopped_process_holds_the_lock_and_others_report_busy(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl+Z, or on a suspended laptop, no process refreshes without the lock, and none refreshes twice."""
    slack.workspace.tokens.grace_seconds = 0
    issue_profile(store, slack)
    slack.workspace.faults.append("held")
    holder = subprocess.Popen(
        [*COMMAND, "token", "acme"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment,
        text=True,
    )
    assert wait_until(lambda: slack.workspace.tokens.refreshed)
    os.kill(holder.pid, signal.SIGSTOP)
    slack.workspace.may_respond.set()
    monkeypatch.setattr("slack_token_tui.store.locks.acquire.__wrapped__.__defaults__", (0.3, None), raising=False)
    waiting = refresh_in_process(store, "acme")
    assert waiting.problem and waiting.problem.code == "store_busy"
    os.kill(holder.pid, signal.SIGCONT)
    said, _ = holder.communicate(timeout=30)
    assert said.strip() == read_tokens(store).access_token.reveal()
    assert (slack.workspace.tokens.refreshed, slack.workspace.tokens.reused) == (1, 0)
