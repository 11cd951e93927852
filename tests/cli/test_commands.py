"""The command line as a script sees it: standard output, standard error and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from slack_token_tui.secret import Secret
from slack_token_tui.store.profiles import ProfileStore
from tests.support.cli import run_command, run_python
from tests.support.profiles import CANARY, new_sign_in, time_from_now


def test_token_prints_only_the_token_and_a_newline(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.save_sign_in(*new_sign_in(expires_at=time_from_now(hours=3)))
    done = run_command("token", "acme", env=child_environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, CANARY + "\n", "")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"expires_at": time_from_now(seconds=-5)}, 4),
        ({"refused": "token_revoked"}, 4),
        ({"refused": "invalid_auth"}, 0),
    ],
)
def test_expired_or_revoked_token_is_not_printed(
    store: ProfileStore, child_environment: dict[str, str], changes: dict[str, object], code: int
) -> None:
    store.save_sign_in(*new_sign_in(**changes))
    done = run_command("token", env=child_environment)
    assert done.returncode == code
    if code:
        assert done.stdout == ""
        assert CANARY not in done.stderr
        assert len(done.stderr.splitlines()) == 2


def test_token_exit_codes_distinguish_errors(store: ProfileStore, child_environment: dict[str, str]) -> None:
    assert run_command("token", env=child_environment).returncode == 3
    path = store.save_sign_in(*new_sign_in()).path
    store.save_sign_in(*new_sign_in(user_id="U2"), "other")
    assert run_command("token", env=child_environment).returncode == 2
    assert "acme, other" in run_command("token", env=child_environment).stderr
    assert run_command("token", "nobody", env=child_environment).returncode == 3
    assert run_command("token", "../x", env=child_environment).returncode == 2
    assert run_command("token", "--bogus", env=child_environment).returncode == 2
    path.chmod(0o644)
    done = run_command("token", "acme", env=child_environment)
    assert done.returncode == 5
    assert f"chmod 600 {path}" in done.stderr
    assert run_command("token", "other", env=child_environment).returncode == 0


def test_list_and_show_mask_every_token(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.save_sign_in(
        *new_sign_in(refresh_token=Secret("xoxe-1-canary-refresh-0123"), expires_at=time_from_now(hours=1))
    )
    for words in (["list"], ["list", "--json"], ["show"], ["show", "--json"], ["show", "acme"]):
        done = run_command(*words, env=child_environment)
        assert done.returncode == 0
        assert "canary" not in done.stdout + done.stderr
    assert json.loads(run_command("list", "--json", env=child_environment).stdout)[0]["access_token"] == "xoxp-…cdef"


def test_damaged_profile_is_listed_as_unreadable(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.save_sign_in(*new_sign_in()).path.write_text("{")
    assert "unreadable" in run_command("list", env=child_environment).stdout
    assert json.loads(run_command("list", "--json", env=child_environment).stdout)[0]["error"] == "profile_unreadable"


def test_explain_prints_one_error_or_all(child_environment: dict[str, str]) -> None:
    assert "Redirect URLs" in run_command("explain", "bad_redirect_uri", env=child_environment).stdout
    assert len(run_command("explain", env=child_environment).stdout.splitlines()) > 100
    assert run_command("explain", "brand_new", env=child_environment).returncode == 1


@pytest.mark.parametrize(
    "words", [["--help"], ["login", "--help"], ["token", "--help"], ["copy", "--help"], ["explain", "--help"]]
)
def test_help_shows_an_example(words: list[str], child_environment: dict[str, str]) -> None:
    done = run_command(*words, env=child_environment)
    assert done.returncode == 0
    assert "slack-token-tui" in done.stdout
    assert words == ["--help"] or "example:" in done.stdout


def test_closed_pipe_prints_no_error(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.save_sign_in(*new_sign_in())
    done = subprocess.run(
        f"{sys.executable} -m slack_token_tui explain --json | head -c 1",
        shell=True,
        capture_output=True,
        text=True,
        env=child_environment,
    )
    assert done.stderr == ""


def test_unexpected_error_prints_no_traceback_and_no_secret(child_environment: dict[str, str]) -> None:
    program = (
        "import sys\nfrom slack_token_tui.cli import main\nfrom slack_token_tui.store import hot_path\n"
        f"def broken(*_):\n    secret = {CANARY!r}\n    raise RuntimeError(secret)\n"
        "hot_path.valid_token = broken\nsys.exit(main.main(['token']))"
    )
    done = run_python(program, env=child_environment)
    assert done.returncode == 1
    assert "RuntimeError" in done.stderr
    assert "Traceback" not in done.stderr
    assert CANARY not in done.stderr


def test_core_dumps_are_disabled() -> None:
    program = "import resource; from slack_token_tui.cli.main import main; main(['--version']); print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    done = run_python(program, check=True)
    assert done.stdout.splitlines()[-1] == "0"
    assert Path(sys.executable).exists()
    assert os.name == "posix"
