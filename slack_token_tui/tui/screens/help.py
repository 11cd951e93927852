"""``?``: what can be done on this screen, and why one would."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from slack_token_tui.desktop import environment
from slack_token_tui.tui.actions import ABOUT, Action, on
from slack_token_tui.tui.screens.dialogs import Dialog
from slack_token_tui.tui.widgets.field import MUTED, Field
from slack_token_tui.tui.widgets.keys import BACK


class HelpScreen(Dialog[None]):
    """The table of actions of one screen."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,question_mark,f1,enter", "dismiss", "Back")]

    def __init__(self, room: str, able: frozenset[str]) -> None:
        """
        Args:
            room: whose actions.
            able: ids of those that make sense right now.
        """
        super().__init__()
        self._room = room
        self._able = able

    def compose(self) -> ComposeResult:
        """A text that scrolls."""
        with VerticalScroll(classes="sheet"):
            yield Static(Content.assemble(("Help", "bold"), f"  {ABOUT[self._room]}\n"))
            yield from (_line(action) for action in on(self._room) if action.id in self._able)
            if others := [action for action in on(self._room) if action.id not in self._able]:
                yield Static(Content.styled("\nAt other times", MUTED))
                yield from map(_line, others)
            for hint in environment.look().hints:
                yield Static(Content.styled(f"\n{hint}", MUTED))
            words = "↑ ↓ scroll · F1 opens this in a field too · Ctrl+P finds actions by name · Ctrl+C twice quits · "
            yield Static(Content.assemble(words, BACK), classes="keys")


def _line(action: Action) -> Field:
    key = Content.styled(action.shown_key, "bold $text-primary")
    return Field(key, Content.assemble((action.label, "bold"), f"  {action.help}"), width=7)
