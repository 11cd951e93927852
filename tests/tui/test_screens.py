"""What all screens promise: help that speaks of now, F1 in fields too, a palette with every action, a doctor that finishes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from slack_token_tui import doctor
from slack_token_tui.doctor import Finding, Verdict, machine
from slack_token_tui.practice.server import simulate_browser
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tui.actions import ACTIONS, actions_for
from slack_token_tui.tui.screens.base import AppScreen
from slack_token_tui.tui.screens.doctor import DoctorScreen
from slack_token_tui.tui.screens.errors import ErrorsScreen
from slack_token_tui.tui.screens.help import HelpDialog
from slack_token_tui.tui.screens.home import HomeScreen
from tests.support.pilot import begin, click, running, says, shows, text, until
from tests.support.profiles import profile
from tests.support.scripted_sign_in import APP

ROOMS = {
    "home": (),
    "sign_in": ("a",),
    "scopes": ("a", "f2"),
    "app_setup": ("N",),
    "apps": ("p",),
    "errors": ("e",),
    "doctor": ("D",),
}


@pytest.fixture(autouse=True)
def _nothing_is_asked_of_slack_com(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check looks for the Slack of its app; where that is none of this machine, it is only said to have looked."""

    async def examine(*_: object) -> AsyncGenerator[Finding, None]:
        yield Finding("port_1", Verdict.GOOD, "Port 1", "Free.")

    if "app" not in request.fixturenames:
        monkeypatch.setattr(doctor, "run_checks", examine)


async def enter(pilot: Pilot[None], room: str) -> AppScreen[object]:
    for key in ROOMS[room]:
        before = pilot.app.screen
        await pilot.press(key)
        await until(pilot, lambda before=before: pilot.app.screen is not before and pilot.app.screen.is_mounted)
    screen = pilot.app.screen
    assert isinstance(screen, AppScreen)
    assert screen.screen_id == room
    return screen


@pytest.mark.parametrize("room", ROOMS)
async def test_f1_is_help_on_every_screen_also_in_a_field(home: Path, room: str) -> None:
    async with running(home, APP, (100, 40)) as pilot:
        screen = await enter(pilot, room)
        for field in list(screen.query(Input))[:1]:
            field.focus()
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpDialog))
        await shows(pilot, "Help")
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)


@pytest.mark.parametrize("room", ROOMS)
async def test_the_palette_has_every_action_that_makes_sense(home: Path, room: str) -> None:
    async with running(home, APP, (100, 40)) as pilot:
        screen = await enter(pilot, room)
        screen.set_focus(None)
        titles = {command.title for command in pilot.app.get_system_commands(screen)}
        for action in actions_for(room):
            assert hasattr(screen, f"action_{action.id}"), "every action of the table does something"
            if screen.is_available(action.id) and action.id != "quit":
                assert f"{action.label} ({action.key_label})" in titles


@pytest.mark.parametrize("room", ROOMS)
async def test_escape_leads_back_to_home(home: Path, room: str) -> None:
    async with running(home, APP, (100, 40)) as pilot:
        await enter(pilot, room)
        for _ in ROOMS[room]:
            await pilot.press("escape")
            await pilot.pause(0.2)
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))


def test_no_two_actions_of_a_screen_share_a_key_by_accident() -> None:
    for room in ROOMS:
        keys: dict[str, list[str]] = {}
        for action in actions_for(room):
            for key in action.keys.split(","):
                keys.setdefault(key, []).append(action.id)
        shared = {key: ids for key, ids in keys.items() if len(ids) > 1}
        # These belong to moments that never meet: the form, the wait, and what comes after it.
        if room == "sign_in":
            shared = {key: ids for key, ids in shared.items() if key not in {"e", "u"}}
        assert shared == {}, room


def test_every_action_has_a_screen_that_knows_it() -> None:
    assert {screen for action in ACTIONS for screen in action.screens} == set(ROOMS)


async def test_the_check_lists_findings_as_they_come_and_looks_again(
    home: Path, monkeypatch: pytest.MonkeyPatch, copied: list[str]
) -> None:
    looks = 0

    async def examine(*_: object) -> AsyncGenerator[Finding, None]:
        nonlocal looks
        looks += 1
        yield Finding("port_1", Verdict.LOOK, "Port 1", f"look {looks}", "the remedy")

    monkeypatch.setattr(doctor, "run_checks", examine)
    async with running(home, size=(100, 40)) as pilot:
        await enter(pilot, "doctor")
        await shows(pilot, "look 1")
        await shows(pilot, "the remedy")
        await shows(pilot, "1 note.")
        await pilot.press("r")
        await shows(pilot, "look 2")
        assert not says(pilot, "look 1")
        await pilot.press("y")
        await until(pilot, lambda: copied)
        assert "look 2" in copied[0]


async def test_the_check_really_looks(home: Path, app: SlackApp) -> None:
    async with running(home, app, (120, 60)) as pilot:
        screen = await enter(pilot, "doctor")
        assert isinstance(screen, DoctorScreen)
        await shows(pilot, "✓ Clock")
        await shows(pilot, "answers.")


async def test_a_defect_of_one_look_hides_nothing(home: Path, monkeypatch: pytest.MonkeyPatch, app: SlackApp) -> None:
    def broken() -> object:
        raise RuntimeError("canary")

    monkeypatch.setattr(machine, "check_loopback", broken)
    found = [finding async for finding in doctor.run_checks(home, app)]
    assert [finding.id for finding in found if finding.verdict is Verdict.BAD] == ["unexpected"]
    assert "canary" not in doctor.format_report(found)
    assert any(finding.id == "clock" for finding in found)


async def test_the_search_leads_into_the_list_and_back(home: Path) -> None:
    async with running(home, APP, (100, 40)) as pilot:
        screen = await enter(pilot, "errors")
        assert isinstance(screen, ErrorsScreen)
        await until(pilot, lambda: isinstance(screen.focused, Input))
        await shows(pilot, "↓ Into the list")
        await pilot.press("down")
        await until(pilot, lambda: not isinstance(screen.focused, Input))
        await shows(pilot, "r Try again")
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(screen.focused, Input))


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("question_mark", "Help"),
        ("C", "as …"),
        ("n", "Rename"),
        ("i", "Import a token"),
        ("x", "Remove acme?"),
        ("e", "Errors explained"),
        ("D", "Check this machine"),
        ("p", "Your Slack apps"),
        ("N", "Make a Slack app"),
        ("s", "User scopes"),
    ],
)
async def test_every_screen_is_left_by_mouse_alone(home: Path, store: ProfileStore, key: str, words: str) -> None:
    store.save_sign_in(profile())
    async with running(home, APP, (120, 40)) as pilot:
        await pilot.press(key)
        await shows(pilot, words)
        await until(pilot, lambda: pilot.app.screen.is_current and pilot.app.screen.is_mounted)
        for sheet in pilot.app.screen.query(".sheet"):
            sheet.scroll_end(animate=False)  # as the wheel does
            await pilot.pause(0.1)
        way_out = next(item for item in ("Esc back", "Keep it (Esc)", "Esc Back", "Esc Leave") if item in text(pilot))
        await click(pilot, way_out)
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))


async def test_what_a_sheet_asks_is_answered_by_mouse_alone(home: Path, store: ProfileStore, copied: list[str]) -> None:
    store.save_sign_in(profile())
    async with running(home, APP, (120, 100)) as pilot:
        await click(pilot, "Copy as…")
        await click(pilot, "header")
        await until(pilot, lambda: copied)
        await click(pilot, "Ctrl+P more")
        await click(pilot, "Rename (n)")
        await shows(pilot, "Rename acme")
        pilot.app.screen.query_one("#name", Input).value = "work"
        await click(pilot, "Enter rename")
        await until(pilot, lambda: store.names() == ["work"])


async def test_the_keys_of_an_error_can_be_clicked(home: Path, app: SlackApp) -> None:
    async with running(home, app, (120, 40)) as pilot:
        await asyncio.to_thread(simulate_browser, await begin(pilot), "cancel")
        await shows(pilot, "access_denied")
        await click(pilot, "F1\N{NO-BREAK SPACE}more")
        await shows(pilot, "Likely causes")
        await click(pilot, "Esc back")
        await click(pilot, "r\N{NO-BREAK SPACE}try")
        await shows(pilot, "Waiting for you to press Allow")


@pytest.mark.parametrize("room", ROOMS)
async def test_a_footer_has_whole_keys_and_the_way_to_more_at_every_width(
    home: Path, store: ProfileStore, room: str
) -> None:
    store.save_sign_in(profile())
    keys = {"F1 Help", *(f"{action.key_label} {action.label}" for action in actions_for(room))}
    async with running(home, APP, (130, 30)) as pilot:
        await enter(pilot, room)
        for width in range(130, 30, -7):
            await pilot.resize_terminal(width, 30)
            await shows(pilot, "Ctrl+P more")
            line = text(pilot).rstrip().split("\n")[-1]
            *_, more = shown = [pair.strip() for pair in line.replace("▏", "  ").split("  ") if pair.strip()]
            assert more == "Ctrl+P more", line
            assert set(shown[:-1]) <= keys, line
            assert len(shown) > 1, line


async def test_help_tells_the_truth_about_this_terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM_PROGRAM", "vscode")
    async with running(home, APP, (120, 60)) as pilot:
        await pilot.press("question_mark")
        await shows(pilot, "VS Code keeps Ctrl+Q")


async def test_ctrl_c_under_help_ends_the_sign_in_that_waits_below(home: Path, app: SlackApp) -> None:
    async with running(home, app, (100, 40)) as pilot:
        await begin(pilot)
        await pilot.press("question_mark")
        await shows(pilot, "Help")
        await pilot.press("ctrl+c")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        await shows(pilot, "Stopped.")


async def test_only_what_was_said_last_is_shown_and_not_over_a_question(
    home: Path, store: ProfileStore, copied: list[str]
) -> None:
    store.save_sign_in(profile())
    async with running(home, APP, (120, 40)) as pilot:
        for _ in range(3):
            await pilot.press("c")
            await shows(pilot, "copied with xclip")
        await until(pilot, lambda: len(copied) == 3)
        assert len(pilot.app._notifications) == 1
        await pilot.press("x")
        await shows(pilot, "Remove acme?")
        await until(pilot, lambda: not says(pilot, "copied with xclip"))
