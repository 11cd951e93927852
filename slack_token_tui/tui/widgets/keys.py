"""Key hints and buttons in the text of a screen. A click on them runs the action of the key."""

from __future__ import annotations

from textual.content import Content
from textual.style import Style

from slack_token_tui.tui.actions import find_action

ACTION_META = "key_action"
"""Key of the style metadata that names the Textual action. Textual's own ``@click`` would recolor the text as a link."""
KEY = "bold $text-primary"
_NO_BREAK = "\N{NO-BREAK SPACE}"


def clickable(content: Content, action: str) -> Content:
    """Return ``content`` as text that runs the Textual action ``action`` on a click."""
    return content.stylize(Style.from_meta({ACTION_META: action}))


def hint(key: str, label: str, action: str) -> Content:
    """Return a key with its label. No-break spaces let a narrow line break only between hints."""
    return clickable(Content.assemble((key, KEY), _NO_BREAK, label.replace(" ", _NO_BREAK)), action)


def key_hint(action_id: str, screen: str, label: str = "") -> Content:
    """Return the key of an action of ``screen`` with its label, or "" if the screen has no such action.

    Args:
        action_id: id of the action.
        screen: id of the screen.
        label: label in place of the usual one.
    """
    action = find_action(action_id, screen)
    return Content("") if action is None else hint(action.key_label, label or action.label, f"screen.{action.id}")


def key_hints(*action_ids: str, screen: str) -> Content:
    """Return the keys of these actions on ``screen``, with their labels, in one line."""
    return Content("  ").join([found for action_id in action_ids if (found := key_hint(action_id, screen))])


def button(key: str, label: str, action: str, *, primary: bool = False) -> Content:
    """Return a key with its label that looks like a button."""
    style = "bold $button-color-foreground on $primary" if primary else "$foreground on $panel"
    words = (f" {key}  {label} " if label else f" {key} ").replace(" ", _NO_BREAK)
    return clickable(Content.styled(words, style), action)


def buttons(*action_ids: str, screen: str) -> Content:
    """Return the actions of ``screen`` as buttons in one line. The first one is the primary one."""
    found = [action for action_id in action_ids if (action := find_action(action_id, screen)) is not None]
    return Content("  ").join(
        button(action.key_label, action.title, f"screen.{action.id}", primary=number == 0)
        for number, action in enumerate(found)
    )


ESC_BACK = hint("Esc", "back", "app.simulate_key('escape')")
