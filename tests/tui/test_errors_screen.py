"""Every error in the catalog can be found on a screen, and the keys of its fixes do what they say."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from slack_token_tui.oauth.state import Failure, Phase
from slack_token_tui.practice.server import simulate_browser
from slack_token_tui.problems import explain, list_codes
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.tui.actions import find_action
from slack_token_tui.tui.screens.dialogs import ExplanationDialog
from slack_token_tui.tui.screens.errors import ErrorsScreen
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


async def open_browser_errors(pilot: Pilot[None]) -> ErrorsScreen:
    await start_sign_in(pilot)
    await pilot.press("b")
    await wait_for_focus(pilot, ErrorsScreen)
    screen = pilot.app.screen
    assert isinstance(screen, ErrorsScreen)
    return screen


async def search(pilot: Pilot[None], words: str) -> None:
    pilot.app.screen.query_one("#search", Input).value = words
    await pilot.pause(0.1)
    await pilot.press("enter")
    await wait_for(pilot, lambda: isinstance(pilot.app.screen.focused, OptionList))


async def test_every_error_is_found_by_its_code_from_home(home: Path) -> None:
    async with run_app(home, APP, WIDE) as pilot:
        await pilot.press("e")
        await wait_for_screen(pilot, ErrorsScreen)
        screen = pilot.app.screen
        assert isinstance(screen, ErrorsScreen)
        listed = screen.query_one(OptionList)
        listed.focus()
        await wait_for(pilot, lambda: screen.focused is listed)
        for code in list_codes():
            screen.show_matches(code)
            found = [listed.get_option_at_index(number).id for number in range(listed.option_count)]
            assert code in found
            listed.highlighted = found.index(code)
            chosen = screen.highlighted
            assert chosen is not None
            assert chosen.code == code
            for action in chosen.actions:
                if action != "paste":
                    assert screen.check_action(action, ()), f"{code} offers {action}"
                    assert hasattr(screen, f"action_{action}")


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
        await search(pilot, words)
        await wait_for_text(pilot, code)
        await wait_for_text(pilot, "What to do")
        screen = pilot.app.screen
        assert isinstance(screen, ErrorsScreen)
        assert screen.highlighted is not None
        assert screen.highlighted.code == code, "the first that is found"


async def test_sent_redirect_url_is_listed_first_and_each_url_can_be_copied(
    home: Path, app: SlackApp, copied_texts: list[str]
) -> None:
    async with run_app(home, app, WIDE) as pilot:
        await open_browser_errors(pilot)
        await search(pilot, "bad_redirect_uri")
        await wait_for_text(pilot, "Sent")
        for address in app.redirect_uris:
            await wait_for_text(pilot, address)
        for number in range(len(app.redirect_uris)):
            await pilot.press("d")
            await wait_for(pilot, lambda wanted=number + 1: len(copied_texts) == wanted)
        assert tuple(copied_texts) == app.redirect_uris, "the one that was sent first, then the others"


async def test_try_again_from_the_list_starts_a_new_sign_in(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, WIDE) as pilot:
        await open_browser_errors(pilot)
        screen = pilot.app.screen_stack[-2]
        assert isinstance(screen, SignInScreen)
        before = screen.state.url
        await search(pilot, "approval_required")
        await pilot.press("r")
        await wait_for(pilot, lambda: screen.state.url not in (None, before))
        assert pilot.app.screen is screen
        await asyncio.to_thread(simulate_browser, str(screen.state.url))
        await wait_for_text(pilot, "Signed in as jane")


async def test_change_app_from_the_list_opens_the_form_and_closes_the_port(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, WIDE) as pilot:
        await open_browser_errors(pilot)
        await search(pilot, "invalid_client_id")
        await pilot.press("a")
        await wait_for_text(pilot, "Client ID")
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        assert screen.state.phase is not Phase.WAITING
        await wait_until_port_closes(pilot, app.redirect_uris[0])


async def test_app_settings_page_is_opened(home: Path, app: SlackApp, opened_urls: list[str]) -> None:
    async with run_app(home, app, WIDE) as pilot:
        await open_browser_errors(pilot)
        await search(pilot, "pkce_not_allowed")
        await pilot.press("s")
        await wait_for(pilot, lambda: opened_urls[1:])
        assert opened_urls[1:] == [app.endpoints.apps_url], "after the authorize page"


async def test_browser_response_closes_the_errors_screen(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, WIDE) as pilot:
        await open_browser_errors(pilot)
        screen = pilot.app.screen_stack[-2]
        assert isinstance(screen, SignInScreen)
        await asyncio.to_thread(simulate_browser, str(screen.state.url))
        await wait_for_text(pilot, "Signed in as jane")
        assert pilot.app.screen is screen


@pytest.mark.parametrize("over_it", ["f1", "ctrl+p"])
async def test_browser_response_while_help_or_palette_is_open_finishes_the_sign_in(
    home: Path, app: SlackApp, over_it: str
) -> None:
    async with run_app(home, app, WIDE) as pilot:
        await open_browser_errors(pilot)
        screen = pilot.app.screen_stack[-2]
        assert isinstance(screen, SignInScreen)
        await pilot.press(over_it)
        await wait_for(pilot, lambda: len(pilot.app.screen_stack) == 4)
        await asyncio.to_thread(simulate_browser, str(screen.state.url))
        await wait_for(pilot, lambda: pilot.app.screen is screen)
        await wait_for_text(pilot, "Signed in as jane")
        await pilot.press("escape")
        await wait_for_screen(pilot, HomeScreen)


async def test_search_without_a_match_says_so(home: Path) -> None:
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("e")
        await wait_for_screen(pilot, ErrorsScreen)
        pilot.app.screen.query_one("#search", Input).value = "zzzz"
        await wait_for_text(pilot, "Nothing matches")


async def test_try_again_from_home_starts_a_sign_in(home: Path) -> None:
    async with run_app(home, APP, WIDE) as pilot:
        await pilot.press("e")
        await wait_for_focus(pilot, ErrorsScreen)
        await search(pilot, "access_denied")
        await pilot.press("r")
        await wait_for_screen(pilot, SignInScreen)


async def test_try_again_is_unavailable_without_an_app(home: Path) -> None:
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("e")
        await wait_for_focus(pilot, ErrorsScreen)
        await search(pilot, "access_denied")
        await wait_for_text(pilot, "You clicked Cancel")
        assert not pilot.app.screen.check_action("again", ())
        assert not has_text(pilot, "try\N{NO-BREAK SPACE}again")


async def test_errors_can_be_browsed_by_mouse(home: Path) -> None:
    async with run_app(home, size=WIDE) as pilot:
        await click_text(pilot, "Errors")
        await wait_for_screen(pilot, ErrorsScreen)
        await click_text(pilot, "PKCE is off for this app")
        await wait_for_text(pilot, "This sign-in uses PKCE")
        await click_text(pilot, "Back")
        await wait_for_screen(pilot, HomeScreen)


async def test_f1_explains_a_sign_in_error_in_full(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, WIDE) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot), wrong="exchange:invalid_code")
        await wait_for_text(pilot, "invalid_code")
        await pilot.press("f1")
        await wait_for_screen(pilot, ExplanationDialog)
        await wait_for_text(pilot, "Likely causes")
        await pilot.press("escape", "escape")
        await wait_for_screen(pilot, HomeScreen)
        assert not has_text(pilot, "F1")
