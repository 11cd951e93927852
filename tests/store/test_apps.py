"""Saved apps: each has all that a sign-in needs, the last one comes first, and secrets are saved where tokens are."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from slack_token_tui.oauth.app_memory import remember_app
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import GOVSLACK, Endpoints, EndpointVariant
from slack_token_tui.store.apps import (
    SlackApp,
    forget_app,
    is_loopback_redirect,
    list_apps,
    move_secret,
    read_app,
    save_app,
    unreadable_apps,
    with_secret,
)
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import change_settings, read_settings, remember_last_app
from tests.support.faults import raise_store_full

CONFIDENTIAL = SlackApp(
    "2222222222.3333333333",
    Endpoints(GOVSLACK, EndpointVariant.V2),
    ("https://example.com/done",),
    ("users:read",),
    Secret("canary-client-secret"),
    name="Work",
    browser="firefox --private-window %s",
    registered_scopes=("users:read", "chat:write"),
)


@pytest.fixture
def writable_home(store: ProfileStore) -> Path:
    store.check_writable()
    return store.home


def test_app_is_read_back_unchanged(writable_home: Path) -> None:
    save_app(writable_home, CONFIDENTIAL)
    back = read_app(writable_home, CONFIDENTIAL.client_id)
    assert back is not None
    assert back.client_secret is not None
    assert back.client_secret.reveal() == "canary-client-secret"
    assert (back.name, back.browser, back.endpoints, back.redirect_uris, back.registered_scopes) == (
        CONFIDENTIAL.name,
        CONFIDENTIAL.browser,
        CONFIDENTIAL.endpoints,
        CONFIDENTIAL.redirect_uris,
        CONFIDENTIAL.registered_scopes,
    )
    mode = (writable_home / "apps" / f"{CONFIDENTIAL.client_id}.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_apps_are_listed_last_used_first_then_newest(writable_home: Path) -> None:
    for number in (1, 2, 3):
        save_app(writable_home, SlackApp(f"{number}.{number}", name=f"app {number}"))
        os.utime(writable_home / "apps" / f"{number}.{number}.json", (number, number))
    remember_last_app(writable_home, "1.1")
    assert [app.client_id for app in list_apps(writable_home)] == ["1.1", "3.3", "2.2"]


def test_damaged_app_is_skipped_and_not_modified(writable_home: Path) -> None:
    save_app(writable_home, SlackApp("1.1"))
    (writable_home / "apps" / "2.2.json").write_text("{")
    (writable_home / "apps" / "notes.json").write_text("{}")
    assert [app.client_id for app in list_apps(writable_home)] == ["1.1"]
    assert (writable_home / "apps" / "2.2.json").read_text() == "{"


def test_client_secret_with_a_localhost_redirect_is_unusable() -> None:
    assert "https redirect" in str(SlackApp("1.1", client_secret=Secret("canary")).unusable_reason)
    assert CONFIDENTIAL.unusable_reason is None


def test_app_file_that_others_can_read_is_described_as_such(writable_home: Path) -> None:
    save_app(writable_home, SlackApp("1.1"))
    (writable_home / "apps" / "1.1.json").chmod(0o644)
    (error,) = unreadable_apps(writable_home)
    assert "it's readable by other users" in error.explain().happened


@pytest.mark.parametrize(
    "damage", ['{"schema": 99}', "{", '{"schema": 1, "client_id": "1.1", "redirect_uris": ["ftp://x"]}']
)
def test_unusable_app_file_is_not_overwritten(writable_home: Path, damage: str) -> None:
    save_app(writable_home, SlackApp("1.1", client_secret=Secret("canary")))
    path = writable_home / "apps" / "1.1.json"
    path.write_text(damage)
    path.chmod(0o600)
    with pytest.raises(StorageError) as raised:
        save_app(writable_home, SlackApp("1.1"))
    assert raised.value.code == "app_unreadable"
    assert path.read_text() == damage
    assert [error.code for error in unreadable_apps(writable_home)] == ["app_unreadable"]


@pytest.mark.parametrize(
    ("address", "heard"),
    [
        ("http://localhost:28417/callback", True),
        ("http://127.0.0.1:1/x", True),
        ("https://localhost:8443/cb", False),
        ("https://example.com/cb", False),
    ],
)
def test_only_http_loopback_redirects_are_listened_on(address: str, heard: bool) -> None:
    assert is_loopback_redirect(address) is heard


def test_forget_removes_the_app_and_its_last_used_setting(writable_home: Path) -> None:
    save_app(writable_home, CONFIDENTIAL)
    remember_last_app(writable_home, CONFIDENTIAL.client_id)
    forget_app(writable_home, CONFIDENTIAL)
    assert list_apps(writable_home) == []
    assert "last_app" not in read_settings(writable_home)
    forget_app(writable_home, CONFIDENTIAL)


def raise_keyring_locked(_: str) -> None:
    raise StorageError("keyring_locked")


class TestKeyring:
    @pytest.fixture(autouse=True)
    def keyring_items(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        from slack_token_tui.store import keyring

        items: dict[str, str] = {}
        monkeypatch.setattr(keyring, "save_item", lambda key, text: items.__setitem__(key, text.reveal()))
        monkeypatch.setattr(keyring, "load_item", lambda key: Secret(items[key]) if key in items else None)
        monkeypatch.setattr(keyring, "try_delete_item", lambda key: items.pop(key, None))
        monkeypatch.setattr(keyring, "delete_item", lambda key: items.pop(key, None))
        return items

    def test_secret_is_stored_where_tokens_are_stored(self, writable_home: Path, keyring_items: dict[str, str]) -> None:
        change_settings(writable_home, storage="keyring")
        save_app(writable_home, CONFIDENTIAL)
        assert list(keyring_items.values()) == ["canary-client-secret"]
        assert "canary" not in (writable_home / "apps" / f"{CONFIDENTIAL.client_id}.json").read_text()
        back = read_app(writable_home, CONFIDENTIAL.client_id)
        assert back is not None
        assert back.is_confidential
        assert back.client_secret is None
        secret = with_secret(back).client_secret
        assert secret is not None
        assert secret.reveal() == "canary-client-secret"
        save_app(writable_home, back)
        assert read_app(writable_home, CONFIDENTIAL.client_id) == back, "saved again without having been fetched"

    def test_missing_secret_raises_an_explained_error(self, writable_home: Path, keyring_items: dict[str, str]) -> None:
        change_settings(writable_home, storage="keyring")
        save_app(writable_home, CONFIDENTIAL)
        keyring_items.clear()
        back = read_app(writable_home, CONFIDENTIAL.client_id)
        assert back is not None
        with pytest.raises(StorageError) as raised:
            with_secret(back)
        assert raised.value.code == "client_secret_gone"

    def test_removing_the_secret_deletes_it_from_the_keyring(
        self, writable_home: Path, keyring_items: dict[str, str]
    ) -> None:
        change_settings(writable_home, storage="keyring")
        save_app(writable_home, CONFIDENTIAL)
        save_app(writable_home, replace(CONFIDENTIAL, client_secret=None))
        assert keyring_items == {}

    def test_secret_from_the_keyring_is_never_written_to_a_file(
        self, writable_home: Path, keyring_items: dict[str, str]
    ) -> None:
        change_settings(writable_home, storage="keyring")
        save_app(writable_home, CONFIDENTIAL)
        change_settings(writable_home, storage="file")
        back = read_app(writable_home, CONFIDENTIAL.client_id)
        assert back is not None
        save_app(writable_home, with_secret(back))
        assert "canary" not in (writable_home / "apps" / f"{CONFIDENTIAL.client_id}.json").read_text()
        assert list(keyring_items.values()) == ["canary-client-secret"]

    def test_locked_keyring_prevents_forgetting_the_app(
        self, writable_home: Path, keyring_items: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        change_settings(writable_home, storage="keyring")
        save_app(writable_home, CONFIDENTIAL)
        monkeypatch.setattr("slack_token_tui.store.keyring.delete_item", raise_keyring_locked)
        with pytest.raises(StorageError):
            forget_app(writable_home, CONFIDENTIAL)
        assert read_app(writable_home, CONFIDENTIAL.client_id) is not None

    def test_failed_move_leaves_the_secret_in_the_keyring(
        self, writable_home: Path, keyring_items: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        change_settings(writable_home, storage="keyring")
        save_app(writable_home, CONFIDENTIAL)
        saved = read_app(writable_home, CONFIDENTIAL.client_id)
        assert saved is not None
        monkeypatch.setattr("slack_token_tui.store.apps.write_atomically", raise_store_full)
        with pytest.raises(StorageError):
            move_secret(writable_home, saved, to_keyring=False)
        assert list(keyring_items.values()) == ["canary-client-secret"]

    def test_failed_keyring_delete_leaves_the_app_record_unchanged(
        self, writable_home: Path, keyring_items: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        change_settings(writable_home, storage="keyring")
        save_app(writable_home, CONFIDENTIAL)
        saved = read_app(writable_home, CONFIDENTIAL.client_id)
        assert saved is not None
        monkeypatch.setattr("slack_token_tui.store.keyring.delete_item", raise_keyring_locked)
        with pytest.raises(StorageError):
            move_secret(writable_home, saved, to_keyring=False)
        assert read_app(writable_home, CONFIDENTIAL.client_id) == saved

    @pytest.mark.parametrize("changed", ["canary-new-secret", None])
    def test_sign_in_does_not_restore_a_replaced_or_removed_secret(
        self, writable_home: Path, keyring_items: dict[str, str], changed: str | None
    ) -> None:
        change_settings(writable_home, storage="keyring")
        save_app(writable_home, CONFIDENTIAL)
        given = read_app(writable_home, CONFIDENTIAL.client_id)
        assert given is not None
        save_app(writable_home, replace(CONFIDENTIAL, client_secret=Secret(changed) if changed else None))
        remember_app(writable_home, given, given, ("users:read",))
        assert list(keyring_items.values()) == ([changed] if changed else [])

    def test_sign_in_at_another_slack_does_not_change_the_saved_app(
        self, writable_home: Path, keyring_items: dict[str, str]
    ) -> None:
        change_settings(writable_home, storage="keyring")
        save_app(writable_home, CONFIDENTIAL)
        before = read_app(writable_home, CONFIDENTIAL.client_id)
        assert before is not None
        remember_app(writable_home, before.with_endpoints(Endpoints("http://localhost:9999")), before, ("users:read",))
        after = read_app(writable_home, CONFIDENTIAL.client_id)
        assert after is not None
        assert (after.endpoints, after.secret_in_keyring) == (before.endpoints, True)
        assert list(keyring_items.values()) == ["canary-client-secret"]

    def test_forget_deletes_the_keyring_item(self, writable_home: Path, keyring_items: dict[str, str]) -> None:
        change_settings(writable_home, storage="keyring")
        save_app(writable_home, CONFIDENTIAL)
        back = read_app(writable_home, CONFIDENTIAL.client_id)
        assert back is not None
        forget_app(writable_home, back)
        assert keyring_items == {}
