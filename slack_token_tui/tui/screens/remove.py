"""Dialog to remove a profile: what will be revoked, Slack's response for each token, and what stays in Slack."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from slack_token_tui.event_loop import run_to_completion
from slack_token_tui.problems import Kind, Problem
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.store.locks import NoLongerNeeded
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore, UnreadableProfile
from slack_token_tui.tokens.revoke import (
    Removal,
    authorization_url,
    describe_removal,
    remove_profile,
)
from slack_token_tui.tui.background import background
from slack_token_tui.tui.screens.dialogs import Dialog


class RemoveDialog(Dialog[None]):
    """Dialog that asks, removes the profile, and shows the result."""

    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,n", "leave", "Cancel"),
        ("y", "go(False)", "Remove"),
        ("d", "go(True)", "Delete only"),
    ]

    def __init__(self, store: ProfileStore, entry: Profile | UnreadableProfile) -> None:
        super().__init__()
        self._store = store
        self._entry = entry
        self._is_asking = True
        self._is_running = self._is_started = self._is_stopped = False

    def compose(self) -> ComposeResult:
        readable = self._entry if isinstance(self._entry, Profile) else None
        path = self._store.path(self._entry.name)
        with VerticalScroll(classes="sheet"):
            yield Static(Content.assemble((f"Remove {self._entry.name}?\n", "bold")), id="question")
            words = describe_removal(readable, path, keep_grant=not self._can_revoke)
            yield Static(Content(escape_unprintable(words)), id="message")
            with Horizontal(classes="answers"):
                yield Button("Cancel (Esc)", id="no", compact=True)
                if self._can_revoke:
                    yield Button("Revoke and remove (y)", id="yes", compact=True)
                    yield Button("Remove here only (d)", id="delete", compact=True)
                else:
                    yield Button("Remove (y)", id="delete", compact=True)

    @property
    def _can_revoke(self) -> bool:
        """Whether there are tokens that may still work in Slack."""
        return isinstance(self._entry, Profile) and (not self._entry.is_revoked or self._entry.is_refreshable)

    @on(Button.Pressed)
    def handle_button(self, event: Button.Pressed) -> None:
        if event.button.id == "no":
            self.action_leave()
        else:
            self.action_go(event.button.id == "delete")

    def action_leave(self) -> None:
        # A request that was sent can't be undone, so wait for the result.
        if self._is_started:
            self.query_one("#message", Static).update("Waiting for Slack's response. This can't be stopped anymore.")
        elif self._is_running:
            self._is_stopped = True  # while another program holds the lock
        else:
            self.dismiss()

    def on_unmount(self) -> None:
        self._is_stopped = True

    def _start(self, keep_grant: bool) -> None:
        """Note that the removal can't be stopped any more. It calls this in its thread."""
        self._is_started = not keep_grant

    def action_go(self, keep_grant: bool) -> None:
        keep_grant = keep_grant or not self._can_revoke
        if self._is_asking:
            self._is_asking, self._is_running = False, True
            self.query_one(".answers").display = False
            words = "Removing… Esc stops" if keep_grant else "Revoking the tokens in Slack… Esc stops"
            self.query_one("#question", Static).update(Content.styled(f"Removing {self._entry.name}\n", "bold"))
            self.query_one("#message", Static).update(words)
            self._remove(keep_grant)

    def show_problem(self, problem: Problem) -> None:
        name = self._entry.name
        is_gone = problem.kind is Kind.NOT_FOUND
        words = f"{name} was already removed." if is_gone else f"✗ {problem.with_facts(name=name).explain().summary}"
        self.query_one("#message", Static).update(Content(words))

    @background()
    async def _remove(self, keep_grant: bool) -> None:
        name, message = self._entry.name, self.query_one("#message", Static)
        try:
            if isinstance(self._entry, UnreadableProfile):
                await asyncio.to_thread(self._store.delete_unreadable, name)
                message.update(Content(f"✓ Removed {name}"))
            else:
                remove = partial(
                    remove_profile,
                    self._store,
                    name,
                    keep_grant=keep_grant,
                    unless=lambda: self._is_stopped,
                    on_start=partial(self._start, keep_grant),
                )
                removal = await run_to_completion(remove)  # even if the app ends: half of a removal is worse than all
                message.update(_format_removal(removal))
        except NoLongerNeeded:
            self.dismiss()
        finally:
            self._is_running = self._is_started = False
            self.query_one("#question").display = False


def _format_removal(removal: Removal) -> Content:
    lines = []
    for revocation in removal.revocations:
        mark, color = ("✓", "$text-success") if revocation.revoked else ("✗", "$text-error")
        lines.append(Content.assemble((mark, color), f" {revocation.sentence}\n"))
    if removal.error is not None:
        explanation = removal.error.explain()
        fix = f" {explanation.remedies[0]}." if explanation.remedies else ""
        lines.append(Content(f"\nThe tokens are revoked, but the file is still here. {explanation.happened}{fix}"))
    elif removal.deleted and not removal.revocations:
        lines.append(Content.assemble(("✓", "$text-success"), f" Removed {removal.profile.name}\n"))
        if not removal.profile.is_revoked:
            lines.append(Content("\nIts tokens still work in Slack."))
    elif removal.deleted:
        lines.append(Content.assemble(("✓", "$text-success"), f" Removed {removal.profile.name}\n"))
        if not removal.profile.endpoints.is_loopback:
            lines.append(
                Content.assemble(
                    "\nSlack still lists this app as authorized. Remove it under Configuration:\n",
                    authorization_url(removal.profile),
                )
            )
    else:
        assert removal.problem is not None
        explanation = removal.problem.explain()
        lines.append(
            Content.assemble(
                (f"\n{explanation.title}\n", "bold $text-error"),
                f"{explanation.happened}\n\n",
                "Try again later, or remove it here only and remove the app in Slack.",
            )
        )
    for place in removal.quarantined:
        lines.append(Content(f"\nThis unusable response may hold a valid token: {escape_unprintable(place)}"))
    return Content("").join(lines)
