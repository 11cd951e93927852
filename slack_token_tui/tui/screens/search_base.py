"""Base class of screens with a search field above a list.

The down arrow moves from the search field to the list, where letters are keys.
"""

from __future__ import annotations

from textual import events
from textual.widgets import OptionList

from slack_token_tui.tui.screens.base import AppScreen, ScreenResult
from slack_token_tui.tui.widgets.input import Input

_MAX_SEARCH_LENGTH = 200


class SearchScreen(AppScreen[ScreenResult]):
    """Main screen with one :class:`~slack_token_tui.tui.widgets.search_box.SearchBox` and one list."""

    def is_available(self, action_id: str) -> bool:
        if action_id == "to_list":
            # Only from the search field, and only if the list has entries.
            return isinstance(self.focused, Input) and self.query_one(OptionList).option_count > 0
        return super().is_available(action_id)

    def on_paste(self, event: events.Paste) -> None:
        # A paste into the list is a search too.
        event.stop()
        search = self.query_one("#search", Input)
        search.value = " ".join(event.text.split())[:_MAX_SEARCH_LENGTH]
        search.focus()

    def action_to_list(self) -> None:
        self.query_one(OptionList).focus()

    def action_search(self) -> None:
        self.query_one("#search").focus()
