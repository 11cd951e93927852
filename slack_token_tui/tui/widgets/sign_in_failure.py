"""Sheet of a failed sign-in: what happened, and which key fixes it."""

from __future__ import annotations

from textual.containers import VerticalScroll
from textual.content import Content
from textual.reactive import var
from textual.widgets import Static

from slack_token_tui.oauth.state import Command, Phase, SignInState, allowed
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.tui.actions import SIGN_IN
from slack_token_tui.tui.widgets.error_card import ErrorCard
from slack_token_tui.tui.widgets.keys import buttons, key_hint


class SignInFailure(VerticalScroll):
    """Sheet that is shown while the sign-in has failed."""

    state = var(SignInState())

    def __init__(self) -> None:
        super().__init__(id="failure", classes="sheet -error")

    def on_mount(self) -> None:
        self.watch_state(SignInState(), self.state)

    def watch_state(self, old: SignInState, new: SignInState) -> None:
        if not self.is_attached:
            return
        self.display = new.failure is not None
        parts = (new.failure, new.unusable, new.code_expires_at, new.unsaved)
        if parts == (old.failure, old.unusable, old.code_expires_at, old.unsaved) and self.children:
            return
        self.remove_children()
        if new.failure is not None:
            self.mount(_create_card(new), *_create_buttons(new))


def _create_card(state: SignInState) -> ErrorCard:
    assert state.failure is not None
    commands, notes = allowed(state), []
    questions: list[tuple[str, str]] = []
    if Command.RETRY_EXCHANGE in commands:
        notes.append("You don't need to click Allow again.")
    if Command.SAVE_AGAIN in commands:
        notes.append("Your new token isn't saved yet. Fix the problem, then save it.")
        if state.failure.explanation.code.startswith("keyring_"):
            questions.append(("Or", "save_in_file"))
    if state.failure.phase is Phase.WAITING and state.failure.explanation.code == "sign_in_timed_out":
        questions.append(("Browser shows an error?", "browser_says"))
    if state.unusable is not None:
        notes.append(escape_unprintable(state.unusable.sentence))
        questions.append(("Revoke that token?", "undo"))

    def key_of(action: str) -> Content:
        if action == "again" and Command.SAVE_AGAIN in commands:
            return Content("")
        return key_hint(action, SIGN_IN)

    return ErrorCard(state.failure.explanation, key_of, notes=tuple(notes), questions=tuple(questions))


def _create_buttons(state: SignInState) -> list[Static]:
    """Return the primary button, unless the card shows its key."""
    assert state.failure is not None
    primary = "save_again" if Command.SAVE_AGAIN in allowed(state) else "again"
    if primary in state.failure.explanation.actions:
        return []
    return [Static(buttons(primary, screen=SIGN_IN), classes="buttons")]
