"""The sign-in form: it names what is wrong, puts pasted text into the right field, and loses nothing that was typed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.tui.screens.errors import ErrorsScreen
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen
from tests.support.pilot import read_screen, run_app, wait_for, wait_for_focus, wait_for_screen, wait_for_text


@pytest.mark.parametrize(
    ("field", "value", "words"), [("client_id", "x", "A Client ID is digits"), ("scopes", "", "at least one scope")]
)
async def test_form_reports_invalid_fields(home: Path, app: SlackApp, field: str, value: str, words: str) -> None:
    async with run_app(home, app, (80, 30)) as pilot:
        await pilot.press("a")
        await wait_for_screen(pilot, SignInScreen)
        pilot.app.screen.query_one(f"#{field}", Input).value = value
        await pilot.press("enter")
        await wait_for_text(pilot, words)


async def test_form_always_shows_a_slack_other_than_slack_com(home: Path, app: SlackApp, slack: PracticeSlack) -> None:
    async with run_app(home, app) as pilot:
        await pilot.press("a")
        await wait_for_text(pilot, f"not slack.com: {slack.base.removeprefix('http://')}")


async def test_scopes_missing_from_the_app_are_reported_before_slack_rejects_them(home: Path, app: SlackApp) -> None:
    app = replace(app, registered_scopes=("users:read",), scopes=("users:read", "chat:write"), name="Mine")
    async with run_app(home, app, (100, 40)) as pilot:
        await pilot.press("a")
        await wait_for_text(pilot, "! Mine is not known to have chat:write")
        await pilot.press("enter")
        await wait_for_text(pilot, "Waiting for you to press Allow")
        await pilot.press("b")
        await wait_for_focus(pilot, ErrorsScreen)
        pilot.app.screen.query_one("#search", Input).value = "invalid permissions"
        await wait_for_text(pilot, "not known to have chat:write.")


async def test_new_paste_replaces_a_wrong_one(home: Path) -> None:
    async with run_app(home, size=(100, 40)) as pilot:
        await pilot.press("a")
        await wait_for_focus(pilot, SignInScreen)
        box = pilot.app.screen.query_one("#client_id", Input)
        for pasted, words in (
            ("https://api.slack.com/apps/A012ABCD0A0/general", "settings page"),
            ("A012ABCD0A0", "App ID"),
            ("xoxp-canary-0123456", "a user token"),
            ("1234567890.1234567890123", "No secret is needed"),
        ):
            box.post_message(events.Paste(pasted))
            await wait_for_text(pilot, words)
        assert box.value == "1234567890.1234567890123"


async def test_paste_outside_the_fields_fills_the_client_id(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        await pilot.press("a")
        await wait_for_focus(pilot, SignInScreen)
        assert not isinstance(pilot.app.screen.focused, Input)
        pilot.app.screen.post_message(events.Paste("Client ID\n9999999999.8888888888888"))
        await wait_for(
            pilot, lambda: pilot.app.screen.query_one("#client_id", Input).value == "9999999999.8888888888888"
        )


async def test_form_values_are_restored_after_leaving_the_wait(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        await pilot.press("a")
        await wait_for_focus(pilot, SignInScreen)
        pilot.app.screen.query_one("#scopes", Input).value = "files:read"
        await pilot.press("enter")
        await wait_for_text(pilot, "Waiting for you to press Allow")
        await pilot.press("escape")
        await wait_for_screen(pilot, HomeScreen)
        await pilot.press("a")
        await wait_for_focus(pilot, SignInScreen)
        assert pilot.app.screen.query_one("#scopes", Input).value == "files:read"


async def test_token_pasted_into_the_scopes_is_removed(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        await pilot.press("a")
        await wait_for_focus(pilot, SignInScreen)
        box = pilot.app.screen.query_one("#scopes", Input)
        box.value = "users:read"
        box.focus()
        await pilot.press("end")
        box.post_message(events.Paste("xoxp-canary-0123456"))
        await wait_for_text(pilot, "That was a token")
        assert "canary" not in read_screen(pilot)
        assert box.value == "users:read"


async def test_digit_typed_outside_the_fields_starts_a_client_id(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        await pilot.press("a")
        await wait_for_focus(pilot, SignInScreen)
        box = pilot.app.screen.query_one("#client_id", Input)
        await pilot.press("5")
        assert box.value == app.client_id, "what is filled in is not replaced by one key"
        box.value = ""
        pilot.app.screen.query_one("#start").focus()
        await pilot.press(*"1234567890.1234567890123")
        await wait_for(pilot, lambda: box.value == "1234567890.1234567890123")


async def test_misspelled_scope_suggests_the_right_one(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (120, 40)) as pilot:
        await pilot.press("N")
        await wait_for(pilot, lambda: pilot.app.screen.query("#scopes") and pilot.app.screen.focused is not None)
        pilot.app.screen.query_one("#scopes", Input).value = "users:reed"
        await wait_for_text(
            pilot, "Not a scope that is known here: users:reed. It is sent as it is. Did you mean users:read?"
        )
