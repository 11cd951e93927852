"""The hot path: the same directory as platformdirs, the right profile, and no expired token."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from slack_token_tui.store import hot_path
from slack_token_tui.store.errors import ProfileError
from slack_token_tui.store.profile_codec import from_dict, to_dict
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import change_settings
from tests.support.cli import run_command
from tests.support.profiles import new_sign_in, time_from_now


@pytest.mark.parametrize("xdg", [None, "", "  ", "relative/dir", "/abs/dir", "/abs/dir/", "~/x"])
@pytest.mark.parametrize("user_home", [None, "", "relative", "/home/somebody", "/home/somebody/", "/"])
@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_config_home_matches_platformdirs(
    monkeypatch: pytest.MonkeyPatch, xdg: str | None, user_home: str | None, system: str
) -> None:
    monkeypatch.delenv("SLACK_TOKEN_TUI_HOME")
    for name, value in (("XDG_CONFIG_HOME", xdg), ("HOME", user_home)):
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    from platformdirs.macos import MacOS
    from platformdirs.unix import Unix

    expected = (MacOS if system == "darwin" else Unix)("slack-token-tui").user_config_dir
    monkeypatch.setattr(hot_path.sys, "platform", system)
    assert os.path.normpath(hot_path.config_home()) == os.path.normpath(expected)


def test_config_home_uses_platformdirs_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    monkeypatch.delenv("SLACK_TOKEN_TUI_HOME")
    monkeypatch.setattr(hot_path.sys, "platform", "win32")
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda name: f"C:\\{name}")
    assert hot_path.config_home() == "C:\\slack-token-tui"


def test_name_comes_from_argument_then_environment_then_default(
    store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in enumerate(("one", "two", "three")):
        store.save_sign_in(*new_sign_in(user_id=f"U{number}"), name)
    directory = str(store.home)
    with pytest.raises(ProfileError) as caught:
        hot_path.resolve_name(directory, None)
    assert caught.value.code == "profile_not_chosen"
    assert caught.value.facts["detail"] == "one, three, two"
    change_settings(store.home, default_profile="three")
    assert hot_path.resolve_name(directory, None) == "three"
    monkeypatch.setenv("SLACK_TOKEN_PROFILE", "two")
    assert hot_path.resolve_name(directory, None) == "two"
    assert hot_path.resolve_name(directory, "one") == "one"


def test_single_profile_needs_no_name(store: ProfileStore) -> None:
    store.save_sign_in(*new_sign_in())
    assert hot_path.resolve_name(str(store.home), None) == "acme"


def test_missing_default_profile_is_ignored(store: ProfileStore) -> None:
    store.save_sign_in(*new_sign_in())
    change_settings(store.home, default_profile="gone")
    assert hot_path.resolve_name(str(store.home), None) == "acme"


@pytest.mark.parametrize(
    ("changes", "dead"),
    [
        ({}, False),
        ({"expires_at": time_from_now(days=300)}, False),
        ({"expires_at": time_from_now(hours=-1)}, True),
        ({"refused": "token_revoked"}, True),
        ({"refused": "account_inactive"}, True),
        ({"refused": "invalid_auth"}, False),
    ],
)
def test_only_expiry_and_final_refusals_make_a_token_unusable(changes: dict[str, object], dead: bool) -> None:
    assert (hot_path.unusable_reason(to_dict(*new_sign_in(**changes))) is not None) is dead


@pytest.mark.parametrize(
    "text", ["", "{", "nonsense", '{"a": 1} x', '{"a": 1,}', "[" * 100_000, '{"a": "\n"}', "\ufeff{}"]
)
def test_damaged_file_is_explained_before_json_is_loaded(
    home: Path, child_environment: dict[str, str], text: str
) -> None:
    """CPython's JSON scanner raises SystemError for them in a process that has not imported json."""
    (home / "profiles").mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    path = home / "profiles" / "acme.json"
    path.write_text(text)
    path.chmod(0o600)
    done = run_command("token", "acme", env=child_environment)
    assert (done.returncode, done.stdout) == (5, "")
    assert "profile_unreadable" in done.stderr


DAMAGE: list[tuple[str, object]] = [
    *((key, value) for key in hot_path.TEXT_KEYS for value in (5, [], {}, True)),
    *(
        (key, value)
        for key in hot_path.TIMESTAMP_KEYS
        for value in (
            5,
            "",
            "tomorrow",
            "1999-12-31T23:59:59Z",
            "2200-01-01T00:00:00Z",
            "2199-13-01T00:00:00Z",
            "2199-00-01T00:00:00Z",
            "2199-02-29T00:00:00Z",
            "2199-04-31T00:00:00Z",
            "2199-01-01T24:00:00Z",
            "2199-01-01T00:60:00Z",
            "2199-01-01T00:00:60Z",
            "2199-01-01 00:00:00Z",
            "2199-01-01T00:00:00z",
            "\u0662\u0660\u0662\u0660-01-01T00:00:00Z",
        )
    ),
    *((key, value) for key in ("scopes", "scopes_asked", "workspaces") for value in (5, "a", [5], [None], {})),
    *((key, value) for key in ("oauth", "refresh_oauth") for value in (5, "v3", [])),
    *(("id", value) for value in (5, "", "../x", "A", "-a", "a" * 129, "\u0661")),
    *(("generation", value) for value in (-1, True, "1", 1.5)),
    *(("refresh_token", value) for value in (5, "short", "a b c d e f g", "\u00e4" * 9, [])),
    *(("slack", value) for value in (5, "slack.com", "http://slack.com", "https://slack.com/x", "https://a b")),
    *((key, 5) for key in ("client_id", "refused", "refresh_refused", "storage", "shown_token")),
    ("access_token", 5),
    ("unknown", "x" * 20_000),
    ("unknown", "\udc00"),
]


@pytest.mark.parametrize(("key", "value"), DAMAGE)
def test_file_that_other_commands_call_damaged_is_not_served(key: str, value: object) -> None:
    new, tokens = new_sign_in(expires_at=time_from_now(hours=5))
    record = to_dict(new, tokens)
    assert hot_path.valid_token_in(record, "acme", "file") == tokens.access_token.reveal()
    record |= {key: value}
    with pytest.raises(ProfileError, match="profile_unreadable"):
        from_dict("acme", record, "file")
    served: object = None
    with suppress(ProfileError):
        served = hot_path.valid_token_in(record, "acme", "file")
    assert served is None


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"slack": "https://slack-gov.com"},
        {"slack": "http://127.0.0.1:8080"},
        {"expires_at": None, "refresh_token": None},
        {"scopes": None, "generation": None, "id": None},
        {"signed_in_at": "2024-02-29T23:59:59Z"},
    ],
)
def test_well_formed_file_is_served_from_the_hot_path(changes: dict[str, object]) -> None:
    new, tokens = new_sign_in(expires_at=time_from_now(hours=5))
    record = {**to_dict(new, tokens), **changes}
    from_dict("acme", record, "file")
    assert hot_path.valid_token_in(record, "acme", "file") == tokens.access_token.reveal()


def test_every_key_of_a_saved_profile_is_known_to_the_hot_path() -> None:
    assert hot_path.is_well_formed(to_dict(*new_sign_in(in_keyring=True)))


def test_damaged_file_is_refused_by_token_as_by_show(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.save_sign_in(*new_sign_in())
    path = store.path("acme")
    path.write_text(path.read_text().replace('"scopes": [', '"scopes": [5, '))
    show, token = (run_command(*words, env=child_environment) for words in (("show", "acme"), ("token", "acme")))
    assert (token.returncode, token.stdout) == (show.returncode, "") == (5, "")
    assert token.stderr == show.stderr
