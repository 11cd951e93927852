"""Label and value in two columns. Long values wrap below themselves, not below the label."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

MUTED = "$foreground-muted"
"""Color of secondary text. ``$text-muted`` is meant for CSS, and renders white inside a Content."""


class Field(Horizontal):
    """Label in a column on the left, with the value next to it."""

    DEFAULT_CSS = """
    Field { height: auto; }
    Field Static { height: auto; }
    Field .value { width: 1fr; }
    """

    def __init__(
        self,
        label: str | Content,
        value: str | Content = "",
        *,
        width: int = 11,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._label: Content = Content.styled(label, MUTED) if isinstance(label, str) else label
        self._value = value
        self._width = width

    def compose(self) -> ComposeResult:
        label = Static(self._label, classes="label")
        label.styles.width = self._width
        yield label
        yield Static(self._to_content(self._value), classes="value")

    @staticmethod
    def _to_content(value: str | Content) -> Content:
        return Content(value) if isinstance(value, str) else value

    def show(self, value: str | Content, label: Content | None = None) -> None:
        """Show another value. Hide the field if the value is empty."""
        self.display = bool(value)
        self._value, self._label = value, self._label if label is None else label
        for shown in self.query(".value").results(Static):  # none before it is composed
            shown.update(self._to_content(value))
        for shown in self.query(".label").results(Static):
            shown.update(self._label)
