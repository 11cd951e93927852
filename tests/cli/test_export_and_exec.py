"""``token``, ``export`` and ``exec``: refreshed when due, never an expired token, and text that works when pasted."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slack_token_tui.cli.arguments import FORMATS
from slack_token_tui.cli.fresh_token import expiry_sentence
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.secret import Secret
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens import export_formats
from tests.support.cli import COMMAND, run_command, run_python
from tests.support.practice import issue_profile
from tests.support.profiles import CANARY, new_sign_in, time_from_now
from tests.support.store import read_tokens

NOW = datetime.now(UTC)


@pytest.fixture
def shell_environment(child_environment: dict[str, str]) -> dict[str, str]:
    """Return an environment with the installed command in PATH, as pasted text needs it."""
    return {**child_environment, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


# ── refreshed first ──


@pytest.mark.parametrize(
    "words", [["token"], ["export", "--as", "token"], ["exec", "--", "sh", "-c", "echo $SLACK_TOKEN"]]
)
def test_expiring_token_is_refreshed_first_with_a_notice(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], words: list[str]
) -> None:
    issue_profile(store, slack)
    old = read_tokens(store)
    done = run_command(*words, env=child_environment)
    assert done.returncode == 0
    new = read_tokens(store)
    assert done.stdout == new.access_token.reveal() + "\n"
    assert new.access_token != old.access_token
    assert "refreshing the token of" in done.stderr
    assert "practice" not in done.stderr
    assert slack.workspace.tokens.authenticate(done.stdout.strip())


def test_min_ttl_forces_a_refresh_and_has_an_upper_limit(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=2))
    old = read_tokens(store).access_token.reveal()
    assert run_command("token", env=child_environment).stdout.strip() == old
    assert run_command("token", "--min-ttl", "7300", env=child_environment).stdout.strip() != old
    assert run_command("token", "--min-ttl", "7300", env=child_environment).returncode == 0
    assert slack.workspace.tokens.refreshed == 1
    assert run_command("token", "--min-ttl", "43200", env=child_environment).returncode == 2


def test_when_slack_is_down_a_valid_token_is_printed_but_an_expired_one_is_not(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack)
    old = read_tokens(store).access_token.reveal()
    slack.workspace.faults.extend(["status:503"] * 2)
    done = run_command("token", env=child_environment)
    assert (done.returncode, done.stdout) == (0, old + "\n")
    assert "The current token expires at" in done.stderr
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    slack.workspace.faults.extend(["status:503"] * 2)
    done = run_command("token", env=child_environment)
    assert (done.returncode, done.stdout) == (75, "")


@pytest.mark.parametrize(
    ("expires_at", "sentence"),
    [(None, ""), (NOW - timedelta(seconds=1), " The token expires at "), (NOW, " The token expires at ")],
)
def test_sentence_about_the_expiry_names_a_time_and_no_duration(expires_at: datetime | None, sentence: str) -> None:
    """A duration may be over, or unlimited: no sentence can be built from it that is always right."""
    said = expiry_sentence(replace(new_sign_in()[0], expires_at=expires_at))
    assert re.fullmatch(sentence + r"(\d{4}-\d\d-\d\d )?\d\d:\d\d\." if sentence else "", said)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_header_works_with_curl_on_standard_input(
    store: ProfileStore, slack: PracticeSlack, shell_environment: dict[str, str]
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=9))
    command = f"slack-token-tui export acme --as header | curl --silent -X POST -H @- {slack.base}/api/auth.test"
    done = subprocess.run(["sh", "-c", command], env=shell_environment, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["ok"] is True, done.stderr
    header = run_command("export", "acme", "--as", "header", env=shell_environment).stdout
    assert header == f"Authorization: Bearer {read_tokens(store).access_token.reveal()}\n"


def test_interrupted_refresh_exits_4_and_suggests_login(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    slack.workspace.tokens.grace_seconds = 0
    slack.workspace.faults.append("lost")
    for _ in range(2):
        done = run_command("token", env=child_environment)
        assert (done.returncode, done.stdout) == (4, "")
        assert "was interrupted" in done.stderr
        assert "slack-token-tui login acme" in done.stderr
    assert slack.workspace.calls["/api/oauth.v2.user.access"] == 2


def test_new_token_is_printed_when_the_profile_cannot_be_saved(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    program = (
        "import sys; from slack_token_tui.store import locked_profile, recovery;"
        "from slack_token_tui.store.atomic_file import StorageError\n"
        "def broken(*_):\n    raise StorageError('store_full', file='x', detail='no room')\n"
        "locked_profile.write_profile_file = broken; recovery.SAVE_RETRY_SECONDS = 0\n"
        "from slack_token_tui.cli.main import main; sys.exit(main(['token']))"
    )
    done = run_python(program, env=child_environment)
    assert done.returncode == 0
    assert slack.workspace.tokens.authenticate(done.stdout.strip())
    assert "refresh_not_saved" in done.stderr
    assert run_command("token", env=child_environment).stdout == done.stdout
    assert slack.workspace.tokens.refreshed == 1


# ── formats that work when pasted ──


def test_command_line_formats_match_the_library_formats() -> None:
    assert tuple(export_formats.FORMATS) == FORMATS


def run_in_shell(text: str, shell_environment: dict[str, str], shell: str = "sh") -> str:
    return subprocess.run([shell, "-c", text], capture_output=True, text=True, env=shell_environment, check=True).stdout


def test_every_format_works_when_pasted(
    store: ProfileStore, slack: PracticeSlack, shell_environment: dict[str, str], tmp_path: Path
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=5))
    token = read_tokens(store).access_token.reveal()
    store.save_sign_in(*new_sign_in(user_id="U2", access_token=Secret(token)), "of-slack")
    text = {
        token_format: run_command(
            "export", "of-slack" if token_format == "mcp" else "acme", "--as", token_format, env=shell_environment
        ).stdout.rstrip("\n")
        for token_format in FORMATS
    }
    assert text["token"] == token
    assert run_in_shell(f"{text['env']}; printenv SLACK_TOKEN", shell_environment).strip() == token
    assert text["dotenv"] == f"SLACK_TOKEN={token}"
    assert json.loads(run_in_shell(text["curl"], shell_environment))["user"] == "jane"
    header = text["header"]
    url = f"{slack.base}/api/auth.test"
    assert json.loads(run_in_shell(f"curl -s -H {shlex.quote(header)} {url}", shell_environment))["ok"] is True
    program = tmp_path / "pasted.py"
    program.write_text(text["python"])
    assert "'user': 'jane'" in run_in_shell(f"python3 {program}", shell_environment)
    assert json.loads(text["json"])["token"] == token
    server = json.loads(text["mcp"])["mcpServers"]["slack"]
    words = server["args"][: server["args"].index("--") + 1]
    assert (
        run_in_shell(
            shlex.join([server["command"], *words, "printenv", "SLACK_MCP_XOXP_TOKEN"]), shell_environment
        ).strip()
        == token
    )
    for format_id in ("python", "mcp"):
        assert token not in text[format_id]


@pytest.mark.parametrize("strange", ["xoxp-canary-'$(id)`\"\\-000000", "xoxp-canary-a;b&c|d-000000"])
def test_special_characters_in_a_token_are_quoted(
    store: ProfileStore, child_environment: dict[str, str], strange: str
) -> None:
    store.save_sign_in(*new_sign_in(access_token=Secret(strange)))
    line = run_command("export", "--as", "env", env=child_environment).stdout
    assert run_in_shell(f"{line}\nprintenv SLACK_TOKEN", child_environment).rstrip("\n") == strange
    dotenv = run_command("export", "--as", "dotenv", env=child_environment)
    if "'" in strange:  # programs read this in different ways
        assert (dotenv.returncode, dotenv.stdout) == (1, "")
        assert "dotenv_unsafe" in dotenv.stderr and CANARY not in dotenv.stderr and strange not in dotenv.stderr
    else:
        assert run_in_shell(f'{dotenv.stdout}\nprintf %s "$SLACK_TOKEN"', child_environment) == strange
    curl = export_formats.format_token(store.read("acme"), "curl", strange)
    fed = run_in_shell(curl.split(" | ")[0], child_environment)
    assert fed.startswith('header = "Authorization: Bearer ') and fed.endswith('"\n')


def test_env_option_sets_the_variable_name_and_rejects_invalid_names(
    store: ProfileStore, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(*new_sign_in())
    assert run_command("export", "--env", "MY_TOKEN", env=child_environment).stdout == f"export MY_TOKEN={CANARY}\n"
    assert run_command("export", "--env", "A;id", env=child_environment).returncode == 2
    assert run_command("exec", "--env", "A B", "--", "true", env=child_environment).returncode == 2


# ── exec ──


def test_exec_replaces_itself_with_the_command_and_adds_one_variable(
    store: ProfileStore, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(*new_sign_in())
    show = [sys.executable, "-c", "import json,os,sys;print(json.dumps([dict(os.environ), os.getpid(), sys.argv[1:]]))"]
    process = subprocess.Popen(
        [*COMMAND, "exec", "acme", "--", *show, "--json", "a b"],
        stdout=subprocess.PIPE,
        env=child_environment,
    )
    said, _ = process.communicate(timeout=30)
    environment, pid, words = json.loads(said)
    assert pid == process.pid
    assert words == ["--json", "a b"]
    assert environment.pop("SLACK_TOKEN") == CANARY
    environment.pop("LC_CTYPE", None)
    assert environment == {key: value for key, value in child_environment.items() if key != "LC_CTYPE"}


def test_exec_preserves_exit_code_signals_and_resource_limits(
    store: ProfileStore, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(*new_sign_in())
    assert run_command("exec", "--", "sh", "-c", "exit 42", env=child_environment).returncode == 42
    assert run_command("exec", "--", "sh", "-c", "kill -TERM $$", env=child_environment).returncode == -15
    # The command gets the default SIGPIPE. Python ignores it, and with that yes(1) would print an error at its end.
    done = run_command("exec", "--", "sh", "-c", "trap", env=child_environment)
    assert done.stdout == ""
    ignored = run_command("exec", "--", "grep", "SigIgn", "/proc/self/status", env=child_environment).stdout.split()[1]
    assert int(ignored, 16) & (1 << 12) == 0
    program = "import resource,os,sys;resource.setrlimit(resource.RLIMIT_CORE,(4096,resource.getrlimit(resource.RLIMIT_CORE)[1]));os.execv(sys.executable,[sys.executable,'-m','slack_token_tui','exec','--','sh','-c','ulimit -c'])"
    limited = run_python(program, env=child_environment)
    if limited.returncode == 0:
        assert limited.stdout.strip() in {"8", "4", "4096"}  # not 0; the unit depends on the shell


@pytest.mark.parametrize(
    ("command", "code"), [(["no-such-program-here"], 127), ([""], 127), (["/etc/passwd"], 126), ([], 2)]
)
def test_exec_reports_a_command_that_cannot_start(
    store: ProfileStore, child_environment: dict[str, str], command: list[str], code: int
) -> None:
    store.save_sign_in(*new_sign_in())
    done = run_command("exec", "--", *command, env=child_environment)
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == 2
    assert CANARY not in done.stderr


def test_exec_does_not_start_the_command_without_a_valid_token(
    store: ProfileStore, child_environment: dict[str, str], tmp_path: Path
) -> None:
    store.save_sign_in(*new_sign_in(refused="token_revoked"))
    done = run_command("exec", "--", "touch", str(tmp_path / "started"), env=child_environment)
    assert done.returncode == 4
    assert not (tmp_path / "started").exists()
