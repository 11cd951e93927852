"""Many ask, one refreshes; and whatever ends a refresh in the middle, no grant is lost."""

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
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh import refresh
from tests.conftest import Rounds, becomes
from tests.support.profiles import in_
from tests.support.refreshable import granted
from tests.support.terminal import Terminal

ASKING = """
import os, sys, time
from slack_token_tui.cli.main import main
from slack_token_tui.cli import fresh_token
print("ready", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.005)
sys.exit(main(sys.argv[2:]))
"""


def all_at_once(commands: list[list[str]], environment: dict[str, str], starter: Path) -> list[tuple[int, str]]:
    """Start all, let them load what they need, and let them go at the same moment."""
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", ASKING, str(starter), *command],
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


def strict(slack: PracticeSlack, refreshes: int) -> None:
    """No grace, reuse is counted, and every answer takes long enough to be run into."""
    slack.workspace.tokens.grace_seconds = 0
    slack.workspace.faults.extend(["late:0.12"] * refreshes)


def test_many_processes_ask_for_one_expired_token_and_it_is_refreshed_once(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], tmp_path: Path, rounds: Rounds
) -> None:
    granted(store, slack, expires_at=in_(hours=-1))
    strict(slack, 1)
    count = rounds(8, 50)
    answers = all_at_once([["token", "acme"]] * count, child_environment, tmp_path / "go")
    token = store.read("acme").access_token
    assert token and set(answers) == {(0, token.reveal())}
    assert (slack.workspace.tokens.refreshed, slack.workspace.tokens.reused) == (1, 0)
    rounds.closing(f"{count} processes ask for one expired token: 1 refresh, {count} equal tokens")


def test_with_an_open_tui_and_other_commands_it_is_refreshed_once(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], tmp_path: Path, rounds: Rounds
) -> None:
    """The profile comes due while the TUI is open and everybody asks."""
    granted(store, slack, expires_at=in_(hours=-1))
    strict(slack, 1)
    count = rounds(8, 50)
    mixed = [["token", "acme"], ["export", "acme", "--as", "token"], ["exec", "acme", "--", "printenv", "SLACK_TOKEN"]]
    terminal = Terminal(child_environment, "-m", "slack_token_tui")
    answers = all_at_once([mixed[n % 3] for n in range(count)], child_environment, tmp_path / "go")
    terminal.shows("good · jane")
    terminal.press(b"q")
    assert terminal.end() == 0
    token = store.read("acme").access_token
    assert token and set(answers) == {(0, token.reveal())}
    assert (slack.workspace.tokens.refreshed, slack.workspace.tokens.reused) == (1, 0)
    assert b"practice-" not in terminal.seen
    rounds.closing(f"an open TUI and {count} mixed commands: 1 refresh, {count} equal tokens")


def test_five_profiles_mixed_are_refreshed_once_each(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], tmp_path: Path, rounds: Rounds
) -> None:
    names = ["one", "two", "three", "four", "five"]
    for number, name in enumerate(names):
        # Five people's grants: Slack counts active tokens of each.
        person = slack.workspace.people[0]
        slack.workspace.people = (type(person)(f"U{number}", name), *slack.workspace.people)
        granted(store, slack, name, expires_at=in_(hours=-1))
    strict(slack, 5)
    count = rounds(10, 50)
    commands = [["token", names[n % 5]] for n in range(count)]
    answers = all_at_once(commands, child_environment, tmp_path / "go")
    for (_, name), answer in zip(commands, answers, strict=True):
        token = store.read(name).access_token
        assert token and answer == (0, token.reveal())
    assert (slack.workspace.tokens.refreshed, slack.workspace.tokens.reused) == (5, 0)
    rounds.closing(f"{count} processes ask for five expired tokens: 5 refreshes, every answer right")


# ── signals ──


def by_host_name(slack: PracticeSlack) -> Endpoints:
    """A name starts the resolver's thread; with an address the test would prove too little."""
    return Endpoints(slack.base.replace("127.0.0.1", "localhost"))


Moment = Callable[[], object]
"""Returns when the end shall come."""


def ended_by_signal(number: signal.Signals) -> Callable[[dict[str, str], Moment], None]:
    def end(environment: dict[str, str], moment: Moment) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "slack_token_tui", "token", "acme"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        moment()
        process.send_signal(number)
        process.wait(30)

    return end


def ended_by_a_closed_terminal(environment: dict[str, str], moment: Moment) -> None:
    terminal = Terminal(environment, "-m", "slack_token_tui", "token", "acme")
    moment()
    terminal.hang_up()


ENDINGS = [
    ended_by_signal(signal.SIGINT),
    ended_by_signal(signal.SIGTERM),
    ended_by_signal(signal.SIGHUP),
    ended_by_a_closed_terminal,
]


def test_a_signal_in_the_middle_of_a_refresh_loses_nothing(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], rounds: Rounds
) -> None:
    slack.workspace.tokens.grace_seconds = 0
    granted(store, slack, endpoints=by_host_name(slack), expires_at=in_(hours=-1))
    times, in_the_middle = rounds(12, 100), 0
    for number in range(times):
        slack.workspace.faults.clear()
        slack.workspace.faults.append("late:0.5")
        refreshed = slack.workspace.tokens.refreshed
        moment = _at_random if number % 8 < 4 else partial(_once_rotated, slack, refreshed)
        ENDINGS[number % 4](child_environment, moment)
        in_the_middle += slack.workspace.tokens.refreshed - refreshed
        slack.workspace.faults.clear()
        after = store.read("acme")
        assert after.refresh_refused is None
        renewed = refresh(store, "acme", insist=True)
        assert renewed.problem is None, renewed.problem
        store.write(_expired(renewed.profile))
    assert slack.workspace.tokens.reused == 0
    assert in_the_middle >= times // 3, "too few signals came late enough to prove anything"
    rounds.closing(
        f"{times} signals and closed terminals around a refresh by host name, {in_the_middle} after Slack had rotated: 0 lost"
    )


def _at_random() -> None:
    time.sleep(0.2 + random.random() * 0.5)


def _once_rotated(slack: PracticeSlack, refreshed: int) -> None:
    """Return while Slack's answer is on its way."""
    deadline = time.monotonic() + 20
    while slack.workspace.tokens.refreshed == refreshed:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _expired(profile: Profile) -> Profile:
    from dataclasses import replace

    return replace(profile, expires_at=in_(hours=-1))


def test_a_terminal_that_closes_under_the_tui_loses_nothing(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], rounds: Rounds
) -> None:
    slack.workspace.tokens.grace_seconds = 0
    granted(store, slack, endpoints=by_host_name(slack), expires_at=in_(hours=-1))
    times = rounds(1, 10)
    for _ in range(times):
        before = slack.workspace.tokens.refreshed
        slack.workspace.faults.clear()
        slack.workspace.faults.append("late:0.5")
        generation = store.read("acme").generation
        terminal = Terminal(child_environment, "-m", "slack_token_tui")
        terminal.until(lambda _, before=before: slack.workspace.tokens.refreshed > before)
        terminal.hang_up()  # Slack has rotated, and its answer is on its way
        assert becomes(lambda generation=generation: store.read("acme").generation != generation)
        after = store.read("acme")
        assert after.access_token and slack.workspace.tokens.authenticate(after.access_token.reveal())
        store.write(_expired(after))
    rounds.closing(f"{times} terminals closed under the TUI while Slack's answer was on its way: 0 lost")


def test_a_stopped_process_keeps_the_lock_and_the_others_end_in_order(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl+Z or a suspended laptop: nobody refreshes without the lock, and after it there is no second spending."""
    slack.workspace.tokens.grace_seconds = 0
    granted(store, slack)
    slack.workspace.faults.append("held")
    holder = subprocess.Popen(
        [sys.executable, "-m", "slack_token_tui", "token", "acme"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment,
        text=True,
    )
    assert becomes(lambda: slack.workspace.tokens.refreshed)
    os.kill(holder.pid, signal.SIGSTOP)
    slack.workspace.may_respond.set()
    monkeypatch.setattr("slack_token_tui.store.locks.acquire.__wrapped__.__defaults__", (0.3, None), raising=False)
    waiting = refresh(store, "acme")
    assert waiting.problem and waiting.problem.code == "store_busy"
    os.kill(holder.pid, signal.SIGCONT)
    said, _ = holder.communicate(timeout=30)
    token = store.read("acme").access_token
    assert token and said.strip() == token.reveal()
    assert (slack.workspace.tokens.refreshed, slack.workspace.tokens.reused) == (1, 0)
