"""The text field of every screen. What it holds, typed, pasted or filled in, can be shown on a terminal."""

from __future__ import annotations

from textual import widgets

from slack_token_tui.sanitize import escape_unprintable

_WHITE_SPACE = dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"), " ")


class Input(widgets.Input):
    """Textual's, except that its value is one line without controls and invisible characters."""

    def validate_value(self, value: str) -> str:
        """Return ``value`` with each of these characters replaced by one other, so that the cursor stays in place."""
        return escape_unprintable(value.translate(_WHITE_SPACE))
