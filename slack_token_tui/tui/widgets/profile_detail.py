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


class ProfileDetail(VerticalScroll):
    """The right half of home."""

    can_focus = False

    def compose(self) -> ComposeResult:
        """One text, as long as it has to be."""
        yield Static(id="detail_text")

    def show(self, entry: Profile | Unreadable, path: Path, now: datetime) -> None:
        """Show ``entry``, whose file is ``path``."""
        text = _of_profile(entry, path, now) if isinstance(entry, Profile) else _of_unreadable(entry)
        self.border_title = Content(entry.name)
        self.query_one("#detail_text", Static).update(text)


def _of_profile(profile: Profile, path: Path, now: datetime) -> Content:
    state = profile.state(now)
    mark, colour = MARKS[state]
    host = (profile.workspace_url or "").removeprefix("https://").rstrip("/")
    rows: list[tuple[str, str | Content]] = [
        ("Status", Content.assemble((f"{mark} {IN_WORDS[state]}", colour))),
        (
            "Workspace",
            " · ".join(filter(None, (profile.team_name or profile.enterprise_name or profile.team_id, host))),
        ),
        ("User", " · ".join(filter(None, (profile.user_name, profile.user_id)))),
        ("App", " · ".join(filter(None, (profile.app_name, profile.client_id)))),
        ("Token", str(profile.access_token)),
        ("Works", f"for {left(profile.expires_at, now)}" if profile.expires_at else "until it is revoked"),
    ]
    if profile.refresh_expires_at:
        rows.append(("Renewable", f"for {left(profile.refresh_expires_at, now)}"))
    rows += [
        ("Scopes", ", ".join(profile.scopes) or "none named"),
        ("Verified", f"{profile.verified_at.astimezone():%Y-%m-%d %H:%M}" if profile.verified_at else "never"),
        ("Kept in", str(path)),
    ]
    if profile.endpoints.base != SLACK:
        rows.insert(1, ("Slack", Content.assemble((profile.endpoints.host, "$text-warning"))))
    return Content("\n").join(Content.assemble((f"{label:<10}", "$text-muted"), value) for label, value in rows)


def _of_unreadable(entry: Unreadable) -> Content:
    explanation = explain(entry.error.code, {"file": entry.error.path, "detail": entry.error.detail or "damaged"})
    return Content.assemble(
        (f"! {explanation.title}", "bold $text-error"),
        f"\n\n{explanation.happened}\n\n",
        ("What to do\n", "bold"),
        "\n".join(f"{number}. {remedy}" for number, remedy in enumerate(explanation.remedies, 1)),
    )
