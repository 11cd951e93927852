"""Error card: title, explanation, likely causes, Slack's error code, remedies, and their keys."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from slack_token_tui.oauth.state import Command, SignInState, allowed
from slack_token_tui.problems import Explanation
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.tui.actions import SIGN_IN
from slack_token_tui.tui.widgets.field import MUTED, Field
from slack_token_tui.tui.widgets.keys import key_hints

_LABEL_WIDTH = 9


class ErrorCard(Vertical):
    """Card that explains one error where it happened."""

    def __init__(self, explanation: Explanation, state: SignInState, registered_uris: tuple[str, ...]) -> None:
        """
        Args:
            explanation: explanation of the error.
            state: the sign-in that failed.
            registered_uris: redirect URLs that the app must have registered.
        """
        super().__init__()
        self._explanation = explanation
        self._state = state
        self._redirects = redirect_uri_rows(explanation, state.redirect_uri, registered_uris)

    def compose(self) -> ComposeResult:
        explanation, commands = self._explanation, allowed(self._state)
        yield Static(Content.assemble((explanation.title, "bold $text-error"), "  ", (explanation.code, MUTED)))
        yield Static(Content(explanation.happened))
        actions = [action for action in explanation.actions if action != "paste"]
        if Command.RETRY_EXCHANGE in commands:
            yield Static("You don't need to click Allow again. Press r to send the same code.")
            actions = ["again", *(action for action in actions if action != "again")]
        if Command.SAVE_AGAIN in commands:
            yield Static("Your new token isn't saved yet. Fix the problem, then press w to save it.")
            in_file = ["save_in_file"] if explanation.code.startswith("keyring_") else []
            actions = ["save_again", *in_file, *(action for action in actions if action != "again")]
        if self._state.unusable is not None:
            text = f"{self._state.unusable.sentence} Press x to revoke it."
            yield Static(Content(escape_unprintable(text)), id="unusable")
            actions.insert(0, "undo")
        yield Static(key_hints(*actions, "explain", "leave", screen=SIGN_IN))
        for label, addresses in self._redirects:
            yield Field(label, "\n".join(addresses), width=_LABEL_WIDTH, classes="address")
        for number, step in enumerate(explanation.steps, 1):
            keys = key_hints(step.action, screen=SIGN_IN) if step.action in actions else Content("")
            yield Field(Content.styled(str(number), "$text-primary"), Content.assemble(step.text, "  ", keys), width=2)

    def on_resize(self) -> None:
        # Not on mount: the card has no height until the layout is done, and counts as visible wherever it is.
        self.scroll_visible(animate=False)


def redirect_uri_rows(
    explanation: Explanation, sent: str, registered: tuple[str, ...]
) -> list[tuple[str, tuple[str, ...]]]:
    """Return the redirect URL that was sent and those to register, if ``explanation`` is about them.

    They must be equal, so the rows are shown one above the other.
    """
    if "copy_redirect" not in explanation.actions or not registered:
        return []
    return [*([("Sent", (sent,))] if sent else []), ("Register", registered)]


def format_report(explanation: Explanation, version: str) -> str:
    """Return the error as text to share. The values filled into an explanation contain no secrets."""
    lines = [f"slack-token-tui {version}", f"{explanation.title} ({explanation.code})", explanation.happened]
    return "\n".join([*lines, *(f"- {remedy}" for remedy in explanation.remedies)])
