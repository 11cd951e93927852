"""Every event in every phase, the commands of each phase, and the diagram of the architecture guide."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from slack_token_tui.desktop.browser import Opened
from slack_token_tui.oauth import events
from slack_token_tui.oauth.events import Event
from slack_token_tui.oauth.state import Command, Phase, SignInState, allowed, reduce
from slack_token_tui.oauth.unusable_response import UnusableTokenResponse
from slack_token_tui.problems import explain
from slack_token_tui.slack.responses import Identity
from slack_token_tui.store.profiles import SavedProfile
from tests.support.profiles import profile

REASON = explain("ratelimited")
SAVED = SavedProfile(profile(), Path("acme.json"))
EXAMPLES: tuple[Event, ...] = (
    events.Listening("http://localhost:1/callback", ("IPv4",)),
    events.PasteRequired("https://example.com/", None),
    events.BrowserOpening("https://slack.com/oauth"),
    events.BrowserResult(Opened("Firefox")),
    events.RemoteBrowser("ssh -L"),
    events.StillWaiting(),
    events.DeadlineExtended(99.0),
    events.CallbacksIgnored(3, REASON),
    events.Exchanging(),
    events.ExchangeDelayed(12.0, REASON),
    events.CodeExpired(),
    events.TokenReceived(),
    events.Verified(Identity("U1")),
    events.Unverified(REASON),
    events.SavingAgain(),
    events.Saved(SAVED),
    events.SavedRefusedToken(SAVED, REASON),
    events.Failed(Phase.EXCHANGING, REASON, code_expires_at=600.0),
    events.TokenRescued(Path("rescued")),
    events.TokenDiscarded(),
    events.UnusableTokenRevoked(),
)
P = Phase
TRANSITIONS: dict[type[Event], dict[Phase, Phase]] = {
    events.BrowserOpening: {P.PREPARING: P.WAITING},
    events.Exchanging: {P.WAITING: P.EXCHANGING, P.RETRYING: P.EXCHANGING, P.FAILED: P.EXCHANGING},
    events.ExchangeDelayed: {P.EXCHANGING: P.RETRYING},
    events.TokenReceived: {P.EXCHANGING: P.VERIFYING},
    events.Verified: {P.VERIFYING: P.SAVING},
    events.Unverified: {P.VERIFYING: P.SAVING},
    events.SavingAgain: {P.FAILED: P.SAVING},
    events.SavedRefusedToken: {Phase.SAVING: Phase.FAILED},
    events.Saved: {P.SAVING: P.SAVED},
    events.Failed: dict.fromkeys(set(P) - {P.SAVED, P.FAILED}, P.FAILED),
}
"""The phases that an event leads to. In all others it changes no phase."""


def test_there_is_an_example_of_every_event() -> None:
    assert {type(event) for event in EXAMPLES} == set(get_args(Event))


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_event_in_a_phase(event: Event, phase: Phase) -> None:
    state = SignInState(phase)
    after = reduce(state, event)
    assert after.phase is TRANSITIONS.get(type(event), {}).get(phase, phase)
    assert reduce(after, event).phase in (after.phase, Phase.EXCHANGING), "an event that comes twice does no harm"


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_saved_sign_in_does_not_change(event: Event) -> None:
    state = SignInState(Phase.SAVED, result=SAVED)
    assert reduce(state, event) is state


def test_token_exists_in_memory_until_it_is_saved_rescued_or_discarded() -> None:
    state = reduce(SignInState(Phase.EXCHANGING), events.TokenReceived())
    assert state.unsaved
    failed = reduce(replace(state, phase=Phase.SAVING), events.Failed(Phase.SAVING, REASON))
    assert failed.unsaved and Command.SAVE_AGAIN in allowed(failed)
    assert not reduce(reduce(failed, events.SavingAgain()), events.Saved(SAVED)).unsaved
    assert reduce(failed, events.TokenRescued(Path("x"))).rescued_path == Path("x")
    assert reduce(failed, events.TokenDiscarded()).discarded
    for ending in (events.TokenRescued(Path("x")), events.TokenDiscarded()):
        ended = reduce(failed, ending)
        assert not ended.unsaved and Command.SAVE_AGAIN not in allowed(ended)


def test_new_attempt_forgets_the_failure() -> None:
    failed = reduce(SignInState(Phase.EXCHANGING), events.Failed(Phase.EXCHANGING, REASON, code_expires_at=600.0))
    assert Command.RETRY_EXCHANGE in allowed(failed)
    again = reduce(failed, events.Exchanging())
    assert again.failure is None and again.code_expires_at is None


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_can_be_left(phase: Phase) -> None:
    assert Command.STOP in allowed(SignInState(phase))


def test_commands_of_a_failure_depend_on_what_is_left() -> None:
    failed = SignInState(Phase.FAILED)
    assert allowed(failed) == {Command.STOP, Command.START_AGAIN}
    assert allowed(replace(failed, unsaved=True)) == {Command.STOP, Command.START_AGAIN, Command.SAVE_AGAIN}
    unusable = UnusableTokenResponse((), None)
    assert Command.REVOKE_UNUSABLE in allowed(replace(failed, unusable=unusable))


def test_user_can_answer_only_while_the_sign_in_waits() -> None:
    for command in (Command.PASTE, Command.EXTEND, Command.OPEN_URL, Command.LOOK_UP_ERROR):
        assert [phase for phase in Phase if command in allowed(SignInState(phase))] == [Phase.WAITING]


# ── the diagram in the architecture guide ──

GUIDE = Path(__file__).parents[2] / ".github" / "ARCHITECTURE.md"
ARROW = re.compile(r"^    (\w+) --> (\w+): (.+)$", re.M)


def test_diagram_shows_every_transition_and_no_other() -> None:
    drawn = {(start, end, name) for start, end, names in ARROW.findall(GUIDE.read_text()) for name in names.split(", ")}
    real = {
        (start.value, end.value, event.__name__)
        for event, phases in TRANSITIONS.items()
        for start, end in phases.items()
    }
    assert drawn == real


def test_table_of_commands_is_that_of_the_code() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", GUIDE.read_text(), re.M))
    complete = SignInState(
        unsaved=True, code_expires_at=1.0, unusable=UnusableTokenResponse((), None)
    )  # everything that a failure may leave
    for phase in Phase:
        commands = sorted(command.value for command in allowed(replace(complete, phase=phase)))
        assert rows[phase] == ", ".join(f"`{command}`" for command in commands)
