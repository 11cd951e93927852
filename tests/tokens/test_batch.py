"""Many profiles at once: how many are on their way to one Slack, and when the rest is left alone."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.tokens import SlackErrorResponse
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.store.profiles import ProfileStore
from tests.support.cli import COMMAND, run_command, run_python
from tests.support.practice import issue_profiles
from tests.support.servers import Relay, reserve_refusing_port, run_silent_server
from tests.support.waiting import wait_until

REFRESH, TEST = "/api/oauth.v2.user.access", "/api/auth.test"


@pytest.fixture
def relay(slack: PracticeSlack) -> Iterator[Relay]:
    relay = Relay(slack.base)
    yield relay
    relay.close()


def read_records(stdout: str) -> dict[str, dict[str, object]]:
    return {record["profile"]: record for record in json.loads(stdout)}


def count_errors(stdout: str) -> Counter[object]:
    return Counter(record.get("error") for record in read_records(stdout).values())


# ── refresh: no more refresh tokens than one are lost ──


def test_refresh_leaves_the_rest_alone_after_a_lost_answer(
    store: ProfileStore, workspace: Workspace, relay: Relay, child_environment: dict[str, str]
) -> None:
    """Each refresh token was sent twice and then the next one, so that every profile needed a person."""
    issue_profiles(store, workspace, relay.url, 5)
    relay.loses = lambda _: True
    done = run_command("refresh", "--all", "--json", env=child_environment)
    assert done.returncode == 75
    assert count_errors(done.stdout) == {"refresh_lost": 1, "batch_left_alone": 4}
    assert workspace.calls == {REFRESH: 2, TEST: 1}, "the probe was lost too, so nothing more was sent"
    assert "Left alone: p01, p02, p03, p04" in done.stderr
    relay.loses = lambda _: False
    done = run_command("refresh", "--all", "--json", env=child_environment)
    assert (done.returncode, count_errors(done.stdout)) == (0, {None: 5}), "none of them needs a person"


def test_refresh_goes_on_if_only_one_answer_was_lost(
    store: ProfileStore, workspace: Workspace, relay: Relay, child_environment: dict[str, str]
) -> None:
    issue_profiles(store, workspace, relay.url, 6)
    workspace.faults.extend(["lost", "lost"])
    done = run_command("refresh", "--all", "--json", env=child_environment)
    assert count_errors(done.stdout) == {"refresh_lost": 1, None: 5}
    assert workspace.calls[TEST] == 1


def test_refresh_ends_at_the_second_lost_answer_whatever_the_probe_says(
    store: ProfileStore, workspace: Workspace, relay: Relay, child_environment: dict[str, str]
) -> None:
    issue_profiles(store, workspace, relay.url, 6)
    relay.loses = lambda first: REFRESH in first
    done = run_command("refresh", "--all", "--json", env=child_environment)
    assert count_errors(done.stdout) == {"refresh_lost": 2, "batch_left_alone": 4}
    assert workspace.calls == {REFRESH: 4, TEST: 1}


def test_one_refresh_at_a_time_until_the_first_success_then_four(
    store: ProfileStore, workspace: Workspace, relay: Relay, child_environment: dict[str, str]
) -> None:
    issue_profiles(store, workspace, relay.url, 12)
    at_once: list[int] = []
    active, lock, four = 0, threading.Lock(), threading.Event()

    def follow(_: str) -> None:
        nonlocal active
        with lock:
            active += 1
            at_once.append(active)
            if active == 4:
                four.set()
        if len(at_once) > 1:  # the first one ends before any other begins
            four.wait(30)
        with lock:
            active -= 1

    relay.before = follow
    done = run_command("refresh", "--all", "--json", env=child_environment)
    assert done.returncode == 0
    assert at_once[:2] == [1, 1] and max(at_once) == 4


def test_another_slack_is_not_left_alone(
    store: ProfileStore, workspace: Workspace, relay: Relay, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profiles(store, workspace, relay.url, 3)
    issue_profiles(store, workspace, slack.base, 3)
    relay.loses = lambda _: True
    done = run_command("refresh", "--all", "--json", env=child_environment)
    assert count_errors(done.stdout) == {"refresh_lost": 1, "batch_left_alone": 2, None: 3}


def test_network_that_is_gone_is_asked_once(
    store: ProfileStore, workspace: Workspace, child_environment: dict[str, str]
) -> None:
    with reserve_refusing_port() as url:
        issue_profiles(store, workspace, url, 5)
        done = run_command("refresh", "--all", "--json", env=child_environment)
        assert count_errors(done.stdout) == {"network_unreachable": 1, "batch_left_alone": 4}
        done = run_command("verify", "--all", "--json", env=child_environment)
        assert count_errors(done.stdout) == {"network_unreachable": 1, "batch_left_alone": 4}


def test_fresh_and_unreadable_profiles_need_no_slack(
    store: ProfileStore, workspace: Workspace, relay: Relay, child_environment: dict[str, str]
) -> None:
    issue_profiles(store, workspace, relay.url, 2)
    issue_profiles(store, workspace, relay.url, 2, hours_left=11)
    (store.home / "profiles" / "bad.json").write_text("{")
    relay.loses = lambda _: True
    done = run_command("refresh", "--all", "--json", env=child_environment)
    found = {name: record.get("error") for name, record in read_records(done.stdout).items()}
    assert found.pop("bad") in ("profile_unreadable", "profile_exposed")
    assert found == {"p00": "refresh_lost", "p01": "batch_left_alone", "p02": None, "p03": None}


# ── verify: eight at once, over one client ──


def test_verify_asks_about_eight_tokens_at_once_over_as_many_connections(
    store: ProfileStore, workspace: Workspace, relay: Relay, child_environment: dict[str, str]
) -> None:
    issue_profiles(store, workspace, relay.url, 40, hours_left=5)
    eight = threading.Event()

    def wait_for_eight(_: str) -> None:
        if relay.busiest == 8:
            eight.set()
        eight.wait(30)

    relay.before = wait_for_eight
    done = run_command("verify", "--all", "--json", env=child_environment)
    assert (done.returncode, count_errors(done.stdout)) == (0, {None: 40})
    assert (relay.busiest, relay.connections) == (8, 8)


def test_verify_of_due_tokens_spends_no_more_than_a_refresh(
    store: ProfileStore, workspace: Workspace, relay: Relay, child_environment: dict[str, str]
) -> None:
    issue_profiles(store, workspace, relay.url, 5)
    relay.loses = lambda _: True
    done = run_command("verify", "--all", "--json", env=child_environment)
    assert count_errors(done.stdout) == {"refresh_lost": 1, "batch_left_alone": 4}
    assert workspace.calls[REFRESH] == 2


# ── rate limits ──


@pytest.mark.parametrize("command", ["verify", "refresh"])
def test_retry_after_is_obeyed(
    store: ProfileStore,
    workspace: Workspace,
    relay: Relay,
    child_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    """A limit of ten requests: the first ten succeed, then Slack asks to wait, then the next ten succeed."""
    issue_profiles(store, workspace, relay.url, 25, hours_left=5 if command == "verify" else -1)
    workspace.retry_after_seconds = 1
    ask, refresh = workspace.auth_test, workspace.refresh
    left, limited_until, refusals, lock = 10, 0.0, 0, threading.Lock()

    def count() -> None:
        nonlocal left, limited_until, refusals
        with lock:
            if left == 0 and time.monotonic() >= limited_until:
                left = 10
            if left == 0:
                refusals += 1
                raise SlackErrorResponse("ratelimited")
            left -= 1
            if left == 0:
                limited_until = time.monotonic() + 1

    def ask_within_limit(bearer: str | None) -> object:
        count()
        return ask(bearer)

    def refresh_within_limit(*arguments: Any) -> object:
        count()
        return refresh(*arguments)

    monkeypatch.setattr(workspace, "auth_test", ask_within_limit)
    monkeypatch.setattr(workspace, "refresh", refresh_within_limit)
    done = run_command(command, "--all", "--json", env=child_environment)
    assert (done.returncode, count_errors(done.stdout)) == (0, {None: 25}), done.stderr
    assert 0 < refusals <= 2 * 8, "the others wait without asking"


def test_long_retry_after_is_reported_at_once(
    store: ProfileStore, workspace: Workspace, relay: Relay, child_environment: dict[str, str]
) -> None:
    issue_profiles(store, workspace, relay.url, 3, hours_left=5)
    workspace.retry_after_seconds, workspace.verify_error = 61, "ratelimited"
    done = run_command("verify", "--all", "--json", env=child_environment)
    assert (done.returncode, count_errors(done.stdout)) == (75, {"ratelimited": 3})
    assert workspace.calls[TEST] == 3


# ── a batch that is stopped prints what it has ──


class RunningBatch:
    """A command whose requests wait at a relay."""

    def __init__(self, relay: Relay, environment: dict[str, str], command: str, *, passes: int) -> None:
        self._may_pass = threading.Event()
        self._seen = 0
        self._lock = threading.Lock()
        self.passes = passes
        relay.before = self._hold
        words = [*COMMAND, command, "--all", "--json"]
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
        )

    def _hold(self, _: str) -> None:
        with self._lock:
            self._seen += 1
            held = self._seen > self.passes
        if held:
            self._may_pass.wait(60)

    def wait_until_held(self, count: int) -> None:
        assert wait_until(lambda: self._seen >= self.passes + count)

    def let_pass(self) -> None:
        self._may_pass.set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_refresh_finishes_what_was_sent_and_says_what_was_not_reached(
    store: ProfileStore, workspace: Workspace, relay: Relay, child_environment: dict[str, str], number: signal.Signals
) -> None:
    issue_profiles(store, workspace, relay.url, 9)
    batch = RunningBatch(relay, child_environment, "refresh", passes=1)
    batch.wait_until_held(4)
    batch.process.send_signal(number)
    batch.process.send_signal(number)
    batch.let_pass()
    stdout, stderr = batch.process.communicate(timeout=60)
    assert batch.process.returncode in (-number, 128 + number), stderr
    assert count_errors(stdout) == {None: 5, "batch_not_reached": 4}
    assert "Stopped. Not reached: p05, p06, p07, p08" in stderr
    assert workspace.tokens.refreshed == 5
    assert "Traceback" not in stderr


def test_stopped_verify_does_not_wait_for_slack(
    store: ProfileStore, workspace: Workspace, relay: Relay, child_environment: dict[str, str]
) -> None:
    issue_profiles(store, workspace, relay.url, 12, hours_left=5)
    batch = RunningBatch(relay, child_environment, "verify", passes=2)
    batch.wait_until_held(8)
    batch.process.send_signal(signal.SIGINT)
    stdout, stderr = batch.process.communicate(timeout=15)
    batch.let_pass()
    assert count_errors(stdout) == {None: 2, "batch_not_reached": 10}, stderr


def test_suspended_batch_goes_on_when_it_is_resumed(
    store: ProfileStore, workspace: Workspace, relay: Relay, child_environment: dict[str, str]
) -> None:
    issue_profiles(store, workspace, relay.url, 7)
    batch = RunningBatch(relay, child_environment, "refresh", passes=1)
    batch.wait_until_held(4)
    batch.process.send_signal(signal.SIGTSTP)
    batch.let_pass()
    # Its session is orphaned, so the kernel does not stop it at SIGTSTP: it goes on at once.
    stdout, stderr = batch.process.communicate(timeout=60)
    assert (batch.process.returncode, count_errors(stdout)) == (0, {None: 7}), stderr


def test_silent_slack_is_asked_once(
    store: ProfileStore, workspace: Workspace, child_environment: dict[str, str]
) -> None:
    """It cost 40 s for each profile."""
    with run_silent_server() as url:
        issue_profiles(store, workspace, url, 20, hours_left=5)
        program = (
            "import sys; from slack_token_tui.slack import client; client.DEADLINE_SECONDS = 1\n"
            "from slack_token_tui.tokens import batch; batch._PROBE_DEADLINE_SECONDS = 1\n"
            "from slack_token_tui.cli.main import main; sys.exit(main(['verify', '--all', '--json']))"
        )
        done = run_python(program, env=child_environment)
    assert count_errors(done.stdout) == {"network_timeout": 8, "batch_left_alone": 12}
