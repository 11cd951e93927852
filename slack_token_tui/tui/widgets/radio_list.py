"""Single choice from a list, with marks that are visible without colors."""

from __future__ import annotations

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class RadioList(OptionList):
    """List in which Enter, Space or a click chooses one option."""

    BINDINGS = [Binding("space", "select", show=False)]  # noqa: RUF012 - declared as in Textual

    class Changed(Message):
        """Posted when another option was chosen."""

    def __init__(self, choices: dict[str, str], chosen: str, *, id: str) -> None:  # noqa: A002 - Textual's name
        """
        Args:
            choices: labels by option id.
            chosen: id of the initial choice.
            id: id of the widget.
        """
        super().__init__(id=id)
        self.value = chosen
        self._choices = choices
        self._rebuild()

    def _rebuild(self) -> None:
        at = self.highlighted
        self.clear_options()
        for key, label in self._choices.items():
            mark = "(●) " if key == self.value else "( ) "
            self.add_option(Option(Content(mark + label), id=key))
        self.highlighted = list(self._choices).index(self.value) if at is None else at

    @on(OptionList.OptionSelected)
    def select_option(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.value = str(event.option_id)
        self._rebuild()
        self.post_message(self.Changed())
