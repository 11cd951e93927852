"""Search field above a list."""

from __future__ import annotations

from textual import events

from slack_token_tui.tui.widgets.input import Input

_MAX_LENGTH = 400


class SearchBox(Input):
    """Search field that doesn't select its text on focus, because text typed elsewhere may be added to it."""

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder=placeholder, select_on_focus=False, id="search")

    def on_paste(self, event: events.Paste) -> None:
        """Search for pasted text, which may have several lines. The screen passes what was pasted elsewhere."""
        event.stop()
        event.prevent_default()
        if not self.refuse_secret(event):
            self.value = join_lines(event.text)
            self.cursor_position = len(self.value)


def join_lines(text: str) -> str:
    """Return ``text`` in one line that a search field can hold."""
    return " ".join(text.split())[:_MAX_LENGTH]
