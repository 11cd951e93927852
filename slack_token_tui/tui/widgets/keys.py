"""Key hints in the text of a screen. A click runs the action of the key, for users who only have a mouse."""

from __future__ import annotations

from textual.content import Content
from textual.style import Style

from slack_token_tui.tui.actions import find_action

_NO_BREAK = "\N{NO-BREAK SPACE}"


def clickable(words: str, action: str) -> Content:
    """Return ``words`` as text that runs the Textual action ``action`` on a click."""
    return Content(words).stylize(Style.from_meta({"@click": action}))


BACK_KEY = clickable("Esc back", "app.simulate_key('escape')")


def key_hints(*action_ids: str, screen: str) -> Content:
    """Return the keys of these actions on ``screen``, with their labels, in one line."""
    found = [action for action_id in action_ids if (action := find_action(action_id, screen)) is not None]
    # No-break spaces inside a pair make a narrow line break between pairs. Only the label is clickable, because the key
    # would lose its color as part of the link.
    pairs = [
        Content.assemble(
            (action.key_label, "bold $text-primary"),
            _NO_BREAK,
            (action.label.lower().replace(" ", _NO_BREAK), Style.from_meta({"@click": f"screen.{action.id}"})),
        )
        for action in found
    ]
    return Content("  ").join(pairs)
