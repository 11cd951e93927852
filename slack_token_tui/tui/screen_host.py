"""Interface of the app that screens and dialogs use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from slack_token_tui.desktop.clipboard import Copied, NotCopied
    from slack_token_tui.oauth.session import SignInSession
    from slack_token_tui.problems import Problem
    from slack_token_tui.secret import Secret
    from slack_token_tui.store.apps import SlackApp
    from slack_token_tui.store.profiles import ProfileStore
    from slack_token_tui.tui.options import LaunchOptions


class ScreenHost(Protocol):
    """Interface of the app that screens use.

    Attributes:
        options: launch options of the TUI.
        store: profile store.
        draft: input of the last sign-in form.
        sign_ins: started sign-ins, which are stopped before the program ends.
        exit_messages: messages to print after the terminal has been restored.
    """

    options: LaunchOptions
    store: ProfileStore
    draft: SlackApp | None
    sign_ins: list[SignInSession]
    exit_messages: list[str]

    def notify(self, message: str, **options: Any) -> None:
        """Show a notification in place of the previous one."""

    def show_problem(self, problem: Problem) -> None:
        """Show a problem as a notification."""

    async def change_settings(self, **changes: str | None) -> None:
        """Save settings in the order of the calls."""

    async def copy_secret(self, text: Secret, name: str) -> Copied | NotCopied:
        """Copy ``text`` of profile ``name`` to the clipboard and clear it later."""

    async def copy_text(self, text: str) -> Copied | NotCopied:
        """Copy ``text``, which is not a secret, to the clipboard."""
