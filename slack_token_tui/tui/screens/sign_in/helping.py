"""What helps while a sign-in waits and when it has failed: a key for each remedy."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

from textual import work
from textual.content import Content
from textual.widgets import Static

from slack_token_tui import __version__
from slack_token_tui.oauth.events import Step
from slack_token_tui.problems import explain
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.atomic_file import StoreError
from slack_token_tui.store.profile import Profile
from slack_token_tui.tui.screens.dialogs import ConfirmScreen, ExplanationScreen
from slack_token_tui.tui.screens.remove import RemoveScreen
from slack_token_tui.tui.screens.sign_in.ground import SignInGround
from slack_token_tui.tui.widgets.error_card import ErrorCard, report
from slack_token_tui.tui.widgets.steps import Steps


class Helps(SignInGround):
    """Copies, more time, what the browser says, and the ways on from an error."""

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
        self._errors = ErrorsScreen(asking.explain, self._app, self._sent, from_page=True, said=self._page_said)
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
                found = re.search("<code>(.*?)</code>", page)
                words = unescape(found.group(1)) if found else "an error"
                code = re.search(r"\((\w+)\)", words)
                self._page_said = code.group(1) if code else " ".join(words.split()[:4])
                self.notify(f"The practice page says: {words} · b explains it.", severity="warning", markup=False)

    def action_again(self) -> None:
        """Start anew: verifier, challenge and state are fresh."""
        self.unless_unsaved(self._begin)

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

    @work(exclusive=True, group="undo", exit_on_error=False)
    async def action_undo(self) -> None:
        """Revoke a token that came by mistake, or that cannot be used."""
        if self._kept is not None:
            store, profile = self.token_app.store, self._kept.profile
            await self.app.push_screen_wait(RemoveScreen(store, profile))
            if profile.name not in store.names():
                self._kept = None
                self.end(None)
        elif (asking := self._sign_in) is not None and asking.unusable is not None:
            question = Content.assemble(("Revoke the token?\n\n", "bold"), asking.about_unusable())
            if await self.app.push_screen_wait(ConfirmScreen(question, "Revoke", "Cancel")):
                answers = await asking.revoke_unusable()
                self.query_one("#unusable", Static).update(Content("\n".join(answer.sentence for answer in answers)))
                self.refresh_bindings()

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
