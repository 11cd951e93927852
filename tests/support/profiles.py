"""Profiles, tokens and times to test with. Every token contains ``canary`` or ``practice``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from slack_token_tui.secret import Secret
from slack_token_tui.store.profile import Profile, Tokens

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CANARY = "xoxp-canary-0123456789abcdef"
URL_CREDENTIALS = "jane:canary-password"
"""A name and a password for a URL. Secret scanners report a literal URL that contains both."""
_ACCESS_TOKEN = Secret(CANARY)


def profile(**changes: Any) -> Profile:
    """Return the profile of a token that doesn't expire, with ``changes`` to its fields."""
    values: dict[str, Any] = {
        "name": "acme",
        "client_id": "1111111111.2222222222222",
        "team_id": "T1",
        "team_name": "Acme",
        "workspace_url": "https://acme.slack.com/",
        "user_id": "U1",
        "user_name": "jane",
        "scopes": ("users:read",),
        "verified_at": NOW,
        "masked_token": str(_ACCESS_TOKEN),
    }
    return Profile(**{**values, **changes})


def new_sign_in(
    *, access_token: Secret = _ACCESS_TOKEN, refresh_token: Secret | None = None, **changes: Any
) -> tuple[Profile, Tokens]:
    """Return what ``ProfileStore.save_sign_in()`` saves: a profile with ``changes`` to its fields, and its tokens."""
    return profile(**changes), Tokens(access_token, refresh_token)


def make_rotating_token(body: str, kind: str = "xoxp") -> str:
    """Return a token that expires, in Slack's format. Secret scanners report such a token when it is a literal."""
    return f"xoxe.{kind}-1-{body}"


def time_from_now(**delta: float) -> datetime:
    """Return a time in whole seconds. ``delta`` has the arguments of ``timedelta``; negative ones mean the past."""
    return (datetime.now(UTC) + timedelta(**delta)).replace(microsecond=0)
