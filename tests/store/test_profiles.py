"""Profiles on disk: written whole, private, never overwritten by another account, and reported if unusable."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.secret import Secret
from slack_token_tui.store import atomic_file, hot_path
from slack_token_tui.store.errors import ProfileError, StorageError
from slack_token_tui.store.hot_path import resolve_name
from slack_token_tui.store.names import candidate_names
from slack_token_tui.store.profiles import ProfileStore, UnreadableProfile
from slack_token_tui.store.settings import change_settings, read_settings
from slack_token_tui.tokens.rename import rename
from tests.support.cli import unprivileged
from tests.support.faults import raise_disk_full
from tests.support.practice import issue_profile
from tests.support.profiles import CANARY, new_sign_in, profile, time_from_now
from tests.support.rounds import Rounds
from tests.support.store import change_profile, read_tokens


def read_mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_files_and_directories_are_private_with_any_umask(store: ProfileStore, umask: int) -> None:
    before = os.umask(umask)
    try:
        saved = store.save_sign_in(*new_sign_in())
    finally:
        os.umask(before)
    assert read_mode(saved.path) == 0o600
    for directory in (store.home, store.home / "profiles", store.home / "locks"):
        assert read_mode(directory) == 0o700
    assert all(read_mode(lock) == 0o600 for lock in (store.home / "locks").iterdir())
    assert (store.home / ".gitignore").read_text() == "*\n"


def test_profile_round_trips_with_unknown_keys(store: ProfileStore) -> None:
    original, tokens = new_sign_in(
        refresh_token=Secret("xoxe-1-canary"),
        refresh_issued_at=time_from_now(),
        expires_at=time_from_now(hours=12),
        extra={"x-future": [1]},
    )
    saved = store.save_sign_in(original, tokens)
    assert store.read_with_tokens(saved.profile.name) == (saved.profile, tokens)
    assert saved.profile == original.with_masks(tokens)
    assert json.loads(saved.path.read_text())["x-future"] == [1]


def test_same_account_is_updated_in_place_and_unknown_keys_are_preserved(store: ProfileStore) -> None:
    first = store.save_sign_in(*new_sign_in(extra={"x-future": 1}), "work").profile
    again = store.save_sign_in(*new_sign_in(access_token=Secret("xoxp-canary-renewed")))
    assert again.replaced
    assert again.profile.name == "work"
    assert again.profile.id == first.id
    assert store.read("work").extra == {"x-future": 1}
    assert store.names() == ["work"]


@pytest.mark.parametrize(
    "other",
    [
        {"user_id": "U2"},
        {"team_id": "T2"},
        {"enterprise_id": "E1"},
        {"client_id": "3.4"},
        {"user_id": None},
        {"client_id": ""},
    ],
)
def test_another_account_never_replaces_a_profile(store: ProfileStore, other: dict[str, str]) -> None:
    before = store.save_sign_in(*new_sign_in()).path.read_bytes()
    saved = store.save_sign_in(*new_sign_in(**other), "acme")
    assert saved.profile.name != "acme"
    assert saved.taken_name == "acme"
    assert store.path("acme").read_bytes() == before


def test_names_come_from_the_workspace_then_the_user_then_a_number() -> None:
    names = candidate_names(profile())
    assert [next(names) for _ in range(4)] == ["acme", "acme-jane", "acme-2", "acme-3"]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"workspace_url": "https://acme.enterprise.slack.com/"}, "acme"),
        ({"workspace_url": None, "team_name": "Ünïcode & Söhne GmbH"}, "unicode-sohne-gmbh"),
        ({"workspace_url": None, "team_name": "株式会社"}, "t1"),
        ({"workspace_url": "https://con.slack.com/"}, "con-slack"),
        ({"workspace_url": None, "team_name": None, "team_id": None}, "slack"),
        ({"workspace_url": f"https://{'a' * 60}.slack.com/"}, "a" * 48),
    ],
)
def test_every_workspace_gets_a_valid_profile_name(changes: dict[str, object], name: str) -> None:
    proposed = next(candidate_names(profile(**changes)))
    assert proposed == name
    assert hot_path.is_valid_name(proposed)


@pytest.mark.parametrize("name", ["", "A", "a/b", "..", ".a", "-a", "a b", "con", "nul.txt", "a" * 65, "é", "a\n"])
def test_names_that_are_not_portable_file_names_are_invalid(name: str) -> None:
    assert not hot_path.is_valid_name(name)


def make_world_readable(path: Path) -> None:
    path.chmod(0o644)


def replace_with_link(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def replace_with_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def replace_with_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_with_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def give_to_another_user(path: Path) -> None:
    os.chown(path, 12345, 12345)


def write_content(text: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(text) and None


VALID_RECORD = {"schema": 1, "client_id": "1.2", "access_token": CANARY}
DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "world-readable": (make_world_readable, "profile_exposed"),
    "a link": (replace_with_link, "profile_not_a_file"),
    "a dangling link": (replace_with_dangling_link, "profile_not_a_file"),
    "a directory": (replace_with_directory, "profile_not_a_file"),
    "a pipe": (replace_with_pipe, "profile_not_a_file"),
    "empty": (write_content(""), "profile_unreadable"),
    "cut": (write_content('{"schema": 1, "acc'), "profile_unreadable"),
    "a list": (write_content("[]"), "profile_unreadable"),
    "deep": (write_content("[" * 50_000), "profile_unreadable"),
    "huge": (write_content(json.dumps(VALID_RECORD) + " " * 140_000), "profile_unreadable"),
    "no token": (write_content(json.dumps({**VALID_RECORD, "access_token": None})), "profile_unreadable"),
    "a token with an escape": (
        write_content(json.dumps({**VALID_RECORD, "access_token": "xoxp-\x1b[2J"})),
        "profile_unreadable",
    ),
    "a number for a name": (write_content(json.dumps({**VALID_RECORD, "team_name": 7})), "profile_unreadable"),
    "a bad time": (write_content(json.dumps({**VALID_RECORD, "expires_at": "soon"})), "profile_unreadable"),
    "an id that leads elsewhere": (write_content(json.dumps({**VALID_RECORD, "id": "../../x"})), "profile_unreadable"),
    "a refresh token with a line end": (
        write_content(json.dumps({**VALID_RECORD, "refresh_token": "xoxe-1-practice\n"})),
        "profile_unreadable",
    ),
    "a time at the end of days": (
        write_content(json.dumps({**VALID_RECORD, "refresh_issued_at": "9999-12-31T00:00:00Z"})),
        "profile_unreadable",
    ),
    "half a character": (write_content(json.dumps({**VALID_RECORD, "x-note": "\ud800"})), "profile_unreadable"),
    "more than can be saved": (
        write_content(json.dumps({**VALID_RECORD, "x-many": [1] * 20_000})),
        "profile_unreadable",
    ),
    "http elsewhere": (
        write_content(json.dumps({**VALID_RECORD, "slack": "http://evil.example"})),
        "profile_unreadable",
    ),
    "a text for a schema": (write_content(json.dumps({**VALID_RECORD, "schema": "1"})), "profile_unreadable"),
    "newer": (write_content(json.dumps({**VALID_RECORD, "schema": 999})), "profile_too_new"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_unusable_file_is_reported_unchanged_and_does_not_affect_others(store: ProfileStore, damage: str) -> None:
    path = store.save_sign_in(*new_sign_in()).path
    store.save_sign_in(*new_sign_in(user_id="U2"), "other")
    inflict, code = DAMAGE[damage]
    inflict(path)
    before = path.read_bytes() if path.is_file() else None
    entries = {entry.name: entry for entry in store.entries()}
    bad = entries["acme"]
    assert isinstance(bad, UnreadableProfile)
    assert bad.error.code == code
    assert not isinstance(entries["other"], UnreadableProfile)
    assert store.save_sign_in(*new_sign_in(), "acme").profile.name != "acme"
    assert (path.read_bytes() if path.is_file() else None) == before
    assert os.path.lexists(path)


def test_file_without_an_id_gets_a_stable_id(store: ProfileStore) -> None:
    """A file without an ID was written by hand. A journal that a crash left must still be found by that ID."""
    path = store.save_sign_in(*new_sign_in()).path
    path.write_text(json.dumps(VALID_RECORD))
    assert store.read("acme").id == store.read("acme").id


def test_largest_readable_profile_can_be_saved_and_read_again(store: ProfileStore) -> None:
    path = store.save_sign_in(*new_sign_in()).path
    long, unknown = "\U0001f600" * 300, {"x-future": ["a"] * 2_000}
    texts = dict.fromkeys(("app_name", "team_name", "user_name", "enterprise_name", "workspace_url"), long)
    scopes = ["\U0001f600" * 80] * 255
    record = {
        **VALID_RECORD,
        **texts,
        **unknown,
        "scopes": [*scopes[:50], *["b"] * 205],
        "refresh_token": "xoxe-practice" * 300,
    }
    path.write_text(json.dumps(record, ensure_ascii=False))
    tokens = replace(read_tokens(store), access_token=Secret("xoxp-practice" * 300))
    change_profile(store, tokens=tokens, scopes=tuple(scopes))
    assert read_tokens(store) == tokens
    assert store.read("acme").extra == unknown


@pytest.mark.skipif(os.geteuid() != 0, reason="LOUD: giving a file to somebody else needs root")
def test_file_owned_by_another_user_is_not_trusted(store: ProfileStore) -> None:
    path = store.save_sign_in(*new_sign_in()).path
    give_to_another_user(path)
    with pytest.raises(ProfileError) as caught:
        store.read("acme")
    assert caught.value.code == "profile_not_ours"


def test_full_disk_leaves_the_old_file_and_no_temp_file(store: ProfileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = store.save_sign_in(*new_sign_in())
    before = saved.path.read_bytes()

    monkeypatch.setattr(atomic_file.os, "write", raise_disk_full)
    with pytest.raises(StorageError) as caught:
        store.save_sign_in(*new_sign_in(access_token=Secret("xoxp-canary-new")))
    assert caught.value.code == "store_full"
    assert saved.path.read_bytes() == before
    assert [path.name for path in saved.path.parent.iterdir()] == ["acme.json"]


def test_stale_temp_file_is_removed_on_the_next_save(store: ProfileStore) -> None:
    path = store.save_sign_in(*new_sign_in()).path
    left_over = path.with_name(".acme.999999.dead.tmp")
    left_over.write_text(CANARY)
    store.save_sign_in(*new_sign_in())
    assert not left_over.exists()


def test_temp_file_of_a_profile_with_the_same_prefix_is_not_removed(store: ProfileStore) -> None:
    store.save_sign_in(*new_sign_in())
    neighbors = store.home / "profiles" / ".acme.eu.4242.deadbeef.tmp"
    neighbors.write_text(CANARY)
    store.save_sign_in(*new_sign_in())
    assert neighbors.exists()


def test_workspace_name_that_starts_like_a_token_is_saved_and_found(store: ProfileStore) -> None:
    for number in range(2):
        saved = store.save_sign_in(*new_sign_in(user_id=f"U{number}", workspace_url="https://xoxo.slack.com/"))
        assert saved.profile.name in store.names()
        assert resolve_name(str(store.home), saved.profile.name) == saved.profile.name


SAVING_PROGRAM = """
import sys
from pathlib import Path
from slack_token_tui.store.profiles import ProfileStore
from tests.support.profiles import new_sign_in
store = ProfileStore(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    store.save_sign_in(*new_sign_in())
"""


def test_process_killed_while_saving_leaves_an_intact_file(store: ProfileStore, rounds: Rounds) -> None:
    store.save_sign_in(*new_sign_in())
    times = rounds(12, 200)
    for _ in range(times):
        child = subprocess.Popen([sys.executable, "-c", SAVING_PROGRAM, str(store.home)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(random.random() * 0.03)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert read_tokens(store).access_token.reveal() == CANARY
    rounds.report(f"kill -9 while saving: {times} kills, {times} whole files")


def test_concurrent_processes_never_use_the_same_name(store: ProfileStore) -> None:
    program = (
        "import sys; from pathlib import Path; from slack_token_tui.store.profiles import ProfileStore;"
        "from tests.support.profiles import new_sign_in; ProfileStore(Path(sys.argv[1])).save_sign_in(*new_sign_in(user_id=sys.argv[2]))"
    )
    children = [subprocess.Popen([sys.executable, "-c", program, str(store.home), f"U{n}"]) for n in range(8)]
    assert [child.wait() for child in children] == [0] * 8
    assert len(store.names()) == 8


def test_concurrent_first_sign_ins_of_one_account_create_one_profile(store: ProfileStore) -> None:
    program = (
        "import sys; from pathlib import Path; from slack_token_tui.store.profiles import ProfileStore;"
        "from tests.support.profiles import new_sign_in; sys.stdin.readline(); ProfileStore(Path(sys.argv[1])).save_sign_in(*new_sign_in())"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", program, str(store.home)], stdin=subprocess.PIPE) for _ in range(8)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
    assert [child.wait() for child in children] == [0] * 8
    assert store.names() == ["acme"]


def test_settings_preserve_unknown_keys(home: Path) -> None:
    change_settings(home, default_profile="acme")
    record = json.loads((home / "settings.json").read_text())
    (home / "settings.json").write_text(json.dumps({**record, "x-future": 1}))
    change_settings(home, last_app="1.2")
    assert json.loads((home / "settings.json").read_text())["x-future"] == 1
    assert read_settings(home) == {"default_profile": "acme", "last_app": "1.2"}


def test_directory_that_cannot_be_synced_is_not_an_error_after_the_file_is_replaced(
    store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Callers take an error to mean that the old file is there, and then delete what only the new one refers to."""
    saved = store.save_sign_in(*new_sign_in()).profile
    opened = os.open

    def refuse_directories(path: Any, flags: int, *mode: int) -> int:
        if flags & os.O_DIRECTORY:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(path, flags, *mode)

    monkeypatch.setattr(os, "open", refuse_directories)
    assert change_profile(store, saved.name, user_name="new").user_name == "new"
    assert rename(store, saved.name, "renamed").name == "renamed"


@pytest.mark.parametrize("name", ["../evil", "", "a/b", ".."])
def test_invalid_name_is_rejected_before_anything_is_written(store: ProfileStore, name: str) -> None:
    with pytest.raises(StorageError, match="profile_name_invalid"):
        store.check_writable(name)
    with pytest.raises(StorageError, match="profile_name_invalid"):
        store.save_sign_in(*new_sign_in(), name)
    assert not store.home.exists()


def test_file_that_vanishes_during_a_removal_counts_as_removed(store: ProfileStore, slack: PracticeSlack) -> None:
    issue_profile(store, slack)
    with store.lock("acme") as locked:
        store.path("acme").unlink()
        locked.delete()


def test_token_that_slack_refuses_replaces_no_good_one(store: ProfileStore) -> None:
    good, tokens = new_sign_in()
    store.save_sign_in(good, tokens, "acme")
    saved = store.save_sign_in(*new_sign_in(refused="token_revoked"), "acme")
    assert not saved.replaced and saved.profile.name != "acme" and saved.profile.refused
    assert store.read_with_tokens("acme")[1] == tokens
    again = store.save_sign_in(*new_sign_in(), "acme")
    assert again.replaced and again.profile.name == "acme", "the next good one goes where the good one is"


def test_lock_of_another_user_is_found_before_the_browser_opens(store: ProfileStore) -> None:
    if os.geteuid() != 0:
        pytest.skip("LOUD: only root can give a file away")
    store.save_sign_in(*new_sign_in(), "acme")
    lock = store.home / "locks" / "acme.lock"
    lock.chmod(0o600)
    os.chown(lock, 65534, 65534)
    program = "import sys; from pathlib import Path; from slack_token_tui.store.profiles import ProfileStore; ProfileStore(Path(sys.argv[1])).check_writable('acme')"
    done = subprocess.run(
        unprivileged([sys.executable, "-c", program, str(store.home)]), capture_output=True, text=True, check=False
    )
    assert "store_no_access" in done.stderr
