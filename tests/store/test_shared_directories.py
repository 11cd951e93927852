"""A directory that other users can write to is refused, and files that they could plant there do no harm."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import slack_token_tui as stt
from slack_token_tui.desktop.clipboard_clearing import record_newest
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.secret import Secret
from slack_token_tui.store import fallback_dir, hot_path, locks
from slack_token_tui.store.apps import SlackApp, load_app, save_app
from slack_token_tui.store.atomic_file import make_private_directory, read_own
from slack_token_tui.store.errors import ProfileError, StorageError
from slack_token_tui.store.journal import Journal
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.quarantine import list_quarantined, quarantine
from slack_token_tui.store.settings import change_settings, read_settings
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from tests.support.cli import STORE_COMMANDS as COMMANDS
from tests.support.cli import run_commands
from tests.support.practice import issue_profile
from tests.support.profiles import CANARY, new_sign_in
from tests.support.store import leave_journal

MODES = [0o777, 0o775, 0o722, 0o1777]


def set_mode(path: Path, mode: int) -> Path:
    path.chmod(mode)
    return path


@pytest.fixture
def saved_store(store: ProfileStore) -> ProfileStore:
    store.save_sign_in(*new_sign_in())
    return store


@pytest.mark.parametrize("directory", ["", "profiles"])
def test_commands_reject_a_directory_others_can_write_to(
    saved_store: ProfileStore, child_environment: dict[str, str], directory: str
) -> None:
    place = set_mode(saved_store.home / directory, 0o777)
    for command, outcome in zip(COMMANDS, run_commands(COMMANDS, child_environment), strict=True):
        assert outcome.code == 5, (command, outcome)
        assert f"chmod go-w {place}" in outcome.stderr, command
        assert CANARY not in outcome.stdout + outcome.stderr
        if "--json" in command:
            assert json.loads(outcome.stdout)["error"] == "store_exposed"


@pytest.mark.parametrize("mode", MODES)
def test_group_or_other_write_access_is_rejected_and_read_access_is_not(saved_store: ProfileStore, mode: int) -> None:
    set_mode(saved_store.home, mode)
    with pytest.raises(ProfileError, match="store_exposed"):
        saved_store.read("acme")
    set_mode(saved_store.home, 0o755)
    assert saved_store.read("acme").name == "acme"


def acquire_lock(store: ProfileStore) -> None:
    with locks.acquire(store.home / "locks", "acme"):
        pass


WRITERS: dict[str, Callable[[ProfileStore], object]] = {
    "locks": acquire_lock,
    "journal": lambda store: Journal(store.home, "x", in_keyring=False).reserve(),
    "apps": lambda store: save_app(store.home, SlackApp("1111111111.2222222222222")),
    "profiles": lambda store: store.save_sign_in(*new_sign_in(user_id="U9")),
}


def test_quarantine_avoids_a_directory_others_can_write_to(
    saved_store: ProfileStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (saved_store.home / "quarantine").mkdir(exist_ok=True)
    exposed = set_mode(saved_store.home / "quarantine", 0o777)
    quarantined = quarantine(saved_store.home, "x", Secret(CANARY), in_keyring=False)
    assert list(exposed.iterdir()) == []
    assert quarantined.path is not None and quarantined.path.parent == tmp_path / "slack-token-tui"
    assert list_quarantined(saved_store.home, "x", in_keyring=False) == [quarantined]


@pytest.mark.parametrize("name", WRITERS)
def test_nothing_is_written_to_a_directory_others_can_write_to(saved_store: ProfileStore, name: str) -> None:
    (saved_store.home / name).mkdir(exist_ok=True)
    before = sorted(set_mode(saved_store.home / name, 0o777).iterdir())
    with pytest.raises(StorageError, match="store_exposed"):
        WRITERS[name](saved_store)
    assert sorted((saved_store.home / name).iterdir()) == before


@pytest.mark.parametrize("name", WRITERS)
def test_check_writable_rejects_a_directory_others_can_write_to(saved_store: ProfileStore, name: str) -> None:
    (saved_store.home / name).mkdir(exist_ok=True)
    set_mode(saved_store.home / name, 0o777)
    with pytest.raises(StorageError, match="store_exposed"):
        saved_store.check_writable()


def test_settings_and_apps_in_a_directory_others_can_write_to_are_not_trusted(saved_store: ProfileStore) -> None:
    change_settings(saved_store.home, default_profile="acme")
    save_app(saved_store.home, SlackApp("1111111111.2222222222222", browser="firefox"))
    set_mode(saved_store.home, 0o777)
    assert read_settings(saved_store.home) == {}
    with pytest.raises(ProfileError, match="store_exposed"):
        hot_path.default_name(str(saved_store.home))
    with pytest.raises(StorageError):
        load_app(saved_store.home, "1111111111.2222222222222")
    with pytest.raises(StorageError):
        change_settings(saved_store.home, theme="x")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files to another user")
@pytest.mark.parametrize("directory", ["", "profiles"])
def test_directory_owned_by_another_user_is_rejected(saved_store: ProfileStore, directory: str) -> None:
    os.chown(saved_store.home / directory, 1002, -1)
    with pytest.raises(ProfileError, match="store_not_ours"):
        saved_store.read("acme")


@pytest.mark.parametrize("name", ["profiles", "locks", "journal"])
def test_link_in_place_of_a_directory_is_rejected(saved_store: ProfileStore, tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    if (saved_store.home / name).exists():
        (saved_store.home / name).rename(tmp_path / "moved")
    (saved_store.home / name).symlink_to(elsewhere)
    with pytest.raises(StorageError, match="store_not_a_directory"):
        make_private_directory(saved_store.home / name)


def test_home_may_be_a_link_if_only_the_owner_can_replace_it(saved_store: ProfileStore, tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir(mode=0o700)
    link = tmp_path / "dotfiles" / "slack-token-tui"
    link.symlink_to(saved_store.home)
    assert ProfileStore(link).read("acme").name == "acme"
    set_mode(link.parent, 0o777)
    with pytest.raises(ProfileError, match="store_exposed") as caught:
        ProfileStore(link).read("acme")
    assert caught.value.facts["file"] == str(link.parent)


def test_library_error_names_the_directory_and_the_fix(
    saved_store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_TOKEN_TUI_HOME", str(saved_store.home))
    set_mode(saved_store.home, 0o777)
    calls: list[Callable[[], object]] = [lambda: stt.token("acme"), stt.token, stt.profiles, stt.bearer("acme")]
    for call in calls:
        with pytest.raises(stt.StoreUnusable, match="chmod go-w"):
            call()


# ── files that other users planted ──


def test_pipe_in_place_of_a_journal_does_not_block(store: ProfileStore, slack: PracticeSlack) -> None:
    before = issue_profile(store, slack)
    (store.home / "journal").mkdir(mode=0o700)
    os.mkfifo(store.home / "journal" / f"{before.id}.journal")
    done = threading.Event()

    def run_refresh() -> None:
        refresh_in_process(store, "acme")
        done.set()

    threading.Thread(target=run_refresh, daemon=True).start()
    assert done.wait(60), "it waits for somebody to write into the pipe"
    assert store.read("acme").generation == before.generation + 1


@pytest.mark.parametrize("kind", ["pipe", "link", "directory", "socket"])
def test_only_regular_files_are_read(tmp_path: Path, kind: str) -> None:
    import socket

    path, secret = tmp_path / "file", tmp_path / "secret"
    secret.write_text(CANARY)
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "link":
            path.symlink_to(secret)
        case "directory":
            path.mkdir()
        case "socket":
            with socket.socket(socket.AF_UNIX) as bound:
                bound.bind(str(path))
    with pytest.raises(OSError):
        read_own(path, 100)


@pytest.mark.parametrize(
    "header",
    [
        b'{"length": 1e999, "sha256": "x"}',
        b'{"length": Infinity, "sha256": "x"}',
        b'{"length": -5, "sha256": "x"}',
        b'{"length": ' + b"9" * 100 + b', "sha256": "x"}',
        b"[" * 128,
        b"{" * 128,
        b"[]",
        b"null",
        b'{"length": NaN, "sha256": 5}',
        b"\xff" * 128,
    ],
    ids=repr,
)
@pytest.mark.parametrize("slot", ["intent", "answer"])
def test_damaged_journal_entry_is_ignored(store: ProfileStore, slack: PracticeSlack, header: bytes, slot: str) -> None:
    before = issue_profile(store, slack)
    journal = leave_journal(store, before, b'{"ok": true}', hours_ago=0)
    content = bytearray(journal.path.read_bytes())
    start, size = (0, 1024) if slot == "intent" else (1024, 128)
    content[start : start + size] = header[:size].ljust(size)
    journal.path.write_bytes(content)
    found = Journal(store.home, before.id, in_keyring=False).read()
    assert found is None if slot == "intent" else (found is not None and found.response is None)
    assert refresh_in_process(store, "acme").refreshed


def test_deeply_nested_journal_entry_is_ignored(store: ProfileStore) -> None:
    (store.home / "journal").mkdir(parents=True)
    path = store.home / "journal" / "x.journal"
    path.write_bytes(b"[" * 190_000)
    assert Journal(store.home, "x", in_keyring=False).read() is None


def test_planted_link_does_not_make_copy_overwrite_a_file(tmp_path: Path) -> None:
    victim, newest = tmp_path / "victim", tmp_path / "clipboard-native"
    victim.write_text("precious")
    newest.symlink_to(victim)
    record_newest(str(newest), "abc")
    assert victim.read_text() == "precious"
    assert newest.read_text() == "abc" and not newest.is_symlink()


# ── directories that we create ──


def test_first_run_creates_private_directories_with_any_umask(tmp_path: Path) -> None:
    program = "import os; os.umask(0); from slack_token_tui.store.profiles import ProfileStore; ProfileStore().check_writable()"
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "PATH": os.environ["PATH"]}
    for name in ("SLACK_TOKEN_TUI_HOME", "XDG_CONFIG_HOME"):
        environment.pop(name, None)
    (tmp_path / "home").mkdir(mode=0o755)
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    made = [path for path in (tmp_path / "home").rglob("*") if path.is_dir()]
    assert tmp_path / "home" / ".config" in made
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o700}


@pytest.mark.parametrize("planted", ["a directory of others", "a file", "a link"])
def test_fallback_uses_another_directory_if_the_usual_one_is_unsafe(
    store: ProfileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: str
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (usual,) = fallback_dir.fallback_dirs()
    if planted == "a file":
        usual.write_text("")
    elif planted == "a link":
        (tmp_path / "elsewhere").mkdir()
        usual.symlink_to(tmp_path / "elsewhere")
    else:
        usual.mkdir()
        usual.chmod(0o777)
    path = fallback_dir.save_tokens_to_fallback(store.home, *new_sign_in())
    assert path.parent != usual and CANARY in path.read_text()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert fallback_dir.list_fallback_files(store.home) == [path]


def test_fallback_files_of_another_home_are_not_listed(
    store: ProfileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    mine = fallback_dir.save_tokens_to_fallback(store.home, *new_sign_in())
    theirs = fallback_dir.save_tokens_to_fallback(tmp_path / "demo", *new_sign_in())
    assert fallback_dir.list_fallback_files(store.home) == [mine]
    assert fallback_dir.list_fallback_files(tmp_path / "demo") == [theirs]
