"""Search field above a list. The down arrow moves to the list."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from slack_token_tui.tui.widgets.input import Input


class SearchBox(Input):
    """Search field that doesn't select its text on focus, because text typed elsewhere may be added to it."""

    # Textual binds the arrow keys of every widget to scrolling. Only a binding on the field itself takes precedence.
    BINDINGS: ClassVar[list[BindingType]] = [Binding("down", "screen.to_list", "Into the list", key_display="↓")]

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder=placeholder, select_on_focus=False, id="search")
