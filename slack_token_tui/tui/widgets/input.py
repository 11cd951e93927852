"""Text field of all screens. Its value can always be printed on a terminal."""

from __future__ import annotations

from textual import widgets

from slack_token_tui.sanitize import escape_unprintable

_WHITE_SPACE = dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"), " ")


class Input(widgets.Input):
    """Textual's input, limited to one line without control or invisible characters."""

    def validate_value(self, value: str) -> str:
        """Return ``value`` with each control or invisible character replaced by one character. The cursor stays in place."""
        return escape_unprintable(value.translate(_WHITE_SPACE))
