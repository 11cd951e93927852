"""Leaving a sign-in: the port closes, and a token that Slack has given is never lost on the way out."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Input

from slack_token_tui.practice.server import simulate_browser
from slack_token_tui.practice.tokens import SlackErrorResponse
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.atomic_file import StorageError
from slack_token_tui.store.fallback_dir import list_fallback_files
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tui.app import TokenApp
from slack_token_tui.tui.screens.errors import ErrorsScreen
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen
from tests.support.pilot import begin, port_closes, running, settled, shows, until


def full_disk(*_: object, **__: object) -> object:
    raise StorageError("store_full", file="x", detail="no room")


@pytest.fixture
def asked_who(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Slack takes its time to say who a token speaks for; set once it was asked."""
    asked, over = threading.Event(), threading.Event()

    def late(_: str | None) -> object:
        asked.set()
        over.wait(30)
        raise SlackErrorResponse("internal_error")

    monkeypatch.setattr(workspace, "auth_test", late)
    yield asked
    over.set()


async def test_more_time_is_given_and_leaving_closes_the_port(
    home: Path, app: SlackApp, redirect_uris: tuple[str, ...]
) -> None:
    async with running(home, app) as pilot:
        await begin(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        assert screen._sign_in is not None
        screen._sign_in._deadline -= 100
        await pilot.press("e")
        assert screen._sign_in.seconds_left > 290
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        await port_closes(pilot, redirect_uris[0])


async def test_ctrl_c_ends_the_wait_also_from_the_paste_box(home: Path, app: SlackApp) -> None:
    async with running(home, app) as pilot:
        await begin(pilot)
        pilot.app.screen.query_one("#paste", Input).focus()
        await pilot.press("ctrl+c")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))


async def test_a_token_that_could_not_be_saved_is_never_thrown_away_unasked(
    home: Path, app: SlackApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(home, app, (100, 40)) as pilot:
        url = await begin(pilot)
        with monkeypatch.context() as broken:
            broken.setattr(ProfileStore, "save_sign_in", full_disk)
            await asyncio.to_thread(simulate_browser, url)
            await shows(pilot, "store_full")
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        for key in ("r", "a", "escape"):
            await pilot.press(key)
            await shows(pilot, "Throw the new token away?")
            await pilot.press("n")
            await until(pilot, lambda: pilot.app.screen is screen)
        await pilot.press("ctrl+q")
        await shows(pilot, "Throw the new token away?")
        await pilot.press("ctrl+q")  # the question stands
        await pilot.press("n")
        await until(pilot, lambda: pilot.app.screen is screen)
        await pilot.press("w")
        await shows(pilot, "Signed in as jane")
    assert ProfileStore(home).names() == ["acme-practice"]


@pytest.mark.parametrize("key", ["escape", "ctrl+q"])
async def test_whoever_leaves_before_slack_has_said_who_one_is_has_the_token_saved_at_once(
    home: Path, app: SlackApp, asked_who: threading.Event, key: str
) -> None:
    async with running(home, app) as pilot:
        browser = asyncio.create_task(asyncio.to_thread(simulate_browser, await begin(pilot)))
        await until(pilot, asked_who.is_set)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen) or not pilot.app.is_running)
        assert "You are signed in" in await browser
    assert [entry.verified_at for entry in map(ProfileStore(home).read, ProfileStore(home).names())] == [None]


async def test_whoever_leaves_then_is_asked_when_the_token_cannot_be_saved(
    home: Path, app: SlackApp, asked_who: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(home, app, (100, 40)) as pilot:
        browser = asyncio.create_task(asyncio.to_thread(simulate_browser, await begin(pilot)))
        await until(pilot, asked_who.is_set)
        with monkeypatch.context() as broken:
            broken.setattr(ProfileStore, "save_sign_in", full_disk)
            await pilot.press("escape")
            await shows(pilot, "Throw the new token away?")
            assert "could not be saved" in await browser
        await pilot.press("n")
        await shows(pilot, "store_full")
        await pilot.press("w")
        await shows(pilot, "Signed in")
    assert len(ProfileStore(home).names()) == 1


@pytest.mark.parametrize("way", ["escape", "ctrl+q", "ctrl+c", "SIGTERM"])
async def test_whoever_leaves_while_slack_answers_loses_no_token(
    home: Path, app: SlackApp, exchanging: tuple[threading.Event, threading.Event], way: str
) -> None:
    given, arrives = exchanging
    async with running(home, app) as pilot:
        browser = asyncio.create_task(asyncio.to_thread(simulate_browser, await begin(pilot)))
        await until(pilot, given.is_set)
        if way == "SIGTERM":
            os.kill(os.getpid(), signal.SIGHUP)  # as when a window is closed and its session ended
            await settled(pilot)
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            await pilot.press(way)
        await settled(pilot)
        arrives.set()
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen) or not pilot.app.is_running)
        assert "You are signed in" in await browser
    assert len(ProfileStore(home).names()) == 1


async def test_a_signal_puts_a_token_that_cannot_be_saved_into_a_file_and_names_it(
    home: Path, app: SlackApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    async with running(home, app, (100, 40)) as pilot:
        monkeypatch.setattr(ProfileStore, "save_sign_in", full_disk)
        await asyncio.to_thread(simulate_browser, await begin(pilot))
        await shows(pilot, "store_full")
        assert isinstance(pilot.app, TokenApp)
        await pilot.app.save_pending_tokens()
        (words,) = pilot.app.exit_messages
    (rescued,) = (tmp_path / "slack-token-tui").iterdir()
    assert f"The new token is in {rescued}, readable by you alone" in words
    assert "-practice-" in rescued.read_text()
    assert rescued in list_fallback_files(home)


@pytest.mark.parametrize("way", ["ctrl+c", "SIGTERM"])
async def test_a_second_attempt_is_left_as_the_first_one_is(
    home: Path, app: SlackApp, exchanging: tuple[threading.Event, threading.Event], way: str
) -> None:
    given, arrives = exchanging
    async with running(home, app, (100, 40)) as pilot:
        first = await begin(pilot)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorsScreen) and pilot.app.screen.focused is not None)
        await pilot.press("down", "r")
        screen = pilot.app.screen_stack[1]
        assert isinstance(screen, SignInScreen)
        await until(pilot, lambda: pilot.app.screen is screen and screen._url not in (None, first))
        browser = asyncio.create_task(asyncio.to_thread(simulate_browser, screen._url or ""))
        await until(pilot, given.is_set)
        if way == "SIGTERM":
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            await pilot.press(way)
            await shows(pilot, "Stopping as soon as the token is saved.")
        arrives.set()
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen) or not pilot.app.is_running)
        await browser
    assert len(ProfileStore(home).names()) == 1


async def test_ctrl_q_under_help_saves_the_token_that_comes_and_leaves(
    home: Path, app: SlackApp, exchanging: tuple[threading.Event, threading.Event]
) -> None:
    given, arrives = exchanging
    async with running(home, app, (100, 40)) as pilot:
        browser = asyncio.create_task(asyncio.to_thread(simulate_browser, await begin(pilot)))
        await until(pilot, given.is_set)
        await pilot.press("question_mark")
        await shows(pilot, "Help")
        await pilot.press("ctrl+q")
        arrives.set()
        await until(pilot, lambda: not pilot.app.is_running)
        await browser
    assert len(ProfileStore(home).names()) == 1
