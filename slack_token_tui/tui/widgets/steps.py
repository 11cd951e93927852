"""Text of the steps of a sign-in: completed, in progress, pending and failed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from textual.content import Content
from textual.style import Style

from slack_token_tui.desktop.browser import NotOpened, Opened
from slack_token_tui.oauth.state import Phase, SignInState
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.time_format import format_clock


class Step(StrEnum):
    """The steps that the user sees, in order."""

    LISTEN = "listen"
    BROWSER = "browser"
    APPROVE = "approve"
    EXCHANGE = "exchange"
    VERIFY = "verify"
    SAVE = "save"


PENDING_LABELS = {
    Step.LISTEN: "Open a port on localhost",
    Step.BROWSER: "Open Slack in your browser",
    Step.APPROVE: "Wait for you to click Allow",
    Step.EXCHANGE: "Exchange the code for a token",
    Step.VERIFY: "Ask Slack who you are",
    Step.SAVE: "Save the token",
}
FAILED_STEPS = {
    Phase.PREPARING: Step.LISTEN,
    Phase.WAITING: Step.APPROVE,
    Phase.EXCHANGING: Step.EXCHANGE,
    Phase.RETRYING: Step.EXCHANGE,
    Phase.VERIFYING: Step.VERIFY,
    Phase.SAVING: Step.SAVE,
}
"""The step that shows the failure of a phase."""
_DONE, _WARN, _NOW, _NEXT, _FAILED = "✓", "!", "●", "·", "✗"
_COLORS = {
    _DONE: "$text-success",
    _WARN: "$text-warning",
    _NOW: "$text-primary",
    _NEXT: MUTED,
    _FAILED: "$text-error",
}


@dataclass(frozen=True)
class StepLine:
    """What is shown of one step: its mark, its text, and a note below it."""

    mark: str
    text: str
    note: str = ""


def step_lines(state: SignInState, now: float) -> dict[Step, StepLine]:
    """Return the line of each step.

    Args:
        state: the state of the sign-in.
        now: the time on the clock of the sign-in, in seconds.
    """
    found = {
        Step.LISTEN: _listen_line(state),
        Step.BROWSER: _browser_line(state),
        Step.APPROVE: _approve_line(state, now),
        Step.EXCHANGE: _exchange_line(state, now),
        Step.VERIFY: _verify_line(state),
        Step.SAVE: _save_line(state),
    }
    lines = {step: line or StepLine(_NEXT, PENDING_LABELS[step]) for step, line in found.items()}
    if state.failure is not None:
        failed = FAILED_STEPS[state.failure.phase]
        lines[failed] = StepLine(_FAILED, PENDING_LABELS[failed])
    return lines


def _listen_line(state: SignInState) -> StepLine | None:
    if state.port is not None:
        others = "".join(f" · in use: {holder}" for holder in state.port.skipped)
        host = state.redirect_uri.split("://", 1)[1].split("/", 1)[0]
        return StepLine(_DONE, f"Listening on {host}, {' and '.join(state.port.families)}{others}")
    if state.redirect_uri:
        why = state.paste_reason
        reason = f"{why.title}. {why.happened}" if why else f"Slack sends the browser to {state.redirect_uri}."
        return StepLine(_WARN, f"{reason} Click Allow, then paste the URL you land on.")
    return None if state.is_ended else StepLine(_NOW, PENDING_LABELS[Step.LISTEN])


def _browser_line(state: SignInState) -> StepLine | None:
    match state.browser:
        case Opened(name):
            return StepLine(_DONE, f"Opened in {name}")
        case NotOpened(reason):
            return StepLine(_WARN, reason)
    return None if state.url is None else StepLine(_NOW, PENDING_LABELS[Step.BROWSER])


def _approve_line(state: SignInState, now: float) -> StepLine | None:
    if state.phase is Phase.WAITING and state.browser is not None:
        time_left = format_clock(max(0.0, state.deadline - now))
        return StepLine(_NOW, f"Waiting for you to click Allow, {time_left} left", _approve_note(state))
    is_past = state.phase not in (Phase.PREPARING, Phase.WAITING, Phase.FAILED)
    if is_past or (state.failure and state.failure.phase in _AFTER_APPROVAL and state.url is not None):
        return StepLine(_DONE, "You clicked Allow")
    return None


_AFTER_APPROVAL = frozenset({Phase.EXCHANGING, Phase.RETRYING, Phase.VERIFYING, Phase.SAVING})


def _approve_note(state: SignInState) -> str:
    if state.ignored is None:
        return ""
    explanation, count = state.ignored.explanation, state.ignored.count
    if state.ignored.is_important:
        return f"{explanation.title}. {explanation.happened}"
    return f"Ignored {count} response{'s' if count > 1 else ''} from a different sign-in"


def _exchange_line(state: SignInState, now: float) -> StepLine | None:
    if state.phase is Phase.EXCHANGING:
        return StepLine(_NOW, PENDING_LABELS[Step.EXCHANGE])
    if state.phase is Phase.RETRYING and state.retry_reason is not None and state.retry_at is not None:
        seconds = max(1, math.ceil(state.retry_at - now))
        note = f"{state.retry_reason.title}. Trying again in {seconds} s. You don't need to click Allow again."
        return StepLine(_NOW, PENDING_LABELS[Step.EXCHANGE], note)
    is_past = state.phase in (Phase.VERIFYING, Phase.SAVING, Phase.SAVED)
    if is_past or (state.failure and state.failure.phase in (Phase.VERIFYING, Phase.SAVING) and state.url is not None):
        return StepLine(_DONE, "Exchanged the code for a token")
    return None


def _verify_line(state: SignInState) -> StepLine | None:
    if state.identity is not None:
        who = state.identity
        where = who.team_name or who.team_id or "your organization"
        return StepLine(_DONE, f"You are {who.user_name or who.user_id} in {where}")
    if state.unverified is not None and state.failure is None:
        return StepLine(_WARN, f"{state.unverified.title}. The token is saved but not verified.")
    return StepLine(_NOW, PENDING_LABELS[Step.VERIFY]) if state.phase is Phase.VERIFYING else None


def _save_line(state: SignInState) -> StepLine | None:
    if state.result is not None:
        verb = "Updated" if state.result.replaced else "Saved as"
        return StepLine(_DONE, f"{verb} {state.result.profile.name}")
    return StepLine(_NOW, PENDING_LABELS[Step.SAVE]) if state.phase is Phase.SAVING else None


def format_steps(state: SignInState, now: float) -> Content:
    """Return the steps of a sign-in, one per line, and the whole link, for the details."""
    rows = []
    for line in step_lines(state, now).values():
        text = escape_unprintable(line.text)  # a program's name may contain any character
        row = Content.assemble(
            (f"{line.mark} ", f"bold {_COLORS[line.mark]}"), (text, MUTED if line.mark == _NEXT else "")
        )
        rows.append(
            Content.assemble(row, (f"\n  {escape_unprintable(line.note)}" if line.note else "", "$text-warning"))
        )
    if state.url is not None and not state.is_ended:
        rows.append(Content.assemble(("\nLink\n", MUTED), Content.styled(state.url, Style(link=state.url))))
    return Content("\n").join(rows)
