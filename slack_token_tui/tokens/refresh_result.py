"""Result types of a refresh. Importing this module does not load the HTTP client."""

from __future__ import annotations

from dataclasses import dataclass, field

from slack_token_tui.store.profile import RESPONSE_UNUSABLE, Profile

YOUNG_TOKEN_TTL_SECONDS = 11 * 3600
"""``min_ttl_seconds`` of a refresh that a user requests. It skips tokens less than an hour old: Slack keeps only two
access tokens valid, so a needless refresh invalidates one that another program may still use."""
REFRESH_TOKEN_INVALID_CODES = frozenset({"invalid_refresh_token", "token_expired", "token_revoked", "account_inactive"})
"""Slack errors after which a refresh token can no longer be used."""
SIGN_IN_REQUIRED_CODES = REFRESH_TOKEN_INVALID_CODES | {"refresh_interrupted", RESPONSE_UNUSABLE, "not_renewable"}
"""Problems that only a new sign-in can fix."""


@dataclass(frozen=True)
class RefreshProblem:
    """Why a refresh failed: a code from the problem catalog, and the facts to fill in."""

    code: str
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RefreshResult:
    """The result of a refresh.

    Attributes:
        profile: the current profile with its tokens loaded. It may be usable even if there was a problem.
        refreshed: whether this call obtained new tokens.
        recovered: whether a response left by an earlier process was saved.
        problem: why there are no new tokens, or why they could not be saved.
    """

    profile: Profile
    refreshed: bool = False
    recovered: bool = False
    problem: RefreshProblem | None = None


def recorded_problem(profile: Profile) -> RefreshProblem | None:
    """Return why ``profile`` can't be refreshed, as an earlier refresh recorded it, or None."""
    if not profile.refresh_refused or profile.is_refreshable:
        return None
    refused_at = profile.refresh_refused_at
    when = f"{refused_at.astimezone():%Y-%m-%d %H:%M}" if refused_at else "an earlier day"
    return RefreshProblem(profile.refresh_refused, {"name": profile.name, "detail": when})
