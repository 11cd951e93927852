"""Many profiles at once: how many are on their way to one Slack, and when the rest is left alone."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import IO, Any

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.tokens import SlackErrorResponse
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.store.profiles import ProfileStore
from tests.support.cli import COMMAND, run_command, run_python
from tests.support.locks import hold_lock
from tests.support.practice import issue_profiles
from tests.support.servers import Relay, reserve_refusing_port, run_silent_server
from tests.support.terminal import Shell
from tests.support.waiting import wait_until

REFRESH, TEST = "/api/oauth.v2.user.access", "/api/auth.test"


@pytest.fixture
def relay(slack: PracticeSlack) -> Iterator[Relay]:
    relay = Relay(slack.base)
    yield relay
    relay.close()


def read_records(stdout: str) -> dict[str, dict[str, object]]:
    return {record["profile"]: record for record in json.loads(stdout)}


def read_until(text: str, stream: IO[str]) -> str:
    """Read lines up to the first one with ``text``, and return them."""
    seen = ""
    for line in stream:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"{text!r} never came: {seen}")


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
    assert "Skipped: p01, p02, p03, p04" in done.stderr
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


@pytest.mark.parametrize("loses", ["everything", "refreshes"])
def test_verify_of_tokens_that_are_due_and_still_valid_spends_no_more_either(
    store: ProfileStore, workspace: Workspace, relay: Relay, child_environment: dict[str, str], loses: str
) -> None:
    """Every refresh token was spent, and the exit code was 0 because the access tokens still worked."""
    issue_profiles(store, workspace, relay.url, 8, hours_left=0.1)
    relay.loses = lambda first: loses == "everything" or REFRESH in first
    done = run_command("verify", "--all", "--json", env=child_environment)
    assert done.returncode == 75
    assert workspace.calls[REFRESH] <= 4, "two profiles at most, each sent twice"
    errors = count_errors(done.stdout)
    assert errors["batch_left_alone"] >= 6 and set(errors) <= {"batch_left_alone", "refresh_lost", "connection_lost"}
    relay.loses = lambda _: False
    done = run_command("refresh", "--all", "--json", env=child_environment)
    assert (done.returncode, count_errors(done.stdout)) == (0, {None: 8}), "none was marked as revoked"


@pytest.mark.parametrize("answer", ["internal_error", "service_unavailable"])
def test_slack_that_only_answers_with_outages_is_no_reason_to_go_on(
    store: ProfileStore, workspace: Workspace, slack: PracticeSlack, child_environment: dict[str, str], answer: str
) -> None:
    issue_profiles(store, workspace, slack.base, 6)
    workspace.faults.extend([f"error:{answer}"] * 20)
    workspace.verify_error = answer
    done = run_command("refresh", "--all", "--json", env=child_environment)
    assert count_errors(done.stdout) == {"refresh_lost": 1, "batch_left_alone": 5}


def test_bug_about_one_profile_does_not_end_the_others(
    store: ProfileStore, workspace: Workspace, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profiles(store, workspace, slack.base, 4)
    program = (
        "import sys; from slack_token_tui.tokens import refresh_in_process as module\n"
        "real = module.RefreshAttempt.run\n"
        "def run(self):\n"
        "    if self._profile.name == 'p01':\n        raise ZeroDivisionError\n"
        "    return real(self)\n"
        "module.RefreshAttempt.run = run\n"
        "from slack_token_tui.cli.main import main; sys.exit(main(['refresh', '--all', '--json']))"
    )
    done = run_python(program, env=child_environment)
    assert count_errors(done.stdout) == {None: 3, "unexpected": 1}
    assert done.returncode == 1 and "ZeroDivisionError" in done.stderr


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
    """After every ten requests one is refused. The others wait as long as Slack asks."""
    issue_profiles(store, workspace, relay.url, 25, hours_left=5 if command == "verify" else -1)
    workspace.retry_after_seconds = 1
    ask, refresh = workspace.auth_test, workspace.refresh
    arrivals: list[tuple[float, bool]] = []
    lock = threading.Lock()

    def count() -> None:
        with lock:
            is_refused = len(arrivals) % 11 == 10
            arrivals.append((time.monotonic(), is_refused))
        if is_refused:
            raise SlackErrorResponse("ratelimited")

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
    refused = [at for at, is_refused in arrivals if is_refused]
    assert len(refused) == 2
    for at in refused:
        early = [one for one, _ in arrivals if at < one < at + 0.9]
        assert len(early) < 8, "only those that were under way"


def test_long_retry_after_is_reported_at_once(
    store: ProfileStore, workspace: Workspace, relay: Relay, child_environment: dict[str, str]
) -> None:
    issue_profiles(store, workspace, relay.url, 30, hours_left=5)
    workspace.retry_after_seconds, workspace.verify_error = 500, "ratelimited"
    done = run_command("verify", "--all", "--json", env=child_environment)
    assert (done.returncode, count_errors(done.stdout)) == (75, {"ratelimited": 30})
    assert workspace.calls[TEST] <= 8, "those that were under way; the others are told the same without asking"


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
    assert batch.process.stderr is not None
    seen = read_until("Stopping", batch.process.stderr)
    batch.let_pass()
    stdout, stderr = batch.process.communicate(timeout=60)
    stderr = seen + stderr
    assert batch.process.returncode in (-number, 128 + number), stderr
    assert count_errors(stdout) == {None: 5, "batch_not_reached": 4}
    assert "Not processed: p05, p06, p07, p08" in stderr
    assert workspace.tokens.refreshed == 5
    assert "Traceback" not in stderr


def test_stopped_verify_does_not_wait_for_slack(
    store: ProfileStore, workspace: Workspace, relay: Relay, child_environment: dict[str, str]
) -> None:
    issue_profiles(store, workspace, relay.url, 12, hours_left=5)
    batch = RunningBatch(relay, child_environment, "verify", passes=2)
    batch.wait_until_held(8)
    batch.process.send_signal(signal.SIGINT)
    stdout, stderr = batch.process.communicate(timeout=60)
    batch.let_pass()
    assert count_errors(stdout) == {None: 2, "batch_not_reached": 10}, stderr


@pytest.mark.skipif(not shutil.which("bash"), reason="LOUD: no bash here, so no job control")
def test_suspended_batch_goes_on_when_it_is_resumed(
    store: ProfileStore, workspace: Workspace, relay: Relay, child_environment: dict[str, str]
) -> None:
    issue_profiles(store, workspace, relay.url, 7)
    second, may_pass = threading.Event(), threading.Event()

    def hold_all_but_the_first(_: str) -> None:
        if workspace.calls[REFRESH]:
            second.set()
            may_pass.wait(60)

    relay.before = hold_all_but_the_first
    shell = Shell(child_environment)
    shell.press(shlex.join([*COMMAND, "refresh", "--all"]).encode() + b"\r")
    shell.wait_until(lambda _: second.is_set())
    shell.press(b"\x1a")
    may_pass.set()
    shell.wait_for_new_text("Stopped")
    done_before = workspace.tokens.refreshed
    assert 1 < done_before < 7, "what was sent has ended, and no more was sent"
    shell.press(b"fg\r")
    shell.wait_until(lambda _: workspace.tokens.refreshed == 7)
    shell.press(b"exit\r")
    assert shell.wait_for_exit() == 0
    assert all(store.read(name).generation == 1 for name in store.names())


def test_interrupt_while_the_lock_is_held_sends_nothing(
    store: ProfileStore, workspace: Workspace, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profiles(store, workspace, slack.base, 1)
    program = (
        "import sys, time, types; from slack_token_tui.store import locks\n"
        "def sleep(seconds):\n    print('waiting', file=sys.stderr, flush=True); time.sleep(seconds)\n"
        "locks.time = types.SimpleNamespace(sleep=sleep, monotonic=time.monotonic)\n"
        "from slack_token_tui.cli.main import main; sys.exit(main(['refresh', 'p00']))"
    )
    with hold_lock(store.home / "locks", "p00"):
        words = [sys.executable, "-c", program]
        process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=child_environment)
        assert process.stderr is not None
        read_until("waiting", process.stderr)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode in (-signal.SIGINT, 130)
    assert "Not processed: p00" in stderr
    assert workspace.calls[REFRESH] == 0 and store.read("p00").generation == 0


def test_stopped_batch_does_not_wait_as_long_as_slack_asks(
    store: ProfileStore, workspace: Workspace, relay: Relay, child_environment: dict[str, str]
) -> None:
    issue_profiles(store, workspace, relay.url, 3, hours_left=5)
    workspace.retry_after_seconds, workspace.verify_error = 50, "ratelimited"
    words = [*COMMAND, "verify", "--all", "--json"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=child_environment)
    assert wait_until(lambda: workspace.calls[TEST] == 3)
    process.send_signal(signal.SIGINT)
    begin = time.monotonic()
    stdout, _ = process.communicate(timeout=60)
    assert time.monotonic() - begin < 45, "it ends before Slack's 50 seconds"
    assert set(count_errors(stdout)) <= {"ratelimited", "batch_not_reached"}


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
