"""Footer with as many whole keys as fit. The last key, which opens the help, is never left out."""

from __future__ import annotations

from typing import Any

from textual import widgets
from textual.geometry import Size
from textual.layout import ArrangeResult, Layout
from textual.layouts.horizontal import HorizontalLayout
from textual.widget import Widget


class _WholeKeysLayout(HorizontalLayout):
    """Horizontal layout that leaves out the children that would be cut off, but not the last one."""

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        placements = super().arrange(parent, children, size, greedy)
        if not placements or placements[-1].region.right <= size.width:
            return placements
        last_width = placements[-1].region.width
        fitting = [p.widget for p in placements[:-1] if p.region.right + last_width <= size.width]
        return super().arrange(parent, [*fitting, children[-1]], size, greedy)


class Footer(widgets.Footer):
    """Textual's footer without a key that is cut off at the edge."""

    def __init__(self, **options: Any) -> None:
        super().__init__(show_command_palette=False, **options)

    @property
    def layout(self) -> Layout:
        """Layout of whole keys. A style can only name one of Textual's built-in layouts."""
        return _WHOLE_KEYS_LAYOUT


_WHOLE_KEYS_LAYOUT = _WholeKeysLayout()
