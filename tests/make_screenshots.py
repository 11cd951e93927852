"""``python -m tests.make_screenshots``: makes the pictures in screenshots/ from the running TUI, always the same ones."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import secrets
import shutil
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from textual.pilot import Pilot

from slack_token_tui import doctor
from slack_token_tui.desktop import browser, environment
from slack_token_tui.doctor import Finding, Verdict
from slack_token_tui.oauth import session
from slack_token_tui.practice.models import CLIENT_ID
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import change_settings
from slack_token_tui.tui.app import TokenApp
from slack_token_tui.tui.options import LaunchOptions
from slack_token_tui.tui.screens.sign_in import SignInScreen
from tests.support.profiles import new_sign_in

OUT = Path(__file__).parent.parent / "screenshots"
HOME = Path("/tmp/slack-token-tui-pictures")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PORT = 28430


class FixedClock(datetime):
    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return NOW


async def _pretend_to_start(*_: object) -> bool:
    return True


def make_deterministic() -> None:
    for name in ("NO_COLOR", "TEXTUAL_THEME", "DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "SSH_CONNECTION", "SSH_TTY"):
        os.environ.pop(name, None)
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    os.environ["TZ"] = "UTC"
    environment.detect = lambda _=None: environment.Environment()  # type: ignore[assignment]  # an ordinary machine
    found = {"firefox": "/usr/bin/firefox"}
    browser.shutil = type("Found", (), {"which": staticmethod(found.get)})  # type: ignore[assignment]  # the only function that it uses
    browser._start = _pretend_to_start  # type: ignore[assignment]  # it reports success
    numbers = itertools.count(1)
    secrets.token_urlsafe = lambda size=32: f"practice-{next(numbers):0{size}}"  # type: ignore[assignment]
    secrets.token_hex = lambda size=8: f"{next(numbers):0{size * 2}x}"  # type: ignore[assignment]
    session.datetime = FixedClock  # type: ignore[misc]  # the time in the pictures


def make_launch_options(app: SlackApp | None = None) -> LaunchOptions:
    return LaunchOptions(home=HOME, slack_app=app, now=lambda: NOW, clock=lambda: 0.0)


async def save_screenshot(pilot: Pilot[None], name: str) -> None:
    await pilot.pause(0.3)
    for toast in pilot.app.query("Toast"):
        await toast.remove()
    svg = pilot.app.export_screenshot(title="slack-token-tui", simplify=True)
    svg = re.sub(r"\bterminal-\d+-", "terminal-", svg)
    svg = re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.S)
    (OUT / f"{name}.svg").write_text(svg)
    print(OUT / f"{name}.svg")


async def wait_for_widget(pilot: Pilot[None], selector: str) -> None:
    for _ in range(200):
        await pilot.pause(0.05)
        if any(widget.display for widget in pilot.app.screen.query(selector)):
            return
    raise AssertionError(f"{selector} never came")


async def show_sign_in(slack: PracticeSlack, name: str, selector: str, **choice: str) -> None:
    app = SlackApp(CLIENT_ID, Endpoints(slack.base), scopes=("users:read", "channels:read"))
    tui = TokenApp(make_launch_options(app))
    async with tui.run_test(size=(100, 30)) as pilot:
        await pilot.press("a")
        await pilot.pause(0.3)
        await pilot.press("enter")
        await pilot.pause(2)
        screen = tui.screen
        assert isinstance(screen, SignInScreen)
        if choice:
            await asyncio.to_thread(simulate_browser, str(screen.state.url), **choice)
            await wait_for_widget(pilot, selector)
        await save_screenshot(pilot, name)
        await pilot.press("escape")


async def show_browser_errors(slack: PracticeSlack) -> None:
    tui = TokenApp(
        make_launch_options(SlackApp(CLIENT_ID, Endpoints(slack.base), scopes=("users:read", "channels:read")))
    )
    async with tui.run_test(size=(100, 30)) as pilot:
        await pilot.press("a")
        await pilot.pause(0.3)
        await pilot.press("enter")
        await pilot.pause(2)
        await pilot.press("b")
        await pilot.pause(0.5)
        await pilot.press("down")
        await save_screenshot(pilot, "browser-says")
        await pilot.press("escape", "escape")


async def show_set_up() -> None:
    """Take the pictures of what comes before the first sign-in."""
    async with TokenApp(make_launch_options()).run_test(size=(100, 30)) as pilot:
        await wait_for_widget(pilot, "Footer")
        await pilot.press("N")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await pilot.pause(0.5)
        await save_screenshot(pilot, "make-an-app")
    known = ("users:read", "channels:read", "chat:write")
    async with TokenApp(make_launch_options(SlackApp(CLIENT_ID, scopes=known[:2], registered_scopes=known))).run_test(
        size=(100, 30)
    ) as pilot:
        await pilot.press("a")
        await pilot.pause(0.5)
        await pilot.press("f2")
        await pilot.pause(0.5)
        for key in ("c", "h", "a", "t", "down", "space"):
            await pilot.press(key)
        await save_screenshot(pilot, "choose-scopes")
    doctor.run_checks = yield_findings  # type: ignore[assignment]  # with the fixed findings below
    async with TokenApp(make_launch_options()).run_test(size=(100, 30)) as pilot:
        await wait_for_widget(pilot, "Footer")
        await pilot.press("D")
        await pilot.pause(1)
        await save_screenshot(pilot, "check")


async def yield_findings(*_: object) -> AsyncGenerator[Finding, None]:
    """Yield the findings of an ordinary machine, always the same."""
    for verdict, about, said, remedy in (
        (Verdict.NOTE, "Versions", "slack-token-tui, Python 3.11, textual 8.2.", ""),
        (Verdict.NOTE, "Terminal", "This runs in a terminal of this machine.", ""),
        (
            Verdict.LOOK,
            "Port 28417",
            "Not free: node (process 4711) on 28417.",
            "The next registered port is used instead.",
        ),
        (Verdict.GOOD, "Port 28418", "Free.", ""),
        (Verdict.GOOD, "Port 28419", "Free.", ""),
        (Verdict.GOOD, "Loopback", "IPv4 and IPv6 can be listened on. localhost is 127.0.0.1 and ::1.", ""),
        (Verdict.GOOD, "Browser", "Slack is opened with your default browser.", ""),
        (Verdict.GOOD, "Clipboard", "xclip gives back what it was given.", ""),
        (Verdict.NOTE, "Keyring", "Not used: tokens are kept in files.", ""),
        (
            Verdict.BAD,
            "Files",
            "~/.config/slack-token-tui can be entered by others.",
            "chmod 700 ~/.config/slack-token-tui",
        ),
        (Verdict.GOOD, "Slack", "slack.com answers.", ""),
        (Verdict.GOOD, "TLS", "TLSv1.3, vouched for by DigiCert Inc.", ""),
        (Verdict.GOOD, "Clock", "It agrees with Slack’s.", ""),
    ):
        yield Finding(about.lower(), verdict, about, said, remedy)


async def main() -> None:
    make_deterministic()
    OUT.mkdir(exist_ok=True)
    shutil.rmtree(HOME, ignore_errors=True)
    async with TokenApp(make_launch_options()).run_test(size=(100, 30)) as pilot:
        await save_screenshot(pilot, "home-empty")
    await show_set_up()
    with PracticeSlack(port=PORT) as slack:
        await show_sign_in(slack, "sign-in-waiting", "")
        await show_browser_errors(slack)
        await show_sign_in(slack, "sign-in-error", "ErrorCard", decision="allow", wrong="exchange:bad_redirect_uri")
        await show_sign_in(slack, "sign-in-finished", "SignInResult.-shown", decision="allow")
    shutil.rmtree(HOME)
    store = ProfileStore(HOME)
    rotating = {"refresh_token": Secret("xoxe-1-practice-refresh-0001"), "refresh_issued_at": NOW - timedelta(days=2)}
    store.save_sign_in(
        *new_sign_in(
            **rotating,
            expires_at=NOW + timedelta(hours=9, minutes=40),
            scopes=("users:read", "channels:read", "chat:write"),
            app_name="My Slack Tokens",
        )
    )
    store.save_sign_in(
        *new_sign_in(
            user_id="U2", team_id="T2", team_name="Globex", user_name="omar", workspace_url="https://globex.slack.com/"
        )
    )
    store.save_sign_in(
        *new_sign_in(
            user_id="U3",
            team_id="T3",
            team_name="Initech",
            workspace_url="https://initech.slack.com/",
            expires_at=NOW - timedelta(hours=1),
        )
    )
    store.path("old").write_text("{")
    store.path("old").chmod(0o600)
    store.save_sign_in(
        *new_sign_in(
            user_id="U4",
            team_id="T4",
            team_name="Umbrella",
            workspace_url="https://umbrella.slack.com/",
            expires_at=NOW + timedelta(hours=2, minutes=20),
            **{**rotating, "refresh_issued_at": NOW - timedelta(hours=10)},
            refresh_refused="refresh_interrupted",
            refresh_refused_at=NOW - timedelta(minutes=40),
        )
    )
    change_settings(HOME, default_profile="acme")
    for size, name in (((100, 30), "home"), ((40, 20), "home-narrow")):
        async with TokenApp(make_launch_options()).run_test(size=size) as pilot:
            await wait_for_widget(pilot, "Footer")
            await save_screenshot(pilot, name)
    async with TokenApp(make_launch_options()).run_test(size=(100, 30)) as pilot:
        await wait_for_widget(pilot, "Footer")
        await pilot.press("C")
        await wait_for_widget(pilot, "#preview")
        for _ in range(4):
            await pilot.press("down")
        await save_screenshot(pilot, "copy-as")
        await pilot.press("escape", "x")
        await wait_for_widget(pilot, ".answers")
        await save_screenshot(pilot, "remove")
        await pilot.press("escape", "G")
        await save_screenshot(pilot, "home-interrupted")
    shutil.rmtree(HOME)


if __name__ == "__main__":
    asyncio.run(main())
