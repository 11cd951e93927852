"""``kill -9`` at every system call of a refresh: the file stays whole, and a lost response is reported."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from slack_token_tui.practice.models import App
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from tests.support.practice import issue_profile
from tests.support.profiles import time_from_now
from tests.support.rounds import Rounds
from tests.support.store import list_journals, read_tokens, recover_refresh

# Everything is loaded and used once before the marker, so that only calls of the refresh come after it.
MARKER = "/the-sweep-begins-here"
REFRESHING_PROGRAM = f"""
import os, sys
from pathlib import Path
import filelock, httpx, anyio
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from slack_token_tui.tokens.refresh_result import RefreshPolicy
from slack_token_tui.store.profiles import ProfileStore
store = ProfileStore(Path(sys.argv[1]))
refresh_in_process(store, "warm", RefreshPolicy(insist=True))
os.access("{MARKER}", os.F_OK)
refresh_in_process(store, "acme")
"""


@dataclass(frozen=True)
class Call:
    name: str
    number: int
    line: str


def trace_calls(command: list[str], trace: Path) -> list[Call]:
    """Run ``command`` and return its system calls after the marker, each numbered among the calls of its name."""
    subprocess.run(["strace", "-s", "64", "-o", str(trace), *command], check=True, capture_output=True)
    counted: Counter[str] = Counter()
    calls, begun = [], False
    for line in trace.read_text(errors="replace").splitlines():
        found = re.match(r"(\w+)\(", line)
        if found is None:
            continue
        counted[found[1]] += 1
        if begun and found[1] not in {"exit_group", "rt_sigreturn"}:
            calls.append(Call(found[1], counted[found[1]], line))
        begun = begun or MARKER in line
    return calls


def prepare_store(directory: Path) -> tuple[ProfileStore, PracticeSlack]:
    slack = PracticeSlack(Workspace(apps=[App()]))
    slack.__enter__()
    store = ProfileStore(directory)
    slack.workspace.people = slack.workspace.people[::-1]
    issue_profile(store, slack, "warm")
    slack.workspace.people = slack.workspace.people[::-1]
    issue_profile(store, slack, "acme", expires_at=time_from_now(minutes=1))
    slack.workspace.tokens.grace_seconds = 0
    return store, slack


def kill_at(call: Call, directory: Path) -> str:
    """Kill a refresh at ``call``, refresh again, and return what happened to the tokens.

    Two runs rarely make the same calls, so the place of the kill is read from the trace of the killed run.
    """
    store, slack = prepare_store(directory)
    try:
        command = [sys.executable, "-c", REFRESHING_PROGRAM, str(directory)]
        seen, inject = directory / "seen", f"inject={call.name}:signal=KILL:when={call.number}"
        subprocess.run(
            [
                "strace",
                "-s",
                "64",
                "-o",
                str(seen),
                "-e",
                f"trace=?access,?faccessat2,sendto,write,{call.name}",
                "-e",
                inject,
                *command,
            ],
            capture_output=True,
            timeout=300,
            check=False,
        )
        # Threads wake each other a different number of times in each run, so the kill may have come during the warm-up.
        recover_refresh(store, "warm")
        before = read_tokens(store)  # readable, whenever the kill came
        doubted = recover_refresh(store).first_unanswered_at is not None
        result = refresh_in_process(store, "acme")
        after = read_tokens(store)
        assert list_journals(store) == [], (call, result.problem, doubted)
        if result.problem is None:
            assert slack.workspace.tokens.authenticate(after.access_token.reveal())
            assert after.refresh_token and after.refresh_token.reveal() in slack.workspace.tokens.refresh_tokens
            return "kept"
        assert (result.problem.code, doubted) == ("refresh_interrupted", True)
        assert after == before
        assert slack.workspace.tokens.refreshed == 2  # the one of the warm-up and the lost one
        assert is_in_unanswered_window(seen.read_text(errors="replace")), (call, "lost where nothing can be lost")
        return "named"
    finally:
        slack.__exit__()


def is_in_unanswered_window(trace: str) -> bool:
    """Tell whether the run in ``trace`` ended after its last send and before it wrote the response."""
    _, began, trace = trace.partition(MARKER)
    last_send = trace.rfind("refresh_token=")
    has_kept_the_answer = re.search(r'write\(\d+, "\{\\"length.*= \d+$', trace[last_send:], re.MULTILINE)
    return bool(began) and last_send >= 0 and not has_kept_the_answer


def test_refresh_killed_at_any_system_call_is_recovered_or_reported(tmp_path: Path, rounds: Rounds) -> None:
    if not shutil.which("strace"):
        pytest.skip("LOUD: no strace here, so the sweep of kills was not made")
    trial = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    if trial.returncode != 0:
        pytest.skip("LOUD: strace may not trace here, so the sweep of kills was not made")
    store, slack = prepare_store(tmp_path / "traced")
    calls = trace_calls([sys.executable, "-c", REFRESHING_PROGRAM, str(store.home)], tmp_path / "trace")
    slack.__exit__()
    sent = max(n for n, call in enumerate(calls) if call.name == "sendto" and "refresh_token" in call.line)
    saved = next(n for n, call in enumerate(calls) if n > sent and call.name == "write" and '"length' in call.line)
    # Unless the run is exhaustive: all calls around the dangerous window, and a sample of the rest.
    chosen = (
        list(enumerate(calls))
        if rounds.exhaustive
        else [(n, call) for n, call in enumerate(calls) if sent - 2 <= n <= saved + 2 or n % 40 == 0]
    )
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(lambda item: kill_at(item[1], tmp_path / f"at-{item[0]}"), chosen))
    named = [call.name for (_, call), end in zip(chosen, ends, strict=True) if end == "named"]
    rounds.report(
        f"kill -9 at {len(chosen)} of {len(calls)} system calls of a refresh: 0 unreadable files, {ends.count('kept')} kept, "
        f"{len(named)} lost and named, all between the last send and the first journal write ({', '.join(sorted(set(named)))})"
    )
