"""The steps of a sign-in as the TUI shows them, one state after the other, without a screen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slack_token_tui.desktop.browser import NotOpened, Opened
from slack_token_tui.oauth.state import Failure, IgnoredCallbacks, Phase, SignInState
from slack_token_tui.problems import explain
from slack_token_tui.tui.widgets.sign_in_progress import headline
from slack_token_tui.tui.widgets.steps import FAILED_STEPS, Step, StepLine, format_steps, step_lines
from tests.support.sign_in_states import FAILED, REMOTE, RETRYING, SAVED, WAITING


def marks(state: SignInState) -> str:
    """Return the marks of all steps, in order."""
    return "".join(step_lines(state, 0.0)[step].mark for step in Step)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (SignInState(), "●·····"),
        (WAITING, "✓✓●···"),
        (replace(WAITING, browser=None), "✓●····"),
        (replace(WAITING, port=None), "!✓●···"),
        (REMOTE, "✓!●···"),
        (replace(WAITING, phase=Phase.EXCHANGING), "✓✓✓●··"),
        (RETRYING, "✓✓✓●··"),
        (replace(WAITING, phase=Phase.VERIFYING), "✓✓✓✓●·"),
        (replace(SAVED, phase=Phase.SAVING, result=None), "✓✓✓✓✓●"),
        (SAVED, "✓✓✓✓✓✓"),
        (FAILED, "✓✓✓✗··"),
        (replace(FAILED, failure=Failure(Phase.WAITING, explain("access_denied"))), "✓✓✗···"),
        (
            replace(SAVED, phase=Phase.FAILED, result=None, failure=Failure(Phase.SAVING, explain("store_full"))),
            "✓✓✓✓✓✗",
        ),
        (SignInState(Phase.FAILED, failure=Failure(Phase.SAVING, explain("store_unwritable"))), "·····✗"),
    ],
)
def test_marks_of_a_state(state: SignInState, expected: str) -> None:
    assert marks(state) == expected


def test_every_phase_that_can_fail_has_a_step() -> None:
    assert set(FAILED_STEPS) == set(Phase) - {Phase.SAVED, Phase.FAILED}


def test_countdowns_come_from_the_clock_of_the_view() -> None:
    assert "4:12 left" in step_lines(WAITING, 0.0)[Step.APPROVE].text
    assert "0:00 left" in step_lines(WAITING, 999.0)[Step.APPROVE].text
    assert "in 8 s" in step_lines(RETRYING, 0.0)[Step.EXCHANGE].note
    assert "in 1 s" in step_lines(RETRYING, 7.9)[Step.EXCHANGE].note


def test_ignored_callbacks_are_noted_while_it_waits() -> None:
    ignored = replace(WAITING, ignored=IgnoredCallbacks(3, explain("state_mismatch")))
    assert "Ignored 3 responses from a different sign-in" in step_lines(ignored, 0.0)[Step.APPROVE].note
    assert step_lines(replace(ignored, phase=Phase.EXCHANGING), 0.0)[Step.APPROVE].note == ""


def test_browser_that_did_not_open_says_why() -> None:
    without = replace(WAITING, browser=NotOpened("No display."))
    assert step_lines(without, 0.0)[Step.BROWSER] == StepLine("!", "No display.")
    assert "SSH session" in step_lines(REMOTE, 0.0)[Step.BROWSER].text


def test_details_show_every_step_and_the_whole_link_while_it_waits() -> None:
    text = format_steps(WAITING, 0.0).plain
    assert [line[:1] for line in text.splitlines()[: len(Step)]] == list("✓✓●···")
    assert str(WAITING.url) in text
    assert str(WAITING.url) not in format_steps(FAILED, 0.0).plain
    assert "\x1b" not in format_steps(replace(WAITING, browser=Opened("a\x1b[31mb")), 0.0).plain


@pytest.mark.parametrize(
    ("state", "title", "note"),
    [
        (SignInState(), "Opening Slack", ""),
        (WAITING, "Click Allow in your browser", "opened in Firefox"),
        (replace(WAITING, browser=NotOpened("No display.")), "Open the link and click Allow", "No display."),
        (REMOTE, "Sign in on your computer", "no browser here"),
        (replace(WAITING, phase=Phase.EXCHANGING), "Getting the token", "you clicked Allow"),
        (RETRYING, "Couldn't resolve slack.com", "trying again in 8 s"),
        (replace(WAITING, phase=Phase.VERIFYING), "Verifying the token", ""),
        (replace(WAITING, phase=Phase.SAVING), "Saving the token", ""),
    ],
)
def test_headline_says_what_happens_or_what_to_do(state: SignInState, title: str, note: str) -> None:
    assert headline(state, 0.0) == (title, note)
