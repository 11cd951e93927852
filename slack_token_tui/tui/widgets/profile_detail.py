"""Details of the highlighted profile, with masked tokens."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from slack_token_tui.problems import Explanation
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.slack.endpoints import SLACK
from slack_token_tui.store.profile import REFRESH_TOKEN_WARNING, Profile
from slack_token_tui.store.profiles import UnreadableProfile
from slack_token_tui.tui.actions import HOME
from slack_token_tui.tui.widgets.field import MUTED, Field
from slack_token_tui.tui.widgets.keys import key_hints
from slack_token_tui.tui.widgets.time_format import STATUS_LABELS, STATUS_MARKS, format_time_left

_FIELDS = (
    "Status",
    "Slack",
    "Workspace",
    "Workspaces",
    "User",
    "App",
    "Token",
    "Works",
    "Renewable",
    "Scopes",
    "Verified",
    "Kept in",
)


class ProfileDetail(VerticalScroll):
    """Right half of the home screen."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: str | None = None
        self._values: dict[str, str | Content] = {}
        self._problem: Explanation | None = None

    async def mount_fields(self) -> None:
        """Mount a field for each detail and one for the problem. The first frame doesn't need them."""
        status, *others = (Field(label, id=_field_id(label)) for label in _FIELDS)
        await self.mount_all([status, Static(id="problem"), *others])

    def show(
        self,
        entry: Profile | UnreadableProfile,
        path: Path,
        now: datetime,
        problem: Explanation | None = None,
        revealed: str | None = None,
    ) -> None:
        """Show ``entry``.

        Args:
            entry: profile to show.
            path: file of the profile.
            now: current time, for the remaining lifetimes.
            problem: explanation of what is wrong with the profile.
            revealed: access token in plain text, while the user wants to see it.
        """
        is_other = self._shown != entry.name
        if is_other:
            self._shown = entry.name
            self.border_title = Content(entry.name)
            self.scroll_home(animate=False)
        values: dict[str, str | Content] = {"Kept in": escape_unprintable(str(path))}
        if isinstance(entry, Profile):
            values = _values(entry, path, now)
        if revealed is not None:
            values["Token"] = Content.assemble((revealed, "bold"), ("\nhides itself after ten seconds", MUTED))
        for label in _FIELDS:
            if self._values.get(label) != values.get(label, ""):  # most calls come from the clock and change nothing
                self._values[label] = values.get(label, "")
                self.query_one(f"#{_field_id(label)}", Field).show(self._values[label])
        if problem != self._problem or is_other:
            self._problem = problem
            card = self.query_one("#problem", Static)
            card.display = problem is not None
            card.update("" if problem is None else _format_problem(problem, entry))


def _field_id(label: str) -> str:
    return f"field_{label.lower().replace(' ', '_')}"


def _values(profile: Profile, path: Path, now: datetime) -> dict[str, str | Content]:
    state = profile.state(now)
    mark, color = STATUS_MARKS[state]
    host = (profile.workspace_url or "").removeprefix("https://").rstrip("/")
    elsewhere = profile.endpoints.base != SLACK
    return {
        "Status": Content.styled(f"{mark} {STATUS_LABELS[state]}", color),
        "Slack": Content.styled(f"{profile.endpoints.host}, not slack.com", "$text-warning") if elsewhere else "",
        "Workspace": _join(profile.workspace_label, host),
        "Workspaces": format_workspaces(profile),
        "User": _join(profile.user_name, profile.user_id),
        "App": _join(profile.app_name, profile.client_id),
        "Token": profile.masked_token,
        "Works": _format_expiry(profile, now),
        "Renewable": _format_refresh_expiry(profile, now),
        "Scopes": ", ".join(profile.scopes) or "none named",
        "Verified": f"{profile.verified_at.astimezone():%Y-%m-%d %H:%M}" if profile.verified_at else "never",
        "Kept in": escape_unprintable(f"the keyring, and {path}" if profile.in_keyring else str(path)),
    }


def format_workspaces(profile: Profile) -> str:
    """Return the workspaces that an organization-wide token can access, and how to select one."""
    if not profile.is_enterprise_install:
        return ""
    if not profile.workspaces:
        return "the whole organisation; Slack did not list its workspaces"
    return f"{', '.join(profile.workspaces)}. Many methods need one of these ids as team_id."


def _format_expiry(profile: Profile, now: datetime) -> str:
    if profile.state(now) in {"revoked", "expired"}:
        return "no longer"
    if profile.expires_at is None:
        return "until it is revoked"
    time_left = format_time_left(profile.expires_at, now)
    if not profile.is_refreshable:
        return f"for {time_left}"
    return f"for {time_left}, then renews itself" if time_left != "over" else "again as soon as it is used"


def _format_refresh_expiry(profile: Profile, now: datetime) -> str | Content:
    until = profile.refresh_expires_at
    if until is None:
        return ""
    if profile.refresh_refused:
        return Content.styled("no longer: sign in again before it expires", "$text-warning")
    if until - now < REFRESH_TOKEN_WARNING:
        return Content.styled(f"for {format_time_left(until, now)} more; r renews it now", "$text-warning")
    return f"for {format_time_left(until, now)}, counted from its last renewal"


def _join(*parts: str | None) -> str:
    return " · ".join(part for part in parts if part)


def _format_problem(explanation: Explanation, entry: Profile | UnreadableProfile) -> Content:
    able = ["remove"]
    if isinstance(entry, Profile):
        able = ["sign_in_again", *(["refresh"] if entry.has_refresh_token else []), "verify", "remove"]
    return Content.assemble(
        (f"! {explanation.title}", "bold $text-error"),
        (f"  {explanation.code}", MUTED),
        f"\n{explanation.happened}\n\n",
        ("What to do\n", "bold"),
        "\n".join(f"{number}. {remedy}" for number, remedy in enumerate(explanation.remedies, 1)),
        "\n\n",
        key_hints(*able, "explain", screen=HOME),
    )
