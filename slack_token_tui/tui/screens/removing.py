"""Removing a profile: the question that says what will end, Slack's answer to each token, and what stays there."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from slack_token_tui.keeping.fast_read import ProfileFileError
from slack_token_tui.keeping.files import StoreError
from slack_token_tui.keeping.profile import Profile
from slack_token_tui.keeping.removal import Removal, delete_unreadable, left_at_slack, remove, what_ends
from slack_token_tui.keeping.store import ProfileStore, Unreadable
from slack_token_tui.slack.explanations import explain


class RemoveScreen(ModalScreen[None]):
    """Asks, does it, and tells."""

    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,n", "leave", "Keep it"),
        ("y", "go(False)", "Remove"),
        ("d", "go(True)", "Delete only"),
    ]

    def __init__(self, store: ProfileStore, entry: Profile | Unreadable) -> None:
        super().__init__()
        self._store = store
        self._entry = entry
        self._is_asking = True

    def compose(self) -> ComposeResult:
        """The question and its answers, all as buttons and as keys."""
        readable = self._entry if isinstance(self._entry, Profile) else None
        path = self._store.path(self._entry.name)
        with VerticalScroll(classes="sheet"):
            yield Static(Content.assemble((f"Remove {self._entry.name}?\n", "bold")))
            yield Static(Content(what_ends(readable, path, keep_grant=False)), id="said")
            with Horizontal(id="answers"):
                yield Button("Keep it (Esc)", id="no")
                if readable is not None:
                    yield Button("Revoke and delete (y)", id="yes")
                yield Button("Delete here only (d)", id="delete")

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """A button is an answer."""
        if event.button.id == "no":
            self.action_leave()
        else:
            self.action_go(event.button.id == "delete")

    def action_leave(self) -> None:
        """Nothing is removed; or all is told."""
        self.dismiss()

    def action_go(self, keep_grant: bool) -> None:
        """Do it."""
        if self._is_asking and (keep_grant or isinstance(self._entry, Profile)):
            self._is_asking = False
            self.query_one("#answers").display = False
            words = "Deleting …" if keep_grant else "Asking Slack to end the tokens …"
            self.query_one("#said", Static).update(words)
            self._go(keep_grant)

    @work(exclusive=True, exit_on_error=False)
    async def _go(self, keep_grant: bool) -> None:
        name, said = self._entry.name, self.query_one("#said", Static)
        try:
            if isinstance(self._entry, Unreadable):
                await asyncio.to_thread(delete_unreadable, self._store, name)
                said.update(Content(f"{name} is deleted.\n\nEsc back"))
            else:
                removal = await asyncio.to_thread(remove, self._store, name, keep_grant=keep_grant)
                said.update(_told(removal))
        except FileNotFoundError:
            said.update(Content(f"{name} is gone already.\n\nEsc back"))
        except (ProfileFileError, StoreError) as error:
            facts = error.facts if isinstance(error, StoreError) else {"file": error.path, "detail": error.detail}
            explanation = explain(error.code, {"name": name, **facts})
            said.update(
                Content(f"✗ {explanation.title}. {explanation.happened} {explanation.remedies[0]}.\n\nEsc back")
            )


def _told(removal: Removal) -> Content:
    lines = []
    for one in removal.revocations:
        mark, colour = ("✓", "$text-success") if one.ended else ("✗", "$text-error")
        lines.append(Content.assemble((mark, colour), f" {one.sentence}\n"))
    if removal.deleted:
        lines.append(
            Content.assemble(
                ("✓", "$text-success"),
                f" {removal.profile.name} is deleted here.\n\n",
                ("What stays at Slack\n", "bold"),
                "Your authorization of the app. End it under Configuration → Your authorization:\n",
                left_at_slack(removal.profile),
                "\n\nEsc back",
            )
        )
    else:
        explanation = explain("not_revoked", {"name": removal.profile.name, "detail": removal.revocations[-1].answer})
        lines.append(
            Content.assemble(
                (f"\n{explanation.title}\n", "bold $text-error"),
                f"{explanation.happened}\n\n",
                "Try again later; or remove it again, choose d, and end the grant at Slack.\n\nEsc back",
            )
        )
    return Content("").join(lines)
