"""Dialog to edit a Slack app: name, Slack URL, redirect URLs, browser, scopes and client secret."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Label, Static

from slack_token_tui.desktop.browser import parse_command
from slack_token_tui.problems import InvalidInput, Problem
from slack_token_tui.sanitize import clean
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client_id import parse_client_id
from slack_token_tui.slack.endpoints import GOVSLACK, SLACK, Endpoints, EndpointVariant, parse_base_url
from slack_token_tui.slack.scopes import parse_scopes
from slack_token_tui.store.apps import LOOPBACK_REDIRECT_URIS, SlackApp, parse_redirect_uri, save_app
from slack_token_tui.tui.background import background
from slack_token_tui.tui.screens.dialogs import ConfirmDialog, Dialog
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.paste_box import PasteInput
from slack_token_tui.tui.widgets.radio_list import RadioList

if TYPE_CHECKING:
    from slack_token_tui.tui.screen_host import ScreenHost

_CONFIDENTIAL = (
    "An app with a client secret doesn't use PKCE. Slack then requires an https redirect URL. "
    "You finish the sign-in by pasting the URL you land on. The page doesn't need to exist."
)


class AppDetailsDialog(Dialog[SlackApp | None]):
    """Dialog that returns the edited app, or None if the user leaves. An app with a Client ID is saved."""

    AUTO_FOCUS = "#name"
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Back"), ("f2", "save", "Save")]

    def __init__(self, app: SlackApp, home: Path) -> None:
        super().__init__()
        self._current_app = app
        self._home = home
        self._initial_values: list[str] = []
        self._is_saving = False
        self._invalid_field = "name"

    @property
    def _token_app(self) -> ScreenHost:
        return cast("ScreenHost", self.app)

    def compose(self) -> ComposeResult:
        app = self._current_app
        with VerticalScroll(classes="sheet", can_focus=False):
            yield Static(Content.assemble(("Advanced settings", "bold"), (f"   {app.client_id}", MUTED)))
            yield Label("Name (only you see it)", classes="field")
            yield Input(app.name, placeholder="My Slack Tokens", id="name")
            yield Label("Slack URL", classes="field")
            with Horizontal(classes="row"):
                yield Input(app.endpoints.base, placeholder=SLACK, id="base")
                yield Button("slack.com", id="slack", compact=True)
                yield Button("GovSlack", id="gov", compact=True)
            yield Label("Redirect URLs of the app, separated by commas", classes="field")
            redirects = "" if app.redirect_uris == LOOPBACK_REDIRECT_URIS else ", ".join(app.redirect_uris)
            default_redirects = ", ".join(LOOPBACK_REDIRECT_URIS)
            yield PasteInput(redirects, joined_by=", ", placeholder=default_redirects, id="redirects")
            yield Label("Browser command, such as firefox --private-window %s", classes="field")
            yield Input(app.browser, placeholder="default browser", id="browser")
            yield Label("Scopes of the app, if you know them", classes="field")
            registered = ", ".join(app.registered_scopes)
            yield PasteInput(registered, joined_by=", ", placeholder="unknown", id="registered")
            yield Label("Client secret, only for an app without PKCE", classes="field")
            saved = "Saved. Type a new one to replace it, or - to delete it." if app.is_confidential else "none (PKCE)"
            yield Input(password=True, placeholder=saved, id="secret")
            yield Static(id="secret_help")
            yield Label("Endpoints", classes="field")
            pairs = {"v2_user": "v2_user (default)", "v2": "v2 (fallback)"}
            yield RadioList(pairs, str(app.endpoints.variant), id="pair")
            yield Static(id="problem", classes="problem")
            with Horizontal(classes="answers"):
                yield Button("Save (F2)", id="save", variant="primary", compact=True)
                yield Button("Back (Esc)", id="back", compact=True)

    def on_mount(self) -> None:
        self._show_secret_help()
        self._initial_values = self._values()
        # Keep the heading visible.
        self.call_after_refresh(self.query_one(".sheet").scroll_home, animate=False)

    @on(Input.Changed, "#secret")
    def _show_secret_help(self) -> None:
        typed = self.query_one("#secret", Input).value
        has_secret = typed != "-" and bool(typed or self._current_app.is_confidential)
        self.query_one("#secret_help", Static).update(_CONFIDENTIAL if has_secret else "")

    @on(Button.Pressed)
    def handle_button(self, event: Button.Pressed) -> None:
        match event.button.id:
            case "slack" | "gov":
                self.query_one("#base", Input).value = SLACK if event.button.id == "slack" else GOVSLACK
            case "save":
                self.action_save()
            case _:
                self.action_leave()

    @background("leave")
    async def action_leave(self) -> None:
        # Let a save in progress finish.
        if self._is_saving:
            return
        if self._values() != self._initial_values:
            question = Content.styled("Discard your changes?", "bold")
            if not await self.app.push_screen_wait(ConfirmDialog(question, "Discard")):
                return
        self.dismiss(None)

    def _values(self) -> list[str]:
        return [*(field.value for field in self.query(Input)), self.query_one("#pair", RadioList).value]

    @on(Input.Submitted)
    @background("save")
    async def action_save(self) -> None:
        problem = self.query_one("#problem", Static)
        try:
            app = self._read_form()
        except InvalidInput as wrong:
            self._show_error(f"✗ {wrong}")
            return
        base, is_demo = app.endpoints.base, self._token_app.options.is_demo
        confirmed_bases = {self._current_app.endpoints.base} if is_demo else {SLACK, self._current_app.endpoints.base}
        if base not in confirmed_bases and not await confirm_other_slack(self, base, is_demo=is_demo):
            return
        if app.client_id:
            self._is_saving = True
            self.query_one(".sheet").move_child(problem, before=self.query_one(".answers"))
            problem.update("Saving…")
            try:
                await asyncio.to_thread(save_app, self._home, app)
            except Problem as error:
                self.show_problem(error)
                self.call_after_refresh(problem.scroll_visible, animate=False)
                return
            finally:
                self._is_saving = False
        self.dismiss(app)

    def _show_error(self, words: str) -> None:
        """Show the error below the invalid field and focus that field."""
        problem, field = self.query_one("#problem", Static), self.query_one(f"#{self._invalid_field}")
        sheet = self.query_one(".sheet")
        sheet.move_child(problem, after=field if field.parent is sheet else self.query_one(".row"))
        problem.update(Content(words))
        field.focus()

    @on(Input.Changed)
    def clear_error(self) -> None:
        if not self._is_saving:
            self.query_one("#problem", Static).update("")

    def _read_form(self) -> SlackApp:
        """Return the app with the values of the fields.

        Raises:
            InvalidInput: a value is invalid. The message is a sentence for the user.
        """
        values = {field.id: field.value.strip() for field in self.query(Input)}
        self._invalid_field = "base"
        base = parse_base_url(values["base"] or SLACK)
        self._invalid_field = "redirects"
        redirects = tuple(parse_redirect_uri(uri) for uri in str(values["redirects"]).replace(",", " ").split())
        self._invalid_field = "browser"
        browser = parse_command(str(values["browser"]))
        self._invalid_field = "registered"
        registered = parse_scopes(values["registered"]) if values["registered"] else ()
        self._invalid_field = "redirects"  # the remaining checks are about these together with the secret
        secret = values["secret"]
        app = replace(
            self._current_app,
            name=clean(str(values["name"])),
            endpoints=Endpoints(base, EndpointVariant(self.query_one("#pair", RadioList).value)),
            redirect_uris=redirects or LOOPBACK_REDIRECT_URIS,
            browser=browser,
            registered_scopes=registered,
        )
        if secret:
            new_secret = None if secret == "-" else Secret(secret)  # noqa: S105 - a dash means no secret
            app = replace(app, client_secret=new_secret, secret_in_keyring=False)
        if app.client_id:
            parse_client_id(app.client_id)
        if app.unusable_reason:
            raise InvalidInput(app.unusable_reason)
        return app


async def confirm_other_slack(screen: Screen[Any], base: str, *, is_demo: bool) -> bool:
    """Ask the user to confirm sign-ins on ``base``, a Slack other than slack.com, and return the answer.

    The answer is always no in practice mode, which can't leave its practice Slack.
    """
    if is_demo:
        screen.notify("Practice mode only has its practice Slack.", severity="warning")
        return False
    question = Content.assemble(
        ("Use another Slack?\n\n", "bold"),
        (base, "bold"),
        "\n\nGovSlack has its own apps, Client IDs and people."
        if base == GOVSLACK
        else "\n\nIt receives the sign-in and its code. Only use a URL from your organization.",
    )
    return await screen.app.push_screen_wait(ConfirmDialog(question, "Use it"))
