"""Footer with as many whole keys as fit, and the key of the command palette."""

from __future__ import annotations

from textual import widgets
from textual.geometry import Size
from textual.layout import ArrangeResult, Layout
from textual.layouts.horizontal import HorizontalLayout
from textual.widget import Widget


class _WholeKeysLayout(HorizontalLayout):
    """Horizontal layout that leaves out the children that would be cut off."""

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        placements = super().arrange(parent, children, size, greedy)
        return [placement for placement in placements if placement.region.right <= size.width]


class Footer(widgets.Footer):
    """Textual's footer without a key that is cut off at the edge."""

    @property
    def layout(self) -> Layout:
        """Layout of whole keys. A style can only name one of Textual's built-in layouts."""
        return _WHOLE_KEYS_LAYOUT


_WHOLE_KEYS_LAYOUT = _WholeKeysLayout()
