"""The sign-in form: it names what is wrong, puts pasted text into the right place, and loses nothing that was chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from string import ascii_lowercase

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from slack_token_tui.oauth.state import Phase
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.slack.scopes import PRESETS
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.tui.screens.app_setup import AppSetupScreen
from slack_token_tui.tui.screens.dialogs import MenuDialog
from slack_token_tui.tui.screens.errors import ErrorsScreen
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen
from slack_token_tui.tui.widgets.scope_chips import ScopeChips
from tests.support.browser import parse_query
from tests.support.pilot import (
    click_text,
    has_text,
    read_screen,
    run_app,
    wait_for,
    wait_for_focus,
    wait_for_screen,
    wait_for_text,
)


async def open_form(pilot: Pilot[None]) -> SignInScreen:
    await pilot.press("a")
    await wait_for_focus(pilot, SignInScreen)
    screen = pilot.app.screen
    assert isinstance(screen, SignInScreen)
    return screen


def chips(pilot: Pilot[None]) -> ScopeChips:
    return pilot.app.screen.query_one(ScopeChips)


async def wait_for_sign_in(pilot: Pilot[None], screen: SignInScreen) -> dict[str, str]:
    """Wait until the TUI waits for the browser. Return the parameters of the authorize URL."""
    await wait_for(pilot, lambda: screen.state.phase is Phase.WAITING)
    return parse_query(str(screen.state.url))


async def test_invalid_client_id_is_reported(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (80, 30)) as pilot:
        screen = await open_form(pilot)
        screen.query_one("#client_id", Input).value = "x"
        await pilot.press("enter")
        await wait_for_text(pilot, "A Client ID looks like")
        assert screen.state.url is None


async def test_sign_in_without_scopes_is_reported(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (80, 30)) as pilot:
        screen = await open_form(pilot)
        chips(pilot).scopes = ()
        await pilot.press("enter")
        await wait_for_text(pilot, "Choose at least one scope.")
        assert screen.state.url is None


async def test_form_always_shows_a_slack_other_than_slack_com(home: Path, app: SlackApp, slack: PracticeSlack) -> None:
    async with run_app(home, app) as pilot:
        await pilot.press("a")
        await wait_for_text(pilot, f"not slack.com: {slack.base.removeprefix('http://')}")


async def test_scopes_missing_from_the_app_are_reported_before_slack_rejects_them(home: Path, app: SlackApp) -> None:
    app = replace(app, registered_scopes=("users:read",), scopes=("users:read", "chat:write"), name="Mine")
    async with run_app(home, app, (100, 40)) as pilot:
        screen = await open_form(pilot)
        await wait_for_text(pilot, "Mine may not have chat:write. Slack rejects the request until")
        await pilot.press("enter")
        await wait_for_sign_in(pilot, screen)
        await pilot.press("e")
        await wait_for_focus(pilot, ErrorsScreen)
        pilot.app.screen.query_one("#search", Input).value = "invalid permissions"
        await wait_for_text(pilot, "may not have chat:write.")


async def test_new_paste_replaces_a_wrong_one(home: Path) -> None:
    async with run_app(home, size=(100, 40)) as pilot:
        screen = await open_form(pilot)
        box = screen.query_one("#client_id", Input)
        for pasted, words in (
            ("https://api.slack.com/apps/A012ABCD0A0/general", "settings page"),
            ("A012ABCD0A0", "App ID"),
            ("xoxp-canary-0123456", "a user token"),
        ):
            box.post_message(events.Paste(pasted))
            await wait_for_text(pilot, words)
        box.post_message(events.Paste("1234567890.1234567890123"))
        await wait_for(pilot, lambda: box.value == "1234567890.1234567890123")
        assert not has_text(pilot, "✗")


async def test_paste_outside_the_fields_fills_the_client_id(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        screen = await open_form(pilot)
        assert not isinstance(screen.focused, Input)
        screen.post_message(events.Paste("Client ID\n9999999999.8888888888888"))
        await wait_for(pilot, lambda: screen.query_one("#client_id", Input).value == "9999999999.8888888888888")


async def test_form_values_are_restored_after_leaving_the_wait(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        screen = await open_form(pilot)
        chips(pilot).scopes = ("files:read",)
        await pilot.press("enter")
        await wait_for_sign_in(pilot, screen)
        await pilot.press("escape")
        await wait_for_screen(pilot, HomeScreen)
        await open_form(pilot)
        assert chips(pilot).scopes == ("files:read",)


async def test_arrow_keys_choose_a_preset_and_f2_opens_the_list(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        screen = await open_form(pilot)
        assert screen.focused is chips(pilot), "the next step, as the Client ID is filled in"
        for number in (0, 1, 2, 0):
            await pilot.press("right")
            assert chips(pilot).scopes == PRESETS[number].scopes
        await pilot.press("left")
        assert chips(pilot).scopes == PRESETS[2].scopes
        await wait_for_text(pilot, f"and {len(PRESETS[2].scopes) - 4} more")
        await pilot.press("enter")
        assert (await wait_for_sign_in(pilot, screen))["scope"].split(",") == list(PRESETS[2].scopes)


async def test_presets_can_be_clicked(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        await open_form(pilot)
        await click_text(pilot, "Read\N{NO-BREAK SPACE}and\N{NO-BREAK SPACE}write")
        await wait_for(pilot, lambda: chips(pilot).scopes == PRESETS[1].scopes)


async def test_scopes_pasted_anywhere_are_chosen(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        screen = await open_form(pilot)
        screen.post_message(events.Paste("users:read\nchat:write,\nfiles:read\n"))
        await wait_for(pilot, lambda: chips(pilot).scopes == ("users:read", "chat:write", "files:read"))
        await wait_for_text(pilot, "files:read")
        assert screen.query_one("#client_id", Input).value == app.client_id


@pytest.mark.parametrize("into_the_box", [False, True])
async def test_token_pasted_anywhere_is_removed(home: Path, app: SlackApp, into_the_box: bool) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        screen = await open_form(pilot)
        box = screen.query_one("#client_id", Input)
        if into_the_box:
            box.focus()
        (box if into_the_box else screen).post_message(events.Paste("xoxp-canary-0123456"))
        await wait_for_text(pilot, "That's a user token")
        assert "canary" not in read_screen(pilot)
        assert box.value == ""
        assert chips(pilot).scopes == app.scopes


async def test_digit_typed_outside_the_fields_starts_a_client_id(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        screen = await open_form(pilot)
        box = screen.query_one("#client_id", Input)
        await pilot.press("5")
        assert box.value == app.client_id, "what is filled in is not replaced by one key"
        box.value = ""
        chips(pilot).focus()
        await pilot.press(*"1234567890.1234567890123")
        await wait_for(pilot, lambda: box.value == "1234567890.1234567890123")


async def test_misspelled_scope_suggests_the_right_one(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (120, 40)) as pilot:
        await pilot.press("N")
        await wait_for_focus(pilot, AppSetupScreen)
        chips(pilot).scopes = ("users:reed",)
        await wait_for_text(pilot, "Unknown scope users:reed. Did you mean users:read?")


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        (("enter",), ["users:read", "chat:write"]),
        (("down", "enter"), ["user:read", "chat:write"]),
        (("escape",), None),
    ],
)
async def test_misspelled_scope_is_sent_only_after_a_question(
    home: Path, app: SlackApp, answer: tuple[str, ...], sent: list[str] | None
) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        screen = await open_form(pilot)
        screen.post_message(events.Paste("user:read, chat:write"))
        await wait_for_text(pilot, "Unknown scope user:read. Did you mean users:read?")
        await pilot.press("enter")
        await wait_for_screen(pilot, MenuDialog)
        await wait_for_text(pilot, "Slack rejects misspelled scopes.")
        await wait_for_text(pilot, "Use users:read")
        await wait_for_text(pilot, "Send user:read anyway")
        assert screen.state.url is None, "nothing is sent before the answer"
        await pilot.press(*answer)
        if sent is None:
            await wait_for(pilot, lambda: pilot.app.screen is screen)
            await pilot.pause(0.2)
            assert screen.state.url is None
            assert chips(pilot).scopes == ("user:read", "chat:write"), "nothing that was chosen is lost"
        else:
            assert (await wait_for_sign_in(pilot, screen))["scope"].split(",") == sent


async def test_unknown_scope_without_a_suggestion_is_sent_without_a_question(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        screen = await open_form(pilot)
        chips(pilot).scopes = ("brand.new:thing",)
        await wait_for_text(pilot, "Unknown scope brand.new:thing.")
        await pilot.press("enter")
        assert (await wait_for_sign_in(pilot, screen))["scope"] == "brand.new:thing"


async def test_admin_scopes_are_requested_with_a_warning(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (120, 40)) as pilot:
        screen = await open_form(pilot)
        chips(pilot).scopes = ("admin.users:read",)
        await wait_for_text(pilot, "admin.users:read needs an Org Owner or Admin and an org-wide")
        await pilot.press("enter")
        assert (await wait_for_sign_in(pilot, screen))["scope"] == "admin.users:read"


@pytest.mark.parametrize("is_pasted", [False, True])
async def test_too_many_scopes_are_reported_and_not_truncated(home: Path, app: SlackApp, is_pasted: bool) -> None:
    scopes = tuple(f"a:{first}{second}" for first in ascii_lowercase for second in ascii_lowercase)[:300]
    async with run_app(home, app, (120, 40)) as pilot:
        screen = await open_form(pilot)
        if is_pasted:
            screen.post_message(events.Paste("\n".join(scopes)))
        else:
            chips(pilot).scopes = scopes
            await pilot.press("enter")
        await wait_for_text(pilot, "up to 255 scopes. You chose 300.")
        assert screen.state.url is None
        assert screen.query_one("#client_id", Input).value == app.client_id
