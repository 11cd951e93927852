"""Removing a profile: the question that says what will end, Slack's answer to each token, and what stays there."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from slack_token_tui.problems import explain
from slack_token_tui.sanitize import harmless
from slack_token_tui.store.atomic_file import StoreError
from slack_token_tui.store.hot_path import ProfileFileError
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore, Unreadable
from slack_token_tui.tokens.revoke import Removal, delete_unreadable, left_at_slack, remove, what_ends
from slack_token_tui.tui.screens.dialogs import Dialog
from slack_token_tui.tui.widgets.keys import BACK


class RemoveScreen(Dialog[None]):
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
        self._is_at_it = False

    def compose(self) -> ComposeResult:
        """The question and its answers, all as buttons and as keys."""
        readable = self._entry if isinstance(self._entry, Profile) else None
        path = self._store.path(self._entry.name)
        with VerticalScroll(classes="sheet"):
            yield Static(Content.assemble((f"Remove {self._entry.name}?\n", "bold")), id="question")
            with Horizontal(classes="answers"):
                yield Button("Keep it (Esc)", id="no", compact=True)
                if readable is not None:
                    yield Button("Revoke and delete (y)", id="yes", compact=True)
                yield Button("Delete here only (d)", id="delete", compact=True)
            words = what_ends(readable, path, keep_grant=False)
            if readable is not None:
                words += f"\n\nWith d, {what_ends(readable, path, keep_grant=True)}"
            yield Static(Content(harmless(words)), id="said")
            yield Static(BACK, classes="keys", id="back")

    def on_mount(self) -> None:
        """There is a way back when all is told; until then the buttons are it."""
        self.query_one("#back").display = False

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """A button is an answer."""
        if event.button.id == "no":
            self.action_leave()
        else:
            self.action_go(event.button.id == "delete")

    def action_leave(self) -> None:
        """Nothing is removed; or all is told. In between there is no way back."""
        if self._is_at_it:
            self.query_one("#said", Static).update(
                "Slack has been asked, and that cannot be taken back. Its answer comes …"
            )
        else:
            self.dismiss()

    def action_go(self, keep_grant: bool) -> None:
        """Do it."""
        if self._is_asking and (keep_grant or isinstance(self._entry, Profile)):
            self._is_asking, self._is_at_it = False, True
            self.query_one(".answers").display = False
            words = "Deleting …" if keep_grant else "Asking Slack to end the tokens …"
            self.query_one("#question", Static).update(Content.styled(f"Removing {self._entry.name}\n", "bold"))
            self.query_one("#said", Static).update(words)
            self._go(keep_grant)

    @work(exclusive=True, exit_on_error=False)
    async def _go(self, keep_grant: bool) -> None:
        name, said = self._entry.name, self.query_one("#said", Static)
        try:
            if isinstance(self._entry, Unreadable):
                await asyncio.to_thread(delete_unreadable, self._store, name)
                said.update(Content(f"{name} is deleted."))
            else:
                removal = await asyncio.to_thread(remove, self._store, name, keep_grant=keep_grant)
                said.update(_told(removal))
        except FileNotFoundError:
            said.update(Content(f"{name} is gone already."))
        except (ProfileFileError, StoreError) as error:
            facts = error.facts if isinstance(error, StoreError) else {"file": error.path, "detail": error.detail}
            explanation = explain(error.code, {"name": name, **facts})
            said.update(Content(f"✗ {explanation.title}. {explanation.happened} {explanation.remedies[0]}."))
        finally:
            self._is_at_it = False
            self.query_one("#back").display = True


def _told(removal: Removal) -> Content:
    lines = []
    for one in removal.revocations:
        mark, colour = ("✓", "$text-success") if one.ended else ("✗", "$text-error")
        lines.append(Content.assemble((mark, colour), f" {one.sentence}\n"))
    if removal.error is not None:
        explanation = explain(removal.error.code, removal.error.facts)
        lines.append(
            Content(
                f"\nThe tokens are ended; the file is still here. {explanation.happened} {explanation.remedies[0]}."
            )
        )
    elif removal.deleted and not removal.revocations:
        lines.append(Content.assemble(("✓", "$text-success"), f" {removal.profile.name} is deleted here.\n\n"))
        lines.append(Content("Its tokens go on working at Slack: nothing was revoked there."))
    elif removal.deleted:
        lines.append(
            Content.assemble(
                ("✓", "$text-success"),
                f" {removal.profile.name} is deleted here.\n\n",
                ("What stays at Slack\n", "bold"),
                "Your authorization of the app. End it under Configuration → Your authorization:\n",
                left_at_slack(removal.profile),
            )
        )
    else:
        answer = next(one.answer for one in removal.revocations if not one.ended and not one.is_good_enough)
        explanation = explain("not_revoked", {"name": removal.profile.name, "detail": answer})
        lines.append(
            Content.assemble(
                (f"\n{explanation.title}\n", "bold $text-error"),
                f"{explanation.happened}\n\n",
                "Try again later; or remove it again, choose d, and end the grant at Slack.",
            )
        )
    for place in removal.set_aside:
        lines.append(
            Content(f"\nAn answer of Slack’s that could not be used may hold a living token: {harmless(place)}")
        )
    return Content("").join(lines)
