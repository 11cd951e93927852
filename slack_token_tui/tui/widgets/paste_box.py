"""A field that takes a pasted address whole, also one that a terminal has wrapped."""

from __future__ import annotations

from textual import events
from textual.widgets import Input


class PasteBox(Input):
    """Textual's own field keeps the first line of a paste only; an address copied from a terminal has several."""

    def on_paste(self, event: events.Paste) -> None:
        """Put the lines together again."""
        event.prevent_default()
        event.stop()
        self.insert_text_at_cursor("".join(event.text.split()))
