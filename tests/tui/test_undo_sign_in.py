"""One key undoes a first sign-in with the wrong account, and revokes a token that cannot be used."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from slack_token_tui.practice.server import simulate_browser
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tui.screens.home import HomeScreen
from tests.support.pilot import has_text, run_app, start_sign_in, wait_for_screen, wait_for_text


async def test_x_key_revokes_and_removes_a_first_sign_in_by_another_account(
    home: Path, app: SlackApp, workspace: Workspace
) -> None:
    other = workspace.people[1]
    async with run_app(home, app, (100, 40)) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot), person=other.id)
        await wait_for_text(pilot, "✓ Signed in")
        await wait_for_text(pilot, f"{other.name} {other.id}")
        await wait_for_text(pilot, "Not you? x revoke")
        await pilot.press("x")
        await wait_for_text(pilot, "Revoke and remove (y)")
        assert ProfileStore(home).names(), "nothing is removed before the answer"
        await pilot.press("y")
        await wait_for_text(pilot, "✓ Removed acme-practice")
        await pilot.press("escape")
        await wait_for_screen(pilot, HomeScreen)
        await wait_for_text(pilot, "Get your first Slack token")
    assert ProfileStore(home).names() == []
    assert all(token.revoked for token in workspace.tokens.access_tokens.values())


async def test_repeated_sign_in_offers_no_undo(home: Path, app: SlackApp) -> None:
    async with run_app(home, app, (100, 40)) as pilot:
        for round_number in range(2):
            await asyncio.to_thread(simulate_browser, await start_sign_in(pilot))
            await wait_for_text(pilot, "✓ Signed in")
            assert has_text(pilot, "Not you?") == (round_number == 0)
            await pilot.press("escape")
            await wait_for_screen(pilot, HomeScreen)


async def test_x_key_revokes_an_unusable_token(
    home: Path, app: SlackApp, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = workspace.exchange

    def exchange_unusable(*arguments: Any) -> dict[str, Any]:
        return {**exchange(*arguments), "token_type": "mac"}

    monkeypatch.setattr(workspace, "exchange", exchange_unusable)
    async with run_app(home, app, (100, 40)) as pilot:
        await asyncio.to_thread(simulate_browser, await start_sign_in(pilot))
        await wait_for_text(pilot, "Revoke that token? x revoke")
        await pilot.press("x")
        await wait_for_text(pilot, "Revoke the token?")
        await pilot.press("y")
        await wait_for_text(pilot, "Access token revoked")
    assert all(token.revoked for token in workspace.tokens.access_tokens.values())
    assert list((home / "quarantine").iterdir()) == []
