"""Apps remembered, as a person sees and changes them; and what a confidential one needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import GOVSLACK, Endpoints, EndpointVariant
from slack_token_tui.store.apps import LOOPBACK_REDIRECT_URIS, SlackApp, list_apps, read_app, save_app
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import remember_last_app
from slack_token_tui.tui.screens.app_details import AppDetailsDialog
from slack_token_tui.tui.screens.apps import AppsScreen
from slack_token_tui.tui.screens.dialogs import ConfirmDialog
from slack_token_tui.tui.screens.sign_in import SignInScreen
from tests.support.pilot import running, says, shows, text, until
from tests.support.profiles import CANARY

WIDE = (120, 50)
FIRST, SECOND = "1111111111.2222222222", "3333333333.4444444444"


@pytest.fixture(autouse=True)
def two_apps(home: Path) -> None:
    ProfileStore(home).check_writable()
    save_app(home, SlackApp(SECOND, name="Second", scopes=("chat:write",)))
    save_app(home, SlackApp(FIRST, name="First", scopes=("users:read",)))
    remember_last_app(home, FIRST)


async def details(pilot: Pilot[None]) -> AppDetailsDialog:
    await pilot.press("p")
    await until(pilot, lambda: isinstance(pilot.app.screen, AppsScreen) and says(pilot, "Second"))
    await pilot.press("e")
    await until(pilot, lambda: isinstance(pilot.app.screen, AppDetailsDialog) and says(pilot, "App details"))
    screen = pilot.app.screen
    assert isinstance(screen, AppDetailsDialog)
    return screen


async def fill(pilot: Pilot[None], **values: str) -> None:
    for name, value in values.items():
        pilot.app.screen.query_one(f"#{name}", Input).value = value
    await pilot.press("f2")


async def test_the_last_one_is_offered_first_and_another_is_one_key_away(home: Path) -> None:
    async with running(home, size=WIDE) as pilot:
        await pilot.press("a")
        await shows(pilot, FIRST)
        await pilot.press("f3")
        await shows(pilot, "Your Slack apps")
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen))
        await shows(pilot, SECOND)
        await shows(pilot, "chat:write")


async def test_by_mouse_alone(home: Path) -> None:
    async with running(home, size=WIDE) as pilot:
        await pilot.press("p")
        await shows(pilot, "Second")
        lines = text(pilot).split("\n")
        row = next(number for number, line in enumerate(lines) if "Second" in line)
        await pilot.click(offset=(lines[row].index("Second"), row))
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen))
        await shows(pilot, SECOND)
        await pilot.click("#app_details")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppDetailsDialog))
        await pilot.click("#gov")
        await until(pilot, lambda: pilot.app.screen.query_one("#base", Input).value == GOVSLACK)
        await pilot.click("#pair", offset=(5, 1))
        pilot.app.screen.query_one("#save").scroll_visible(animate=False)
        await pilot.pause(0.2)
        await pilot.click("#save")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.click("#yes")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen))
        await shows(pilot, "not slack.com: slack-gov.com")
    saved = read_app(home, SECOND)
    assert saved is not None
    assert saved.endpoints == Endpoints(GOVSLACK, EndpointVariant.V2)


async def test_everything_can_be_changed_and_is_kept(home: Path, tmp_path: Path) -> None:
    program = tmp_path / "firefox"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    async with running(home, size=WIDE) as pilot:
        await details(pilot)
        await fill(
            pilot,
            name="Work",
            redirects="http://localhost:1234/x, http://localhost:1235/x",
            browser=f"{program} --private-window %s",
            registered="users:read chat:write",
        )
        await until(pilot, lambda: isinstance(pilot.app.screen, AppsScreen))
        await shows(pilot, "Work")
    saved = read_app(home, FIRST)
    assert saved is not None
    assert saved.redirect_uris == ("http://localhost:1234/x", "http://localhost:1235/x")
    assert saved.browser == f"{program} --private-window %s"
    assert saved.registered_scopes == ("users:read", "chat:write")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("base", "http://example.com", "needs https"),
        ("redirects", "ftp://x", "redirect address is"),
        ("browser", "nowhere-at-all", "no program"),
        ("browser", "lynx", "text browser"),
        ("secret", "canary-secret", "needs a registered https redirect"),
        ("registered", "No Scope!", "is not a scope"),
    ],
)
async def test_what_cannot_work_is_said_and_nothing_is_saved(home: Path, field: str, value: str, words: str) -> None:
    async with running(home, size=WIDE) as pilot:
        await details(pilot)
        await fill(pilot, **{field: value})
        await shows(pilot, words)
        assert isinstance(pilot.app.screen, AppDetailsDialog)
    saved = read_app(home, FIRST)
    assert saved is not None
    assert (saved.endpoints.base, saved.redirect_uris, saved.is_confidential) == (
        "https://slack.com",
        LOOPBACK_REDIRECT_URIS,
        False,
    )


async def test_a_secret_is_explained_taken_and_never_shown(home: Path) -> None:
    async with running(home, size=WIDE) as pilot:
        screen = await details(pilot)
        screen.query_one("#secret", Input).value = "canary-secret"
        await shows(pilot, "the app is a confidential one")
        assert "canary-secret" not in text(pilot)
        await fill(pilot, redirects="https://example.com/done")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppsScreen))
        await shows(pilot, "client secret kept in its file")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppDetailsDialog))
        await fill(pilot, secret="-", redirects="")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppsScreen))
    saved = read_app(home, FIRST)
    assert saved is not None
    assert not saved.is_confidential
    assert "canary-secret" not in (home / "apps" / f"{FIRST}.json").read_text()


async def test_another_slack_is_asked_about_once(home: Path) -> None:
    async with running(home, size=WIDE) as pilot:
        await details(pilot)
        await fill(pilot, base="https://slack.example.com")
        await shows(pilot, "Whoever runs that address sees the sign-in")
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppDetailsDialog))
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppsScreen))
        await shows(pilot, "slack.example.com, not slack.com")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppDetailsDialog))
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppsScreen))


async def test_leaving_with_something_typed_is_asked_about(home: Path) -> None:
    async with running(home, size=WIDE) as pilot:
        screen = await details(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppsScreen))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppDetailsDialog) and pilot.app.screen is not screen)
        pilot.app.screen.query_one("#secret", Input).value = "canary-secret"
        await pilot.press("escape")
        await shows(pilot, "Leave without saving")
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppDetailsDialog))


async def test_forgetting_asks_first_and_keeps_the_profiles(home: Path) -> None:
    async with running(home, size=WIDE) as pilot:
        await pilot.press("p")
        await shows(pilot, "Second")
        await pilot.press("x")
        await shows(pilot, "Forget First?")
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppsScreen))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppsScreen) and not says(pilot, "First"))
    assert [app.client_id for app in list_apps(home)] == [SECOND]


async def test_details_given_before_the_client_id_are_kept(home: Path) -> None:
    for app in list_apps(home):
        (home / "apps" / f"{app.client_id}.json").unlink()
    async with running(home, size=WIDE) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen) and pilot.app.screen.focused is not None)
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppDetailsDialog))
        pilot.app.screen.query_one("#secret", Input).value = "canary-secret"
        await fill(pilot, name="Mine", redirects="https://example.com/done")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen))
        await pilot.press(*"5555555555.6666666666")
        await shows(pilot, "by paste: Slack sends the browser to https://example.com/done")
        await shows(pilot, "with its client secret")


async def test_what_is_changed_or_forgotten_under_other_app_does_not_come_back(home: Path) -> None:
    async with running(home, size=WIDE) as pilot:
        await pilot.press("a")
        await shows(pilot, "First")
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppsScreen) and says(pilot, "Second"))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppDetailsDialog))
        pilot.app.screen.query_one("#secret", Input).value = "canary-secret"
        await fill(pilot, name="Renamed", redirects="https://example.com/done")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppsScreen))
        await pilot.press("escape")
        await shows(pilot, "Renamed")
        await shows(pilot, "with its client secret")
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppsScreen) and says(pilot, "Renamed"))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppsScreen) and not says(pilot, "Renamed"))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen))
        await until(pilot, lambda: not says(pilot, "with its client secret"))
    assert read_app(home, FIRST) is None


async def test_looking_at_the_apps_leaves_what_is_typed_and_shows_a_changed_slack(home: Path) -> None:
    async with running(home, size=WIDE) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen) and pilot.app.screen.focused is not None)
        pilot.app.screen.query_one("#scopes", Input).value = "files:read"
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppsScreen) and says(pilot, "Second"))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppDetailsDialog))
        await fill(pilot, base=GOVSLACK)
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppsScreen))
        await pilot.press("escape")
        await shows(pilot, "not slack.com: slack-gov.com")
        assert pilot.app.screen.query_one("#scopes", Input).value == "files:read"


async def test_app_details_leave_the_chosen_scopes_alone(home: Path) -> None:
    async with running(home, size=WIDE) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen) and pilot.app.screen.focused is not None)
        pilot.app.screen.query_one("#scopes", Input).value = "files:read"
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(pilot.app.screen, AppDetailsDialog))
        await fill(pilot, name="New name")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen))
        assert pilot.app.screen.query_one("#scopes", Input).value == "files:read"


@pytest.mark.parametrize(
    "pasted",
    ["0123456789abcdef" * 2, "Signing Secret 0123456789abcdef" + "0123456789abcdef", f"SLACK_TOKEN={CANARY}"],
)
async def test_a_secret_pasted_for_a_client_id_leaves_the_screen_at_once(home: Path, pasted: str) -> None:
    from textual import events

    async with running(home, size=WIDE) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen) and pilot.app.screen.focused is not None)
        box = pilot.app.screen.query_one("#client_id", Input)
        box.value = ""
        box.focus()
        box.post_message(events.Paste(pasted))
        await shows(pilot, "✗ That is a")
        assert "0123456789abcdef" not in text(pilot)
        assert "canary" not in text(pilot)


async def test_a_confidential_app_signs_in_by_paste_from_the_interface(home: Path, slack: object) -> None:
    from slack_token_tui.practice.models import App
    from slack_token_tui.practice.server import PracticeSlack

    assert isinstance(slack, PracticeSlack)
    redirect = "https://example.com/done"
    secret = Secret("canary")
    known = App(SECOND, redirect_urls=(redirect,), pkce_enabled=False, client_secret=secret.reveal())
    slack.workspace.apps.append(known)
    app = SlackApp(SECOND, Endpoints(slack.base), (redirect,), ("users:read",), secret, name="Second")
    async with running(home, app, WIDE) as pilot:
        await pilot.press("a")
        await shows(pilot, "with its client secret")
        await pilot.press("enter")
        await shows(pilot, "By paste.")
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        await until(pilot, lambda: screen._url is not None)
        from urllib.parse import parse_qs, urlsplit

        query = {key: values[0] for key, values in parse_qs(urlsplit(str(screen._url)).query).items()}
        assert "code_challenge" not in query
        from textual import events

        code = slack.workspace.issue_code("v2_user", query, {})
        screen.post_message(events.Paste(f"{redirect}?code={code}&state={query['state']}"))
        await shows(pilot, "Signed in as jane")
