"""Result of a successful sign-in: the account, the granted and requested scopes, and where the token is stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import var
from textual.widgets import Static

from slack_token_tui.oauth.state import SignInState
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.slack.scope_catalog import find_scope
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import SavedProfile
from slack_token_tui.tui.actions import SIGN_IN
from slack_token_tui.tui.widgets.field import MUTED, Field
from slack_token_tui.tui.widgets.keys import key_hints
from slack_token_tui.tui.widgets.profile_detail import format_workspaces
from slack_token_tui.tui.widgets.time_format import format_time_left

_MAX_LINES = 8


class SignInResult(Vertical):
    """Summary of a successful sign-in. Hidden until there is a result."""

    state = var(SignInState())

    def __init__(self, now: Callable[[], datetime]) -> None:
        """
        Args:
            now: returns the current time in UTC.
        """
        super().__init__()
        self._now = now

    def compose(self) -> ComposeResult:
        yield Field("", id="outcome_who", width=0)
        yield Static(key_hints("copy_new", "leave", screen=SIGN_IN))
        yield Static("Not you? Press x to revoke the token and remove the profile.", id="outcome_undo")
        yield Field("Token", id="outcome_token")
        yield Field("Saved as", id="outcome_saved")
        yield Field("Granted", id="outcome_scopes")
        yield Field("Workspaces", id="outcome_workspaces")
        yield Field("Note", id="outcome_note")

    def on_mount(self) -> None:
        self.watch_state(self.state)

    def watch_state(self, state: SignInState) -> None:
        if self.children:  # it is composed, and not being removed
            self.set_class(state.result is not None and state.failure is None, "-shown")
            if state.result is not None:
                self._show(state.result, self._now())

    def _show(self, saved: SavedProfile, now: datetime) -> None:
        profile = saved.profile
        life = (
            "until it is revoked" if profile.expires_at is None else f"for {format_time_left(profile.expires_at, now)}"
        )
        values: dict[str, str | Content] = {
            "who": Content.assemble(("✓ Signed in", "bold $text-success"), f" as {profile.account_label}"),
            "token": f"{profile.masked_token}  works {life}",
            "saved": Content.assemble((profile.name, "bold"), f" in {escape_unprintable(str(saved.path))}"),
            "scopes": describe_scopes(profile),
            "workspaces": format_workspaces(profile),
            "note": f"{saved.taken_name} belongs to another account, so a free name was taken."
            if saved.taken_name
            else "",
        }
        for key, value in values.items():
            self.query_one(f"#outcome_{key}", Field).show(value)
        self.query_one("#outcome_undo").display = not saved.replaced


def describe_scopes(profile: Profile) -> Content:
    """Return the scopes that a token has, those requested but not granted, and those granted earlier."""
    granted, asked = set(profile.scopes), set(profile.requested_scopes)
    missing, more = sorted(asked - granted), sorted(granted - asked) if asked else []
    if not granted:
        return Content("Slack named no scopes")
    head = f"{len(granted)} scope{'s' if len(granted) > 1 else ''}"
    all_of_them = "all that were asked for" if len(asked) > 1 else "which was asked for"
    earlier = f", {len(more)} of them from earlier sign-ins" if more else ""
    lines = [Content(f"{head}, {all_of_them}{earlier}" if asked and not missing else f"{head}{earlier}")]
    for name in profile.scopes[:_MAX_LINES]:
        scope = find_scope(name)
        mark = ("! ", "$text-warning") if scope.is_sensitive else "  "
        since = " (from an earlier sign-in)" if name in more else ""
        lines.append(Content.assemble(mark, name, (f"  {scope.description}{since}", MUTED)))
    if len(profile.scopes) > _MAX_LINES:
        lines.append(Content.styled(f"  and {', '.join(profile.scopes[_MAX_LINES:])}", MUTED))
    if missing:
        lines.append(Content.styled(f"Not granted: {', '.join(missing)}", "$text-warning"))
        lines.append(Content.styled("  The app lacks them, or you left them out on Slack’s page.", MUTED))
    return Content("\n").join(lines)
