"""One of a few, as a list with a mark that can be told without colours."""

from __future__ import annotations

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class RadioList(OptionList):
    """Arrows move, Enter, Space and a click choose."""

    BINDINGS = [Binding("space", "select", show=False)]  # noqa: RUF012 - Textual declares it so

    class Changed(Message):
        """Another one was chosen."""

    def __init__(self, choices: dict[str, str], chosen: str, *, id: str) -> None:  # noqa: A002 - Textual's word
        """
        Args:
            choices: what each is called, by its id.
            chosen: the id to begin with.
            id: the widget's.
        """
        super().__init__(id=id)
        self.chosen = chosen
        self._choices = choices
        self._rebuild()

    def _rebuild(self) -> None:
        at = self.highlighted
        self.clear_options()
        for key, label in self._choices.items():
            mark = "(●) " if key == self.chosen else "( ) "
            self.add_option(Option(Content(mark + label), id=key))
        self.highlighted = list(self._choices).index(self.chosen) if at is None else at

    @on(OptionList.OptionSelected)
    def select_option(self, event: OptionList.OptionSelected) -> None:
        """Mark it."""
        event.stop()
        self.chosen = str(event.option_id)
        self._rebuild()
        self.post_message(self.Changed())
