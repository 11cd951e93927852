"""The field above a list: typing finds, the arrow leads into the list."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from slack_token_tui.tui.widgets.input import Input


class SearchBox(Input):
    """What is typed elsewhere may be added to it, so it does not select its text when it gets the focus."""

    # Textual gives every widget the arrows to scroll with; only a binding of the field's own comes before those.
    BINDINGS: ClassVar[list[BindingType]] = [Binding("down", "screen.to_list", "Into the list", key_display="↓")]

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder=placeholder, select_on_focus=False, id="search")
