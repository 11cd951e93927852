"""Sign in: the form first, then the steps, and at the end who one is and where the token went."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from typing import ClassVar

from textual import events as textual_events
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Button, Footer, Input

from slack_token_tui import __version__
from slack_token_tui.crash import place_of
from slack_token_tui.desktop import browser
from slack_token_tui.keeping.apps import SlackApp, read_app
from slack_token_tui.keeping.files import StoreError
from slack_token_tui.keeping.profile import Profile
from slack_token_tui.keeping.settings import read_settings
from slack_token_tui.keeping.store import Kept
from slack_token_tui.signing_in import events
from slack_token_tui.signing_in.events import Step
from slack_token_tui.signing_in.flow import SignIn
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.explanations import Explanation, explain
from slack_token_tui.tui.actions import SIGN_IN, bindings
from slack_token_tui.tui.screens.room import Room
from slack_token_tui.tui.screens.sheets import ConfirmScreen, ExplanationScreen
from slack_token_tui.tui.widgets.error_card import ErrorCard, report
from slack_token_tui.tui.widgets.expiry import clock
from slack_token_tui.tui.widgets.outcome import Outcome
from slack_token_tui.tui.widgets.paste_box import PasteBox
from slack_token_tui.tui.widgets.sign_in_form import SignInForm
from slack_token_tui.tui.widgets.steps import Steps
from slack_token_tui.tui.widgets.top_line import TopLine
from slack_token_tui.tui.widgets.waiting import Waiting

_ONLY_FORM = frozenset({"choose_scopes", "choose_app", "app_details", "new_app"})
_ONLY_WAITING = frozenset({"more_time", "copy_url", "browser_says", "play_browser"})
_ALWAYS_FAILED = frozenset({"explain", "copy_report", "change_app", "again"})
"""Offered after every failure; the others only where the explanation names them."""
_ONLY_FAILED = frozenset(
    {"again", "other_pair", "change_app", "copy_redirect", "open_settings", "copy_report", "explain"}
)


class SignInScreen(Room[None]):
    """One sign-in, from form to saved profile, with as many attempts as it takes."""

    room = SIGN_IN
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(SIGN_IN)]

    def __init__(self, older: Profile | None = None, app: SlackApp | None = None) -> None:
        """
        Args:
            older: the profile to sign in again, with everything filled in; None for a new one.
            app: what to sign in with; the one used last when None.
        """
        super().__init__()
        self._older = older
        self._app = app
        self._sign_in: SignIn | None = None
        self._failure: Explanation | None = None
        self._kept: Kept | None = None
        self._url: str | None = None
        self._tunnel: str | None = None
        self._errors: Room[str | None] | None = None
        self._no_browser = ""
        self._waiting = False
        self._countdown: Timer | None = None

    # ── what is shown ──

    def compose(self) -> ComposeResult:
        """The form, and the steps that take its place."""
        self._app = self._app or self._remembered_app()
        yield TopLine("Sign in", self._app.endpoints if self._app else Endpoints(), self.slack_note)
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
            return replace(known, endpoints=self._older.endpoints)
        if (draft := self.token_app.draft) is not None:
            changed = read_app(home, draft.client_id)  # it may have been since
            return replace(changed, scopes=draft.scopes) if changed else draft
        if self.token_app.start.app is not None:
            return self.token_app.start.app
        last = read_settings(home).get("last_app")
        return read_app(home, last) if last else None

    @property
    def _form(self) -> SignInForm:
        return self.query_one(SignInForm)

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

    # ── the form ──

    @on(SignInForm.Submitted)
    def form_submitted(self, event: SignInForm.Submitted) -> None:
        """Everything is there: begin."""
        self._app = event.slack_app
        self._begin()

    @on(Button.Pressed, "#choose_app, #app_details, #new_app")
    async def form_button_pressed(self, event: Button.Pressed) -> None:
        """The same as its key."""
        await self.run_action(str(event.button.id))

    @work(exclusive=True, group="form", exit_on_error=False)
    async def action_choose_scopes(self) -> None:
        """Choose scopes from the list."""
        from slack_token_tui.tui.screens.scope_picker import ScopePicker

        app = self._form.slack_app
        picker = ScopePicker(self._form.scopes, app.registered_scopes, self._older)
        if (chosen := await self.app.push_screen_wait(picker)) is not None:
            self._form.scopes = chosen

    @work(exclusive=True, group="form", exit_on_error=False)
    async def action_choose_app(self) -> None:
        """Choose among the remembered apps."""
        from slack_token_tui.tui.screens.apps import AppsScreen

        if (app := await self.app.push_screen_wait(AppsScreen())) is not None:
            self._use(app)
        elif old := self._form.slack_app.client_id:
            # It may have been changed or forgotten there, and must not come back as it was.
            self._form.use(read_app(self.token_app.store.home, old) or SlackApp(old, self._form.slack_app.endpoints))

    @work(exclusive=True, group="form", exit_on_error=False)
    async def action_app_details(self) -> None:
        """Change what is known of the app."""
        from slack_token_tui.tui.screens.app_details import AppDetails

        # With the scopes as they are typed now: those of last time are not what is meant any more.
        now = replace(self._form.slack_app, scopes=self._form.scopes)
        if (app := await self.app.push_screen_wait(AppDetails(now, self.token_app.store.home))) is not None:
            self._use(app)

    @work(exclusive=True, group="form", exit_on_error=False)
    async def action_new_app(self) -> None:
        """Make an app, and come back with it."""
        from slack_token_tui.tui.screens.app_setup import AppSetupScreen

        setup = AppSetupScreen(self._form.slack_app.endpoints, self._form.scopes)
        if (app := await self.app.push_screen_wait(setup)) is not None:
            self._use(app)

    def _use(self, app: SlackApp) -> None:
        self._form.use(app)
        self.query_one(TopLine).show(app.endpoints)
        self._form.begin()

    # ── the sign-in ──

    def _begin(self) -> None:
        assert self._app is not None
        self._failure = self._kept = self._url = self._tunnel = None
        self._no_browser = ""
        self.query_one(TopLine).show(self._app.endpoints)
        self.token_app.draft = self._app if self._older is None else self.token_app.draft
        name = self._older.name if self._older else None
        self._sign_in = SignIn(self._app, self._app.scopes, self.token_app.store, name=name)
        self.query_one(Steps).begin()
        self._show_progress()
        self._follow(self._sign_in)

    @work(exclusive=True, group="sign_in", exit_on_error=False)
    async def _follow(self, sign_in: SignIn) -> None:
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
            self._countdown.pause()

    async def _show(self, event: events.Event) -> None:
        steps, waiting = self.query_one(Steps), self.query_one(Waiting)
        match event:
            case events.Listening(redirect_uri, families, passed_over):
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
                self.refresh_bindings()
            case events.NothingYet():
                if self.query_one("#elsewhere").display:  # the steps to take leave no room for more below them
                    steps.note(Step.APPROVE, "Nothing yet. If the browser shows an error, press b.")
                    self._count_down()
                else:
                    waiting.show_nothing_yet()
            case events.Stray(count, explanation):
                one = "1 callback that was" if count == 1 else f"{count} callbacks that were"
                steps.note(Step.APPROVE, f"ignored {one} not ours: {explanation.title.lower()}")
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
                steps.done(Step.SAVE, f"{'Renewed' if kept.replaced else 'Saved as'} {kept.profile.name}")
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
        steps = self.query_one(Steps)
        await steps.fail(step, ErrorCard(explanation, self._sent, self._app.redirect_uris if self._app else ()))
        self.refresh_bindings()
        steps.query_one(ErrorCard).scroll_visible(animate=False)

    @property
    def _sent(self) -> str:
        """The redirect address that this sign-in has sent, once there is one."""
        request = self._sign_in.request if self._sign_in else None
        return request.redirect_uri if request else ""

    def _show_saved(self, kept: Kept) -> None:
        self._kept = kept
        self.query_one(Outcome).show(kept, self.token_app.start.now())
        self.refresh_bindings()

    # ── pasting ──

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
        if action_id == "play_browser" and self.token_app.start.play_browser is None:
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
        if action_id in {"save_again", "keep_in_file"}:
            in_keyring = self._failure is not None and self._failure.code.startswith("keyring_")
            return self.holds_unsaved and self._failure is not None and (action_id == "save_again" or in_keyring)
        return True

    def action_more_time(self) -> None:
        """Wait longer."""
        if self._sign_in is not None:
            self._sign_in.extend()
            self._count_down()

    def action_copy_url(self) -> None:
        """Copy Slack's address."""
        self._copy(self._url, "The address")

    def action_copy_tunnel(self) -> None:
        """Copy the line that opens a tunnel."""
        self._copy(self._tunnel, "The ssh line")

    def action_copy_redirect(self) -> None:
        """Copy a redirect address, to register it; pressed again, the next."""
        self.copy_redirect_of(self._app, self._sent)

    def action_copy_report(self) -> None:
        """Copy the error."""
        if self._failure is not None:
            self._copy(report(self._failure, __version__), "The report")

    def action_copy_new(self) -> None:
        """Copy the new token."""
        if self._kept is not None:
            self._copy_token(self._kept.profile)

    @work(exclusive=True, group="copy", exit_on_error=False)
    async def _copy(self, text: str | None, what: str) -> None:
        if text is not None:
            self.say_copied(await self.token_app.copy_text(text), what)

    @work(exclusive=True, group="copy", exit_on_error=False)
    async def _copy_token(self, profile: Profile) -> None:
        assert profile.access_token is not None, "a fresh sign-in has its tokens"
        self.say_copied(await self.token_app.copy_secret(profile.access_token), profile.name)

    @work(exclusive=True, group="browser_says", exit_on_error=False)
    async def action_browser_says(self) -> None:
        """Recognise what Slack's page shows, and do what helps."""
        from slack_token_tui.tui.screens.errors import ErrorsScreen

        if (asking := self._sign_in) is None:
            return
        self._errors = ErrorsScreen(asking.explain, self._app, self._sent, from_page=True)
        chosen = await self.app.push_screen_wait(self._errors)
        self._errors = None
        if chosen is not None and self._sign_in is asking and self._waiting:
            getattr(self, f"action_{chosen}")()

    @work(group="play", exit_on_error=False)
    async def action_play_browser(self) -> None:
        """Let the practice Slack press Allow."""
        play = self.token_app.start.play_browser
        if play is not None and self._url is not None:
            try:
                page = await play(self._url)
            except OSError:  # the practice Slack is gone, or the port closed a moment ago
                self.notify("Nobody answered at that address.", severity="warning")
                return
            if "Something went wrong" in page:
                words = re.search("<code>(.*?)</code>", page)
                said = f"The practice page says: {words.group(1) if words else 'an error'} · b explains it."
                self.notify(said, severity="warning", markup=False)

    def action_again(self) -> None:
        """Start anew: verifier, challenge and state are fresh."""
        self.unless_unsaved(self._begin)

    @property
    def holds_unsaved(self) -> bool:
        """Whether a token is here alone."""
        return self._sign_in is not None and self._sign_in.holds_unsaved

    @work(exclusive=True, group="question", exit_on_error=False)
    async def unless_unsaved(self, go_on: Callable[[], object]) -> None:
        """Go on; but ask first when that would throw away a token that is here alone."""
        if self.holds_unsaved:
            question = Content.assemble(
                ("Throw the new token away?\n\n", "bold"),
                "Slack has given it, and it is not saved: w saves it again when what is in the way is mended. "
                "Going on forgets it here; at Slack it stays valid until it expires or is revoked.",
            )
            if not await self.app.push_screen_wait(ConfirmScreen(question, "Throw it away", "Keep it here")):
                return
        go_on()

    @work(exclusive=True, group="save", exit_on_error=False)
    async def action_save_again(self) -> None:
        """Save the token that could not be saved."""
        await self._save_again(in_file=False)

    @work(exclusive=True, group="save", exit_on_error=False)
    async def action_keep_in_file(self) -> None:
        """Save it in a file, because the keyring does not take it."""
        await self._save_again(in_file=True)

    async def _save_again(self, *, in_file: bool) -> None:
        assert self._sign_in is not None
        steps = self.query_one(Steps)
        steps.start(Step.SAVE)
        try:
            kept = await self._sign_in.save_again(in_file=in_file)
        except StoreError as error:
            await self._fail(Step.SAVE, explain(error.code, error.facts))
            return
        self._failure = None
        for card in self.query(ErrorCard):
            await card.remove()
        steps.done(Step.SAVE, f"Saved as {kept.profile.name}")
        self._show_saved(kept)

    def action_other_pair(self) -> None:
        """Start anew with the other endpoint pair."""
        if self._app is not None:
            endpoints = self._app.endpoints
            self._app = replace(self._app, endpoints=Endpoints(endpoints.base, endpoints.pair.other))
            self.unless_unsaved(self._begin)

    def action_change_app(self) -> None:
        """Back to the form; a sign-in that still waits ends."""
        self.unless_unsaved(self._back_to_form)

    def _back_to_form(self) -> None:
        self.workers.cancel_group(self, "sign_in")
        self._failure = self._sign_in = None
        self._waiting = False
        self._show_form()

    @work(exclusive=True, group="settings", exit_on_error=False)
    async def action_open_settings(self) -> None:
        """Open the list of the person's Slack apps."""
        if self._app is None:
            return
        await self.open_page(self._app.endpoints.apps_page, self._app.browser)

    def action_explain(self) -> None:
        """Everything that is known about the error."""
        if self._failure is not None:
            self.app.push_screen(ExplanationScreen(self._failure))

    def action_leave(self) -> None:
        """Out of a field first, then out of the sign-in; its worker is cancelled and closes the port."""
        if self._waiting and isinstance(self.focused, Input):
            self._focus_steps()
            return
        self.unless_unsaved(self._really_leave)

    def _really_leave(self) -> None:
        self.workers.cancel_node(self)
        self.end(None)

    def cancel_running(self) -> bool:
        """Stop what is running, if anything is."""
        if self._waiting:
            self.unless_unsaved(self._really_leave)
            return True
        return False
