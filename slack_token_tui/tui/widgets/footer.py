"""The footer: as many whole keys as the width holds, and the way to the rest."""

from __future__ import annotations

from textual import widgets
from textual.geometry import Size
from textual.layout import ArrangeResult, Layout
from textual.layouts.horizontal import HorizontalLayout
from textual.widget import Widget


class _WholeKeysLayout(HorizontalLayout):
    """From left to right; what would be cut off is left out, with all that follows."""

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        placements = super().arrange(parent, children, size, greedy)
        return [placement for placement in placements if placement.region.right <= size.width]


class Footer(widgets.Footer):
    """Textual's, except that its last key is not cut by the edge."""

    @property
    def layout(self) -> Layout:
        """Whole keys from left to right; a style can only name a layout of Textual's own."""
        return _WHOLE_KEYS_LAYOUT


_WHOLE_KEYS_LAYOUT = _WholeKeysLayout()
