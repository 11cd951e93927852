"""The scope picker: scopes are found by typing and explained, and none that Slack refuses can be chosen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from slack_token_tui.slack.scopes import PRESETS
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tui.screens.scope_picker import ScopePickerScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen
from tests.support.pilot import has_text, read_screen, run_app, wait_for, wait_for_focus, wait_for_screen, wait_for_text
from tests.support.profiles import new_sign_in
from tests.support.sign_in_states import APP

WIDE = (130, 40)


@asynccontextmanager
async def open_scope_picker(home: Path, app: SlackApp = APP, scopes: str = "") -> AsyncIterator[Pilot[None]]:
    async with run_app(home, app, WIDE) as pilot:
        await pilot.press("a")
        await wait_for_focus(pilot, SignInScreen)
        if scopes:
            pilot.app.screen.query_one("#scopes", Input).value = scopes
        await pilot.press("f2")
        await wait_for_focus(pilot, ScopePickerScreen)
        yield pilot


def read_scopes_field(pilot: Pilot[None]) -> str:
    return pilot.app.screen.query_one("#scopes", Input).value


async def wait_for_form(pilot: Pilot[None]) -> None:
    await wait_for_screen(pilot, SignInScreen)


async def test_scopes_can_be_chosen_by_keyboard(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press(*"direct", "space", *"read")
        await wait_for_text(pilot, "im:read")
        assert not has_text(pilot, "chat:write")
        await pilot.press("down", "space")
        await wait_for_text(pilot, "3 chosen, 1 of them sensitive")
        await pilot.press("f2")
        await wait_for_form(pilot)
        assert read_scopes_field(pilot) == "users:read, channels:read, im:history"


async def test_scopes_can_be_chosen_by_mouse(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.click("#preset_2")
        await wait_for_text(pilot, f"{len(PRESETS[1].scopes)} chosen")
        lines = read_screen(pilot).split("\n")
        row = next(number for number, line in enumerate(lines) if "pins:write" in line)
        await pilot.click(offset=(lines[row].index("pins:write"), row))
        await wait_for_text(pilot, f"{len(PRESETS[1].scopes) + 1} chosen")
        await pilot.click("#done")
        await wait_for_form(pilot)
        assert read_scopes_field(pilot).endswith("chat:write, pins:write")


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_number_key_chooses_a_preset(home: Path, number: int) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press(str(number), "f2")
        await wait_for_form(pilot)
        assert read_scopes_field(pilot) == ", ".join(PRESETS[number - 1].scopes)


async def test_all_scopes_of_the_app_can_be_chosen_only_when_known(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press("4")
        await pilot.pause(0.2)
        assert has_text(pilot, "2 chosen")
    app = replace(APP, registered_scopes=("users:read", "chat:write", "files:read"))
    async with open_scope_picker(home, app) as pilot:
        await pilot.press("4")
        await wait_for_text(pilot, "3 chosen")


async def test_unlisted_scope_is_accepted_as_typed(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press(*"brand.new:thing", "enter")
        await wait_for_text(pilot, "3 chosen")
        await wait_for_text(pilot, "brand.new:thing")
        await pilot.press("f2")
        await wait_for_form(pilot)
        assert read_scopes_field(pilot).endswith("brand.new:thing")


async def test_incomplete_name_is_not_accepted_as_a_scope(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press(*"files:rea", "enter")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen.focused, OptionList))
        assert has_text(pilot, "2 chosen")


@pytest.mark.parametrize("scope", ["channels:join", "admin.users:read", "identify", "chat:write:bot"])
async def test_unavailable_scope_is_explained_and_not_chosen(home: Path, scope: str) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press(*scope, "enter")
        await wait_for_text(pilot, scope)
        await wait_for(
            pilot,
            lambda: (
                "cannot" in read_screen(pilot) or "refuses" in read_screen(pilot) or "need not" in read_screen(pilot)
            ),
        )
        assert has_text(pilot, "2 chosen")


async def test_bot_scope_typed_in_the_form_can_be_removed(home: Path) -> None:
    async with open_scope_picker(home, scopes="users:read, chat:write.public") as pilot:
        await wait_for_text(pilot, "✗ chat:write.public is for bots")
        await pilot.press(*"write.public", "enter", "space")
        await wait_for_text(pilot, "1 chosen")
        await pilot.press("f2")
        await wait_for_form(pilot)
        assert read_scopes_field(pilot) == "users:read"


async def test_space_without_a_match_does_nothing(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press(*"zzz", "space")
        await wait_for_text(pilot, "Nothing matches")


async def test_leaving_asks_only_if_scopes_changed(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press("escape")
        await wait_for_form(pilot)
        await pilot.press("f2")
        await wait_for_screen(pilot, ScopePickerScreen)
        await pilot.press("1", "escape")
        await wait_for_text(pilot, "Leave without using what you have chosen?")
        await pilot.press("escape")  # pressed twice by mistake, it loses nothing
        await wait_for_screen(pilot, ScopePickerScreen)
        await wait_for_text(pilot, f"{len(PRESETS[0].scopes)} chosen")
        await pilot.press("escape")
        await wait_for_text(pilot, "Leave without using")
        await pilot.press("y")
        await wait_for_form(pilot)
        assert read_scopes_field(pilot) == "users:read, channels:read"


async def test_scopes_missing_from_the_existing_token_are_marked_as_new(home: Path, store: ProfileStore) -> None:
    store.save_sign_in(*new_sign_in(scopes=("users:read", "files:read"), requested_scopes=("users:read",)))
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("s")
        await wait_for_focus(pilot, SignInScreen)
        await pilot.press("f2")
        await wait_for_screen(pilot, ScopePickerScreen)
        await pilot.press(*"chat:write", "enter")
        await wait_for_text(pilot, "New: chat:write.")
        await wait_for_text(pilot, "Kept all the same: files:read")
        await wait_for_text(pilot, "chat:write new")


async def test_scopes_pasted_on_separate_lines_are_all_accepted(home: Path) -> None:
    async with run_app(home, APP, WIDE) as pilot:
        await pilot.press("a")
        await wait_for_focus(pilot, SignInScreen)
        box = pilot.app.screen.query_one("#scopes", Input)
        box.value = ""
        box.focus()
        box.post_message(events.Paste("users:read\nchat:write,\nfiles:read\n"))
        await wait_for(pilot, lambda: read_scopes_field(pilot) == "users:read, chat:write, files:read")


async def test_too_many_scopes_are_reported_and_not_truncated(home: Path) -> None:
    async with run_app(home, APP, WIDE) as pilot:
        await pilot.press("a")
        await wait_for_focus(pilot, SignInScreen)
        pilot.app.screen.query_one("#scopes", Input).value = " ".join(f"a:{number}" for number in range(300))
        pilot.app.screen.query_one("#start").focus()
        await pilot.press("enter")
        await wait_for_text(pilot, "up to 255 scopes; these are 300")
