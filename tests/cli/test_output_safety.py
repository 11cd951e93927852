"""What the command line prints is harmless in a terminal, harmless when pasted, and shows no secret."""

from __future__ import annotations

import ast
import io
import json
import os
import pty
import shlex
import subprocess
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slack_token_tui.cli import output
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.tokens import SlackErrorResponse
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.problems import explain
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import change_settings
from tests.support.browser import press_consent_button
from tests.support.cli import COMMAND, LoginProcess, run_command
from tests.support.practice import issue_profile
from tests.support.profiles import new_sign_in
from tests.support.unsafe_text import find_unsafe_characters

HOSTILE = "e\x1b]0;pwned\x07\u202e"
UNSAFE = "a\x7f\x85\x9b\xad\u061c\u200f\u2028\u202e\u2066\ue000\U000e0041b"


@pytest.mark.parametrize("words", [["show"], ["doctor"], ["login", "--client-id", "1.1", "--timeout", "0.1"]])
def test_escape_sequences_in_directory_names_are_not_printed(
    tmp_path: Path, child_environment: dict[str, str], words: list[str]
) -> None:
    home = tmp_path / HOSTILE
    ProfileStore(home).save_sign_in(*new_sign_in())
    done = run_command(*words, env={**child_environment, "SLACK_TOKEN_TUI_HOME": str(home), "BROWSER": "/bin/true"})
    assert "pwned" in done.stdout + done.stderr
    assert not set("\x1b\x07\u202e") & set(done.stdout + done.stderr)


def test_invalid_or_missing_default_profile_is_ignored(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.save_sign_in(*new_sign_in())
    for name in ("\x1b]0;pwned\x07", "gone"):
        change_settings(store.home, default_profile=name)
        done = run_command("default", env=child_environment)
        assert (done.returncode, done.stdout) == (0, "")


def test_suggested_command_quotes_the_path(tmp_path: Path, child_environment: dict[str, str]) -> None:
    home = tmp_path / "Application Support; touch PWNED"
    path = ProfileStore(home).save_sign_in(*new_sign_in()).path
    path.chmod(0o644)
    done = run_command("token", "acme", env={**child_environment, "SLACK_TOKEN_TUI_HOME": str(home)})
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
        ["help", "xoxp-canary-0123456789"],
        ["export", "acme", "--as", "xoxp-canary-0123456789"],
        ["export", "acme", "--as", "env", "--env", "xoxp-canary-0123456789"],
    ],
)
def test_token_in_the_wrong_argument_is_not_echoed(
    store: ProfileStore, child_environment: dict[str, str], words: list[str]
) -> None:
    store.save_sign_in(*new_sign_in())
    done = run_command(*words, env=child_environment)
    assert done.returncode == 2
    assert "canary-0123456789" not in done.stdout + done.stderr


def test_client_secret_prompt_does_not_echo(child_environment: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    login = subprocess.Popen(
        [*COMMAND, "login", "--client-id", "1.1", "--client-secret-stdin"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=child_environment,
        start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # make it the controlling terminal
    )
    os.close(theirs)
    shown = b""
    while b"not shown" not in shown:
        shown += os.read(ours, 1024)
    os.write(ours, b"0123456789abcdef0123456789abcdef\n")
    try:
        while more := os.read(ours, 1024):
            shown += more
    except OSError:  # the program has closed its side
        pass
    os.close(ours)
    assert login.wait(30) == 2
    assert b"https redirect" in shown
    assert b"0123456789abcdef" not in shown


def test_exec_runs_the_command_with_closed_streams(
    store: ProfileStore, child_environment: dict[str, str], tmp_path: Path
) -> None:
    store.save_sign_in(*new_sign_in())
    line = f"{shlex.join(COMMAND)} exec acme -- touch {tmp_path / 'ran'} >&- 2>&-"
    subprocess.run(["sh", "-c", line], env=child_environment, check=False, timeout=60)
    assert (tmp_path / "ran").exists()


def test_remove_of_a_damaged_profile_prints_json(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.save_sign_in(*new_sign_in()).path.write_text("{")
    done = run_command("remove", "acme", "--keep-grant", "--yes", "--json", env=child_environment)
    assert json.loads(done.stdout)["ok"] is True


def test_explain_suggests_the_closest_error_code(child_environment: dict[str, str]) -> None:
    done = run_command("explain", "invalid_scop", env=child_environment)
    assert done.returncode == 1
    assert "Did you mean invalid_scope?" in done.stderr


def test_temporary_revoke_error_does_not_remove_the_profile(
    store: ProfileStore,
    slack: PracticeSlack,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    child_environment: dict[str, str],
) -> None:
    issue_profile(store, slack)
    revoke = workspace.tokens.revoke

    def refuse_refresh_token(bearer: str | None) -> dict[str, object]:
        if bearer and bearer.startswith("xoxe-"):
            raise SlackErrorResponse("internal_error")
        return revoke(bearer)

    monkeypatch.setattr(workspace.tokens, "revoke", refuse_refresh_token)
    done = run_command("remove", "acme", "--yes", env=child_environment)
    assert done.returncode == 75
    assert store.names() == ["acme"]


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["show", UNSAFE],
        ["verify", UNSAFE],
        ["refresh", UNSAFE],
        ["move", UNSAFE, "--to", "file"],
        ["default", UNSAFE],
        ["rename", UNSAFE, "other"],
        ["rename", "acme", UNSAFE],
        ["remove", UNSAFE, "--yes"],
        ["remove", "damaged", "--yes"],
        ["explain", UNSAFE],
        ["help", UNSAFE],
        ["import", "--client-id", UNSAFE],
        ["login", "--client-id", "1.1", "--scopes", UNSAFE],
        ["login", "--client-id", "1.1", "--oauth", UNSAFE],
        ["doctor"],
        ["list", UNSAFE],
    ],
)
@pytest.mark.parametrize("directory", ["home" + UNSAFE, "home\udcff"], ids=["unsafe", "no text"])
def test_json_output_has_no_control_characters(
    tmp_path: Path, child_environment: dict[str, str], words: list[str], directory: str
) -> None:
    home = tmp_path / directory
    store = ProfileStore(home)
    store.save_sign_in(*new_sign_in())
    store.save_sign_in(*new_sign_in(user_id="U2"), "damaged").path.write_text("{")
    environment = {**child_environment, "SLACK_TOKEN_TUI_HOME": str(home), "BROWSER": "/bin/true"}
    done = run_command(*words, "--json", env=environment)
    assert not find_unsafe_characters(done.stdout + done.stderr)
    assert json.loads(done.stdout)


def test_json_preserves_the_typed_profile_name(child_environment: dict[str, str]) -> None:
    for name in (UNSAFE, "gr\u00fc\u00df", "\udcff"):
        done = run_command("move", "--to", "file", name, "--json", env=child_environment)
        assert json.loads(done.stdout)[0]["profile"] == name


@pytest.mark.parametrize("directory", [UNSAFE, "gr\u00fc\u00df", "home\udcff"])
def test_login_json_preserves_the_profile_path(
    tmp_path: Path, child_environment: dict[str, str], login_arguments: list[str], directory: str
) -> None:
    environment = {**child_environment, "SLACK_TOKEN_TUI_HOME": str(tmp_path / directory)}
    login = LoginProcess(environment, "work", *login_arguments, "--json")
    browser = press_consent_button(login.wait_for_url())
    code, out, err = login.finish()
    browser.join()
    assert (code, find_unsafe_characters(out + err)) == (0, set())
    assert json.loads(out)["file"] == str(tmp_path / directory / "profiles" / "work.json")


@given(st.dictionaries(st.text(st.characters()), st.lists(st.text(st.characters()))), st.sampled_from([None, 1]))
def test_print_json_round_trips_without_control_characters(value: dict[str, list[str]], indent: int | None) -> None:
    printed = io.StringIO()
    with redirect_stdout(printed):
        output.print_json(value, indent=indent)
    assert not find_unsafe_characters(printed.getvalue())
    assert json.loads(printed.getvalue()) == json.loads(json.dumps(value))


def test_print_json_does_not_escape_printable_characters(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"name": "Gr\u00fc\u00dfe, \u6771\u4eac \U0001f44b \u2713\n\x9b"})
    assert capsys.readouterr().out == '{"name": "Gr\u00fc\u00dfe, \u6771\u4eac \U0001f44b \u2713\\n\\u009b"}\n'


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_readable_in_any_stdout_encoding(
    store: ProfileStore, child_environment: dict[str, str], encoding: str
) -> None:
    store.save_sign_in(*new_sign_in(user_name="j\u00fcrgen \U0001f44b \u2713"))
    environment = {**child_environment, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run([*COMMAND, "show", "--json"], capture_output=True, env=environment, check=True)
    assert json.loads(done.stdout.decode(encoding))["user_name"] == "j\u00fcrgen \U0001f44b \u2713"


def test_commands_print_json_only_with_print_json() -> None:
    sources = [path for path in Path(output.__file__).parent.rglob("*.py") if path.name != "output.py"]
    assert sources
    for path in sources:
        assert "json.dumps" not in {ast.unparse(node) for node in ast.walk(ast.parse(path.read_text()))}, path
