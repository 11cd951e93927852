"""How the screens look: readable colors in both themes, and few words."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from rich.color import Color, ColorType
from textual.pilot import Pilot

from slack_token_tui.problems import explain, list_codes
from slack_token_tui.secret import Secret
from slack_token_tui.store.apps import SlackApp, save_app
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import change_settings
from slack_token_tui.tui.app import TokenApp
from slack_token_tui.tui.options import LaunchOptions
from slack_token_tui.tui.theme import AUBERGINE, AUBERGINE_LIGHT
from tests.support.pilot import read_screen, render_strips, wait_for, wait_until_stable
from tests.support.profiles import NOW, new_sign_in
from tests.support.sign_in_states import APP, FAILED, REMOTE, RETRYING, SAVED, UNSPENT, WAITING, show_state

Step = Callable[[Pilot[None]], Awaitable[object]]
MIN_CONTRAST = 4.5
MAX_WORDS = 60
_DECORATION = re.compile(r"[\s\u2500-\u259f\u2800-\u28ff·]*")
"""Borders, bars, scroll bars and the spinner."""


def press(*keys: str) -> Step:
    """Return a step that presses ``keys``, each when the screen is stable."""

    async def step(pilot: Pilot[None]) -> None:
        for key in keys:
            await pilot.press(key)
            await wait_until_stable(pilot, looks=2)

    return step


SCREENS: dict[str, Step] = {
    "home": press(),
    "home, expired": press("down", "down"),
    "menu": press("enter"),
    "filter": press("slash", *"omar"),
    "no match": press("slash", *"zzz"),
    "profile details": press("f1"),
    "help": press("question_mark"),
    "help topics": press("question_mark", "f1"),
    "copy as": press("C", "down"),
    "rename": press("n"),
    "import": press("i"),
    "remove": press("x"),
    "terminal clipboard": press("c"),
    "form": press("a"),
    "apps": press("A"),
    "advanced": press("A", "f4"),
    "create app": press("N"),
    "create app, steps": press("N", "enter"),
    "another Slack": press("N", "f4"),
    "scopes": press("a", "f2"),
    "scopes searched": press("a", "f2", *"chat"),
    "errors": press("e"),
    "errors searched": press("e", *"redirect"),
    "fix": press("e", *"redirect", "enter"),
    "palette": press("ctrl+p"),
    "waiting": lambda pilot: show_state(pilot, WAITING),
    "remote": lambda pilot: show_state(pilot, REMOTE),
    "retrying": lambda pilot: show_state(pilot, RETRYING),
    "unspent": lambda pilot: show_state(pilot, UNSPENT),
    "failed": lambda pilot: show_state(pilot, FAILED),
    "saved": lambda pilot: show_state(pilot, SAVED),
}


@pytest.fixture
def filled_home(home: Path) -> Path:
    """Return a home with three profiles and an app."""
    store = ProfileStore(home)
    rotating = {"refresh_token": Secret("xoxe-1-practice-refresh"), "refresh_issued_at": NOW - timedelta(days=2)}
    store.save_sign_in(*new_sign_in(**rotating, expires_at=NOW + timedelta(hours=9)))
    store.save_sign_in(*new_sign_in(user_id="U2", user_name="omar", team_id="T2", team_name="Globex"))
    store.save_sign_in(*new_sign_in(user_id="U3", team_id="T3", expires_at=NOW - timedelta(hours=1)))
    change_settings(home, default_profile="acme")
    save_app(home, APP)
    return home


async def open_screen(pilot: Pilot[None], name: str) -> None:
    """Open one of ``SCREENS`` from the home screen."""
    home_screen = pilot.app.screen
    await wait_for(pilot, lambda: getattr(home_screen, "is_complete", True))
    await SCREENS[name](pilot)
    await wait_until_stable(pilot)


def make_app(home: Path, app: SlackApp | None = APP) -> TokenApp:
    return TokenApp(LaunchOptions(home=home, slack_app=app, now=lambda: NOW, clock=lambda: 0.0))


def luminance(color: Color) -> float:
    """Return the relative luminance (WCAG 2.2)."""
    channels = [value / 255 for value in color.get_truecolor()]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(factor * value for factor, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two colors (WCAG 2.2)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [AUBERGINE.name, AUBERGINE_LIGHT.name])
@pytest.mark.parametrize("name", SCREENS)
@pytest.mark.usefixtures("opened_urls")
async def test_all_text_has_enough_contrast(filled_home: Path, name: str, theme: str) -> None:
    tui = make_app(filled_home)
    async with tui.run_test(size=(80, 24)) as pilot:
        tui.theme = theme
        await open_screen(pilot, name)
        sheets = tui.screen.query(".sheet, CommandPalette OptionList") if tui.screen.is_modal else ()
        region = sheets[0].region if sheets else tui.screen.region  # what is behind a dialog is dimmed
        weak = []
        for strip in render_strips(pilot)[region.y : region.bottom]:
            for segment in strip.crop(region.x, region.right):
                style = segment.style
                if style is None or style.color is None or style.bgcolor is None or _DECORATION.fullmatch(segment.text):
                    continue
                assert ColorType.DEFAULT not in (style.color.type, style.bgcolor.type)
                colors = (style.bgcolor, style.color) if style.reverse else (style.color, style.bgcolor)
                if contrast(*colors) < MIN_CONTRAST:
                    weak.append((segment.text, *(color.name for color in colors), round(contrast(*colors), 2)))
    assert weak == []


def count_words(text: str) -> int:
    return sum(bool(re.search(r"\w", word)) for word in text.split())


@pytest.mark.parametrize(
    "name",
    ["form", "waiting", "remote", "failed", "saved", "remove", "rename", "import", "terminal clipboard", "create app"],
)
@pytest.mark.usefixtures("opened_urls")
async def test_a_sheet_has_at_most_sixty_words(filled_home: Path, name: str) -> None:
    tui = make_app(filled_home)
    async with tui.run_test(size=(80, 24)) as pilot:
        await open_screen(pilot, name)
        sheet = next(sheet for sheet in tui.screen.query(".sheet") if sheet.region)
        lines = read_screen(pilot).split("\n")[sheet.region.y : sheet.region.bottom]
        words = "\n".join(line[sheet.region.x : sheet.region.right] for line in lines)
    assert count_words(words) <= MAX_WORDS, words


async def test_the_welcome_has_at_most_sixty_words(home: Path) -> None:
    tui = make_app(home, None)
    async with tui.run_test(size=(80, 24)) as pilot:
        await open_screen(pilot, "home")
        assert count_words(read_screen(pilot).rsplit("\n", 1)[0]) <= MAX_WORDS


@pytest.mark.parametrize("code", list_codes())
def test_an_explained_error_has_at_most_sixty_words(code: str) -> None:
    explanation = explain(code)
    assert count_words(" ".join([explanation.title, explanation.happened, *explanation.remedies])) <= MAX_WORDS


async def test_a_person_in_a_hurry_reads_at_most_forty_words(home: Path) -> None:
    """Titles and primary actions from launch to copied token."""
    steps: list[tuple[Step, tuple[str, ...]]] = [
        (press(), ("Get your first Slack token", "a Sign in")),
        (press("a"), ("Client ID", "What can the token do?", "Enter Open Slack in the browser")),
        (press("escape"), ()),
        (lambda pilot: show_state(pilot, WAITING), ("Click Allow in your browser",)),
        (lambda pilot: set_state(pilot), ("Signed in", "Enter Done", "c Copy")),
    ]

    async def set_state(pilot: Pilot[None]) -> None:
        pilot.app.screen.state = SAVED  # type: ignore[attr-defined]

    tui, words = make_app(home), 0
    async with tui.run_test(size=(80, 24)) as pilot:
        await open_screen(pilot, "home")
        for step, texts in steps:
            await step(pilot)
            await wait_until_stable(pilot)
            shown = " ".join(read_screen(pilot).split())
            assert all(text in shown for text in texts), shown
            words += sum(map(count_words, texts))
    assert words <= 40


@pytest.mark.parametrize("theme", sorted(TokenApp(LaunchOptions(home=Path("unused"))).available_themes))
async def test_every_remembered_theme_can_be_drawn(filled_home: Path, theme: str) -> None:
    change_settings(filled_home, theme=theme)
    tui = make_app(filled_home)
    async with tui.run_test(size=(80, 24)) as pilot:
        await open_screen(pilot, "menu")
        assert tui.theme == theme
        assert "Copy as" in read_screen(pilot)
