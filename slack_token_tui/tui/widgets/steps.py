"""Steps of a sign-in: completed, in progress, and pending."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from slack_token_tui.oauth.events import Step
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.tui.widgets.error_card import ErrorCard
from slack_token_tui.tui.widgets.field import MUTED, Field

_PENDING_LABELS = {
    Step.LISTEN: "Open a port on localhost",
    Step.BROWSER: "Open Slack in your browser",
    Step.APPROVE: "Wait for you to press Allow",
    Step.EXCHANGE: "Exchange the code for a token",
    Step.VERIFY: "Ask Slack who you are",
    Step.SAVE: "Save the token",
}
_DONE, _WARN, _NOW, _NEXT, _FAILED = "✓", "!", "●", "·", "✗"
_COLORS = {
    _DONE: "$text-success",
    _WARN: "$text-warning",
    _NOW: "$text-accent",
    _NEXT: MUTED,
    _FAILED: "$text-error",
}


class Steps(Vertical):
    """One line per step. An error card is shown below the step that failed."""

    DEFAULT_CSS = "Steps { height: auto; }"

    def __init__(self) -> None:
        super().__init__()
        self.current = Step.LISTEN
        self._notes: dict[Step, str] = {}

    def compose(self) -> ComposeResult:
        for step in Step:
            yield Field(Content(""), width=2, id=f"step_{step}")

    def reset(self) -> None:
        """Mark all steps as pending and start the first one."""
        self._notes.clear()
        for step, words in _PENDING_LABELS.items():
            self._show_line(step, _NEXT, words)
        self.start(Step.LISTEN)

    def start(self, step: Step, words: str | None = None) -> None:
        """Mark ``step`` as in progress."""
        self.current = step
        self._show_line(step, _NOW, words or _PENDING_LABELS[step])

    def complete(self, step: Step, words: str) -> None:
        """Mark ``step`` as completed."""
        self._show_line(step, _DONE, words)

    def warn(self, step: Step, words: str) -> None:
        """Mark ``step`` with a warning. The sign-in continues."""
        self._show_line(step, _WARN, words)

    def note(self, step: Step, words: str) -> None:
        """Set a note that is shown below ``step`` while it is in progress."""
        self._notes[step] = words

    async def fail(self, step: Step, card: ErrorCard) -> None:
        """Mark ``step`` as failed and show ``card`` below it."""
        self._notes.pop(step, None)
        self._show_line(step, _FAILED, _PENDING_LABELS[step])
        if self.is_attached:  # a signal may have ended the app meanwhile
            await self.mount(card, after=f"#step_{step}")

    def _show_line(self, step: Step, mark: str, text: str) -> None:
        text = escape_unprintable(text)  # a program's name may contain any character
        line = Content.styled(text, MUTED) if mark == _NEXT else Content(text)
        if mark == _NOW and step in self._notes:
            line = Content.assemble(line, ("\n" + self._notes[step], "$text-warning"))
        self.query_one(f"#step_{step}", Field).show(line, Content.styled(mark, f"bold {_COLORS[mark]}"))
