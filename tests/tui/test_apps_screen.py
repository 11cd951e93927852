"""Saved apps, as a person sees and changes them, and what a confidential app needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, Static

from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import GOVSLACK, Endpoints, EndpointVariant
from slack_token_tui.store.apps import LOOPBACK_REDIRECT_URIS, SlackApp, list_apps, read_app, save_app
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import remember_last_app
from slack_token_tui.tui.screens.app_details import AppDetailsDialog
from slack_token_tui.tui.screens.apps import AppsScreen
from slack_token_tui.tui.screens.dialogs import ConfirmDialog
from slack_token_tui.tui.screens.sign_in import SignInScreen
from slack_token_tui.tui.widgets.scope_chips import ScopeChips
from tests.support.browser import issue_callback_url, parse_query
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
from tests.support.profiles import CANARY
from tests.support.scripts import write_script

WIDE = (120, 50)
FIRST, SECOND = "1111111111.2222222222", "3333333333.4444444444"


@pytest.fixture(autouse=True)
def _save_two_apps(home: Path) -> None:
    ProfileStore(home).check_writable()
    save_app(home, SlackApp(SECOND, name="Second", scopes=("chat:write",)))
    save_app(home, SlackApp(FIRST, name="First", scopes=("users:read",)))
    remember_last_app(home, FIRST)


async def open_app_details(pilot: Pilot[None]) -> AppDetailsDialog:
    await pilot.press("A")
    await wait_for_screen(pilot, AppsScreen)
    await wait_for_text(pilot, "Second")
    await pilot.press("f4")
    await wait_for_focus(pilot, AppDetailsDialog)
    await wait_for_text(pilot, "Advanced settings")
    screen = pilot.app.screen
    assert isinstance(screen, AppDetailsDialog)
    return screen


def read_facts(pilot: Pilot[None]) -> str:
    """Return what the sign-in form says about its app, without line breaks."""
    return str(pilot.app.screen.query_one("#app_facts", Static).content)


async def fill_and_save(pilot: Pilot[None], **values: str) -> None:
    for name, value in values.items():
        pilot.app.screen.query_one(f"#{name}", Input).value = value
    await pilot.press("f2")


async def test_last_used_app_is_preselected_and_f3_switches_apps(home: Path) -> None:
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("a")
        await wait_for_text(pilot, FIRST)
        await pilot.press("f3")
        await wait_for_text(pilot, "Your Slack apps")
        await pilot.press("down", "enter")
        await wait_for_screen(pilot, SignInScreen)
        await wait_for_text(pilot, SECOND)
        await wait_for_text(pilot, "chat:write")


async def test_app_can_be_chosen_and_edited_by_mouse(home: Path) -> None:
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("A")
        await wait_for_text(pilot, "Second")
        lines = read_screen(pilot).split("\n")
        row = next(number for number, line in enumerate(lines) if "Second" in line)
        await pilot.click(offset=(lines[row].index("Second"), row))
        await click_text(pilot, "Enter sign in")
        await wait_for_screen(pilot, SignInScreen)
        await wait_for(pilot, lambda: pilot.app.screen.query_one("#client_id", Input).value == SECOND)
        await click_text(pilot, "F4 advanced")
        await wait_for_screen(pilot, AppDetailsDialog)
        await pilot.click("#gov")
        await wait_for(pilot, lambda: pilot.app.screen.query_one("#base", Input).value == GOVSLACK)
        await pilot.click("#pair", offset=(5, 1))
        pilot.app.screen.query_one("#save").scroll_visible(animate=False)
        await pilot.pause(0.2)
        await pilot.click("#save")
        await wait_for_screen(pilot, ConfirmDialog)
        await pilot.click("#yes")
        await wait_for_screen(pilot, SignInScreen)
        await wait_for_text(pilot, "not slack.com: slack-gov.com")
    saved = read_app(home, SECOND)
    assert saved is not None
    assert saved.endpoints == Endpoints(GOVSLACK, EndpointVariant.V2)


async def test_app_details_can_be_edited_and_are_saved(home: Path, tmp_path: Path) -> None:
    program = write_script(tmp_path / "firefox")
    async with run_app(home, size=WIDE) as pilot:
        await open_app_details(pilot)
        await fill_and_save(
            pilot,
            name="Work",
            redirects="http://localhost:1234/x, http://localhost:1235/x",
            browser=f"{program} --private-window %s",
            registered="users:read chat:write",
        )
        await wait_for_screen(pilot, AppsScreen)
        await wait_for_text(pilot, "Work")
    saved = read_app(home, FIRST)
    assert saved is not None
    assert saved.redirect_uris == ("http://localhost:1234/x", "http://localhost:1235/x")
    assert saved.browser == f"{program} --private-window %s"
    assert saved.registered_scopes == ("users:read", "chat:write")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("base", "http://example.com", "Use https."),
        ("redirects", "ftp://x", "redirect URL is"),
        ("browser", "nowhere-at-all", "nowhere-at-all"),
        ("browser", "lynx", "text browser"),
        ("secret", "canary-secret", "needs a registered https redirect"),
        ("registered", "No Scope!", "is not a scope"),
    ],
)
async def test_invalid_app_details_are_reported_and_not_saved(home: Path, field: str, value: str, words: str) -> None:
    async with run_app(home, size=WIDE) as pilot:
        await open_app_details(pilot)
        await fill_and_save(pilot, **{field: value})
        await wait_for_text(pilot, words)
        assert isinstance(pilot.app.screen, AppDetailsDialog)
    saved = read_app(home, FIRST)
    assert saved is not None
    assert (saved.endpoints.base, saved.redirect_uris, saved.is_confidential) == (
        "https://slack.com",
        LOOPBACK_REDIRECT_URIS,
        False,
    )


async def test_client_secret_is_explained_saved_removed_and_never_shown(home: Path) -> None:
    async with run_app(home, size=WIDE) as pilot:
        screen = await open_app_details(pilot)
        screen.query_one("#secret", Input).value = "canary-secret"
        await wait_for_text(pilot, "An app with a client secret doesn't use PKCE.")
        assert "canary-secret" not in read_screen(pilot)
        await fill_and_save(pilot, redirects="https://example.com/done")
        await wait_for_screen(pilot, AppsScreen)
        await wait_for_text(pilot, "client secret")
        await pilot.press("f4")
        await wait_for_screen(pilot, AppDetailsDialog)
        await fill_and_save(pilot, secret="-", redirects="")
        await wait_for_screen(pilot, AppsScreen)
    saved = read_app(home, FIRST)
    assert saved is not None
    assert not saved.is_confidential
    assert "canary-secret" not in (home / "apps" / f"{FIRST}.json").read_text()


async def test_other_slack_needs_confirmation_once(home: Path) -> None:
    async with run_app(home, size=WIDE) as pilot:
        await open_app_details(pilot)
        await fill_and_save(pilot, base="https://slack.example.com")
        await wait_for_text(pilot, "It receives the sign-in and its code.")
        await pilot.press("n")
        await wait_for_screen(pilot, AppDetailsDialog)
        await pilot.press("f2")
        await wait_for_screen(pilot, ConfirmDialog)
        await pilot.press("y")
        await wait_for_screen(pilot, AppsScreen)
        await wait_for_text(pilot, "slack.example.com (not slack.com)")
        await pilot.press("f4")
        await wait_for_screen(pilot, AppDetailsDialog)
        await pilot.press("f2")
        await wait_for_screen(pilot, AppsScreen)


async def test_leaving_with_unsaved_changes_needs_confirmation(home: Path) -> None:
    async with run_app(home, size=WIDE) as pilot:
        screen = await open_app_details(pilot)
        await pilot.press("escape")
        await wait_for_screen(pilot, AppsScreen)
        await pilot.press("f4")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, AppDetailsDialog) and pilot.app.screen is not screen)
        pilot.app.screen.query_one("#secret", Input).value = "canary-secret"
        await pilot.press("escape")
        await wait_for_text(pilot, "Discard your changes?")
        await pilot.press("n")
        await wait_for_screen(pilot, AppDetailsDialog)


async def test_forgetting_an_app_needs_confirmation(home: Path) -> None:
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("A")
        await wait_for_text(pilot, "Second")
        await pilot.press("x")
        await wait_for_text(pilot, "Forget First?")
        await pilot.press("n")
        await wait_for_screen(pilot, AppsScreen)
        await pilot.press("x")
        await wait_for_screen(pilot, ConfirmDialog)
        await pilot.press("y")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, AppsScreen) and not has_text(pilot, "First"))
    assert [app.client_id for app in list_apps(home)] == [SECOND]


async def test_app_details_entered_before_the_client_id_are_preserved(home: Path) -> None:
    for app in list_apps(home):
        (home / "apps" / f"{app.client_id}.json").unlink()
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("a")
        await wait_for_focus(pilot, SignInScreen)
        await pilot.press("f4")
        await wait_for_screen(pilot, AppDetailsDialog)
        pilot.app.screen.query_one("#secret", Input).value = "canary-secret"
        await fill_and_save(pilot, name="Mine", redirects="https://example.com/done")
        await wait_for_screen(pilot, SignInScreen)
        await pilot.press(*"5555555555.6666666666")
        await wait_for(pilot, lambda: "finished by pasting https://example.com/done" in read_facts(pilot))
        await wait_for(pilot, lambda: "with a client secret" in read_facts(pilot))


async def test_edits_and_removal_in_the_apps_screen_update_the_sign_in_form(home: Path) -> None:
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("a")
        await wait_for_text(pilot, "First")
        await pilot.press("f3")
        await wait_for_screen(pilot, AppsScreen)
        await wait_for_text(pilot, "Second")
        await pilot.press("f4")
        await wait_for_screen(pilot, AppDetailsDialog)
        pilot.app.screen.query_one("#secret", Input).value = "canary-secret"
        await fill_and_save(pilot, name="Renamed", redirects="https://example.com/done")
        await wait_for_screen(pilot, AppsScreen)
        await pilot.press("escape")
        await wait_for_text(pilot, "Renamed")
        await wait_for(pilot, lambda: "with a client secret" in read_facts(pilot))
        await pilot.press("f3")
        await wait_for_screen(pilot, AppsScreen)
        await wait_for_text(pilot, "Renamed")
        await pilot.press("x")
        await wait_for_screen(pilot, ConfirmDialog)
        await pilot.press("y")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, AppsScreen) and not has_text(pilot, "Renamed"))
        await pilot.press("escape")
        await wait_for_screen(pilot, SignInScreen)
        await wait_for(pilot, lambda: "with a client secret" not in read_facts(pilot))
    assert read_app(home, FIRST) is None


async def test_apps_screen_preserves_chosen_scopes_and_updates_the_slack_url(home: Path) -> None:
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("a")
        await wait_for_focus(pilot, SignInScreen)
        pilot.app.screen.query_one(ScopeChips).scopes = ("files:read",)
        await pilot.press("f3")
        await wait_for_screen(pilot, AppsScreen)
        await wait_for_text(pilot, "Second")
        await pilot.press("f4")
        await wait_for_screen(pilot, AppDetailsDialog)
        await fill_and_save(pilot, base=GOVSLACK)
        await wait_for_screen(pilot, ConfirmDialog)
        await pilot.press("y")
        await wait_for_screen(pilot, AppsScreen)
        await pilot.press("escape")
        await wait_for_text(pilot, "not slack.com: slack-gov.com")
        assert pilot.app.screen.query_one(ScopeChips).scopes == ("files:read",)


async def test_app_details_do_not_change_the_chosen_scopes(home: Path) -> None:
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("a")
        await wait_for_focus(pilot, SignInScreen)
        pilot.app.screen.query_one(ScopeChips).scopes = ("files:read",)
        await pilot.press("f4")
        await wait_for_screen(pilot, AppDetailsDialog)
        await fill_and_save(pilot, name="New name")
        await wait_for_screen(pilot, SignInScreen)
        assert pilot.app.screen.query_one(ScopeChips).scopes == ("files:read",)


@pytest.mark.parametrize(
    "pasted",
    ["0123456789abcdef" * 2, "Signing Secret 0123456789abcdef" + "0123456789abcdef", f"SLACK_TOKEN={CANARY}"],
)
async def test_secret_pasted_as_a_client_id_is_cleared_immediately(home: Path, pasted: str) -> None:
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("a")
        await wait_for_focus(pilot, SignInScreen)
        box = pilot.app.screen.query_one("#client_id", Input)
        box.value = ""
        box.focus()
        box.post_message(events.Paste(pasted))
        await wait_for_text(pilot, "✗ That's a")
        assert "0123456789abcdef" not in read_screen(pilot)
        assert "canary" not in read_screen(pilot)


async def test_confidential_app_signs_in_by_paste_in_the_tui(home: Path, slack: object) -> None:
    from slack_token_tui.practice.models import App
    from slack_token_tui.practice.server import PracticeSlack

    assert isinstance(slack, PracticeSlack)
    redirect = "https://example.com/done"
    secret = Secret("canary")
    known = App(SECOND, redirect_urls=(redirect,), pkce_enabled=False, client_secret=secret.reveal())
    slack.workspace.apps.append(known)
    app = SlackApp(SECOND, Endpoints(slack.base), (redirect,), ("users:read",), secret, name="Second")
    async with run_app(home, app, WIDE) as pilot:
        await pilot.press("a")
        await wait_for(pilot, lambda: "with a client secret" in read_facts(pilot))
        await pilot.press("enter")
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        await wait_for(pilot, lambda: screen.state.url is not None)
        await wait_for_text(pilot, "Then paste the URL you land on")
        assert "code_challenge" not in parse_query(str(screen.state.url))
        screen.post_message(events.Paste(issue_callback_url(slack.workspace, str(screen.state.url))))
        await wait_for_text(pilot, "✓ Signed in")
