"""Text field of all screens. Its value can always be printed on a terminal, and holds no pasted token or secret."""

from __future__ import annotations

from textual import events, widgets

from slack_token_tui.sanitize import escape_unprintable

_WHITE_SPACE = dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"), " ")
_REFUSED = "That's a token or secret, so it wasn't pasted. To import a token, press i on the home screen."


class Input(widgets.Input):
    """Textual's input, limited to one line without control or invisible characters."""

    def validate_value(self, value: str) -> str:
        """Return ``value`` with each control or invisible character replaced by one character. The cursor stays in place."""
        return escape_unprintable(value.translate(_WHITE_SPACE))

    def on_paste(self, event: events.Paste) -> None:
        self.refuse_secret(event)

    def refuse_secret(self, event: events.Paste) -> bool:
        """Discard a pasted token or secret, unless the field is masked. Return whether it was one."""
        from slack_token_tui.slack.client_id import recognize  # deferred: not needed for the first frame

        is_refused = not self.password and recognize(event.text).kind.is_secret
        if is_refused:
            event.stop()
            event.prevent_default()
            self.app.notify(_REFUSED, severity="warning")
        return is_refused
