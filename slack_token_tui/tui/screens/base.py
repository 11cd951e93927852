"""Base class of the main screens.

Letters are keys only while no text field has the focus, and the footer shows which keys work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

from textual import events
from textual.screen import Screen

from slack_token_tui.tui.actions import actions_for, find_action
from slack_token_tui.tui.background import background
from slack_token_tui.tui.widgets.input import Input

if TYPE_CHECKING:
    from slack_token_tui.desktop.clipboard import Copied, NotCopied
    from slack_token_tui.problems import Problem
    from slack_token_tui.store.apps import SlackApp
    from slack_token_tui.tui.screen_host import ScreenHost

ScreenResult = TypeVar("ScreenResult")


class AppScreen(Screen[ScreenResult]):
    """Base class of the main screens. ``screen_id`` is the id of the screen in the action table."""

    screen_id: str
    _redirects_copied = ("", 0)
    """The redirect URL that was sent, and how many have been copied since."""

    @property
    def token_app(self) -> ScreenHost:
        """The app, typed as the interface that screens use."""
        return cast("ScreenHost", self.app)

    @property
    def slack_label(self) -> str:
        """Label of a Slack that isn't slack.com, shown next to its host."""
        return "practice Slack" if self.token_app.options.is_demo else ""

    def show_problem(self, problem: Problem) -> None:
        """Show a problem. Screens with a place for it override this."""
        self.token_app.show_problem(problem)

    @property
    def has_unsaved_token(self) -> bool:
        """Whether the screen holds an unsaved token that would be lost on leaving."""
        return False

    def leave(self, then: Callable[[], object]) -> object:
        """Call ``then``. A screen that would lose a token saves it or asks first."""
        return then()

    def cancel_running(self) -> bool:
        """Cancel what is running and return whether anything was."""
        return False

    def take_callback(self, url: str) -> bool:
        """Use a callback URL that was pasted while another screen is on top. Return whether it was expected here."""
        return False

    def refocus(self) -> None:
        """Focus what has the keys, after a click on a key hint has taken the focus away."""

    def is_available(self, action_id: str) -> bool:
        """Return whether an action of the table is available now. Screens override this."""
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether Textual may show or run a binding."""
        if action == "help_in_field":
            return isinstance(self.focused, Input)
        table_action = find_action(action, self.screen_id)
        if table_action is None:
            return True
        # In a field letters are text, and F1 opens the help.
        if isinstance(self.focused, Input) and (table_action.is_letter or table_action.keys == "f1"):
            return False
        return self.is_available(action)

    # The footer depends on the focus: letters are keys only outside text fields.

    def on_descendant_focus(self, _: events.DescendantFocus) -> None:
        self.refresh_bindings()

    def on_descendant_blur(self, _: events.DescendantBlur) -> None:
        self.refresh_bindings()

    def action_help(self) -> None:
        from slack_token_tui.tui.screens.help import HelpDialog

        able = frozenset(action.id for action in actions_for(self.screen_id) if self.is_available(action.id))
        self.app.push_screen(HelpDialog(self.screen_id, able, is_practice=self.token_app.options.is_demo))

    def action_help_in_field(self) -> None:
        self.action_help()

    def action_leave(self) -> None:
        self.close(None)

    def close(self, answer: ScreenResult | None) -> None:
        """Close this screen once and return ``answer``, even if another screen is on top of it.

        Textual's ``dismiss`` returns the result for this screen but then removes whichever screen is on top.
        """
        if self in self.app.screen_stack:
            self.pop_until_active()
            self.dismiss(answer)

    # ── shared by several screens ──

    async def open_page(self, url: str, command: str = "") -> None:
        """Open ``url`` in the browser and report the result. Without a browser, copy the URL."""
        from slack_token_tui.desktop import browser

        outcome = await browser.open_url(url, command)
        if isinstance(outcome, browser.Opened):
            self.notify(f"Opened in {outcome.name}.")
            return
        copied = await self.token_app.copy_text(url)
        self.notify(f"{outcome.reason} {copy_message(copied, 'the URL')}", severity="warning")

    @background("copy")
    async def copy_redirect_uri(self, app: SlackApp | None, sent: str) -> None:
        """Copy the redirect URL ``sent``, or the next one of ``app`` if called again.

        They are copied one by one because each field on Slack's page takes one.
        """
        from slack_token_tui.store.apps import LOOPBACK_REDIRECT_URIS

        urls = app.redirect_uris if app else LOOPBACK_REDIRECT_URIS
        first = urls.index(sent) if sent in urls else 0
        copied = self._redirects_copied[1] if self._redirects_copied[0] == sent else 0
        number = (first + copied) % len(urls)
        self._redirects_copied = (sent, copied + 1)
        more = f" {number + 1} of {len(urls)}. Press u again for the next one." if len(urls) > 1 else ""
        outcome = await self.token_app.copy_text(urls[number])
        self.notify(copy_message(outcome, urls[number]) + more)

    def notify_copied(self, outcome: Copied | NotCopied, what: str) -> None:
        """Report the result of copying ``what``."""
        from slack_token_tui.desktop.clipboard import Copied

        severity = "information" if isinstance(outcome, Copied) else "warning"
        # Both words are valid severities, but mypy infers str.
        self.notify(copy_message(outcome, what), severity=severity)  # type: ignore[arg-type]


def copy_message(outcome: Copied | NotCopied, what: str) -> str:
    """Return a sentence about the result of copying ``what``."""
    from slack_token_tui.desktop.clipboard import Copied

    return outcome.message(what) if isinstance(outcome, Copied) else f"Not copied. {outcome.reason}"
