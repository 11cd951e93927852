"""An error where it happened: title, what happened, likely causes, Slack's code, what to do, and the keys that do it."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from slack_token_tui.slack.explanations import Explanation
from slack_token_tui.tui.actions import find


class ErrorCard(Static):
    """Shows one explanation."""

    def __init__(self, explanation: Explanation) -> None:
        super().__init__(card(explanation))
        self.explanation = explanation


def card(explanation: Explanation) -> Content:
    """Return the card's text."""
    parts: list[Content] = [
        Content.assemble((explanation.title, "bold $text-error"), "  ", (explanation.code, "$text-muted")),
        Content(explanation.happened),
        Content.assemble(("Likely   ", "$text-muted"), "; ".join(explanation.causes) + "."),
    ]
    parts += [
        Content.assemble((f"Do {number:<6}" if number == 1 else f"   {number:<6}", "$text-muted"), remedy)
        for number, remedy in enumerate(explanation.remedies, 1)
    ]
    return Content("\n").join([*parts, keys_line(explanation)])


def keys_line(explanation: Explanation) -> Content:
    """Return the keys that act on ``explanation``, the best first."""
    ids = [*(action for action in explanation.actions if action != "paste"), "explain", "leave"]
    found = [action for action in map(find, ids) if action is not None]
    return Content("  ").join(
        Content.assemble((action.shown_key, "bold $text-primary"), f" {action.label.lower()}") for action in found
    )


def report(explanation: Explanation, version: str) -> str:
    """Return the error as text to send to somebody. The catalogue's facts hold no secret."""
    lines = [f"slack-token-tui {version}", f"{explanation.title} ({explanation.code})", explanation.happened]
    return "\n".join([*lines, *(f"- {remedy}" for remedy in explanation.remedies)])
