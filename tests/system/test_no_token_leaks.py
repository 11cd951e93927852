"""A token stands in no process's arguments, in no environment but the exec child's, and on no terminal unasked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.tokens import TokenRegistry
from slack_token_tui.store.profiles import ProfileStore
from tests.cli.test_commands import run
from tests.conftest import Rounds, becomes
from tests.support.profiles import in_
from tests.support.refreshable import granted
from tests.support.terminal import Terminal

SECRET = b"-practice-"
"""In every token of the practice Slack, access and refresh, and in nothing else."""


class Watch:
    """Looks at the arguments and environments of all processes, again and again, for the tokens of one practice Slack."""

    def __init__(self, grants: TokenRegistry) -> None:
        self._grants = grants
        self.looks = 0
        self.arguments: set[bytes] = set()
        self.environments: set[int] = set()
        """Process ids: a process that is just being replaced or is ending shows no arguments to know it by."""

    def look(self) -> None:
        self.looks += 1
        tokens = [token.encode() for token in [*list(self._grants.access_tokens), *list(self._grants.refresh_tokens)]]
        for process in Path("/proc").iterdir():
            if not process.name.isdigit() or int(process.name) == os.getpid():
                continue
            with suppress(OSError):
                arguments = (process / "cmdline").read_bytes()
                if any(token in arguments for token in tokens):
                    self.arguments.add(arguments)
                environment = (process / "environ").read_bytes()
                if any(token in environment for token in tokens):
                    self.environments.add(int(process.name))


@contextmanager
def watching(grants: TokenRegistry) -> Iterator[Watch]:
    watch, done = Watch(grants), threading.Event()

    def go() -> None:
        while not done.is_set():
            watch.look()
            time.sleep(0.005)

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield watch
    finally:
        done.set()
        thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="LOUD: processes are looked at through /proc")
def test_no_arguments_and_no_environment_hold_a_token(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], rounds: Rounds
) -> None:
    granted(store, slack, expires_at=in_(hours=-1))
    workspace = slack.workspace
    other, _, _ = workspace.tokens.issue(workspace.apps[0], workspace.teams[1], workspace.people[1], ("a:read",))
    with watching(workspace.tokens) as watch:
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
            run(*words, env=child_environment)
        run("import", "other", "--slack-url", slack.base, env=child_environment, given=other)
        assert not watch.environments
        child = subprocess.Popen(
            [sys.executable, "-m", "slack_token_tui", "exec", "other", "--", "cat"],
            env=child_environment,
            stdin=subprocess.PIPE,
        )
        assert becomes(lambda: child.pid in watch.environments)
        child.communicate(timeout=30)
    assert not watch.arguments
    assert watch.environments == {child.pid}  # exec puts the command in its own place
    rounds.closing(
        f"{watch.looks} looks at all processes during {len(commands) + 2} commands: no token in any arguments"
    )


def test_only_the_printing_commands_print_a_token(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    granted(store, slack)
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
        done = run(*words, env=child_environment)
        assert SECRET.decode() not in done.stdout + done.stderr, words


def test_a_session_in_the_tui_shows_no_token_until_it_is_asked_to(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    granted(store, slack)
    terminal = Terminal(child_environment, "-m", "slack_token_tui")
    terminal.shows("acme")
    terminal.shows("for 11 h 59 min")  # renewed by itself
    for keys, words in (
        (b"v", "is good"),
        (b"C", "a curl command"),
        (b"\x1b[B\x1b[B\x1b[B\x1b[B", "printf"),
        (b"\x1b", "Profiles ·"),
        (b"x", "Remove acme?"),
        (b"\x1b", "Profiles ·"),
        (b"n", "Enter rename"),
        (b"\x1b", "Profiles ·"),
        (b"i", "Import a token"),
        (b"\x1b", "Profiles ·"),
    ):
        terminal.press(keys)
        terminal.answers(words)
    assert SECRET not in terminal.seen
    terminal.press(b"t")
    terminal.shows("hides itself after ten seconds")
    assert SECRET in terminal.seen
    terminal.press(b"q")
    assert terminal.end() == 0


def test_no_exception_of_the_library_holds_a_token(store: ProfileStore, slack: PracticeSlack) -> None:
    import traceback

    from slack_token_tui.tokens.refresh import refresh

    for fault in ("html", "half", "spent_status:500", 'with:{"access_token": 5}', "error:brand_new"):
        granted(store, slack)
        slack.workspace.faults.extend([fault] * 2)
        try:
            result = refresh(store, "acme", insist=True)
        except Exception:
            assert SECRET.decode() not in traceback.format_exc()
            raise
        assert SECRET.decode() not in repr(result)
        assert SECRET.decode() not in json.dumps(result.problem.facts if result.problem else {})
