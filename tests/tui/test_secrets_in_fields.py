"""A token or secret that is pasted into a field is refused, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import Paste
from textual.widgets import Input

from slack_token_tui.store.apps import save_app
from tests.support.pilot import read_screen, run_app, wait_for, wait_for_text, wait_until_stable
from tests.support.profiles import CANARY, new_sign_in
from tests.support.sign_in_states import APP, WAITING, show_state

HEX = "ab12cd34" * 4


@pytest.mark.parametrize("pasted", [CANARY, HEX, f"Client Secret {HEX}"], ids=["token", "secret", "label"])
@pytest.mark.parametrize(
    ("keys", "field"),
    [
        (("n",), "#name"),
        (("N",), "#app_name"),
        (("A", "f4"), "#name"),
        (("a", "f2", "slash"), "#search"),
        (("e",), "#search"),
    ],
    ids=["rename", "app name", "advanced", "scopes", "errors"],
)
async def test_pasted_secret_is_refused_by_every_field(
    home: Path, store: object, keys: tuple[str, ...], field: str, pasted: str
) -> None:
    store.save_sign_in(*new_sign_in())  # type: ignore[attr-defined]
    save_app(home, APP)
    async with run_app(home, APP) as pilot:
        for key in keys:
            await pilot.press(key)
            await wait_until_stable(pilot, looks=2)
        box = pilot.app.screen.query_one(field, Input)
        box.focus()
        box.post_message(Paste(pasted))
        await wait_for_text(pilot, "That's a token or secret")
        assert pasted not in box.value
        assert not any(secret in read_screen(pilot) for secret in (CANARY, HEX))


async def test_pasted_secret_is_refused_by_the_paste_box_of_a_sign_in(home: Path) -> None:
    async with run_app(home, APP) as pilot:
        screen = await show_state(pilot, WAITING)
        box = screen.query_one("#paste", Input)
        box.focus()
        box.post_message(Paste(CANARY))
        await wait_for_text(pilot, "That's a token or secret")
        assert box.value == "" and CANARY not in read_screen(pilot)


@pytest.mark.parametrize("pasted", [HEX, f"Client Secret\n{HEX}"])
async def test_secret_pasted_at_home_is_explained_and_not_looked_up(home: Path, pasted: str) -> None:
    async with run_app(home) as pilot:
        pilot.app.post_message(Paste(pasted))
        await wait_for_text(pilot, "client secret")
        await wait_until_stable(pilot)
        assert HEX not in read_screen(pilot)


async def test_second_paste_replaces_the_first_in_the_import(home: Path) -> None:
    async with run_app(home) as pilot:
        await pilot.press("i")
        await wait_for_text(pilot, "Import a token")
        field = pilot.app.screen.query_one("#access", Input)
        for pasted in ("xoxb-canary-0000", CANARY):
            field.post_message(Paste(pasted))
            await wait_for(pilot, lambda wanted=pasted: field.value == wanted)


@pytest.mark.parametrize(
    ("pasted", "values"),
    [
        (f"export SLACK_TOKEN={CANARY}", (CANARY, "")),
        (f"{CANARY[:14]}\n{CANARY[14:]}", (CANARY, "")),
        (f"{CANARY}\nxoxe-1-canary-refresh", (CANARY, "xoxe-1-canary-refresh")),
    ],
)
async def test_tokens_pasted_at_home_are_found_in_other_text(home: Path, pasted: str, values: tuple[str, str]) -> None:
    async with run_app(home) as pilot:
        pilot.app.post_message(Paste(pasted))
        await wait_for_text(pilot, "Import a token")
        fields = [pilot.app.screen.query_one(field, Input) for field in ("#access", "#refresh")]
        await wait_for(pilot, lambda: tuple(field.value for field in fields) == values)
        assert CANARY not in read_screen(pilot)
