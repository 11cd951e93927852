"""The hot path: the same directory as platformdirs, the right profile, and no expired token."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slack_token_tui.store import hot_path
from slack_token_tui.store.errors import ProfileError
from slack_token_tui.store.profile_codec import to_dict
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
