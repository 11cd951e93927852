"""``?``: what can be done on this screen, and why one would."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from slack_token_tui.tui.actions import ABOUT, on
from slack_token_tui.tui.screens.sheets import Sheet
from slack_token_tui.tui.widgets.field import Field


class HelpScreen(Sheet[None]):
    """The table of actions of one screen."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,question_mark,enter", "dismiss", "Back")]

    def __init__(self, room: str) -> None:
        super().__init__()
        self._room = room

    def compose(self) -> ComposeResult:
        """A text that scrolls."""
        with VerticalScroll(classes="sheet"):
            yield Static(Content.assemble(("Help", "bold"), f"  {ABOUT[self._room]}\n"))
            for action in on(self._room):
                key = Content.styled(action.shown_key, "bold $text-primary")
                yield Field(key, Content.assemble((action.label, "bold"), f"  {action.help}"), width=5)
            words = "↑ ↓ scroll · Tab to the details · Ctrl+P every action by name · Ctrl+C twice quits · Esc back"
            yield Static(words, classes="keys")
