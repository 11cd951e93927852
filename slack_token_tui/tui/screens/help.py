"""Help dialog: the keys of a screen, in groups."""

from __future__ import annotations

import os
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from slack_token_tui.desktop import environment
from slack_token_tui.tui.actions import SCREEN_DESCRIPTIONS, Action, Group, actions_for
from slack_token_tui.tui.background import background
from slack_token_tui.tui.screens.dialogs import Dialog
from slack_token_tui.tui.widgets.field import MUTED, Field
from slack_token_tui.tui.widgets.keys import ESC_BACK, KEY, hint

_GENERAL = (
    ("Ctrl+P", "Find an action by name."),
    ("Ctrl+C", "Copy the mouse selection, or stop. Press it twice to quit."),
    ("Shift+drag", "Select text with your terminal."),
)


class HelpDialog(Dialog[None]):
    """Keys of one screen in groups. Those that don't work now are muted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q,question_mark,enter", "dismiss", "Back"),
        ("f1", "open_docs", "Help topics"),
    ]

    def __init__(self, screen_id: str, available: frozenset[str], *, is_practice: bool) -> None:
        """
        Args:
            screen_id: id of the screen whose actions are listed.
            available: ids of the actions that are available now.
            is_practice: whether to list the actions of practice mode.
        """
        super().__init__()
        self._is_practice = is_practice
        self._screen_id = screen_id
        self._available = available

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="sheet"):
            yield Static(Content.assemble(("Keys\n", "bold"), (SCREEN_DESCRIPTIONS[self._screen_id], MUTED)))
            listed = [
                action for action in actions_for(self._screen_id) if self._is_practice or not action.only_practice
            ]
            available = [action for action in listed if action.id in self._available]
            taken = {action.keys for action in available}
            actions = [action for action in listed if action in available or (action.keys and action.keys not in taken)]
            actions = [action for action in actions if action.keys]
            for group in Group:
                if found := [action for action in actions if action.group is group]:
                    yield Static(Content.styled(group.value, MUTED), classes="question")
                    yield from (_format_action(action, is_available=action.id in self._available) for action in found)
            for key, text in _GENERAL:
                yield Field(Content.styled(key, KEY), Content(text), width=12)
            for line in environment.detect(os.environ).hints:
                yield Static(Content.styled(line, MUTED))

    def format_keys(self) -> Content:
        return Content.assemble(hint("F1", "help topics", "screen.open_docs"), "  ", ESC_BACK)

    @background()
    async def action_open_docs(self) -> None:
        from slack_token_tui.tui.screens.docs import TopicDialog, create_topics_menu

        while (topic := await self.app.push_screen_wait(create_topics_menu())) is not None:
            await self.app.push_screen_wait(TopicDialog(topic))


def _format_action(action: Action, *, is_available: bool) -> Field:
    key = Content.styled(action.key_label, KEY if is_available else MUTED)
    return Field(key, Content.styled(action.help, "" if is_available else MUTED), width=12)
