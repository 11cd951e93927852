"""Text field that accepts a paste of several lines."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.message import Message

from slack_token_tui.tui.widgets.input import Input


class PasteInput(Input):
    """Input that joins the lines of a paste.

    Textual's input uses only the first line, but a URL copied from a terminal may have several.
    """

    class Pasted(Message):
        """Posted when text was pasted into the field, so the value is complete."""

    def __init__(
        self,
        value: str = "",
        *,
        joined_by: str = "",
        replaces: bool = False,
        explains_secrets: bool = False,
        password: bool = False,
        placeholder: str = "",
        accepts: Callable[[str], bool] = bool,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        """
        Args:
            value: initial value.
            joined_by: replacement for white space. Empty for a URL, which a terminal may have wrapped.
            replaces: whether a paste replaces the value, so that a wrong one isn't added to.
            explains_secrets: whether the screen clears a pasted token or secret, and explains it.
            password: whether the value is masked.
            placeholder: text shown while the field is empty.
            accepts: returns whether pasted text belongs here. The screen handles other text.
            id: id of the widget.
        """
        super().__init__(value, placeholder=placeholder, password=password, id=id)
        self._joined_by = joined_by
        self._replaces = replaces
        self._explains_secrets = explains_secrets
        self._accepts = accepts

    def handle_digit(self, event: events.Key) -> None:
        """Take the focus and the digit if one is typed outside all fields while this one is empty."""
        if self.value or isinstance(self.screen.focused, Input) or (event.character or " ") not in "0123456789":
            return
        event.stop()
        self.select_on_focus = False  # the next digit would replace the selected text
        self.screen.set_focus(self)
        self.value = event.character or ""
        self.cursor_position = len(self.value)
        self.call_later(setattr, self, "select_on_focus", True)

    def on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        if not self._accepts(event.text) or (not self._explains_secrets and self.refuse_secret(event)):
            return
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
