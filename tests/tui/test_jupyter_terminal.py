"""JupyterLab's terminal: all colors, and a link that a click opens."""

from __future__ import annotations

import os

import pytest

from slack_token_tui.desktop.environment import detect
from slack_token_tui.tui.run import _use_true_color
from tests.support.pilot import run_app, wait_for_text
from tests.support.sign_in_states import APP, REMOTE, show_state

JUPYTER = {"JUPYTER_SERVER_ROOT": "/home/jane", "TERM": "xterm-256color"}


@pytest.fixture(autouse=True)
def _jupyter(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLORTERM", "TMUX", "TERM_PROGRAM"):
        monkeypatch.setenv(name, "")  # so that it is as before at the end
        monkeypatch.delenv(name)
    for name, value in JUPYTER.items():
        monkeypatch.setenv(name, value)
    assert detect(os.environ).terminal == "jupyter"


def test_all_colors_are_used() -> None:
    _use_true_color()
    assert os.environ["COLORTERM"] == "truecolor"


def test_choice_of_the_user_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "")
    _use_true_color()
    assert os.environ["COLORTERM"] == ""


def test_other_terminals_are_left_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in JUPYTER:
        monkeypatch.delenv(name)
    _use_true_color()
    assert "COLORTERM" not in os.environ


async def test_waiting_screen_says_that_the_link_can_be_clicked(home: object) -> None:
    async with run_app(home, APP) as pilot:  # type: ignore[arg-type]
        await show_state(pilot, REMOTE)
        await wait_for_text(pilot, "Click this link and click Allow")
