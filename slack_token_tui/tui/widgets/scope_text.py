"""Scopes with what they allow, in two columns."""

from __future__ import annotations

import textwrap

from textual import events
from textual.content import Content
from textual.widgets import Static

from slack_token_tui.tui.widgets.field import MUTED

_MAX_SCOPES = 4
_MIN_DESCRIPTION_WIDTH = 12
_MIN_WIDTH_BESIDE_LABEL = 44


class ScopeText(Static):
    """Scopes, and lines about them."""

    def __init__(self, label: str = "", *, label_width: int = 0, id: str, classes: str | None = None) -> None:  # noqa: A002
        """
        Args:
            label: label of the scopes. If there are few columns, they are below it.
            label_width: columns of the label.
            id: id of the widget.
            classes: CSS classes of the widget.
        """
        super().__init__(id=id, classes=classes)
        self._label = label
        self._label_width = label_width
        self._names: tuple[str, ...] | None = None
        self._lines: tuple[Content, ...] = ()

    def show(self, names: tuple[str, ...], *lines: Content) -> None:
        """Show ``names``, and ``lines`` below them."""
        if (names, lines) != (self._names, self._lines):  # the clock calls this every second
            self._names, self._lines = names, lines
            self._redraw()

    def on_resize(self, _: events.Resize) -> None:
        self._redraw()

    def _redraw(self) -> None:
        width = self.content_region.width
        if self._names is None or width == 0:
            return
        is_beside = width >= self._label_width + _MIN_WIDTH_BESIDE_LABEL
        margin = self._label_width if is_beside else 0
        label = Content.styled(self._label.ljust(margin) if is_beside or not self._label else f"{self._label}\n", MUTED)
        rows = [*_format_rows(self._names, width, margin), *self._lines]
        self.update(Content.assemble(label, Content(f"\n{' ' * margin}").join(rows)))


def _format_rows(names: tuple[str, ...], width: int, margin: int) -> list[Content]:
    """Return one row per scope. Long descriptions wrap below themselves."""
    from slack_token_tui.slack.scope_catalog import find_scope  # deferred: the first frame shows no scopes

    shown = names[:_MAX_SCOPES]
    name_width = max(map(len, shown), default=0) + 2
    rows = []
    for name in shown:
        words = textwrap.wrap(find_scope(name).description, max(_MIN_DESCRIPTION_WIDTH, width - margin - name_width))
        indented = f"\n{' ' * (margin + name_width)}".join(words)
        rows.append(Content.assemble(name.ljust(name_width), (indented, MUTED)))
    if more := len(names) - len(shown):
        rows.append(Content.styled(f"and {more} more", MUTED))
    return rows
