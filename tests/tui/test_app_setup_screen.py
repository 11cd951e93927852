"""Creating an app and signing in with it: three questions, Slack's page, the Client ID, a token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from slack_token_tui.oauth.state import Phase
from slack_token_tui.practice.manifest_rules import find_problems
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.apps import SlackApp, read_app, save_app
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tui.app import TokenApp
from slack_token_tui.tui.options import LaunchOptions, Practice, PracticeChoice
from slack_token_tui.tui.screens import app_setup
from slack_token_tui.tui.screens.app_setup import AppSetupScreen
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen
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
from tests.support.sign_in_states import REMOTE, WAITING, show_state
from tests.support.store import read_tokens

ID = "2141029472.691202649728"


@asynccontextmanager
async def run_demo(home: Path, slack: PracticeSlack, size: tuple[int, int] = (100, 40)) -> AsyncIterator[Pilot[None]]:
    async def visit(url: str, form: Mapping[str, str]) -> str:
        return await asyncio.to_thread(simulate_browser, url, **form)

    async def add_examples() -> None:
        """Add none, because the tests look at the first profile."""

    app = SlackApp("1111111111.2222222222222", Endpoints(slack.base))
    choices = (PracticeChoice("a", "Click Allow", {}), PracticeChoice("c", "Click Cancel", {"decision": "cancel"}))
    start = LaunchOptions(home=home, slack_app=app, practice=Practice(choices, visit, add_examples))
    async with TokenApp(start).run_test(size=size, notifications=True) as pilot:
        screen = pilot.app.screen
        await wait_for(pilot, lambda: getattr(screen, "is_complete", False))
        yield pilot


async def open_create_step(pilot: Pilot[None]) -> AppSetupScreen:
    await pilot.press("N")
    await wait_for_focus(pilot, AppSetupScreen)
    await pilot.press("enter")
    await wait_for_text(pilot, "Create 'My Slack Tokens' in Slack")
    screen = pilot.app.screen
    assert isinstance(screen, AppSetupScreen)
    return screen


@pytest.fixture
def free_redirects(monkeypatch: pytest.MonkeyPatch, redirect_uris: tuple[str, ...]) -> None:
    """Register new apps with free ports, because other tests sign in at the same time."""
    monkeypatch.setattr(app_setup, "LOOPBACK_REDIRECT_URIS", redirect_uris)


async def test_app_setup_and_sign_in_work_by_keyboard(
    home: Path, slack: PracticeSlack, workspace: Workspace, free_redirects: None
) -> None:
    async with run_demo(home, slack) as pilot:
        await open_create_step(pilot)
        await pilot.press("p")
        await wait_for_screen(pilot, SignInScreen)
        await wait_for_text(pilot, "My Slack Tokens")
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        await wait_for(pilot, lambda: screen.focused is not None)
        await pilot.press("enter")
        await wait_for(pilot, lambda: screen.state.phase is Phase.WAITING and screen.state.browser is not None)
        await wait_for_text(pilot, "Or let the practice browser click")
        await pilot.press("p")
        await wait_for_text(pilot, "What does the practice browser do?")
        await pilot.press("a")
        await wait_for_text(pilot, "✓ Signed in")
        await wait_for_text(pilot, "users:read see people and their profiles")
        await pilot.press("enter")
        await wait_for_screen(pilot, HomeScreen)
    made = workspace.apps[-1]
    assert (made.name, made.pkce_enabled, made.rotation) == ("My Slack Tokens", True, True)
    saved = read_app(home, made.client_id)
    assert saved is not None
    assert (saved.name, saved.registered_scopes) == ("My Slack Tokens", ("users:read",))
    assert ProfileStore(home).read("acme-practice").client_id == made.client_id


async def test_app_setup_and_sign_in_work_by_mouse(home: Path, slack: PracticeSlack, free_redirects: None) -> None:
    async with run_demo(home, slack) as pilot:
        await click_text(pilot, "Create a Slack app")
        await wait_for_screen(pilot, AppSetupScreen)
        await click_text(pilot, "Read\N{NO-BREAK SPACE}and\N{NO-BREAK SPACE}write")
        await click_text(pilot, "No expiry")
        await wait_for_text(pilot, "(●) No expiry")
        await wait_for_text(pilot, "You have to revoke a leaked token.")
        await click_text(pilot, "Continue")
        await wait_for_text(pilot, "Create 'My Slack Tokens' in Slack")
        await click_text(pilot, "practice browser")
        await wait_for_screen(pilot, SignInScreen)
        await click_text(pilot, "Open\N{NO-BREAK SPACE}Slack\N{NO-BREAK SPACE}in\N{NO-BREAK SPACE}the")
        await wait_for_text(pilot, "Or let the practice browser click")
        await click_text(pilot, "practice browser")
        await click_text(pilot, "Click Allow")
        await wait_for_text(pilot, "✓ Signed in")
        await wait_for_text(pilot, "no expiry")
        await click_text(pilot, "Done")
        await wait_for_screen(pilot, HomeScreen)
    assert read_tokens(ProfileStore(home), "acme-practice").refresh_token is None


async def test_page_opens_and_the_copied_manifest_is_valid(
    home: Path, copied_texts: list[str], opened_urls: list[str]
) -> None:
    async with run_app(home, size=(100, 40)) as pilot:
        await open_create_step(pilot)
        await pilot.press("o")
        await wait_for(pilot, lambda: opened_urls)
        assert opened_urls[0].startswith("https://api.slack.com/apps?new_app=1&manifest_json=%7B")
        await pilot.press("c")
        await wait_for(pilot, lambda: copied_texts)
        assert find_problems(json.loads(copied_texts[0])) == []
        await pilot.press("m")
        await wait_for(pilot, lambda: len(copied_texts) == 2)
        assert "Send me the Client ID" in copied_texts[1]


async def test_url_is_offered_to_copy_without_a_browser(home: Path, copied_texts: list[str]) -> None:
    async with run_app(home, size=(100, 40)) as pilot:
        screen = await open_create_step(pilot)
        await wait_for_text(pilot, "1 Open Slack's page and choose your workspace u copy link")
        assert not screen.check_action("open_page", ())
        await pilot.press("u")
        await wait_for(pilot, lambda: copied_texts)
        assert copied_texts[0].startswith("https://api.slack.com/apps?")


async def test_manifest_is_copied_when_the_url_would_be_too_long(
    home: Path, copied_texts: list[str], opened_urls: list[str]
) -> None:
    async with run_app(home, size=(100, 40)) as pilot:
        await pilot.press("N")
        await wait_for_focus(pilot, AppSetupScreen)
        chips = pilot.app.screen.query_one(ScopeChips)
        chips.scopes = tuple(f"a-long-name.number-{n}:write" for n in range(250))
        await pilot.press("enter")
        await wait_for_text(pilot, "1 Click From a manifest, choose your workspace, o open Slack")
        await pilot.press("o")
        await wait_for(pilot, lambda: opened_urls)
        assert opened_urls == ["https://api.slack.com/apps?new_app=1"]
        assert json.loads(copied_texts[0])["oauth_config"]["pkce_enabled"] is True


@pytest.mark.parametrize(
    ("pasted", "words"),
    [
        ("0123456789abcdef" * 2, "client secret or a signing secret"),
        ("Client Secret\n" + "0123456789abcdef" * 2, "client secret or a signing secret"),
        ("A012ABCD0A0", "https://api.slack.com/apps/A012ABCD0A0/general"),
        ("https://api.slack.com/apps/A012ABCD0A0/oauth", "settings page"),
        ("token=xoxp-canary-0123", "a user token"),
        ("hello", "A Client ID looks like"),
    ],
)
async def test_text_pasted_instead_of_a_client_id_is_explained_and_cleared(home: Path, pasted: str, words: str) -> None:
    async with run_app(home, size=(120, 40)) as pilot:
        screen = await open_create_step(pilot)
        screen.post_message(events.Paste(pasted))
        await wait_for_text(pilot, words)
        assert "0123456789abcdef" not in read_screen(pilot)
        assert screen.query_one("#client_id", Input).value == ""


@pytest.mark.parametrize("into_the_box", [False, True])
async def test_pasted_client_id_opens_the_sign_in_form(home: Path, into_the_box: bool) -> None:
    async with run_app(home, size=(120, 40)) as pilot:
        screen = await open_create_step(pilot)
        target = screen.query_one("#client_id", Input)
        if into_the_box:
            target.focus()
        (target if into_the_box else screen).post_message(events.Paste(f"Client ID\n{ID}\n"))
        await wait_for_screen(pilot, SignInScreen)
        await wait_for_text(pilot, ID)
        await wait_for_text(pilot, "My Slack Tokens")


async def test_settings_of_an_existing_app_are_preserved(home: Path) -> None:
    store = ProfileStore(home)
    store.check_writable()
    redirect = ("https://example.com/done",)
    save_app(home, SlackApp(ID, redirect_uris=redirect, client_secret=Secret("canary"), name="Mine", browser="firefox"))
    async with run_app(home, size=(120, 40)) as pilot:
        screen = await open_create_step(pilot)
        screen.post_message(events.Paste(ID))
        await wait_for_focus(pilot, SignInScreen)
    saved = read_app(home, ID)
    assert saved is not None
    assert (saved.name, saved.browser, saved.redirect_uris, saved.is_confidential) == (
        "Mine",
        "firefox",
        redirect,
        True,
    )


async def test_bot_scopes_are_explained_and_not_added_to_the_manifest(home: Path) -> None:
    async with run_app(home, size=(120, 40)) as pilot:
        await pilot.press("N")
        await wait_for_focus(pilot, AppSetupScreen)
        pilot.app.screen.query_one(ScopeChips).scopes = ("users:read", "channels:join")
        await wait_for_text(pilot, "channels:join let a bot join public channels")
        await pilot.press("enter")
        await wait_for_text(pilot, "channels:join is for bots only")
        assert not has_text(pilot, "Create 'My Slack Tokens' in Slack")


async def test_admin_scopes_are_added_to_the_manifest_with_a_warning(home: Path, copied_texts: list[str]) -> None:
    async with run_app(home, size=(120, 40)) as pilot:
        await pilot.press("N")
        await wait_for_focus(pilot, AppSetupScreen)
        pilot.app.screen.query_one(ScopeChips).scopes = ("admin.users:read",)
        await wait_for_text(pilot, "admin.users:read needs an Org Owner or Admin")
        await pilot.press("enter")
        await wait_for_text(pilot, "Create 'My Slack Tokens' in Slack")
        await pilot.press("c")
        await wait_for(pilot, lambda: copied_texts)
        assert json.loads(copied_texts[0])["oauth_config"]["scopes"]["user"] == ["admin.users:read"]


async def test_demo_never_leaves_the_practice_slack(home: Path, slack: PracticeSlack) -> None:
    async with run_demo(home, slack) as pilot:
        await pilot.press("A")
        await wait_for_text(pilot, "Your Slack apps")
        await pilot.press("N")
        await wait_for_focus(pilot, AppSetupScreen)
        await wait_for_text(pilot, "practice Slack: 127.0.0.1")
        await pilot.press("f4")
        await pilot.pause(0.3)
        assert isinstance(pilot.app.screen, AppSetupScreen), "there is no other Slack in a demo"
        assert has_text(pilot, "practice Slack: 127.0.0.1")


async def test_demo_lists_the_practice_browser(home: Path, slack: PracticeSlack) -> None:
    async with run_demo(home, slack, (120, 60)) as pilot:
        screen = await open_create_step(pilot)
        await wait_for_text(pilot, "p practice browser")
        titles = {command.title for command in pilot.app.get_system_commands(screen)}
        assert "Practice browser (p)" in titles
        await pilot.press("question_mark")
        await wait_for_text(pilot, "p Choose what the practice browser does.")


async def test_practice_browser_is_mentioned_wherever_its_key_works(home: Path, slack: PracticeSlack) -> None:
    async with run_demo(home, slack) as pilot:
        screen = await show_state(pilot, WAITING)
        for state in (WAITING, REMOTE):
            screen.state = state
            await wait_for_text(pilot, "Or let the practice browser click")
            assert not has_text(pilot, "on your computer"), "the practice Slack is only on this machine"
            assert screen.check_action("simulate_browser", ())
        screen.state = replace(WAITING, port=None)
        await wait_for_text(pilot, "Then paste the URL you land on")
        assert not has_text(pilot, "practice browser click")
        assert not screen.check_action("simulate_browser", ())


async def test_real_setup_does_not_mention_the_practice_browser(home: Path) -> None:
    async with run_app(home, size=(120, 60)) as pilot:
        screen = await open_create_step(pilot)
        assert not has_text(pilot, "practice browser")
        assert not [found for found in pilot.app.get_system_commands(screen) if "ractice browser" in found.title]
        await pilot.press("question_mark")
        await wait_for_text(pilot, "Copy the app manifest.")
        assert not has_text(pilot, "practice browser")


async def test_manifest_and_link_are_in_the_details_only(home: Path, copied_texts: list[str]) -> None:
    async with run_app(home, size=(120, 60)) as pilot:
        await open_create_step(pilot)
        assert not has_text(pilot, "manifest_json")
        await pilot.press("f1")
        await wait_for_text(pilot, "api.slack.com/apps?new_app=1&manifest_json=%7B")
        await wait_for_text(pilot, '"pkce_enabled": true')
        await pilot.press("c")
        await wait_for(pilot, lambda: copied_texts)
        assert find_problems(json.loads(copied_texts[0])) == []


async def test_escape_goes_back_one_step_and_keeps_the_form(home: Path) -> None:
    async with run_app(home, size=(100, 40)) as pilot:
        await pilot.press("N")
        await wait_for_focus(pilot, AppSetupScreen)
        screen = pilot.app.screen
        screen.query_one("#app_name", Input).value = "Mine"
        await pilot.press("enter")
        await wait_for_text(pilot, "Create 'Mine' in Slack")
        await pilot.press("escape")
        await wait_for_text(pilot, "Token lifetime")
        assert screen.query_one("#app_name", Input).value == "Mine"
        await pilot.press("escape")
        await wait_for_screen(pilot, HomeScreen)


async def test_govslack_needs_confirmation_but_switching_back_does_not(home: Path) -> None:
    async with run_app(home, size=(100, 40)) as pilot:
        await pilot.press("N")
        await wait_for_focus(pilot, AppSetupScreen)
        await pilot.press("f4")
        await wait_for_text(pilot, "GovSlack has its own apps, Client IDs and people.")
        await pilot.press("y")
        await wait_for_text(pilot, "not slack.com: slack-gov.com")
        await pilot.press("f4")
        await wait_for(pilot, lambda: not has_text(pilot, "slack-gov.com"))


async def test_enter_on_the_steps_asks_for_the_client_id(home: Path) -> None:
    async with run_app(home) as pilot:
        await open_create_step(pilot)
        await pilot.press("enter")
        await wait_for_text(pilot, "Enter your app's Client ID")
