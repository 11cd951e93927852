"""Panel shown while a sign-in waits for the browser: the URL, the paste field, and hints."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.reactive import var
from textual.style import Style
from textual.widgets import Static

from slack_token_tui.oauth.state import Phase, SignInState
from slack_token_tui.tui.widgets.field import Field
from slack_token_tui.tui.widgets.paste_box import PasteInput

_STILL_WAITING = (
    "Nothing yet. If the browser shows an error, Slack does not tell it here: press b and say what it shows. "
    "If it shows Allow, go on; there is time."
)


class WaitingPanel(Vertical):
    """Panel shown until the browser sends its response."""

    state = var(SignInState())

    def __init__(self) -> None:
        super().__init__()
        # Kept, because it is deeper than a child, and those of an app that is ending may never be composed.
        self._paste = PasteInput(placeholder="the address that the browser ended on", id="paste")

    def compose(self) -> ComposeResult:
        yield Static(id="elsewhere")
        yield Field("Address", id="address", classes="address")
        with Horizontal(id="paste_row"):
            yield Static("Paste", id="paste_label")
            yield self._paste
        yield Static(id="paste_error")
        yield Static(id="hint")

    def on_mount(self) -> None:
        self.watch_state(SignInState(), self.state)

    def watch_state(self, old: SignInState, new: SignInState) -> None:
        if not self.children:  # it is not composed yet, or being removed
            return
        self.display = new.phase in (Phase.PREPARING, Phase.WAITING)
        if new.phase is Phase.PREPARING:
            self._reset()
        if new.url is not None and new.url != old.url:
            # A terminal hyperlink (OSC 8), so that a wrapped URL can be clicked as a whole.
            self.query_one("#address", Field).show(Content.styled(new.url, Style(link=new.url)))
        if new.tunnel is not None and new.tunnel != old.tunnel:
            self._show_remote_steps(new.tunnel.command)
        self._update_text("#hint", _format_hint(new))

    def _reset(self) -> None:
        """Clear the panel for a new attempt."""
        for selector in ("#elsewhere", "#paste_error"):
            self._update_text(selector, "")
        self.move_child(self.query_one("#address"), before=self.query_one("#paste_row"))
        self._paste.value = ""

    def _show_remote_steps(self, tunnel: str | None) -> None:
        """Show the manual steps for a browser on another machine, and the SSH tunnel that avoids them."""
        key = "bold $text-primary"
        lines = [
            Content.assemble(("Your browser is on another machine\n", "bold")),
            Content.assemble("1. Copy the address below (", ("u", key), "), open it where you sit, press Allow.\n"),
            Content("2. The browser ends on a page that it cannot reach. Copy its address.\n"),
            Content("3. Paste that here, anywhere on this screen."),
        ]
        if tunnel is not None:
            lines.append(
                Content.assemble(
                    "\nOr type this first where you sit, and skip 2 and 3 (",
                    ("l", key),
                    " copies it):\n",
                    (tunnel, "bold"),
                )
            )
        self._update_text("#elsewhere", Content("").join(lines))
        # The sign-in ends with a paste, so the paste field comes before the URL.
        self.move_child(self.query_one("#address"), after=self.query_one("#paste_error"))

    def show_paste_error(self, problem: Content) -> None:
        """Show what is wrong with the pasted text."""
        self._update_text("#paste_error", problem)

    def _update_text(self, selector: str, text: str | Content) -> None:
        widget = self.query_one(selector, Static)
        widget.update(Content.from_text(text, markup=False))
        widget.display = bool(text)


def _format_hint(state: SignInState) -> str:
    """Return what a long wait may mean, or what an ignored callback that the user can do something about means."""
    if state.ignored is not None and state.ignored.is_about_browser:
        explanation = state.ignored.explanation
        return f"{explanation.title}. {explanation.happened} {explanation.remedies[0]}."
    # The steps for another machine leave no room for it.
    return _STILL_WAITING if state.hint and state.tunnel is None else ""
