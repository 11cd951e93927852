"""If other users can change a directory, the home screen says which one and how to fix it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import change_settings
from tests.support.pilot import has_text, run_app, wait_for_text
from tests.support.profiles import new_sign_in


@pytest.mark.parametrize("size", [(80, 24), (40, 20)])
@pytest.mark.parametrize("directory", ["", "profiles"])
async def test_home_reports_an_exposed_directory_and_recovers_once_it_is_fixed(
    store: ProfileStore, home: Path, directory: str, size: tuple[int, int]
) -> None:
    store.save_sign_in(*new_sign_in())
    (home / directory).chmod(0o777)
    async with run_app(home, size=size) as pilot:
        await wait_for_text(pilot, "Other users can change your profiles")
        await wait_for_text(pilot, "chmod go-w")
        assert not has_text(pilot, "Get your first Slack token")
        (home / directory).chmod(0o700)
        await pilot.press("f5")
        await wait_for_text(pilot, "acme")


async def test_directory_exposed_while_home_is_open_is_reported(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home) as pilot:
        await wait_for_text(pilot, "acme")
        home.chmod(0o777)
        await pilot.press("f5")
        await wait_for_text(pilot, "Other users can change your profiles")
        home.chmod(0o700)
        (home / "profiles" / "acme.json").unlink()
        await pilot.press("f5")
        await wait_for_text(pilot, "Get your first Slack token")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
async def test_directory_of_another_user_is_not_shown_as_empty(store: ProfileStore, home: Path) -> None:
    """As after one ``sudo slack-token-tui login``."""
    store.save_sign_in(*new_sign_in())
    os.chown(home, 1002, -1)
    async with run_app(home) as pilot:
        await wait_for_text(pilot, "belongs to user 1002")
        assert not has_text(pilot, "Get your first Slack token")
        os.chown(home, os.geteuid(), -1)
        await wait_for_text(pilot, "acme")


@pytest.mark.parametrize("has_profile", [False, True])
async def test_settings_that_cannot_be_used_are_reported(store: ProfileStore, home: Path, has_profile: bool) -> None:
    if has_profile:
        store.save_sign_in(*new_sign_in())
    change_settings(home, storage="file")
    (home / "settings.json").chmod(0o644)
    async with run_app(home) as pilot:
        await wait_for_text(pilot, "Other users can open your settings")
        (home / "settings.json").chmod(0o600)
        await pilot.press("f5")
        await wait_for_text(pilot, "acme" if has_profile else "Get your first Slack token")
