"""Sign-in screen: the form, then the state of one sign-in after the other, with what the user can do about it."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from html import unescape
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events as textual_events
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.reactive import var
from textual.screen import Screen

from slack_token_tui import __version__
from slack_token_tui.desktop import browser, environment
from slack_token_tui.event_loop import run_in_daemon_thread
from slack_token_tui.oauth.session import (
    INTERRUPTIBLE_PHASES,
    Services,
    SignInRequest,
    SignInSession,
    TokenStorage,
    describe_stop,
)
from slack_token_tui.oauth.state import Command, Phase, SignInState, allowed
from slack_token_tui.problems import Problem, explain
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.scope_catalog import unknown_scopes
from slack_token_tui.store.apps import SlackApp, forget_app, read_app
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import SavedProfile
from slack_token_tui.store.settings import read_settings
from slack_token_tui.tui.actions import SIGN_IN, bindings
from slack_token_tui.tui.background import background
from slack_token_tui.tui.screens.base import AppScreen
from slack_token_tui.tui.screens.dialogs import Choice, ConfirmDialog, MenuDialog, TextDialog, format_explanation
from slack_token_tui.tui.screens.remove import RemoveDialog
from slack_token_tui.tui.widgets.error_card import format_report, redirect_uri_rows
from slack_token_tui.tui.widgets.footer import Footer
from slack_token_tui.tui.widgets.header import Header
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.paste_box import PasteInput
from slack_token_tui.tui.widgets.scope_chips import ScopeChips
from slack_token_tui.tui.widgets.sign_in_failure import SignInFailure
from slack_token_tui.tui.widgets.sign_in_form import SignInForm
from slack_token_tui.tui.widgets.sign_in_progress import SignInProgress
from slack_token_tui.tui.widgets.sign_in_result import SignInResult
from slack_token_tui.tui.widgets.steps import format_steps

if TYPE_CHECKING:
    from slack_token_tui.tui.screens.errors import ErrorsScreen

_RESCUE_NOTICE_SECONDS = 60
FORM_ACTIONS = frozenset({"start", "choose_scopes", "choose_app", "app_details"})
"""Actions of the form, before a sign-in starts."""
COMMANDS: dict[str, frozenset[Command]] = {
    "more_time": frozenset({Command.EXTEND}),
    "open_url": frozenset({Command.OPEN_URL}),
    "copy_url": frozenset({Command.OPEN_URL}),
    "copy_tunnel": frozenset({Command.OPEN_URL}),
    "simulate_browser": frozenset({Command.OPEN_URL}),
    "browser_says": frozenset({Command.LOOK_UP_ERROR, Command.START_AGAIN}),
    "again": frozenset({Command.RETRY_EXCHANGE, Command.SAVE_AGAIN, Command.START_AGAIN}),
    "other_pair": frozenset({Command.START_AGAIN}),
    "change_app": frozenset({Command.START_AGAIN}),
    "copy_redirect": frozenset({Command.START_AGAIN}),
    "open_settings": frozenset({Command.START_AGAIN}),
    "copy_report": frozenset({Command.START_AGAIN}),
    "explain": frozenset({Command.START_AGAIN, Command.OPEN_URL}),
    "save_again": frozenset({Command.SAVE_AGAIN}),
    "save_in_file": frozenset({Command.SAVE_AGAIN}),
    "done": frozenset({Command.USE_TOKEN}),
    "copy_new": frozenset({Command.USE_TOKEN}),
    "copy_new_as": frozenset({Command.USE_TOKEN}),
    "rename_new": frozenset({Command.USE_TOKEN}),
    "undo": frozenset({Command.USE_TOKEN, Command.REVOKE_UNUSABLE}),
}
"""Actions that depend on the state of the sign-in. One of their commands must be allowed."""
UNKNOWN_CLIENT_ID = "invalid_client_id"
"""Slack's code for a Client ID without an app."""
OFFERED_BY_ERRORS = frozenset({"other_pair", "copy_redirect", "open_settings"})
"""Actions that are offered only if the explanation of the error names them."""


class SignInScreen(AppScreen[str | None]):
    """Any number of sign-ins, one after the other. It returns the name of the saved profile, or None.

    Attributes:
        state: the state of the current sign-in. The widgets render it.
    """

    screen_id = SIGN_IN
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(SIGN_IN)]
    state = var(SignInState(), bindings=True)

    def __init__(self, previous: Profile | None = None, app: SlackApp | None = None) -> None:
        """
        Args:
            previous: profile to sign in again, which fills in the form. None for a new one.
            app: app to sign in with. None means the most recently used one.
        """
        super().__init__()
        self._profile = previous
        self._app = app
        self._session: SignInSession | None = None
        self._errors_screen: ErrorsScreen | None = None
        self._dialog: Screen[Any] | None = None
        """The dialog about the current phase, which ends with it."""
        self._page_error = ""

    def compose(self) -> ComposeResult:
        options = self.token_app.options
        self._app = self._app or self._find_initial_app()
        title = f"Sign in again: {self._profile.name}" if self._profile else "Sign in"
        yield Header(title, self._app.endpoints if self._app else Endpoints(), self.slack_label)
        with Container(classes="stage", id="form_stage"):
            note = "Practice tokens are deleted when you quit." if options.is_demo else ""
            yield SignInForm(self._app, self._profile, self.token_app.store.home, note)
        with Container(classes="stage", id="state_stage"):
            progress = SignInProgress(
                options.clock,
                lambda text: not is_prose(text),
                is_practice=options.is_demo,
                terminal=environment.detect(os.environ).terminal,
            )
            yield progress.data_bind(SignInScreen.state)
            yield SignInResult(options.now, "deleted when you quit" if options.is_demo else "").data_bind(
                SignInScreen.state
            )
            yield SignInFailure().data_bind(SignInScreen.state)
        yield Footer()

    def on_mount(self) -> None:
        self._show_form()

    def _find_initial_app(self) -> SlackApp | None:
        home = self.token_app.store.home
        if self._profile is not None and self._profile.client_id:
            saved_app = read_app(home, self._profile.client_id) or SlackApp(self._profile.client_id)
            return saved_app.with_endpoints(self._profile.endpoints)
        if (draft := self.token_app.draft) is not None:
            edited_app = read_app(home, draft.client_id)  # it may have been edited since
            return replace(edited_app, scopes=draft.scopes) if edited_app else draft
        if self.token_app.options.slack_app is not None:
            return self.token_app.options.slack_app
        last = read_settings(home).get("last_app")
        return read_app(home, last) if last else None

    # ── what is shown ──

    def _show_form(self) -> None:
        self.query_one(SignInProgress).is_running = False
        self.query_one("#form_stage").display = True
        self.query_one("#state_stage").display = False
        self._form.focus_next_step()
        self.refresh_bindings()

    def show_progress(self) -> None:
        """Show the state of the sign-in in place of the form."""
        self.app.clear_notifications()
        self.query_one(SignInProgress).is_running = True
        self.query_one("#form_stage").display = False
        self.query_one("#state_stage").display = True
        self._focus_sheet()

    @property
    def _shows_form(self) -> bool:
        return bool(self.query_one("#form_stage").display)

    def _focus_sheet(self) -> None:
        """Move the focus out of every field.

        Letters are keys again then, and the arrow keys scroll on a small terminal.
        """
        state = self.state
        sheet = SignInProgress if not state.is_ended else SignInFailure if state.failure else SignInResult
        self.query_one(sheet).focus()

    def watch_state(self, old: SignInState, new: SignInState) -> None:
        if self._dialog is not None and self.app.screen is self._dialog and old.phase is not new.phase:
            self._dialog.dismiss(None)
        if not self.is_mounted or old.phase is new.phase:
            return
        if old.phase is Phase.WAITING and self._errors_screen is not None:
            # The wait is over, so there is no error page to look up.
            self._errors_screen.close(None)
        if not self._shows_form and (old.phase is Phase.WAITING or old.is_ended is not new.is_ended):
            self.call_after_refresh(self._focus_sheet)

    @property
    def _form(self) -> SignInForm:
        return self.query_one(SignInForm)

    # ── the sign-in ──

    def _start(self) -> None:
        assert self._app is not None, "the form has been submitted"
        token_app, app = self.token_app, self._app
        token_app.draft = app if self._profile is None else token_app.draft
        self.query_one(Header).show(app.endpoints)
        request = SignInRequest(app, app.scopes, self._profile.name if self._profile else None)
        services = Services(token_app.store, open_browser=browser.open_url, clock=token_app.options.clock)
        self._session = session = SignInSession(request, services, self._show_state)
        self._page_error = ""
        token_app.sign_ins.append(session)
        self.show_progress()
        self.state = session.state
        self._run(session.run)

    def _show_state(self, state: SignInState) -> None:
        # An earlier sign-in may still be ending. The screen may be gone.
        if self._session is not None and self._session.state is state and self.is_attached:
            self.state = state

    @background("sign_in", exclusive=False)
    async def _run(self, work: Callable[[], Awaitable[object]]) -> None:
        with suppress(Problem):  # it is in the state
            await work()

    @background("leave")
    async def leave(self, then: Callable[[], object]) -> None:
        """Stop the sign-in, then call ``then``. Ask first if a token could not be saved."""
        if (session := self._session) is not None:
            before = session.state
            is_discarding = before.unsaved and before.phase is Phase.FAILED
            if is_discarding and not await self._confirm_discard():
                return
            result = await session.stop(discard=is_discarding)
            words = describe_stop(result, session.request.app.endpoints.apps_url)
            is_new_response = result.unusable is not None and not before.is_ended
            if result.rescued_path is not None or result.unsaved or is_new_response:
                self.token_app.exit_messages.append(words)  # the path is needed longer than a notification lasts
                self.token_app.notify(words, severity="warning", timeout=_RESCUE_NOTICE_SECONDS)
            elif words and not before.is_ended:
                self.token_app.notify(words)
        then()

    async def _confirm_discard(self) -> bool:
        question = Content.assemble(
            ("Discard the new token?\n\n", "bold"),
            "It isn't saved yet. Fix the problem, then press w to save it. "
            "A discarded token stays valid in Slack until it expires or is revoked.",
        )
        return await self._ask(question, "Discard") and self.state.unsaved

    async def _ask(self, question: Content, yes: str) -> bool:
        """Ask a question. The answer is no if the state changes meanwhile, because that may have answered it."""
        return bool(await self._open(ConfirmDialog(question, yes)))

    async def _open(self, dialog: Screen[Any]) -> Any:
        """Return the answer of ``dialog``, or None if the phase of the sign-in changes meanwhile."""
        self._dialog = dialog
        try:
            return await self.app.push_screen_wait(dialog)
        finally:
            self._dialog = None

    @property
    def has_unsaved_token(self) -> bool:
        """Whether a token exists only in memory, or Slack is being asked for one."""
        is_asking = not self.state.is_ended and self.state.phase not in INTERRUPTIBLE_PHASES
        return self._session is not None and (is_asking or self.state.unsaved)

    def cancel_running(self) -> bool:
        """Leave the sign-in if one is in progress, and return whether one was."""
        is_running = self._session is not None and not self.state.is_ended
        if is_running:
            self.leave(self._close_now)
        return is_running

    def action_leave(self) -> None:
        """Leave a field first, then the sign-in."""
        if self.state.phase is Phase.WAITING and isinstance(self.focused, Input):
            self._focus_sheet()
        else:
            if self.has_unsaved_token and not self.state.is_ended:
                self.token_app.notify("Stopping as soon as the token is saved.")
            self.leave(self._close_now)

    def action_cancel(self) -> None:
        self.action_leave()

    def _close_now(self) -> None:
        self.close(self.state.result.profile.name if self.state.result else None)

    # ── pasting ──

    def on_key(self, event: textual_events.Key) -> None:
        # A digit typed outside the fields starts a Client ID.
        if self._shows_form:
            self._form.query_one("#client_id", PasteInput).handle_digit(event)

    def on_paste(self, event: textual_events.Paste) -> None:
        # A paste anywhere on the screen goes into the field for the current step, without taking the focus.
        if self._shows_form:
            event.stop()
            self._form.paste(event.text)
        elif is_prose(event.text) and self.is_available("browser_says"):
            event.stop()
            self._look_up(event.text)
        elif Command.PASTE in allowed(self.state):
            event.stop()
            box = self.query_one("#paste", PasteInput)
            box.value = "".join(event.text.split())
            self._submit_paste(box.value)

    @on(Input.Submitted, "#paste")
    def submit_paste_field(self, event: Input.Submitted) -> None:
        self._submit_paste(event.value)

    @on(Input.Changed, "#paste")
    def submit_complete_url(self, event: Input.Changed) -> None:
        """Submit a complete URL without waiting for Enter."""
        if "state=" in event.value and ("code=" in event.value or "error=" in event.value):
            self._submit_paste(event.value)

    def take_callback(self, url: str) -> bool:
        is_expected = Command.PASTE in allowed(self.state)
        if is_expected:
            self._submit_paste(url)
        return is_expected

    def _submit_paste(self, text: str) -> None:
        if not text.strip() or self._session is None or Command.PASTE not in allowed(self.state):
            return
        try:
            self._session.paste(text)
        except Problem as rejected:
            explanation = rejected.explain()
            problem = Content.assemble((f"✗ {explanation.title}. ", "bold"), f"{explanation.remedies[0]}.")
            self.query_one(SignInProgress).show_paste_error(problem)
            if rejected.code == "pasted_bare_code":
                self._ask_about_bare_code(self._session, text, rejected)

    @background("question")
    async def _ask_about_bare_code(self, session: SignInSession, code: str, rejected: Problem) -> None:
        explanation = rejected.explain()
        question = Content.assemble((explanation.title, "bold"), f"\n\n{explanation.happened}")
        if await self._ask(question, "Use the code"):
            session.paste(code, accept_bare_code=True)

    # ── which keys work ──

    def is_available(self, action_id: str) -> bool:
        if action_id in FORM_ACTIONS:
            return self._shows_form
        if action_id == "cancel":
            return not self._shows_form and not self.state.is_ended
        if action_id == "leave":
            return self._shows_form or self.state.is_ended
        if (commands := COMMANDS.get(action_id)) is None:
            return True
        if self._shows_form or not commands & allowed(self.state):
            return False
        failure = self.state.failure
        if action_id in OFFERED_BY_ERRORS:
            return failure is not None and action_id in failure.explanation.actions
        match action_id:
            case "simulate_browser":
                return self.token_app.options.practice is not None and self.state.port is not None
            case "copy_tunnel":
                return self.state.tunnel is not None and self.state.tunnel.command is not None
            case "save_in_file":
                return failure is not None and failure.explanation.code.startswith("keyring_")
            case "undo":
                return self.state.result is None or not self.state.result.replaced
        return True

    # ── commands of the form ──

    def action_start(self) -> None:
        self._form.submit()

    @on(SignInForm.Submitted)
    @background("form")
    async def start_from_form(self, event: SignInForm.Submitted) -> None:
        if (scopes := await self._check_spelling(event.slack_app.scopes)) is not None:
            self._form.scopes = scopes
            self._app = replace(event.slack_app, scopes=scopes)
            self._start()

    async def _check_spelling(self, scopes: tuple[str, ...]) -> tuple[str, ...] | None:
        """Return the scopes to send. Ask about each one that looks misspelled, and return None if the user cancels."""
        for unknown in unknown_scopes(scopes):
            if unknown.suggestion is None:
                continue
            question = Content.assemble(
                (f"Unknown scope {unknown.name}\n\n", "bold"), "Slack rejects misspelled scopes."
            )
            choices = (
                Choice("use", "", f"Use {unknown.suggestion}"),
                Choice("send", "", f"Send {unknown.name} anyway"),
            )
            answer = await self.app.push_screen_wait(MenuDialog(question, choices))
            if answer is None:
                return None
            if answer == "use":
                scopes = tuple(unknown.suggestion if name == unknown.name else name for name in scopes)
        return tuple(dict.fromkeys(scopes))

    @on(ScopeChips.ListRequested)
    def open_scope_list(self) -> None:
        self.action_choose_scopes()

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
            saved_app = read_app(self.token_app.store.home, client_id)
            app = saved_app or SlackApp(client_id, self._form.slack_app.endpoints)
            self._use_app(replace(app, scopes=self._form.scopes))

    @background("form")
    async def action_app_details(self) -> None:
        from slack_token_tui.tui.screens.app_details import AppDetailsDialog

        # Use the scopes typed in the form now, not those of the last sign-in.
        app_in_form = replace(self._form.slack_app, scopes=self._form.scopes)
        dialog = AppDetailsDialog(app_in_form, self.token_app.store.home)
        if (app := await self.app.push_screen_wait(dialog)) is not None:
            self._use_app(app)

    def _use_app(self, app: SlackApp) -> None:
        self._form.use_app(app)
        self.query_one(Header).show(app.endpoints)
        self._form.focus_next_step()

    # ── commands while it waits ──

    def action_more_time(self) -> None:
        if self._session is not None:
            self._session.extend()

    @background("page")
    async def action_open_url(self) -> None:
        if self.state.url is not None and self._app is not None:
            await self.open_page(self.state.url, self._app.browser)

    def action_copy_url(self) -> None:
        self._copy(self.state.url, "the link")

    def action_copy_tunnel(self) -> None:
        self._copy(self.state.tunnel.command if self.state.tunnel else None, "the ssh line")

    @background("copy")
    async def _copy(self, text: str | None, what: str) -> None:
        if text is not None:
            self.notify_copied(await self.token_app.copy_text(text), what)

    def action_browser_says(self) -> None:
        self._look_up(self._page_error)

    @background("browser_says")
    async def _look_up(self, text: str) -> None:
        """Look up the error on Slack's page and run the action that the user chose."""
        from slack_token_tui.tui.screens.errors import ErrorsScreen

        self.app.clear_notifications()  # one may cover the results
        session = self._session
        explain_code = session.explain if session is not None else explain
        self._errors_screen = ErrorsScreen(
            explain_code,
            self._app,
            self.state.redirect_uri,
            from_page=True,
            is_waiting=self.state.phase is Phase.WAITING,
            initial_search=" ".join(text.split()),
        )
        errors = self._errors_screen
        action = await self.app.push_screen_wait(errors)
        self._errors_screen = None
        if self._session is session and self.state.phase in (Phase.WAITING, Phase.FAILED):
            if action == "change_app" and errors.highlighted is not None:
                await self._forget_unknown_app(errors.highlighted.code)
            match action:
                case "again":
                    self.leave(self._start)
                case "other_pair":
                    self.action_other_pair()
                case "change_app":
                    self.action_change_app()

    @background("simulate_browser", exclusive=False)
    async def action_simulate_browser(self) -> None:
        """Ask who the practice browser is and what it clicks, and show what its page says."""
        practice, url = self.token_app.options.practice, self.state.url
        if practice is None or url is None:
            return
        choices = [Choice(str(n), choice.key, choice.label) for n, choice in enumerate(practice.choices)]
        title = Content.styled("What does the practice browser do?", "bold")
        chosen = await self._open(MenuDialog(title, choices))
        if chosen is None:
            return
        try:
            page = await practice.visit(url, practice.choices[int(chosen)].form)
        except OSError:  # the port was just closed
            self.notify("The sign-in has ended.", severity="warning")
            return
        if "Something went wrong" in page:
            found = re.search("<code>(.*?)</code>", page)
            self._page_error = unescape(found.group(1)) if found else "an error"
            self.notify(f"The practice page says: {self._page_error} Press e to look it up.", severity="warning")

    # ── commands after a failure ──

    def action_again(self) -> None:
        """Repeat what has failed. A new sign-in has a new verifier, challenge and state, and would lose an unsaved token."""
        if Command.SAVE_AGAIN in allowed(self.state):
            self.action_save_again()
        elif self._session is not None and Command.RETRY_EXCHANGE in allowed(self.state):
            self._run(self._session.retry_exchange)
        else:
            self.leave(self._start)

    def action_other_pair(self) -> None:
        """Start over with the other pair of endpoints."""
        if self._app is not None:
            endpoints = self._app.endpoints
            self._app = replace(self._app, endpoints=Endpoints(endpoints.base, endpoints.variant.alternative))
            self.leave(self._start)

    @background("change_app")
    async def action_change_app(self) -> None:
        if (failure := self.state.failure) is not None:
            await self._forget_unknown_app(failure.explanation.code)
        self.leave(self._back_to_form)

    async def _forget_unknown_app(self, code: str) -> None:
        """Forget an app that Slack doesn't know, so that it isn't offered again, unless a profile shows that it worked."""
        app, token_app = self._app, self.token_app
        if code != UNKNOWN_CLIENT_ID or app is None:
            return
        entries = await run_in_daemon_thread(lambda: list(token_app.store.entries()))
        if not any(isinstance(entry, Profile) and entry.client_id == app.client_id for entry in entries):
            await run_in_daemon_thread(forget_app, token_app.store.home, app)
            token_app.draft = None
            self._app = SlackApp("", app.endpoints, scopes=app.scopes)
            self._form.use_app(self._app)

    def _back_to_form(self) -> None:
        self._session = None
        self.state = SignInState()
        self._show_form()

    def action_save_again(self) -> None:
        self._save_again(None)

    def action_save_in_file(self) -> None:
        """Save the token in a file because the keyring does not accept it."""
        self._save_again("file")

    def _save_again(self, storage: TokenStorage | None) -> None:
        if (session := self._session) is not None:
            self._run(lambda: session.save_again(storage))

    def action_copy_redirect(self) -> None:
        self.copy_redirect_uri(self._app, self.state.redirect_uri)

    def action_copy_report(self) -> None:
        if (failure := self.state.failure) is not None:
            self._copy(format_report(failure.explanation, __version__), "the report")

    @background("settings")
    async def action_open_settings(self) -> None:
        if self._app is not None:
            await self.open_page(self._app.endpoints.apps_url, self._app.browser)

    @background("details")
    async def action_explain(self) -> None:
        state = self.state
        registered = self._app.redirect_uris if self._app else ()
        parts = [format_steps(state, self.token_app.options.clock())]
        keys: list[tuple[str, str, Callable[[], object]]] = []
        if state.failure is not None:
            redirects = redirect_uri_rows(state.failure.explanation, state.redirect_uri, registered)
            parts.insert(0, format_explanation(state.failure.explanation, redirects))
            keys.append(("y", "copy report", self.action_copy_report))
        await self._open(TextDialog(Content("\n\n").join(parts), keys))

    # ── commands after success ──

    def action_done(self) -> None:
        self.action_leave()

    def action_copy_new(self) -> None:
        if self.state.result is not None:
            self._copy_token(self.state.result.profile, "token")

    @background("copy")
    async def action_copy_new_as(self) -> None:
        from slack_token_tui.tui.screens.dialogs import CopyAsDialog

        if self.state.result is None:
            return
        profile = self.state.result.profile
        if format_id := await self.app.push_screen_wait(CopyAsDialog(profile, self.token_app.options.home)):
            self._copy_token(profile, format_id)

    @background("copy")
    async def _copy_token(self, profile: Profile, format_id: str) -> None:
        from slack_token_tui.tokens import export_formats
        from slack_token_tui.tokens.fresh_token import fresh_token
        from slack_token_tui.tokens.refresh_result import USUAL_POLICY
        from slack_token_tui.tokens.refresh_worker import refresh_in_child

        token_app = self.token_app
        if export_formats.FORMATS[format_id].contains_token:
            work = partial(
                fresh_token, token_app.store, profile.name, USUAL_POLICY, refresh_in_child, token_app.options.now
            )
            fresh = await run_in_daemon_thread(work)
            text = export_formats.format_secret(
                fresh.profile, fresh.access_token, format_id, home=token_app.options.home
            )
            outcome = await token_app.copy_secret(text, profile.name)
        else:
            outcome = await token_app.copy_text(export_formats.preview(profile, format_id, token_app.options.home))
        self.notify_copied(outcome, profile.name if format_id == "token" else f"{profile.name} as {format_id}")

    @background("rename")
    async def action_rename_new(self) -> None:
        from slack_token_tui.tokens.rename import rename
        from slack_token_tui.tui.screens.dialogs import RenameDialog

        if (result := self.state.result) is None:
            return
        store, old = self.token_app.store, result.profile.name

        async def run_rename(new: str, is_stopped: Callable[[], bool]) -> None:
            await asyncio.to_thread(partial(rename, store, old, new, unless=is_stopped))

        if (new := await self.app.push_screen_wait(RenameDialog(old, run_rename))) and new != old:
            profile = await run_in_daemon_thread(store.read, new)
            renamed = SavedProfile(profile, store.path(new), replaced=result.replaced)
            self.state = replace(self.state, result=renamed)

    @background("undo", exclusive=False)
    async def action_undo(self) -> None:
        """Revoke a token that was issued by mistake or can't be used."""
        session, result, unusable = self._session, self.state.result, self.state.unusable
        if result is not None:
            store = self.token_app.store
            await self.app.push_screen_wait(RemoveDialog(store, result.profile))
            if result.profile.name not in await asyncio.to_thread(store.names):
                self.close(None)
        elif session is not None and unusable is not None:
            question = Content.assemble(("Revoke the token?\n\n", "bold"), unusable.sentence)
            if await self.app.push_screen_wait(ConfirmDialog(question, "Revoke")):
                revocations = await session.revoke_unusable()
                self.token_app.notify("\n".join(revocation.sentence for revocation in revocations))


def is_prose(text: str) -> bool:
    """Return whether ``text`` is words, such as an error on a page. A URL or a code has no blanks, except line breaks."""
    has_blanks = any(len(line.split()) > 1 for line in text.splitlines())
    return has_blanks and not re.search(r"https?://\S*(code|error|state)=", "".join(text.split()))
