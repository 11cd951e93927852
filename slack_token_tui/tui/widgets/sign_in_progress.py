"""Sheet of a running sign-in: what the person does now, the time left, the link, and the paste box."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.reactive import var
from textual.style import Style
from textual.timer import Timer
from textual.widgets import Static

from slack_token_tui.desktop.browser import Opened
from slack_token_tui.oauth.state import Phase, SignInState
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.tui.actions import SIGN_IN
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.keys import clickable, key_hint
from slack_token_tui.tui.widgets.paste_box import PasteInput
from slack_token_tui.tui.widgets.time_format import format_bar, format_clock

WAIT_SECONDS = 300.0
"""A full bar. See ``oauth.session``."""
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES_PER_SECOND = 4
_BAR_WIDTH = 30
_BOLD = "bold"
_LINK_WORDS = {"jupyter": "Click this link", "vscode": "Ctrl+click this link"}
"""How the link is opened, by terminal. Others differ, or open no links."""


class SignInProgress(VerticalScroll):
    """Sheet that is shown from the start of a sign-in until it has succeeded or failed.

    While it waits for the user, everything has its place from the start. In the other phases only the headline is left.
    """

    state = var(SignInState())

    def __init__(
        self, clock: Callable[[], float], is_url: Callable[[str], bool], *, is_practice: bool, terminal: str | None
    ) -> None:
        """
        Args:
            clock: the clock of the sign-in, in seconds.
            is_url: returns whether pasted text belongs into the paste box.
            is_practice: whether to offer the practice browser.
            terminal: the kind of terminal, see :class:`slack_token_tui.desktop.environment.Environment`.
        """
        super().__init__(id="progress", classes="sheet")
        self._clock = clock
        self._is_practice = is_practice
        self._link_words = _LINK_WORDS.get(terminal or "", "Open this link")
        # An attribute, because it is deeper than a child, and those of an app that is ending may never be composed.
        self._paste = PasteInput(placeholder="http://localhost:28417/callback?code=…", accepts=is_url, id="paste")
        self._timer: Timer | None = None
        self._is_running = False

    def compose(self) -> ComposeResult:
        with Horizontal(id="headline"):
            yield Static(id="spinner")
            yield Static(id="title")
        yield Static(id="time_left")
        yield Static(id="link_question", classes="question waits")
        with Horizontal(id="link_row", classes="waits"):
            yield Static("Link", id="link_label", classes="label")
            yield Static(id="link")
            yield Static(id="link_keys", classes="keys")
        yield Static(id="paste_question", classes="question waits")
        yield self._paste
        yield Static(id="paste_error", classes="waits")
        yield Static(id="tunnel", classes="waits")
        yield Static(id="lookup", classes="waits")

    @property
    def is_running(self) -> bool:
        """Whether a sign-in is shown. Otherwise nothing moves."""
        return self._is_running

    @is_running.setter
    def is_running(self, is_running: bool) -> None:
        self._is_running = is_running
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.resume() if self._is_running and not self.state.is_ended else self._timer.pause()

    def on_mount(self) -> None:
        self._paste.add_class("waits")
        self._timer = self.set_interval(1 / _FRAMES_PER_SECOND, self._show_time, pause=True)
        self.watch_state(SignInState(), self.state)

    def watch_state(self, old: SignInState, new: SignInState) -> None:
        if not self.children:  # it is not composed yet, or being removed
            return
        self.display = not new.is_ended
        self._set_timer()
        if new.phase is Phase.PREPARING:
            self._paste.value = ""
            self._set_text("#paste_error", Content(""))
        is_waiting = new.phase in (Phase.PREPARING, Phase.WAITING)
        for widget in self.query(".waits"):
            widget.visible = is_waiting
        self._show_time()
        if is_waiting:
            self._show_link(new)
            self._show_steps(new)

    def _show_time(self) -> None:
        state, now = self.state, self._clock()
        frame = _FRAMES[int(now * _FRAMES_PER_SECOND) % len(_FRAMES)]
        self._set_text("#spinner", Content.styled(frame, "$text-primary"), layout=False)
        title, note = headline(self._as_shown(state), now)
        note = escape_unprintable(note)  # a program's name may contain any character
        self._set_text("#title", Content.assemble((title, _BOLD), ("   " + note if note else "", MUTED)))
        left = max(0.0, state.deadline - now)
        time = Content("")
        if state.phase is Phase.WAITING:
            bar = format_bar(left / WAIT_SECONDS, _BAR_WIDTH if self.app.size.width >= 70 else 10)
            more = key_hint("more_time", SIGN_IN)
            time = Content.assemble("  ", bar, f"  {format_clock(left)} left   ", more)
        elif state.phase is Phase.RETRYING:
            time = Content.styled("  You don't need to click Allow again.", MUTED)
        self._set_text("#time_left", time, layout=False)

    def _show_link(self, state: SignInState) -> None:
        if state.url is None:
            self._set_text("#link", Content(""))
            self._set_text("#link_keys", Content(""))
            return
        # A terminal hyperlink (OSC 8), so that the shortened URL can be opened in the terminal, too.
        shown = state.url.partition("://")[2].partition("?")[0] + "?…"
        link = Content.styled(shown, Style.parse("underline $text-primary")).stylize(Style(link=state.url))
        self._set_text("#link", clickable(link, "screen.open_url"))
        self._set_text("#link_keys", key_hint("copy_url", SIGN_IN, "copy"))

    def _show_steps(self, state: SignInState) -> None:
        """Show what to do with the link and the paste box, which depends on where the browser is."""
        state = self._as_shown(state)
        is_remote = state.tunnel is not None
        self.set_class(is_remote, "-remote")
        question, tunnel = paste_question(state), Content("")
        if is_remote:
            self._set_text(
                "#link_question",
                Content.assemble(("1 ", "$text-primary"), (f"{self._link_words} and click Allow", _BOLD)),
            )
        if self._is_practice and state.port is not None:
            tunnel = Content.assemble(
                "Or let the practice browser click   ", key_hint("simulate_browser", SIGN_IN, "choose")
            )
        elif state.tunnel is not None and state.tunnel.command is not None:
            tunnel = Content.assemble(
                "Or run this on your computer first and skip step 2   ",
                key_hint("copy_tunnel", SIGN_IN, "copy"),
                "\n  ",
                (state.tunnel.command, _BOLD),
            )
        self._set_text("#paste_question", question)
        self._set_text("#tunnel", tunnel)
        self.query_one("#tunnel").display = bool(tunnel)
        self._set_text("#lookup", lookup_line(state))

    def _as_shown(self, state: SignInState) -> SignInState:
        """Return ``state`` without a browser on another machine in practice mode, whose Slack is only on this one."""
        return replace(state, tunnel=None) if self._is_practice else state

    def show_paste_error(self, problem: Content) -> None:
        """Show what is wrong with the pasted text."""
        self._set_text("#paste_error", problem)

    def _set_text(self, selector: str, content: Content, *, layout: bool = True) -> None:
        """Show ``content``. What moves has a fixed size, so it needs no new layout."""
        widget = self.query_one(selector, Static)
        if widget.content != content:
            widget.update(content, layout=layout)


def headline(state: SignInState, now: float) -> tuple[str, str]:
    """Return what is happening or what the user does now, and a note about it.

    Args:
        state: the state of a sign-in that has not ended.
        now: the time on the clock of the sign-in, in seconds.
    """
    match state.phase:
        case Phase.EXCHANGING:
            return "Getting the token", "you clicked Allow"
        case Phase.RETRYING if state.retry_reason is not None and state.retry_at is not None:
            seconds = max(1, math.ceil(state.retry_at - now))
            return state.retry_reason.title, f"trying again in {seconds} s"
        case Phase.VERIFYING:
            return "Verifying the token", ""
        case Phase.SAVING:
            return "Saving the token", ""
        case Phase.PREPARING:
            return "Opening Slack", ""
    if state.tunnel is not None:
        return "Sign in on your computer", "no browser here"
    if isinstance(state.browser, Opened):
        return "Click Allow in your browser", f"opened in {state.browser.name}"
    if state.browser is None:
        return "Click Allow in your browser", ""
    return "Open the link and click Allow", state.browser.reason


def paste_question(state: SignInState) -> Content:
    """Return what the paste box is for."""
    if state.tunnel is not None:
        step = Content.assemble(("2 ", "$text-primary"), ("The page won't load. Paste its URL here", _BOLD))
        return step
    if state.port is None and state.redirect_uri:
        reason = f"  {state.paste_reason.title}." if state.paste_reason else ""
        return Content.assemble(("Then paste the URL you land on", _BOLD), (reason, "$text-warning"))
    return Content.assemble(("Browser on another computer?", _BOLD), ("  Paste the URL you land on.", MUTED))


def lookup_line(state: SignInState) -> Content:
    """Return the line about errors on Slack's page, and about callbacks that were ignored."""
    lookup = key_hint("browser_says", SIGN_IN, "look it up")
    if state.ignored is not None:
        explanation = state.ignored.explanation
        if state.ignored.is_important:
            fix = explanation.remedies[0] if explanation.remedies else ""
            return Content.styled(f"{explanation.title}. {explanation.happened} {fix}.", "$text-warning")
        return Content.assemble(("Ignored a response from a different sign-in.", "$text-warning"), "   ", lookup)
    if state.hint:
        return Content.assemble(("Still waiting.", "$text-warning"), " Slack shows an error?   ", lookup)
    return Content.assemble(("Slack shows an error?", _BOLD), "   ", lookup)
