"""Small screens over another: the long explanation of an error, and a question."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, OptionList, Static

from slack_token_tui.problems import Explanation
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.keys import BACK

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer]):
    """A small screen. Where it asks nothing, the arrows scroll it."""

    AUTO_FOCUS = "VerticalScroll"

    def on_mount(self) -> None:
        """What was said last does not lie over the question; the keys of the screen below do nothing now."""
        self.app.clear_notifications()
        self.mount(Static(id="covers_the_footer"))

    async def action_enter(self) -> None:
        """Enter by mouse: the click has taken the focus from the field or list that is meant."""
        meant = self.query("Input, OptionList").first()
        if isinstance(meant, Input):
            await meant.action_submit()
        elif isinstance(meant, OptionList):
            meant.action_select()


def in_full(
    explanation: Explanation, redirects: Iterable[tuple[str, tuple[str, ...]]] = (), keys: Content | str = ""
) -> Content:
    """Return everything that is known of an error, what to do first.

    Args:
        explanation: of the error.
        redirects: the addresses that it is about, below their word.
        keys: those that do it.
    """
    rows: list[str | tuple[str, str]] = []
    for label, addresses in redirects:
        rows += [(f"{label}\n", MUTED), *(f"  {address}\n" for address in addresses)]
    return Content.assemble(
        (explanation.title, "bold"),
        "  ",
        (explanation.code, MUTED),
        (f"\nThe page says: {explanation.browser_says}" if explanation.browser_says else "", MUTED),
        f"\n\n{explanation.happened}\n\n",
        ("What to do\n", "bold"),
        *(f"{number}. {remedy}\n" for number, remedy in enumerate(explanation.remedies, 1)),
        keys,
        "\n\n" if keys else "\n",
        *([*rows, "\n"] if rows else []),
        ("Likely causes\n", "bold"),
        *(f"• {cause}\n" for cause in explanation.causes),
        f"\n{explanation.again_in_words}",
        f"\nMore: {explanation.more}" if explanation.more else "",
    )


class ExplanationScreen(Dialog[None]):
    """The long explanation of one error."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,f1,enter", "dismiss", "Back")]

    def __init__(self, explanation: Explanation) -> None:
        super().__init__()
        self._explanation = explanation

    def compose(self) -> ComposeResult:
        """A text that scrolls."""
        with VerticalScroll(classes="sheet"):
            yield Static(in_full(self._explanation))
            yield Static(BACK, classes="keys")


class ConfirmScreen(Dialog[bool]):
    """A question with the safe answer first."""

    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [("escape,n", "answer(False)", "No"), ("y", "answer(True)", "Yes")]

    def __init__(self, question: Content, yes: str, no: str) -> None:
        super().__init__()
        self._question: Content = question
        self._yes = yes
        self._no = no

    def compose(self) -> ComposeResult:
        """The question and two buttons."""
        with VerticalScroll(classes="sheet"):
            yield Static(self._question)
            with Horizontal(classes="answers"):
                yield Button(Content(f"{self._no} (Esc)"), id="no", compact=True)
                yield Button(Content(f"{self._yes} (y)"), id="yes", compact=True)

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """A button is an answer."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """A key is an answer."""
        self.dismiss(yes)
