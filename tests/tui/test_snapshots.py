"""Every screen as a picture, compared with the saved one. ``--snapshot-update`` saves new ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from slack_token_tui import doctor
from slack_token_tui.desktop import browser
from slack_token_tui.doctor import Finding, Verdict
from slack_token_tui.oauth.state import SignInState
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import GOVSLACK, Endpoints
from slack_token_tui.store.apps import SlackApp, save_app
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import change_settings, remember_last_app
from slack_token_tui.tui.app import TokenApp
from slack_token_tui.tui.options import LaunchOptions
from slack_token_tui.tui.theme import AUBERGINE_LIGHT
from tests.support.pilot import wait_for, wait_for_text, wait_until_stable
from tests.support.profiles import NOW, new_sign_in
from tests.support.sign_in_states import APP, FAILED, REMOTE, RETRYING, SAVED, UNSPENT, WAITING, show_state

SIZES = {"40x20": (40, 20), "80x24": (80, 24), "120x36": (120, 36)}
MODES = ("dark", "light", "no-color")
HOME = Path("home")
Snap = Callable[..., bool]
SnapshotStep = Callable[[Pilot[None]], Awaitable[None]]


@pytest.fixture(autouse=True)
def _use_fixed_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # with a relative path to it, so that no picture shows a path of this machine
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    time.tzset()


@pytest.fixture
def snap(snap_compare: Snap, monkeypatch: pytest.MonkeyPatch) -> Snap:
    """Return a function that runs steps and compares the screen with its picture."""

    def compare(*before: SnapshotStep, size: str = "80x24", mode: str = "dark", app: SlackApp | None = None) -> bool:
        if mode == "no-color":
            monkeypatch.setenv("NO_COLOR", "1")
        tui = TokenApp(LaunchOptions(home=HOME, slack_app=app, now=lambda: NOW, clock=lambda: 0.0))

        async def run_steps(pilot: Pilot[None]) -> None:
            home_screen = pilot.app.screen
            await wait_for(pilot, lambda: getattr(home_screen, "is_complete", True))
            if mode == "light":
                tui.theme = AUBERGINE_LIGHT.name
            for step in before:
                await step(pilot)
            for field in pilot.app.screen.query(Input):
                field.cursor_blink = False
            await wait_until_stable(pilot)

        return snap_compare(tui, terminal_size=SIZES[size], run_before=run_steps)

    return compare


def press_keys(*keys: str, then: str = "") -> SnapshotStep:
    """Return a step that presses each of ``keys`` once the screen is stable, and waits for the text ``then``."""

    async def step(pilot: Pilot[None]) -> None:
        for key in keys:
            await pilot.press(key)
            await wait_until_stable(pilot, looks=1)
        if then:
            await wait_for_text(pilot, then)

    return step


def fill_home() -> None:
    store = ProfileStore(HOME)
    rotating: dict[str, Any] = {
        "refresh_token": Secret("xoxe-1-practice-refresh-0001"),
        "refresh_issued_at": NOW - timedelta(days=2),
    }
    store.save_sign_in(
        *new_sign_in(
            **rotating,
            id="acme",
            expires_at=NOW + timedelta(hours=9, minutes=40),
            scopes=("users:read", "channels:read", "chat:write"),
            app_name="My Slack Tokens",
        )
    )
    store.save_sign_in(
        *new_sign_in(
            id="group",
            team_id=None,
            enterprise_id="E1",
            enterprise_name="Globex Group",
            team_name="Globex Group",
            is_enterprise_install=True,
            workspaces=("T2 Globex", "T3 Initech"),
            user_id="U2",
            user_name="omar",
            workspace_url="https://globex.enterprise.slack.com/",
        )
    )
    store.save_sign_in(
        *new_sign_in(
            id="over",
            user_id="U3",
            team_id="T4",
            team_name="Umbrella",
            workspace_url="https://umbrella.slack.com/",
            expires_at=NOW - timedelta(hours=1),
        )
    )
    change_settings(HOME, default_profile="acme")
    save_app(HOME, APP)
    gov = Endpoints(GOVSLACK)
    redirect = ("https://example.com/done",)
    secret = Secret("canary-client-secret")
    save_app(HOME, SlackApp("3141029472.791202649728", gov, redirect, ("users:read",), secret, name="Gov"))
    remember_last_app(HOME, APP.client_id)


def show(state: SignInState) -> SnapshotStep:
    """Return a step that shows ``state`` on the sign-in screen."""

    async def run(pilot: Pilot[None]) -> None:
        await show_state(pilot, state)

    return run


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
def test_home(snap: Snap, size: str, mode: str) -> None:
    fill_home()
    assert snap(size=size, mode=mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
def test_sign_in(snap: Snap, size: str, mode: str) -> None:
    assert snap(show(WAITING), press_keys(then="4:12 left"), size=size, mode=mode, app=APP)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
def test_error(snap: Snap, size: str, mode: str) -> None:
    assert snap(show(FAILED), press_keys(then="bad_redirect_uri"), size=size, mode=mode, app=APP)


@pytest.mark.parametrize("size", SIZES)
def test_empty_home(snap: Snap, size: str) -> None:
    assert snap(size=size)


@pytest.mark.parametrize("size", SIZES)
def test_sign_in_form(snap: Snap, size: str) -> None:
    assert snap(press_keys("a", then="Client ID"), size=size, app=APP)


def test_sign_in_form_for_more_scopes(snap: Snap) -> None:
    fill_home()
    assert snap(press_keys("s", "f2", "down", "space", "f2", then="Stays granted"), size="120x36")


@pytest.mark.parametrize("size", SIZES)
def test_sign_in_with_remote_browser(snap: Snap, size: str) -> None:
    assert snap(show(REMOTE), press_keys(then="4:12 left"), size=size, app=APP)


@pytest.mark.parametrize("size", SIZES)
def test_sign_in_tries_the_exchange_again(snap: Snap, size: str) -> None:
    assert snap(show(RETRYING), press_keys(then="trying again in 8 s"), size=size, app=APP)


@pytest.mark.parametrize("size", SIZES)
def test_sign_in_offers_the_exchange_again(snap: Snap, size: str) -> None:
    assert snap(show(UNSPENT), press_keys(then="You don't need to click Allow again"), size=size, app=APP)


@pytest.mark.parametrize("size", SIZES)
def test_sign_in_finished(snap: Snap, size: str) -> None:
    assert snap(show(SAVED), press_keys(then="Signed in"), size=size, app=APP)


@pytest.mark.parametrize("size", SIZES)
def test_browser_errors(snap: Snap, size: str) -> None:
    assert snap(
        show(WAITING), press_keys(then="4:12 left"), press_keys("e", then="redirect_uri did not"), size=size, app=APP
    )


def test_errors_searched(snap: Snap) -> None:
    assert snap(press_keys("e"), press_keys(*"refused", "down", then="localhost"))


def test_long_explanation(snap: Snap) -> None:
    assert snap(show(FAILED), press_keys("f1", then="Passed URI"), app=APP)


@pytest.mark.parametrize("size", SIZES)
def test_make_an_app(snap: Snap, size: str) -> None:
    assert snap(press_keys("N"), size=size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.usefixtures("opened_urls")
def test_make_an_app_on_slacks_page(snap: Snap, size: str) -> None:
    assert snap(press_keys("N", "enter", then="Create 'My Slack Tokens' in Slack"), size=size)


def test_make_an_app_without_a_browser(snap: Snap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "default_browser", lambda: browser.NotOpened("No browser was found on this machine."))
    assert snap(press_keys("N", "enter", then="Create 'My Slack Tokens' in Slack"))


@pytest.mark.parametrize("size", SIZES)
def test_choose_scopes(snap: Snap, size: str) -> None:
    assert snap(press_keys("a", "f2"), press_keys(*"direct", "down", "down", "space"), size=size, app=APP)


def test_choose_scopes_light(snap: Snap) -> None:
    fill_home()
    assert snap(press_keys("s", "f2", "down", "space", then="2 selected"), size="120x36", mode="light")


def test_apps(snap: Snap) -> None:
    fill_home()
    assert snap(press_keys("A", then="slack-gov.com"))


def test_no_apps(snap: Snap) -> None:
    assert snap(press_keys("A", then="No apps yet"))


def test_app_details(snap: Snap) -> None:
    fill_home()
    assert snap(press_keys("A", "down", "f4", then="Advanced settings"), size="120x36")


def test_other_slack_confirmation(snap: Snap) -> None:
    assert snap(press_keys("N", "f4", then="Use another Slack?"))


@pytest.mark.parametrize("size", SIZES)
def test_check_this_machine(snap: Snap, monkeypatch: pytest.MonkeyPatch, size: str) -> None:
    async def yield_findings(*_: object) -> AsyncGenerator[Finding, None]:
        await asyncio.sleep(0)
        yield Finding("versions", Verdict.NOTE, "Versions", "slack-token-tui 1.0, Python 3.11.")
        yield Finding("port", Verdict.GOOD, "Port 28417", "Free.")
        held = "In use by node (process 4711)."
        yield Finding("port", Verdict.LOOK, "Port 28418", held, "The next registered port is used instead.")
        yield Finding("directory", Verdict.BAD, "Files", "Other users can access home.", "chmod 700 home")

    monkeypatch.setattr(doctor, "run_checks", yield_findings)
    assert snap(press_keys("D", then="1 problem, 1 note."), size=size)


def test_help(snap: Snap) -> None:
    fill_home()
    assert snap(press_keys("question_mark", then="Keys"))


@pytest.mark.parametrize("size", SIZES)
def test_profile_menu(snap: Snap, size: str) -> None:
    fill_home()
    assert snap(press_keys("enter", then="Replace a leaked token"), size=size)


def test_profile_details(snap: Snap) -> None:
    fill_home()
    assert snap(press_keys("f1", then="Refreshable"))


def test_filter(snap: Snap) -> None:
    fill_home()
    assert snap(press_keys("slash", *"omar", then="1 of 3 profiles"))


def test_filter_without_a_match(snap: Snap) -> None:
    fill_home()
    assert snap(press_keys("slash", *"zzz", then="No profile matches"))


def test_profile_that_needs_a_sign_in(snap: Snap) -> None:
    fill_home()
    assert snap(press_keys("down", "down", then="sign_in_needed"))


def test_help_topics(snap: Snap) -> None:
    assert snap(press_keys("question_mark", "f1", then="Troubleshooting"))


def test_fix_of_a_looked_up_error(snap: Snap) -> None:
    assert snap(press_keys("e"), press_keys(*"redirect", "enter", then="copy report"))


def test_replace_a_leaked_token(snap: Snap) -> None:
    fill_home()
    assert snap(press_keys("enter"), press_keys(*["down"] * 5, "enter", then="Replace the token"))


def test_copy_as(snap: Snap) -> None:
    fill_home()
    assert snap(press_keys("C", "down", "down", then="export SLACK_TOKEN"))


def test_rename(snap: Snap) -> None:
    fill_home()
    assert snap(press_keys("n", then="Rename acme"))


def test_import(snap: Snap) -> None:
    assert snap(press_keys("i", then="Import a token"))


def test_remove(snap: Snap) -> None:
    fill_home()
    assert snap(press_keys("x", then="Remove acme?"))


def test_terminal_clipboard_confirmation(snap: Snap) -> None:
    fill_home()
    assert snap(press_keys("c", then="terminal's clipboard?"))


def test_organization_workspaces(snap: Snap) -> None:
    fill_home()
    assert snap(press_keys("down", then="T3 Initech"), size="120x36")
