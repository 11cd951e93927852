"""What the command line prints is harmless to the terminal, to a shell that it is pasted into, and to secrets."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
from pathlib import Path

import pytest

from slack_token_tui.keeping.settings import change_settings
from slack_token_tui.keeping.store import ProfileStore
from slack_token_tui.practice.grants import SlackSays
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.slack.explanations import explain
from tests.accounts import profile
from tests.cli.test_commands import COMMAND, run
from tests.keeping.refreshing import granted

HOSTILE = "e\x1b]0;pwned\x07\u202e"


@pytest.mark.parametrize("words", [["show"], ["doctor"], ["login", "--client-id", "1.1", "--timeout", "0.1"]])
def test_a_directory_with_escape_sequences_in_its_name_is_printed_harmless(
    tmp_path: Path, child_environment: dict[str, str], words: list[str]
) -> None:
    home = tmp_path / HOSTILE
    ProfileStore(home).keep(profile())
    done = run(*words, env={**child_environment, "SLACK_TOKEN_TUI_HOME": str(home), "BROWSER": "/bin/true"})
    assert "pwned" in done.stdout + done.stderr
    assert not set("\x1b\x07\u202e") & set(done.stdout + done.stderr)


def test_a_default_that_is_no_name_or_gone_is_none(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.keep(profile())
    for name in ("\x1b]0;pwned\x07", "gone"):
        change_settings(store.home, default_profile=name)
        done = run("default", env=child_environment)
        assert (done.returncode, done.stdout) == (0, "")


def test_a_remedy_can_be_pasted_whatever_the_directory_is_called(
    tmp_path: Path, child_environment: dict[str, str]
) -> None:
    home = tmp_path / "Application Support; touch PWNED"
    path = ProfileStore(home).keep(profile()).path
    path.chmod(0o644)
    done = run("token", "acme", env={**child_environment, "SLACK_TOKEN_TUI_HOME": str(home)})
    remedy = done.stderr.splitlines()[1].split("Run: ")[1]
    assert shlex.split(remedy) == ["chmod", "600", str(path)]
    assert "'" not in explain("profile_exposed", {"file": "/home/jane/acme.json"}).remedies[0]


@pytest.mark.parametrize(
    "words",
    [
        ["token", "acme", "xoxp-canary-0123456789"],
        ["xoxp-canary-0123456789"],
        ["exec", "acme", "xoxp-canary-0123456789"],
        ["explain", "xoxp-canary-0123456789"],
        ["export", "acme", "--as", "xoxp-canary-0123456789"],
        ["export", "acme", "--as", "env", "--env", "xoxp-canary-0123456789"],
    ],
)
def test_a_token_in_the_wrong_place_is_not_repeated(
    store: ProfileStore, child_environment: dict[str, str], words: list[str]
) -> None:
    store.keep(profile())
    done = run(*words, env=child_environment)
    assert done.returncode == 2
    assert "canary-0123456789" not in done.stdout + done.stderr


def test_a_client_secret_at_a_terminal_is_asked_for_and_not_shown(child_environment: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    login = subprocess.Popen(
        [*COMMAND, "login", "--client-id", "1.1", "--client-secret-stdin"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=child_environment,
        start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # the terminal becomes its own
    )
    os.close(theirs)
    shown = b""
    while b"not shown" not in shown:
        shown += os.read(ours, 1024)
    os.write(ours, b"0123456789abcdef0123456789abcdef\n")
    try:
        while more := os.read(ours, 1024):
            shown += more
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    assert login.wait(30) == 2
    assert b"https redirect" in shown
    assert b"0123456789abcdef" not in shown


def test_exec_runs_its_command_also_without_streams(
    store: ProfileStore, child_environment: dict[str, str], tmp_path: Path
) -> None:
    store.keep(profile())
    line = f"{shlex.join(COMMAND)} exec acme -- touch {tmp_path / 'ran'} >&- 2>&-"
    subprocess.run(["sh", "-c", line], env=child_environment, check=False, timeout=60)
    assert (tmp_path / "ran").exists()


def test_removing_a_damaged_profile_answers_as_json_too(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.keep(profile()).path.write_text("{")
    done = run("remove", "acme", "--keep-grant", "--yes", "--json", env=child_environment)
    assert json.loads(done.stdout)["ok"] is True


def test_a_misspelt_error_code_is_answered_with_the_right_one(child_environment: dict[str, str]) -> None:
    done = run("explain", "invalid_scop", env=child_environment)
    assert done.returncode == 1
    assert "Did you mean invalid_scope?" in done.stderr


def test_a_refusal_that_may_pass_keeps_the_profile(
    store: ProfileStore,
    slack: PracticeSlack,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    child_environment: dict[str, str],
) -> None:
    granted(store, slack)
    revoke = workspace.grants.revoke

    def busy(bearer: str | None) -> dict[str, object]:
        if bearer and bearer.startswith("xoxe-"):
            raise SlackSays("internal_error")
        return revoke(bearer)

    monkeypatch.setattr(workspace.grants, "revoke", busy)
    done = run("remove", "acme", "--yes", env=child_environment)
    assert done.returncode == 75
    assert store.names() == ["acme"]
