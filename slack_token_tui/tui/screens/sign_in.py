"""Sign-in screen: the form, the steps that replace it, the stream of events, and pasting."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import ClassVar

from textual import events as textual_events
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from slack_token_tui.desktop import browser
from slack_token_tui.oauth import events
from slack_token_tui.oauth.events import Step
from slack_token_tui.oauth.session import SignInSession
from slack_token_tui.problems import Explanation, Problem, error_location
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.apps import SlackApp, read_app
from slack_token_tui.store.profiles import SavedProfile
from slack_token_tui.store.settings import read_settings
from slack_token_tui.tui.actions import SIGN_IN, bindings
from slack_token_tui.tui.background import background
from slack_token_tui.tui.screens.dialogs import ConfirmDialog
from slack_token_tui.tui.screens.sign_in_commands import SignInCommands
from slack_token_tui.tui.widgets.error_card import ErrorCard
from slack_token_tui.tui.widgets.footer import Footer
from slack_token_tui.tui.widgets.header import Header
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.paste_box import PasteInput
from slack_token_tui.tui.widgets.sign_in_form import SignInForm
from slack_token_tui.tui.widgets.sign_in_result import SignInResult
from slack_token_tui.tui.widgets.steps import Steps
from slack_token_tui.tui.widgets.time_format import format_clock
from slack_token_tui.tui.widgets.waiting_panel import WaitingPanel

_ONLY_FORM = frozenset({"choose_scopes", "choose_app", "app_details", "new_app"})
_ONLY_WAITING = frozenset({"more_time", "copy_url", "browser_says", "simulate_browser"})
_ALWAYS_FAILED = frozenset({"explain", "copy_report", "change_app", "again"})
"""Offered after every failure. The others are offered only if the explanation names them."""
_ONLY_FAILED = frozenset(
    {"again", "other_pair", "change_app", "copy_redirect", "open_settings", "copy_report", "explain"}
)


class SignInScreen(SignInCommands):
    """One sign-in, from the form to the saved profile, with any number of attempts."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(SIGN_IN)]

    # ── layout ──

    def compose(self) -> ComposeResult:
        self._app = self._app or self._find_initial_app()
        title = f"Sign in again: {self._profile.name}" if self._profile else "Sign in"
        yield Header(title, self._app.endpoints if self._app else Endpoints(), self.slack_label)
        yield SignInForm(self._app, self._profile, self.token_app.store.home)
        with VerticalScroll(id="progress"):
            yield Steps()
            yield SignInResult()
            yield WaitingPanel()
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

    def _show_form(self) -> None:
        self._form.display = True
        self.query_one("#progress").display = False
        self._form.focus_next_step()
        self.refresh_bindings()

    def _show_progress(self) -> None:
        self._form.display = False
        self.query_one("#progress").display = True
        self._focus_steps()
        self.query_one(SignInResult).remove_class("-shown")
        for card in self.query(ErrorCard):
            card.remove()
        self.query_one(WaitingPanel).reset()
        self._show_waiting(True)

    def _show_waiting(self, waiting: bool) -> None:
        self._waiting = waiting
        if not waiting and self._errors_screen is not None:
            # The wait is over, so there is no error page to look up any more.
            self._errors_screen.close(None)
        self.query_one(WaitingPanel).display = waiting
        if not waiting:
            self._focus_steps()
        self.refresh_bindings()

    def _focus_steps(self) -> None:
        """Move the focus out of every field.

        Letters are keys again then, and the arrow keys scroll on a small terminal.
        """
        self.query_one("#progress").focus()

    # ── sign-in ──

    def _start(self) -> None:
        assert self._app is not None
        self._failure = self._saved = self._url = self._tunnel_command = None
        self._no_browser_reason, self._page_error, self._listening = "", "", False
        self.query_one(Header).show(self._app.endpoints)
        self.token_app.draft = self._app if self._profile is None else self.token_app.draft
        name = self._profile.name if self._profile else None
        self._sign_in = SignInSession(self._app, self._app.scopes, self.token_app.store, name=name)
        self.query_one(Steps).reset()
        self._show_progress()
        self._ended = asyncio.Event()
        self.token_app.sign_ins.append((self._sign_in, self._ended))
        self._run_sign_in(self._sign_in, self._ended)

    @background("sign_in")
    async def _run_sign_in(self, sign_in: SignInSession, ended: asyncio.Event) -> None:
        if self._countdown is None:
            self._countdown = self.set_interval(1.0, self._update_countdown)
        self._countdown.resume()
        try:
            async with aclosing(sign_in.events()) as stream:
                async for event in stream:
                    await self._show_event(event)
        except Exception as error:  # a bug is shown like every other failure of the sign-in
            await self._fail(
                self.query_one(Steps).current, Problem("unexpected", detail=error_location(error)).explain()
            )
        finally:
            ended.set()
            if sign_in is self._sign_in:  # otherwise a newer one has started
                self._countdown.pause()

    async def _show_event(self, event: events.Event) -> None:
        steps, waiting = self.query_one(Steps), self.query_one(WaitingPanel)
        match event:
            case events.Listening(redirect_uri, families, passed_over):
                self._listening = True
                others = "".join(f" · passed over {holder}" for holder in passed_over)
                address = redirect_uri.split("://", 1)[1].split("/", 1)[0]
                steps.complete(Step.LISTEN, f"Listening on {address}, {' and '.join(families)}{others}")
            case events.PasteRequired(redirect_uri, explanation):
                reason = (
                    f"{explanation.title}: {explanation.happened}"
                    if explanation
                    else f"Slack sends the browser to {redirect_uri}."
                )
                steps.warn(Step.LISTEN, f"By paste. {reason} Press Allow, then paste the address the browser ends on.")
            case events.BrowserOpening(url):
                self._url = url
                waiting.show_url(url)
                self.refresh_bindings()  # the footer shows the keys for the URL now
                steps.start(Step.BROWSER)
            case events.BrowserResult(browser.Opened(name)):
                steps.complete(Step.BROWSER, f"Opened in {name}")
                self._update_countdown()
            case events.BrowserResult(browser.NotOpened(reason)):
                self._no_browser_reason = reason
                steps.warn(Step.BROWSER, f"{reason} Press u to copy the address and open it in any browser.")
                self._update_countdown()
            case events.RemoteBrowser(tunnel):
                self._tunnel_command = tunnel
                if self._no_browser_reason:
                    steps.warn(Step.BROWSER, self._no_browser_reason)  # the steps below say what to do
                waiting.show_remote_steps(tunnel)
                steps.note(Step.APPROVE, "If the browser shows an error, press b.")
                self.refresh_bindings()
            case events.StillWaiting():
                if self.query_one("#elsewhere").display:  # the remote steps leave no room for a hint
                    steps.note(Step.APPROVE, "Nothing yet. If the browser shows an error, press b.")
                    self._update_countdown()
                else:
                    waiting.show_still_waiting()
            case events.UnexpectedCallback(count, explanation):
                ignored_count = "1 callback that was" if count == 1 else f"{count} callbacks that were"
                words = f"ignored {ignored_count} not ours: {explanation.title.lower()}"
                steps.note(
                    Step.APPROVE, explanation.happened if explanation.code in {"out_of_files", "port_lost"} else words
                )
                if explanation.code == "browser_insists_on_https":
                    waiting.show_ignored(explanation)
            case events.Approved():
                self._show_waiting(False)
                steps.complete(Step.APPROVE, "You pressed Allow")
            case events.Exchanging():
                steps.start(Step.EXCHANGE)
            case events.Verifying():
                steps.complete(Step.EXCHANGE, "Exchanged the code for a token")
                steps.start(Step.VERIFY)
            case events.Verified(identity):
                where = identity.team_name or identity.team_id or "your organisation"
                steps.complete(Step.VERIFY, f"You are {identity.user_name or identity.user_id} in {where}")
                steps.start(Step.SAVE)
            case events.Unverified(explanation):
                steps.warn(Step.VERIFY, f"{explanation.title}. The token is saved all the same, not verified.")
                steps.start(Step.SAVE)
            case events.Saved(saved):
                steps.complete(Step.SAVE, f"{'Updated' if saved.replaced else 'Saved as'} {saved.profile.name}")
                self._show_saved(saved)
            case events.Failed(step, explanation):
                await self._fail(step, explanation)

    def _update_countdown(self) -> None:
        if self._waiting and self._sign_in is not None and self._url is not None:
            time_left = format_clock(self._sign_in.remaining_seconds)
            self.query_one(Steps).start(
                Step.APPROVE, f"Waiting for you to press Allow   {time_left} left · e more time"
            )

    async def _fail(self, step: Step, explanation: Explanation) -> None:
        self._failure = explanation
        self._show_waiting(False)
        about_unusable = self._sign_in.describe_unusable() if self._sign_in else ""
        card = ErrorCard(
            explanation, self._sent_redirect_uri, self._app.redirect_uris if self._app else (), about_unusable
        )
        await self.query_one(Steps).fail(step, card)
        self.refresh_bindings()

    def _show_saved(self, saved: SavedProfile) -> None:
        self._saved = saved
        self.query_one(SignInResult).show(saved, self.token_app.options.now())
        self.refresh_bindings()

    # ── pasting ──

    def on_key(self, event: textual_events.Key) -> None:
        # A digit typed outside the fields starts a Client ID.
        if self._form.display:
            self._form.query_one("#client_id", PasteInput).handle_digit(event)

    def on_paste(self, event: textual_events.Paste) -> None:
        # A paste anywhere on the screen goes into the field for the current step, without taking the focus.
        if self._form.display:
            event.stop()
            self._form.set_client_id(event.text)
        elif self._waiting:
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

    def _submit_paste(self, text: str) -> None:
        if not text.strip() or self._sign_in is None or not self._waiting:
            return
        refusal = self._sign_in.paste(text)
        if refusal is None:
            return
        problem = Content.assemble((f"✗ {refusal.title}. ", "bold"), f"{refusal.happened} {refusal.remedies[0]}.")
        self.query_one(WaitingPanel).show_paste_error(problem)
        if refusal.code == "pasted_bare_code":
            self._ask_about_bare_code(text, refusal)

    @background("question")
    async def _ask_about_bare_code(self, code: str, refusal: Explanation) -> None:
        question = Content.assemble((refusal.title, "bold"), f"\n\n{refusal.happened}")
        meant = await self.app.push_screen_wait(ConfirmDialog(question, "Use the code", "Paste the whole address"))
        if meant and self._sign_in is not None:
            self._sign_in.paste(code, accept_bare_code=True)

    # ── keys ──

    def is_available(self, action_id: str) -> bool:
        if action_id in _ONLY_FORM:
            return self._form.display
        if action_id == "simulate_browser" and (self.token_app.options.simulate_browser is None or not self._listening):
            return False
        if action_id == "copy_tunnel":
            return self._waiting and self._tunnel_command is not None
        if action_id in _ONLY_WAITING:
            return self._waiting and self._url is not None
        if action_id in _ONLY_FAILED:
            offered = self._failure.actions if self._failure else ()
            return self._failure is not None and (action_id in _ALWAYS_FAILED or action_id in offered)
        if action_id == "copy_new":
            return self._saved is not None
        if action_id == "undo":
            is_first = self._saved is not None and not self._saved.replaced
            return is_first or (self._failure is not None and self._unusable is not None)
        if action_id in {"save_again", "save_in_file"}:
            in_keyring = self._failure is not None and self._failure.code.startswith("keyring_")
            return self.has_unsaved_token and self._failure is not None and (action_id == "save_again" or in_keyring)
        return True

    def action_leave(self) -> None:
        """Leave a field first, then the sign-in. Canceling its worker closes the port."""
        if self._waiting and isinstance(self.focused, Input):
            self._focus_steps()
            return
        self.after_saving(self._close_now)

    def _close_now(self) -> None:
        self.workers.cancel_node(self)
        self.close(self._saved.profile.name if self._saved else None)

    def cancel_running(self) -> bool:
        """Cancel the sign-in if one is in progress, and return whether one was."""
        if self._sign_in is not None and not self._ended.is_set():
            self.after_saving(self._close_now)
            return True
        return False
