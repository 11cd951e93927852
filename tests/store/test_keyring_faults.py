"""A keyring that fails at the worst moments: no grant is lost to it. Real Secret Services do not fail on request."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.slack.endpoints import EndpointVariant
from slack_token_tui.store import keyring as stored_tokens
from slack_token_tui.store.atomic_file import StorageError
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.journal import Journal, RefreshIntent, token_digest
from slack_token_tui.tokens.keyring_migration import move_tokens
from slack_token_tui.tokens.recovery import recover
from slack_token_tui.tokens.refresh import refresh
from slack_token_tui.tokens.rename import rename
from slack_token_tui.tokens.revoke import remove_profile
from tests.store.test_copied_files import copied
from tests.support.profiles import profile, rotating
from tests.support.refreshable import granted


class Keyring:
    def __init__(self) -> None:
        self.items: dict[str, str] = {}
        self.takes = self.gives = True

    def set_password(self, _: str, item: str, text: str) -> None:
        if not self.takes:
            raise RuntimeError
        self.items[item] = text

    def get_password(self, _: str, item: str) -> str | None:
        if not self.gives:
            raise RuntimeError
        return self.items.get(item)

    def delete_password(self, _: str, item: str) -> None:
        self.items.pop(item, None)


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Keyring:
    one = Keyring()
    monkeypatch.setattr(stored_tokens, "_backend", lambda: one)
    return one


def test_what_the_keyring_did_not_take_is_rescued_and_found_again(
    store: ProfileStore, slack: PracticeSlack, keyring: Keyring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("slack_token_tui.tokens.recovery._SAVE_RETRY_SECONDS", 0.0)
    slack.workspace.tokens.grace_seconds = 0
    granted(store, slack)
    move_tokens(store, "acme", to_keyring=True)
    keyring.takes = False
    result = refresh(store, "acme", insist=True)
    assert result.refreshed and result.problem and result.problem.code == "refresh_not_saved"
    keyring.takes = True
    assert refresh(store, "acme").profile.access_token == result.profile.access_token
    assert slack.workspace.tokens.refreshed == 1
    assert list((tmp_path / "slack-token-tui").iterdir()) == []


def test_killed_between_the_item_and_its_header_loses_nothing(
    store: ProfileStore, slack: PracticeSlack, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted(store, slack)
    profile = store.with_tokens(move_tokens(store, "acme", to_keyring=True))
    assert profile.refresh_token is not None
    journal = Journal(store.home, profile.id, in_keyring=True)
    journal.reserve()
    journal.write_intent(RefreshIntent(token_digest(profile.refresh_token), EndpointVariant.V2_USER, datetime.now(UTC)))
    order: list[str] = []
    write, put = Journal._write, stored_tokens.save_item
    monkeypatch.setattr(Journal, "_write", lambda *given: (order.append("header"), write(*given)))
    monkeypatch.setattr(stored_tokens, "save_item", lambda *given: (order.append("item"), put(*given)))
    tokens = {"access_token": rotating("canary-0000"), "refresh_token": "xoxe-1-canary-0000"}
    journal.write_response(json.dumps({"ok": True, **tokens}).encode())
    journal.close()
    assert order == ["header", "item"], "an item that no header tells of would not be looked for"
    found = recover(store, "acme")
    assert found.finished and found.profile.access_token.reveal() == tokens["access_token"]  # type: ignore[union-attr]


def test_a_reader_that_comes_between_gets_the_new_tokens(
    store: ProfileStore, slack: PracticeSlack, keyring: Keyring
) -> None:
    granted(store, slack)
    before = move_tokens(store, "acme", to_keyring=True)
    refresh(store, "acme", insist=True)  # and the old items are gone
    read = store.with_tokens(before)
    assert read.generation > before.generation and read.access_token
    move_tokens(store, "acme", to_keyring=False)
    assert store.with_tokens(before).access_token == store.read("acme").access_token


def test_a_profile_is_renamed_while_its_keyring_is_away(
    store: ProfileStore, slack: PracticeSlack, keyring: Keyring
) -> None:
    granted(store, slack)
    move_tokens(store, "acme", to_keyring=True)
    keyring.gives = False
    rename(store, "acme", "work")
    keyring.gives = True
    assert store.with_tokens(store.read("work")).access_token


def test_removing_a_copied_file_leaves_the_tokens_of_the_other(
    store: ProfileStore, slack: PracticeSlack, keyring: Keyring
) -> None:
    granted(store, slack)
    move_tokens(store, "acme", to_keyring=True)
    copied(store, "acme", "copy", by_old_version=True)
    remove_profile(store, "copy", keep_grant=True)
    assert store.with_tokens(store.read("acme")).access_token
    remove_profile(store, "acme", keep_grant=True)
    assert keyring.items == {}


def test_an_unusable_answer_of_a_keyring_profile_goes_to_no_file(
    store: ProfileStore, slack: PracticeSlack, keyring: Keyring
) -> None:
    granted(store, slack)
    move_tokens(store, "acme", to_keyring=True)
    slack.workspace.faults.append('with:{"user_id": "U0OTHER"}')
    problem = refresh(store, "acme", insist=True).problem
    assert problem and problem.code == "refresh_response_unusable"
    assert not (store.home / "quarantine").exists()
    assert any(item.endswith(".unusable") and "practice" in text for item, text in keyring.items.items())


def test_a_file_that_says_there_is_a_refresh_token_without_a_time_keeps_it(
    store: ProfileStore, slack: PracticeSlack, keyring: Keyring
) -> None:
    old = granted(store, slack)
    store.write(replace(old, refresh_issued_at=None))
    for to_keyring in (True, False):
        move_tokens(store, "acme", to_keyring=to_keyring)
    assert store.read("acme").refresh_token == old.refresh_token
    with pytest.raises(StorageError):
        stored_tokens.load_tokens(old.id, old.generation + 1, with_refresh=True)


def test_tokens_whose_file_could_not_be_saved_do_not_stay_in_the_keyring(
    store: ProfileStore, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageError("store_full", file="acme.json", detail="no room")

    saved = store.save_sign_in(profile(), in_keyring=True).profile
    before = dict(keyring.items)
    monkeypatch.setattr("slack_token_tui.store.profiles.write_atomically", full)
    for user_id in ("U1", "U2"):  # the same account again, and a new one
        with pytest.raises(StorageError):
            store.save_sign_in(profile(user_id=user_id), in_keyring=True)
    with pytest.raises(StorageError):
        store.write(store.with_tokens(saved))  # the file still points at these
    assert keyring.items == before
