"""A copied profile file has the same ID and refresh token: it is reported, and the original keeps working."""

from __future__ import annotations

import json

import pytest

import slack_token_tui as stt
from slack_token_tui.cli.main import main
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.store.errors import ProfileError
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore, UnreadableProfile
from slack_token_tui.tokens.keyring_migration import move_tokens
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from slack_token_tui.tokens.refresh_result import RefreshPolicy
from slack_token_tui.tokens.rename import rename
from tests.support.practice import issue_profile
from tests.support.profiles import new_sign_in, time_from_now
from tests.support.store import copy_profile_file, remove_name_from_file


@pytest.mark.parametrize("by_old_version", [False, True])
def test_only_the_original_is_refreshed(store: ProfileStore, slack: PracticeSlack, by_old_version: bool) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    copy_profile_file(store, "acme", "backup", by_old_version=by_old_version)
    with pytest.raises(ProfileError, match="profile_copied"):
        refresh_in_process(store, "backup")
    assert slack.workspace.calls["/api/oauth.v2.user.access"] == 0
    assert refresh_in_process(store, "acme").refreshed
    assert main(["refresh", "backup"]) == 5
    assert slack.workspace.calls["/api/oauth.v2.user.access"] == 1


def test_copy_is_listed_as_unreadable_and_the_original_is_unaffected(store: ProfileStore) -> None:
    store.save_sign_in(*new_sign_in())
    copy_profile_file(store, "acme", "backup")
    acme, backup = store.entries()
    assert isinstance(acme, Profile)
    assert isinstance(backup, UnreadableProfile)
    assert (backup.error.code, backup.error.facts["detail"]) == ("profile_copied", "acme")


@pytest.mark.parametrize(
    "command", ["show backup", "token backup", "verify backup", "rename backup other", "copy backup"]
)
def test_commands_explain_a_copied_profile_file(
    store: ProfileStore, slack: PracticeSlack, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    copy_profile_file(store, "acme", "backup")
    assert main(command.split()) == 5
    assert f"rm {store.path('backup')}" in capsys.readouterr().err


@pytest.mark.parametrize("by_old_version", [False, True])
def test_library_explains_a_copied_profile_file(
    store: ProfileStore, slack: PracticeSlack, by_old_version: bool
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    copy_profile_file(store, "acme", "backup", by_old_version=by_old_version)
    with pytest.raises(stt.StoreUnusable, match="profile_copied"):
        stt.token("backup")


def test_manually_moved_file_is_not_a_copy(store: ProfileStore, slack: PracticeSlack) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    store.path("acme").rename(store.path("work"))
    assert refresh_in_process(store, "work").refreshed
    assert json.loads(store.path("work").read_text())["name"] == "work"


def test_refreshed_file_is_the_original_among_two_old_version_files(store: ProfileStore, slack: PracticeSlack) -> None:
    issue_profile(store, slack)
    copy_profile_file(store, "acme", "aaa", by_old_version=True)
    assert refresh_in_process(store, "acme").refreshed
    remove_name_from_file(store, "acme")
    with pytest.raises(ProfileError, match="profile_copied"):
        refresh_in_process(store, "aaa", RefreshPolicy(insist=True))
    assert refresh_in_process(store, "acme", RefreshPolicy(insist=True)).refreshed


def test_rename_updates_the_name_in_the_file(store: ProfileStore) -> None:
    store.save_sign_in(*new_sign_in())
    rename(store, "acme", "work")
    assert json.loads(store.path("work").read_text())["name"] == "work"
    store.save_sign_in(*new_sign_in(user_id="U9"), "acme")
    assert store.read("work").user_id == "U1"


def test_copy_can_be_removed_but_not_moved_to_the_keyring(store: ProfileStore) -> None:
    store.save_sign_in(*new_sign_in())
    copy_profile_file(store, "acme", "backup")
    with pytest.raises(ProfileError):
        move_tokens(store, "backup", to_keyring=True)
    assert main(["remove", "backup", "--keep-grant", "--yes"]) == 0
    assert store.names() == ["acme"]
    copy_profile_file(store, "acme", "backup")
    store.delete_unreadable("backup")
    assert store.names() == ["acme"]


def test_token_of_a_copy_is_not_handed_out_while_it_is_valid(
    store: ProfileStore, capsys: pytest.CaptureFixture[str]
) -> None:
    store.save_sign_in(*new_sign_in(expires_at=time_from_now(hours=5)))
    copy_profile_file(store, "acme", "backup")
    assert main(["token", "backup"]) == 5
    assert capsys.readouterr().out == ""
    with pytest.raises(stt.StoreUnusable):
        stt.token("backup")


def test_file_that_was_renamed_and_not_copied_is_used(store: ProfileStore, capsys: pytest.CaptureFixture[str]) -> None:
    store.save_sign_in(*new_sign_in(expires_at=time_from_now(hours=5)))
    store.path("acme").rename(store.path("moved"))
    assert main(["token", "moved"]) == 0
    assert capsys.readouterr().out.strip() == str(stt.token("moved")) != ""
