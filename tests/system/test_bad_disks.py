"""Disks that are full, read-only, forbidden or without locks: living tokens are served, no refresh token is spent."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.store.profiles import ProfileStore
from tests.cli.test_commands import run
from tests.support.profiles import in_
from tests.support.refreshable import granted

# In a mount namespace of its own: a small disk, three profiles on it, and the disk made bad.
ON_A_DISK = """
import json, os, subprocess, sys
from pathlib import Path
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.store.profiles import ProfileStore
from tests.support.profiles import in_
from tests.support.refreshable import granted
home, spoil = Path(os.environ["SLACK_TOKEN_TUI_HOME"]), sys.argv[1:]
with PracticeSlack() as slack:
    store = ProfileStore(home)
    granted(store, slack, "due")
    people = slack.workspace.people
    for name, expires_at in (("good", in_(hours=5)), ("over", in_(hours=-1))):
        slack.workspace.people = (type(people[0])("U0" + name.upper(), name), *people)
        granted(store, slack, name, expires_at=expires_at)
    subprocess.run(spoil, check=False)
    before = {path.name: path.read_bytes() for path in (home / "profiles").iterdir()}
    answers = {}
    for name in ("good", "due", "over"):
        done = subprocess.run([sys.executable, "-m", "slack_token_tui", "token", name], capture_output=True, text=True)
        answers[name] = [done.returncode, done.stdout.strip() == store.read(name).access_token.reveal(), done.stderr]
    print(json.dumps({"answers": answers, "asked": slack.workspace.calls["/api/oauth.v2.user.access"],
        "same": before == {path.name: path.read_bytes() for path in (home / "profiles").iterdir()}}))
"""


def namespaces_work() -> bool:
    trial = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(trial, check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not namespaces_work(), reason="LOUD: no mount namespaces here, so no bad disk was tried")
@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        ("dd if=/dev/zero of={home}/filler bs=1k 2>/dev/null", "store_full"),
        ("mount -o remount,ro {home}", "store_unwritable"),
    ],
    ids=["full", "read-only"],
)
def test_a_disk_that_cannot_be_written_serves_what_is_alive_and_spends_nothing(
    child_environment: dict[str, str], tmp_path: Path, spoil: str, code: str
) -> None:
    home = tmp_path / "disk"
    home.mkdir()
    environment = {**child_environment, "SLACK_TOKEN_TUI_HOME": str(home)}
    script = f'mount -t tmpfs -o size=600k,mode=0700 none {home} && exec "$@"'
    program = [sys.executable, "-c", ON_A_DISK, "sh", "-c", spoil.format(home=home)]
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
def three(store: ProfileStore, slack: PracticeSlack) -> PracticeSlack:
    people = slack.workspace.people
    for name, expires_at in (("good", in_(hours=5)), ("due", in_(minutes=1)), ("over", in_(hours=-1))):
        slack.workspace.people = (type(people[0])(f"U0{name.upper()}", name), *people)
        granted(store, slack, name, expires_at=expires_at)
    return slack


def test_without_permission_to_write_living_tokens_are_served(
    store: ProfileStore, three: PracticeSlack, child_environment: dict[str, str]
) -> None:
    # root may write everywhere; without that one capability it may not.
    allowed = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if allowed and not shutil.which("setpriv"):
        pytest.skip("LOUD: running as root without setpriv, so permissions could not be tried")
    for directory in ("locks", "profiles", "."):
        (store.home / directory).chmod(0o500)
    try:
        for name, code in (("good", 0), ("due", 0), ("over", 5)):
            command = [*allowed, sys.executable, "-m", "slack_token_tui", "token", name]
            done = subprocess.run(command, capture_output=True, text=True, env=child_environment, check=False)
            assert done.returncode == code, done.stderr
            assert bool(done.stdout) == (code == 0)
    finally:
        for directory in (".", "profiles", "locks"):
            (store.home / directory).chmod(0o700)
    assert three.workspace.calls["/api/oauth.v2.user.access"] == 0


def test_without_locks_living_tokens_are_served_and_nothing_is_refreshed(
    store: ProfileStore, three: PracticeSlack, child_environment: dict[str, str]
) -> None:
    if not shutil.which("strace"):
        pytest.skip("LOUD: no strace here, so a file system without locks could not be played")
    broken = ["strace", "-f", "-o", "/dev/null", "-e", "trace=flock,fcntl", "-e", "inject=flock:error=ENOLCK"]
    for name, code in (("good", 0), ("due", 0), ("over", 5)):
        command = [*broken, sys.executable, "-m", "slack_token_tui", "token", name]
        done = subprocess.run(command, capture_output=True, text=True, env=child_environment, timeout=60, check=False)
        assert done.returncode == code, done.stderr
        assert bool(done.stdout) == (code == 0)
    assert three.workspace.calls["/api/oauth.v2.user.access"] == 0


def test_a_full_file_size_limit_is_met_before_anything_is_spent(
    store: ProfileStore, three: PracticeSlack, child_environment: dict[str, str]
) -> None:
    limited = 'ulimit -f 1; exec "$@"'
    command = ["sh", "-c", limited, "sh", sys.executable, "-m", "slack_token_tui", "token", "due"]
    done = subprocess.run(command, capture_output=True, text=True, env=child_environment, timeout=60, check=False)
    assert done.returncode == 0
    assert "store_" in done.stderr
    assert three.workspace.calls["/api/oauth.v2.user.access"] == 0
    assert run("token", "due", env=child_environment).returncode == 0
    assert three.workspace.calls["/api/oauth.v2.user.access"] == 1
