"""State and commands of the sign-in screen: edit the form, copy, wait longer, recover from an error."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape

from textual import on
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Button, Static

from slack_token_tui import __version__
from slack_token_tui.event_loop import run_in_daemon_thread
from slack_token_tui.oauth.events import Step
from slack_token_tui.oauth.exchange import UnusableTokenResponse
from slack_token_tui.oauth.session import SignInSession
from slack_token_tui.problems import Explanation
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.apps import SlackApp, read_app
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import SavedProfile
from slack_token_tui.tui.actions import SIGN_IN
from slack_token_tui.tui.background import background
from slack_token_tui.tui.screens.base import AppScreen
from slack_token_tui.tui.screens.dialogs import ConfirmDialog, ExplanationDialog
from slack_token_tui.tui.screens.remove import RemoveDialog
from slack_token_tui.tui.widgets.error_card import ErrorCard, format_report
from slack_token_tui.tui.widgets.header import Header
from slack_token_tui.tui.widgets.sign_in_form import SignInForm
from slack_token_tui.tui.widgets.steps import Steps


class SignInCommands(AppScreen[str | None]):
    """State and commands of the sign-in screen. It returns the name of the saved profile, or None."""

    screen_id = SIGN_IN

    def __init__(self, previous: Profile | None = None, app: SlackApp | None = None) -> None:
        """
        Args:
            previous: profile to sign in again, which fills in the form. None for a new one.
            app: app to sign in with. None means the most recently used one.
        """
        super().__init__()
        self._profile = previous
        self._app = app
        self._sign_in: SignInSession | None = None
        self._failure: Explanation | None = None
        self._saved: SavedProfile | None = None
        self._url: str | None = None
        self._tunnel_command: str | None = None
        self._errors_screen: AppScreen[str | None] | None = None
        self._no_browser_reason = self._page_error = ""
        self._waiting = False
        self._listening = False
        self._countdown: Timer | None = None
        self._ended = asyncio.Event()  # of the most recent sign-in

    @property
    def _form(self) -> SignInForm:
        return self.query_one(SignInForm)

    @property
    def _sent_redirect_uri(self) -> str:
        """The redirect URL that this sign-in has sent, or "" before that."""
        request = self._sign_in.request if self._sign_in else None
        return request.redirect_uri if request else ""

    @property
    def _unusable(self) -> UnusableTokenResponse | None:
        """The token response whose token is unusable, if Slack sent one."""
        return self._sign_in.unusable if self._sign_in else None

    @property
    def has_unsaved_token(self) -> bool:
        """Whether a token exists only in memory because it isn't saved yet."""
        return self._sign_in is not None and self._sign_in.has_unsaved_token

    @background("question")
    async def after_saving(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` once a new token is saved.

        If the token can't be saved, ask first, because it would be lost.
        """
        if self._sign_in is not None and self._sign_in.skip_verification():
            await self._ended.wait()
            if (saved := self._sign_in.saved) is not None:
                self.app.notify(f"The token came, and was saved as {saved.profile.name}.", markup=False)
        if self.has_unsaved_token:
            question = Content.assemble(
                ("Throw the new token away?\n\n", "bold"),
                "Slack has given it, and it is not saved: w saves it again when what is in the way is mended. "
                "Going on forgets it here; at Slack it stays valid until it expires or is revoked.",
            )
            if not await self.app.push_screen_wait(ConfirmDialog(question, "Throw it away", "Keep it here")):
                return
            if self._sign_in is not None:
                self._sign_in.discard()
        callback()

    # Implemented by SignInScreen.

    def _start(self) -> None:
        raise NotImplementedError

    def _show_form(self) -> None:
        raise NotImplementedError

    def _show_saved(self, saved: SavedProfile) -> None:
        raise NotImplementedError

    def _update_countdown(self) -> None:
        raise NotImplementedError

    async def _fail(self, step: Step, explanation: Explanation) -> None:
        raise NotImplementedError

    @on(SignInForm.Submitted)
    def start_from_form(self, event: SignInForm.Submitted) -> None:
        self._app = event.slack_app
        self._start()

    @on(Button.Pressed, "#choose_app, #app_details, #new_app")
    async def handle_form_button(self, event: Button.Pressed) -> None:
        await self.run_action(str(event.button.id))

    @background("form")
    async def action_choose_scopes(self) -> None:
        from slack_token_tui.tui.screens.scope_picker import ScopePickerScreen

        app = self._form.slack_app
        picker = ScopePickerScreen(self._form.scopes, app.registered_scopes, self._profile)
        if (chosen := await self.app.push_screen_wait(picker)) is not None:
            self._form.scopes = chosen

    @background("form")
    async def action_choose_app(self) -> None:
        from slack_token_tui.tui.screens.apps import AppsScreen

        if (app := await self.app.push_screen_wait(AppsScreen())) is not None:
            self._use_app(app)
        elif client_id := self._form.slack_app.client_id:
            # It may have been edited or forgotten there, so it must not come back unchanged.
            saved_app = read_app(self.token_app.store.home, client_id) or SlackApp(
                client_id, self._form.slack_app.endpoints
            )
            self._use_app(replace(saved_app, scopes=self._form.scopes))

    @background("form")
    async def action_app_details(self) -> None:
        from slack_token_tui.tui.screens.app_details import AppDetailsDialog

        # Use the scopes typed in the form now, not those of the last sign-in.
        app_in_form = replace(self._form.slack_app, scopes=self._form.scopes)
        if (
            app := await self.app.push_screen_wait(AppDetailsDialog(app_in_form, self.token_app.store.home))
        ) is not None:
            self._use_app(app)

    @background("form")
    async def action_new_app(self) -> None:
        from slack_token_tui.tui.screens.app_setup import AppSetupScreen

        setup = AppSetupScreen(self._form.slack_app.endpoints, self._form.scopes)
        if (app := await self.app.push_screen_wait(setup)) is not None:
            self._use_app(app)

    def _use_app(self, app: SlackApp) -> None:
        self._form.use_app(app)
        self.query_one(Header).show(app.endpoints)
        self._form.focus_next_step()

    def action_more_time(self) -> None:
        if self._sign_in is not None:
            self._sign_in.extend()
            self._update_countdown()

    def action_copy_url(self) -> None:
        self._copy(self._url, "The address")

    def action_copy_tunnel(self) -> None:
        self._copy(self._tunnel_command, "The ssh line")

    def action_copy_redirect(self) -> None:
        self.copy_redirect_uri(self._app, self._sent_redirect_uri)

    def action_copy_report(self) -> None:
        if self._failure is not None:
            self._copy(format_report(self._failure, __version__), "The report")

    def action_copy_new(self) -> None:
        if self._saved is not None:
            self._copy_token(self._saved.profile)

    @background("copy")
    async def _copy(self, text: str | None, what: str) -> None:
        if text is not None:
            self.notify_copied(await self.token_app.copy_text(text), what)

    @background("copy")
    async def _copy_token(self, profile: Profile) -> None:
        _, tokens = await run_in_daemon_thread(self.token_app.store.read_with_tokens, profile.name)
        self.notify_copied(await self.token_app.copy_secret(tokens.access_token, profile.name), profile.name)

    @background("browser_says")
    async def action_browser_says(self) -> None:
        """Look up the error on Slack's page and run the remedy that the user chose."""
        from slack_token_tui.tui.screens.errors import ErrorsScreen

        if (sign_in := self._sign_in) is None:
            return
        self._errors_screen = ErrorsScreen(
            sign_in.explain, self._app, self._sent_redirect_uri, from_page=True, initial_search=self._page_error
        )
        chosen = await self.app.push_screen_wait(self._errors_screen)
        self._errors_screen = None
        if chosen is not None and self._sign_in is sign_in and self._waiting:
            getattr(self, f"action_{chosen}")()

    @background("simulate_browser", exclusive=False)
    async def action_simulate_browser(self) -> None:
        """Press Allow in the practice Slack."""
        play = self.token_app.options.simulate_browser
        if play is not None and self._url is not None:
            try:
                page = await play(self._url)
            except OSError:  # the practice Slack has stopped, or the port was just closed
                self.notify("Nobody answered at that address.", severity="warning")
                return
            if "Something went wrong" in page:
                found = re.search("<code>(.*?)</code>", page)
                words = unescape(found.group(1)) if found else "an error"
                code = re.search(r"\((\w+)\)", words)
                self._page_error = code.group(1) if code else " ".join(words.split()[:4])
                self.notify(f"The practice page says: {words} · b explains it.", severity="warning", markup=False)

    def action_again(self) -> None:
        """Start over with a new verifier, challenge and state."""
        self.after_saving(self._start)

    @background("save")
    async def action_save_again(self) -> None:
        await self._save_again(in_file=False)

    @background("save")
    async def action_save_in_file(self) -> None:
        """Save the token in a file because the keyring does not accept it."""
        await self._save_again(in_file=True)

    async def _save_again(self, *, in_file: bool) -> None:
        assert self._sign_in is not None
        steps = self.query_one(Steps)
        steps.start(Step.SAVE)
        try:
            saved = await self._sign_in.save_again(in_file=in_file)
        except StorageError as error:
            await self._fail(Step.SAVE, error.explain())
            return
        self._failure = None
        for card in self.query(ErrorCard):
            await card.remove()
        steps.complete(Step.SAVE, f"Saved as {saved.profile.name}")
        self._show_saved(saved)

    @background("undo")
    async def action_undo(self) -> None:
        """Revoke a token that was issued by mistake or can't be used."""
        if self._saved is not None:
            store, profile = self.token_app.store, self._saved.profile
            await self.app.push_screen_wait(RemoveDialog(store, profile))
            if profile.name not in store.names():
                self._saved = None
                self.close(None)
        elif (sign_in := self._sign_in) is not None and sign_in.unusable is not None:
            question = Content.assemble(("Revoke the token?\n\n", "bold"), sign_in.describe_unusable())
            if await self.app.push_screen_wait(ConfirmDialog(question, "Revoke", "Cancel")):
                answers = await sign_in.revoke_unusable()
                self.query_one("#unusable", Static).update(Content("\n".join(answer.sentence for answer in answers)))
                self.refresh_bindings()

    def action_other_pair(self) -> None:
        """Start over with the other pair of endpoints."""
        if self._app is not None:
            endpoints = self._app.endpoints
            self._app = replace(self._app, endpoints=Endpoints(endpoints.base, endpoints.variant.alternative))
            self.after_saving(self._start)

    def action_change_app(self) -> None:
        self.after_saving(self._back_to_form)

    def _back_to_form(self) -> None:
        self.workers.cancel_group(self, "sign_in")
        self._failure = self._sign_in = None
        self._waiting = False
        self._show_form()

    @background("settings")
    async def action_open_settings(self) -> None:
        if self._app is None:
            return
        await self.open_page(self._app.endpoints.apps_url, self._app.browser)

    def action_explain(self) -> None:
        if self._failure is not None:
            self.app.push_screen(ExplanationDialog(self._failure))
