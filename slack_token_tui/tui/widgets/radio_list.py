"""Single choice from a list, with marks that are visible without colors."""

from __future__ import annotations

from textual import on
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from slack_token_tui.tui.widgets.cursor_list import CursorList


class RadioList(CursorList):
    """List in which the cursor is the choice."""

    class Changed(Message):
        """Posted when another option was chosen."""

    def __init__(self, choices: dict[str, str], chosen: str, *, id: str) -> None:  # noqa: A002 - Textual's name
        """
        Args:
            choices: labels by option id.
            chosen: id of the initial choice.
            id: id of the widget.
        """
        super().__init__(*(Option(_row(label, key == chosen), id=key) for key, label in choices.items()), id=id)
        self.value = chosen
        self._choices = choices
        self.highlighted = list(choices).index(chosen)

    @on(OptionList.OptionHighlighted)
    def choose_option(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_id is not None and event.option_id != self.value:
            self.replace_option_prompt(self.value, _row(self._choices[self.value], False))
            self.value = event.option_id
            self.replace_option_prompt(self.value, _row(self._choices[self.value], True))
            self.post_message(self.Changed())


def _row(label: str, is_chosen: bool) -> Content:
    return Content(f"{'(●)' if is_chosen else '( )'} {label}")
