"""Welcome card of an empty home screen: the three ways to a token, each with a key and a button."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from slack_token_tui.problems import Explanation
from slack_token_tui.store.settings import describe_storage
from slack_token_tui.tui.widgets.field import MUTED


class Welcome(VerticalScroll):
    """Welcome card. Imported only if there are no profiles, so that it doesn't delay the first frame otherwise."""

    def __init__(self, home: Path, problem: Explanation | None = None) -> None:
        """
        Args:
            home: directory of the profiles.
            problem: explanation of why the directory can't be used, if it can't.
        """
        super().__init__(id="welcome_card")
        self._home = home
        self._problem = problem

    def compose(self) -> ComposeResult:
        if (problem := self._problem) is not None:
            steps = [f"{number}. {remedy}\n" for number, remedy in enumerate(problem.remedies, 1)]
            yield Static(
                Content.assemble(
                    (f"{problem.title}\n\n", "bold $text-error"), f"{problem.happened}\n\n", *steps, "\nThen press F5."
                )
            )
            with Vertical(id="welcome_buttons"):
                yield Button("Reload (F5)", id="reload", variant="primary", compact=True)
                yield Button("Check this machine (D)", id="doctor", compact=True)
            return
        yield Static(
            Content.assemble(
                ("No profiles yet\n\n", "bold"),
                "A Slack token comes from a Slack app. If somebody has given you a Client ID, or you have an app, sign in "
                "with it. If not, make one here in two minutes; it needs no server and no secret.",
            )
        )
        with Vertical(id="welcome_buttons"):
            yield Button("I have a Client ID: sign in (a)", id="sign_in", variant="primary", compact=True)
            yield Button("I have none: make me an app (N)", id="make_app", compact=True)
            yield Button("I have a token: import it (i)", id="import_token", compact=True)
            yield Button("Check this machine first (D)", id="doctor", compact=True)
        yield Static(Content.styled(describe_storage(self._home), MUTED))

    @on(Button.Pressed)
    async def handle_button(self, event: Button.Pressed) -> None:
        event.stop()
        await self.screen.run_action(str(event.button.id))
