"""The help topics as dialogs: a list of them, then one to read."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Markdown

from slack_token_tui.docs import list_topics, read_topic
from slack_token_tui.tui.screens.dialogs import Choice, Dialog, MenuDialog


def create_topics_menu() -> MenuDialog:
    """Return a menu of the help topics, by their names."""
    choices = [Choice(topic.name, "", topic.title) for topic in list_topics()]
    return MenuDialog(Content.styled("Help topics", "bold"), choices)


class TopicDialog(Dialog[None]):
    """One help topic. The arrow keys scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,f1,enter", "dismiss", "Back")]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._topic_name = name

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="sheet"):
            yield Markdown(read_topic(self._topic_name), open_links=False)
