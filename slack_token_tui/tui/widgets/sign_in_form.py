"""Sheet of the sign-in form: the app, and what the token can do."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from slack_token_tui.problems import InvalidInput
from slack_token_tui.slack.client_id import parse_client_id, recognize
from slack_token_tui.slack.endpoints import SLACK, Endpoints
from slack_token_tui.slack.scope_catalog import request_warnings, unavailable_reasons
from slack_token_tui.slack.scopes import DEFAULT_SCOPES, parse_requestable_scopes, parse_scopes
from slack_token_tui.store.apps import SlackApp, is_loopback_redirect, read_app
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.settings import describe_storage
from slack_token_tui.tui.actions import SIGN_IN
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.keys import button, key_hint
from slack_token_tui.tui.widgets.paste_box import PasteInput
from slack_token_tui.tui.widgets.scope_chips import ScopeChips
from slack_token_tui.tui.widgets.scope_text import ScopeText

_CLIENT_ID_HELP = "Find it under Basic Information → App Credentials."
_EXAMPLE = "2141029472.691202649728"


class SignInForm(VerticalScroll):
    """Form for Client ID and scopes. ``Submitted`` carries the app to sign in with, including the scopes."""

    class Submitted(Message):
        """Posted when the user starts the sign-in."""

        def __init__(self, app: SlackApp) -> None:
            super().__init__()
            self.slack_app = app

    def __init__(self, app: SlackApp | None, previous: Profile | None, home: Path, storage_note: str = "") -> None:
        """
        Args:
            app: initial app. None if no app was ever entered.
            previous: profile to sign in again.
            home: directory of the saved apps.
            storage_note: shown in place of where the token will be stored.
        """
        super().__init__(id="form", classes="sheet", can_focus=False)
        self.slack_app = app or SlackApp("")
        self._profile = previous
        self._home = home
        self._storage_note = storage_note

    def compose(self) -> ComposeResult:
        yield Static(Content.assemble(("Client ID", "bold"), ("   of your Slack app", MUTED)))
        yield PasteInput(
            self.slack_app.client_id, replaces=True, explains_secrets=True, placeholder=_EXAMPLE, id="client_id"
        )
        yield Static(id="app_facts")
        yield Static(Content.styled("What can the token do?", "bold"), classes="question")
        yield ScopeChips(self._initial_scopes)
        with VerticalScroll(id="scope_lines", can_focus=False):
            yield ScopeText(id="scope_text")
        yield Static(id="form_error")
        yield Static(button("Enter", "Open Slack in the browser", "screen.start", primary=True), id="start")
        in_keyring = self._profile.in_keyring if self._profile else None
        note = self._storage_note or describe_storage(self._home, in_keyring=in_keyring)
        yield Static(Content.styled(note, MUTED), id="storage")

    def on_mount(self) -> None:
        self._show_app()

    def focus_next_step(self) -> None:
        """Focus the widget of the next step."""
        client_id = self.query_one("#client_id", Input)
        (self._chips if client_id.value else client_id).focus()

    def use_app(self, app: SlackApp) -> None:
        """Fill in the form with ``app``."""
        self.slack_app = app
        self.query_one("#client_id", Input).value = app.client_id
        if app.scopes:
            self.scopes = app.scopes
        self._show_app()

    def paste(self, text: str) -> None:
        """Use text pasted outside the fields: scopes, or anything that leads to a Client ID."""
        if _is_scopes(text):
            try:
                self.scopes = parse_scopes(text)
            except InvalidInput as problem:
                self._show_error(str(problem))
        else:
            self.query_one("#client_id", Input).value = "".join(text.split())

    @property
    def _chips(self) -> ScopeChips:
        return self.query_one(ScopeChips)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The chosen scopes."""
        return self._chips.scopes

    @scopes.setter
    def scopes(self, names: tuple[str, ...]) -> None:
        self._chips.scopes = names

    @property
    def _initial_scopes(self) -> tuple[str, ...]:
        scopes = (self._profile.requested_scopes if self._profile else ()) or self.slack_app.scopes
        return scopes or DEFAULT_SCOPES

    # ── input ──

    @on(Input.Changed, "#client_id")
    def recognize_client_id(self, event: Input.Changed) -> None:
        text = event.value.strip()
        pasted = recognize(text)
        if pasted.kind.is_secret:
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

    @on(ScopeChips.Changed)
    def show_chosen_scopes(self, event: ScopeChips.Changed) -> None:
        event.stop()
        self._show_error("")
        self._show_scopes()

    @on(Input.Submitted)
    def submit(self) -> None:
        """Check the form and post :class:`Submitted`."""
        try:
            client_id = parse_client_id(self.query_one("#client_id", Input).value)
            scopes = parse_requestable_scopes(" ".join(self.scopes))
            if self.slack_app.client_id != client_id:
                self.slack_app = self._find_app(client_id)
            if self.slack_app.unusable_reason:
                raise InvalidInput(f"{self.slack_app.unusable_reason} Press F4 to change it.")
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
        self.query_one("#form_error", Static).update(Content(f"✗ {problem}" if problem else ""))

    # ── explanations ──

    def _show_app(self) -> None:
        app = self.slack_app
        self._show_scopes()
        facts = [app.name] if app.name else []
        if app.endpoints.base != SLACK:
            facts.append(f"on {app.endpoints.host}")
        if not is_loopback_redirect(app.redirect_uris[0]):
            facts.append(f"finished by pasting {app.redirect_uris[0]}")
        if app.is_confidential:
            facts.append("with a client secret")
        if app.browser:
            facts.append(f"opens in {app.browser}")
        words = " · ".join(facts) if app.client_id else _CLIENT_ID_HELP
        key = key_hint("choose_app", SIGN_IN, "other app" if app.client_id else "apps")
        self.query_one("#app_facts", Static).update(Content.assemble((f"{words}   " if words else "", MUTED), key))

    def _show_scopes(self) -> None:
        names = self.scopes
        rows = [Content.styled(f"✗ {reason}", "$text-error") for reason in unavailable_reasons(names)]
        rows += [Content.styled(warning, "$text-warning") for warning in _warnings(names, self.slack_app)]
        if self._profile is not None:
            rows += describe_scope_change(names, self._profile)
        self.query_one(ScopeText).show(names, *rows)


def _is_scopes(text: str) -> bool:
    """Return whether ``text`` is a list of scopes."""
    scopes = r"[a-z_.]+:[a-z_.:]+(?:[,\s]+[a-z_.]+:[a-z_.:]+)*[,\s]*"
    return "://" not in text and re.fullmatch(scopes, text.strip()) is not None


def _warnings(names: tuple[str, ...], app: SlackApp) -> list[str]:
    """Return warnings about ``names`` that can be given before the request."""
    warnings = list(request_warnings(names))
    if lacking := [name for name in names if app.registered_scopes and name not in app.registered_scopes]:
        words = f"{app.display_name} may not have {', '.join(lacking)}. Slack rejects the request until you add it."
        warnings.append(words)
    return warnings


def describe_scope_change(names: tuple[str, ...], profile: Profile) -> list[Content]:
    """Return what requesting ``names`` changes for a profile with a token, one line each.

    Slack adds the requested scopes to the granted ones and never removes any.
    """
    asked, has = set(names), set(profile.scopes)
    lines = []
    if names and (more := sorted(asked - has)):
        lines.append(f"New: {', '.join(more)}.")
    if names and (fewer := sorted(has - asked)):
        lines.append(f"Stays granted: {', '.join(fewer)}. To lose a scope, remove the profile and sign in again.")
    return [Content.styled(line, MUTED) for line in lines]
