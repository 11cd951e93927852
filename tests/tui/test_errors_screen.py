"""Every error in the catalog can be found on a screen, and the keys of its fixes do what they say."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from slack_token_tui.oauth.state import Failure, Phase
from slack_token_tui.practice.server import simulate_browser
from slack_token_tui.problems import explain, list_codes
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.tui.actions import find_action
from slack_token_tui.tui.screens.dialogs import ConfirmDialog, TextDialog
from slack_token_tui.tui.screens.errors import DIALOG_KEYS, ErrorDialog, ErrorsScreen
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen
from tests.support.pilot import (
    click_text,
    has_text,
    run_app,
    start_sign_in,
    wait_for,
    wait_for_focus,
    wait_for_screen,
    wait_for_text,
    wait_until_port_closes,
)
from tests.support.sign_in_states import APP, FAILED, show_state

WIDE = (120, 50)
PAGE_ERRORS = {
    "redirect_uri did not match": "bad_redirect_uri",
    "app could not be found": "invalid_client_id",
    "invalid permissions": "invalid_scope",
    "not distributed": "invalid_team_for_non_distributed_app",
    "request to install": "approval_required",
    "pending": "app_approval_request_pending",
    "not authorized": "app_blocked",
    "find your workspace": "wrong_slack_instance",
    "https-only": "browser_insists_on_https",
    "localhost refused": "localhost_refused",
}


async def open_browser_errors(pilot: Pilot[None]) -> tuple[ErrorsScreen, SignInScreen]:
    """Look up errors while a sign-in waits. Return the screen and that of the sign-in."""
    await start_sign_in(pilot)
    await pilot.press("e")
    await wait_for_focus(pilot, ErrorsScreen)
    screen, below = pilot.app.screen, pilot.app.screen_stack[-2]
    assert isinstance(screen, ErrorsScreen)
    assert isinstance(below, SignInScreen)
    return screen, below


async def search(pilot: Pilot[None], words: str, code: str) -> None:
    """Search for ``words`` and wait until ``code`` is the first result."""
    screen = pilot.app.screen
    assert isinstance(screen, ErrorsScreen)
    screen.query_one("#search", Input).value = words
    await wait_for(pilot, lambda: screen.highlighted is not None and screen.highlighted.code == code)


async def open_result(pilot: Pilot[None], words: str) -> None:
    """Search for the code ``words`` and open its fix."""
    await search(pilot, words, words)
    await pilot.press("enter")
    await wait_for_screen(pilot, ErrorDialog)


async def confirm(pilot: Pilot[None], key: str) -> None:
    """Answer the question whether to end the waiting sign-in."""
    await wait_for_screen(pilot, ConfirmDialog)
    await wait_for_text(pilot, "Cancel the current sign-in?")
    await pilot.press(key)


async def test_every_error_is_found_by_its_code_from_home(home: Path) -> None:
    async with run_app(home, APP, WIDE) as pilot:
        await pilot.press("e")
        await wait_for_focus(pilot, ErrorsScreen)
        screen = pilot.app.screen
        assert isinstance(screen, ErrorsScreen)
        listed = screen.query_one(OptionList)
        for code in list_codes():
            screen.show_matches(code)
            chosen = screen.highlighted
            assert chosen is not None
            assert chosen.code == code, "the first of the results"
            assert set(chosen.actions) - {"paste"} <= set(DIALOG_KEYS), f"{code} offers {chosen.actions}"
        assert listed.option_count


async def test_every_error_card_offers_its_fixes_as_keys(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, WIDE) as pilot:
        screen = await show_state(pilot, FAILED)
        for code in list_codes():
            explanation = explain(code)
            screen.state = replace(FAILED, failure=Failure(Phase.EXCHANGING, explanation))
            for action in explanation.actions:
                if action != "paste":
                    assert screen.check_action(action, ()), f"{code} offers {action}"
                    assert find_action(action, "sign_in") is not None
                    assert hasattr(screen, f"action_{action}")
            assert screen.check_action("explain", ())


@pytest.mark.parametrize(("words", "code"), PAGE_ERRORS.items())
async def test_errors_on_slacks_page_are_found_by_their_text(home: Path, app: SlackApp, words: str, code: str) -> None:
    async with run_app(home, app, WIDE) as pilot:
        await open_browser_errors(pilot)
        await search(pilot, words, code)
        await wait_for_text(pilot, explain(code).title)
        await wait_for_text(pilot, "1. ")


async def test_letters_go_into_the_search_field_and_start_nothing(
    home: Path, app: SlackApp, copied_texts: list[str], opened_urls: list[str]
) -> None:
    async with run_app(home, app, WIDE) as pilot:
        screen, below = await open_browser_errors(pilot)
        url, opened = below.state.url, list(opened_urls)
        await search(pilot, "bad_redirect_uri", "bad_redirect_uri")  # its fix has the keys o, u, a, y and Enter
        box = screen.query_one("#search", Input)
        box.value = ""
        await pilot.press("down", *"rosduaeyqxcp?/1")
        assert box.value == "rosduaeyqxcp?/1"
        await pilot.pause(0.2)
        assert pilot.app.screen is screen
        assert (below.state.phase, below.state.url) == (Phase.WAITING, url)
        assert (copied_texts, opened_urls) == ([], opened)


async def test_arrow_keys_move_the_list_and_the_field_keeps_the_focus(home: Path) -> None:
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("e")
        await wait_for_focus(pilot, ErrorsScreen)
        screen = pilot.app.screen
        assert isinstance(screen, ErrorsScreen)
        first = screen.highlighted
        await pilot.press("down")
        await wait_for(pilot, lambda: screen.highlighted != first)
        assert isinstance(screen.focused, Input)
        await pilot.press("up")
        await wait_for(pilot, lambda: screen.highlighted == first)


async def test_sent_redirect_url_is_listed_first_and_each_url_can_be_copied(
    home: Path, app: SlackApp, copied_texts: list[str]
) -> None:
    async with run_app(home, app, WIDE) as pilot:
        await open_browser_errors(pilot)
        await search(pilot, "bad_redirect_uri", "bad_redirect_uri")
        await wait_for_text(pilot, "Sent")
        for url in app.redirect_uris:
            await wait_for_text(pilot, url)
        await pilot.press("enter")
        for number in range(len(app.redirect_uris)):
            await wait_for_focus(pilot, ErrorDialog)
            await pilot.press("u")
            await wait_for(pilot, lambda wanted=number + 1: len(copied_texts) == wanted)
        assert tuple(copied_texts) == app.redirect_uris, "the one that was sent first, then the others"


async def test_report_of_a_result_can_be_copied(home: Path, app: SlackApp, copied_texts: list[str]) -> None:
    async with run_app(home, app, WIDE) as pilot:
        await open_browser_errors(pilot)
        await open_result(pilot, "invalid_scope")
        await pilot.press("y")
        await wait_for(pilot, lambda: copied_texts)
        assert f"{explain('invalid_scope').title} (invalid_scope)" in copied_texts[0]


async def test_try_again_asks_and_starts_a_new_sign_in(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, WIDE) as pilot:
        _, below = await open_browser_errors(pilot)
        before = below.state.url
        await open_result(pilot, "approval_required")
        await pilot.press("enter")
        await confirm(pilot, "y")
        await wait_for(pilot, lambda: below.state.url not in (None, before))
        await wait_for(pilot, lambda: pilot.app.screen is below)
        await asyncio.to_thread(simulate_browser, str(below.state.url))
        await wait_for_text(pilot, "✓ Signed in")


@pytest.mark.parametrize(("code", "key"), [("approval_required", "enter"), ("invalid_client_id", "a")])
async def test_declined_question_leaves_the_sign_in_waiting(home: Path, app: SlackApp, code: str, key: str) -> None:
    async with run_app(home, app, WIDE) as pilot:
        _, below = await open_browser_errors(pilot)
        before = below.state.url
        await open_result(pilot, code)
        await pilot.press(key)
        await confirm(pilot, "escape")
        await wait_for_focus(pilot, ErrorDialog)
        await pilot.press("escape")
        await wait_for_focus(pilot, ErrorsScreen)
        await pilot.press("escape")
        await wait_for(pilot, lambda: pilot.app.screen is below)
        assert (below.state.phase, below.state.url) == (Phase.WAITING, before)
        await asyncio.to_thread(simulate_browser, str(before))
        await wait_for_text(pilot, "✓ Signed in")


async def test_change_app_asks_opens_the_form_and_closes_the_port(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, WIDE) as pilot:
        _, below = await open_browser_errors(pilot)
        await open_result(pilot, "invalid_client_id")
        await pilot.press("a")
        await confirm(pilot, "y")
        await wait_for_text(pilot, "Client ID of your Slack app")
        assert pilot.app.screen is below
        assert below.state.phase is not Phase.WAITING
        await wait_until_port_closes(pilot, app.redirect_uris[0])


async def test_app_settings_page_is_opened(home: Path, app: SlackApp, opened_urls: list[str]) -> None:
    async with run_app(home, app, WIDE) as pilot:
        await open_browser_errors(pilot)
        await open_result(pilot, "pkce_not_allowed")
        await pilot.press("o")
        await wait_for(pilot, lambda: opened_urls[1:])
        assert opened_urls[1:] == [app.endpoints.apps_url], "after the authorize page"


@pytest.mark.parametrize("over_it", ["", "enter", "f1", "ctrl+p"])
async def test_browser_response_finishes_the_sign_in_whatever_is_open(home: Path, app: SlackApp, over_it: str) -> None:
    async with run_app(home, app, WIDE) as pilot:
        _, below = await open_browser_errors(pilot)
        if over_it:
            await pilot.press(over_it)
            await wait_for(pilot, lambda: len(pilot.app.screen_stack) == 4)
        await asyncio.to_thread(simulate_browser, str(below.state.url))
        await wait_for(pilot, lambda: pilot.app.screen is below)
        await wait_for_text(pilot, "✓ Signed in")
        await pilot.press("enter")
        await wait_for_screen(pilot, HomeScreen)


async def test_browser_response_answers_the_question_whether_to_end_the_sign_in(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, WIDE) as pilot:
        _, below = await open_browser_errors(pilot)
        await open_result(pilot, "approval_required")
        await pilot.press("enter")
        await wait_for_screen(pilot, ConfirmDialog)
        await asyncio.to_thread(simulate_browser, str(below.state.url))
        await wait_for(pilot, lambda: pilot.app.screen is below)
        await wait_for_text(pilot, "✓ Signed in")


async def test_search_without_a_match_says_so(home: Path) -> None:
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("e")
        await wait_for_screen(pilot, ErrorsScreen)
        screen = pilot.app.screen
        screen.query_one("#search", Input).value = "zzzz"
        await wait_for_text(pilot, "No match.")
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert pilot.app.screen is screen


async def test_try_again_from_home_starts_a_sign_in(home: Path) -> None:
    async with run_app(home, APP, WIDE) as pilot:
        await pilot.press("e")
        await wait_for_focus(pilot, ErrorsScreen)
        await open_result(pilot, "access_denied")
        await pilot.press("enter")
        await wait_for_screen(pilot, SignInScreen)


async def test_try_again_is_unavailable_without_an_app(home: Path) -> None:
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("e")
        await wait_for_focus(pilot, ErrorsScreen)
        await open_result(pilot, "access_denied")
        await wait_for_text(pilot, "You clicked Cancel")
        dialog = pilot.app.screen
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert pilot.app.screen is dialog
        assert not has_text(pilot, "try again")


async def test_errors_can_be_browsed_by_mouse(home: Path) -> None:
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("e")
        await wait_for_focus(pilot, ErrorsScreen)
        pilot.app.screen.query_one("#search", Input).value = "pkce"
        await click_text(pilot, "Slack requires a client secret for this app")
        await wait_for_screen(pilot, ErrorDialog)
        await wait_for_text(pilot, "The client secret was missing or wrong.")
        await click_text(pilot, "Esc\N{NO-BREAK SPACE}back")
        await wait_for_screen(pilot, ErrorsScreen)
        await click_text(pilot, "Esc back")
        await wait_for_screen(pilot, HomeScreen)


async def test_text_pasted_at_home_is_looked_up(home: Path) -> None:
    async with run_app(home, size=WIDE) as pilot:
        pilot.app.screen.post_message(events.Paste("Only workspace owners can install Acme Bot\n"))
        await wait_for_screen(pilot, ErrorsScreen)
        screen = pilot.app.screen
        assert isinstance(screen, ErrorsScreen)
        await wait_for(pilot, lambda: screen.highlighted is not None and screen.highlighted.code == "app_blocked")


async def test_f1_explains_a_sign_in_error_in_full(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, WIDE) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot), wrong="exchange:bad_redirect_uri")
        await wait_for_text(pilot, "bad_redirect_uri")
        await pilot.press("f1")
        await wait_for_screen(pilot, TextDialog)
        await wait_for_text(pilot, "Likely causes")
        await pilot.press("escape", "escape")
        await wait_for_screen(pilot, HomeScreen)
        assert not has_text(pilot, "F1")
