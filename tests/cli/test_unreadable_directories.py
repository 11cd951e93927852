"""A directory that can't be read is reported with its name and owner. It never counts as one without profiles."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slack_token_tui.secret import Secret
from slack_token_tui.store.apps import SlackApp, save_app
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import change_settings
from tests.support.cli import STORE_COMMANDS, run_command, run_commands, run_python, unprivileged
from tests.support.profiles import CANARY, new_sign_in, time_from_now

STRANGER = 1002
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")


def close(path: Path) -> None:
    path.chmod(0)


def give_away(path: Path) -> None:
    """Let ``path`` belong to another user, as after one ``sudo slack-token-tui login``."""
    os.chown(path, STRANGER, -1)
    path.chmod(0o700)


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """Return an empty directory that is accessible again after the test, so that it can be deleted."""
    directory = tmp_path / "config"
    directory.mkdir()
    yield directory
    for path in (directory, directory / "slack-token-tui", directory / "slack-token-tui" / "profiles"):
        if path.is_dir():
            path.chmod(0o700)


@pytest.fixture
def saved_store(config: Path) -> ProfileStore:
    store = ProfileStore(config / "slack-token-tui")
    store.save_sign_in(*new_sign_in())
    return store


def environment_of(store: ProfileStore, child_environment: dict[str, str]) -> dict[str, str]:
    return {**child_environment, "SLACK_TOKEN_TUI_HOME": str(store.home)}


FAULTS: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "closed parent": (close, "..", "store_no_permission"),
    "closed home": (close, ".", "store_no_permission"),
    "closed profiles": (close, "profiles", "store_no_permission"),
    "parent of another user": (give_away, "..", "store_no_access"),
    "home of another user": (give_away, ".", "store_not_ours"),
    "profiles of another user": (give_away, "profiles", "store_not_ours"),
}


@pytest.mark.parametrize(
    "fault", [pytest.param(name, marks=needs_root if "another" in name else ()) for name in FAULTS]
)
def test_every_command_reports_a_directory_that_cannot_be_read(
    saved_store: ProfileStore, child_environment: dict[str, str], fault: str
) -> None:
    damage, place, code = FAULTS[fault]
    directory = (saved_store.home / place).resolve()
    env = environment_of(saved_store, child_environment)
    damage(directory)
    outcomes = run_commands(STORE_COMMANDS, env, is_unprivileged=True)
    for command, outcome in zip(STORE_COMMANDS, outcomes, strict=True):
        assert outcome.code == 5, (command, outcome)
        assert str(directory) in outcome.stderr, (command, outcome)
        assert "another" not in fault or f"user {STRANGER}" in outcome.stderr, (command, outcome)
        if "--json" in command:
            assert json.loads(outcome.stdout)["error"] == code


def test_plain_file_in_place_of_the_profiles_is_reported(
    saved_store: ProfileStore, child_environment: dict[str, str]
) -> None:
    (saved_store.home / "profiles" / "acme.json").unlink()
    (saved_store.home / "profiles").rmdir()
    (saved_store.home / "profiles").write_text("")
    for outcome in run_commands(STORE_COMMANDS, environment_of(saved_store, child_environment)):
        assert outcome.code == 5 and "is not a directory" in outcome.stderr, outcome


def test_directory_that_can_only_be_searched_still_serves_a_named_profile(
    saved_store: ProfileStore, child_environment: dict[str, str]
) -> None:
    (saved_store.home / "profiles").chmod(0o300)
    token, names = run_commands(
        ["token acme", "list --names"], environment_of(saved_store, child_environment), is_unprivileged=True
    )
    assert token.code == 0 and token.stdout == f"{CANARY}\n"
    assert names.code == 5 and "chmod u+rwX" in names.stderr


def test_unreadable_journal_is_not_taken_for_a_missing_one(
    saved_store: ProfileStore, child_environment: dict[str, str]
) -> None:
    """A response may be in it. Another refresh would spend the token that it replaced."""
    saved_store.save_sign_in(
        *new_sign_in(refresh_token=Secret("xoxe-1-practice-refresh"), expires_at=time_from_now(hours=1))
    )
    journal = saved_store.home / "journal" / f"{saved_store.read('acme').id}.journal"
    journal.parent.mkdir(mode=0o700)
    journal.write_bytes(b"x")
    journal.chmod(0)
    (outcome,) = run_commands(
        ["refresh --force acme"], environment_of(saved_store, child_environment), is_unprivileged=True
    )
    assert outcome.code == 5 and str(journal) in outcome.stderr
    assert journal.exists()


def test_unreadable_apps_are_not_left_out_of_a_move(
    saved_store: ProfileStore, child_environment: dict[str, str]
) -> None:
    save_app(saved_store.home, SlackApp("1111111111.2222222222222"))
    app_file = saved_store.home / "apps" / "1111111111.2222222222222.json"
    env = environment_of(saved_store, child_environment)
    app_file.chmod(0o644)
    (outcome,) = run_commands(["move --all --to file"], env)
    assert outcome.code == 5 and str(app_file) in outcome.stderr
    (outcome,) = run_commands(["move --all --to file --json"], env)
    records = json.loads(outcome.stdout)
    assert [record["ok"] for record in records] == [True, False], "what was moved is in the list too"
    app_file.parent.chmod(0)
    (outcome,) = run_commands(["move --all --to keyring --json"], env, is_unprivileged=True)
    app_file.parent.chmod(0o700)
    assert outcome.code == 5 and str(app_file.parent) in outcome.stderr
    assert not saved_store.read("acme").in_keyring, "nothing is moved if the apps can't be read"


LIBRARY = """
import slack_token_tui as stt
for call in (stt.profiles, stt.token, lambda: stt.token("acme")):
    try:
        print(call())
    except stt.StoreUnusable as error:
        print(error.code)
"""


def test_library_reports_a_directory_that_cannot_be_read(
    saved_store: ProfileStore, child_environment: dict[str, str]
) -> None:
    import subprocess
    import sys

    saved_store.home.chmod(0)
    done = subprocess.run(
        unprivileged([sys.executable, "-c", LIBRARY]),
        env=environment_of(saved_store, child_environment),
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["store_no_permission"] * 3, done


def test_doctor_reports_a_directory_that_cannot_be_read(
    saved_store: ProfileStore, child_environment: dict[str, str]
) -> None:
    saved_store.home.chmod(0)
    (outcome,) = run_commands(["doctor --json"], environment_of(saved_store, child_environment), is_unprivileged=True)
    findings = {finding["id"]: finding for finding in json.loads(outcome.stdout)["findings"]}
    assert outcome.code == 1 and "unexpected" not in findings
    assert findings["directory"]["verdict"] == "bad" and str(saved_store.home) in findings["directory"]["said"]


# ── which directory is meant ──

ALL = ("refresh --all", "verify --all", "move --all --to file")


def test_misspelled_home_is_no_success_for_all_profiles(tmp_path: Path, child_environment: dict[str, str]) -> None:
    home = tmp_path / "misspelled"
    for outcome in run_commands(ALL, {**child_environment, "SLACK_TOKEN_TUI_HOME": str(home)}):
        assert outcome.code == 3 and str(home) in outcome.stderr, outcome
    assert not home.exists()


def test_default_home_without_profiles_is_a_success_that_says_so(
    tmp_path: Path, child_environment: dict[str, str]
) -> None:
    env = {**child_environment, "HOME": str(tmp_path), "XDG_CONFIG_HOME": ""}
    del env["SLACK_TOKEN_TUI_HOME"]
    for outcome in run_commands((*ALL, "list"), env):
        assert outcome.code == 0 and f"No profiles yet in {tmp_path}/.config/slack-token-tui" in outcome.stderr, outcome


def test_tilde_in_the_home_variable_is_expanded(tmp_path: Path, child_environment: dict[str, str]) -> None:
    """A .env file or a systemd unit is read by no shell that would expand it."""
    ProfileStore(tmp_path / "x").save_sign_in(*new_sign_in())
    env = {**child_environment, "HOME": str(tmp_path), "SLACK_TOKEN_TUI_HOME": "~/x"}
    (outcome,) = run_commands(["list --names"], env)
    assert outcome.stdout == "acme\n"


@pytest.mark.parametrize("value", ["here", "./here", "~nobody-has-this-name/x"])
def test_relative_home_variable_is_refused(child_environment: dict[str, str], value: str) -> None:
    outcomes = run_commands(STORE_COMMANDS, {**child_environment, "SLACK_TOKEN_TUI_HOME": value})
    for outcome in outcomes:
        assert outcome.code == 5 and "absolute path" in outcome.stderr and value in outcome.stderr, outcome


@needs_root
def test_user_without_home_or_account_gets_an_explanation(child_environment: dict[str, str]) -> None:
    program = (
        "import os\n"
        "import slack_token_tui as stt\n"
        "from slack_token_tui.cli.main import main\n"
        "def run():\n"
        "    codes = [main(words.split()) for words in ('token acme', 'list', 'doctor', 'refresh --all')]\n"
        "    try: stt.profiles()\n"
        "    except stt.StoreUnusable as error: codes.append(error.code)\n"
        "    return codes\n"
        "run()\n"  # imports everything before the user changes, who may not read this installation
        "del os.environ['HOME'], os.environ['SLACK_TOKEN_TUI_HOME']\n"
        "os.setuid(54321)\n"
        "print(run())\n"
    )
    env = {**child_environment, "SLACK_TOKEN_TUI_HOME": "relative"}
    done = run_python(program, env=env)
    assert done.stdout.splitlines()[-1:] == ["[5, 5, 5, 5, 'home_unknown']"], done
    assert "54321" in done.stderr and "mistake" not in done.stderr


# ── settings ──

DAMAGE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "others can read it": (lambda path: path.chmod(0o644), "settings_exposed", "chmod 600"),
    "newer schema": (lambda path: path.write_text('{"schema": 99}'), "settings_too_new", "Update slack-token-tui"),
    "damaged": (lambda path: path.write_text("{"), "settings_unusable", "isn't valid JSON"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_settings_that_cannot_be_read_are_no_reason_to_use_the_defaults(
    saved_store: ProfileStore, child_environment: dict[str, str], damage: str
) -> None:
    """They may say that tokens go to the keyring."""
    saved_store.save_sign_in(*new_sign_in(user_id="U2"), "second")
    change_settings(saved_store.home, storage="keyring", default_profile="acme")
    path = saved_store.home / "settings.json"
    path.chmod(0o600)
    spoil, code, remedy = DAMAGE[damage]
    spoil(path)
    before = sorted(saved_store.home.rglob("*"))
    commands = [
        "login --client-id 1111111111.2222222222222 --scopes users:read --no-browser --json",
        "default --json",
        "token",
    ]
    outcomes = run_commands(commands, environment_of(saved_store, child_environment))
    for outcome in outcomes:
        assert outcome.code == 5 and str(path) in outcome.stderr and remedy in outcome.stderr, outcome
    assert [json.loads(outcome.stdout)["error"] for outcome in outcomes[:2]] == [code, code]
    assert [file for file in sorted(saved_store.home.rglob("*")) if file.suffix == ".json"] == [
        file for file in before if file.suffix == ".json"
    ]
    with pytest.raises(Exception, match=code):
        saved_store.save_sign_in(*new_sign_in(user_id="U3"))


def test_settings_that_cannot_be_read_do_not_stop_the_only_profile(
    saved_store: ProfileStore, child_environment: dict[str, str]
) -> None:
    (saved_store.home / "settings.json").write_text("{")
    done = run_command("token", env=environment_of(saved_store, child_environment))
    assert done.returncode == 0 and done.stdout == f"{CANARY}\n"


@pytest.mark.parametrize("command", ["refresh --all", "verify --all", "move --all --to file", "list", "token acme"])
def test_home_that_is_a_link_to_an_unmounted_disk_is_reported(
    child_environment: dict[str, str], tmp_path: Path, command: str
) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "vault")
    done = run_command(*command.split(), env={**child_environment, "SLACK_TOKEN_TUI_HOME": str(link)})
    assert done.returncode == 5 and f"{link} is a link to {tmp_path / 'vault'}" in done.stderr
    link.unlink()
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "slack-token-tui").symlink_to(tmp_path / "vault")
    environment = {**child_environment, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    del environment["SLACK_TOKEN_TUI_HOME"]
    done = run_command(*command.split(), env=environment)
    assert done.returncode == 5 and "store_link_broken" in done.stderr


def test_home_of_an_unknown_user_is_no_directory_called_tilde(child_environment: dict[str, str]) -> None:
    done = run_command("list", env={**child_environment, "SLACK_TOKEN_TUI_HOME": "~nobody-here/x", "HOME": "/home/me"})
    assert done.returncode == 5 and "such as /home/me/x" in done.stderr


def test_empty_home_variable_counts_as_unset(child_environment: dict[str, str]) -> None:
    environment = {**child_environment, "SLACK_TOKEN_TUI_HOME": "~/x", "HOME": ""}
    assert run_command("doctor", "--json", env=environment).stdout.count('"/x') == 0
