"""Signing in with the TUI at a practice Slack, as a person does."""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, Static

from slack_token_tui.oauth import session
from slack_token_tui.oauth.events import CodeExpired
from slack_token_tui.oauth.state import Phase, reduce
from slack_token_tui.practice.server import simulate_browser
from slack_token_tui.practice.workspace import EXCHANGE_ERRORS, Workspace
from slack_token_tui.problems import explain
from slack_token_tui.secret import Secret
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tui.actions import ACTIONS
from slack_token_tui.tui.screens import sign_in
from slack_token_tui.tui.screens.dialogs import RenameDialog
from slack_token_tui.tui.screens.errors import ErrorsScreen
from slack_token_tui.tui.screens.help import HelpDialog
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen
from slack_token_tui.tui.widgets.error_card import ErrorCard
from tests.support.browser import issue_callback_url, parse_query
from tests.support.pilot import (
    has_text,
    read_screen,
    run_app,
    start_sign_in,
    wait_for,
    wait_for_focus,
    wait_for_screen,
    wait_for_text,
)
from tests.support.ports import get_port
from tests.support.profiles import new_sign_in, time_from_now
from tests.support.sign_in_states import FAILED, UNSPENT, show_state
from tests.support.store import read_tokens


async def test_empty_home_shows_the_next_steps(home: Path) -> None:
    async with run_app(home) as pilot:
        await wait_for_text(pilot, "Get your first Slack token")
        await wait_for_text(pilot, "a Sign in with a Client ID")
        await wait_for_text(pilot, "N Create a Slack app")
        await wait_for_text(pilot, "i Import a token")


async def test_sign_in_saves_a_token_that_can_be_copied(home: Path, app: SlackApp, copied_texts: list[str]) -> None:
    async with run_app(home, app) as pilot:
        url = await start_sign_in(pilot)
        await asyncio.to_thread(simulate_browser, url)
        await wait_for_text(pilot, "✓ Signed in")
        await wait_for_text(pilot, "Acme Practice acme-practice.slack.com")
        await wait_for_text(pilot, "jane U0JANE")
        await wait_for_text(pilot, "Saved as acme-practice")
        await pilot.press("c")
        await wait_for(pilot, lambda: copied_texts)
        await pilot.press("enter")
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
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        await pilot.press("enter")
        await wait_for(pilot, lambda: screen.state.phase is Phase.WAITING and screen.state.browser is not None)
        await asyncio.to_thread(simulate_browser, str(screen.state.url))
        await wait_for_text(pilot, "✓ Signed in")
        assert not pilot.app.screen.query(ErrorCard)


async def test_rate_limited_code_is_sent_again_without_another_allow(
    home: Path, app: SlackApp, workspace: Workspace
) -> None:
    async with run_app(home, app) as pilot:
        browser = asyncio.create_task(
            asyncio.to_thread(simulate_browser, await start_sign_in(pilot), wrong="exchange:ratelimited")
        )
        await wait_for_text(pilot, "You don't need to click Allow again")
        await wait_for_text(pilot, "Enter try again")
        await pilot.press("enter")
        await wait_for_text(pilot, "✓ Signed in")
        await browser
    assert workspace.calls["/api/oauth.v2.user.access"] == 2


async def test_long_rate_limit_leaves_the_decision_to_the_user(home: Path, app: SlackApp, workspace: Workspace) -> None:
    workspace.retry_after_seconds = 31
    async with run_app(home, app, (100, 40)) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot), wrong="exchange:ratelimited")
        await wait_for_text(pilot, "You don't need to click Allow again")
        await pilot.press("enter")
        await wait_for_text(pilot, "✓ Signed in")
    assert workspace.calls["/api/oauth.v2.user.access"] == 2


async def test_expired_code_is_no_longer_offered(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        screen = await show_state(pilot, UNSPENT)
        await wait_for_text(pilot, "You don't need to click Allow again")
        screen.state = reduce(screen.state, CodeExpired())
        await wait_for(pilot, lambda: not has_text(pilot, "You don't need to click Allow again"))
        await wait_for_text(pilot, screen.state.failure.explanation.title if screen.state.failure else "")


@pytest.mark.parametrize("code", sorted({*EXCHANGE_ERRORS} - {"ratelimited"}))
async def test_exchange_error_is_explained(home: Path, app: SlackApp, code: str) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot), wrong=f"exchange:{code}")
        await wait_for(pilot, lambda: pilot.app.screen.query(ErrorCard) and has_text(pilot, code))
        await wait_for_text(pilot, explain(code).title)
        await wait_for_text(pilot, "Esc back")
        await wait_for_text(pilot, "Enter try again")


async def test_f4_retries_with_the_other_oauth_variant(home: Path, app: SlackApp) -> None:
    async with run_app(home, app) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot), wrong="exchange:not_implemented")
        await wait_for_text(pilot, "not_implemented")
        await wait_for_text(pilot, "F4 other endpoints")
        await pilot.press("f4")
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        await wait_for(pilot, lambda: screen.state.url and "/oauth/v2/authorize" in screen.state.url)
        await asyncio.to_thread(simulate_browser, str(screen.state.url))
        await wait_for_text(pilot, "✓ Signed in")


@pytest.mark.parametrize("wrapped", [False, True])
async def test_paste_anywhere_finishes_the_sign_in(
    home: Path, app: SlackApp, workspace: Workspace, wrapped: bool
) -> None:
    async with run_app(home, app) as pilot:
        url = await start_sign_in(pilot)
        assert not isinstance(pilot.app.screen.focused, Input), "the paste box never takes the focus by itself"
        pilot.app.screen.post_message(events.Paste("http://localhost:1/callback?code=a&state=b"))
        await wait_for_text(pilot, "That URL is for another page")
        assert pilot.app.screen.query_one("#client_id", Input).value == app.client_id, "the box that is meant"
        address = issue_callback_url(workspace, url)
        pilot.app.screen.post_message(events.Paste(f"{address[:60]}\n{address[60:]}\n" if wrapped else address))
        await wait_for_text(pilot, "✓ Signed in")


async def test_bare_code_is_used_only_after_confirmation(home: Path, app: SlackApp, workspace: Workspace) -> None:
    async with run_app(home, app) as pilot:
        code = parse_query(issue_callback_url(workspace, await start_sign_in(pilot)))["code"]
        pilot.app.screen.post_message(events.Paste(code))
        await wait_for_text(pilot, "Cancel (Esc)")
        assert not workspace.calls["/api/oauth.v2.user.access"], "nothing is sent before the answer"
        await pilot.press("y")
        await wait_for_text(pilot, "✓ Signed in")


async def test_letter_keys_work_only_outside_fields_and_the_footer_shows_it(home: Path, app: SlackApp) -> None:
    async with run_app(home, app) as pilot:
        await start_sign_in(pilot)
        await wait_for_text(pilot, "e error lookup")
        await pilot.click("#paste")
        await wait_for(pilot, lambda: not has_text(pilot, "e error lookup"))
        await pilot.press("e", "u")
        assert pilot.app.screen.query_one("#paste", Input).value == "eu"
        await pilot.press("escape")
        await wait_for_text(pilot, "e error lookup")


async def test_browser_errors_can_be_looked_up_while_waiting(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        await start_sign_in(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        await pilot.press("e")
        await wait_for_text(pilot, "Error lookup")
        await wait_for_text(pilot, "The page says: redirect_uri did not match")
        await wait_for_text(pilot, "Slack rejected the redirect URL")
        await pilot.press("escape")
        await wait_for(pilot, lambda: pilot.app.screen is screen)
        assert screen.state.phase is Phase.WAITING


async def test_palette_lists_every_home_action_and_no_screenshot(home: Path, store: ProfileStore) -> None:
    store.save_sign_in(
        *new_sign_in(refresh_token=Secret("xoxe-1-canary-refresh-0123"), refresh_issued_at=time_from_now(hours=-1))
    )
    async with run_app(home) as pilot:
        commands = {command.title for command in pilot.app.get_system_commands(pilot.app.screen)}
        assert "Screenshot" not in commands
        assert {
            f"{action.label[:1].upper()}{action.label[1:]}{f' ({action.key_label})' if action.keys else ''}"
            for action in ACTIONS
            if "home" in action.screens
        } - commands == {"Quit (q)", "Sign in (Enter)"}, "Enter signs in only while there is no profile"


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
        await wait_for_text(pilot, "Sign in on your computer")
        screen = pilot.app.screen
        link, paste, tunnel = (screen.query_one(f"#{name}").region for name in ("link_row", "paste", "tunnel"))
        assert link.y < paste.y < tunnel.y, "in the order of what the person does"
        await pilot.press("l")
        await wait_for(pilot, lambda: copied_texts)
        port = get_port(app.redirect_uris[0])
        assert copied_texts[0].startswith(f"ssh -L {port}:localhost:{port} ")


async def test_hint_appears_automatically(home: Path, app: SlackApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "HINT_DELAY_SECONDS", 0.2)
    async with run_app(home, app, (100, 40)) as pilot:
        await start_sign_in(pilot)
        await wait_for_text(pilot, "Still waiting. Slack shows an error? e look it up")


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
        await pilot.press("enter")
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
        assert ProfileStore(home).names() == ["acme-practice"], "it is saved, so that it can be revoked"
        await wait_for_text(pilot, "Enter try again")
        assert not has_text(pilot, "c copy") and not has_text(pilot, "✓ Signed in")
        workspace.verify_error = None
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        await pilot.press("enter")
        await wait_for(pilot, lambda: screen.state.phase is Phase.WAITING)


async def test_too_many_cookies_are_explained_while_waiting(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, size=(120, 36)) as pilot:
        await start_sign_in(pilot)
        with socket.create_connection(("127.0.0.1", get_port(app.redirect_uris[0]))) as browser:
            browser.sendall(b"GET /callback?code=x HTTP/1.1\r\nCookie: " + b"c" * 70_000 + b"\r\n\r\n")
            await wait_for_text(pilot, "Your browser sent too many cookies. Other programs")
        await wait_for_text(pilot, "private window")
        assert not has_text(pilot, "from a different sign-in")


@pytest.mark.parametrize("key", ["enter", "escape"])
async def test_success_returns_to_home_with_the_new_profile_highlighted(
    home: Path, app: SlackApp, store: ProfileStore, key: str
) -> None:
    for number, name in enumerate(("aaa", "zzz")):
        store.save_sign_in(*new_sign_in(user_id=f"U{number}"), name)
    async with run_app(home, app) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot))
        await wait_for_text(pilot, "✓ Signed in")
        await wait_for_text(pilot, "Enter done")
        await pilot.press(key)
        await wait_for_screen(pilot, HomeScreen)
        screen = pilot.app.screen
        assert isinstance(screen, HomeScreen)
        assert screen.highlighted is not None
        assert screen.highlighted.name == "acme-practice"


async def test_renamed_sign_in_is_copied_under_its_new_name(
    home: Path, app: SlackApp, store: ProfileStore, copied_texts: list[str]
) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot))
        await wait_for_text(pilot, "✓ Signed in")
        await pilot.press("n")
        await wait_for_screen(pilot, RenameDialog)
        pilot.app.screen.query_one("#name", Input).value = "My Work"
        await pilot.press("enter")
        await wait_for_text(pilot, "Press Enter to use my-work")
        assert store.names() == ["acme-practice"], "nothing is renamed before the second Enter"
        assert pilot.app.screen.query_one("#name", Input).value == "my-work"
        await pilot.press("enter")
        await wait_for_screen(pilot, SignInScreen)
        await wait_for_text(pilot, "Saved as my-work")
        await wait_for_text(pilot, "$(slack-token-tui token my-work)")
        await pilot.press("c")
        await wait_for(pilot, lambda: copied_texts)
        await wait_for_text(pilot, "Copied my-work")
        assert copied_texts == [read_tokens(store, "my-work").access_token.reveal()]
        await pilot.press("enter")
        await wait_for_screen(pilot, HomeScreen)
        screen = pilot.app.screen
        assert isinstance(screen, HomeScreen)
        await wait_for(pilot, lambda: screen.highlighted is not None and screen.highlighted.name == "my-work")


async def click_on(pilot: Pilot[None], text: str, column: int) -> None:
    """Click the character at ``column`` of the last place that shows ``text``, once it no longer moves."""
    places: list[tuple[int, int]] = []

    def rests() -> bool:
        lines = read_screen(pilot).split("\n")
        places.extend((line.rindex(text), row) for row, line in enumerate(lines) if text in line)
        return len(places) > 3 and len(set(places[-4:])) == 1

    await wait_for(pilot, rests)
    x, y = places[-1]
    await pilot.click(offset=(x + column, y))


@pytest.mark.parametrize("column", [0, 1, 4, -1])
async def test_whole_hint_of_an_error_card_can_be_clicked(
    home: Path, app: SlackApp, copied_texts: list[str], column: int
) -> None:
    hint = "u\N{NO-BREAK SPACE}copy\N{NO-BREAK SPACE}URL"
    async with run_app(home, app) as pilot:
        screen = await show_state(pilot, FAILED)
        await wait_for(pilot, lambda: screen.query(ErrorCard))
        await click_on(pilot, hint, column % len(hint))
        await wait_for(pilot, lambda: copied_texts)
    assert len(copied_texts) == 1


@pytest.mark.parametrize("column", [0, 1, 4, -1])
async def test_whole_hint_of_a_waiting_sign_in_can_be_clicked(home: Path, app: SlackApp, column: int) -> None:
    hint = "+\N{NO-BREAK SPACE}more\N{NO-BREAK SPACE}time"
    async with run_app(home, app) as pilot:
        await start_sign_in(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        before = screen.state.deadline
        await click_on(pilot, hint, column % len(hint))
        await wait_for(pilot, lambda: screen.state.deadline > before)


async def test_real_sign_in_does_not_mention_the_practice_browser(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (120, 60)) as pilot:
        await start_sign_in(pilot)
        screen = pilot.app.screen
        assert "practice browser" not in read_screen(pilot)
        assert not screen.check_action("simulate_browser", ())
        titles = {command.title for command in pilot.app.get_system_commands(screen)}
        assert "More time (+)" in titles
        assert not [title for title in titles if "ractice browser" in title]
        await pilot.press("p")
        await pilot.pause(0.1)
        assert pilot.app.screen is screen
        await pilot.press("question_mark")
        await wait_for_screen(pilot, HelpDialog)
        await wait_for_text(pilot, "Wait five minutes from now.")
        pilot.app.screen.query_one(".sheet").scroll_end(animate=False)
        await pilot.pause(0.1)
        assert "practice browser" not in " ".join(str(text.render()) for text in pilot.app.screen.query(Static))


async def test_timed_out_sign_in_offers_the_error_lookup(
    home: Path, app: SlackApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_app(home, app) as pilot:
        with monkeypatch.context() as impatient:
            impatient.setattr(sign_in, "SignInRequest", partial(session.SignInRequest, timeout_seconds=0.5))
            await pilot.press("a")
            await wait_for_focus(pilot, SignInScreen)
            await pilot.press("enter")
            await wait_for_text(pilot, "Sign-in timed out")
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        await wait_for_text(pilot, "Browser shows an error? e error lookup")
        await pilot.press("e")
        await wait_for_screen(pilot, ErrorsScreen)
        await wait_for_text(pilot, "The page says: redirect_uri did not match")
        before = screen.state.url
        await pilot.press("enter")
        await wait_for_text(pilot, "Enter try again")
        await pilot.press("enter")
        await wait_for(pilot, lambda: screen.state.phase is Phase.WAITING and screen.state.url != before)
        assert pilot.app.screen is screen, "nothing waits any more, so there is nothing to confirm"


PROSE = "redirect_uri did not match any configured URIs. Passed URI: http://localhost:28417/callback"


@pytest.mark.parametrize("into_the_box", [False, True])
async def test_prose_pasted_while_waiting_is_looked_up_and_never_a_code(
    home: Path, app: SlackApp, workspace: Workspace, into_the_box: bool
) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        await start_sign_in(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        box = screen.query_one("#paste", Input)
        if into_the_box:
            box.focus()
        for text in (PROSE, "localhost refused to connect."):
            (box if into_the_box else screen).post_message(events.Paste(text))
            await wait_for_screen(pilot, ErrorsScreen)
            lookup = pilot.app.screen
            assert isinstance(lookup, ErrorsScreen)
            await wait_for(pilot, lambda lookup=lookup: lookup.highlighted is not None)
            assert lookup.highlighted is not None
            assert lookup.highlighted.code == ("bad_redirect_uri" if text is PROSE else "localhost_refused")
            await pilot.press("escape")
            await wait_for(pilot, lambda: pilot.app.screen is screen)
            assert box.value == ""
            assert screen.state.phase is Phase.WAITING
    assert not workspace.calls["/api/oauth.v2.user.access"]
