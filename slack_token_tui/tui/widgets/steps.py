"""Steps of a sign-in: completed, in progress, and pending, with the error below the step that failed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import var
from textual.timer import Timer

from slack_token_tui.desktop.browser import NotOpened, Opened
from slack_token_tui.oauth.state import Phase, SignInState
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.tui.widgets.error_card import ErrorCard
from slack_token_tui.tui.widgets.field import MUTED, Field
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
    Step.APPROVE: "Wait for you to press Allow",
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
    _NOW: "$text-accent",
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
        others = "".join(f" · passed over {holder}" for holder in state.port.skipped)
        address = state.redirect_uri.split("://", 1)[1].split("/", 1)[0]
        return StepLine(_DONE, f"Listening on {address}, {' and '.join(state.port.families)}{others}")
    if state.redirect_uri:
        why = state.paste_reason
        reason = f"{why.title}: {why.happened}" if why else f"Slack sends the browser to {state.redirect_uri}."
        return StepLine(_WARN, f"By paste. {reason} Press Allow, then paste the address the browser ends on.")
    return None if state.is_ended else StepLine(_NOW, PENDING_LABELS[Step.LISTEN])


def _browser_line(state: SignInState) -> StepLine | None:
    match state.browser:
        case Opened(name):
            return StepLine(_DONE, f"Opened in {name}")
        case NotOpened(reason):
            # With a browser on another machine, the panel below says what to do.
            can_copy = state.phase is Phase.WAITING and not state.tunnel
            copy = " Press u to copy the address and open it in any browser." if can_copy else ""
            return StepLine(_WARN, f"{reason}{copy}")
    return None if state.url is None else StepLine(_NOW, PENDING_LABELS[Step.BROWSER])


def _approve_line(state: SignInState, now: float) -> StepLine | None:
    if state.phase is Phase.WAITING and state.browser is not None:
        time_left = format_clock(max(0.0, state.deadline - now))
        return StepLine(_NOW, f"Waiting for you to press Allow   {time_left} left · e more time", _approve_note(state))
    is_past = state.phase not in (Phase.PREPARING, Phase.WAITING, Phase.FAILED)
    if is_past or (state.failure and state.failure.phase in _AFTER_APPROVAL and state.url is not None):
        return StepLine(_DONE, "You pressed Allow")
    return None


_AFTER_APPROVAL = frozenset({Phase.EXCHANGING, Phase.RETRYING, Phase.VERIFYING, Phase.SAVING})


def _approve_note(state: SignInState) -> str:
    if state.ignored is not None:
        explanation, count = state.ignored.explanation, state.ignored.count
        callbacks = "1 callback that was" if count == 1 else f"{count} callbacks that were"
        words = f"ignored {callbacks} not ours: {explanation.title.lower()}"
        if state.ignored.is_about_browser:  # the hint says what to do
            return explanation.title
        return explanation.happened if state.ignored.is_about_port else words
    if state.tunnel is not None:  # the steps for another machine leave no room for a hint below
        return f"{'Nothing yet. ' if state.hint else ''}If the browser shows an error, press b."
    return ""


def _exchange_line(state: SignInState, now: float) -> StepLine | None:
    if state.phase is Phase.EXCHANGING:
        return StepLine(_NOW, PENDING_LABELS[Step.EXCHANGE])
    if state.phase is Phase.RETRYING and state.retry_reason is not None and state.retry_at is not None:
        seconds = max(1, math.ceil(state.retry_at - now))
        note = f"{state.retry_reason.title}. Sent again in {seconds} s, without another Allow · r now"
        return StepLine(_NOW, PENDING_LABELS[Step.EXCHANGE], note)
    is_past = state.phase in (Phase.VERIFYING, Phase.SAVING, Phase.SAVED)
    if is_past or (state.failure and state.failure.phase in (Phase.VERIFYING, Phase.SAVING) and state.url is not None):
        return StepLine(_DONE, "Exchanged the code for a token")
    return None


def _verify_line(state: SignInState) -> StepLine | None:
    if state.identity is not None:
        who = state.identity
        where = who.team_name or who.team_id or "your organisation"
        return StepLine(_DONE, f"You are {who.user_name or who.user_id} in {where}")
    if state.unverified is not None and state.failure is None:
        return StepLine(_WARN, f"{state.unverified.title}. The token is saved all the same, not verified.")
    return StepLine(_NOW, PENDING_LABELS[Step.VERIFY]) if state.phase is Phase.VERIFYING else None


def _save_line(state: SignInState) -> StepLine | None:
    if state.result is not None:
        verb = "Updated" if state.result.replaced else "Saved as"
        return StepLine(_DONE, f"{verb} {state.result.profile.name}")
    return StepLine(_NOW, PENDING_LABELS[Step.SAVE]) if state.phase is Phase.SAVING else None


class Steps(Vertical):
    """One line per step. The error is shown below the step that failed."""

    DEFAULT_CSS = "Steps { height: auto; }"
    state = var(SignInState())
    registered_uris: tuple[str, ...] = ()
    """Redirect URLs of the app, for an error that is about them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """
        Args:
            clock: the clock of the sign-in, in seconds.
        """
        super().__init__()
        self._clock = clock
        self._shown: dict[Step, StepLine] = {}
        self._countdown: Timer | None = None

    def compose(self) -> ComposeResult:
        for step in Step:
            yield Field(Content(""), width=2, id=f"step_{step}")

    def on_mount(self) -> None:
        self._countdown = self.set_interval(1.0, self._show_lines, pause=True)
        self._show_lines()

    def watch_state(self, old: SignInState, new: SignInState) -> None:
        if not self.children:  # it is not composed yet, or being removed
            return
        if self._countdown is not None:
            is_counting = new.phase in (Phase.WAITING, Phase.RETRYING)
            self._countdown.resume() if is_counting else self._countdown.pause()
        self._show_lines()
        if (new.failure, new.unusable, new.code_expires_at) != (old.failure, old.unusable, old.code_expires_at):
            self.query(ErrorCard).remove()
            if new.failure is not None:
                card = ErrorCard(new.failure.explanation, new, self.registered_uris)
                self.mount(card, after=f"#step_{FAILED_STEPS[new.failure.phase]}")

    def _show_lines(self) -> None:
        lines = step_lines(self.state, self._clock())
        for step, line in lines.items():
            if line != self._shown.get(step):
                self._show_line(step, line)
        self._shown = lines

    def _show_line(self, step: Step, line: StepLine) -> None:
        text = escape_unprintable(line.text)  # a program's name may contain any character
        content = Content.styled(text, MUTED) if line.mark == _NEXT else Content(text)
        if line.note:
            content = Content.assemble(content, ("\n" + line.note, "$text-warning"))
        mark = Content.styled(line.mark, f"bold {_COLORS[line.mark]}")
        self.query_one(f"#step_{step}", Field).show(content, mark)
