"""What happens meanwhile: another program, another screen, or the browser changes what a screen is about."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.events import Paste
from textual.widgets import Input

from slack_token_tui.oauth.state import Phase
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tui.screens.dialogs import TextDialog
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen
from tests.support.browser import issue_callback_url
from tests.support.pilot import click_text, has_text, run_app, start_sign_in, wait_for, wait_for_screen, wait_for_text
from tests.support.practice import issue_profile
from tests.support.profiles import new_sign_in, time_from_now
from tests.support.store import change_profile


@pytest.mark.parametrize("key", ["c", "d", "x"])
async def test_menu_of_a_renamed_profile_does_nothing_to_its_neighbor(
    home: Path, store: ProfileStore, copied_texts: list[str], key: str
) -> None:
    store.save_sign_in(*new_sign_in(id="one"), "acme")
    store.save_sign_in(*new_sign_in(id="two", user_id="U2"), "hooli")
    async with run_app(home) as pilot:
        await pilot.press("enter")
        await wait_for_text(pilot, "Copy as")
        store.path("acme").rename(store.path("zeta"))
        await pilot.press(key)
        await wait_for_text(pilot, "Another program removed or renamed acme.")
        assert copied_texts == []
        assert isinstance(pilot.app.screen, HomeScreen)


async def test_leaked_token_is_not_replaced_while_its_refresh_token_may_work(
    home: Path, store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue_profile(store, slack)
    revoke = slack.workspace.tokens.revoke

    def revoke_access_tokens_only(token: str) -> bool:
        return False if token.startswith("xoxe-") else revoke(token)

    monkeypatch.setattr(slack.workspace.tokens, "revoke", revoke_access_tokens_only)
    async with run_app(home, size=(150, 40)) as pilot:
        await pilot.press("enter")
        await wait_for_text(pilot, "Replace a leaked token")
        await pilot.press(*["down"] * 5, "enter")
        await wait_for_text(pilot, "Replace the token of acme?")
        await pilot.press("y")
        await wait_for_text(pilot, "Try again, or revoke it in Slack.")
        assert isinstance(pilot.app.screen, HomeScreen)
    assert not store.read("acme").is_revoked


async def test_batch_keys_do_nothing_while_the_filter_shows_no_profile(home: Path, store: ProfileStore) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home) as pilot:
        await pilot.press("slash", *"zzz", "enter")
        await wait_for_text(pilot, "No profile matches")
        for action in ("verify_all", "refresh_all"):
            assert not pilot.app.screen.check_action(action, ())
        await pilot.press("V", "R")
        await pilot.pause(0.2)
        assert not has_text(pilot, "bug")


async def test_new_sign_in_is_shown_although_the_filter_did_not_match_it(
    home: Path, store: ProfileStore, app: SlackApp
) -> None:
    store.save_sign_in(*new_sign_in(), "hooli")
    async with run_app(home, app) as pilot:
        await pilot.press("slash", *"hoo", "enter")
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot))
        await wait_for_text(pilot, "✓ Signed in")
        await pilot.press("enter")
        await wait_for_screen(pilot, HomeScreen)
        await wait_for_text(pilot, "2 profiles")
        screen = pilot.app.screen
        assert isinstance(screen, HomeScreen) and screen.highlighted is not None
        assert screen.highlighted.name == "acme-practice"


async def test_token_that_expires_on_the_success_screen_is_refreshed_before_it_is_copied(
    home: Path, store: ProfileStore, app: SlackApp, workspace: Workspace, copied_texts: list[str]
) -> None:
    async with run_app(home, app) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot))
        await wait_for_text(pilot, "✓ Signed in")
        change_profile(store, "acme-practice", expires_at=time_from_now(minutes=-1))
        await pilot.press("c")
        await wait_for(pilot, lambda: copied_texts)
    assert workspace.tokens.refreshed == 1
    assert workspace.tokens.access_tokens[copied_texts[0]].revoked is False


@pytest.mark.parametrize("key", ["f1", "e"], ids=["details", "lookup"])
async def test_callback_url_pasted_over_another_screen_finishes_the_sign_in(
    home: Path, app: SlackApp, workspace: Workspace, key: str
) -> None:
    async with run_app(home, app) as pilot:
        url = await start_sign_in(pilot)
        screen = pilot.app.screen
        await pilot.press(key)
        await wait_for(pilot, lambda: pilot.app.screen is not screen)
        pilot.app.post_message(Paste(issue_callback_url(workspace, url)))
        await wait_for(pilot, lambda: pilot.app.screen is screen)
        await wait_for_text(pilot, "✓ Signed in")


async def test_details_of_a_wait_close_when_the_browser_answers(home: Path, app: SlackApp) -> None:
    async with run_app(home, app) as pilot:
        url = await start_sign_in(pilot)
        await pilot.press("f1")
        await wait_for_screen(pilot, TextDialog)
        await asyncio.to_thread(simulate_browser, url)
        await wait_for_screen(pilot, SignInScreen)
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        await wait_for(pilot, lambda: screen.state.phase is Phase.SAVED)


async def test_preset_can_be_clicked_while_the_search_has_the_focus(home: Path, app: SlackApp) -> None:
    async with run_app(home, app) as pilot:
        await pilot.press("a")
        await wait_for_text(pilot, "What can the token do?")
        await pilot.press("f2", "slash", "z")
        assert isinstance(pilot.app.screen.focused, Input)
        await click_text(pilot, "none")
        await wait_for_text(pilot, "Select at least one scope.")


async def test_notice_of_a_success_ends_and_that_of_an_error_stays(
    home: Path, store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slack_token_tui.tui.screens.home._NOTICE_SECONDS", 0.3)
    issue_profile(store, slack)
    async with run_app(home) as pilot:
        await pilot.press("v")
        await wait_for_text(pilot, "acme works.")
        await wait_for(pilot, lambda: not has_text(pilot, "acme works."))
        slack.workspace.tokens.revoke(store.read_with_tokens("acme")[1].access_token.reveal())
        await pilot.press("v")
        await wait_for_text(pilot, "Press s to sign in again.")
        await pilot.pause(0.6)
        assert has_text(pilot, "Press s to sign in again.")
