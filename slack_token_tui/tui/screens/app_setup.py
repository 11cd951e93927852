"""Screen to create a Slack app: a form, then the manifest, Slack's page, and the Client ID to paste."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.style import Style
from textual.widgets import Button, Label, Static

from slack_token_tui.problems import InvalidInput
from slack_token_tui.slack.client_id import PastedText, recognize
from slack_token_tui.slack.endpoints import GOVSLACK, SLACK, Endpoints
from slack_token_tui.slack.manifest import DEFAULT_NAME, Manifest, create_manifest
from slack_token_tui.slack.scope_catalog import describe_scopes, describe_unknown_scopes
from slack_token_tui.slack.scopes import DEFAULT_SCOPES, parse_requestable_scopes, parse_scopes
from slack_token_tui.store.apps import LOOPBACK_REDIRECT_URIS, SlackApp, read_app, save_app
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.settings import remember_last_app
from slack_token_tui.tui.actions import APP_SETUP, bindings
from slack_token_tui.tui.background import background
from slack_token_tui.tui.screens.app_setup_text import format_alternatives, format_steps
from slack_token_tui.tui.screens.base import AppScreen
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.footer import Footer
from slack_token_tui.tui.widgets.header import Header
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.paste_box import PasteInput
from slack_token_tui.tui.widgets.presets import Presets
from slack_token_tui.tui.widgets.radio_list import RadioList

_ONLY_FORM = frozenset({"pick_scopes", "other_slack"})
_ONLY_STEPS = frozenset({"open_page", "copy_manifest", "copy_page", "copy_request", "change_form", "simulate_browser"})


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
        yield Header("Make a Slack app", self._endpoints, self.slack_label)
        with VerticalScroll(id="setup_form", can_focus=False):
            yield Static("Three questions; then Slack makes the app, from a text that is written for you.")
            yield Label("Its name, which Slack shows where you press Allow", classes="field")
            yield Input(DEFAULT_NAME, placeholder=f"for example {DEFAULT_NAME}", id="app_name")
            yield Label("User scopes: the most that it may ever ask for", classes="field")
            yield PasteInput(", ".join(self._first_scopes), joined_by=", ", id="scopes")
            yield Presets("pick_scopes")
            yield Label("How long its tokens live", classes="field")
            lifetimes = {
                "rotating": "12 hours, renewed by this program (token rotation)",
                "lasting": "Until you revoke them",
            }
            yield RadioList(lifetimes, "rotating", id="rotation")
            yield Static(id="rotation_help")
            yield Static(id="form_warning", classes="-empty")
            yield Static(id="form_error")
            with Horizontal(classes="answers"):
                yield Button("Go on (Enter)", id="continue", variant="primary", compact=True)
                yield Button("Other Slack (F3)", id="other_slack", compact=True)
        with VerticalScroll(id="setup_steps"):
            yield Static(id="setup_text")
            with Horizontal(id="paste_row"):
                yield Static("Client ID", id="paste_label")
                yield PasteInput(replaces=True, placeholder="paste it here, or anywhere on this screen", id="client_id")
            yield Static(id="recognized")
            yield Static(id="rest_text")
        yield Footer()

    def on_mount(self) -> None:
        self._show_form()
        self._show_rotation_help()

    def _show_form(self) -> None:
        self._manifest = None
        self.query_one("#setup_form").display = True
        self.query_one("#setup_steps").display = False
        self.query_one("#app_name").focus()
        self.call_after_refresh(self.query_one("#setup_form").scroll_home, animate=False)
        self.refresh_bindings()

    # ── form ──

    @property
    def _rotates(self) -> bool:
        return self.query_one("#rotation", RadioList).value == "rotating"

    @property
    def _scopes(self) -> tuple[str, ...]:
        """The scopes in the field, or none while they can't be parsed."""
        try:
            return parse_scopes(self.query_one("#scopes", Input).value)
        except ValueError:
            return ()

    @on(RadioList.Changed)
    def _show_rotation_help(self) -> None:
        if self._rotates:
            words = (
                "A token that leaks is soon worth nothing. Take tokens with slack-token-tui token, or copy them: a copy "
                "works for up to 12 hours. Sign in again after 30 days without use. Rotation stays on for good."
            )
        else:
            words = (
                "A copy works in a script or a config file until it is revoked; so does one that leaks. Rotation can be "
                "switched on later. (Slack may rotate tokens of localhost apps all the same; both work here.)"
            )
        self.query_one("#rotation_help", Static).update(Content.styled(words, MUTED))

    @on(Presets.Chosen)
    def apply_preset(self, event: Presets.Chosen) -> None:
        self.query_one("#scopes", Input).value = ", ".join(event.scopes)

    @on(Button.Pressed, "#other_slack")
    async def switch_slack(self) -> None:
        await self.run_action("other_slack")

    @background("form")
    async def action_pick_scopes(self) -> None:
        from slack_token_tui.tui.screens.scope_picker import ScopePickerScreen

        if (chosen := await self.app.push_screen_wait(ScopePickerScreen(self._scopes, (), None))) is not None:
            self.query_one("#scopes", Input).value = ", ".join(chosen)

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

    @on(Input.Changed, "#app_name, #scopes")
    def update_form(self) -> None:
        self.query_one("#form_error", Static).update("")
        unknown = describe_unknown_scopes(self._scopes)
        warning = self.query_one("#form_warning", Static)
        warning.update(Content.styled(f"! {unknown}", "$text-warning"))
        warning.set_class(not unknown, "-empty")

    @on(Button.Pressed, "#continue")
    @on(Input.Submitted, "#app_name, #scopes")
    def show_steps(self) -> None:
        error = self.query_one("#form_error", Static)
        try:
            self._manifest = create_manifest(
                self.query_one("#app_name", Input).value,
                parse_requestable_scopes(self.query_one("#scopes", Input).value),
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

        self.query_one("#setup_form").display = False
        steps = self.query_one("#setup_steps")
        steps.display = True
        self._can_open_browser = not isinstance(browser.default_browser(), browser.NotOpened)
        self.query_one("#setup_text", Static).update(
            format_steps(manifest, self._endpoints, can_open_browser=self._can_open_browser)
        )
        self.query_one("#rest_text", Static).update(format_alternatives(manifest, self._endpoints))
        self.query_one("#recognized", Static).update("")
        steps.focus()
        self.refresh_bindings()

    def is_available(self, action_id: str) -> bool:
        if action_id == "other_slack" and self._first_endpoints.is_loopback:
            return False
        if action_id in _ONLY_FORM:
            return self._manifest is None
        if action_id == "open_page" and not self._can_open_browser:
            return False
        if action_id in _ONLY_STEPS:
            plays = action_id != "simulate_browser" or self.token_app.options.simulate_browser is not None
            return self._manifest is not None and plays
        return True

    @background("page")
    async def action_open_page(self) -> None:
        assert self._manifest is not None
        # The manifest doesn't fit into the URL, so the user pastes it.
        if self._manifest.prefilled_url(self._endpoints) is None:
            self.notify_copied(await self.token_app.copy_text(self._manifest.to_json()), "The manifest")
        await self.open_page(self._manifest.page_url(self._endpoints))

    @background("page")
    async def action_simulate_browser(self) -> None:
        """Press Create in the practice Slack and use the Client ID on its page."""
        play = self.token_app.options.simulate_browser
        if play is not None and self._manifest is not None:
            address = self._manifest.prefilled_url(self._endpoints)
            if address is not None:
                try:
                    self._use_client_id(await play(address))
                except OSError:  # the practice Slack has stopped
                    self.notify("Nobody answered at that address.", severity="warning")

    @background("copy")
    async def action_copy_manifest(self) -> None:
        assert self._manifest is not None
        self.notify_copied(await self.token_app.copy_text(self._manifest.to_json()), "The manifest")

    @background("copy")
    async def action_copy_page(self) -> None:
        assert self._manifest is not None
        self.notify_copied(await self.token_app.copy_text(self._manifest.page_url(self._endpoints)), "The address")

    @background("copy")
    async def action_copy_request(self) -> None:
        assert self._manifest is not None
        text = self._manifest.admin_request(self._endpoints, describe_scopes(self._manifest.scopes))
        self.notify_copied(await self.token_app.copy_text(text), "The message")

    def action_change_form(self) -> None:
        self._show_form()

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
        self.notify(f"{app.display_name} is remembered. Enter signs in with it.")
        self.close(app)

    def _format_message(self, pasted: PastedText) -> Content:
        words = Content.styled(f"✗ {pasted.message}", "$text-error")
        if pasted.app_id is None or self._endpoints.is_loopback:
            return words
        page = f"{self._endpoints.apps_url}/{pasted.app_id}/general"
        return Content.assemble(words, "\nIt stands on ", Content.styled(page, Style(link=page)))

    def action_leave(self) -> None:
        """Go back one step: from the field to the steps, to the form, and out of the screen."""
        if self._manifest is None:
            self.close(None)
        elif isinstance(self.focused, Input):
            self.query_one("#setup_steps").focus()
        else:
            self._show_form()
