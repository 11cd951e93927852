"""What all screens have: help about the current state, F1 also in fields, every action in the palette."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from slack_token_tui import doctor
from slack_token_tui.doctor import Finding, Verdict, machine
from slack_token_tui.oauth.state import Failure, Phase, SignInState
from slack_token_tui.practice.server import simulate_browser
from slack_token_tui.problems import explain
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tui.actions import ACTIONS, SCREEN_DESCRIPTIONS, actions_for
from slack_token_tui.tui.screens.base import AppScreen
from slack_token_tui.tui.screens.doctor import DoctorScreen
from slack_token_tui.tui.screens.help import HelpDialog
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen
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
from tests.support.sign_in_states import APP, FAILED, REMOTE, RETRYING, SAVED, UNSPENT, WAITING, show_state

KEYS_BY_SCREEN = {
    "home": (),
    "sign_in": ("a",),
    "scopes": ("a", "f2"),
    "app_setup": ("N",),
    "apps": ("A",),
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
        await wait_for_text(pilot, SCREEN_DESCRIPTIONS[screen_id].split(". ")[0])
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
                key = f" ({action.key_label})" if action.keys else ""
                assert f"{action.label[:1].upper()}{action.label[1:]}{key}" in titles


@pytest.mark.parametrize("screen_id", KEYS_BY_SCREEN)
async def test_escape_returns_to_home(home: Path, screen_id: str) -> None:
    async with run_app(home, APP, (100, 40)) as pilot:
        await open_screen(pilot, screen_id)
        for _ in KEYS_BY_SCREEN[screen_id]:
            before = pilot.app.screen
            await pilot.press("escape")
            await wait_for(pilot, lambda before=before: pilot.app.screen is not before)
        await wait_for_screen(pilot, HomeScreen)


TIMED_OUT = replace(WAITING, phase=Phase.FAILED, failure=Failure(Phase.WAITING, explain("sign_in_timed_out")))
UNSAVED = replace(WAITING, phase=Phase.FAILED, failure=Failure(Phase.SAVING, explain("store_full")), unsaved=True)
REFUSED = replace(SAVED, phase=Phase.FAILED, failure=Failure(Phase.VERIFYING, explain("account_inactive")))
SHARED_KEYS = {
    # Enter and Esc are the next step and the way back of the form, the wait, the failure and the result.
    "sign_in": {"enter", "escape", "f4", "u", "o"},
    "home": {"enter"},  # the menu of a profile, or the first sign-in
}
"""Keys with several actions, of which only one is available at a time."""


def test_actions_of_a_screen_do_not_share_keys() -> None:
    for screen_id in KEYS_BY_SCREEN:
        keys: dict[str, list[str]] = {}
        for action in actions_for(screen_id):
            for key in filter(None, action.keys.split(",")):
                keys.setdefault(key, []).append(action.id)
        shared = {key for key, ids in keys.items() if len(ids) > 1}
        assert shared == SHARED_KEYS.get(screen_id, set()), screen_id


@pytest.mark.parametrize("state", [WAITING, REMOTE, RETRYING, FAILED, UNSPENT, SAVED, TIMED_OUT, UNSAVED, REFUSED])
async def test_only_one_action_of_a_key_is_available_in_each_state(home: Path, state: SignInState) -> None:
    async with run_app(home, APP, (100, 40)) as pilot:
        screen = await open_screen(pilot, "sign_in")
        assert [
            action.id for action in actions_for("sign_in") if action.keys == "enter" and screen.is_available(action.id)
        ] == ["start"]
        await pilot.press("escape")
        await wait_for_screen(pilot, HomeScreen)
        shown = await show_state(pilot, state)
        for key in SHARED_KEYS["sign_in"]:
            ids = [action.id for action in actions_for("sign_in") if action.keys == key]
            assert len([action_id for action_id in ids if shown.is_available(action_id)]) <= 1, key


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
        await pilot.press("f5")
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
        await wait_for_text(pilot, "is reachable.")


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


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("question_mark", "Keys"),
        ("enter", "Copy as"),
        ("C", "Copy acme as…"),
        ("n", "Rename"),
        ("i", "Import a token"),
        ("x", "Remove acme?"),
        ("e", "Error lookup"),
        ("D", "Check this machine"),
        ("A", "Your Slack apps"),
        ("N", "Create a Slack app"),
        ("s", "What can the token do?"),
        ("f1", "Token"),
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
        ways_out = ("Esc\N{NO-BREAK SPACE}back", "Cancel (Esc)", "Esc back")
        await click_text(pilot, next(item for item in ways_out if item in read_screen(pilot)))
        await wait_for_screen(pilot, HomeScreen)


async def test_dialogs_can_be_completed_by_mouse(home: Path, store: ProfileStore, copied_texts: list[str]) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home, APP, (120, 100)) as pilot:
        await click_text(pilot, "C copy as")
        await click_text(pilot, "header")
        await wait_for(pilot, lambda: copied_texts)
        await click_text(pilot, "Enter actions")
        await click_text(pilot, "n  Rename")
        await wait_for_text(pilot, "Rename acme")
        pilot.app.screen.query_one("#name", Input).value = "work"
        await click_text(pilot, "Enter\N{NO-BREAK SPACE}rename")
        await wait_for(pilot, lambda: store.names() == ["work"])


async def test_error_keys_can_be_clicked(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (120, 40)) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot), "cancel")
        await wait_for_text(pilot, "access_denied")
        await click_text(pilot, "F1 details")
        await wait_for_text(pilot, "Trying again usually works.")
        await click_text(pilot, "Esc\N{NO-BREAK SPACE}back")
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        await click_text(pilot, "Enter\N{NO-BREAK SPACE}try\N{NO-BREAK SPACE}again")
        await wait_for(pilot, lambda: screen.state.phase is Phase.WAITING)


@pytest.mark.parametrize("screen_id", KEYS_BY_SCREEN)
async def test_footer_shows_whole_keys_and_help_at_every_width(home: Path, store: ProfileStore, screen_id: str) -> None:
    store.save_sign_in(*new_sign_in())
    keys = {f"{action.key_label} {action.label}" for action in actions_for(screen_id)}
    async with run_app(home, APP, (130, 30)) as pilot:
        screen = await open_screen(pilot, screen_id)
        await wait_for(pilot, lambda: screen.focused is not None)
        help_key = "F1 keys" if isinstance(screen.focused, Input) else "? keys"
        for width in range(130, 30, -7):
            await pilot.resize_terminal(width, 30)
            await wait_for_text(pilot, help_key)
            line = read_screen(pilot).rstrip().split("\n")[-1]
            *shown, last = [pair.strip() for pair in line.split("  ") if pair.strip()]
            assert last == help_key, line
            assert set(shown) <= keys, line
            assert shown, line


async def test_help_mentions_limits_of_the_terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM_PROGRAM", "vscode")
    async with run_app(home, APP, (120, 60)) as pilot:
        await pilot.press("question_mark")
        await wait_for_text(pilot, "VS Code uses Ctrl+Q")


async def test_ctrl_c_in_help_stops_the_waiting_sign_in(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        await start_sign_in(pilot)
        await pilot.press("question_mark")
        await wait_for_screen(pilot, HelpDialog)
        await pilot.press("ctrl+c")
        await wait_for_screen(pilot, HomeScreen)
        await wait_for_text(pilot, "Stopped.")


async def test_only_the_last_notification_is_shown_and_a_dialog_hides_it(
    home: Path, app: SlackApp, copied_texts: list[str]
) -> None:
    async with run_app(home, app, (120, 40)) as pilot:
        await start_sign_in(pilot)
        for number in range(3):
            await pilot.press("u")
            await wait_for(pilot, lambda wanted=number + 1: len(copied_texts) == wanted)
            await wait_for_text(pilot, "Copied the link")
        assert len(pilot.app.screen.query("Toast")) == 1
        await pilot.press("question_mark")
        await wait_for_screen(pilot, HelpDialog)
        await wait_for(pilot, lambda: not has_text(pilot, "Copied the link"))
