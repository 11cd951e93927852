"""Filling in the form: from the list of scopes, the remembered apps, an app's details, or an app made just now."""

from __future__ import annotations

from dataclasses import replace

from textual import on, work
from textual.widgets import Button

from slack_token_tui.store.apps import SlackApp, read_app
from slack_token_tui.tui.screens.sign_in.ground import SignInGround
from slack_token_tui.tui.widgets.header import TopLine
from slack_token_tui.tui.widgets.sign_in_form import SignInForm


class FillsIn(SignInGround):
    """The form's keys and buttons."""

    @on(SignInForm.Submitted)
    def form_submitted(self, event: SignInForm.Submitted) -> None:
        """Everything is there: begin."""
        self._app = event.slack_app
        self._begin()

    @on(Button.Pressed, "#choose_app, #app_details, #new_app")
    async def form_button_pressed(self, event: Button.Pressed) -> None:
        """The same as its key."""
        await self.run_action(str(event.button.id))

    @work(exclusive=True, group="form", exit_on_error=False)
    async def action_choose_scopes(self) -> None:
        """Choose scopes from the list."""
        from slack_token_tui.tui.screens.scope_picker import ScopePicker

        app = self._form.slack_app
        picker = ScopePicker(self._form.scopes, app.registered_scopes, self._older)
        if (chosen := await self.app.push_screen_wait(picker)) is not None:
            self._form.scopes = chosen

    @work(exclusive=True, group="form", exit_on_error=False)
    async def action_choose_app(self) -> None:
        """Choose among the remembered apps."""
        from slack_token_tui.tui.screens.apps import AppsScreen

        if (app := await self.app.push_screen_wait(AppsScreen())) is not None:
            self._use(app)
        elif old := self._form.slack_app.client_id:
            # It may have been changed or forgotten there, and must not come back as it was.
            again = read_app(self.token_app.store.home, old) or SlackApp(old, self._form.slack_app.endpoints)
            self._use(replace(again, scopes=self._form.scopes))

    @work(exclusive=True, group="form", exit_on_error=False)
    async def action_app_details(self) -> None:
        """Change what is known of the app."""
        from slack_token_tui.tui.screens.app_details import AppDetails

        # With the scopes as they are typed now: those of last time are not what is meant any more.
        now = replace(self._form.slack_app, scopes=self._form.scopes)
        if (app := await self.app.push_screen_wait(AppDetails(now, self.token_app.store.home))) is not None:
            self._use(app)

    @work(exclusive=True, group="form", exit_on_error=False)
    async def action_new_app(self) -> None:
        """Make an app, and come back with it."""
        from slack_token_tui.tui.screens.app_setup import AppSetupScreen

        setup = AppSetupScreen(self._form.slack_app.endpoints, self._form.scopes)
        if (app := await self.app.push_screen_wait(setup)) is not None:
            self._use(app)

    def _use(self, app: SlackApp) -> None:
        self._form.use(app)
        self.query_one(TopLine).show(app.endpoints)
        self._form.begin()
