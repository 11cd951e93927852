"""The app with somebody at its keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from textual.pilot import Pilot

from slack_token_tui.store.apps import SlackApp
from slack_token_tui.tui.app import TokenApp
from slack_token_tui.tui.options import LaunchOptions
from slack_token_tui.tui.screens.sign_in import SignInScreen

WIDE = (150, 40)
"""Sentences stand on one line, so that they can be found."""


@asynccontextmanager
async def running(
    home: Path, app: SlackApp | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Pilot[None]]:
    async with TokenApp(LaunchOptions(home=home, slack_app=app)).run_test(size=size, notifications=True) as pilot:
        home_screen = pilot.app.screen
        await until(pilot, lambda: getattr(home_screen, "_is_fully_mounted", True))
        yield pilot


async def until(pilot: Pilot[None], condition: object) -> None:
    deadline = time.monotonic() + 30  # far beyond any wait of a busy machine
    while time.monotonic() < deadline:
        await pilot.pause(0.02)
        if condition():  # type: ignore[operator]
            return
    raise AssertionError(f"it never came; the screen shows:\n{text(pilot)}")


async def settled(pilot: Pilot[None], looks: int = 4) -> None:
    """Wait until the screen stays as it is for so many looks, however busy the machine."""
    before, alike = "", 0
    while alike < looks:
        await pilot.pause(0.05)
        alike = alike + 1 if text(pilot) == before else 0
        before = text(pilot)


async def shows(pilot: Pilot[None], words: str) -> None:
    """Wait for ``words`` to stand on the screen; what is drawn next to something else may come a moment after it."""
    await until(pilot, lambda: says(pilot, words))


def text(pilot: Pilot[None]) -> str:
    """What stands on the screen, line by line."""
    width, height = pilot.app.size
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips[:height])[: (width + 1) * height]


def says(pilot: Pilot[None], words: str) -> bool:
    return words in " ".join(text(pilot).split())


async def begin(pilot: Pilot[None]) -> str:
    """From home to waiting; returns Slack's address."""
    await pilot.press("a")
    await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen) and pilot.app.screen.focused is not None)
    await pilot.press("enter")
    screen = pilot.app.screen
    assert isinstance(screen, SignInScreen)
    await until(pilot, lambda: says(pilot, "Waiting for you to press Allow"))
    assert screen._url is not None
    return screen._url


async def click(pilot: Pilot[None], words: str) -> None:
    """Click the last ``words`` on the screen, where a person sees them."""
    await until(pilot, lambda: words in text(pilot))
    lines = text(pilot).split("\n")
    row = max(number for number, line in enumerate(lines) if words in line)
    await pilot.click(offset=(lines[row].rindex(words) + len(words) - 2, row))


async def port_closes(pilot: Pilot[None], redirect_uri: str) -> None:
    """Wait until nobody listens at ``redirect_uri`` any more."""
    port = urlsplit(redirect_uri).port
    for _ in range(100):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return
        writer.close()
        await pilot.pause(0.05)
    raise AssertionError("the port is still open")
