"""A pane that is dragged to one column and back ends no screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from slack_token_tui.oauth.state import SignInState
from slack_token_tui.store.apps import SlackApp, save_app
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import remember_last_app
from tests.support.pilot import pause, read_screen, run_app, wait_until_stable
from tests.support.profiles import new_sign_in
from tests.support.sign_in_states import APP, FAILED, REMOTE, RETRYING, SAVED, UNSPENT, WAITING, show_state

KEYS = {
    "home": (),
    "filter": ("slash",),
    "revealed token": ("t",),
    "menu": ("enter",),
    "leaked token": ("enter", *["down"] * 4, "enter"),
    "help": ("question_mark",),
    "help topics": ("question_mark", "f1"),
    "help topic": ("question_mark", "f1", "enter"),
    "profile details": ("f1",),
    "notice": ("d",),
    "errors": ("e",),
    "error": ("e", "enter"),
    "apps": ("A",),
    "app details": ("A", "f4"),
    "new app": ("N",),
    "another Slack": ("N", "f4"),
    "manifest": ("N", "enter", "f1"),
    "form": ("a",),
    "scopes": ("a", "f2"),
    "changed scopes": ("a", "f2", "down", "space", "escape"),
    "doctor": ("D",),
    "copy as": ("C",),
    "rename": ("n",),
    "import": ("i",),
    "remove": ("x",),
    "terminal clipboard": ("c",),
    "palette": ("ctrl+p",),
    "themes": ("ctrl+p", *"theme", "enter"),
}
STATES = {
    "waiting": WAITING,
    "failed": FAILED,
    "saved": SAVED,
    "remote": REMOTE,
    "retrying": RETRYING,
    "unspent": UNSPENT,
}


async def drag_to_one_column_and_back(pilot: Pilot[None]) -> None:
    for size in ((7, 24), (6, 24), (3, 24), (1, 24), (1, 1), (80, 24)):
        await pilot.resize_terminal(*size)
        await pause(pilot, 0)


@pytest.mark.parametrize("name", [*KEYS, *STATES])
async def test_screen_survives_one_column(home: Path, store: ProfileStore, name: str) -> None:
    store.save_sign_in(*new_sign_in())
    save_app(home, APP)
    remember_last_app(home, APP.client_id)
    state: SignInState | None = STATES.get(name)
    async with run_app(home, app=APP if state is not None else None) as pilot:
        if state is not None:
            await show_state(pilot, state)
        for key in KEYS.get(name, ()):
            await pilot.press(key)
            await wait_until_stable(pilot, looks=1)
        screen = pilot.app.screen
        await drag_to_one_column_and_back(pilot)
        assert pilot.app.screen is screen
        assert read_screen(pilot).strip()


async def test_empty_home_survives_one_column(home: Path) -> None:
    async with run_app(home) as pilot:
        await drag_to_one_column_and_back(pilot)
        assert "Get your first Slack token" in read_screen(pilot)


@pytest.mark.parametrize("size", [(80, 20), (40, 20), (80, 24)])
@pytest.mark.parametrize(
    ("keys", "selector"),
    [(("e",), "#error_list"), (("e",), "#search"), (("a", "f2"), "#scope_list"), (("a", "f2"), "#search")],
)
async def test_lists_end_as_far_from_the_edge_as_they_begin(
    home: Path, app: SlackApp, size: tuple[int, int], keys: tuple[str, ...], selector: str
) -> None:
    async with run_app(home, app, size) as pilot:
        for key in keys:
            await pilot.press(key)
            await wait_until_stable(pilot, looks=2)
        region = pilot.app.screen.query_one(selector).region
        assert region.x == size[0] - region.right
        assert region.x <= 1
