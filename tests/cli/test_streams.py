"""Standard streams that are closed, full, ASCII only or no terminal: the output and the exit code stay right."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.store.profiles import ProfileStore
from tests.support.cli import COMMAND, run_command
from tests.support.practice import issue_profile
from tests.support.profiles import CANARY, new_sign_in, time_from_now
from tests.support.store import read_tokens


def run_in_shell(redirects: str, *words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    script = [f'exec "$@" {redirects}', "sh", *COMMAND, *words]
    return subprocess.run(["sh", "-c", *script], capture_output=True, text=True, env=env, timeout=60, check=False)


@pytest.mark.parametrize(
    "words", [["token"], ["export"], ["list"], ["show"], ["list", "--json"], ["explain"], ["--help"]]
)
def test_full_disk_on_stdout_is_reported(
    store: ProfileStore, child_environment: dict[str, str], words: list[str]
) -> None:
    store.save_sign_in(*new_sign_in())
    done = run_in_shell(">/dev/full", *words, env=child_environment)
    assert done.returncode == 1
    assert "can't write to standard output: No space left on device" in done.stderr
    assert "mistake" not in done.stderr


def test_closed_stdout_is_reported_by_what_writes_to_it(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack)
    store.save_sign_in(*new_sign_in(user_id="U2", expires_at=time_from_now(hours=-1)), "dead")
    for words, code in (
        (["refresh", "acme"], 0),
        (["token", "acme"], 1),
        (["list"], 1),
        (["--help"], 1),
        (["token", "dead"], 4),
        (["token", "x"], 3),
    ):
        done = run_in_shell(">&-", *words, env=child_environment)
        assert (done.returncode, "mistake" in done.stderr) == (code, False), words
        assert ("can't write to standard output" in done.stderr) == (code == 1), words


def test_closed_stderr_does_not_mix_messages_into_stdout(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack)
    done = run_in_shell("2>&-", "token", "acme", env=child_environment)
    assert done.stdout == read_tokens(store).access_token.reveal() + "\n"


def test_import_with_closed_stdin_reports_a_missing_token(child_environment: dict[str, str]) -> None:
    done = run_in_shell("<&-", "import", env=child_environment)
    assert (done.returncode, "No token received." in done.stderr) == (2, True)


@pytest.mark.parametrize("words", [["--help"], ["login", "--help"], ["show"], ["explain", "invalid_auth"], ["list"]])
def test_ascii_terminal_gets_complete_output(
    store: ProfileStore, child_environment: dict[str, str], words: list[str]
) -> None:
    store.save_sign_in(*new_sign_in(team_name="Ä→ß"))
    ascii_only = {**child_environment, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    done = run_command(*words, env=ascii_only)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\n")


@pytest.mark.parametrize("redirects", ["</dev/null", "2>/dev/null", "2>&-", "<&-"])
def test_tui_without_a_terminal_exits_2(child_environment: dict[str, str], redirects: str) -> None:
    for words in ([], ["demo"]):
        assert run_in_shell(redirects, *words, env=child_environment).returncode == 2


def test_usage_errors_explain_the_fix_and_honor_json(child_environment: dict[str, str]) -> None:
    done = run_command("verify", "--wrong", "--json", env=child_environment)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"] == "usage"
    done = run_command("token", "--min-ttl", "abc", env=child_environment)
    assert "must be 0 to 39600 seconds" in done.stderr and "_min_ttl_seconds" not in done.stderr
    done = run_command("exec", "acme", "echo", "hi", env=child_environment)
    assert done.returncode == 2 and "after two dashes" in done.stderr


def test_error_names_the_environment_variable_that_chose_the_profile(
    store: ProfileStore, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(*new_sign_in())
    done = run_command("token", env={**child_environment, "SLACK_TOKEN_PROFILE": "nobody"})
    assert done.returncode == 3 and "SLACK_TOKEN_PROFILE" in done.stderr


def test_escape_sequences_in_files_or_environment_are_not_printed(
    store: ProfileStore, child_environment: dict[str, str]
) -> None:
    path = store.save_sign_in(*new_sign_in(expires_at=time_from_now(hours=5))).path
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "expires_at": "\x1b]52;c;eA==\x07"}))
    for done in (
        run_command("token", env=child_environment),
        run_command("token", env={**child_environment, "SLACK_TOKEN_PROFILE": "\x1b[2J"}),
        run_command("token", "\x1b[2J", env=child_environment),
    ):
        assert done.returncode != 0 and "\x1b" not in done.stderr and CANARY not in done.stdout


@pytest.mark.parametrize("format_id", ["python", "mcp"])
def test_exported_snippets_use_the_same_profile_directory(
    store: ProfileStore, child_environment: dict[str, str], format_id: str
) -> None:
    store.save_sign_in(*new_sign_in())
    done = run_command("export", "--as", format_id, env=child_environment)
    assert child_environment["SLACK_TOKEN_TUI_HOME"] in done.stdout
    if format_id == "mcp":
        assert json.loads(done.stdout)["mcpServers"]["slack"]["env"] == {"SLACK_TOKEN_TUI_HOME": str(store.home)}
    assert os.path.isabs(child_environment["SLACK_TOKEN_TUI_HOME"])
