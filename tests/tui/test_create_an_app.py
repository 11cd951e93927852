"""Making an app, as somebody does who has none: three questions, Slack's page, the Client ID, and a token at the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from slack_token_tui.practice.manifest_rules import find_problems
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.apps import SlackApp, read_app, save_app
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tui.app import TokenApp
from slack_token_tui.tui.options import LaunchOptions
from slack_token_tui.tui.screens import app_setup
from slack_token_tui.tui.screens.app_setup import AppSetupScreen
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen
from tests.support.pilot import click, running, says, shows, text, until

ID = "2141029472.691202649728"


@asynccontextmanager
async def in_the_demo(
    home: Path, slack: PracticeSlack, size: tuple[int, int] = (100, 40)
) -> AsyncIterator[Pilot[None]]:
    async def play(url: str) -> str:
        return await asyncio.to_thread(simulate_browser, url)

    app = SlackApp("1111111111.2222222222222", Endpoints(slack.base))
    start = LaunchOptions(home=home, slack_app=app, simulate_browser=play, is_demo=True)
    async with TokenApp(start).run_test(size=size, notifications=True) as pilot:
        screen = pilot.app.screen
        await until(pilot, lambda: getattr(screen, "_is_fully_mounted", False))
        yield pilot


async def to_slacks_page(pilot: Pilot[None]) -> AppSetupScreen:
    await pilot.press("N")
    await until(pilot, lambda: isinstance(pilot.app.screen, AppSetupScreen) and pilot.app.screen.focused is not None)
    await pilot.press("enter")
    await shows(pilot, "is ready to be made")
    screen = pilot.app.screen
    assert isinstance(screen, AppSetupScreen)
    return screen


@pytest.fixture
def free_redirects(monkeypatch: pytest.MonkeyPatch, redirect_uris: tuple[str, ...]) -> None:
    """Other tests sign in at the same time, so new apps are registered with ports that are free."""
    monkeypatch.setattr(app_setup, "LOOPBACK_REDIRECT_URIS", redirect_uris)


async def test_from_nothing_to_a_token_by_keyboard_alone(
    home: Path, slack: PracticeSlack, workspace: Workspace, free_redirects: None
) -> None:
    async with in_the_demo(home, slack) as pilot:
        await to_slacks_page(pilot)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen))
        await shows(pilot, "My Slack Tokens")
        await pilot.press("enter")
        await shows(pilot, "Waiting for you to press Allow")
        await pilot.press("p")
        await shows(pilot, "Signed in as jane")
        await shows(pilot, "1 scope, which was asked for")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
    made = workspace.apps[-1]
    assert (made.name, made.pkce_enabled, made.rotation) == ("My Slack Tokens", True, True)
    saved = read_app(home, made.client_id)
    assert saved is not None
    assert (saved.name, saved.registered_scopes) == ("My Slack Tokens", ("users:read",))
    assert ProfileStore(home).read("acme-practice").client_id == made.client_id


async def test_from_nothing_to_a_token_by_mouse_alone(home: Path, slack: PracticeSlack, free_redirects: None) -> None:
    async with in_the_demo(home, slack) as pilot:
        await pilot.click("#welcome_card #make_app")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppSetupScreen))
        await pilot.click("#preset_0")
        await pilot.click("#rotation", offset=(5, 1))
        await shows(pilot, "(●) Until you revoke them")
        await pilot.click("#continue")
        await shows(pilot, "is ready to be made")
        await click(pilot, "Play browser")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen))
        await pilot.click("#start")
        await shows(pilot, "Waiting for you to press Allow")
        await click(pilot, "Play browser")
        await shows(pilot, "Signed in as jane")
        await shows(pilot, "works until it is revoked")
        await click(pilot, "Leave")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
    assert ProfileStore(home).read("acme-practice").refresh_token is None


async def test_the_page_is_opened_and_the_manifest_is_one_that_slack_takes(
    home: Path, copied: list[str], opened: list[str]
) -> None:
    async with running(home, size=(100, 40)) as pilot:
        await to_slacks_page(pilot)
        await pilot.press("o")
        await until(pilot, lambda: opened)
        assert opened[0].startswith("https://api.slack.com/apps?new_app=1&manifest_json=%7B")
        await pilot.press("c")
        await until(pilot, lambda: copied)
        assert find_problems(json.loads(copied[0])) == []
        await pilot.press("m")
        await until(pilot, lambda: len(copied) == 2)
        assert "Send me the Client ID" in copied[1]


async def test_without_a_browser_the_address_is_what_is_offered(home: Path, copied: list[str]) -> None:
    async with running(home, size=(100, 40)) as pilot:
        screen = await to_slacks_page(pilot)
        await shows(pilot, "1. u copies the address of Slack’s page")
        assert not screen.check_action("open_page", ())
        await pilot.press("u")
        await until(pilot, lambda: copied)
        assert copied[0].startswith("https://api.slack.com/apps?")


async def test_when_the_address_would_be_too_long_it_is_said_and_the_manifest_copied(
    home: Path, copied: list[str], opened: list[str]
) -> None:
    async with running(home, size=(100, 40)) as pilot:
        await pilot.press("N")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppSetupScreen))
        pilot.app.screen.query_one("#scopes", Input).value = ",".join(
            f"a-long-name.number-{n}:write" for n in range(250)
        )
        await pilot.press("enter")
        await shows(pilot, "its address cannot hold it")
        await pilot.press("o")
        await until(pilot, lambda: opened)
        assert opened == ["https://api.slack.com/apps?new_app=1"]
        assert json.loads(copied[0])["oauth_config"]["pkce_enabled"] is True


@pytest.mark.parametrize(
    ("pasted", "words"),
    [
        ("0123456789abcdef" * 2, "client secret or a signing secret"),
        ("Client Secret\n" + "0123456789abcdef" * 2, "client secret or a signing secret"),
        ("A012ABCD0A0", "https://api.slack.com/apps/A012ABCD0A0/general"),
        ("https://api.slack.com/apps/A012ABCD0A0/oauth", "settings page"),
        ("token=xoxp-canary-0123", "a user token"),
        ("hello", "digits, a dot, digits"),
    ],
)
async def test_what_is_pasted_instead_of_a_client_id_is_answered_and_does_not_stay(
    home: Path, pasted: str, words: str
) -> None:
    async with running(home, size=(120, 40)) as pilot:
        screen = await to_slacks_page(pilot)
        screen.post_message(events.Paste(pasted))
        await shows(pilot, words)
        assert "0123456789abcdef" not in text(pilot)
        assert screen.query_one("#client_id", Input).value == ""


@pytest.mark.parametrize("into_the_box", [False, True])
async def test_a_pasted_client_id_leads_to_the_sign_in_form(home: Path, into_the_box: bool) -> None:
    async with running(home, size=(120, 40)) as pilot:
        screen = await to_slacks_page(pilot)
        target = screen.query_one("#client_id", Input)
        if into_the_box:
            target.focus()
        (target if into_the_box else screen).post_message(events.Paste(f"Client ID\n{ID}\n"))
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen))
        await shows(pilot, ID)
        await shows(pilot, "My Slack Tokens")


async def test_an_app_that_is_known_keeps_what_was_said_of_it(home: Path) -> None:
    store = ProfileStore(home)
    store.check_writable()
    redirect = ("https://example.com/done",)
    save_app(home, SlackApp(ID, redirect_uris=redirect, client_secret=Secret("canary"), name="Mine", browser="firefox"))
    async with running(home, size=(120, 40)) as pilot:
        screen = await to_slacks_page(pilot)
        screen.post_message(events.Paste(ID))
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen))
    saved = read_app(home, ID)
    assert saved is not None
    assert (saved.name, saved.browser, saved.redirect_uris, saved.is_confidential) == (
        "Mine",
        "firefox",
        redirect,
        True,
    )


async def test_bot_and_admin_scopes_are_explained_instead_of_put_into_the_manifest(home: Path) -> None:
    async with running(home, size=(120, 40)) as pilot:
        await pilot.press("N")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppSetupScreen))
        pilot.app.screen.query_one("#scopes", Input).value = "admin.users:read, channels:join"
        await pilot.press("enter")
        await shows(pilot, "owners of an Enterprise organisation")
        await shows(pilot, "is for bots")
        assert not says(pilot, "is ready to be made")


async def test_the_demo_never_leaves_the_practice_slack(home: Path, slack: PracticeSlack) -> None:
    async with in_the_demo(home, slack) as pilot:
        await pilot.press("p")
        await shows(pilot, "Your Slack apps")
        await pilot.press("N")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppSetupScreen))
        await shows(pilot, "practice Slack: 127.0.0.1")
        await pilot.press("f3")
        await pilot.pause(0.3)
        assert isinstance(pilot.app.screen, AppSetupScreen), "there is no other Slack in a demo"
        assert says(pilot, "practice Slack: 127.0.0.1")


async def test_govslack_is_asked_about_once_and_taken_back_without(home: Path) -> None:
    async with running(home, size=(100, 40)) as pilot:
        await pilot.press("N")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppSetupScreen))
        await pilot.press("f3")
        await shows(pilot, "GovSlack is a Slack of its own")
        await pilot.press("y")
        await shows(pilot, "not slack.com: slack-gov.com")
        await pilot.press("f3")
        await until(pilot, lambda: not says(pilot, "slack-gov.com"))
