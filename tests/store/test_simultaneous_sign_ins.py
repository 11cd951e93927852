"""Writers at once: two sign-ins of one account, and changes that must not overwrite a refresh."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import EndpointVariant
from slack_token_tui.store.journal import Journal, RefreshIntent, token_digest
from slack_token_tui.store.profile import Profile, Tokens
from slack_token_tui.store.profiles import ProfileStore
from tests.support.profiles import NOW, make_rotating_token, new_sign_in, time_from_now
from tests.support.store import leave_journal, read_tokens
from tests.support.waiting import wait_until

SIGN_IN_PROGRAM = """
import os, sys, time
from pathlib import Path
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store import locks
import filelock
from tests.support.profiles import new_sign_in
home, name, ready, start = sys.argv[1:]
Path(ready).touch()
while not os.path.exists(start):
    time.sleep(0.001)
print(ProfileStore(Path(home)).save_sign_in(*new_sign_in(), name).profile.name)
"""
"""A sign-in that starts when the file ``start`` appears."""


def test_two_first_sign_ins_of_one_account_make_one_profile(store: ProfileStore, tmp_path: Path) -> None:
    for attempt in range(5):
        home, start = tmp_path / f"home{attempt}", tmp_path / f"start{attempt}"
        names = ["alpha", "beta", "gamma"]
        ready = [tmp_path / f"{name}{attempt}" for name in names]
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", SIGN_IN_PROGRAM, str(home), name, str(flag), str(start)],
                stdout=subprocess.PIPE,
                text=True,
                cwd=Path(__file__).parents[2],
            )
            for name, flag in zip(names, ready, strict=True)
        ]
        assert wait_until(lambda ready=ready: all(flag.exists() for flag in ready))  # type: ignore[misc]
        start.touch()
        said = {process.communicate(timeout=60)[0].strip() for process in processes}
        assert len(said) == 1 and ProfileStore(home).names() == list(said)


def test_update_changes_the_profile_and_keeps_its_tokens(store: ProfileStore) -> None:
    saved = store.save_sign_in(*new_sign_in()).profile
    tokens = read_tokens(store)
    updated = store.update("acme", saved.generation, lambda profile: replace(profile, refused="token_revoked"))
    assert updated.refused == "token_revoked"
    assert (store.read("acme"), read_tokens(store)) == (updated, tokens)


def test_update_about_older_tokens_changes_nothing(store: ProfileStore) -> None:
    saved = store.save_sign_in(*new_sign_in()).profile
    with store.lock("acme") as locked:
        locked.save(replace(saved, generation=1), Tokens(Secret("xoxp-canary-newer-00000")))
    current = store.update("acme", saved.generation, lambda profile: replace(profile, refused="token_revoked"))
    assert current.generation == 1 and store.read("acme").refused is None


def test_update_finishes_an_interrupted_refresh_first(store: ProfileStore) -> None:
    new = new_sign_in(
        refresh_token=Secret("xoxe-1-canary-refresh-0000"),
        refresh_issued_at=time_from_now(hours=-3),
        expires_at=time_from_now(hours=9),
    )
    saved = store.save_sign_in(*new).profile
    access_token = make_rotating_token("canary-from-journal")
    tokens = {"access_token": access_token, "refresh_token": "xoxe-1-canary-next"}
    leave_journal(store, saved, json.dumps({"ok": True, **tokens, "expires_in": 43200}).encode())
    current = store.update("acme", saved.generation, lambda profile: replace(profile, refused="token_revoked"))
    assert current.refused is None, "what was known of the older token says nothing about the new one"
    assert read_tokens(store).access_token.reveal() == access_token
    assert current.generation == saved.generation + 1


def test_update_that_changes_nothing_writes_nothing(store: ProfileStore) -> None:
    saved = store.save_sign_in(*new_sign_in())
    before = saved.path.stat()
    store.update("acme", 0, lambda profile: profile)
    assert saved.path.stat().st_ino == before.st_ino


def test_profile_holds_no_token() -> None:
    profile, tokens = new_sign_in(refresh_token=Secret("xoxe-1-canary-refresh-0000"))
    shown = profile.with_masks(tokens)
    assert tokens.access_token.reveal() not in repr(vars(shown))
    assert not any(isinstance(value, Secret) for value in vars(shown).values())
    assert not {"access_token", "refresh_token"} & set(Profile.__dataclass_fields__)


@pytest.mark.parametrize("key", ["T0ACME", "slack.com-T0ACME"])
def test_journal_does_not_depend_on_profiles(home: Path, key: str) -> None:
    """App configuration tokens have no profile. Their refresh uses the same journal."""
    journal = Journal(home, key, in_keyring=False)
    journal.reserve()
    digest = token_digest(Secret("xoxe-1-canary-config-0000"))
    journal.write_intent(RefreshIntent(digest, EndpointVariant.V2_USER, NOW))
    journal.write_response(b'{"ok": true}')
    journal.close()
    unfinished = Journal(home, key, in_keyring=False).read(digest)
    assert unfinished is not None and unfinished.response == b'{"ok": true}'
    journal.remove()
    assert not journal.exists
