"""Signing in with the TUI at a practice Slack, as a person does."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from textual.widgets import Input

from slack_token_tui.oauth import session
from slack_token_tui.oauth.events import CodeExpired
from slack_token_tui.oauth.state import reduce
from slack_token_tui.practice.server import simulate_browser
from slack_token_tui.practice.workspace import EXCHANGE_ERRORS, Workspace
from slack_token_tui.problems import explain
from slack_token_tui.secret import Secret
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tui.actions import ACTIONS
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen
from slack_token_tui.tui.widgets.error_card import ErrorCard
from tests.support.browser import issue_callback_url, parse_query
from tests.support.pilot import has_text, run_app, start_sign_in, wait_for, wait_for_screen, wait_for_text
from tests.support.ports import get_port
from tests.support.profiles import new_sign_in, time_from_now
from tests.support.sign_in_states import UNSPENT, show_state
from tests.support.store import read_tokens


async def test_empty_home_shows_the_next_steps(home: Path) -> None:
    async with run_app(home) as pilot:
        await wait_for_text(pilot, "No profiles yet")
        await wait_for_text(pilot, "I have a Client ID: sign in (a)")
        await wait_for_text(pilot, "I have none: make me an app (N)")


async def test_sign_in_saves_a_token_that_can_be_copied(home: Path, app: SlackApp, copied_texts: list[str]) -> None:
    async with run_app(home, app) as pilot:
        url = await start_sign_in(pilot)
        await asyncio.to_thread(simulate_browser, url)
        await wait_for_text(pilot, "Signed in as jane in Acme Practice")
        await wait_for_text(pilot, "Saved as acme-practice")
        await pilot.press("c")
        await wait_for(pilot, lambda: copied_texts)
        await pilot.press("escape")
        await wait_for_screen(pilot, HomeScreen)
        await wait_for_text(pilot, "acme-practice")
        await pilot.press("c")
        await wait_for(pilot, lambda: len(copied_texts) == 2)
    token = read_tokens(ProfileStore(home), "acme-practice").access_token.reveal()
    assert copied_texts == [token, token]


async def test_cancel_is_explained_and_can_be_retried(home: Path, app: SlackApp) -> None:
    async with run_app(home, app) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot), "cancel")
        await wait_for_text(pilot, "access_denied")
        await wait_for_text(pilot, "The sign-in was canceled in the browser")
        await pilot.press("r")
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        await wait_for(pilot, lambda: screen.state.url and has_text(pilot, "Waiting for you"))
        await asyncio.to_thread(simulate_browser, str(screen.state.url))
        await wait_for_text(pilot, "Signed in as jane")
        assert not pilot.app.screen.query(ErrorCard)


async def test_rate_limited_code_is_sent_again_without_another_allow(
    home: Path, app: SlackApp, workspace: Workspace
) -> None:
    async with run_app(home, app) as pilot:
        browser = asyncio.create_task(
            asyncio.to_thread(simulate_browser, await start_sign_in(pilot), wrong="exchange:ratelimited")
        )
        await wait_for_text(pilot, "without another Allow · r now")
        await pilot.press("r")
        await wait_for_text(pilot, "Signed in as jane")
        await browser
    assert workspace.calls["/api/oauth.v2.user.access"] == 2


async def test_long_rate_limit_leaves_the_decision_to_the_user(home: Path, app: SlackApp, workspace: Workspace) -> None:
    workspace.retry_after_seconds = 31
    async with run_app(home, app, (100, 40)) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot), wrong="exchange:ratelimited")
        await wait_for_text(pilot, "You don't need to click Allow again")
        await pilot.press("r")
        await wait_for_text(pilot, "Signed in as jane")
    assert workspace.calls["/api/oauth.v2.user.access"] == 2


async def test_expired_code_is_no_longer_offered(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        screen = await show_state(pilot, UNSPENT)
        await wait_for_text(pilot, "You don't need to click Allow again")
        screen.state = reduce(screen.state, CodeExpired())
        await wait_for(pilot, lambda: not has_text(pilot, "You don't need to click Allow again"))
        await wait_for_text(pilot, screen.state.failure.explanation.title if screen.state.failure else "")


@pytest.mark.parametrize("code", sorted({*EXCHANGE_ERRORS} - {"ratelimited"}))
async def test_exchange_error_is_explained_under_its_step(home: Path, app: SlackApp, code: str) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot), wrong=f"exchange:{code}")
        await wait_for(pilot, lambda: pilot.app.screen.query(ErrorCard) and has_text(pilot, code))
        await wait_for_text(pilot, explain(code).title)
        await wait_for_text(pilot, "Esc leave")


async def test_o_key_retries_with_the_other_oauth_variant(home: Path, app: SlackApp) -> None:
    async with run_app(home, app) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot), wrong="exchange:not_implemented")
        await wait_for_text(pilot, "not_implemented")
        await pilot.press("o")
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        await wait_for(pilot, lambda: screen.state.url and "/oauth/v2/authorize" in screen.state.url)
        await asyncio.to_thread(simulate_browser, str(screen.state.url))
        await wait_for_text(pilot, "Signed in as jane")


@pytest.mark.parametrize("wrapped", [False, True])
async def test_paste_anywhere_finishes_the_sign_in(
    home: Path, app: SlackApp, workspace: Workspace, wrapped: bool
) -> None:
    from textual import events

    async with run_app(home, app) as pilot:
        url = await start_sign_in(pilot)
        assert not isinstance(pilot.app.screen.focused, Input), "the paste box never takes the focus by itself"
        pilot.app.screen.post_message(events.Paste("http://localhost:1/callback?code=a&state=b"))
        await wait_for_text(pilot, "That URL is for another page")
        assert pilot.app.screen.query_one("#client_id", Input).value == app.client_id, "the box that is meant"
        address = issue_callback_url(workspace, url)
        pilot.app.screen.post_message(events.Paste(f"{address[:60]}\n{address[60:]}\n" if wrapped else address))
        await wait_for_text(pilot, "Signed in as jane")


async def test_bare_code_is_used_only_after_confirmation(home: Path, app: SlackApp, workspace: Workspace) -> None:
    from textual import events

    async with run_app(home, app) as pilot:
        code = parse_query(issue_callback_url(workspace, await start_sign_in(pilot)))["code"]
        pilot.app.screen.post_message(events.Paste(code))
        await wait_for_text(pilot, "Paste the whole address (Esc)")
        await pilot.press("y")
        await wait_for_text(pilot, "Signed in as jane")


async def test_letter_keys_work_only_outside_fields_and_the_footer_shows_it(home: Path, app: SlackApp) -> None:
    async with run_app(home, app) as pilot:
        await start_sign_in(pilot)
        await wait_for_text(pilot, "e More time")
        await pilot.click("#paste")
        await wait_for(pilot, lambda: not has_text(pilot, "e More time"))
        await pilot.press("e", "u")
        assert pilot.app.screen.query_one("#paste", Input).value == "eu"
        await pilot.press("escape")
        await wait_for_text(pilot, "e More time")


async def test_browser_errors_can_be_looked_up_while_waiting(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        await start_sign_in(pilot)
        await pilot.press("b")
        await wait_for_text(pilot, "What does the browser say?")
        await wait_for_text(pilot, "The page says: redirect_uri did not match")
        await wait_for_text(pilot, "Slack rejected the redirect URL")
        await pilot.press("escape")
        await wait_for_text(pilot, "Waiting for you")


async def test_vi_keys_move_the_highlight_and_update_the_details(home: Path, store: ProfileStore) -> None:
    for number, name in enumerate(("one", "two", "three")):
        store.save_sign_in(*new_sign_in(user_id=f"U{number}", team_name=f"Team {name}"), name)
    async with run_app(home) as pilot:
        for key, name in (("j", "three"), ("j", "two"), ("k", "three"), ("G", "two"), ("g", "one"), ("down", "three")):
            await pilot.press(key)
            await wait_for(pilot, lambda name=name: pilot.app.screen.query_one("ProfileDetail").border_title == name)


async def test_palette_lists_every_home_action_and_no_screenshot(home: Path, store: ProfileStore) -> None:
    store.save_sign_in(
        *new_sign_in(refresh_token=Secret("xoxe-1-canary-refresh-0123"), refresh_issued_at=time_from_now(hours=-1))
    )
    async with run_app(home) as pilot:
        commands = {command.title for command in pilot.app.get_system_commands(pilot.app.screen)}
        assert "Screenshot" not in commands
        assert {
            f"{action.label} ({action.key_label})" for action in ACTIONS if "home" in action.screens
        } - commands <= {"Quit (q)", "More (F1)"}, "there is nothing to explain yet"


async def test_ctrl_c_twice_quits(home: Path) -> None:
    async with run_app(home) as pilot:
        await pilot.press("ctrl+c")
        assert pilot.app.is_running
        await pilot.press("ctrl+c")
        await wait_for(pilot, lambda: not pilot.app.is_running)


async def test_over_ssh_the_screen_shows_the_steps(
    home: Path, app: SlackApp, monkeypatch: pytest.MonkeyPatch, copied_texts: list[str]
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "203.0.113.9 51234 198.51.100.7 22")
    async with run_app(home, app, (100, 40)) as pilot:
        await start_sign_in(pilot)
        await wait_for_text(pilot, "Your browser is on another machine")
        await wait_for_text(pilot, "This is an SSH session")
        screen = pilot.app.screen
        paste, address = screen.query_one("#paste_row").region, screen.query_one("#address").region
        assert paste.y < address.y, "what ends the wait comes first"
        await pilot.press("l")
        await wait_for(pilot, lambda: copied_texts)
        port = get_port(app.redirect_uris[0])
        assert copied_texts[0].startswith(f"ssh -L {port}:localhost:{port} ")


async def test_hint_appears_automatically(home: Path, app: SlackApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "HINT_DELAY_SECONDS", 0.2)
    async with run_app(home, app, (100, 40)) as pilot:
        await start_sign_in(pilot)
        await wait_for_text(pilot, "Nothing yet. If the browser shows an error")


async def test_https_only_browser_is_detected_and_explained(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        await start_sign_in(pilot)
        _, writer = await asyncio.open_connection("127.0.0.1", get_port(app.redirect_uris[0]))
        writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        await wait_for_text(pilot, "The browser tried https on localhost")
        await wait_for_text(pilot, "Change https to http in that page's URL")
        writer.close()


async def test_organization_is_shown_with_its_workspaces(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (120, 40)) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot), team="E0PRACTICE")
        await wait_for_text(pilot, "T0PRACTICE1 Acme Practice")
        await pilot.press("escape")
        await wait_for_screen(pilot, HomeScreen)
        await wait_for_text(pilot, "T0PRACTICE2 Globex Practice")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_token_that_slack_refuses_at_once_is_explained_and_can_be_tried_again(
    home: Path, app: SlackApp, workspace: Workspace, size: tuple[int, int]
) -> None:
    workspace.verify_error = "account_inactive"
    async with run_app(home, app, size=size) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot))
        await wait_for_text(pilot, "Slack rejected the new token")
        await wait_for_text(pilot, "Saved as acme-practice")
        assert has_text(pilot, "r try again") and not has_text(pilot, "Copy token")
        workspace.verify_error = None
        await pilot.press("r")
        await wait_for_text(pilot, "Waiting for you to press Allow")


async def test_too_many_cookies_are_explained_while_waiting(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, size=(120, 36)) as pilot:
        await start_sign_in(pilot)
        with socket.create_connection(("127.0.0.1", get_port(app.redirect_uris[0]))) as browser:
            browser.sendall(b"GET /callback?code=x HTTP/1.1\r\nCookie: " + b"c" * 70_000 + b"\r\n\r\n")
            await wait_for_text(pilot, "Your browser sent too many cookies. Other programs")
        await wait_for_text(pilot, "Open the link in a private window.")
        assert not has_text(pilot, "not ours")
