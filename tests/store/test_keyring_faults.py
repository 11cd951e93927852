"""A keyring that fails at the worst moments loses no token. It is a fake one: a real one doesn't fail on request."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import EndpointVariant
from slack_token_tui.store import keyring as stored_tokens
from slack_token_tui.store import profiles
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.journal import Journal, RefreshIntent, token_digest
from slack_token_tui.store.profile import Profile, Tokens
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.quarantine import list_quarantined, quarantine
from slack_token_tui.tokens.keyring_migration import move_tokens
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from slack_token_tui.tokens.refresh_result import RefreshPolicy
from slack_token_tui.tokens.rename import rename
from slack_token_tui.tokens.revoke import remove_profile
from tests.support.faults import raise_store_full
from tests.support.practice import issue_profile
from tests.support.profiles import make_rotating_token, new_sign_in
from tests.support.store import change_profile, copy_profile_file, read_tokens, recover_refresh


class FakeKeyring:
    """A keyring in memory that fails when told to."""

    def __init__(self) -> None:
        self.items: dict[str, str] = {}
        self.can_write = self.can_read = True

    def set_password(self, _: str, item: str, text: str) -> None:
        if not self.can_write:
            raise RuntimeError
        self.items[item] = text

    def get_password(self, _: str, item: str) -> str | None:
        if not self.can_read:
            raise RuntimeError
        return self.items.get(item)

    def delete_password(self, _: str, item: str) -> None:
        self.items.pop(item, None)


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> FakeKeyring:
    fake = FakeKeyring()
    monkeypatch.setattr(stored_tokens, "_backend", lambda: fake)
    return fake


def test_tokens_the_keyring_rejects_are_saved_to_a_fallback_and_recovered(
    store: ProfileStore, slack: PracticeSlack, keyring: FakeKeyring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("slack_token_tui.store.recovery.SAVE_RETRY_SECONDS", 0.0)
    slack.workspace.tokens.grace_seconds = 0
    issue_profile(store, slack)
    move_tokens(store, "acme", to_keyring=True)
    keyring.can_write = False
    result = refresh_in_process(store, "acme", RefreshPolicy(insist=True))
    assert result.refreshed and result.problem and result.problem.code == "refresh_not_saved"
    keyring.can_write = True
    assert refresh_in_process(store, "acme").tokens.access_token == result.tokens.access_token
    assert slack.workspace.tokens.refreshed == 1
    assert list((tmp_path / "slack-token-tui").iterdir()) == []


def test_journal_header_is_written_before_the_keyring_item(
    store: ProfileStore, slack: PracticeSlack, keyring: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue_profile(store, slack)
    profile, refresh_token = move_tokens(store, "acme", to_keyring=True), read_tokens(store).refresh_token
    assert refresh_token is not None
    journal = Journal(store.home, profile.id, in_keyring=True)
    journal.reserve()
    journal.write_intent(RefreshIntent(token_digest(refresh_token), EndpointVariant.V2_USER, datetime.now(UTC)))
    order: list[str] = []
    write, put = Journal._write, stored_tokens.save_item
    monkeypatch.setattr(Journal, "_write", lambda *given: (order.append("header"), write(*given)))
    monkeypatch.setattr(stored_tokens, "save_item", lambda *given: (order.append("item"), put(*given)))
    tokens = {"access_token": make_rotating_token("canary-0000"), "refresh_token": "xoxe-1-canary-0000"}
    journal.write_response(json.dumps({"ok": True, **tokens}).encode())
    journal.close()
    assert order == ["header", "item"], "an item that no header tells of would not be looked for"
    found = recover_refresh(store)
    assert found.recovered and found.tokens.access_token.reveal() == tokens["access_token"]


def change_after_file_is_read(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Run ``change`` once, after a profile file was read and before its tokens are loaded from the keyring."""

    def load_late(profile: Profile) -> Tokens:
        monkeypatch.setattr(profiles, "load_keyring_tokens", load)
        change()
        return load(profile)

    load = profiles.load_keyring_tokens
    monkeypatch.setattr(profiles, "load_keyring_tokens", load_late)


def test_concurrent_reader_gets_the_new_tokens(
    store: ProfileStore, slack: PracticeSlack, keyring: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue_profile(store, slack)
    before = move_tokens(store, "acme", to_keyring=True)
    # A refresh deletes the old items, and so does a move.
    change_after_file_is_read(monkeypatch, lambda: refresh_in_process(store, "acme", RefreshPolicy(insist=True)))
    read, tokens = store.read_with_tokens("acme")
    assert read.generation > before.generation and slack.workspace.tokens.authenticate(tokens.access_token.reveal())
    change_after_file_is_read(monkeypatch, lambda: move_tokens(store, "acme", to_keyring=False))
    read, moved_tokens = store.read_with_tokens("acme")
    assert not read.in_keyring and moved_tokens == tokens


def test_profile_can_be_renamed_while_the_keyring_is_unavailable(
    store: ProfileStore, slack: PracticeSlack, keyring: FakeKeyring
) -> None:
    issue_profile(store, slack)
    move_tokens(store, "acme", to_keyring=True)
    keyring.can_read = False
    rename(store, "acme", "work")
    keyring.can_read = True
    assert read_tokens(store, "work").access_token


def test_removing_a_copied_file_does_not_delete_the_originals_tokens(
    store: ProfileStore, slack: PracticeSlack, keyring: FakeKeyring
) -> None:
    issue_profile(store, slack)
    move_tokens(store, "acme", to_keyring=True)
    copy_profile_file(store, "acme", "copy", by_old_version=True)
    remove_profile(store, "copy", keep_grant=True)
    assert read_tokens(store).access_token
    remove_profile(store, "acme", keep_grant=True)
    assert keyring.items == {}


def test_unusable_response_for_a_keyring_profile_is_not_written_to_a_file(
    store: ProfileStore, slack: PracticeSlack, keyring: FakeKeyring
) -> None:
    issue_profile(store, slack)
    move_tokens(store, "acme", to_keyring=True)
    slack.workspace.faults.append('with:{"user_id": "U0OTHER"}')
    problem = refresh_in_process(store, "acme", RefreshPolicy(insist=True)).problem
    assert problem and problem.code == "refresh_response_unusable"
    assert not (store.home / "quarantine").exists()
    assert any(item.endswith(".unusable") and "practice" in text for item, text in keyring.items.items())


def test_refresh_token_without_an_issue_time_survives_a_move(
    store: ProfileStore, slack: PracticeSlack, keyring: FakeKeyring
) -> None:
    old, tokens = issue_profile(store, slack), read_tokens(store)
    change_profile(store, refresh_issued_at=None)
    for to_keyring in (True, False):
        move_tokens(store, "acme", to_keyring=to_keyring)
    assert read_tokens(store) == tokens
    with pytest.raises(StorageError):
        stored_tokens.load_tokens(old.id, old.generation + 1, with_refresh=True)


def test_keyring_items_are_removed_when_the_profile_file_cannot_be_saved(
    store: ProfileStore, keyring: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save_sign_in(*new_sign_in(), in_keyring=True)
    before = dict(keyring.items)
    monkeypatch.setattr("slack_token_tui.store.profile_file.write_atomically", raise_store_full)
    for user_id in ("U1", "U2"):  # the same account, and a new one
        with pytest.raises(StorageError):
            store.save_sign_in(*new_sign_in(user_id=user_id), in_keyring=True)
    with pytest.raises(StorageError):
        change_profile(store, tokens=read_tokens(store))  # the file still refers to these items
    assert keyring.items == before


def test_second_of_two_responses_does_not_replace_the_first_in_the_keyring(
    store: ProfileStore, keyring: FakeKeyring
) -> None:
    for text in ("canary-first", "canary-second"):
        quarantine(store.home, "0123", Secret(text), in_keyring=True)
    found = list_quarantined(store.home, "0123", in_keyring=True)
    assert [item.read() for item in found] == [b"canary-first", b"canary-second"]


def test_half_saved_pair_leaves_nothing_in_the_keyring(
    store: ProfileStore, slack: PracticeSlack, keyring: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue_profile(store, slack)
    save = stored_tokens.save_item

    def save_access_token_only(item: str, value: Secret) -> None:
        keyring.can_write = item.endswith(".access")
        save(item, value)

    monkeypatch.setattr(stored_tokens, "save_item", save_access_token_only)
    with pytest.raises(StorageError, match="keyring_"):
        move_tokens(store, "acme", to_keyring=True)
    assert keyring.items == {}
    assert read_tokens(store).refresh_token is not None
