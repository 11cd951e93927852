"""The TUI in this process: run it, press its keys, read its screen."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from textual.pilot import Pilot, WaitForScreenTimeout
from textual.screen import Screen
from textual.strip import Strip

from slack_token_tui.oauth.state import Phase
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.tui.app import TokenApp
from slack_token_tui.tui.options import LaunchOptions
from slack_token_tui.tui.screens.sign_in import SignInScreen
from tests.support.ports import get_port, is_port_open

WIDE = (150, 40)
"""A size at which no sentence wraps, so that it can be found."""


@asynccontextmanager
async def run_app(
    home: Path, app: SlackApp | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Pilot[None]]:
    """Run the TUI and yield its pilot once the home screen is there."""
    async with TokenApp(LaunchOptions(home=home, slack_app=app)).run_test(size=size, notifications=True) as pilot:
        home_screen = pilot.app.screen
        await wait_for(pilot, lambda: getattr(home_screen, "is_complete", True))
        yield pilot


async def pause(pilot: Pilot[None], seconds: float) -> None:
    """Wait, and let the screen handle its messages. A busy or ending app may not have handled all of them."""
    with suppress(WaitForScreenTimeout):
        await pilot.pause(seconds)


async def wait_for(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Wait until ``condition`` is true. Otherwise fail and show the screen."""
    deadline = time.monotonic() + float(__import__("os").environ.get("W", "30"))  # a busy machine needs much less
    while time.monotonic() < deadline:
        await pause(pilot, 0.02)
        if condition():
            return
    raise AssertionError(f"it never came; the screen shows:\n{read_screen(pilot)}")


async def wait_for_text(pilot: Pilot[None], text: str) -> None:
    """Wait until the screen shows ``text``. Parts of a screen may be drawn one after the other."""
    await wait_for(pilot, lambda: has_text(pilot, text))


async def wait_for_screen(pilot: Pilot[None], screen: type[Screen[object]]) -> None:
    """Wait until a screen of this class is on top."""
    await wait_for(pilot, lambda: isinstance(pilot.app.screen, screen))


async def wait_for_focus(pilot: Pilot[None], screen: type[Screen[object]]) -> None:
    """Wait until a screen of this class is on top and takes keys."""
    await wait_for(pilot, lambda: isinstance(pilot.app.screen, screen) and pilot.app.screen.focused is not None)


async def wait_until_stable(pilot: Pilot[None], looks: int = 4) -> None:
    """Wait until the screen has stayed the same for ``looks`` looks, however busy the machine is."""
    before, same = "", 0
    while same < looks:
        await pause(pilot, 0.02)
        same = same + 1 if read_screen(pilot) == before else 0
        before = read_screen(pilot)


async def wait_until_port_closes(pilot: Pilot[None], redirect_uri: str) -> None:
    """Wait until no program listens at ``redirect_uri``."""
    for _ in range(100):
        if not is_port_open(get_port(redirect_uri)):
            return
        await pause(pilot, 0.05)
    raise AssertionError("the port is still open")


def render_strips(pilot: Pilot[None]) -> list[Strip]:
    """Return the lines of the screen with their styles. Textual's own screenshots use the same private attribute."""
    return pilot.app.screen._compositor.render_strips()


def read_screen(pilot: Pilot[None]) -> str:
    """Return what the screen shows, line by line."""
    width, height = pilot.app.size
    strips = render_strips(pilot)
    return "\n".join("".join(segment.text for segment in strip) for strip in strips[:height])[: (width + 1) * height]


def has_text(pilot: Pilot[None], text: str) -> bool:
    """Tell whether the screen shows ``text`` now. Line breaks count as spaces."""
    return text in " ".join(read_screen(pilot).split())


async def start_sign_in(pilot: Pilot[None]) -> str:
    """Start a sign-in from the home screen. Return the authorize URL once the TUI waits for the browser."""
    await pilot.press("a")
    await wait_for_focus(pilot, SignInScreen)
    await pilot.press("enter")
    screen = pilot.app.screen
    assert isinstance(screen, SignInScreen)
    await wait_for(pilot, lambda: screen.state.phase is Phase.WAITING and screen.state.browser is not None)
    assert screen.state.url is not None
    return screen.state.url


async def click_text(pilot: Pilot[None], text: str) -> None:
    """Click the last place on the screen that shows ``text``."""
    await wait_for(pilot, lambda: text in read_screen(pilot))
    lines = read_screen(pilot).split("\n")
    row = max(number for number, line in enumerate(lines) if text in line)
    await pilot.click(offset=(lines[row].rindex(text) + len(text) - 2, row))
