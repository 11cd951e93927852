"""What is known of one Slack app: its name, its Slack, where Slack sends the browser, with which browser, and its secret."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Label, Static

from slack_token_tui.desktop.browser import checked_command
from slack_token_tui.problems import explain
from slack_token_tui.sanitize import clean
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client_id import checked_client_id
from slack_token_tui.slack.endpoints import GOVSLACK, SLACK, Endpoints, EndpointVariant, checked_base
from slack_token_tui.slack.scopes import parse_scopes
from slack_token_tui.store.apps import LOOPBACK_REDIRECT_URIS, SlackApp, checked_redirect_uri, save_app
from slack_token_tui.store.atomic_file import StoreError
from slack_token_tui.tui.screens.dialogs import ConfirmScreen, Dialog
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.paste_box import PasteBox
from slack_token_tui.tui.widgets.radio_list import Choice

if TYPE_CHECKING:
    from slack_token_tui.tui.app import TokenApp

_CONFIDENTIAL = (
    "With a client secret the app is a confidential one: no PKCE, and Slack wants an https redirect. Give an https address "
    "that is registered with the app. After Allow the browser ends there; copy that page’s whole address and paste it "
    "here. The page itself need not exist."
)


class AppDetails(Dialog[SlackApp | None]):
    """Ends with the app as it is now, saved when it has a Client ID, or None when nothing was changed."""

    AUTO_FOCUS = "#name"
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Back"), ("f2", "save", "Save")]

    def __init__(self, app: SlackApp, home: Path) -> None:
        super().__init__()
        self._app_now = app
        self._home = home
        self._before: list[str] = []
        self._is_saving = False
        self._wrong = "name"

    @property
    def _token_app(self) -> TokenApp:
        return cast("TokenApp", self.app)

    def compose(self) -> ComposeResult:
        """A field for each thing, and what it is for."""
        app = self._app_now
        with VerticalScroll(classes="sheet", can_focus=False):
            yield Static(Content.assemble(("App details  ", "bold"), app.client_id or "no Client ID yet"))
            yield Static(Content.styled("F2 saves, Esc goes back", MUTED))
            yield Label("Name, for you alone", classes="field")
            yield Input(app.name, placeholder="for example My Slack Tokens", id="name")
            yield Label("Slack’s address", classes="field")
            with Horizontal(classes="row"):
                yield Input(app.endpoints.base, placeholder=SLACK, id="base")
                yield Button("slack.com", id="slack", compact=True)
                yield Button("GovSlack", id="gov", compact=True)
            yield Label("Redirect addresses registered with the app, separated by commas", classes="field")
            redirects = "" if app.redirect_uris == LOOPBACK_REDIRECT_URIS else ", ".join(app.redirect_uris)
            usual = ", ".join(LOOPBACK_REDIRECT_URIS)
            yield PasteBox(redirects, joined_by=", ", placeholder=usual, id="redirects")
            yield Label("Open Slack with, for example firefox --private-window %s", classes="field")
            yield Input(app.browser, placeholder="your usual browser", id="browser")
            yield Label("User scopes that the app has, where you know them", classes="field")
            registered = ", ".join(app.registered_scopes)
            yield PasteBox(registered, joined_by=", ", placeholder="not known", id="registered")
            yield Label("Client secret, only for an app without PKCE", classes="field")
            kept = (
                "kept; type another to replace it, - to forget it" if app.is_confidential else "none: PKCE is the proof"
            )
            yield Input(password=True, placeholder=kept, id="secret")
            yield Static(id="about_secret")
            yield Label("Authorize page and method", classes="field")
            pairs = {"v2_user": "v2_user, for user tokens (usual)", "v2": "v2, where Slack refuses the other"}
            yield Choice(pairs, str(app.endpoints.pair), id="pair")
            yield Static(id="trouble", classes="trouble")
            with Horizontal(classes="answers"):
                yield Button("Save (F2)", id="save", variant="primary", compact=True)
                yield Button("Back (Esc)", id="back", compact=True)

    def on_mount(self) -> None:
        """Explain what a secret means, where there is one; the heading stays in sight."""
        self._about_secret()
        self._before = self._values()
        self.call_after_refresh(self.query_one(".sheet").scroll_home, animate=False)

    @on(Input.Changed, "#secret")
    def _about_secret(self) -> None:
        typed = self.query_one("#secret", Input).value
        there = typed != "-" and bool(typed or self._app_now.is_confidential)
        self.query_one("#about_secret", Static).update(_CONFIDENTIAL if there else "")

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """A button is a key, or fills a field."""
        match event.button.id:
            case "slack" | "gov":
                self.query_one("#base", Input).value = SLACK if event.button.id == "slack" else GOVSLACK
            case "save":
                self.action_save()
            case _:
                self.action_leave()

    @work(exclusive=True, group="leave", exit_on_error=False)
    async def action_leave(self) -> None:
        """Back; asks when something was typed. A save that is under way is seen to its end."""
        if self._is_saving:
            return
        if self._values() != self._before:
            question = Content.styled("Leave without saving what you have changed?", "bold")
            if not await self.app.push_screen_wait(ConfirmScreen(question, "Leave", "Stay")):
                return
        self.dismiss(None)

    def _values(self) -> list[str]:
        return [*(field.value for field in self.query(Input)), self.query_one("#pair", Choice).chosen]

    @on(Input.Submitted)
    @work(exclusive=True, group="save", exit_on_error=False)
    async def action_save(self) -> None:
        """Check everything, ask about another Slack, and save."""
        trouble = self.query_one("#trouble", Static)
        try:
            app = self._filled_in()
        except ValueError as wrong:
            self._show_wrong(f"✗ {wrong}")
            return
        base, is_demo = app.endpoints.base, self._token_app.start.is_demo
        known = {self._app_now.endpoints.base} if is_demo else {SLACK, self._app_now.endpoints.base}
        if base not in known and not await is_meant(self._token_app, base):
            return
        if app.client_id:
            self._is_saving = True
            self.query_one(".sheet").move_child(trouble, before=self.query_one(".answers"))
            trouble.update("Saving …")
            try:
                await asyncio.to_thread(save_app, self._home, app)
            except StoreError as error:
                explanation = explain(error.code, error.facts)
                trouble.update(Content(f"✗ {explanation.title}. {explanation.happened} {explanation.remedies[0]}."))
                self.call_after_refresh(trouble.scroll_visible, animate=False)
                return
            finally:
                self._is_saving = False
        self.dismiss(app)

    def _show_wrong(self, words: str) -> None:
        """Say what is wrong below the field that it is wrong with, and go there."""
        trouble, field = self.query_one("#trouble", Static), self.query_one(f"#{self._wrong}")
        sheet = self.query_one(".sheet")
        sheet.move_child(trouble, after=field if field.parent is sheet else self.query_one(".row"))
        trouble.update(Content(words))
        field.focus()

    @on(Input.Changed)
    def edited(self) -> None:
        """What was wrong may be right now."""
        if not self._is_saving:
            self.query_one("#trouble", Static).update("")

    def _filled_in(self) -> SlackApp:
        """Return the app as the fields have it.

        Raises:
            ValueError: with a sentence, when one cannot be so.
        """
        values = {field.id: field.value.strip() for field in self.query(Input)}
        self._wrong = "base"
        base = checked_base(values["base"] or SLACK)
        self._wrong = "redirects"
        redirects = tuple(checked_redirect_uri(one) for one in str(values["redirects"]).replace(",", " ").split())
        self._wrong = "browser"
        browser = checked_command(str(values["browser"]))
        self._wrong = "registered"
        registered = parse_scopes(values["registered"]) if values["registered"] else ()
        self._wrong = "redirects"  # the rest is about these and the secret together
        secret = values["secret"]
        app = replace(
            self._app_now,
            name=clean(str(values["name"])),
            endpoints=Endpoints(base, EndpointVariant(self.query_one("#pair", Choice).chosen)),
            redirect_uris=redirects or LOOPBACK_REDIRECT_URIS,
            browser=browser,
            registered_scopes=registered,
        )
        if secret:
            given = None if secret == "-" else Secret(secret)  # noqa: S105 - a dash stands for none
            app = replace(app, client_secret=given, secret_in_keyring=False)
        if app.client_id:
            checked_client_id(app.client_id)
        if app.why_unusable:
            raise ValueError(app.why_unusable)
        return app


async def is_meant(app: TokenApp, base: str) -> bool:
    """Ask once whether sign-ins shall go to ``base``, which is not slack.com. The demo does not leave its practice Slack."""
    if app.start.is_demo:
        app.notify("The demo knows its practice Slack alone.", severity="warning")
        return False
    question = Content.assemble(
        ("Use another Slack?\n\n", "bold"),
        (base, "bold"),
        "\n\nGovSlack is a Slack of its own: its apps, Client IDs and people are not those of slack.com."
        if base == GOVSLACK
        else "\n\nWhoever runs that address sees the sign-in and gets its code. Go on only with an address that your "
        "organisation has given you.",
    )
    return await app.push_screen_wait(ConfirmScreen(question, "Yes, use it", "No"))
