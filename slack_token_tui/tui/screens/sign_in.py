"""Sign in: the app and scopes first, then the steps, and at the end who one is and where the token went."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import ClassVar

from textual import events as textual_events
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.style import Style
from textual.timer import Timer
from textual.widgets import Button, Footer, Input, Label, Static

from slack_token_tui import __version__
from slack_token_tui.crash import place_of
from slack_token_tui.desktop import browser
from slack_token_tui.desktop.clipboard import Copied, NotCopied
from slack_token_tui.keeping.apps import SlackApp, read_app
from slack_token_tui.keeping.files import StoreError
from slack_token_tui.keeping.profile import Profile
from slack_token_tui.keeping.settings import read_settings
from slack_token_tui.keeping.store import Kept
from slack_token_tui.signing_in import events
from slack_token_tui.signing_in.events import Step
from slack_token_tui.signing_in.flow import SignIn
from slack_token_tui.slack.client_id import checked_client_id
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.explanations import Explanation, explain, seen_in_the_browser
from slack_token_tui.slack.scopes import DEFAULT_SCOPES, PRESETS, parse_scopes
from slack_token_tui.tui.actions import SIGN_IN, bindings
from slack_token_tui.tui.screens.room import Room
from slack_token_tui.tui.screens.sheets import BrowserSaysScreen, ConfirmScreen, ExplanationScreen
from slack_token_tui.tui.widgets.error_card import ErrorCard, keys_of, report
from slack_token_tui.tui.widgets.expiry import clock, left
from slack_token_tui.tui.widgets.field import Field
from slack_token_tui.tui.widgets.paste_box import PasteBox
from slack_token_tui.tui.widgets.steps import Steps
from slack_token_tui.tui.widgets.top_line import TopLine

_ONLY_WAITING = frozenset({"more_time", "copy_url", "browser_says", "play_browser"})
_ALWAYS_FAILED = frozenset({"explain", "copy_report", "change_app", "again"})
"""Offered after every failure; the others only where the explanation names them."""
_ONLY_FAILED = frozenset(
    {"again", "other_pair", "change_app", "copy_redirect", "open_settings", "copy_report", "explain"}
)


class SignInScreen(Room):
    """One sign-in, from form to saved profile, with as many attempts as it takes."""

    room = SIGN_IN
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(SIGN_IN)]

    def __init__(self, older: Profile | None) -> None:
        """
        Args:
            older: the profile to sign in again, with everything filled in; None for a new one.
        """
        super().__init__()
        self._older = older
        self._sign_in: SignIn | None = None
        self._failure: Explanation | None = None
        self._kept: Kept | None = None
        self._url: str | None = None
        self._waiting = False
        self._countdown: Timer | None = None

    # ── what is shown ──

    def compose(self) -> ComposeResult:
        """The form, and the steps that take its place."""
        self._app = self._remembered_app()
        yield TopLine("Sign in", self._app.endpoints if self._app else Endpoints(), self._note())
        with VerticalScroll(id="form", can_focus=False):
            yield Label("Client ID", classes="field")
            yield Input(self._app.client_id if self._app else "", placeholder="2141029472.691202649728", id="client_id")
            yield Label("Your app → Basic Information → App Credentials. No secret is needed.")
            yield Label("User scopes", classes="field")
            yield Input(self._first_scopes(), placeholder="users:read, channels:read", id="scopes")
            with Horizontal(id="presets"):
                yield Static("A set:", id="presets_label")
                for number, preset in enumerate(PRESETS):
                    button = Button(preset.label, id=f"preset_{number}", compact=True)
                    button.tooltip = f"{preset.purpose}: {', '.join(preset.scopes)}"
                    yield button
            if self._older is not None:
                yield Static(id="scope_change")
            yield Static(id="form_error")
            yield Button("Sign in (Enter)", id="start", variant="primary")
            yield Label(
                Content(f"The token will be kept in {self.token_app.store.home / 'profiles'}, readable by you alone.")
            )
        with VerticalScroll(id="progress"):
            yield Steps()
            with Vertical(id="outcome"):
                yield Field("", id="outcome_who", width=0)
                yield Field("Token", id="outcome_token")
                yield Field("Scopes", id="outcome_scopes")
                yield Field("Saved as", id="outcome_saved")
                yield Field("Note", id="outcome_note")
                yield Static(keys_of("copy_new", "leave"))
            yield Field("Address", id="address")
            with Horizontal(id="paste_row"):
                yield Static("Paste", id="paste_label")
                yield PasteBox(
                    placeholder="the address the browser ended on, if it cannot reach this machine", id="paste"
                )
            yield Static(id="paste_trouble")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin with the form."""
        self._show_form()

    def _note(self) -> str:
        return "practice Slack" if self.token_app.start.is_demo else ""

    def _remembered_app(self) -> SlackApp | None:
        home = self.token_app.store.home
        if self._older is not None and self._older.client_id:
            known = read_app(home, self._older.client_id) or SlackApp(self._older.client_id)
            return replace(known, endpoints=self._older.endpoints)
        if self.token_app.start.app is not None:
            return self.token_app.start.app
        last = read_settings(home).get("last_app")
        return read_app(home, last) if last else None

    def _first_scopes(self) -> str:
        scopes = (self._older.scopes_asked if self._older else ()) or (self._app.scopes if self._app else ())
        return ", ".join(scopes or DEFAULT_SCOPES)

    def _show_form(self) -> None:
        self.query_one("#form").display = True
        self.query_one("#progress").display = False
        client_id = self.query_one("#client_id", Input)
        (self.query_one("#start") if client_id.value else client_id).focus()
        self.refresh_bindings()

    def _show_progress(self) -> None:
        self.query_one("#form").display = False
        self.query_one("#progress").display = True
        self._focus_steps()
        self.query_one("#outcome").remove_class("-shown")
        for card in self.query(ErrorCard):
            card.remove()
        self.query_one("#paste_trouble", Static).update("")
        self.query_one(PasteBox).value = ""
        self._show_waiting(True)

    def _show_waiting(self, waiting: bool) -> None:
        self._waiting = waiting
        for selector in ("#address", "#paste_row", "#paste_trouble"):
            self.query_one(selector).display = waiting
        if not waiting:
            self._focus_steps()
        self.refresh_bindings()

    def _focus_steps(self) -> None:
        """Out of every field: letters are keys again, and the arrows scroll what a small terminal cannot hold."""
        self.query_one("#progress").focus()

    # ── the form ──

    @on(Button.Pressed)
    def button_pressed(self, event: Button.Pressed) -> None:
        """A preset fills the field; the last button starts."""
        button_id = event.button.id or ""
        if button_id.startswith("preset_"):
            preset = PRESETS[int(button_id.removeprefix("preset_"))]
            self.query_one("#scopes", Input).value = ", ".join(preset.scopes)
        elif button_id == "start":
            self._start_from_form()

    @on(Input.Changed, "#scopes")
    def scopes_changed(self, event: Input.Changed) -> None:
        """Say what the new list changes for somebody who has a token already: at Slack scopes only add up."""
        if self._older is None:
            return
        held = set(self._older.scopes)
        try:
            asked = set(parse_scopes(event.value))
        except ValueError:
            return
        lines = []
        if more := sorted(asked - held):
            lines.append(f"New: {', '.join(more)}. {self._older.name} keeps its name and gets them too.")
        if fewer := sorted(held - asked):
            lines.append(
                f"Kept all the same: {', '.join(fewer)}. At Slack scopes only add up; to lose some, "
                "remove the profile first (x at home), which revokes it, then sign in anew."
            )
        self.query_one("#scope_change", Static).update(Content("\n".join(lines)))

    @on(Input.Submitted, "#client_id, #scopes")
    def form_submitted(self) -> None:
        """Enter in a field starts too."""
        self._start_from_form()

    def _start_from_form(self) -> None:
        error = self.query_one("#form_error", Static)
        try:
            client_id = checked_client_id(self.query_one("#client_id", Input).value)
            scopes = parse_scopes(self.query_one("#scopes", Input).value)
        except ValueError as trouble:
            error.update(Content(f"✗ {trouble}"))
            return
        error.update("")
        if self._app is None or self._app.client_id != client_id:
            known = read_app(self.token_app.store.home, client_id)
            self._app = known or SlackApp(client_id, self._app.endpoints if self._app else Endpoints())
        self._app = replace(self._app, scopes=scopes)
        self._begin()

    # ── the sign-in ──

    def _begin(self) -> None:
        assert self._app is not None
        self._failure = self._kept = self._url = None
        self.query_one(TopLine).show(self._app.endpoints)
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
        steps = self.query_one(Steps)
        match event:
            case events.Listening(redirect_uri, families, passed_over):
                others = "".join(f" · passed over {holder}" for holder in passed_over)
                address = redirect_uri.split("://", 1)[1].split("/", 1)[0]
                steps.done(Step.LISTEN, f"Listening on {address}, {' and '.join(families)}{others}")
            case events.PasteOnly(redirect_uri, explanation):
                reason = (
                    f"{explanation.title}: {explanation.happened}"
                    if explanation
                    else f"The app’s own address is {redirect_uri}"
                )
                steps.warn(Step.LISTEN, f"By paste. {reason} Press Allow, then paste the address the browser ends on.")
            case events.BrowserOpening(url):
                self._url = url
                # A link of the terminal's own (OSC 8), so that a wrapped address can be clicked whole.
                self.query_one("#address", Field).show(Content.styled(url, Style(link=url)))
                self.refresh_bindings()  # there is an address now: its keys belong into the footer
                steps.start(Step.BROWSER)
            case events.BrowserAnswered(browser.Opened(name)):
                steps.done(Step.BROWSER, f"Opened in {name}")
                self._count_down()
            case events.BrowserAnswered(browser.NotOpened(reason)):
                steps.warn(Step.BROWSER, f"{reason} Press u to copy the address and open it in any browser.")
                self._count_down()
            case events.Stray(count, explanation):
                one = "1 callback that was" if count == 1 else f"{count} callbacks that were"
                steps.note(Step.APPROVE, f"ignored {one} not ours: {explanation.title.lower()}")
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
        await steps.fail(step, ErrorCard(explanation))
        self.refresh_bindings()
        steps.query_one(ErrorCard).scroll_visible(animate=False)

    def _show_saved(self, kept: Kept) -> None:
        self._kept = kept
        profile = kept.profile
        who = profile.user_name or profile.user_id or "unknown"
        where = profile.team_name or profile.team_id or "unknown"
        values: dict[str, str | Content] = {
            "who": Content.assemble(("✓ Signed in", "bold $text-success"), f" as {who} in {where}"),
            "token": f"{profile.masked_token}  {self._life_of(profile)}",
            "scopes": (", ".join(profile.scopes) or "none named") + self._difference(profile),
            "saved": Content.assemble((profile.name, "bold"), f" in {kept.path}"),
            "note": f"{kept.name_taken} belongs to another account, so a free name was taken."
            if kept.name_taken
            else "",
        }
        for key, value in values.items():
            self.query_one(f"#outcome_{key}", Field).show(value)
        self.query_one("#outcome").add_class("-shown")
        self.refresh_bindings()

    def _life_of(self, profile: Profile) -> str:
        if profile.expires_at is None:
            return "works until it is revoked"
        return f"works for {left(profile.expires_at, self.token_app.start.now())}"

    def _difference(self, profile: Profile) -> str:
        missing = sorted(set(profile.scopes_asked) - set(profile.scopes))
        more = sorted(set(profile.scopes) - set(profile.scopes_asked))
        parts = [f"not granted: {', '.join(missing)}"] if missing and profile.scopes else []
        parts += [f"from earlier sign-ins: {', '.join(more)}"] if more and profile.scopes_asked else []
        return f"  ({'; '.join(parts)})" if parts else ""

    # ── pasting ──

    def on_paste(self, event: textual_events.Paste) -> None:
        """A paste anywhere on the screen lands in the box, without taking the focus."""
        if self._waiting:
            event.stop()
            box = self.query_one(PasteBox)
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
        self.query_one("#paste_trouble", Static).update(trouble)
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
        if action_id == "play_browser" and self.token_app.start.play_browser is None:
            return False
        if action_id in _ONLY_WAITING:
            return self._waiting and self._url is not None
        if action_id in _ONLY_FAILED:
            offered = self._failure.actions if self._failure else ()
            return self._failure is not None and (action_id in _ALWAYS_FAILED or action_id in offered)
        if action_id == "copy_new":
            return self._kept is not None
        if action_id in {"save_again", "keep_in_file"}:
            holds = self._sign_in is not None and self._sign_in.holds_unsaved
            in_keyring = self._failure is not None and self._failure.code.startswith("keyring_")
            return holds and (action_id == "save_again" or in_keyring)
        return True

    def action_more_time(self) -> None:
        """Wait longer."""
        if self._sign_in is not None:
            self._sign_in.extend()
            self._count_down()

    def action_copy_url(self) -> None:
        """Copy Slack's address."""
        self._copy(self._url, "The address")

    def action_copy_redirect(self) -> None:
        """Copy the redirect address, to register it."""
        request = self._sign_in.request if self._sign_in else None
        self._copy(request.redirect_uri if request else None, "The redirect address")

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
        if text is None:
            return
        self._say_copied(await self.token_app.copy_text(text), what)

    @work(exclusive=True, group="copy", exit_on_error=False)
    async def _copy_token(self, profile: Profile) -> None:
        assert profile.access_token is not None, "a fresh sign-in has its tokens"
        self._say_copied(await self.token_app.copy_secret(profile.access_token), profile.name)

    def _say_copied(self, outcome: Copied | NotCopied, what: str) -> None:
        if isinstance(outcome, Copied):
            self.notify(outcome.sentence(what), markup=False)
        else:
            self.notify(f"Not copied. {outcome.reason}", severity="warning", markup=False)

    def action_browser_says(self) -> None:
        """Recognise what Slack's page shows."""
        if self._sign_in is not None:
            request = self._sign_in.request
            facts = {
                "client_id": self._sign_in.app.client_id,
                "scopes": ", ".join(self._sign_in.scopes),
                "host": self._sign_in.app.endpoints.host,
                "app_settings": self._sign_in.app.endpoints.apps_page,
            }
            if request is not None:
                facts["redirect_uri"] = request.redirect_uri
            self.app.push_screen(BrowserSaysScreen(seen_in_the_browser(facts)))

    @work(group="play", exit_on_error=False)
    async def action_play_browser(self) -> None:
        """Let the practice Slack press Allow."""
        play = self.token_app.start.play_browser
        if play is not None and self._url is not None:
            await play(self._url)

    def action_again(self) -> None:
        """Start anew: verifier, challenge and state are fresh."""
        self._begin()

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
            self._begin()

    def action_change_app(self) -> None:
        """Back to the form."""
        self._failure = None
        self._show_form()

    @work(exclusive=True, group="settings", exit_on_error=False)
    async def action_open_settings(self) -> None:
        """Open the list of the person's Slack apps."""
        if self._app is None:
            return
        page = self._app.endpoints.apps_page
        outcome = await browser.open_url(page)
        if isinstance(outcome, browser.Opened):
            self.notify(f"{page} opened in {outcome.name}.", markup=False)
        else:
            self.notify(f"{outcome.reason} The address is {page}", severity="warning", markup=False)

    def action_explain(self) -> None:
        """Everything that is known about the error."""
        if self._failure is not None:
            self.app.push_screen(ExplanationScreen(self._failure))

    def action_leave(self) -> None:
        """Out of a field first, then out of the sign-in; its worker is cancelled and closes the port."""
        if self._waiting and isinstance(self.focused, Input):
            self._focus_steps()
            return
        self.workers.cancel_node(self)
        self.dismiss()

    def cancel_running(self) -> bool:
        """Stop what is running, if anything is."""
        if self._waiting:
            self.action_leave()
            return True
        return False
