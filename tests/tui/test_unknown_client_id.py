"""A Client ID that Slack doesn't know is forgotten and not offered again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from slack_token_tui.store.apps import SlackApp, read_app, save_app
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import read_settings, remember_last_app
from slack_token_tui.tui.screens.errors import ErrorsScreen
from tests.support.pilot import run_app, start_sign_in, wait_for, wait_for_screen, wait_for_text
from tests.support.profiles import new_sign_in

WRONG = "1111111111.9999999999999"


@pytest.mark.parametrize("has_worked", [False, True])
async def test_unknown_client_id_is_forgotten_unless_it_has_worked(
    home: Path, app: SlackApp, has_worked: bool, opened_urls: list[str]
) -> None:
    wrong = replace(app, client_id=WRONG)
    save_app(home, wrong)
    remember_last_app(home, WRONG)
    if has_worked:
        ProfileStore(home).save_sign_in(*new_sign_in(client_id=WRONG))
    async with run_app(home) as pilot:
        await start_sign_in(pilot)
        pilot.app.screen.post_message(events.Paste("Invalid client_id parameter"))
        await wait_for_screen(pilot, ErrorsScreen)
        await wait_for_text(pilot, "Slack doesn't know this Client ID")
        await pilot.press("enter")
        await wait_for_text(pilot, "change app")
        await pilot.press("a")
        await wait_for_text(pilot, "Cancel the current sign-in?")
        await pilot.press("y")
        await wait_for_text(pilot, "What can the token do?")
        field = pilot.app.screen.query_one("#client_id", Input)
        await wait_for(pilot, lambda: field.value == (WRONG if has_worked else ""))
    assert (read_app(home, WRONG) is not None) is has_worked
    assert (read_settings(home).get("last_app") == WRONG) is has_worked
