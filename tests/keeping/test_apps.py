"""Apps remembered: each with all that a sign-in needs, the last one first, and secrets where tokens are kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from slack_token_tui.keeping.apps import (
    SlackApp,
    forget_app,
    read_app,
    remembered_apps,
    save_app,
    with_secret,
)
from slack_token_tui.keeping.files import StoreError
from slack_token_tui.keeping.settings import change_settings, read_settings, remember_last_app
from slack_token_tui.keeping.store import ProfileStore
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import GOVSLACK, Endpoints, Pair

CONFIDENTIAL = SlackApp(
    "2222222222.3333333333",
    Endpoints(GOVSLACK, Pair.V2),
    ("https://example.com/done",),
    ("users:read",),
    Secret("canary-client-secret"),
    name="Work",
    browser="firefox --private-window %s",
    registered_scopes=("users:read", "chat:write"),
)


@pytest.fixture
def rooms(store: ProfileStore) -> Path:
    store.make_ready()
    return store.home


def test_everything_comes_back_as_it_was(rooms: Path) -> None:
    save_app(rooms, CONFIDENTIAL)
    back = read_app(rooms, CONFIDENTIAL.client_id)
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
    mode = (rooms / "apps" / f"{CONFIDENTIAL.client_id}.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_the_last_one_is_first_then_the_youngest(rooms: Path) -> None:
    for number in (1, 2, 3):
        save_app(rooms, SlackApp(f"{number}.{number}", name=f"app {number}"))
        os.utime(rooms / "apps" / f"{number}.{number}.json", (number, number))
    remember_last_app(rooms, "1.1")
    assert [app.client_id for app in remembered_apps(rooms)] == ["1.1", "3.3", "2.2"]


def test_a_damaged_app_is_left_out_and_left_alone(rooms: Path) -> None:
    save_app(rooms, SlackApp("1.1"))
    (rooms / "apps" / "2.2.json").write_text("{")
    (rooms / "apps" / "notes.json").write_text("{}")
    assert [app.client_id for app in remembered_apps(rooms)] == ["1.1"]
    assert (rooms / "apps" / "2.2.json").read_text() == "{"


def test_a_secret_with_localhost_is_refused_with_both_ways_out() -> None:
    assert "https redirect" in str(SlackApp("1.1", client_secret=Secret("canary")).why_unusable)
    assert CONFIDENTIAL.why_unusable is None


def test_forgetting_takes_the_secret_too(rooms: Path) -> None:
    save_app(rooms, CONFIDENTIAL)
    remember_last_app(rooms, CONFIDENTIAL.client_id)
    forget_app(rooms, CONFIDENTIAL)
    assert remembered_apps(rooms) == []
    assert "last_app" not in read_settings(rooms)
    forget_app(rooms, CONFIDENTIAL)


class TestInTheKeyring:
    @pytest.fixture(autouse=True)
    def items(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        from slack_token_tui.keeping import keyring_tokens

        items: dict[str, str] = {}
        monkeypatch.setattr(keyring_tokens, "put_text", lambda key, text: items.__setitem__(key, text.reveal()))
        monkeypatch.setattr(keyring_tokens, "get_text", lambda key: Secret(items[key]) if key in items else None)
        monkeypatch.setattr(keyring_tokens, "delete_text", lambda key: items.pop(key, None))
        return items

    def test_a_secret_goes_where_tokens_go(self, rooms: Path, items: dict[str, str]) -> None:
        change_settings(rooms, storage="keyring")
        save_app(rooms, CONFIDENTIAL)
        assert list(items.values()) == ["canary-client-secret"]
        assert "canary" not in (rooms / "apps" / f"{CONFIDENTIAL.client_id}.json").read_text()
        back = read_app(rooms, CONFIDENTIAL.client_id)
        assert back is not None
        assert back.is_confidential
        assert back.client_secret is None
        secret = with_secret(back).client_secret
        assert secret is not None
        assert secret.reveal() == "canary-client-secret"
        save_app(rooms, back)
        assert read_app(rooms, CONFIDENTIAL.client_id) == back, "saved again without having been fetched"

    def test_a_secret_that_is_gone_is_an_explained_error(self, rooms: Path, items: dict[str, str]) -> None:
        change_settings(rooms, storage="keyring")
        save_app(rooms, CONFIDENTIAL)
        items.clear()
        back = read_app(rooms, CONFIDENTIAL.client_id)
        assert back is not None
        with pytest.raises(StoreError) as raised:
            with_secret(back)
        assert raised.value.code == "client_secret_gone"

    def test_forgetting_empties_the_keyring(self, rooms: Path, items: dict[str, str]) -> None:
        change_settings(rooms, storage="keyring")
        save_app(rooms, CONFIDENTIAL)
        back = read_app(rooms, CONFIDENTIAL.client_id)
        assert back is not None
        forget_app(rooms, back)
        assert items == {}
