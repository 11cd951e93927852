"""A field that takes a paste whole, also one of several lines."""

from __future__ import annotations

from textual import events
from textual.message import Message

from slack_token_tui.tui.widgets.input import Input


class PasteInput(Input):
    """Textual's own field keeps the first line of a paste only; an address copied from a terminal has several."""

    class Pasted(Message):
        """Something was pasted into the box itself, so it is there as a whole."""

    def __init__(
        self,
        value: str = "",
        *,
        joined_by: str = "",
        replaces: bool = False,
        placeholder: str = "",
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
        """
        Args:
            value: to begin with.
            replaces: whether a paste takes the place of what was there: one that was wrong is not added to.
            joined_by: what takes the place of white space: nothing in an address that a terminal has wrapped.
            placeholder: shown while it is empty.
            id: the widget's.
        """
        super().__init__(value, placeholder=placeholder, id=id)
        self._joined_by = joined_by
        self._replaces = replaces

    def handle_digit(self, event: events.Key) -> None:
        """Take the focus when a digit is typed outside of every field: it begins a number in this one, if it is empty."""
        if self.value or isinstance(self.screen.focused, Input) or (event.character or " ") not in "0123456789":
            return
        event.stop()
        self.select_on_focus = False  # the next digit would replace what is selected
        self.screen.set_focus(self)
        self.value = event.character or ""
        self.cursor_position = len(self.value)
        self.call_later(setattr, self, "select_on_focus", True)

    def on_paste(self, event: events.Paste) -> None:
        """Put the lines together."""
        event.prevent_default()
        event.stop()
        parts = event.text.split()
        if self._joined_by:
            parts = [part.strip(",") for part in parts if part.strip(",")]
        if self._replaces:
            with self.prevent(Input.Changed):
                self.value = ""
        text = self._joined_by.join(parts)
        if self._joined_by and self.value.strip(" ,") and self.cursor_at_end and not self.selected_text:
            self.value = self.value.rstrip(" ,")
            self.cursor_position = len(self.value)
            text = self._joined_by + text
        self.insert_text_at_cursor(text)
        self.post_message(self.Pasted())
