"""Help dialog: what each key of a screen does and why to use it."""

from __future__ import annotations

import os
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from slack_token_tui.desktop import environment
from slack_token_tui.tui.actions import SCREEN_DESCRIPTIONS, Action, actions_for
from slack_token_tui.tui.screens.dialogs import Dialog
from slack_token_tui.tui.widgets.field import MUTED, Field
from slack_token_tui.tui.widgets.keys import BACK_KEY


class HelpDialog(Dialog[None]):
    """Actions of one screen, the ones available now first."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,question_mark,f1,enter", "dismiss", "Back")]

    def __init__(self, screen_id: str, available: frozenset[str]) -> None:
        """
        Args:
            screen_id: id of the screen whose actions are listed.
            available: ids of the actions that are available now.
        """
        super().__init__()
        self._screen_id = screen_id
        self._available = available

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="sheet"):
            yield Static(Content.assemble(("Help", "bold"), f"  {SCREEN_DESCRIPTIONS[self._screen_id]}\n"))
            yield from (
                _format_action(action) for action in actions_for(self._screen_id) if action.id in self._available
            )
            if others := [action for action in actions_for(self._screen_id) if action.id not in self._available]:
                yield Static(Content.styled("\nAt other times", MUTED))
                yield from map(_format_action, others)
            for hint in environment.detect(os.environ).hints:
                yield Static(Content.styled(f"\n{hint}", MUTED))
            words = "↑ ↓ scroll · F1 opens this in a field too · Ctrl+P finds actions by name · Ctrl+C twice quits · "
            yield Static(Content.assemble(words, BACK_KEY), classes="keys")


def _format_action(action: Action) -> Field:
    key = Content.styled(action.key_label, "bold $text-primary")
    return Field(key, Content.assemble((action.label, "bold"), f"  {action.help}"), width=7)
