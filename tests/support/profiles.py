"""Profiles to test with. Every token says that it is one of ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from slack_token_tui.secret import Secret
from slack_token_tui.store.profile import Profile

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CANARY = "xoxp-canary-0123456789abcdef"
JANE = "jane:canary-password"
"""A name and a password for a URL. Secret scanners report a literal URL that contains both."""


def profile(**changes: Any) -> Profile:
    values: dict[str, Any] = {
        "name": "acme",
        "access_token": Secret(CANARY),
        "client_id": "1111111111.2222222222222",
        "team_id": "T1",
        "team_name": "Acme",
        "workspace_url": "https://acme.slack.com/",
        "user_id": "U1",
        "user_name": "jane",
        "scopes": ("users:read",),
        "verified_at": NOW,
    }
    return Profile(**{**values, **changes})


def rotating(body: str, kind: str = "xoxp") -> str:
    """Return a token that expires, in Slack's format. Secret scanners report such a token when it is a literal."""
    return f"xoxe.{kind}-1-{body}"


def in_(**delta: float) -> datetime:
    return (datetime.now(UTC) + timedelta(**delta)).replace(microsecond=0)
