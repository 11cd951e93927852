"""Keys named in the text of a screen. A click on them does what the key does, for those who have only a mouse."""

from __future__ import annotations

from textual.content import Content
from textual.style import Style

from slack_token_tui.tui.actions import find_action

_NO_BREAK = "\N{NO-BREAK SPACE}"


def clickable(words: str, action: str) -> Content:
    """Return ``words``; a click on them does ``action``, as Textual names it."""
    return Content(words).stylize(Style.from_meta({"@click": action}))


BACK_KEY = clickable("Esc back", "app.simulate_key('escape')")


def key_hints(*action_ids: str, screen: str) -> Content:
    """Return the keys that these actions have on ``screen``, with their labels, in one line."""
    found = [action for action_id in action_ids if (action := find_action(action_id, screen)) is not None]
    # No-break spaces within a pair: a narrow line breaks between two of them. The label is what is clicked: a key that were
    # part of it would lose its colour.
    pairs = [
        Content.assemble(
            (action.key_label, "bold $text-primary"),
            _NO_BREAK,
            (action.label.lower().replace(" ", _NO_BREAK), Style.from_meta({"@click": f"screen.{action.id}"})),
        )
        for action in found
    ]
    return Content("  ").join(pairs)
