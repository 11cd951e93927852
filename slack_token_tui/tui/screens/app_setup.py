"""Screen to create a Slack app: a form, then the manifest, Slack's page, and the Client ID to paste."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from slack_token_tui.problems import InvalidInput
from slack_token_tui.slack.client_id import PastedText, recognize
from slack_token_tui.slack.endpoints import GOVSLACK, SLACK, Endpoints
from slack_token_tui.slack.manifest import DEFAULT_NAME, Manifest, create_manifest
from slack_token_tui.slack.scope_catalog import describe_scopes, request_warnings
from slack_token_tui.slack.scopes import DEFAULT_SCOPES, parse_requestable_scopes
from slack_token_tui.store.apps import LOOPBACK_REDIRECT_URIS, SlackApp, read_app, save_app
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.settings import remember_last_app
from slack_token_tui.tui.actions import APP_SETUP, bindings
from slack_token_tui.tui.background import background
from slack_token_tui.tui.screens.app_setup_text import first_step, format_details
from slack_token_tui.tui.screens.base import AppScreen
from slack_token_tui.tui.screens.dialogs import TextDialog
from slack_token_tui.tui.widgets.error_card import step_row
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.footer import Footer
from slack_token_tui.tui.widgets.header import Header
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.keys import button, key_hint
from slack_token_tui.tui.widgets.paste_box import PasteInput
from slack_token_tui.tui.widgets.radio_list import RadioList
from slack_token_tui.tui.widgets.scope_chips import ScopeChips
from slack_token_tui.tui.widgets.scope_text import ScopeText

_ONLY_FORM = frozenset({"pick_scopes", "other_slack"})
_ONLY_STEPS = frozenset(
    {"open_page", "copy_manifest", "copy_page", "copy_request", "show_manifest", "simulate_browser"},
)


class AppSetupScreen(AppScreen[SlackApp | None]):
    """Screen that returns the new app, saved and ready to sign in with, or None."""

    screen_id = APP_SETUP
    AUTO_FOCUS = "#app_name"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(APP_SETUP)]

    def __init__(self, endpoints: Endpoints, scopes: tuple[str, ...]) -> None:
        """
        Args:
            endpoints: the Slack that is selected at first.
            scopes: initial scopes. The default scopes if empty.
        """
        super().__init__()
        self._endpoints = self._first_endpoints = endpoints
        self._first_scopes = scopes or DEFAULT_SCOPES
        self._manifest: Manifest | None = None
        self._can_open_browser = True

    def compose(self) -> ComposeResult:
        yield Header("Create a Slack app", self._endpoints, self.slack_label)
        with (
            Container(classes="stage", id="form_stage"),
            VerticalScroll(id="setup_form", classes="sheet", can_focus=False),
        ):
            yield Static(Content.assemble(("App name", "bold"), ("   shown on Slack's consent page", MUTED)))
            yield Input(DEFAULT_NAME, placeholder=DEFAULT_NAME, id="app_name")
            yield Static(Content.styled("Scopes the app can request", "bold"), classes="question")
            yield ScopeChips(self._first_scopes)
            yield ScopeText(id="scope_text")
            yield Static(Content.styled("Token lifetime", "bold"), classes="question")
            lifetimes = {"rotating": "12 hours, refreshed automatically", "lasting": "No expiry"}
            yield RadioList(lifetimes, "rotating", id="rotation")
            yield Static(id="rotation_help")
            yield Static(id="form_error")
            yield Static(button("Enter", "Continue", "screen.continue_setup", primary=True))
        with Container(classes="stage", id="steps_stage"), VerticalScroll(id="setup_steps", classes="sheet"):
            yield Static(id="setup_title", classes="sheet_title")
            yield Container(id="steps")
            yield PasteInput(replaces=True, explains_secrets=True, placeholder="Client ID", id="client_id")
            yield Static(id="recognized")
            ask = key_hint("copy_request", APP_SETUP, "copy a request for your Slack admin")
            yield Static(Content.assemble(("Can't create apps?  ", MUTED), ask))
        yield Footer()

    def on_mount(self) -> None:
        self._show_form()
        self._show_rotation_help()
        self.show_scopes()

    def _show_form(self) -> None:
        self._manifest = None
        self.query_one("#form_stage").display = True
        self.query_one("#steps_stage").display = False
        self.query_one("#app_name").focus()
        self.call_after_refresh(self.query_one("#setup_form").scroll_home, animate=False)
        self.refresh_bindings()

    # ── form ──

    @property
    def _rotates(self) -> bool:
        return self.query_one("#rotation", RadioList).value == "rotating"

    @property
    def _scopes(self) -> tuple[str, ...]:
        return self.query_one(ScopeChips).scopes

    @on(RadioList.Changed)
    def _show_rotation_help(self) -> None:
        if self._rotates:
            words = "A leaked token expires within 12 hours. Rotation can't be turned off later."
        else:
            words = "You have to revoke a leaked token. Slack may still issue tokens that expire."
        self.query_one("#rotation_help", Static).update(Content.styled(words, MUTED))

    @on(ScopeChips.ListRequested)
    def open_scope_list(self) -> None:
        self.action_pick_scopes()

    @on(ScopeChips.Changed)
    def show_scopes(self) -> None:
        """Show the chosen scopes in plain words, with warnings about them."""
        names = self._scopes
        warnings = [Content.styled(warning, "$text-warning") for warning in request_warnings(names)]
        self.query_one(ScopeText).show(names, *warnings)
        self.query_one("#form_error", Static).update("")

    @background("form")
    async def action_pick_scopes(self) -> None:
        from slack_token_tui.tui.screens.scope_picker import ScopePickerScreen

        if (chosen := await self.app.push_screen_wait(ScopePickerScreen(self._scopes, (), None))) is not None:
            self.query_one(ScopeChips).scopes = chosen

    @background("form")
    async def action_other_slack(self) -> None:
        """Switch between slack.com and GovSlack."""
        from slack_token_tui.tui.screens.app_details import confirm_other_slack

        is_initial = self._endpoints == self._first_endpoints
        other = Endpoints(SLACK if self._first_endpoints.base == GOVSLACK else GOVSLACK)
        if (
            not is_initial
            or other.base == SLACK
            or await confirm_other_slack(self, other.base, is_demo=self.token_app.options.is_demo)
        ):
            self._endpoints = other if is_initial else self._first_endpoints
            self.query_one(Header).show(self._endpoints)

    @on(Input.Submitted, "#app_name")
    def action_continue_setup(self) -> None:
        """Show the steps, or use the Client ID that they end with."""
        if self._manifest is not None:
            self._use_client_id(self.query_one("#client_id", Input).value)
            return
        error = self.query_one("#form_error", Static)
        try:
            self._manifest = create_manifest(
                self.query_one("#app_name", Input).value,
                parse_requestable_scopes(" ".join(self._scopes)),
                LOOPBACK_REDIRECT_URIS,
                rotation=self._rotates,
            )
        except InvalidInput as wrong:
            error.update(Content(f"✗ {wrong}"))
            return
        error.update("")
        self._show_steps(self._manifest)

    # ── steps on Slack's page ──

    def _show_steps(self, manifest: Manifest) -> None:
        from slack_token_tui.desktop import browser

        self._can_open_browser = not isinstance(browser.default_browser(), browser.NotOpened)
        self.query_one("#form_stage").display = False
        self.query_one("#steps_stage").display = True
        self.query_one("#setup_title", Static).update(Content.styled(f"Create '{manifest.name}' in Slack", "bold"))
        text, action = first_step(manifest, self._endpoints, can_open_browser=self._can_open_browser)
        steps = self.query_one("#steps")
        steps.remove_children()
        steps.mount(
            step_row(1, text, key_hint(action, APP_SETUP)),
            step_row(2, "Click Next, then Create", Content("")),
            step_row(3, "On Basic Information, copy the Client ID and paste it here", Content("")),
        )
        self.query_one("#recognized", Static).update("")
        self.query_one("#setup_steps").focus()
        self.refresh_bindings()

    def is_available(self, action_id: str) -> bool:
        if action_id == "other_slack" and self._first_endpoints.is_loopback:
            return False
        if action_id in _ONLY_FORM:
            return self._manifest is None
        if action_id == "open_page" and not self._can_open_browser:
            return False
        if action_id in _ONLY_STEPS:
            is_offered = action_id != "simulate_browser" or self.token_app.options.practice is not None
            return self._manifest is not None and is_offered
        return True

    @background("page")
    async def action_open_page(self) -> None:
        assert self._manifest is not None
        # The manifest doesn't fit into the URL, so the user pastes it.
        if self._manifest.prefilled_url(self._endpoints) is None:
            self.notify_copied(await self.token_app.copy_text(self._manifest.to_json()), "the manifest")
        await self.open_page(self._manifest.page_url(self._endpoints))

    @background("page")
    async def action_simulate_browser(self) -> None:
        """Click Create in the practice Slack and use the Client ID on its page."""
        practice = self.token_app.options.practice
        if practice is not None and self._manifest is not None:
            url = self._manifest.prefilled_url(self._endpoints)
            if url is not None:
                try:
                    self._use_client_id(await practice.visit(url, {}))
                except OSError:  # the practice Slack has stopped
                    self.notify("The practice Slack isn't running.", severity="warning")

    @background("copy")
    async def action_copy_manifest(self) -> None:
        assert self._manifest is not None
        self.notify_copied(await self.token_app.copy_text(self._manifest.to_json()), "the manifest")

    @background("copy")
    async def action_copy_page(self) -> None:
        assert self._manifest is not None
        self.notify_copied(await self.token_app.copy_text(self._manifest.page_url(self._endpoints)), "the link")

    @background("copy")
    async def action_copy_request(self) -> None:
        assert self._manifest is not None
        text = self._manifest.admin_request(self._endpoints, describe_scopes(self._manifest.scopes))
        self.notify_copied(await self.token_app.copy_text(text), "the request")

    def action_show_manifest(self) -> None:
        if self._manifest is not None:
            text = format_details(self._manifest, self._endpoints)
            self.app.push_screen(TextDialog(text, [("c", "copy manifest", self.action_copy_manifest)]))

    # ── Client ID ──

    def on_key(self, event: events.Key) -> None:
        # A digit starts a Client ID that is typed instead of pasted.
        if self._manifest is not None:
            self.query_one("#client_id", PasteInput).handle_digit(event)

    def on_paste(self, event: events.Paste) -> None:
        # A paste anywhere on the screen goes into the field, without taking the focus.
        if self._manifest is not None:
            event.stop()
            self._use_client_id(event.text)

    @on(Input.Submitted, "#client_id")
    def submit_client_id(self, event: Input.Submitted) -> None:
        self._use_client_id(event.value)

    @on(PasteInput.Pasted)
    def use_pasted_client_id(self) -> None:
        """Use a Client ID pasted into the field without waiting for Enter."""
        self._use_client_id(self.query_one("#client_id", Input).value)

    def _use_client_id(self, text: str) -> None:
        if self._manifest is None:
            return
        pasted = recognize(text)
        with self.prevent(Input.Changed):
            self.query_one("#client_id", Input).value = pasted.client_id or ""
        if pasted.client_id is None:
            self.query_one("#recognized", Static).update(self._format_message(pasted))
            return
        self._save_app(pasted.client_id, self._manifest)

    @background("save")
    async def _save_app(self, client_id: str, manifest: Manifest) -> None:
        home = self.token_app.store.home
        # If the app is already saved, preserve the details that the user has entered.
        saved_app = read_app(home, client_id) or SlackApp(client_id, self._endpoints, manifest.redirect_uris)
        app = replace(
            saved_app, name=saved_app.name or manifest.name, scopes=manifest.scopes, registered_scopes=manifest.scopes
        )

        def save() -> None:
            self.token_app.store.check_writable()
            save_app(home, app)
            remember_last_app(home, app.client_id)

        try:
            await asyncio.to_thread(save)
        except StorageError as error:
            words = Content.styled(f"✗ {error.explain().summary}", "$text-error")
            self.query_one("#recognized", Static).update(words)
            return
        self.notify("App saved. Press Enter to sign in.")
        self.close(app)

    def _format_message(self, pasted: PastedText) -> Content:
        words = Content.styled(f"✗ {pasted.message}", "$text-error")
        if pasted.app_id is None or self._endpoints.is_loopback:
            return words
        page = f"{self._endpoints.apps_url}/{pasted.app_id}/general"
        return Content.assemble(words, "\nFind it at ", Content.styled(page, Style(link=page)))

    def action_leave(self) -> None:
        """Go back one step: from the field to the steps, to the form, and out of the screen."""
        if self._manifest is None:
            self.close(None)
        elif isinstance(self.focused, Input):
            self.query_one("#setup_steps").focus()
        else:
            self._show_form()
