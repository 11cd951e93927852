"""What all main screens share: letters are keys only while no field has the focus, and the footer shows which is so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from textual import events, work
from textual.screen import Screen

from slack_token_tui.tui.actions import actions_for, find_action
from slack_token_tui.tui.widgets.input import Input

if TYPE_CHECKING:
    from slack_token_tui.desktop.clipboard import Copied, NotCopied
    from slack_token_tui.oauth.session import SignInSession
    from slack_token_tui.secret import Secret
    from slack_token_tui.store.apps import SlackApp
    from slack_token_tui.store.profiles import ProfileStore
    from slack_token_tui.tui.options import LaunchOptions

Answer = TypeVar("Answer")


class ScreenHost(Protocol):
    """What screens need from the app.

    Attributes:
        options: what the TUI was started with.
        store: the profiles.
        draft: what was typed into the last sign-in form.
        sign_ins: every sign-in that was started, with the event that is set at its end.
    """

    options: LaunchOptions
    store: ProfileStore
    draft: SlackApp | None
    sign_ins: list[tuple[SignInSession, asyncio.Event]]

    async def copy_secret(self, text: Secret) -> Copied | NotCopied:
        """Copy ``text`` to the clipboard and clear it later."""

    async def copy_text(self, text: str) -> Copied | NotCopied:
        """Copy ``text``, which is no secret."""


class AppScreen(Screen[Answer]):
    """A main screen. ``room`` is its name in the table of actions."""

    screen_id: str
    _redirects_copied = 0

    @property
    def token_app(self) -> ScreenHost:
        """The app, as far as screens use it."""
        return cast("ScreenHost", self.app)

    @property
    def slack_label(self) -> str:
        """What to call a Slack that is not slack.com, beside its address."""
        return "practice Slack" if self.token_app.options.is_demo else ""

    @property
    def has_unsaved_token(self) -> bool:
        """Whether something is here alone that leaving would lose."""
        return False

    def after_saving(self, then: Callable[[], object]) -> object:
        """Do ``go_on``; but ask first where that would lose something."""
        return then()

    def cancel_running(self) -> bool:
        """Stop what is running; tell whether anything was."""
        return False

    def is_available(self, action_id: str) -> bool:
        """Tell whether an action of the table makes sense right now. Screens narrow it down."""
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual asks this before it offers or runs a binding."""
        if action == "help_in_field":
            return isinstance(self.focused, Input)
        known = find_action(action, self.screen_id)
        if known is None:
            return True
        if known.is_letter and isinstance(self.focused, Input):
            return False
        return self.is_available(action)

    def on_descendant_focus(self, _: events.DescendantFocus) -> None:
        """The footer follows the focus."""
        self.refresh_bindings()

    def on_descendant_blur(self, _: events.DescendantBlur) -> None:
        """The footer follows the focus."""
        self.refresh_bindings()

    def action_help(self) -> None:
        """Show what can be done here."""
        from slack_token_tui.tui.screens.help import HelpDialog

        able = frozenset(action.id for action in actions_for(self.screen_id) if self.is_available(action.id))
        self.app.push_screen(HelpDialog(self.screen_id, able))

    def action_help_in_field(self) -> None:
        """The same while a field has the focus."""
        self.action_help()

    def action_leave(self) -> None:
        """Go back without an answer."""
        self.close(None)

    def close(self, answer: Answer | None) -> None:
        """End this screen with ``answer``, once, also where another lies over it.

        Textual's ``dismiss`` answers for this screen and then takes away whichever is on top.
        """
        if self in self.app.screen_stack:
            self.pop_until_active()
            self.dismiss(answer)

    # ── what several of them do ──

    async def open_page(self, url: str, command: str = "") -> None:
        """Open ``url`` in the browser and say what came of it; where there is none, copy the address."""
        from slack_token_tui.desktop import browser

        outcome = await browser.open_url(url, command)
        if isinstance(outcome, browser.Opened):
            self.notify(f"Opened in {outcome.name}.", markup=False)
            return
        copied = await self.token_app.copy_text(url)
        self.notify(f"{outcome.reason} {_copy_message(copied, 'The address')}", severity="warning", markup=False)

    @work(exclusive=True, group="copy", exit_on_error=False)
    async def copy_redirect_uri(self, app: SlackApp | None, sent: str) -> None:
        """Copy the redirect address that was sent; pressed again, the next one of ``app``: Slack takes one a field."""
        from slack_token_tui.store.apps import LOOPBACK_REDIRECT_URIS

        addresses = app.redirect_uris if app else LOOPBACK_REDIRECT_URIS
        first = addresses.index(sent) if sent in addresses else 0
        number = (first + self._redirects_copied) % len(addresses)
        self._redirects_copied += 1
        more = f" {number + 1} of {len(addresses)}; d again copies the next." if len(addresses) > 1 else ""
        outcome = await self.token_app.copy_text(addresses[number])
        self.notify(_copy_message(outcome, addresses[number]) + more, markup=False)

    def notify_copied(self, outcome: Copied | NotCopied, what: str) -> None:
        """Say what came of copying ``what``."""
        from slack_token_tui.desktop.clipboard import Copied

        severity = "information" if isinstance(outcome, Copied) else "warning"
        self.notify(_copy_message(outcome, what), severity=severity, markup=False)  # type: ignore[arg-type]  # one of its words


def _copy_message(outcome: Copied | NotCopied, what: str) -> str:
    from slack_token_tui.desktop.clipboard import Copied

    return outcome.message(what) if isinstance(outcome, Copied) else f"Not copied. {outcome.reason}"
