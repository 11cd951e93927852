"""Sign-in form: the app and the scopes, each explained before it is used."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Label, Static

from slack_token_tui.problems import InvalidInput
from slack_token_tui.slack.client_id import PastedKind, parse_client_id, recognize
from slack_token_tui.slack.endpoints import SLACK, Endpoints
from slack_token_tui.slack.scope_catalog import Group, describe_unknown_scopes, find_scope, unavailable_reasons
from slack_token_tui.slack.scopes import DEFAULT_SCOPES, parse_requestable_scopes, parse_scopes
from slack_token_tui.slack.token_types import token_type_of
from slack_token_tui.store.apps import SlackApp, is_loopback_redirect, read_app
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.settings import describe_storage
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.paste_box import PasteInput
from slack_token_tui.tui.widgets.presets import Presets

_CLIENT_ID_HELP = "Your app → Basic Information → App Credentials. No secret is needed."
_EXAMPLE = "for example 2141029472.691202649728"
_NEVER_SHOWN = frozenset({PastedKind.SECRET, PastedKind.TOKEN, PastedKind.VERIFICATION_TOKEN})
"""Kinds of pasted text that must not stay in an unmasked field."""
_MAX_LINES = 3


class SignInForm(VerticalScroll):
    """Form for Client ID and scopes. ``Submitted`` carries the app to sign in with, including the scopes."""

    class Submitted(Message):
        """Posted when the user starts the sign-in."""

        def __init__(self, app: SlackApp) -> None:
            super().__init__()
            self.slack_app = app

    def __init__(self, app: SlackApp | None, previous: Profile | None, home: Path) -> None:
        """
        Args:
            app: initial app. None if no app was ever entered.
            previous: profile to sign in again.
            home: directory of the saved apps.
        """
        super().__init__(id="form", can_focus=False)
        self.slack_app = app or SlackApp("")
        self._profile = previous
        self._home = home

    def compose(self) -> ComposeResult:
        yield Label("Client ID", classes="field")
        yield PasteInput(self.slack_app.client_id, replaces=True, placeholder=_EXAMPLE, id="client_id")
        yield Static(id="app_facts")
        yield Label("User scopes", classes="field")
        yield PasteInput(
            self._initial_scopes(), joined_by=", ", placeholder="for example users:read, chat:write", id="scopes"
        )
        yield Static(id="scope_description")
        yield Presets("choose_scopes")
        yield Static(id="scope_change")
        yield Static(id="form_error")
        with Horizontal(id="form_buttons"):
            yield Button("Sign in (Enter)", id="start", variant="primary", compact=True)
            yield Button("Other app (F3)", id="choose_app", compact=True)
            yield Button("App details (F4)", id="app_details", compact=True)
            yield Button("Make me an app (F6)", id="new_app", compact=True)
        in_keyring = self._profile.in_keyring if self._profile else None
        yield Label(Content(describe_storage(self._home, in_keyring=in_keyring)))

    def on_mount(self) -> None:
        self._show_error("")
        self._show_app()

    def focus_next_step(self) -> None:
        """Focus the widget of the next step."""
        client_id = self.query_one("#client_id", Input)
        (self.query_one("#start") if client_id.value else client_id).focus()

    def use_app(self, app: SlackApp) -> None:
        """Fill in the form with ``app``."""
        self.slack_app = app
        self.query_one("#client_id", Input).value = app.client_id
        if app.scopes:
            self.scopes = app.scopes
        self._show_app()

    def set_client_id(self, text: str) -> None:
        """Put text pasted outside the fields into the Client ID field, which checks it."""
        box = self.query_one("#client_id", Input)
        box.value = "".join(text.split())

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes in the field, or none while they can't be parsed."""
        try:
            return parse_scopes(self.query_one("#scopes", Input).value)
        except ValueError:
            return ()

    @scopes.setter
    def scopes(self, names: tuple[str, ...]) -> None:
        self.query_one("#scopes", Input).value = ", ".join(names)

    def _initial_scopes(self) -> str:
        scopes = (self._profile.requested_scopes if self._profile else ()) or self.slack_app.scopes
        return ", ".join(scopes or DEFAULT_SCOPES)

    # ── input ──

    @on(Input.Changed, "#client_id")
    def recognize_client_id(self, event: Input.Changed) -> None:
        text = event.value.strip()
        pasted = recognize(text)
        if pasted.kind in _NEVER_SHOWN:
            # Text that may be a secret must not stay on the screen.
            with self.prevent(Input.Changed):
                event.input.value = ""
            self._show_error(pasted.message)
            return
        if pasted.client_id is None:
            # Digits may be an unfinished Client ID that is being typed, so they aren't an error yet.
            self._show_error(pasted.message if text and not text.replace(".", "").isdigit() else "")
            return
        if pasted.client_id != text:
            with self.prevent(Input.Changed):
                event.input.value = pasted.client_id
        self._show_error("")
        if pasted.client_id != self.slack_app.client_id:
            self.slack_app = self._find_app(pasted.client_id)
        self._show_app()

    @on(Input.Changed, "#scopes")
    def check_scopes(self, event: Input.Changed) -> None:
        parts = re.split(r"[,\s]+", event.value)
        if any(token_type_of(part) for part in parts):
            # A pasted token must not stay on the screen.
            with self.prevent(Input.Changed):
                event.input.value = ", ".join(part for part in parts if part and not token_type_of(part))
            self._show_error("That was a token, and not a scope. Scopes look like users:read.")
        self._show_scopes()

    @on(Presets.Chosen)
    def apply_preset(self, event: Presets.Chosen) -> None:
        event.stop()
        self.scopes = event.scopes

    @on(Button.Pressed, "#start")
    @on(Input.Submitted)
    def submit(self) -> None:
        try:
            client_id = parse_client_id(self.query_one("#client_id", Input).value)
            scopes = parse_requestable_scopes(self.query_one("#scopes", Input).value)
            if self.slack_app.client_id != client_id:
                self.slack_app = self._find_app(client_id)
            if self.slack_app.unusable_reason:
                raise InvalidInput(f"{self.slack_app.unusable_reason} F4 changes both.")
        except InvalidInput as problem:
            self._show_error(str(problem))
            return
        self._show_error("")
        self.slack_app = replace(self.slack_app, scopes=scopes)
        self.post_message(self.Submitted(self.slack_app))

    def _find_app(self, client_id: str) -> SlackApp:
        """Return the saved app, or a new one.

        A new app gets the details that were entered before its Client ID. From another saved app it gets only the Slack
        host.
        """
        current_app = self.slack_app
        if known := read_app(self._home, client_id):
            return known
        is_remembered = bool(current_app.client_id) and read_app(self._home, current_app.client_id) is not None
        return (
            SlackApp(client_id, Endpoints(current_app.endpoints.base))
            if is_remembered
            else replace(current_app, client_id=client_id)
        )

    def _show_error(self, problem: str) -> None:
        _update_text(self.query_one("#form_error", Static), Content(f"✗ {problem}" if problem else ""))

    # ── explanations ──

    def _show_app(self) -> None:
        app = self.slack_app
        self._show_scopes()
        if not app.client_id:
            self.query_one("#app_facts", Static).update(Content.styled(_CLIENT_ID_HELP, MUTED))
            return
        facts = [app.name] if app.name else []
        if app.endpoints.base != SLACK:
            facts.append(f"on {app.endpoints.host}")
        if not is_loopback_redirect(app.redirect_uris[0]):
            facts.append(f"by paste: Slack sends the browser to {app.redirect_uris[0]}")
        if app.is_confidential:
            facts.append("with its client secret")
        if app.browser:
            facts.append(f"opened with {app.browser}")
        self.query_one("#app_facts", Static).update(Content.styled(" · ".join(facts) or _CLIENT_ID_HELP, MUTED))

    def _show_scopes(self) -> None:
        names = self.scopes
        lines: list[Content] = []
        sensitive = [scope for scope in map(find_scope, names) if scope.is_sensitive]
        for scope in sensitive[:_MAX_LINES]:
            lines.append(Content.assemble(("! ", "bold $text-warning"), (scope.name, "bold"), f"  {scope.description}"))
        if len(sensitive) > _MAX_LINES:
            lines.append(
                Content.styled(f"and {len(sensitive) - _MAX_LINES} more that are sensitive; F2 shows all", MUTED)
            )
        if names and not sensitive:
            words = "; ".join(
                scope.description for scope in map(find_scope, names) if scope.group is not Group.UNLISTED
            ).lower()
            lines.append(Content.styled(f"{words[:1].upper()}{words[1:]}{'.' if words else ''}", MUTED))
        lines += [Content.styled(warning, "$text-warning") for warning in _warnings(names, self.slack_app)]
        lines += [Content.styled(f"✗ {reason}", "$text-error") for reason in unavailable_reasons(names)]
        _update_text(self.query_one("#scope_description", Static), Content("\n").join(lines))
        change = Content("") if self._profile is None else describe_scope_change(names, self._profile)
        _update_text(self.query_one("#scope_change", Static), change)


def _warnings(names: tuple[str, ...], app: SlackApp) -> list[str]:
    """Return warnings about ``names`` that can be given before the request."""
    warnings = []
    if unknown := describe_unknown_scopes(names):
        warnings.append(f"! {unknown}")
    if lacking := [name for name in names if app.registered_scopes and name not in app.registered_scopes]:
        warnings.append(
            f"! {app.display_name} is not known to have {', '.join(lacking)}. Slack refuses the whole request until that is "
            "added to the app: OAuth & Permissions → User Token Scopes."
        )
    return warnings


def _update_text(widget: Static, text: Content) -> None:
    """Show ``text``. An empty one takes up no line."""
    widget.update(text)
    widget.set_class(not text, "-empty")


def describe_scope_change(names: tuple[str, ...], profile: Profile) -> Content:
    """Return what requesting ``names`` changes for a profile with a token.

    Slack adds the requested scopes to the granted ones and never removes any.
    """
    asked, has = set(names), set(profile.scopes)
    lines = []
    if names and (more := sorted(asked - has)):
        lines.append(f"New: {', '.join(more)}. {profile.name} keeps its name and gets them too.")
    if names and (fewer := sorted(has - asked)):
        lines.append(
            f"Kept all the same: {', '.join(fewer)}. At Slack scopes only add up; to lose some, "
            "remove the profile first (x at home), which revokes it, then sign in anew."
        )
    return Content.styled("\n".join(lines), MUTED)
