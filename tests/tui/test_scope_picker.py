"""The scope picker: scopes are found by typing and explained, and none that Slack refuses can be chosen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual import events
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from slack_token_tui.slack.scope_catalog import Sensitivity, find_scope, user_scopes
from slack_token_tui.slack.scopes import PRESETS
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tui.screens.scope_picker import ScopePickerScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.scope_chips import ScopeChips
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
from tests.support.profiles import new_sign_in
from tests.support.sign_in_states import APP

WIDE = (130, 40)


@asynccontextmanager
async def open_scope_picker(
    home: Path, app: SlackApp = APP, scopes: tuple[str, ...] = ()
) -> AsyncIterator[Pilot[None]]:
    async with run_app(home, app, WIDE) as pilot:
        await pilot.press("a")
        await wait_for_focus(pilot, SignInScreen)
        if scopes:
            pilot.app.screen.query_one(ScopeChips).scopes = scopes
        await pilot.press("f2")
        await wait_for_focus(pilot, ScopePickerScreen)
        yield pilot


def read_scopes(pilot: Pilot[None]) -> tuple[str, ...]:
    """Return the scopes of the form."""
    return pilot.app.screen.query_one(ScopeChips).scopes


def listed_scopes(pilot: Pilot[None]) -> list[str | None]:
    """Return the ids of the rows. A heading has none."""
    return [option.id for option in pilot.app.screen.query_one(OptionList).options]


async def wait_for_form(pilot: Pilot[None]) -> None:
    await wait_for_screen(pilot, SignInScreen)


async def test_scopes_can_be_chosen_by_keyboard(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press(*"direct", "space", *"read")
        await wait_for_text(pilot, "im:read")
        assert not has_text(pilot, "chat:write ")
        await pilot.press("down", "space")
        await wait_for_text(pilot, "3 selected: reads private content")
        await pilot.press("f2")
        await wait_for_form(pilot)
        assert read_scopes(pilot) == ("users:read", "channels:read", "im:history")


async def test_enter_in_the_list_applies(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press("1")
        await wait_for_text(pilot, f"{len(PRESETS[0].scopes)} selected")
        await pilot.press("enter")
        await wait_for_form(pilot)
        assert read_scopes(pilot) == PRESETS[0].scopes


async def test_scopes_can_be_chosen_by_mouse(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await click_text(pilot, "Read\N{NO-BREAK SPACE}and\N{NO-BREAK SPACE}write")
        await wait_for_text(pilot, f"{len(PRESETS[1].scopes)} selected")
        lines = read_screen(pilot).split("\n")
        row = next(number for number, line in enumerate(lines) if "pins:write" in line)
        await pilot.click(offset=(lines[row].index("pins:write"), row))
        await wait_for_text(pilot, f"{len(PRESETS[1].scopes) + 1} selected")
        await click_text(pilot, "F2 apply")
        await wait_for_form(pilot)
        assert read_scopes(pilot) == (*PRESETS[1].scopes, "pins:write")


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_number_key_chooses_a_preset(home: Path, number: int) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press(str(number), "f2")
        await wait_for_form(pilot)
        assert read_scopes(pilot) == PRESETS[number - 1].scopes


async def test_nothing_selected_cannot_be_applied(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press("0")
        await wait_for_text(pilot, "Select at least one scope.")
        await pilot.press("f2", "enter")
        await pilot.pause(0.1)
        assert isinstance(pilot.app.screen, ScopePickerScreen)


async def test_all_scopes_of_the_app_can_be_chosen_only_when_known(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        assert not has_text(pilot, "All of the app")
        await pilot.press("4")
        await pilot.pause(0.2)
        assert has_text(pilot, "2 selected")
    app = replace(APP, registered_scopes=("users:read", "chat:write", "files:read"))
    async with open_scope_picker(home, app) as pilot:
        await wait_for_text(pilot, "4 All of the app")
        await pilot.press("4")
        await wait_for_text(pilot, "3 selected")


async def test_unlisted_scope_is_accepted_as_typed(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press(*"brand.new:thing")
        await wait_for_text(pilot, "No match. Press Enter to add it anyway.")
        await pilot.press("enter")
        await wait_for_text(pilot, "3 selected")
        await wait_for_text(pilot, "brand.new:thing")
        await pilot.press("f2")
        await wait_for_form(pilot)
        assert read_scopes(pilot)[-1] == "brand.new:thing"


async def test_incomplete_name_is_not_accepted_as_a_scope(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press(*"files:rea", "enter")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen.focused, OptionList))
        await pilot.press("f2")
        await wait_for_form(pilot)
        assert "files:rea" not in read_scopes(pilot)


@pytest.mark.parametrize("scope", ["channels:join", "mcp:connect", "identify", "chat:write:bot"])
async def test_unavailable_scope_is_explained_and_not_chosen(home: Path, scope: str) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press(*scope, "enter")
        await wait_for_text(pilot, scope)
        await wait_for(
            pilot,
            lambda: any(words in read_screen(pilot) for words in ("for bots only", "retired", "every user token")),
        )
        assert has_text(pilot, "2 selected")


async def test_admin_scope_can_be_chosen_and_has_a_warning(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press(*"auditlogs:read", "enter")
        await wait_for_text(pilot, "3 selected: ")
        await wait_for_text(pilot, "needs an Org Owner or Admin")
        await pilot.press("f2")
        await wait_for_form(pilot)
        assert read_scopes(pilot)[-1] == "auditlogs:read"


@pytest.mark.parametrize(
    ("scope", "tag", "words"),
    [
        ("im:history", "private", "reads private content"),
        ("chat:write", "as you", "acts as you"),
        ("usergroups:write", "admin", "administers"),
    ],
)
async def test_sensitive_scope_says_why(home: Path, scope: str, tag: str, words: str) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press(*scope)
        await wait_for_text(pilot, f"[ ] {scope} {tag} ")
        await pilot.press("enter")
        await wait_for_text(pilot, f"3 selected: {words}")


async def test_sensitivity_is_one_of_three_kinds_and_marks_only_some(home: Path) -> None:
    kinds = {scope.sensitivity for scope in user_scopes()}
    assert kinds == {None, *Sensitivity}
    assert len(Sensitivity) == 3
    async with open_scope_picker(home, scopes=("users:read",)) as pilot:
        await wait_for_text(pilot, "1 selected")
        assert not has_text(pilot, "1 selected:"), "to read public data needs no second thought"


async def test_scopes_that_cannot_be_requested_are_folded_until_searched_for(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        listed = pilot.app.screen.query_one(OptionList)
        assert not [name for name in listed_scopes(pilot) if name and find_scope(name).unavailable_reason]
        last = listed.options[-1]
        assert last.id is None and "scopes can't be requested. Search to see them." in str(last.prompt)
        await pilot.press(*"chat")
        await wait_for_text(pilot, "Can't be requested")
        names = listed_scopes(pilot)
        usable = [find_scope(name).unavailable_reason is None for name in names if name]
        assert usable == sorted(usable, reverse=True), "the usable ones come first"
        assert "chat:write" in names and not usable[-1]
        heading = next(row for row, option in enumerate(listed.options) if str(option.prompt) == "Can't be requested")
        group = listed.options[heading + 1 :]
        assert all(option.id and find_scope(option.id).unavailable_reason for option in group), "one group, at the end"
        prompts = [option.prompt for option in group]
        assert {str(span.style) for prompt in prompts if isinstance(prompt, Content) for span in prompt.spans} == {
            MUTED
        }
        await pilot.press("escape")
        await wait_for(pilot, lambda: "chat:write.public" not in listed_scopes(pilot))


async def test_bot_scope_of_the_form_can_be_removed(home: Path) -> None:
    async with open_scope_picker(home, scopes=("users:read", "chat:write.public")) as pilot:
        await wait_for_text(pilot, "chat:write.public is for bots only")
        await pilot.press("f2")
        await pilot.pause(0.1)
        assert isinstance(pilot.app.screen, ScopePickerScreen), "Slack would refuse it"
        await pilot.press(*"write.public", "down", "space")
        await wait_for_text(pilot, "1 selected")
        await pilot.press("f2")
        await wait_for_form(pilot)
        assert read_scopes(pilot) == ("users:read",)


async def test_space_without_a_match_does_nothing(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press(*"zzz", "space")
        await wait_for_text(pilot, "No match.")
        assert has_text(pilot, "2 selected")


async def test_leaving_asks_only_if_scopes_changed(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press("escape")
        await wait_for_form(pilot)
        await pilot.press("f2")
        await wait_for_screen(pilot, ScopePickerScreen)
        await pilot.press("1", "escape")
        await wait_for_text(pilot, "Discard your changes? Press F2 to apply them, or Esc again to discard.")
        assert isinstance(pilot.app.screen, ScopePickerScreen)
        await pilot.press("f2")
        await wait_for_form(pilot)
        assert read_scopes(pilot) == PRESETS[0].scopes


async def test_second_escape_discards_the_changes(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press("1", "escape")
        await wait_for_text(pilot, "Esc again to discard")
        await pilot.press("escape")
        await wait_for_form(pilot)
        assert read_scopes(pilot) == ("users:read", "channels:read")


async def test_change_after_the_question_takes_it_back(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        await pilot.press("1", "escape")
        await wait_for_text(pilot, "Esc again to discard")
        await pilot.press("2")
        await wait_for(pilot, lambda: not has_text(pilot, "Esc again to discard"))
        await pilot.press("escape")
        await wait_for_text(pilot, "Esc again to discard")
        assert isinstance(pilot.app.screen, ScopePickerScreen)


async def test_scopes_missing_from_the_existing_token_are_marked_as_new(home: Path, store: ProfileStore) -> None:
    store.save_sign_in(*new_sign_in(scopes=("users:read", "files:read"), requested_scopes=("users:read",)))
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("s")
        await wait_for_focus(pilot, SignInScreen)
        await pilot.press("f2")
        await wait_for_screen(pilot, ScopePickerScreen)
        await pilot.press(*"chat:write", "enter")
        await wait_for_text(pilot, "New: chat:write.")
        await wait_for_text(pilot, "Stays granted: files:read.")
        await wait_for_text(pilot, "chat:write new")


async def test_paste_into_the_list_is_searched(home: Path) -> None:
    async with open_scope_picker(home) as pilot:
        pilot.app.screen.post_message(events.Paste("files:read\n"))
        await wait_for(pilot, lambda: pilot.app.screen.query_one("#search", Input).value == "files:read")
        await pilot.press("enter")
        await wait_for_text(pilot, "3 selected")


async def test_several_scopes_pasted_into_the_search_are_all_accepted(home: Path) -> None:
    async with open_scope_picker(home, scopes=("users:read",)) as pilot:
        pilot.app.screen.post_message(events.Paste("chat:write,\nfiles:read\n"))
        await wait_for(pilot, lambda: isinstance(pilot.app.screen.focused, Input))
        await pilot.press("enter")
        await wait_for_text(pilot, "3 selected")
        await pilot.press("f2")
        await wait_for_form(pilot)
        assert read_scopes(pilot) == ("users:read", "chat:write", "files:read")
