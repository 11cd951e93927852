"""``verify``, ``refresh``, ``default``, ``rename``, ``remove``, ``move``, ``import``, ``completion``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from slack_token_tui.cli.parser import COMMANDS
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.secret import Secret
from slack_token_tui.slack.token_types import TOKEN_TYPES
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import read_settings
from tests.support.cli import COMMAND, run_command, unprivileged
from tests.support.practice import issue_profile, issue_tokens
from tests.support.profiles import CANARY, make_rotating_token, new_sign_in, time_from_now
from tests.support.store import read_tokens

UNREACHABLE_URL = "http://127.0.0.1:9"


# ── verify, refresh ──


def test_verify_asks_slack_and_saves_the_result(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=5), verified_at=None, user_name=None, scopes=())
    done = run_command("verify", env=child_environment)
    assert done.returncode == 0
    assert "acme: active, jane in Acme Practice" in done.stderr
    after = store.read("acme")
    assert after.verified_at and after.user_name == "jane" and after.scopes == ("users:read",)
    slack.workspace.tokens.access_tokens[read_tokens(store).access_token.reveal()].revoked = True
    done = run_command("verify", "--json", env=child_environment)
    assert done.returncode == 4
    assert json.loads(done.stdout)[0]["error"] == "token_revoked"
    assert store.read("acme").refused == "token_revoked"
    assert run_command("token", env=child_environment).returncode == 4


def test_unconfirmed_invalid_auth_does_not_disable_the_token(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=5))
    slack.workspace.verify_error = "invalid_auth"
    assert run_command("verify", env=child_environment).returncode == 1
    assert run_command("token", env=child_environment).returncode == 0


def test_refresh_all_continues_after_an_error_and_exits_with_the_worst_code(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack, "acme", expires_at=time_from_now(hours=-1))
    store.save_sign_in(*new_sign_in(user_id="U2", name="plain"), "plain")
    (store.home / "profiles" / "bad.json").write_text("{")
    done = run_command("refresh", "--all", "--json", env=child_environment)
    said = {item["profile"]: item for item in json.loads(done.stdout)}
    assert said["acme"]["renewed"] is True
    assert said["plain"] == {"ok": True, "profile": "plain", "renewed": False, "expires_at": None}
    assert said["bad"]["error"] == "profile_exposed"
    assert done.returncode == 5


def test_refresh_skips_a_fresh_token_unless_forced(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=10))
    assert "acme: refreshed" in run_command("refresh", "acme", env=child_environment).stderr
    done = run_command("refresh", "acme", env=child_environment)
    assert (done.returncode, slack.workspace.tokens.refreshed) == (0, 1)
    assert "acme: not refreshed" in done.stderr and "--force" in done.stderr
    assert run_command("refresh", "--all", env=child_environment).returncode == 0
    assert slack.workspace.tokens.refreshed == 1
    assert run_command("refresh", "--force", env=child_environment).returncode == 0
    assert slack.workspace.tokens.refreshed == 2


def test_explicit_refresh_retries_a_refused_refresh_token(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack, refresh_refused="invalid_refresh_token")
    assert run_command("refresh", env=child_environment).returncode == 0
    assert store.read("acme").refresh_refused is None


# ── default, rename ──


def test_default_profile_is_set_printed_used_and_cleared(
    store: ProfileStore, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(*new_sign_in())
    store.save_sign_in(*new_sign_in(user_id="U2", access_token=Secret("xoxp-canary-other-000000")), "other")
    assert run_command("token", env=child_environment).returncode == 2
    assert run_command("default", "other", env=child_environment).returncode == 0
    assert run_command("default", env=child_environment).stdout == "other\n"
    assert run_command("token", env=child_environment).stdout == "xoxp-canary-other-000000\n"
    assert run_command("token", env={**child_environment, "SLACK_TOKEN_PROFILE": "acme"}).stdout == CANARY + "\n"
    assert run_command("default", "--none", env=child_environment).returncode == 0
    assert run_command("default", env=child_environment).stdout == ""
    assert run_command("default", "nobody", env=child_environment).returncode == 3


def test_rename_updates_the_default_and_never_overwrites(
    store: ProfileStore, child_environment: dict[str, str]
) -> None:
    before = store.save_sign_in(*new_sign_in()).profile
    store.save_sign_in(*new_sign_in(user_id="U2"), "other")
    run_command("default", "acme", env=child_environment)
    assert run_command("rename", "acme", "other", env=child_environment).returncode == 2
    assert run_command("rename", "acme", "Bad Name", env=child_environment).returncode == 2
    assert run_command("rename", "nobody", "x", env=child_environment).returncode == 3
    assert (
        run_command("rename", "acme", "work", "--json", env=child_environment).stdout
        == '{"ok": true, "profile": "work"}\n'
    )
    assert store.names() == ["other", "work"]
    assert store.read("work").id == before.id
    assert read_settings(store.home)["default_profile"] == "work"


# ── remove ──


def test_remove_revokes_both_tokens_and_reports_what_stays_in_slack(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack, app_id="A0PRACTICE", workspace_url="https://acme-practice.slack.com/")
    saved = read_tokens(store)
    assert saved.refresh_token
    done = run_command("remove", "acme", "--yes", "--json", env=child_environment)
    assert done.returncode == 0
    assert "still lists this app as authorized" in done.stderr
    assert "https://acme-practice.slack.com/apps/A0PRACTICE" in done.stderr
    assert [item["answer"] for item in json.loads(done.stdout)["answers"]] == ["revoked", "revoked"]
    assert store.names() == []
    assert slack.workspace.tokens.access_tokens[saved.access_token.reveal()].revoked
    assert saved.refresh_token.reveal() not in slack.workspace.tokens.refresh_tokens


def test_remove_without_a_terminal_requires_the_yes_option(
    store: ProfileStore, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(*new_sign_in())
    assert run_command("remove", "acme", env=child_environment).returncode == 2
    assert store.names() == ["acme"]


def test_unreachable_slack_blocks_remove_unless_revoking_is_skipped(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    from slack_token_tui.slack.endpoints import Endpoints

    issue_profile(store, slack, endpoints=Endpoints(UNREACHABLE_URL))
    done = run_command("remove", "acme", "--yes", env=child_environment)
    assert done.returncode == 75
    assert "--keep-grant" in done.stderr
    assert store.names() == ["acme"]
    assert run_command("remove", "acme", "--yes", "--keep-grant", env=child_environment).returncode == 0
    assert store.names() == []


def test_expired_token_does_not_block_remove(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack)
    saved = read_tokens(store)
    assert saved.refresh_token
    del slack.workspace.tokens.refresh_tokens[saved.refresh_token.reveal()]
    slack.workspace.tokens.access_tokens[saved.access_token.reveal()].expires_at = 1.0
    done = run_command("remove", "acme", "--yes", env=child_environment)
    assert done.returncode == 0
    assert "Access token already expired" in done.stderr
    assert store.names() == []


def test_damaged_profile_is_removed_only_when_revoking_is_skipped(
    store: ProfileStore, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(*new_sign_in()).path.write_text("{")
    assert run_command("remove", "acme", "--yes", env=child_environment).returncode == 5
    assert run_command("remove", "acme", "--yes", "--keep-grant", env=child_environment).returncode == 0
    assert store.names() == []


# ── import ──


def test_import_reports_the_token_type_verifies_and_saves(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    workspace = slack.workspace
    access, refresh = issue_tokens(workspace, "a:read", person=1)
    words = ["import", "--slack-url", slack.base, "--json"]
    done = run_command(*words, env=child_environment, stdin=access + "\n")
    assert done.returncode == 0
    assert "rotating user token" in done.stderr and "can't be refreshed" in done.stderr
    assert access not in done.stdout + done.stderr
    saved = store.read("acme-practice")
    assert saved.user_name == "omar" and saved.expires_at and saved.scopes == ("a:read",)
    assert run_command(*words, env=child_environment, stdin=access).returncode == 1  # saved already
    run_command("remove", "acme-practice", "--yes", "--keep-grant", env=child_environment)
    client_id = workspace.apps[0].client_id
    done = run_command(*words, "mine", "--client-id", client_id, env=child_environment, stdin=f"{access}\n{refresh}\n")
    assert done.returncode == 0
    assert run_command("refresh", "mine", "--force", env=child_environment).returncode == 0


@pytest.mark.parametrize(
    "kind", [kind for kind in TOKEN_TYPES if kind.unsupported_reason], ids=lambda kind: kind.prefix
)
def test_import_explains_why_other_token_types_are_unsupported(kind: object, child_environment: dict[str, str]) -> None:
    token = f"{kind.prefix}canary-000000000"  # type: ignore[attr-defined]
    done = run_command("import", env=child_environment, stdin=token)
    assert done.returncode == 2
    assert kind.name in done.stderr  # type: ignore[attr-defined]
    assert "canary" not in done.stderr


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "No token received"),
        ("hello", "isn't a Slack token"),
        ("xoxp-canary one", "contain spaces"),
        ("xoxp-canary-1\nxoxe-1-canary", "Only a rotating token"),
        (f"{make_rotating_token('canary')}\nxoxe-1-canary", "--client-id"),
    ],
)
def test_import_rejects_invalid_input(child_environment: dict[str, str], given: str, words: str) -> None:
    done = run_command("import", env=child_environment, stdin=given)
    assert done.returncode == 2
    assert words in done.stderr


# ── completion and help ──


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, child_environment: dict[str, str]) -> None:
    done = run_command(command, "--help", env=child_environment)
    assert done.returncode == 0
    assert "example:\n  " in done.stdout and "slack-token-tui" in done.stdout.split("example:")[1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("slack-token-tui ex", {"export", "exec", "explain"}),
        ("slack-token-tui token ac", {"acme"}),
        ("slack-token-tui export --as cu", {"curl"}),
        ("slack-token-tui remove --keep", {"--keep-grant"}),
        ("slack-token-tui completion z", {"zsh"}),
        ("slack-token-tui login --oauth ", {"v2_user", "v2"}),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_works_in_a_real_shell(
    store: ProfileStore,
    child_environment: dict[str, str],
    tmp_path: Path,
    shell: str,
    line: str,
    expected: set[str],
) -> None:
    if not shutil.which(shell):
        pytest.skip(f"LOUD: no {shell} here, so its completion script was not run")
    store.save_sign_in(*new_sign_in())
    environment = {
        **child_environment,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
    }
    script = tmp_path / "completion"
    script.write_text(run_command("completion", shell, env=environment).stdout)
    found = COMPLETE_IN_SHELL[shell](script, line, environment)
    assert expected <= found
    assert all(word.startswith(line.split(" ")[-1]) for word in found)


def complete_in_bash(script: Path, line: str, environment: dict[str, str]) -> set[str]:
    words = line.split(" ")
    array = " ".join(f"'{word}'" for word in words)
    program = f"source {script}; COMP_WORDS=({array}); COMP_CWORD={len(words) - 1}; _slack_token_tui; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, env=environment, check=True)
    return set(done.stdout.split())


def complete_in_zsh(script: Path, line: str, environment: dict[str, str]) -> set[str]:
    # zsh offers what compadd gets. Here compadd prints it.
    words = line.split(" ")
    array = " ".join(f"'{word}'" for word in words)
    program = (
        f"compdef() {{ : }}; compadd() {{ [[ $1 == -- ]] && shift; print -l -- $@ }}; "
        f"_describe() {{ print -l -- ${{commands%%:*}} }}; source {script}; words=({array}); CURRENT={len(words)}; _slack_token_tui"
    )
    done = subprocess.run(["zsh", "-f", "-c", program], capture_output=True, text=True, env=environment, check=True)
    return {word for word in done.stdout.split() if word.startswith(words[-1])}


def complete_in_fish(script: Path, line: str, environment: dict[str, str]) -> set[str]:
    program = f"source {script}; complete -C '{line}'"
    done = subprocess.run(["fish", "-N", "-c", program], capture_output=True, text=True, env=environment, check=True)
    return {entry.split("\t")[0] for entry in done.stdout.splitlines()}


COMPLETE_IN_SHELL = {"bash": complete_in_bash, "zsh": complete_in_zsh, "fish": complete_in_fish}


def test_no_option_accepts_a_secret() -> None:
    for command in COMMANDS:
        text = subprocess.run([*COMMAND, command, "--help"], capture_output=True, text=True, check=True).stdout
        for option in ("--token", "--secret ", "--client-secret ", "--refresh-token", "--password"):
            assert option not in text


# ── mistakes and accidents ──


@pytest.mark.parametrize(
    "words",
    [
        ["token", ""],
        ["exec", "", "--", "true"],
        ["remove", "", "--yes"],
        ["default", ""],
        ["verify", ""],
        ["export", ""],
        ["token", "xoxp-practice"],
        ["remove", "xoxp-practice", "--yes"],
    ],
)
def test_empty_name_or_token_as_a_name_is_rejected(
    store: ProfileStore, child_environment: dict[str, str], words: list[str]
) -> None:
    store.save_sign_in(*new_sign_in())
    done = run_command(*words, env=child_environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert "practice-123" not in done.stderr
    assert store.names() == ["acme"]


@pytest.mark.parametrize(
    "words",
    [
        ["verify", "nobody", "--all"],
        ["refresh", "nobody", "--all"],
        ["move", "nobody", "--all", "--to", "file"],
        ["default", "acme", "--none"],
    ],
)
def test_conflicting_options_are_rejected(
    store: ProfileStore, child_environment: dict[str, str], words: list[str]
) -> None:
    store.save_sign_in(*new_sign_in())
    assert run_command(*words, env=child_environment).returncode == 2
    assert read_settings(store.home) == {}


def test_refresh_all_does_not_treat_a_revoked_token_as_fresh(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=11, minutes=50), refused="token_revoked")
    done = run_command("refresh", "--all", "--json", env=child_environment)
    assert done.returncode == 4
    assert json.loads(done.stdout)[0]["error"] == "sign_in_needed"
    assert slack.workspace.tokens.refreshed == 0
    assert run_command("refresh", "acme", env=child_environment).returncode == 0, "asked for by name, it is tried"


def test_unconfirmed_revocation_does_not_remove_the_profile(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    issue_profile(store, slack)
    monkeypatch.setattr(type(slack.workspace.tokens), "revoke", lambda *_: {"ok": True, "revoked": False})
    done = run_command("remove", "acme", "--yes", "--json", env=child_environment)
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"] == "not_revoked"
    assert "Access token not revoked" in done.stderr
    assert store.names() == ["acme"]


def test_undeletable_profile_is_not_revoked_but_can_be_verified(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack)
    command = unprivileged(COMMAND)
    (store.home / "profiles").chmod(0o500)
    try:
        remove = [*command, "remove", "acme", "--yes"]
        done = subprocess.run(remove, capture_output=True, text=True, env=child_environment, check=False)
        assert done.returncode == 5
        assert slack.workspace.calls["/api/auth.revoke"] == 0
        verify = [*command, "verify", "acme"]
        done = subprocess.run(verify, capture_output=True, text=True, env=child_environment, check=False)
        assert (done.returncode, "active, jane" in done.stderr) == (0, True), "what Slack says is true all the same"
        assert slack.workspace.calls["/api/oauth.v2.user.access"] == 0, "a new token could not be saved"
    finally:
        (store.home / "profiles").chmod(0o700)


def test_import_without_a_refresh_token_does_not_replace_a_refreshable_profile(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    saved, tokens = issue_profile(store, slack), read_tokens(store)
    other, _ = issue_tokens(slack.workspace)
    words = ["import", "--client-id", saved.client_id, "--slack-url", slack.base, "--json"]
    done = run_command(*words, env=child_environment, stdin=other)
    assert json.loads(done.stdout)["error"] == "renewable_already_kept"
    assert store.read_with_tokens("acme") == (saved, tokens)


def test_unknown_name_in_a_batch_does_not_stop_it(store: ProfileStore, child_environment: dict[str, str]) -> None:
    for name in ("one", "two"):
        store.save_sign_in(*new_sign_in(user_id=f"U{name}", expires_at=None), name)
    done = run_command("refresh", "one", "nobody", "two", "--json", env=child_environment)
    assert done.returncode == 3
    assert [(record["profile"], record["ok"]) for record in json.loads(done.stdout)] == [
        ("one", True),
        ("nobody", False),
        ("two", True),
    ]


def test_verify_says_that_a_due_token_could_not_be_refreshed(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack)
    slack.workspace.faults.extend(["error:internal_error"] * 4)
    done = run_command("verify", "acme", env=child_environment)
    assert done.returncode == 0
    assert (
        "(refresh_lost)" in done.stderr
        and "The current token expires at" in done.stderr
        and "acme: active" in done.stderr
    )


def test_names_can_be_listed_as_json(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.save_sign_in(*new_sign_in())
    assert json.loads(run_command("list", "--names", "--json", env=child_environment).stdout) == ["acme"]


@pytest.mark.parametrize(
    ("arguments", "variable", "is_named"),
    [(["token"], "nobody", True), (["show", "nobody"], "nobody", False), (["token"], "xoxp-canary-0000000000", True)],
)
def test_profile_variable_is_named_only_if_the_name_came_from_it(
    child_environment: dict[str, str], arguments: list[str], variable: str, is_named: bool
) -> None:
    done = run_command(*arguments, env={**child_environment, "SLACK_TOKEN_PROFILE": variable})
    assert done.returncode in (2, 3)
    assert ("set by SLACK_TOKEN_PROFILE" in done.stderr) is is_named
    assert "canary" not in done.stderr
