"""First line of every screen: the title and the Slack host."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from slack_token_tui.slack.endpoints import SLACK, Endpoints


class Header(Horizontal):
    """Title on the left, Slack host on the right. A host that isn't slack.com has another color and a label."""

    def __init__(self, title: str, endpoints: Endpoints | None = None, note: str = "") -> None:
        super().__init__()
        self._title = title
        self._endpoints = endpoints
        self._note = note

    def compose(self) -> ComposeResult:
        yield Static("#", classes="mark")
        yield Static(Content(self._title), classes="title")
        elsewhere = self._endpoints is not None and self._endpoints.base != SLACK
        yield Static(self._format_host(), classes="place elsewhere" if elsewhere else "place")

    def _format_host(self) -> Content:
        if self._endpoints is None:
            return Content(self._note)
        host = self._endpoints.host
        if self._endpoints.base == SLACK:
            return Content(host)
        return Content(f"{self._note or 'not slack.com'}: {host}")

    def show_note(self, note: str) -> None:
        """Show a note on the right in place of a host."""
        if note != self._note:
            self._note = note
            self.query_one(".place", Static).update(self._format_host())

    def show(self, endpoints: Endpoints) -> None:
        """Show the host of another Slack."""
        self._endpoints = endpoints
        place = self.query_one(".place", Static)
        place.update(self._format_host())
        place.set_class(endpoints.base != SLACK, "elsewhere")
