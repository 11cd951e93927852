"""A main screen with a search above a list: typing finds, the arrow leads into the list, where letters are keys."""

from __future__ import annotations

from textual import events
from textual.widgets import OptionList

from slack_token_tui.tui.screens.base import Answer, AppScreen
from slack_token_tui.tui.widgets.input import Input

_MAX_SEARCH_LENGTH = 200


class SearchScreen(AppScreen[Answer]):
    """It has one :class:`SearchBox` and one list."""

    def is_available(self, action_id: str) -> bool:
        """Into the list only from the search, and only where there is something in it."""
        if action_id == "to_list":
            return isinstance(self.focused, Input) and self.query_one(OptionList).option_count > 0
        return super().is_available(action_id)

    def on_paste(self, event: events.Paste) -> None:
        """A paste into the list searches too."""
        event.stop()
        search = self.query_one("#search", Input)
        search.value = " ".join(event.text.split())[:_MAX_SEARCH_LENGTH]
        search.focus()

    def action_to_list(self) -> None:
        """Into the list, where letters are keys."""
        self.query_one(OptionList).focus()

    def action_search(self) -> None:
        """Back to the search."""
        self.query_one("#search").focus()
