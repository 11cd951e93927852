"""Everything about the highlighted profile, its tokens masked."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from slack_token_tui.profiles.profile import Profile
from slack_token_tui.profiles.store import Unreadable
from slack_token_tui.slack.endpoints import SLACK
from slack_token_tui.slack.explanations import explain
from slack_token_tui.tui.widgets.expiry import IN_WORDS, MARKS, left
from slack_token_tui.tui.widgets.field import Field

_FIELDS = (
    "Status",
    "Slack",
    "Workspace",
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
    """The right half of home."""

    def compose(self) -> ComposeResult:
        """A line for each thing that can be known, and room for what is wrong with a file."""
        for label in _FIELDS:
            yield Field(label, id=_id(label))
        yield Static(id="trouble")

    def show(self, entry: Profile | Unreadable, path: Path, now: datetime) -> None:
        """Show ``entry``, whose file is ``path``."""
        self.border_title = Content(entry.name)
        values = _values(entry, path, now) if isinstance(entry, Profile) else {"Kept in": str(path)}
        for label in _FIELDS:
            self.query_one(f"#{_id(label)}", Field).show(values.get(label, ""))
        self.query_one("#trouble", Static).update("" if isinstance(entry, Profile) else _trouble(entry))


def _id(label: str) -> str:
    return f"field_{label.lower().replace(' ', '_')}"


def _values(profile: Profile, path: Path, now: datetime) -> dict[str, str | Content]:
    state = profile.state(now)
    mark, colour = MARKS[state]
    host = (profile.workspace_url or "").removeprefix("https://").rstrip("/")
    elsewhere = profile.endpoints.base != SLACK
    workspace = profile.team_name or profile.enterprise_name or profile.team_id
    renewable = profile.refresh_expires_at
    return {
        "Status": Content.styled(f"{mark} {IN_WORDS[state]}", colour),
        "Slack": Content.styled(f"{profile.endpoints.host}, not slack.com", "$text-warning") if elsewhere else "",
        "Workspace": _joined(workspace, host),
        "User": _joined(profile.user_name, profile.user_id),
        "App": _joined(profile.app_name, profile.client_id),
        "Token": str(profile.access_token),
        "Works": f"for {left(profile.expires_at, now)}" if profile.expires_at else "until it is revoked",
        "Renewable": f"for {left(renewable, now)}" if renewable else "",
        "Scopes": ", ".join(profile.scopes) or "none named",
        "Verified": f"{profile.verified_at.astimezone():%Y-%m-%d %H:%M}" if profile.verified_at else "never",
        "Kept in": str(path),
    }


def _joined(*parts: str | None) -> str:
    return " · ".join(part for part in parts if part)


def _trouble(entry: Unreadable) -> Content:
    explanation = explain(entry.error.code, {"file": entry.error.path, "detail": entry.error.detail or "damaged"})
    return Content.assemble(
        (f"\n! {explanation.title}", "bold $text-error"),
        f"\n\n{explanation.happened}\n\n",
        ("What to do\n", "bold"),
        "\n".join(f"{number}. {remedy}" for number, remedy in enumerate(explanation.remedies, 1)),
    )
