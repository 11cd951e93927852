"""Choosing scopes: found by typing, explained in words, and nothing that Slack refuses gets through."""

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
from tests.support.pilot import running, says, shows, text, until
from tests.support.profiles import profile
from tests.support.scripted_sign_in import APP

WIDE = (130, 40)


@asynccontextmanager
async def picking(home: Path, app: SlackApp = APP, scopes: str = "") -> AsyncIterator[Pilot[None]]:
    async with running(home, app, WIDE) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen) and pilot.app.screen.focused is not None)
        if scopes:
            pilot.app.screen.query_one("#scopes", Input).value = scopes
        await pilot.press("f2")
        await until(
            pilot, lambda: isinstance(pilot.app.screen, ScopePickerScreen) and pilot.app.screen.focused is not None
        )
        yield pilot


def field(pilot: Pilot[None]) -> str:
    return pilot.app.screen.query_one("#scopes", Input).value


async def back(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen))


async def test_by_keyboard_alone(home: Path) -> None:
    async with picking(home) as pilot:
        await pilot.press(*"direct", "space", *"read")
        await shows(pilot, "im:read")
        assert not says(pilot, "chat:write")
        await pilot.press("down", "space")
        await shows(pilot, "3 chosen, 1 of them sensitive")
        await pilot.press("f2")
        await back(pilot)
        assert field(pilot) == "users:read, channels:read, im:history"


async def test_by_mouse_alone(home: Path) -> None:
    async with picking(home) as pilot:
        await pilot.click("#preset_2")
        await shows(pilot, f"{len(PRESETS[1].scopes)} chosen")
        lines = text(pilot).split("\n")
        row = next(number for number, line in enumerate(lines) if "pins:write" in line)
        await pilot.click(offset=(lines[row].index("pins:write"), row))
        await shows(pilot, f"{len(PRESETS[1].scopes) + 1} chosen")
        await pilot.click("#done")
        await back(pilot)
        assert field(pilot).endswith("chat:write, pins:write")


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_number_chooses_a_set(home: Path, number: int) -> None:
    async with picking(home) as pilot:
        await pilot.press(str(number), "f2")
        await back(pilot)
        assert field(pilot) == ", ".join(PRESETS[number - 1].scopes)


async def test_everything_the_app_allows_only_where_that_is_known(home: Path) -> None:
    async with picking(home) as pilot:
        await pilot.press("4")
        await pilot.pause(0.2)
        assert says(pilot, "2 chosen")
    app = replace(APP, registered_scopes=("users:read", "chat:write", "files:read"))
    async with picking(home, app) as pilot:
        await pilot.press("4")
        await shows(pilot, "3 chosen")


async def test_a_scope_that_is_not_in_the_list_is_taken_as_typed(home: Path) -> None:
    async with picking(home) as pilot:
        await pilot.press(*"brand.new:thing", "enter")
        await shows(pilot, "3 chosen")
        await shows(pilot, "brand.new:thing")
        await pilot.press("f2")
        await back(pilot)
        assert field(pilot).endswith("brand.new:thing")


async def test_an_unfinished_name_is_not_taken_for_a_scope(home: Path) -> None:
    async with picking(home) as pilot:
        await pilot.press(*"files:rea", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen.focused, OptionList))
        assert says(pilot, "2 chosen")


@pytest.mark.parametrize("scope", ["channels:join", "admin.users:read", "identify", "chat:write:bot"])
async def test_what_a_user_token_cannot_have_is_explained_and_not_chosen(home: Path, scope: str) -> None:
    async with picking(home) as pilot:
        await pilot.press(*scope, "enter")
        await shows(pilot, scope)
        await until(pilot, lambda: "cannot" in text(pilot) or "refuses" in text(pilot) or "need not" in text(pilot))
        assert says(pilot, "2 chosen")


async def test_a_bot_scope_typed_in_the_form_can_be_taken_out_again(home: Path) -> None:
    async with picking(home, scopes="users:read, chat:write.public") as pilot:
        await shows(pilot, "✗ chat:write.public is for bots")
        await pilot.press(*"write.public", "enter", "space")
        await shows(pilot, "1 chosen")
        await pilot.press("f2")
        await back(pilot)
        assert field(pilot) == "users:read"


async def test_nothing_found_and_space_do_no_harm(home: Path) -> None:
    async with picking(home) as pilot:
        await pilot.press(*"zzz", "space")
        await shows(pilot, "Nothing matches")


async def test_leaving_asks_only_when_something_has_changed(home: Path) -> None:
    async with picking(home) as pilot:
        await pilot.press("escape")
        await back(pilot)
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(pilot.app.screen, ScopePickerScreen))
        await pilot.press("1", "escape")
        await shows(pilot, "Leave without using what you have chosen?")
        await pilot.press("escape")  # twice in a hurry loses nothing
        await until(pilot, lambda: isinstance(pilot.app.screen, ScopePickerScreen))
        await shows(pilot, f"{len(PRESETS[0].scopes)} chosen")
        await pilot.press("escape")
        await shows(pilot, "Leave without using")
        await pilot.press("y")
        await back(pilot)
        assert field(pilot) == "users:read, channels:read"


async def test_what_is_new_against_the_token_in_hand_is_marked(home: Path, store: ProfileStore) -> None:
    store.save_sign_in(profile(scopes=("users:read", "files:read"), requested_scopes=("users:read",)))
    async with running(home, size=WIDE) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen) and pilot.app.screen.focused is not None)
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(pilot.app.screen, ScopePickerScreen))
        await pilot.press(*"chat:write", "enter")
        await shows(pilot, "New: chat:write.")
        await shows(pilot, "Kept all the same: files:read")
        await shows(pilot, "chat:write new")


async def test_scopes_pasted_a_line_each_arrive_all(home: Path) -> None:
    async with running(home, APP, WIDE) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen) and pilot.app.screen.focused is not None)
        box = pilot.app.screen.query_one("#scopes", Input)
        box.value = ""
        box.focus()
        box.post_message(events.Paste("users:read\nchat:write,\nfiles:read\n"))
        await until(pilot, lambda: field(pilot) == "users:read, chat:write, files:read")


async def test_more_scopes_than_slack_takes_are_said_and_not_cut(home: Path) -> None:
    async with running(home, APP, WIDE) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen) and pilot.app.screen.focused is not None)
        pilot.app.screen.query_one("#scopes", Input).value = " ".join(f"a:{number}" for number in range(300))
        pilot.app.screen.query_one("#start").focus()
        await pilot.press("enter")
        await shows(pilot, "up to 255 scopes; these are 300")
