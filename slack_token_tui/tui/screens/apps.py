"""Screen of the saved Slack apps: sign in with one, edit it, forget it, or create another."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from slack_token_tui.slack.endpoints import SLACK
from slack_token_tui.store.apps import SlackApp, forget_app, is_loopback_redirect, list_apps
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.profile import Profile
from slack_token_tui.tui.actions import APPS, bindings
from slack_token_tui.tui.background import background
from slack_token_tui.tui.screens.base import AppScreen
from slack_token_tui.tui.screens.dialogs import ConfirmDialog
from slack_token_tui.tui.widgets.cursor_list import CursorList
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.footer import Footer
from slack_token_tui.tui.widgets.header import Header

_NONE = "No apps yet. Press N to create one, or Esc to enter a Client ID."


class AppsScreen(AppScreen[SlackApp | None]):
    """Screen that returns the app to sign in with, or None."""

    screen_id = APPS
    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(APPS)]

    def __init__(self) -> None:
        super().__init__()
        self._apps: list[SlackApp] = []
        self._names: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        yield Header("Your Slack apps")
        with Container(id="picker"):
            yield CursorList(id="app_list")
            yield Static(id="app_text")
        yield Footer()

    def on_mount(self) -> None:
        self._reload()

    def _reload(self) -> None:
        option_list = self.query_one(OptionList)
        at = option_list.highlighted or 0
        problem = ""
        try:
            self._apps = list_apps(self.token_app.store.home)
        except StorageError as error:
            self._apps, problem = [], error.explain().summary
        option_list.clear_options()
        profiles: list[Profile] = []
        with suppress(StorageError):  # the home screen shows the error
            profiles = [entry for entry in self.token_app.store.entries() if isinstance(entry, Profile)]
        self._names = {profile.client_id: profile.app_name for profile in profiles if profile.app_name}
        option_list.add_options(Option(_format_app(app, self._display_name(app))) for app in self._apps)
        option_list.display = bool(self._apps)
        if self._apps:
            option_list.highlighted = min(at, len(self._apps) - 1)
            words = "Press Enter to sign in with the selected app. Most recent first."
        else:
            words = problem or _NONE
        self.query_one("#app_text", Static).update(Content(words))
        self.refresh_bindings()

    def _display_name(self, app: SlackApp) -> str:
        """Return the user's name for ``app``, or its name in Slack, or its Client ID."""
        return app.name or self._names.get(app.client_id, app.client_id)

    @property
    def _highlighted(self) -> SlackApp | None:
        at = self.query_one(OptionList).highlighted
        return self._apps[at] if at is not None and at < len(self._apps) else None

    def is_available(self, action_id: str) -> bool:
        return action_id not in {"use", "edit", "forget"} or self._highlighted is not None

    def action_use(self) -> None:
        if (app := self._highlighted) is not None:
            self.close(app)

    @background("app", exclusive=False)
    async def action_edit(self) -> None:
        from slack_token_tui.tui.screens.app_details import AppDetailsDialog

        if (app := self._highlighted) is not None and await self.app.push_screen_wait(
            AppDetailsDialog(app, self.token_app.store.home)
        ) is not None:
            self._reload()

    @background("app", exclusive=False)
    async def action_forget(self) -> None:
        if (app := self._highlighted) is None:
            return
        secret = " Its client secret is deleted, so their tokens can't be refreshed." if app.is_confidential else ""
        question = Content.assemble(
            (f"Forget {self._display_name(app)}?\n\n", "bold"),
            f"The app stays in Slack. Your profiles stay here.{secret}",
        )
        if await self.app.push_screen_wait(ConfirmDialog(question, "Forget")):
            self.query_one("#app_text", Static).update(Content(f"Forgetting {self._display_name(app)}…"))
            try:
                await asyncio.to_thread(forget_app, self.token_app.store.home, app)
                self.token_app.draft = None  # it may hold the client secret
            finally:
                self._reload()

    @background("app", exclusive=False)
    async def action_make_app(self) -> None:
        from slack_token_tui.tui.screens.app_setup import AppSetupScreen

        setup = AppSetupScreen(self.token_app.options.endpoints, ())
        if (app := await self.app.push_screen_wait(setup)) is not None:
            self.close(app)


def _format_app(app: SlackApp, name: str) -> Content:
    facts = [app.scopes[0] if len(app.scopes) == 1 else f"{len(app.scopes)} scopes"]
    if not is_loopback_redirect(app.redirect_uris[0]):
        facts.append("finishes by pasting a URL")
    if app.is_confidential:
        facts.append("client secret")
    if app.browser:
        facts.append(f"opens in {app.browser}")
    elsewhere = () if app.endpoints.base == SLACK else ((f"  {app.endpoints.host} (not slack.com)", "$text-warning"),)
    shown_id = (f"  {app.client_id}", MUTED) if name != app.client_id else ""
    return Content.assemble((name, "bold"), shown_id, *elsewhere, ("\n" + " · ".join(facts), MUTED))
