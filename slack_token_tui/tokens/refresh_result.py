"""What came of a refresh, for everybody who asks for one; it loads nothing that asks Slack."""

from __future__ import annotations

from dataclasses import dataclass, field

from slack_token_tui.store.profile import RESPONSE_UNUSABLE, Profile

MIN_AGE_TTL_SECONDS = 11 * 3600
"""Slack keeps two access tokens alive: refreshing without need takes one away from a program that still uses it."""
REFRESH_TOKEN_OVER = frozenset({"invalid_refresh_token", "token_expired", "token_revoked", "account_inactive"})
"""Slack's refusals after which a refresh token is of no more use."""
NEEDS_SIGN_IN = REFRESH_TOKEN_OVER | {"refresh_interrupted", RESPONSE_UNUSABLE, "not_renewable"}
"""After these troubles only a person can help."""


@dataclass(frozen=True)
class RefreshProblem:
    """What stood in the way, as a code of the catalogue with its facts."""

    code: str
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RefreshResult:
    """What came of a refresh.

    Attributes:
        profile: as it is now, its tokens fetched. It may be worth using even when there was trouble.
        renewed: whether this call got new tokens.
        recovered: whether an answer that an earlier process had left was saved.
        trouble: why there are no new tokens, or why they could not be saved.
    """

    profile: Profile
    refreshed: bool = False
    recovered: bool = False
    problem: RefreshProblem | None = None


def recorded_problem(profile: Profile) -> RefreshProblem | None:
    """Return why ``profile`` is no longer renewed, as an earlier refresh has noted it."""
    if not profile.refresh_refused or profile.is_refreshable:
        return None
    at = profile.refresh_refused_at
    when = f"{at.astimezone():%Y-%m-%d %H:%M}" if at else "an earlier day"
    return RefreshProblem(profile.refresh_refused, {"name": profile.name, "detail": when})
