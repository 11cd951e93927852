"""Disks that are full, read-only, forbidden or without locks: valid tokens are printed, no refresh token is used up."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.store.profiles import ProfileStore
from tests.support.cli import COMMAND, run_command, unprivileged
from tests.support.practice import issue_profile
from tests.support.profiles import time_from_now

# Runs in a mount namespace: a small disk with three profiles, which the arguments then make unusable.
DISK_PROGRAM = """
import json, os, subprocess, sys
from pathlib import Path
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.store.profiles import ProfileStore
from tests.support.practice import issue_profile
from tests.support.profiles import time_from_now
from tests.support.store import read_tokens
home, spoil = Path(os.environ["SLACK_TOKEN_TUI_HOME"]), sys.argv[1:]
with PracticeSlack() as slack:
    store = ProfileStore(home)
    issue_profile(store, slack, "due")
    people = slack.workspace.people
    for name, expires_at in (("good", time_from_now(hours=5)), ("over", time_from_now(hours=-1))):
        slack.workspace.people = (type(people[0])("U0" + name.upper(), name), *people)
        issue_profile(store, slack, name, expires_at=expires_at)
    subprocess.run(spoil, check=False)
    before = {path.name: path.read_bytes() for path in (home / "profiles").iterdir()}
    answers = {}
    for name in ("good", "due", "over"):
        done = subprocess.run([sys.executable, "-m", "slack_token_tui", "token", name], capture_output=True, text=True)
        token = read_tokens(store, name).access_token.reveal()
        answers[name] = [done.returncode, done.stdout.strip() == token, done.stderr]
    print(json.dumps({"answers": answers, "asked": slack.workspace.calls["/api/oauth.v2.user.access"],
        "same": before == {path.name: path.read_bytes() for path in (home / "profiles").iterdir()}}))
"""


def can_mount() -> bool:
    trial = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(trial, check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="LOUD: no mount namespaces here, so no bad disk was tried")
@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        ("dd if=/dev/zero of={home}/filler bs=1k 2>/dev/null", "store_full"),
        ("mount -o remount,ro {home}", "store_unwritable"),
    ],
    ids=["full", "read-only"],
)
def test_unwritable_disk_serves_valid_tokens_and_uses_no_refresh_token(
    child_environment: dict[str, str], tmp_path: Path, spoil: str, code: str
) -> None:
    home = tmp_path / "disk"
    home.mkdir()
    environment = {**child_environment, "SLACK_TOKEN_TUI_HOME": str(home)}
    script = f'mount -t tmpfs -o size=600k,mode=0700 none {home} && exec "$@"'
    program = [sys.executable, "-c", DISK_PROGRAM, "sh", "-c", spoil.format(home=home)]
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", *program],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    answers = said["answers"]
    assert answers["good"] == [0, True, ""]
    assert answers["due"][:2] == [0, True] and code in answers["due"][2]
    assert answers["over"][:2] == [5, False] and code in answers["over"][2]
    assert (said["asked"], said["same"]) == (0, True)


@pytest.fixture
def slack_with_three_profiles(store: ProfileStore, slack: PracticeSlack) -> PracticeSlack:
    people = slack.workspace.people
    for name, expires_at in (
        ("good", time_from_now(hours=5)),
        ("due", time_from_now(minutes=1)),
        ("over", time_from_now(hours=-1)),
    ):
        slack.workspace.people = (type(people[0])(f"U0{name.upper()}", name), *people)
        issue_profile(store, slack, name, expires_at=expires_at)
    return slack


def test_valid_tokens_are_served_without_write_permission(
    store: ProfileStore, slack_with_three_profiles: PracticeSlack, child_environment: dict[str, str]
) -> None:
    command = unprivileged(COMMAND)
    for directory in ("locks", "profiles", "."):
        (store.home / directory).chmod(0o500)
    try:
        for name, code in (("good", 0), ("due", 0), ("over", 5)):
            done = subprocess.run(
                [*command, "token", name], capture_output=True, text=True, env=child_environment, check=False
            )
            assert done.returncode == code, done.stderr
            assert bool(done.stdout) == (code == 0)
    finally:
        for directory in (".", "profiles", "locks"):
            (store.home / directory).chmod(0o700)
    assert slack_with_three_profiles.workspace.calls["/api/oauth.v2.user.access"] == 0


def test_valid_tokens_are_served_without_locks_and_nothing_is_refreshed(
    store: ProfileStore, slack_with_three_profiles: PracticeSlack, child_environment: dict[str, str]
) -> None:
    if not shutil.which("strace"):
        pytest.skip("LOUD: no strace here, so a file system without locks could not be played")
    broken = ["strace", "-f", "-o", "/dev/null", "-e", "trace=flock,fcntl", "-e", "inject=flock:error=ENOLCK"]
    for name, code in (("good", 0), ("due", 0), ("over", 5)):
        command = [*broken, *COMMAND, "token", name]
        done = subprocess.run(command, capture_output=True, text=True, env=child_environment, timeout=60, check=False)
        assert done.returncode == code, done.stderr
        assert bool(done.stdout) == (code == 0)
    assert slack_with_three_profiles.workspace.calls["/api/oauth.v2.user.access"] == 0


@pytest.mark.parametrize("error", ["ENOLCK", "ENOSYS", "EOPNOTSUPP"])
def test_disk_without_locks_stops_a_sign_in_before_the_browser_opens(
    login_arguments: list[str], child_environment: dict[str, str], workspace: Workspace, error: str
) -> None:
    if not shutil.which("strace"):
        pytest.skip("LOUD: no strace here, so a file system without locks could not be played")
    broken = ["strace", "-f", "-o", "/dev/null", "-e", "trace=flock", "-e", f"inject=flock:error={error}"]
    command = [*broken, *COMMAND, "login", *login_arguments, "--json"]
    done = subprocess.run(
        command, stdin=subprocess.PIPE, capture_output=True, text=True, env=child_environment, timeout=60, check=False
    )
    assert done.returncode == 5, done.stderr
    assert json.loads(done.stdout)["error"] == "store_no_locks"
    assert "Open  " not in done.stderr and not workspace.calls


@pytest.fixture(scope="session")
def permissions_shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a library for LD_PRELOAD that plays a disk without permissions, such as a Windows drive in WSL."""
    if not shutil.which("gcc"):
        pytest.skip("LOUD: no gcc here, so a file system without permissions could not be played")
    directory = tmp_path_factory.mktemp("shim")
    (directory / "shim.c").write_text(PERMISSIONS_SHIM)
    library = directory / "shim.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, directory / "shim.c", "-ldl"], check=True)
    return library


PERMISSIONS_SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/types.h>
int chmod(const char *path, mode_t mode) { return 0; }
int fchmod(int descriptor, mode_t mode) { return 0; }
int mkdir(const char *path, mode_t mode) {
    int (*real)(const char *, mode_t) = dlsym(RTLD_NEXT, "mkdir");
    umask(0);
    return real(path, 0777);
}
int open64(const char *path, int flags, ...) {
    int (*real)(const char *, int, mode_t) = dlsym(RTLD_NEXT, "open64");
    umask(0);
    return real(path, flags, 0777);
}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="LOUD: LD_PRELOAD is tried on Linux only")
def test_disk_without_permissions_stops_a_sign_in_with_a_remedy_that_helps(
    login_arguments: list[str],
    child_environment: dict[str, str],
    workspace: Workspace,
    permissions_shim: Path,
    tmp_path: Path,
) -> None:
    home = tmp_path / "drive" / "slack-token-tui"
    home.parent.mkdir()
    env = {**child_environment, "SLACK_TOKEN_TUI_HOME": str(home), "LD_PRELOAD": str(permissions_shim)}
    done = run_command("login", *login_arguments, "--json", env=env)
    assert done.returncode == 5 and json.loads(done.stdout)["error"] == "store_ignores_permissions", done.stderr
    assert "SLACK_TOKEN_TUI_HOME" in done.stderr and "chmod" not in done.stderr
    assert not workspace.calls
    assert run_command("list", "--json", env=env).stdout == done.stdout, "later commands say the same"


def test_file_size_limit_is_detected_before_the_refresh_token_is_used(
    store: ProfileStore, slack_with_three_profiles: PracticeSlack, child_environment: dict[str, str]
) -> None:
    limited = 'ulimit -f 1; exec "$@"'
    command = ["sh", "-c", limited, "sh", *COMMAND, "token", "due"]
    done = subprocess.run(command, capture_output=True, text=True, env=child_environment, timeout=60, check=False)
    assert done.returncode == 0
    assert "store_" in done.stderr
    assert slack_with_three_profiles.workspace.calls["/api/oauth.v2.user.access"] == 0
    assert run_command("token", "due", env=child_environment).returncode == 0
    assert slack_with_three_profiles.workspace.calls["/api/oauth.v2.user.access"] == 1
