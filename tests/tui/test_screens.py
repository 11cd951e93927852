"""What all screens have: help about the current state, F1 also in fields, every action in the palette."""

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
from tests.support.pilot import (
    click_text,
    has_text,
    read_screen,
    run_app,
    start_sign_in,
    wait_for,
    wait_for_screen,
    wait_for_text,
)
from tests.support.profiles import new_sign_in
from tests.support.sign_in_states import APP

KEYS_BY_SCREEN = {
    "home": (),
    "sign_in": ("a",),
    "scopes": ("a", "f2"),
    "app_setup": ("N",),
    "apps": ("p",),
    "errors": ("e",),
    "doctor": ("D",),
}


@pytest.fixture(autouse=True)
def _never_ask_slack_com(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the doctor's checks where the test has no practice Slack to check."""

    async def yield_finding(*_: object) -> AsyncGenerator[Finding, None]:
        yield Finding("port_1", Verdict.GOOD, "Port 1", "Free.")

    if "app" not in request.fixturenames:
        monkeypatch.setattr(doctor, "run_checks", yield_finding)


async def open_screen(pilot: Pilot[None], screen_id: str) -> AppScreen[object]:
    for key in KEYS_BY_SCREEN[screen_id]:
        before = pilot.app.screen
        await pilot.press(key)
        await wait_for(pilot, lambda before=before: pilot.app.screen is not before and pilot.app.screen.is_mounted)
    screen = pilot.app.screen
    assert isinstance(screen, AppScreen)
    assert screen.screen_id == screen_id
    return screen


@pytest.mark.parametrize("screen_id", KEYS_BY_SCREEN)
async def test_f1_opens_help_on_every_screen_even_in_a_field(home: Path, screen_id: str) -> None:
    async with run_app(home, APP, (100, 40)) as pilot:
        screen = await open_screen(pilot, screen_id)
        for field in list(screen.query(Input))[:1]:
            field.focus()
        await pilot.press("f1")
        await wait_for_screen(pilot, HelpDialog)
        await wait_for_text(pilot, "Help")
        await pilot.press("escape")
        await wait_for(pilot, lambda: pilot.app.screen is screen)


@pytest.mark.parametrize("screen_id", KEYS_BY_SCREEN)
async def test_palette_lists_every_available_action(home: Path, screen_id: str) -> None:
    async with run_app(home, APP, (100, 40)) as pilot:
        screen = await open_screen(pilot, screen_id)
        screen.set_focus(None)
        titles = {command.title for command in pilot.app.get_system_commands(screen)}
        for action in actions_for(screen_id):
            assert hasattr(screen, f"action_{action.id}"), "every action of the table does something"
            if screen.is_available(action.id) and action.id != "quit":
                assert f"{action.label} ({action.key_label})" in titles


@pytest.mark.parametrize("screen_id", KEYS_BY_SCREEN)
async def test_escape_returns_to_home(home: Path, screen_id: str) -> None:
    async with run_app(home, APP, (100, 40)) as pilot:
        await open_screen(pilot, screen_id)
        for _ in KEYS_BY_SCREEN[screen_id]:
            await pilot.press("escape")
            await pilot.pause(0.2)
        await wait_for_screen(pilot, HomeScreen)


def test_actions_of_a_screen_do_not_share_keys() -> None:
    for screen_id in KEYS_BY_SCREEN:
        keys: dict[str, list[str]] = {}
        for action in actions_for(screen_id):
            for key in action.keys.split(","):
                keys.setdefault(key, []).append(action.id)
        shared = {key: ids for key, ids in keys.items() if len(ids) > 1}
        # These keys belong to different steps of a sign-in: the form, the wait, the result.
        if screen_id == "sign_in":
            shared = {key: ids for key, ids in shared.items() if key not in {"e", "u"}}
        assert shared == {}, screen_id


def test_every_action_belongs_to_a_known_screen() -> None:
    assert {screen for action in ACTIONS for screen in action.screens} == set(KEYS_BY_SCREEN)


async def test_doctor_screen_lists_findings_and_can_run_again(
    home: Path, monkeypatch: pytest.MonkeyPatch, copied_texts: list[str]
) -> None:
    looks = 0

    async def yield_finding(*_: object) -> AsyncGenerator[Finding, None]:
        nonlocal looks
        looks += 1
        yield Finding("port_1", Verdict.LOOK, "Port 1", f"look {looks}", "the remedy")

    monkeypatch.setattr(doctor, "run_checks", yield_finding)
    async with run_app(home, size=(100, 40)) as pilot:
        await open_screen(pilot, "doctor")
        await wait_for_text(pilot, "look 1")
        await wait_for_text(pilot, "the remedy")
        await wait_for_text(pilot, "1 note.")
        await pilot.press("r")
        await wait_for_text(pilot, "look 2")
        assert not has_text(pilot, "look 1")
        await pilot.press("y")
        await wait_for(pilot, lambda: copied_texts)
        assert "look 2" in copied_texts[0]


async def test_doctor_screen_runs_the_real_checks(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (120, 60)) as pilot:
        screen = await open_screen(pilot, "doctor")
        assert isinstance(screen, DoctorScreen)
        await wait_for_text(pilot, "✓ Clock")
        await wait_for_text(pilot, "answers.")


async def test_crash_of_one_check_does_not_hide_the_others(
    home: Path, monkeypatch: pytest.MonkeyPatch, app: SlackApp
) -> None:
    def raise_defect() -> object:
        raise RuntimeError("canary")

    monkeypatch.setattr(machine, "check_loopback", raise_defect)
    found = [finding async for finding in doctor.run_checks(home, app)]
    assert [finding.id for finding in found if finding.verdict is Verdict.BAD] == ["unexpected"]
    assert "canary" not in doctor.format_report(found)
    assert any(finding.id == "clock" for finding in found)


async def test_focus_moves_from_the_search_to_the_list_and_back(home: Path) -> None:
    async with run_app(home, APP, (100, 40)) as pilot:
        screen = await open_screen(pilot, "errors")
        assert isinstance(screen, ErrorsScreen)
        await wait_for(pilot, lambda: isinstance(screen.focused, Input))
        await wait_for_text(pilot, "↓ Into the list")
        await pilot.press("down")
        await wait_for(pilot, lambda: not isinstance(screen.focused, Input))
        await wait_for_text(pilot, "r Try again")
        await pilot.press("slash")
        await wait_for(pilot, lambda: isinstance(screen.focused, Input))


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
async def test_every_screen_can_be_closed_by_mouse(home: Path, store: ProfileStore, key: str, words: str) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home, APP, (120, 40)) as pilot:
        await pilot.press(key)
        await wait_for_text(pilot, words)
        await wait_for(pilot, lambda: pilot.app.screen.is_current and pilot.app.screen.is_mounted)
        for sheet in pilot.app.screen.query(".sheet"):
            sheet.scroll_end(animate=False)  # as the mouse wheel does
            await pilot.pause(0.1)
        way_out = next(
            item for item in ("Esc back", "Keep it (Esc)", "Esc Back", "Esc Leave") if item in read_screen(pilot)
        )
        await click_text(pilot, way_out)
        await wait_for_screen(pilot, HomeScreen)


async def test_dialogs_can_be_completed_by_mouse(home: Path, store: ProfileStore, copied_texts: list[str]) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home, APP, (120, 100)) as pilot:
        await click_text(pilot, "Copy as…")
        await click_text(pilot, "header")
        await wait_for(pilot, lambda: copied_texts)
        await click_text(pilot, "Ctrl+P more")
        await click_text(pilot, "Rename (n)")
        await wait_for_text(pilot, "Rename acme")
        pilot.app.screen.query_one("#name", Input).value = "work"
        await click_text(pilot, "Enter rename")
        await wait_for(pilot, lambda: store.names() == ["work"])


async def test_error_keys_can_be_clicked(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (120, 40)) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot), "cancel")
        await wait_for_text(pilot, "access_denied")
        await click_text(pilot, "F1\N{NO-BREAK SPACE}more")
        await wait_for_text(pilot, "Likely causes")
        await click_text(pilot, "Esc back")
        await click_text(pilot, "r\N{NO-BREAK SPACE}try")
        await wait_for_text(pilot, "Waiting for you to press Allow")


@pytest.mark.parametrize("screen_id", KEYS_BY_SCREEN)
async def test_footer_shows_whole_keys_and_more_at_every_width(home: Path, store: ProfileStore, screen_id: str) -> None:
    store.save_sign_in(*new_sign_in())
    keys = {"F1 Help", *(f"{action.key_label} {action.label}" for action in actions_for(screen_id))}
    async with run_app(home, APP, (130, 30)) as pilot:
        await open_screen(pilot, screen_id)
        for width in range(130, 30, -7):
            await pilot.resize_terminal(width, 30)
            await wait_for_text(pilot, "Ctrl+P more")
            line = read_screen(pilot).rstrip().split("\n")[-1]
            *_, more = shown = [pair.strip() for pair in line.replace("▏", "  ").split("  ") if pair.strip()]
            assert more == "Ctrl+P more", line
            assert set(shown[:-1]) <= keys, line
            assert len(shown) > 1, line


async def test_help_mentions_limits_of_the_terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM_PROGRAM", "vscode")
    async with run_app(home, APP, (120, 60)) as pilot:
        await pilot.press("question_mark")
        await wait_for_text(pilot, "VS Code keeps Ctrl+Q")


async def test_ctrl_c_in_help_stops_the_waiting_sign_in(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        await start_sign_in(pilot)
        await pilot.press("question_mark")
        await wait_for_text(pilot, "Help")
        await pilot.press("ctrl+c")
        await wait_for_screen(pilot, HomeScreen)
        await wait_for_text(pilot, "Stopped.")


async def test_only_the_last_notification_is_shown_and_a_dialog_hides_it(
    home: Path, store: ProfileStore, copied_texts: list[str]
) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home, APP, (120, 40)) as pilot:
        for _ in range(3):
            await pilot.press("c")
            await wait_for_text(pilot, "copied with xclip")
        await wait_for(pilot, lambda: len(copied_texts) == 3)
        assert len(pilot.app.screen.query("Toast")) == 1
        await pilot.press("x")
        await wait_for_text(pilot, "Remove acme?")
        await wait_for(pilot, lambda: not has_text(pilot, "copied with xclip"))
