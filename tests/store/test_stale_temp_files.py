"""Temporary files of dead processes hold tokens. They are removed together with their profile."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from slack_token_tui.store.atomic_file import remove_temp_files_of_dead_processes
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.rename import rename
from slack_token_tui.tokens.revoke import remove_profile
from tests.support.profiles import CANARY, new_sign_in
from tests.support.store import find_files_with


@pytest.fixture(scope="module")
def exited_pid() -> int:
    """Return the ID of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def leave_temp_file(directory: Path, stem: str, pid: int, *, hours: float = 0) -> Path:
    directory.mkdir(mode=0o700, exist_ok=True)
    path = directory / f".{stem}.{pid}.0123abcd.tmp"
    path.write_text(CANARY)
    path.chmod(0o600)
    os.utime(path, (path.stat().st_mtime - hours * 3600,) * 2)
    return path


def test_rename_removes_stale_temp_files_of_both_names(store: ProfileStore, exited_pid: int) -> None:
    store.save_sign_in(*new_sign_in())
    old, new = (leave_temp_file(store.home / "profiles", name, exited_pid) for name in ("acme", "work"))
    rename(store, "acme", "work")
    assert not old.exists() and not new.exists()
    assert find_files_with(store.home, CANARY) == [store.path("work")]


def test_remove_leaves_no_file_with_the_token(store: ProfileStore, exited_pid: int) -> None:
    saved = store.save_sign_in(*new_sign_in()).profile
    leave_temp_file(store.home / "profiles", "acme", exited_pid)
    leave_temp_file(store.home / "quarantine", f"acme.{saved.id}.20261101T030000Z", exited_pid)
    leave_temp_file(store.home / "quarantine", f"older-name.{saved.id}.20261101T030000Z", exited_pid)
    remove_profile(store, "acme", keep_grant=True)
    assert find_files_with(store.home, CANARY) == []


def test_check_writable_removes_temp_files_of_exited_processes_after_an_hour(
    store: ProfileStore, exited_pid: int
) -> None:
    store.check_writable()
    gone = [
        leave_temp_file(store.home / name, "elsewhere", exited_pid, hours=2)
        for name in ("profiles", "apps", "quarantine")
    ]
    young = leave_temp_file(store.home / "profiles", "young", exited_pid)
    alive = leave_temp_file(store.home / "profiles", "alive", os.getpid(), hours=2)
    store.check_writable()
    assert not any(path.exists() for path in gone)
    assert young.exists() and alive.exists()


@pytest.mark.parametrize(
    "name", [".x.99999999999999999999.ab.tmp", ".x.-1.ab.tmp", ".x.1.tmp", "x.1.ab.tmp", ".gitignore"]
)
def test_only_temp_file_names_are_removed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("")
    os.utime(path, (0, 0))
    remove_temp_files_of_dead_processes(tmp_path)
    assert path.exists() is (name != ".x.99999999999999999999.ab.tmp")
