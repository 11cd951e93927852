"""``python -m tests.make_screenshots``: make the pictures in screenshots/ from the running TUI, always the same ones."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from slack_token_tui import doctor
from slack_token_tui.desktop import browser, environment
from slack_token_tui.desktop.browser import Opened
from slack_token_tui.desktop.clipboard import Copied
from slack_token_tui.doctor import Finding, Verdict
from slack_token_tui.secret import Secret
from slack_token_tui.store.apps import SlackApp, save_app
from slack_token_tui.store.profiles import ProfileStore, SavedProfile
from slack_token_tui.store.settings import change_settings, remember_last_app
from slack_token_tui.tui.app import TokenApp
from slack_token_tui.tui.options import LaunchOptions
from slack_token_tui.tui.screens.sign_in import SignInScreen
from slack_token_tui.tui.theme import AUBERGINE_LIGHT
from tests.support.pilot import wait_for, wait_until_stable
from tests.support.profiles import NOW, make_rotating_token, new_sign_in, profile
from tests.support.recording import Frame, combine
from tests.support.sign_in_states import APP, FAILED, SAVED, WAITING, show_state

OUT = Path(__file__).parent.parent / "screenshots"
SIZE, WIDE, NARROW = (80, 24), (100, 30), (40, 20)
ROTATING = {"refresh_token": Secret("xoxe-1-practice-refresh-0001"), "refresh_issued_at": NOW - timedelta(days=2)}


def make_deterministic(user_home: Path) -> None:
    """Make this an ordinary machine with a browser, at a fixed time."""
    for name in ("NO_COLOR", "TEXTUAL_THEME", "DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "SSH_CONNECTION", "SSH_TTY"):
        os.environ.pop(name, None)
    os.environ |= {"TEXTUAL_ANIMATIONS": "none", "TZ": "UTC", "COLORTERM": "truecolor", "HOME": str(user_home)}
    environment.detect = lambda _=None: environment.Environment()  # type: ignore[assignment]
    browser.open_url = _pretend_to_open  # type: ignore[assignment]
    doctor.run_checks = yield_findings  # type: ignore[assignment]
    TokenApp.copy_secret = _pretend_to_copy  # type: ignore[method-assign]


async def _pretend_to_open(*_: object) -> Opened:
    return Opened("Firefox")


async def _pretend_to_copy(*_: object) -> Copied:
    return Copied("xclip", is_verified=True, cleared_after_seconds=45)


class Studio:
    """Runs the TUI in a user's directory and takes pictures."""

    def __init__(self, user_home: Path) -> None:
        self.home = user_home / ".config" / "slack-token-tui"

    @asynccontextmanager
    async def run(
        self, *keys: str, size: tuple[int, int] = SIZE, app: SlackApp | None = None
    ) -> AsyncIterator[Pilot[None]]:
        """Run the TUI and press ``keys``, each when the screen is stable."""
        options = LaunchOptions(home=self.home, slack_app=app, now=lambda: NOW, clock=lambda: 0.0)
        async with TokenApp(options).run_test(size=size, notifications=True) as pilot:
            home_screen = pilot.app.screen
            await wait_for(pilot, lambda: getattr(home_screen, "is_complete", True))
            await press(pilot, *keys)
            yield pilot

    async def shoot(self, name: str, *keys: str, **options: Any) -> None:
        """Save a picture of the screen that ``keys`` open."""
        async with self.run(*keys, **options) as pilot:
            save(await export(pilot), name)


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press ``keys``, each when the screen is stable."""
    for key in keys:
        await wait_until_stable(pilot)
        await pilot.press(key)
    await wait_until_stable(pilot)


async def export(pilot: Pilot[None]) -> str:
    """Return the screen as SVG."""
    for field in pilot.app.screen.query(Input):
        field.cursor_blink = False
    await wait_until_stable(pilot)
    svg = pilot.app.export_screenshot(title="slack-token-tui", simplify=True)
    svg = re.sub(r"\bterminal-\d+-", "terminal-", svg)
    return re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.S)


def save(svg: str, name: str) -> None:
    """Save a picture."""
    path = OUT / f"{name}.svg"
    path.write_text(svg)
    print(path)


async def yield_findings(*_: object) -> AsyncGenerator[Finding, None]:
    """Yield the findings of an ordinary machine, always the same."""
    for verdict, about, said, remedy in (
        (Verdict.NOTE, "Versions", "slack-token-tui, Python 3.11, textual 8.2.", ""),
        (
            Verdict.LOOK,
            "Port 28417",
            "In use by node (process 4711).",
            "The next registered port is used instead.",
        ),
        (Verdict.GOOD, "Port 28418", "Free.", ""),
        (Verdict.GOOD, "Port 28419", "Free.", ""),
        (Verdict.GOOD, "Browser", "Slack opens in your default browser.", ""),
        (Verdict.GOOD, "Clipboard", "Clipboard works (xclip).", ""),
        (
            Verdict.BAD,
            "Files",
            "Other users can access ~/.config/slack-token-tui.",
            "chmod 700 ~/.config/slack-token-tui",
        ),
        (Verdict.GOOD, "Slack", "slack.com responds.", ""),
        (Verdict.GOOD, "TLS", "TLS 1.3, certificate from DigiCert Inc.", ""),
    ):
        yield Finding(about.lower(), verdict, about, said, remedy)


async def record(studio: Studio) -> None:
    """Record a sign-in: press a, press Enter, click Allow, copy."""
    frames: list[Frame] = []

    async def take(pilot: Pilot[None], seconds: float, caption: str) -> None:
        frames.append(Frame(await export(pilot), seconds, caption))

    saved = replace(SAVED, result=SavedProfile(new_profile(), studio.home / "profiles" / "acme.json"))
    async with studio.run() as pilot:
        ProfileStore(studio.home).save_sign_in(new_profile(), new_sign_in()[1])  # what is copied
        await take(pilot, 1.8, "Press a to sign in")
        await press(pilot, "a")
        await take(pilot, 2.2, "Press Enter to open Slack in the browser")
        await press(pilot, "escape")
        screen = await show_state(pilot, WAITING)
        await take(pilot, 2.4, "Click Allow in the browser")
        screen.state = saved
        await take(pilot, 2.4, "Press c to copy the token")
        await pilot.press("c")
        await wait_until_stable(pilot)
        await take(pilot, 3.0, "Done. The token is in the clipboard")
    ProfileStore(studio.home).path("acme").unlink()
    save(combine(frames), "recording")


def new_profile() -> Any:
    """Return the profile at the end of the recording."""
    return profile(
        masked_token="xoxe.xoxp-…f07c",
        user_id="U024BE7LH",
        scopes=("users:read", "channels:read"),
        requested_scopes=("users:read", "channels:read"),
        expires_at=NOW + timedelta(hours=12),
        refresh_issued_at=NOW,
    )


def fill(home: Path) -> None:
    """Save five profiles in different states."""
    store = ProfileStore(home)
    token = Secret(make_rotating_token("practice-0123456789abcdef"))
    team: dict[str, Any] = {"app_name": "My Slack Tokens", "access_token": token}
    jane = {**team, "user_id": "U024BE7LH", "user_name": "jane"}
    for changes in (
        {**jane, **ROTATING, "expires_at": NOW + timedelta(hours=9, minutes=40)},
        {
            **team,
            "user_id": "U2",
            "user_name": "omar",
            "team_id": "T2",
            "team_name": "Globex",
            "scopes": ("users:read",),
        },
        {**jane, "team_id": "T3", "team_name": "Initech", "expires_at": NOW - timedelta(hours=1)},
        {
            **jane,
            "team_id": "T4",
            "team_name": "Umbrella",
            "expires_at": NOW + timedelta(hours=2, minutes=20),
            **{**ROTATING, "refresh_issued_at": NOW - timedelta(days=27)},
        },
    ):
        name = str(changes.get("team_name", "Acme")).lower()
        scopes = ("users:read", "channels:read", "chat:write")
        values = {"scopes": scopes, "workspace_url": f"https://{name}.slack.com/", **changes}
        store.save_sign_in(*new_sign_in(**values))
    store.path("old").write_text("{")
    store.path("old").chmod(0o600)
    change_settings(home, default_profile="acme")


async def main() -> None:
    """Make all pictures."""
    with tempfile.TemporaryDirectory() as directory:
        studio = Studio(Path(directory))
        make_deterministic(Path(directory))
        shutil.rmtree(OUT, ignore_errors=True)
        OUT.mkdir()
        await studio.shoot("welcome")
        await studio.shoot("create-app", "N", "enter")
        await studio.shoot("check", "D")
        await studio.shoot("error-lookup", "e", *"redirect")
        save_app(studio.home, APP)
        remember_last_app(studio.home, APP.client_id)
        await record(studio)
        await studio.shoot("choose-scopes", "a", "f2", *"direct", "down", "space", size=WIDE)
        for name, state in (("waiting", WAITING), ("error", FAILED)):
            async with studio.run() as pilot:
                screen = await show_state(pilot, state)
                assert isinstance(screen, SignInScreen)
                save(await export(pilot), name)
        fill(studio.home)
        await studio.shoot("home", size=WIDE)
        await studio.shoot("home-narrow", size=NARROW)
        await studio.shoot("copy-as", "C", "down", "down")
        await studio.shoot("remove", "x")
        async with studio.run(size=WIDE) as pilot:
            pilot.app.theme = AUBERGINE_LIGHT.name
            save(await export(pilot), "home-light")


if __name__ == "__main__":
    asyncio.run(main())
