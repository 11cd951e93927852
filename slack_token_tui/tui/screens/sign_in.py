"""The sign-in as a screen: the form, the steps that take its place, the stream of events, and pasting."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import ClassVar

from textual import events as textual_events
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from slack_token_tui.desktop import browser
from slack_token_tui.oauth import events
from slack_token_tui.oauth.events import Step
from slack_token_tui.oauth.session import SignIn
from slack_token_tui.problems import Explanation, explain, place_of
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.apps import SlackApp, read_app
from slack_token_tui.store.profiles import SavedProfile
from slack_token_tui.store.settings import read_settings
from slack_token_tui.tui.actions import SIGN_IN, bindings
from slack_token_tui.tui.screens.dialogs import ConfirmScreen
from slack_token_tui.tui.screens.sign_in_commands import SignInCommands
from slack_token_tui.tui.widgets.error_card import ErrorCard
from slack_token_tui.tui.widgets.footer import Footer
from slack_token_tui.tui.widgets.header import TopLine
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.paste_box import PasteBox
from slack_token_tui.tui.widgets.sign_in_form import SignInForm
from slack_token_tui.tui.widgets.sign_in_result import Outcome
from slack_token_tui.tui.widgets.steps import Steps
from slack_token_tui.tui.widgets.time_format import clock
from slack_token_tui.tui.widgets.waiting_panel import Waiting

_ONLY_FORM = frozenset({"choose_scopes", "choose_app", "app_details", "new_app"})
_ONLY_WAITING = frozenset({"more_time", "copy_url", "browser_says", "play_browser"})
_ALWAYS_FAILED = frozenset({"explain", "copy_report", "change_app", "again"})
"""Offered after every failure; the others only where the explanation names them."""
_ONLY_FAILED = frozenset(
    {"again", "other_pair", "change_app", "copy_redirect", "open_settings", "copy_report", "explain"}
)


class SignInScreen(SignInCommands):
    """One sign-in, from form to saved profile, with as many attempts as it takes."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(SIGN_IN)]

    # ── what is shown ──

    def compose(self) -> ComposeResult:
        """The form, and the steps that take its place."""
        self._app = self._app or self._remembered_app()
        title = f"Sign in again: {self._older.name}" if self._older else "Sign in"
        yield TopLine(title, self._app.endpoints if self._app else Endpoints(), self.slack_note)
        yield SignInForm(self._app, self._older, self.token_app.store.home)
        with VerticalScroll(id="progress"):
            yield Steps()
            yield Outcome()
            yield Waiting()
        yield Footer()

    def on_mount(self) -> None:
        """Begin with the form."""
        self._show_form()

    def _remembered_app(self) -> SlackApp | None:
        home = self.token_app.store.home
        if self._older is not None and self._older.client_id:
            known = read_app(home, self._older.client_id) or SlackApp(self._older.client_id)
            return known.at(self._older.endpoints)
        if (draft := self.token_app.draft) is not None:
            changed = read_app(home, draft.client_id)  # it may have been since
            return replace(changed, scopes=draft.scopes) if changed else draft
        if self.token_app.start.app is not None:
            return self.token_app.start.app
        last = read_settings(home).get("last_app")
        return read_app(home, last) if last else None

    def _show_form(self) -> None:
        self._form.display = True
        self.query_one("#progress").display = False
        self._form.begin()
        self.refresh_bindings()

    def _show_progress(self) -> None:
        self._form.display = False
        self.query_one("#progress").display = True
        self._focus_steps()
        self.query_one(Outcome).remove_class("-shown")
        for card in self.query(ErrorCard):
            card.remove()
        self.query_one(Waiting).begin()
        self._show_waiting(True)

    def _show_waiting(self, waiting: bool) -> None:
        self._waiting = waiting
        if not waiting and self._errors is not None:
            self._errors.end(None)  # the browser has answered: what it may have shown is no longer the question
        self.query_one(Waiting).display = waiting
        if not waiting:
            self._focus_steps()
        self.refresh_bindings()

    def _focus_steps(self) -> None:
        """Out of every field: letters are keys again, and the arrows scroll what a small terminal cannot hold."""
        self.query_one("#progress").focus()

    # ── the sign-in ──

    def _begin(self) -> None:
        assert self._app is not None
        self._failure = self._kept = self._url = self._tunnel = None
        self._no_browser, self._page_said, self._listening = "", "", False
        self.query_one(TopLine).show(self._app.endpoints)
        self.token_app.draft = self._app if self._older is None else self.token_app.draft
        name = self._older.name if self._older else None
        self._sign_in = SignIn(self._app, self._app.scopes, self.token_app.store, name=name)
        self.query_one(Steps).begin()
        self._show_progress()
        self._ended = asyncio.Event()
        self.token_app.sign_ins.append((self._sign_in, self._ended))
        self._follow(self._sign_in, self._ended)

    @work(exclusive=True, group="sign_in", exit_on_error=False)
    async def _follow(self, sign_in: SignIn, ended: asyncio.Event) -> None:
        if self._countdown is None:
            self._countdown = self.set_interval(1.0, self._count_down)
        self._countdown.resume()
        try:
            async with aclosing(sign_in.events()) as stream:
                async for event in stream:
                    await self._show(event)
        except Exception as error:  # the sign-in's defects are shown where everything else about it is
            await self._fail(self.query_one(Steps).current, explain("unexpected", {"detail": place_of(error)}))
        finally:
            ended.set()
            if sign_in is self._sign_in:  # else another one has been begun
                self._countdown.pause()

    async def _show(self, event: events.Event) -> None:
        steps, waiting = self.query_one(Steps), self.query_one(Waiting)
        match event:
            case events.Listening(redirect_uri, families, passed_over):
                self._listening = True
                others = "".join(f" · passed over {holder}" for holder in passed_over)
                address = redirect_uri.split("://", 1)[1].split("/", 1)[0]
                steps.done(Step.LISTEN, f"Listening on {address}, {' and '.join(families)}{others}")
            case events.PasteOnly(redirect_uri, explanation):
                reason = (
                    f"{explanation.title}: {explanation.happened}"
                    if explanation
                    else f"Slack sends the browser to {redirect_uri}."
                )
                steps.warn(Step.LISTEN, f"By paste. {reason} Press Allow, then paste the address the browser ends on.")
            case events.BrowserOpening(url):
                self._url = url
                waiting.show_address(url)
                self.refresh_bindings()  # there is an address now: its keys belong into the footer
                steps.start(Step.BROWSER)
            case events.BrowserAnswered(browser.Opened(name)):
                steps.done(Step.BROWSER, f"Opened in {name}")
                self._count_down()
            case events.BrowserAnswered(browser.NotOpened(reason)):
                self._no_browser = reason
                steps.warn(Step.BROWSER, f"{reason} Press u to copy the address and open it in any browser.")
                self._count_down()
            case events.BrowserElsewhere(tunnel):
                self._tunnel = tunnel
                if self._no_browser:
                    steps.warn(Step.BROWSER, self._no_browser)  # what to do stands below, step by step
                waiting.show_elsewhere(tunnel)
                steps.note(Step.APPROVE, "If the browser shows an error, press b.")
                self.refresh_bindings()
            case events.NothingYet():
                if self.query_one("#elsewhere").display:  # the steps to take leave no room for more; this has its line
                    steps.note(Step.APPROVE, "Nothing yet. If the browser shows an error, press b.")
                    self._count_down()
                else:
                    waiting.show_nothing_yet()
            case events.UnexpectedCallback(count, explanation):
                one = "1 callback that was" if count == 1 else f"{count} callbacks that were"
                words = f"ignored {one} not ours: {explanation.title.lower()}"
                steps.note(
                    Step.APPROVE, explanation.happened if explanation.code in {"out_of_files", "port_lost"} else words
                )
                if explanation.code == "browser_insists_on_https":
                    waiting.show_stray(explanation)
            case events.Approved():
                self._show_waiting(False)
                steps.done(Step.APPROVE, "You pressed Allow")
            case events.Exchanging():
                steps.start(Step.EXCHANGE)
            case events.Verifying():
                steps.done(Step.EXCHANGE, "Exchanged the code for a token")
                steps.start(Step.VERIFY)
            case events.Verified(identity):
                where = identity.team_name or identity.team_id or "your organisation"
                steps.done(Step.VERIFY, f"You are {identity.user_name or identity.user_id} in {where}")
                steps.start(Step.SAVE)
            case events.Unverified(explanation):
                steps.warn(Step.VERIFY, f"{explanation.title}. The token is saved all the same, not verified.")
                steps.start(Step.SAVE)
            case events.Saved(kept):
                steps.done(Step.SAVE, f"{'Updated' if kept.replaced else 'Saved as'} {kept.profile.name}")
                self._show_saved(kept)
            case events.Failed(step, explanation):
                await self._fail(step, explanation)

    def _count_down(self) -> None:
        if self._waiting and self._sign_in is not None and self._url is not None:
            time_left = clock(self._sign_in.seconds_left)
            self.query_one(Steps).start(
                Step.APPROVE, f"Waiting for you to press Allow   {time_left} left · e more time"
            )

    async def _fail(self, step: Step, explanation: Explanation) -> None:
        self._failure = explanation
        self._show_waiting(False)
        about_unusable = self._sign_in.about_unusable() if self._sign_in else ""
        card = ErrorCard(explanation, self._sent, self._app.redirect_uris if self._app else (), about_unusable)
        await self.query_one(Steps).fail(step, card)
        self.refresh_bindings()

    def _show_saved(self, kept: SavedProfile) -> None:
        self._kept = kept
        self.query_one(Outcome).show(kept, self.token_app.start.now())
        self.refresh_bindings()

    # ── pasting ──

    def on_key(self, event: textual_events.Key) -> None:
        """A digit typed beside the fields begins a Client ID."""
        if self._form.display:
            self._form.query_one("#client_id", PasteBox).take_digit(event)

    def on_paste(self, event: textual_events.Paste) -> None:
        """A paste anywhere on the screen lands where it belongs, without taking the focus."""
        if self._form.display:
            event.stop()
            self._form.take_client_id(event.text)
        elif self._waiting:
            event.stop()
            box = self.query_one("#paste", PasteBox)
            box.value = "".join(event.text.split())
            self._take_paste(box.value)

    @on(Input.Submitted, "#paste")
    def paste_submitted(self, event: Input.Submitted) -> None:
        """Enter gives the pasted address to the sign-in."""
        self._take_paste(event.value)

    @on(Input.Changed, "#paste")
    def paste_changed(self, event: Input.Changed) -> None:
        """A whole address needs no Enter."""
        if "state=" in event.value and ("code=" in event.value or "error=" in event.value):
            self._take_paste(event.value)

    def _take_paste(self, text: str) -> None:
        if not text.strip() or self._sign_in is None or not self._waiting:
            return
        refusal = self._sign_in.paste(text)
        if refusal is None:
            return
        trouble = Content.assemble((f"✗ {refusal.title}. ", "bold"), f"{refusal.happened} {refusal.remedies[0]}.")
        self.query_one(Waiting).show_trouble(trouble)
        if refusal.code == "pasted_bare_code":
            self._ask_about_bare_code(text, refusal)

    @work(exclusive=True, group="question", exit_on_error=False)
    async def _ask_about_bare_code(self, code: str, refusal: Explanation) -> None:
        question = Content.assemble((refusal.title, "bold"), f"\n\n{refusal.happened}")
        meant = await self.app.push_screen_wait(ConfirmScreen(question, "Use the code", "Paste the whole address"))
        if meant and self._sign_in is not None:
            self._sign_in.paste(code, bare_code_is_meant=True)

    # ── the keys ──

    def can_do(self, action_id: str) -> bool:
        """Each key only where it does something."""
        if action_id in _ONLY_FORM:
            return self._form.display
        if action_id == "play_browser" and (self.token_app.start.play_browser is None or not self._listening):
            return False
        if action_id == "copy_tunnel":
            return self._waiting and self._tunnel is not None
        if action_id in _ONLY_WAITING:
            return self._waiting and self._url is not None
        if action_id in _ONLY_FAILED:
            offered = self._failure.actions if self._failure else ()
            return self._failure is not None and (action_id in _ALWAYS_FAILED or action_id in offered)
        if action_id == "copy_new":
            return self._kept is not None
        if action_id == "undo":
            is_first = self._kept is not None and not self._kept.replaced
            return is_first or (self._failure is not None and self._unusable is not None)
        if action_id in {"save_again", "keep_in_file"}:
            in_keyring = self._failure is not None and self._failure.code.startswith("keyring_")
            return self.holds_unsaved and self._failure is not None and (action_id == "save_again" or in_keyring)
        return True

    def action_leave(self) -> None:
        """Out of a field first, then out of the sign-in; its worker is cancelled and closes the port."""
        if self._waiting and isinstance(self.focused, Input):
            self._focus_steps()
            return
        self.unless_unsaved(self._really_leave)

    def _really_leave(self) -> None:
        self.workers.cancel_node(self)
        self.end(self._kept.profile.name if self._kept else None)

    def cancel_running(self) -> bool:
        """End the sign-in, if one is under way."""
        if self._sign_in is not None and not self._ended.is_set():
            self.unless_unsaved(self._really_leave)
            return True
        return False
