"""Lists with readable colors in the selected row. One of them leaves Enter to the screen."""

from __future__ import annotations

from typing import ClassVar

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widgets import OptionList


class ThemedList(OptionList):
    """OptionList whose selected row is white and light blue, because its usual colors are too dark there."""

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        colors = self.app.theme_variables
        selected = Color.parse(colors["selected"]).triplet
        muted = Color.parse(colors["foreground-muted"]).triplet
        segments = list(strip)
        if not any(_triplet(segment, "bgcolor") == selected for segment in segments):
            return strip
        return Strip(
            [
                Segment(
                    segment.text,
                    (segment.style or Style())
                    + Style(color=colors["selected-muted" if _triplet(segment, "color") == muted else "selected-text"]),
                )
                if _triplet(segment, "bgcolor") == selected
                else segment
                for segment in segments
            ],
            strip.cell_length,
        )


def _triplet(segment: Segment, name: str) -> object:
    color = getattr(segment.style, name, None)
    return None if color is None else color.triplet


class CursorList(ThemedList, inherit_bindings=False):
    """List whose Enter key belongs to the screen, because Enter is the next step everywhere."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, action, show=False)
        for key, action in (
            ("down", "cursor_down"),
            ("up", "cursor_up"),
            ("end", "last"),
            ("home", "first"),
            ("pagedown", "page_down"),
            ("pageup", "page_up"),
        )
    ]
