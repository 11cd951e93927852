"""Buttons below a scope field: common sets of scopes, and one that opens the full list."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Button

from slack_token_tui.slack.scopes import PRESETS


class Presets(Horizontal):
    """Row of buttons for common sets of scopes."""

    class Chosen(Message):
        """Posted when a set was chosen."""

        def __init__(self, scopes: tuple[str, ...]) -> None:
            super().__init__()
            self.scopes = scopes

    def __init__(self, to_list: str) -> None:
        """
        Args:
            to_list: action of the screen that opens the full list.
        """
        super().__init__(id="presets")
        self._to_list = to_list

    def compose(self) -> ComposeResult:
        for number, preset in enumerate(PRESETS):
            button = Button(Content(preset.label), id=f"preset_{number}", compact=True)
            button.tooltip = Content(f"{preset.purpose}: {', '.join(preset.scopes)}")
            yield button
        yield Button("Choose from a list (F2)", id=self._to_list, compact=True)

    @on(Button.Pressed)
    async def handle_button(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == self._to_list:
            await self.screen.run_action(self._to_list)
        else:
            self.post_message(self.Chosen(PRESETS[int(str(event.button.id).removeprefix("preset_"))].scopes))
