"""The home screen: everything that keys do with profiles, at a practice Slack."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, Static

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import read_settings
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from slack_token_tui.tokens.refresh_result import RefreshPolicy
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen
from slack_token_tui.tui.widgets.profile_list import ProfileList
from tests.support.pilot import WIDE, has_text, read_screen, run_app, wait_for, wait_for_screen, wait_for_text
from tests.support.practice import issue_profile, issue_tokens
from tests.support.profiles import CANARY, new_sign_in, time_from_now
from tests.support.store import add_profile_files, read_tokens

# ── automatic refresh ──


async def test_expiring_token_is_refreshed_automatically(store: ProfileStore, slack: PracticeSlack, home: Path) -> None:
    old = issue_profile(store, slack)
    async with run_app(home, size=WIDE) as pilot:
        await wait_for(pilot, lambda: store.read("acme").generation > old.generation)
        await wait_for_text(pilot, "for 11 h 59 min, then renews itself")
        await wait_for_text(pilot, "for 29 days, counted from its last renewal")
    assert slack.workspace.tokens.refreshed == 1


async def test_failed_automatic_refresh_is_explained_and_not_retried_immediately(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    issue_profile(store, slack)
    slack.workspace.tokens.grace_seconds = 0
    slack.workspace.faults.append("lost")
    async with run_app(home, size=WIDE) as pilot:
        await wait_for_text(pilot, "refresh_interrupted")
        await wait_for_text(pilot, "no longer: sign in again before it expires")
        calls = slack.workspace.calls["/api/oauth.v2.user.access"]
        await pilot.pause(2.2)
        assert slack.workspace.calls["/api/oauth.v2.user.access"] == calls


async def test_changes_by_another_program_are_shown(store: ProfileStore, slack: PracticeSlack, home: Path) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=2))
    async with run_app(home, size=WIDE) as pilot:
        await wait_for_text(pilot, "for 1 h 59 min")
        await asyncio.to_thread(refresh_in_process, store, "acme", RefreshPolicy(insist=True))
        await wait_for_text(pilot, "for 11 h 59 min")
        store.save_sign_in(*new_sign_in(user_id="U9", name="new"), "new")
        await wait_for_text(pilot, "Profiles · 2")


# ── copy ──


async def test_copy_reports_the_expiry_and_the_clear_time(
    store: ProfileStore, slack: PracticeSlack, home: Path, copied_texts: list[str]
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=2))
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("c")
        await wait_for(pilot, lambda: copied_texts)
        await wait_for_text(pilot, "It works for 1 h 59 min")
        await wait_for_text(pilot, "cleared in 45 s")
    assert copied_texts == [read_tokens(store).access_token.reveal()]
    assert slack.workspace.tokens.refreshed == 0


async def test_copy_refreshes_an_expired_token_first(
    store: ProfileStore, slack: PracticeSlack, home: Path, copied_texts: list[str]
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("c")
        await wait_for(pilot, lambda: copied_texts)
    assert slack.workspace.tokens.authenticate(copied_texts[0])
    assert slack.workspace.tokens.refreshed == 1


async def test_copy_as_previews_a_masked_token_and_copies_the_real_one(
    store: ProfileStore, home: Path, copied_texts: list[str]
) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("C")
        await wait_for_text(pilot, "Copy acme as")
        for _ in range(2):
            await pilot.press("down")
        await wait_for_text(pilot, "export SLACK_TOKEN='xoxp-…cdef'")
        assert CANARY not in read_screen(pilot)
        await pilot.press("enter")
        await wait_for(pilot, lambda: copied_texts)
        await wait_for_text(pilot, "acme as env copied with xclip")
    assert copied_texts == [f"export SLACK_TOKEN={CANARY}"]


async def test_copy_without_a_clipboard_asks_before_using_the_terminal(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        sent: list[str] = []
        pilot.app.copy_to_clipboard = sent.append  # type: ignore[method-assign]
        await pilot.press("c")
        await wait_for_text(pilot, "Send the token of acme to your terminal?")
        await wait_for_text(pilot, "cannot be cleared from here")
        assert sent == []
        await pilot.press("escape")
        await wait_for_text(pilot, "Not copied")
        await pilot.press("c")
        await wait_for_text(pilot, "Send the token of acme to your terminal?")
        await pilot.press("y")
        await wait_for(pilot, lambda: sent)
        await pilot.press("c")  # it asks once per session
        await wait_for(pilot, lambda: len(sent) == 2)


async def test_revealed_token_is_hidden_automatically(
    store: ProfileStore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slack_token_tui.tui.screens.home_commands.REVEAL_SECONDS", 3)
    store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("t")
        await wait_for(pilot, lambda: CANARY in read_screen(pilot))
        await wait_for(pilot, lambda: CANARY not in read_screen(pilot))
        await pilot.press("t")
        await wait_for(pilot, lambda: CANARY in read_screen(pilot))
        await pilot.press("t")
        await wait_for(pilot, lambda: CANARY not in read_screen(pilot))


# ── verify, refresh ──


async def test_verify_and_refresh_results_are_shown_with_the_profile(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    saved = issue_profile(store, slack, expires_at=time_from_now(hours=3))
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("v")
        await wait_for_text(pilot, "acme is good")
        await pilot.press("r")
        await wait_for_text(pilot, "acme renewed")
        await pilot.press("r")
        await wait_for_text(pilot, "was left alone")
        slack.workspace.verify_error = "account_inactive"
        await pilot.press("v")
        await wait_for_text(pilot, "account_inactive")
        await wait_for_text(pilot, "revoked")
        await wait_for_text(pilot, "What to do")
    assert store.read("acme").refused == "account_inactive"
    assert store.read("acme").generation == saved.generation + 1


async def test_verify_all_shows_progress_and_can_be_stopped(
    store: ProfileStore, slack: PracticeSlack, home: Path, monkeypatch: pytest.MonkeyPatch, silent_server_url: str
) -> None:
    saved, tokens = issue_profile(store, slack, expires_at=time_from_now(hours=3)), read_tokens(store)
    for number in range(12):
        store.save_sign_in(replace(saved, user_id=None, name=""), tokens, f"p{number}")
    store.save_sign_in(*new_sign_in(user_id="U5", endpoints=Endpoints("http://127.0.0.1:9")), "away")
    test, progress_was_seen = slack.workspace.auth_test, threading.Event()

    def answer_late(bearer: str | None) -> tuple[dict[str, object], tuple[str, ...]]:
        progress_was_seen.wait(30)
        return test(bearer)

    monkeypatch.setattr(slack.workspace, "auth_test", answer_late)
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("V")
        await wait_for_text(pilot, "of 14 · Esc stops")
        progress_was_seen.set()
        await wait_for_text(pilot, "13 good, 1 with trouble")
        assert slack.workspace.calls["/api/auth.test"] == 13
        await pilot.press("o")
        await wait_for(pilot, lambda: pilot.app.screen.model.order == "state")
        await pilot.press("g")
        await wait_for(pilot, lambda: pilot.app.screen.query_one(ProfileList).highlighted_entry.name == "away")
        store.save_sign_in(*new_sign_in(user_id="U6", endpoints=Endpoints(silent_server_url)), "silent")
        await wait_for_text(pilot, "Profiles · 15")
        await pilot.press("V")
        await wait_for_text(pilot, "of 15 · Esc stops")
        await pilot.press("escape")
        await wait_for_text(pilot, "was stopped")


async def test_refresh_all_refreshes_only_rotating_tokens(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    issue_profile(store, slack, "one", expires_at=time_from_now(hours=3))
    slack.workspace.people = slack.workspace.people[::-1]
    issue_profile(store, slack, "two", expires_at=time_from_now(hours=3))
    store.save_sign_in(*new_sign_in(), "plain")
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("R")
        await wait_for_text(pilot, "Renewing 2: 2 renewed")
    assert slack.workspace.tokens.refreshed == 2


# ── rename, default, remove, import ──


async def test_rename_asks_until_the_name_is_valid(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in())
    store.save_sign_in(*new_sign_in(user_id="U2"), "other")
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("n")
        await wait_for_text(pilot, "Rename acme")
        for name, words in (("other", "other"), ("…", "name")):
            pilot.app.screen.query_one(Input).value = name
            await pilot.press("enter")
            await wait_for(
                pilot, lambda words=words: words in str(pilot.app.screen.query_one("#problem", Static).content)
            )
        pilot.app.screen.query_one(Input).value = "work"
        await pilot.press("enter")
        await wait_for_screen(pilot, HomeScreen)
        await wait_for(pilot, lambda: pilot.app.screen.query_one(ProfileList).highlighted_entry.name == "work")
    assert store.names() == ["other", "work"]


async def test_rename_offers_a_valid_form_of_the_name(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("n")
        await wait_for_text(pilot, "Rename acme")
        pilot.app.screen.query_one(Input).value = "My Work"
        await pilot.press("enter")
        await wait_for_text(pilot, "Enter uses my-work")
        assert pilot.app.screen.query_one(Input).value == "my-work"
        await pilot.press("enter")
        await wait_for_screen(pilot, HomeScreen)
    assert store.names() == ["my-work"]


async def test_default_profile_can_be_set_and_cleared(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("d")
        await wait_for_text(pilot, "acme · default")
        assert read_settings(home)["default_profile"] == "acme"
        await pilot.press("d")
        await wait_for(pilot, lambda: not has_text(pilot, "acme · default"))
    assert "default_profile" not in read_settings(home)


async def test_remove_shows_what_is_revoked_and_what_stays(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    issue_profile(store, slack, app_id="A0PRACTICE", workspace_url="https://acme-practice.slack.com/")
    async with run_app(home, size=(100, 30)) as pilot:
        await pilot.press("x")
        await wait_for_text(pilot, "The access token and the refresh token")
        await pilot.press("escape")
        await wait_for_screen(pilot, HomeScreen)
        assert store.names() == ["acme"]
        await pilot.press("x")
        await wait_for_text(pilot, "Remove acme?")
        await pilot.press("y")
        await wait_for_text(pilot, "What stays at Slack")
        await wait_for_text(pilot, "refresh token: ended. Slack says revoked")
        await wait_for_text(pilot, "https://acme-practice.slack.com/apps/A0PRACTICE")
        await pilot.press("escape")
        await wait_for_text(pilot, "No profiles yet")


async def test_unreachable_slack_blocks_revoking_but_local_removal_works(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in(endpoints=Endpoints("http://127.0.0.1:9")))
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("x")
        await wait_for_text(pilot, "Remove acme?")
        await pilot.press("y")
        await wait_for_text(pilot, "acme was not removed")
        await pilot.press("escape")
        assert store.names() == ["acme"]
        await pilot.press("x")
        await wait_for_text(pilot, "Remove acme?")
        await pilot.press("d")
        await wait_for_text(pilot, "acme is deleted here")


async def test_import_shows_the_token_type_and_saves_the_token(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    from slack_token_tui.practice.models import CLIENT_ID
    from slack_token_tui.store.apps import SlackApp

    access, _ = issue_tokens(slack.workspace, "a:read")
    async with run_app(home, SlackApp(CLIENT_ID, Endpoints(slack.base)), WIDE) as pilot:
        await pilot.press("i")
        await wait_for_text(pilot, "Import a token")
        pilot.app.screen.query_one("#access", Input).value = "xoxb-canary-0000"
        await wait_for_text(pilot, "That is a bot token")
        pilot.app.screen.query_one("#access", Input).value = access
        await wait_for_text(pilot, "✓ rotating user token")
        assert access not in read_screen(pilot)
        pilot.app.screen.query_one("#access", Input).focus()
        await pilot.press("enter")
        await wait_for_text(pilot, "Saved as acme-practice")
    assert store.names() == ["acme-practice"]


async def test_repeated_sign_in_shows_scope_changes(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in(scopes=("users:read", "channels:read"), requested_scopes=("users:read",)))
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("s")
        await wait_for_screen(pilot, SignInScreen)
        await wait_for_text(pilot, "Kept all the same: channels:read")
        await wait_for_text(pilot, "remove the profile first")
        pilot.app.screen.query_one("#scopes", Input).value = "users:read, channels:read, chat:write"
        await wait_for_text(pilot, "New: chat:write. acme keeps its name")


# ── many profiles ──


async def test_profiles_can_be_filtered_and_sorted(store: ProfileStore, home: Path) -> None:
    for number in range(30):
        store.save_sign_in(
            *new_sign_in(user_id=f"U{number}", team_name=f"Team {number}", expires_at=time_from_now(hours=40 - number)),
            f"p{number:02}",
        )
    async with run_app(home, size=WIDE) as pilot:
        profiles = pilot.app.screen.query_one(ProfileList)
        await pilot.press("slash")
        for key in "team 7 p07":
            await pilot.press("space" if key == " " else key)
        await wait_for_text(pilot, "1 of 30")
        assert profiles.highlighted_entry and profiles.highlighted_entry.name == "p07"
        await pilot.press("enter")
        assert isinstance(pilot.app.focused, OptionList)
        await pilot.press("escape")
        await wait_for_text(pilot, "Profiles · 30")
        assert profiles.highlighted_entry.name == "p07"
        await pilot.press("o", "o", "g")
        await wait_for(pilot, lambda: profiles.highlighted_entry and profiles.highlighted_entry.name == "p29")
    assert read_settings(home)["order"] == "expiry"


async def test_thousand_profiles_can_be_scrolled_and_filtered(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in())
    add_profile_files(store, "acme", range(1000))
    async with run_app(home, size=WIDE) as pilot:
        profiles = pilot.app.screen.query_one(ProfileList)
        await wait_for(pilot, lambda: profiles.option_count == 1001)
        await pilot.press("G")
        await wait_for(pilot, lambda: profiles.highlighted_entry and profiles.highlighted_entry.name == "w0999")
        await pilot.press("slash", *"w0500")
        await wait_for(pilot, lambda: profiles.option_count == 1)
        await pilot.press("escape")
        await wait_for(pilot, lambda: profiles.option_count == 1001)
        await asyncio.sleep(0)
