"""Sheet of a successful sign-in: who, where, what the token can do, until when, and how a script gets it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.reactive import var
from textual.widgets import Static

from slack_token_tui.oauth.state import SignInState
from slack_token_tui.sanitize import shorten_path
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import SavedProfile
from slack_token_tui.tui.actions import SIGN_IN
from slack_token_tui.tui.widgets.badge import format_identity
from slack_token_tui.tui.widgets.field import MUTED, Field
from slack_token_tui.tui.widgets.keys import buttons, key_hint
from slack_token_tui.tui.widgets.profile_detail import format_workspaces
from slack_token_tui.tui.widgets.scope_text import ScopeText
from slack_token_tui.tui.widgets.time_format import format_time_left

_LABEL_WIDTH = 13


class SignInResult(VerticalScroll):
    """Summary of a successful sign-in. Hidden until there is a result."""

    state = var(SignInState())

    def __init__(self, now: Callable[[], datetime], storage_note: str = "") -> None:
        """
        Args:
            now: returns the current time in UTC.
            storage_note: shown in place of the path of the profile.
        """
        super().__init__(id="result", classes="sheet -success")
        self._now = now
        self._storage_note = storage_note

    def compose(self) -> ComposeResult:
        yield Static(Content.styled("✓ Signed in", "bold $text-success"), classes="sheet_title")
        yield Static(id="result_who")
        yield Field("Token", width=_LABEL_WIDTH, id="result_token")
        yield ScopeText("Can", label_width=_LABEL_WIDTH, id="result_scopes")
        yield Field("Workspaces", width=_LABEL_WIDTH, id="result_workspaces")
        yield Field("Saved as", width=_LABEL_WIDTH, id="result_saved")
        yield Field("Note", width=_LABEL_WIDTH, id="result_note")
        yield Static(buttons("done", "copy_new", "copy_new_as", "rename_new", screen=SIGN_IN), classes="buttons")
        yield Field("In a script", width=_LABEL_WIDTH, id="result_script")
        yield Static(
            Content.assemble(("Not you?".ljust(_LABEL_WIDTH), MUTED), key_hint("undo", SIGN_IN)), id="result_undo"
        )

    def on_mount(self) -> None:
        self.watch_state(self.state)

    def watch_state(self, state: SignInState) -> None:
        if self.children:  # it is composed, and not being removed
            self.display = state.result is not None and state.failure is None
            if state.result is not None:
                self.show(state.result)

    def show(self, saved: SavedProfile) -> None:
        """Show ``saved``, which may have been renamed since the sign-in."""
        profile = saved.profile
        values: dict[str, str | Content] = {
            "token": _format_token(profile, self._now()),
            "saved": Content.assemble(
                (profile.name, "bold"), (f"   {self._storage_note or shorten_path(saved.path)}", MUTED)
            ),
            "workspaces": format_workspaces(profile),
            "note": f"The name {saved.taken_name} belongs to another account." if saved.taken_name else "",
            "script": Content(f"$(slack-token-tui token {profile.name})"),
        }
        self.query_one("#result_who", Static).update(
            format_identity(profile, self.scrollable_content_region.width or 64)
        )
        for key, value in values.items():
            self.query_one(f"#result_{key}", Field).show(value)
        self.query_one(ScopeText).show(profile.scopes, *_format_missing(profile))
        self.query_one("#result_undo").display = not saved.replaced


def _format_token(profile: Profile, now: datetime) -> Content:
    if profile.expires_at is None:
        life = "no expiry"
    elif profile.is_refreshable:
        life = "refreshes automatically"
    else:
        life = f"expires in {format_time_left(profile.expires_at, now)}"
    return Content.assemble(profile.masked_token, (f"   {life}", MUTED))


def _format_missing(profile: Profile) -> list[Content]:
    """Return a line about the requested scopes that were not granted, or none."""
    missing = sorted(set(profile.requested_scopes) - set(profile.scopes))
    if not profile.scopes:
        return [Content("Slack listed no scopes")]
    if not missing:
        return []
    return [Content.styled(f"Not granted: {', '.join(missing)}. Add them to the app.", "$text-warning")]
