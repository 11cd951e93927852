"""Welcome card of an empty home screen: the three ways to a token, each with its key."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from slack_token_tui.problems import Explanation
from slack_token_tui.tui.actions import HOME, find_action
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.keys import button, buttons, clickable

_INTRODUCTION = (
    "One click in the browser. Tokens stay on this computer and only you can read them. You can paste anything here."
)
_WAYS = (
    ("sign_in", "Sign in", "with a Client ID"),
    ("make_app", "Create a Slack app", "takes two minutes"),
    ("import_token", "Import a token", "you already have one"),
)


class Welcome(VerticalScroll):
    """Welcome card. Imported only if there are no profiles, so that it doesn't delay the first frame otherwise."""

    def __init__(self, problem: Explanation | None = None) -> None:
        """
        Args:
            problem: explanation of why the directory can't be used, if it can't.
        """
        super().__init__(id="welcome_card", classes="sheet", can_focus=False)
        self._problem = problem

    def compose(self) -> ComposeResult:
        if (problem := self._problem) is not None:
            self.add_class("-error")
            steps = [f"{number} {remedy}\n" for number, remedy in enumerate(problem.remedies, 1)]
            title = (f"✗ {problem.title}\n", "bold $text-error")
            yield Static(Content.assemble(title, f"{problem.happened}\n\n", *steps))
            yield Static(buttons("reload", "doctor", screen=HOME), classes="buttons")
            return
        yield Static(Content.styled("Get your first Slack token", "bold"))
        yield Static(Content.styled(_INTRODUCTION, MUTED))
        for action_id, label, note in _WAYS:
            action, run = find_action(action_id, HOME), f"screen.{action_id}"
            assert action is not None, "it is in the table"
            with Horizontal(classes="way"):
                yield Static(button(action.key_label, "", run, primary=True), classes="way_key")
                yield Static(clickable(Content.styled(label, "bold"), run), classes="way_label")
                yield Static(clickable(Content.styled(note, MUTED), run), classes="way_note")
