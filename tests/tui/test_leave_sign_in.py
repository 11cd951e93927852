"""Leaving a sign-in: the port closes, and a token that Slack has issued is not lost."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Input

from slack_token_tui.oauth.session import EXTENSION_SECONDS
from slack_token_tui.practice.server import simulate_browser
from slack_token_tui.practice.tokens import SlackErrorResponse
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.fallback_dir import list_fallback_files
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tui.app import TokenApp
from slack_token_tui.tui.screens.dialogs import ConfirmDialog
from slack_token_tui.tui.screens.errors import ErrorDialog, ErrorsScreen
from slack_token_tui.tui.screens.help import HelpDialog
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen
from tests.support.faults import raise_store_full
from tests.support.pilot import (
    run_app,
    start_sign_in,
    wait_for,
    wait_for_focus,
    wait_for_screen,
    wait_for_text,
    wait_until_port_closes,
    wait_until_stable,
)
from tests.support.practice import DelayedExchange


@pytest.fixture
def identity_requested(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Delay Slack's response about an identity to the end of the test. Return an event that is set by the request."""
    asked, over = threading.Event(), threading.Event()

    def answer_late(_: str | None) -> object:
        asked.set()
        over.wait(30)
        raise SlackErrorResponse("internal_error")

    monkeypatch.setattr(workspace, "auth_test", answer_late)
    yield asked
    over.set()


async def test_timeout_can_be_extended_and_leaving_closes_the_port(
    home: Path, app: SlackApp, redirect_uris: tuple[str, ...]
) -> None:
    async with run_app(home, app) as pilot:
        await start_sign_in(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        before = screen.state.deadline
        await pilot.press("plus")
        assert before < screen.state.deadline <= time.monotonic() + EXTENSION_SECONDS
        await pilot.press("escape")
        await wait_for_screen(pilot, HomeScreen)
        await wait_until_port_closes(pilot, redirect_uris[0])


async def test_ctrl_c_stops_waiting_even_in_the_paste_field(home: Path, app: SlackApp) -> None:
    async with run_app(home, app) as pilot:
        await start_sign_in(pilot)
        pilot.app.screen.query_one("#paste", Input).focus()
        await pilot.press("ctrl+c")
        await wait_for_screen(pilot, HomeScreen)


@pytest.mark.parametrize("save_key", ["w", "enter"])
async def test_unsaved_token_is_never_discarded_without_confirmation(
    home: Path, app: SlackApp, monkeypatch: pytest.MonkeyPatch, save_key: str
) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        url = await start_sign_in(pilot)
        with monkeypatch.context() as broken:
            broken.setattr(ProfileStore, "save_sign_in", raise_store_full)
            await asyncio.to_thread(simulate_browser, url)
            await wait_for_text(pilot, "store_full")
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        for key in ("a", "escape"):
            await pilot.press(key)
            await wait_for_text(pilot, "Discard the new token?")
            await pilot.press("n")
            await wait_for(pilot, lambda: pilot.app.screen is screen)
        await pilot.press("ctrl+q")
        await wait_for_text(pilot, "Discard the new token?")
        await pilot.press("ctrl+q")  # the question stays
        await pilot.press("n")
        await wait_for(pilot, lambda: pilot.app.screen is screen)
        await pilot.press("r")
        await pilot.pause(0.1)
        assert pilot.app.screen is screen
        assert screen.state.unsaved, "no key starts again while a token is not saved"
        await pilot.press(save_key)
        await wait_for_text(pilot, "✓ Signed in")
    assert ProfileStore(home).names() == ["acme-practice"]


@pytest.mark.parametrize("key", ["escape", "ctrl+q"])
async def test_leaving_during_verification_saves_the_token_immediately(
    home: Path, app: SlackApp, identity_requested: threading.Event, key: str
) -> None:
    async with run_app(home, app) as pilot:
        browser = asyncio.create_task(asyncio.to_thread(simulate_browser, await start_sign_in(pilot)))
        await wait_for(pilot, identity_requested.is_set)
        await pilot.press(key)
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, HomeScreen) or not pilot.app.is_running)
        assert "You are signed in" in await browser
    assert [entry.verified_at for entry in map(ProfileStore(home).read, ProfileStore(home).names())] == [None]


async def test_leaving_during_verification_rescues_a_token_that_cannot_be_saved(
    home: Path,
    app: SlackApp,
    identity_requested: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    async with run_app(home, app, (100, 40)) as pilot:
        browser = asyncio.create_task(asyncio.to_thread(simulate_browser, await start_sign_in(pilot)))
        await wait_for(pilot, identity_requested.is_set)
        monkeypatch.setattr(ProfileStore, "save_sign_in", raise_store_full)
        await pilot.press("escape")
        await wait_for_screen(pilot, HomeScreen)
        await wait_for_text(pilot, "The new token is saved in")
        assert "couldn't be saved" in await browser
        assert isinstance(pilot.app, TokenApp)
        (rescued,) = list_fallback_files(home)
        assert [str(rescued) in message for message in pilot.app.exit_messages] == [True]


@pytest.mark.parametrize("way", ["escape", "ctrl+q", "ctrl+c", "SIGTERM"])
async def test_leaving_during_the_exchange_loses_no_token(
    home: Path, app: SlackApp, delayed_exchange: DelayedExchange, way: str
) -> None:
    token_issued, may_respond = delayed_exchange
    async with run_app(home, app) as pilot:
        browser = asyncio.create_task(asyncio.to_thread(simulate_browser, await start_sign_in(pilot)))
        await wait_for(pilot, token_issued.is_set)
        if way == "SIGTERM":
            os.kill(os.getpid(), signal.SIGHUP)  # as if a window was closed and then its session ended
            await wait_until_stable(pilot)
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            await pilot.press(way)
        await wait_until_stable(pilot)
        may_respond.set()
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, HomeScreen) or not pilot.app.is_running)
        assert "You are signed in" in await browser
    assert len(ProfileStore(home).names()) == 1


async def test_save_pending_tokens_writes_a_fallback_file_and_reports_its_path(
    home: Path, app: SlackApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    async with run_app(home, app, (100, 40)) as pilot:
        monkeypatch.setattr(ProfileStore, "save_sign_in", raise_store_full)
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot))
        await wait_for_text(pilot, "store_full")
        assert isinstance(pilot.app, TokenApp)
        await pilot.app.save_pending_tokens()
        (words,) = pilot.app.exit_messages
    (rescued,) = (tmp_path / "slack-token-tui").iterdir()
    assert f"The new token is saved in {rescued}. Only you can read it." in words
    assert "-practice-" in rescued.read_text()
    assert rescued in list_fallback_files(home)


@pytest.mark.parametrize("way", ["ctrl+c", "SIGTERM"])
async def test_leaving_a_second_attempt_during_the_exchange_loses_no_token(
    home: Path, app: SlackApp, delayed_exchange: DelayedExchange, way: str
) -> None:
    token_issued, may_respond = delayed_exchange
    async with run_app(home, app, (100, 40)) as pilot:
        first = await start_sign_in(pilot)
        await pilot.press("e")
        await wait_for_focus(pilot, ErrorsScreen)
        screen = pilot.app.screen_stack[1]
        assert isinstance(screen, SignInScreen)
        await pilot.press("enter")
        await wait_for_focus(pilot, ErrorDialog)
        await pilot.press("enter")
        await wait_for_focus(pilot, ConfirmDialog)
        await pilot.press("y")
        await wait_for(pilot, lambda: pilot.app.screen is screen and screen.state.url not in (None, first))
        browser = asyncio.create_task(asyncio.to_thread(simulate_browser, screen.state.url or ""))
        await wait_for(pilot, token_issued.is_set)
        if way == "SIGTERM":
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            await pilot.press(way)
            await wait_for_text(pilot, "Stopping as soon as the token is saved.")
        may_respond.set()
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, HomeScreen) or not pilot.app.is_running)
        await browser
    assert len(ProfileStore(home).names()) == 1


async def test_ctrl_q_in_help_saves_the_incoming_token_and_quits(
    home: Path, app: SlackApp, delayed_exchange: DelayedExchange
) -> None:
    token_issued, may_respond = delayed_exchange
    async with run_app(home, app, (100, 40)) as pilot:
        browser = asyncio.create_task(asyncio.to_thread(simulate_browser, await start_sign_in(pilot)))
        await wait_for(pilot, token_issued.is_set)
        await pilot.press("question_mark")
        await wait_for_screen(pilot, HelpDialog)
        await pilot.press("ctrl+q")
        may_respond.set()
        await wait_for(pilot, lambda: not pilot.app.is_running)
        await browser
    assert len(ProfileStore(home).names()) == 1
