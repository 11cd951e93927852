"""Explanation of one error: title, Slack's code, one sentence, and the numbered fix with the key of each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from slack_token_tui.problems import Explanation
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.tui.widgets.field import MUTED

_QUESTIONS = {"change_app": "Wrong app?", "other_pair": "Still refused?", "again": "Fixed?"}
"""Question in front of an action that is not part of the numbered fix."""


class ErrorCard(Vertical):
    """Explanation of one error."""

    def __init__(
        self,
        explanation: Explanation,
        key_of: Callable[[str], Content],
        *,
        notes: tuple[str | Content, ...] = (),
        questions: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """
        Args:
            explanation: explanation of the error.
            key_of: returns the key of an action with its label, or "" if the screen doesn't offer it now.
            notes: sentences between the explanation and the fix.
            questions: more questions with the action that answers each.
        """
        super().__init__()
        self._explanation = explanation
        self._key_of = key_of
        self._notes = notes
        self._questions = questions

    def compose(self) -> ComposeResult:
        explanation = self._explanation
        yield Static(
            Content.assemble((f"✗ {explanation.title}", "bold $text-error"), "   ", (explanation.code, MUTED)),
            classes="error_title",
        )
        if not explanation.is_sentence:
            yield Static(Content(escape_unprintable(explanation.happened)))
        for note in self._notes:
            yield Static(Content.from_text(note, markup=False), classes="note")
        shown: set[str] = set()
        with Vertical(classes="fix"):
            for number, step in enumerate(explanation.steps, 1):
                key = self._key_of(step.action) if step.action and step.action not in shown else Content("")
                shown.add(step.action or "")
                yield step_row(number, step.text, key)
        yield from self._compose_questions(shown)

    def _compose_questions(self, shown: set[str]) -> Iterator[Widget]:
        offered = [(_QUESTIONS.get(action, ""), action) for action in self._explanation.actions if action not in shown]
        lines = [
            Content.assemble((question, MUTED), "  " if question else "", key)
            for question, action in (*self._questions, *offered)
            if (key := self._key_of(action))
        ]
        if lines:
            yield Static(Content("\n").join(lines), classes="questions")


def step_row(number: int, text: str, key: Content) -> Horizontal:
    """Return a row with a number, a text, and a key on the right."""
    return Horizontal(
        Static(Content.styled(str(number), "$text-primary"), classes="number"),
        Static(Content(escape_unprintable(text)), classes="text"),
        Static(key, classes="keys" if key else "keys -none"),
        classes="step",
    )


def redirect_uri_rows(
    explanation: Explanation, sent: str, registered: tuple[str, ...]
) -> list[tuple[str, tuple[str, ...]]]:
    """Return the redirect URL that was sent and those to register, if ``explanation`` is about them.

    They must be equal, so the rows are shown one above the other.
    """
    if "copy_redirect" not in explanation.actions or not registered:
        return []
    return [*([("Sent", (sent,))] if sent else []), ("Register", registered)]


def format_report(explanation: Explanation, version: str) -> str:
    """Return the error as text to share. The values filled into an explanation contain no secrets."""
    lines = [f"slack-token-tui {version}", f"{explanation.title} ({explanation.code})", explanation.happened]
    return "\n".join([*lines, *(f"- {remedy}" for remedy in explanation.remedies)])
