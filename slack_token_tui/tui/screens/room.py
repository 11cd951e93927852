"""What all main screens share: letters are keys only while no field has the focus, and the footer shows which is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import events
from textual.screen import Screen
from textual.widgets import Input

from slack_token_tui.tui.actions import find

if TYPE_CHECKING:
    from slack_token_tui.tui.app import TokenApp


class Room(Screen[None]):
    """A main screen. ``room`` is its name in the table of actions."""

    room: str

    @property
    def token_app(self) -> TokenApp:
        """The app, by its own type."""
        return cast("TokenApp", self.app)

    def can_do(self, action_id: str) -> bool:
        """Tell whether an action of the table makes sense right now. Screens narrow it down."""
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual asks this before it offers or runs a binding."""
        known = find(action)
        if known is None or self.room not in known.screens:
            return True
        if known.is_letter and isinstance(self.focused, Input):
            return False
        return self.can_do(action)

    def on_descendant_focus(self, _: events.DescendantFocus) -> None:
        """The footer follows the focus."""
        self.refresh_bindings()

    def on_descendant_blur(self, _: events.DescendantBlur) -> None:
        """The footer follows the focus."""
        self.refresh_bindings()

    def action_help(self) -> None:
        """Show what can be done here."""
        from slack_token_tui.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self.room))
