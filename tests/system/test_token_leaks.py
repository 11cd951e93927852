"""A token is in no arguments of a process, only in the environment of an exec child, and on a terminal only if asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.tokens import TokenRegistry
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh_result import RefreshPolicy
from tests.support.cli import COMMAND, run_command
from tests.support.practice import issue_profile, issue_tokens
from tests.support.processes import list_pids, read_process_file
from tests.support.profiles import time_from_now
from tests.support.rounds import Rounds
from tests.support.terminal import Terminal
from tests.support.waiting import wait_until

SECRET = b"-practice-"
"""Part of every access and refresh token of the practice Slack, and of nothing else."""


class ProcessWatch:
    """Searches the arguments and environments of all processes for the tokens of one practice Slack."""

    def __init__(self, grants: TokenRegistry) -> None:
        self._grants = grants
        self.looks = 0
        self.arguments: set[bytes] = set()
        self.environments: set[int] = set()
        """Process IDs, because a process that is starting or ending shows no arguments."""

    def check(self) -> None:
        self.looks += 1
        tokens = [token.encode() for token in [*list(self._grants.access_tokens), *list(self._grants.refresh_tokens)]]
        for pid in list_pids():
            if pid == os.getpid():
                continue
            arguments = read_process_file(pid, "cmdline")
            if any(token in arguments for token in tokens):
                self.arguments.add(arguments)
            environment = read_process_file(pid, "environ")
            if any(token in environment for token in tokens):
                self.environments.add(pid)


@contextmanager
def watch_processes(grants: TokenRegistry) -> Iterator[ProcessWatch]:
    watch, done = ProcessWatch(grants), threading.Event()

    def look_until_done() -> None:
        while not done.is_set():
            watch.check()
            time.sleep(0.005)

    thread = threading.Thread(target=look_until_done)
    thread.start()
    try:
        yield watch
    finally:
        done.set()
        thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="LOUD: processes are looked at through /proc")
def test_process_arguments_and_environments_contain_no_token(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], rounds: Rounds
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    workspace = slack.workspace
    other, _ = issue_tokens(workspace, "a:read", team=1, person=1)
    with watch_processes(workspace.tokens) as watch:
        commands = [
            ["token"],
            ["copy"],
            ["export", "--as", "curl"],
            ["export", "--as", "json"],
            ["list"],
            ["show", "--json"],
            ["verify"],
            ["refresh", "--force"],
            ["rename", "acme", "work"],
            ["remove", "work", "--yes"],
        ]
        for words in commands:
            run_command(*words, env=child_environment)
        run_command("import", "other", "--slack-url", slack.base, env=child_environment, stdin=other)
        assert not watch.environments
        child = subprocess.Popen(
            [*COMMAND, "exec", "other", "--", "cat"],
            env=child_environment,
            stdin=subprocess.PIPE,
        )
        assert wait_until(lambda: child.pid in watch.environments)
        child.communicate(timeout=30)
    assert not watch.arguments
    assert watch.environments == {child.pid}  # exec replaces its own process
    rounds.report(
        f"{watch.looks} looks at all processes during {len(commands) + 2} commands: no token in any arguments"
    )


def test_only_printing_commands_print_a_token(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack)
    slack.workspace.faults.extend(["html", 'with:{"access_token": 5}'])
    for words in (
        ["refresh"],
        ["verify"],
        ["list"],
        ["list", "--json"],
        ["show"],
        ["show", "--json"],
        ["copy"],
        ["exec", "--", "true"],
        ["rename", "acme", "x"],
        ["remove", "x", "--yes", "--json"],
    ):
        done = run_command(*words, env=child_environment)
        assert SECRET.decode() not in done.stdout + done.stderr, words


def test_tui_shows_no_token_until_asked(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack)
    terminal = Terminal(child_environment, "-m", "slack_token_tui")
    terminal.wait_for_text("acme")
    terminal.wait_for_text("in 11 h 59 min")  # refreshed automatically
    for keys, words in (
        (b"v", "acme works."),
        (b"C", "a curl command"),
        (b"\x1b[B\x1b[B\x1b[B\x1b[B", "printf"),
        (b"\x1b", "1 profile"),
        (b"x", "Remove acme?"),
        (b"\x1b", "1 profile"),
        (b"n", "Rename acme"),
        (b"\x1b", "1 profile"),
        (b"i", "Import a token"),
        (b"\x1b", "1 profile"),
    ):
        terminal.press(keys)
        terminal.wait_for_new_text(words)
    assert SECRET not in terminal.output
    terminal.press(b"t")
    terminal.wait_for_text("Hidden again in ten seconds")
    assert SECRET in terminal.output
    terminal.press(b"q")
    assert terminal.wait_for_exit() == 0


def test_refresh_errors_contain_no_token(store: ProfileStore, slack: PracticeSlack) -> None:
    import traceback

    from slack_token_tui.tokens.refresh_in_process import refresh_in_process

    for fault in ("html", "half", "spent_status:500", 'with:{"access_token": 5}', "error:brand_new"):
        issue_profile(store, slack)
        slack.workspace.faults.extend([fault] * 2)
        try:
            result = refresh_in_process(store, "acme", RefreshPolicy(insist=True))
        except Exception:
            assert SECRET.decode() not in traceback.format_exc()
            raise
        assert SECRET.decode() not in repr(result)
        assert SECRET.decode() not in json.dumps(result.problem.facts if result.problem else {})
