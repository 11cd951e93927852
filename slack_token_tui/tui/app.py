"""Textual app that wires the screens to ``oauth``, ``tokens`` and ``store``."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.theme import Theme

from slack_token_tui.problems import Problem, error_location
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.secret import Secret, redact
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import change_settings, clipboard_seconds, read_settings
from slack_token_tui.tui import first_frame
from slack_token_tui.tui.actions import actions_for
from slack_token_tui.tui.background import background
from slack_token_tui.tui.driver import create_driver_class
from slack_token_tui.tui.options import LaunchOptions
from slack_token_tui.tui.screens.base import AppScreen, copy_message
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.terminal_exit import (
    detach_from_terminal,
    ignore_unexpected_sigcont,
    is_terminal_closed,
    print_messages,
)
from slack_token_tui.tui.theme import AUBERGINE, THEMES, complete_variables
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.keys import ACTION_META

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.traceback import Traceback

    from slack_token_tui.desktop.clipboard import Copied, NotCopied
    from slack_token_tui.oauth.session import SignInSession
    from slack_token_tui.store.apps import SlackApp

DOUBLE_PRESS_SECONDS = 2.0
_MIN_NOTICE_SECONDS = 1.5
_WARNING_SECONDS = 15
_LIGHT_THEME_COLORS = {
    "text-success": "#0b5c30",
    "text-warning": "#6b4100",
    "text-error": "#8f1526",
    "text-primary": "#00457a",
    "foreground-muted": "#505050",
    "footer-key-foreground": "#00457a",
}
"""Darker colors of text for Textual's light themes, whose contrast is too low."""


class _AppTerminalClipboard:
    """Terminal clipboard that asks the user before it receives the first token of a session.

    The name is that of the profile whose token is copied. None means that the text is not secret.
    """

    def __init__(self, app: TokenApp, name: str | None = None) -> None:
        self._app = app
        self._name = name

    async def confirm(self) -> bool:
        if self._name is not None and not self._app.may_use_terminal_clipboard:
            from slack_token_tui.desktop import environment
            from slack_token_tui.tui.screens.dialogs import ConfirmDialog

            is_over_ssh = (await asyncio.to_thread(environment.detect)).is_over_ssh
            question = Content.assemble(
                ("Use your terminal's clipboard?\n\n", "bold"),
                "You're connected over SSH. " if is_over_ssh else "This machine has no clipboard. ",
                f"Send the token of {self._name} to your terminal's clipboard instead? ",
                "It can't be cleared automatically.",
            )
            self._app.may_use_terminal_clipboard = await self._app.push_screen_wait(ConfirmDialog(question, "Copy"))
            return self._app.may_use_terminal_clipboard
        return True

    def write(self, text: str) -> bool:
        self._app.write_to_terminal_clipboard(text)
        return True


class TokenApp(App[None]):
    """The slack-token-tui Textual app."""

    TITLE = "slack-token-tui"
    CSS_PATH = "app.tcss"
    AUTO_FOCUS = ""
    # With priority, so that they also work in text fields and modal dialogs.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "help_quit", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", show=False, priority=True),
        Binding(
            App.COMMAND_PALETTE_BINDING,
            "command_palette",
            "more",
            show=False,
            key_display="Ctrl+P",
            priority=True,
            tooltip="All actions by name",
        ),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (22, "-medium"), (30, "-tall")]  # noqa: RUF012 - declared as in Textual
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-normal"), (110, "-wide")]  # noqa: RUF012 - declared as in Textual

    def __init__(self, options: LaunchOptions) -> None:
        super().__init__(driver_class=create_driver_class(lambda number: self.exit_on_signal(number)))
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = AUBERGINE.name
        self.options = options
        self.store = ProfileStore(options.home)
        self.may_use_terminal_clipboard = False
        self.draft: SlackApp | None = None  # input of the last sign-in form, even if that sign-in failed
        self.exit_messages: list[str] = []
        """Messages to print after the terminal has been restored."""
        self.sign_ins: list[SignInSession] = []
        """Started sign-ins, which are stopped before the program ends."""
        self._is_ending = self._is_crashed = self._is_signaled = False
        self._token_was_copied = False
        self._last_interrupt = self._notified_at = 0.0
        self._settings_order = asyncio.Lock()

    def get_default_screen(self) -> Screen[None]:
        return HomeScreen()

    def on_mount(self) -> None:
        with suppress(Exception):  # a theme from another Textual version must not prevent startup
            if theme := read_settings(self.store.home).get("theme"):
                self.theme = theme
        self.theme_changed_signal.subscribe(self, self._remember_theme)
        self.app_resume_signal.subscribe(
            self, lambda _: self.refresh(layout=True)
        )  # Textual 8.2 draws nothing after fg
        ignore_unexpected_sigcont()
        loop = asyncio.get_running_loop()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                number = getattr(signal, name)
                with suppress(NotImplementedError, RuntimeError, ValueError):  # on Windows or outside the main thread
                    loop.add_signal_handler(number, self.exit_on_signal, number)
        self.call_after_refresh(self._after_first_frame)

    def notify(self, message: str, **options: Any) -> None:
        """Show a notification and remove the previous one, because a stack of them would cover the screen."""
        self.clear_notifications()
        self._notified_at = time.monotonic()
        options.pop("markup", None)  # Textual's screens and widgets pass it, but names and paths aren't markup
        super().notify(escape_unprintable(message), markup=False, **options)

    def show_problem(self, problem: Problem) -> None:
        """Show a problem as a notification."""
        self.notify(problem.explain().summary, severity="warning", timeout=_WARNING_SECONDS)

    async def on_event(self, event: events.Event) -> None:
        # A key press removes a notification that was visible long enough to be read, because it covers what comes next.
        if isinstance(event, events.Key) and time.monotonic() - self._notified_at > _MIN_NOTICE_SECONDS:
            self.clear_notifications()
        if isinstance(event, events.Paste) and self._forward_callback(event.text):
            return
        if isinstance(event, events.Paste):  # the command palette uses Textual's Input, which doesn't escape
            event.text = "\n".join(map(escape_unprintable, event.text.expandtabs(1).splitlines()))
        await super().on_event(event)

    def _forward_callback(self, text: str) -> bool:
        """Pass a pasted callback URL to the sign-in that waits for it below the screen on top."""
        url = "".join(text.split())
        if not re.search(r"[?&](code|error)=", url):
            return False
        below = self.screen_stack[-2::-1]
        return any(isinstance(screen, AppScreen) and screen.take_callback(url) for screen in below)

    def get_css_variables(self) -> dict[str, str]:
        """Return the colors of the theme, and those that only our themes have."""
        theme, variables = self.current_theme, super().get_css_variables()
        variables = complete_variables(variables, dark=theme.dark)
        if not theme.dark and theme not in THEMES:
            variables |= _LIGHT_THEME_COLORS
        self.theme_variables = variables
        return variables

    @background("settings", exclusive=False)
    async def _remember_theme(self, theme: Theme) -> None:
        await self.change_settings(theme=theme.name)

    async def change_settings(self, **changes: str | None) -> None:
        """Save settings in the order of the calls. Another program may hold their lock, so a thread does it.

        Raises:
            StorageError: they could not be saved.
        """
        async with self._settings_order:
            await asyncio.to_thread(partial(change_settings, self.store.home, **changes))

    def exit_on_signal(self, number: int) -> None:
        """Exit cleanly: restore the terminal, close the port, and save an unsaved token, in a fallback file if necessary."""
        self.record_signal(number)
        if self.is_running and not self._is_ending:  # closing a window may send a second signal
            self._is_ending = True
            if not self.is_headless and is_terminal_closed():
                detach_from_terminal()
            self._exit_after_saving(number)

    def record_signal(self, number: int) -> None:
        """Set the exit code for the first signal received, even if the app is already shutting down."""
        if not self._is_signaled:
            self._is_signaled = True
            self._return_code = 128 + number

    def panic(self, *renderables: RenderableType) -> None:
        """Handle a Textual panic. A closed terminal causes one too, but that is a normal exit."""
        if not self.is_headless and is_terminal_closed():
            self.exit_on_signal(getattr(signal, "SIGHUP", 1))
        else:
            from rich.traceback import Traceback  # imported late because it loads a syntax highlighter

            tracebacks = [renderable for renderable in renderables if isinstance(renderable, Traceback)]
            self._crash([traceback_location(traceback) for traceback in tracebacks] or ["an error in Textual"])

    async def save_pending_tokens(self) -> None:
        """Wait until every received token is saved. Write a token that can't be saved to a fallback file.

        This runs before a normal exit, and again when the UI has ended but its event loop is still open. A token
        exchange may still be in progress, because it does not end with the UI.
        """
        from slack_token_tui.oauth.session import INTERRUPTIBLE_PHASES, describe_stop

        while self.sign_ins:
            session, before = self.sign_ins[-1], self.sign_ins[-1].state
            if not (before.is_ended or before.phase in INTERRUPTIBLE_PHASES or self.is_running):
                print_messages("Waiting for Slack's response, to save the token. This can take a minute.")
            result = await session.stop()
            # Remove it only after the wait, so that an interrupted wait can be resumed. Two waits may end together.
            if session not in self.sign_ins:
                continue
            self.sign_ins.remove(session)
            words = describe_stop(result, session.request.app.endpoints.apps_url)
            # After a crash, the end of the sign-in has not been on any screen. Where a token is, is said in any case.
            is_elsewhere = result.rescued_path is not None or result.unsaved
            is_elsewhere |= result.unusable is not None and (self._is_ending or self._is_crashed)
            is_news = not before.is_ended or self._is_crashed or is_elsewhere
            if words and is_news and words not in self.exit_messages:
                self.exit_messages.append(words)

    @background("end")
    async def _exit_after_saving(self, number: int) -> None:
        try:
            await self.save_pending_tokens()
        finally:
            self.exit(return_code=128 + number)

    @background("first_frame")
    async def _after_first_frame(self) -> None:
        first_frame.restore()
        await first_frame.import_sign_in()
        from slack_token_tui.slack.client import tls_key_log_path

        if path := tls_key_log_path():
            words = f"SSLKEYLOGFILE is set. The keys of TLS connections are written to {path}."
            self.notify(words, severity="warning", timeout=_WARNING_SECONDS)

    async def copy_secret(self, text: Secret, name: str) -> Copied | NotCopied:
        """Copy ``text`` of profile ``name``, clear it later, and return how reliable the copy is."""
        from slack_token_tui.desktop import clipboard

        home = self.store.home
        clear_policy = clipboard.ClearPolicy(clipboard_seconds(home), home / "clipboard")
        return await clipboard.copy(text, _AppTerminalClipboard(self, name), clear_policy)

    async def copy_text(self, text: str) -> Copied | NotCopied:
        """Copy ``text``, which is not a secret, to the clipboard."""
        from slack_token_tui.desktop import clipboard

        return await clipboard.copy(Secret(text), _AppTerminalClipboard(self))

    def write_to_terminal_clipboard(self, text: str) -> None:
        """Send ``text`` to the terminal's clipboard with OSC 52."""
        self.copy_to_clipboard(text)
        self._token_was_copied = True

    @property
    def clipboard(self) -> str:
        """Textual's internal clipboard. Empty after a token was copied, so that Ctrl+V in a field can't paste it."""
        return "" if self._token_was_copied else super().clipboard

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Yield the palette commands: the actions of the screen, the theme, and quit.

        Textual's screenshot command is left out because a screenshot could contain a token.
        """
        if isinstance(screen, AppScreen):
            for action in actions_for(screen.screen_id):
                if screen.check_action(action.id, ()) and action.id != "quit":
                    run = partial(screen.run_action, action.id)
                    key = f" ({action.key_label})" if action.keys else ""
                    yield SystemCommand(f"{action.title}{key}", action.help, run)
        yield SystemCommand("Theme", "Change the colors.", self.action_change_theme)
        yield SystemCommand("Quit (Ctrl+Q)", "Quit.", self.action_quit)

    async def on_click(self, event: events.Click) -> None:
        """Run the action of a key hint."""
        if isinstance(action := event.style.meta.get(ACTION_META), str):
            if isinstance(self.screen.focused, Input):  # in a field letters are text
                self.screen.set_focus(None)
            await self.run_action(action, self.screen)
            if isinstance(self.screen, AppScreen):
                self.screen.refocus()

    async def action_quit(self) -> None:
        self.request_exit()

    def request_exit(self) -> None:
        """Exit, but save an unsaved token first or ask about it."""
        from slack_token_tui.tui.screens.dialogs import ConfirmDialog

        for screen in reversed(self.screen_stack):
            if isinstance(screen, AppScreen) and screen.has_unsaved_token:
                if not isinstance(self.screen, ConfirmDialog):  # otherwise the question is already open
                    screen.leave(self.exit)
                return
        self.exit()

    def action_help_quit(self) -> None:
        """Copy the text that is selected with the mouse, or stop what is running. Pressed twice, quit."""
        field = self.screen.focused
        in_field = field.selected_text if isinstance(field, Input) and not field.password else ""
        if isinstance(field, Input) and in_field == field.value:
            in_field = ""  # a field selects all of its text on focus, and Ctrl+C must still interrupt
        if selected := self.screen.get_selected_text() or in_field:
            self.screen.clear_selection()
            self._copy_selection(selected)
            return
        now = time.monotonic()
        if now - self._last_interrupt < DOUBLE_PRESS_SECONDS:
            self.request_exit()
            return
        self._last_interrupt = now
        # Includes a screen below the help or the error list.
        screens = [screen for screen in reversed(self.screen_stack) if isinstance(screen, AppScreen)]
        has_unsaved_token = any(screen.has_unsaved_token for screen in screens)
        words = "Nothing is running."
        if any(screen.cancel_running() for screen in screens):
            words = "Stopping as soon as the token is saved." if has_unsaved_token else "Stopped."
        self.notify(f"{words} Ctrl+C again quits.", timeout=DOUBLE_PRESS_SECONDS)

    def action_suspend_process(self) -> None:
        """Suspend the program until ``fg``, unless Slack may be sending a token."""
        screens = [screen for screen in self.screen_stack if isinstance(screen, AppScreen)]
        if any(screen.has_unsaved_token for screen in screens):
            self.notify("Slack is sending a token. Ctrl+Z works again when it is saved.", severity="warning")
        else:
            super().action_suspend_process()

    @background("selection")
    async def _copy_selection(self, text: str) -> None:
        is_secret = redact(text) != text
        outcome = await (self.copy_secret(Secret(text), "the selection") if is_secret else self.copy_text(text))
        self.notify(copy_message(outcome, "the selection"))

    def _fatal_error(self) -> None:
        """Report a crash without Textual's traceback, which prints every local variable, including tokens.

        This overrides a private Textual method. ``test_crash_shows_no_token`` fails if upstream renames it.
        """
        error = self._exception
        self._crash([error_location(error), *call_stack(error)] if error else ["unknown location"])

    def _crash(self, locations: list[str]) -> None:
        """Exit with code 1 and report the source locations only. Messages and values may hold tokens."""
        if not self._is_crashed:
            self._is_crashed = True
            self._return_code = 1
            first, *calls = locations
            self.exit_messages[:0] = [
                f"slack-token-tui crashed (this is a bug): {first}.",
                *(f"  {call}" for call in calls),
                "This report holds no secret. Your profiles are unharmed. Start slack-token-tui again to continue.",
            ]
        self._close_messages_no_wait()


def traceback_location(rendered: Traceback) -> str:
    """Return the type and source line of the exception in a Rich traceback."""
    stacks = rendered.trace.stacks
    if not stacks:
        return "an error of unknown kind"
    if not (frames := stacks[0].frames):
        return stacks[0].exc_type
    return f"{stacks[0].exc_type} in {PurePath(frames[-1].filename).name}, line {frames[-1].lineno}"


def call_stack(error: BaseException) -> list[str]:
    """Return the call stack of ``error``, outermost call first, one line per call."""
    import traceback  # imported late because only a crash needs it

    return [
        f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
