"""When to refresh, and the result of a refresh. This module does not import the network code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from slack_token_tui.problems import Problem
from slack_token_tui.store.hot_path import REFRESH_MARGIN_SECONDS, REVOKED_CODES
from slack_token_tui.store.profile import RESPONSE_UNUSABLE, Profile, Tokens
from slack_token_tui.store.profiles import ProfileStore

YOUNG_TOKEN_TTL_SECONDS = 11 * 3600
"""Tokens younger than one hour have more time left than this. Slack keeps only two access tokens valid at a time, so an
unneeded refresh revokes a token that another program may still use."""
REFRESH_TOKEN_INVALID_CODES = frozenset(
    {
        "invalid_refresh_token",
        "refresh_token_expired",
        "token_expired",
        "token_revoked",
        "account_inactive",
    }
)
"""Slack errors after which a refresh token can't be used again."""
UNANSWERED = frozenset(
    {
        "connection_lost",
        "name_not_found",
        "network_timeout",
        "network_unreachable",
        "proxy_refused",
        "proxy_sign_in_required",
        "proxy_unreachable",
        "refresh_child_failed",
        "refresh_lost",
        "slack_outage",
        "tls_failed",
        "tls_untrusted",
    }
)
"""Problems after which the next request to the same Slack would probably fail too."""

_PROFILE_CODES = frozenset({"refresh_child_failed", "refresh_lost"})
_OTHER_SHARED_CODES = frozenset({"batch_left_alone", "batch_not_reached", "not_slack", "ratelimited"})
_SHARED_CODES = UNANSWERED - _PROFILE_CODES | _OTHER_SHARED_CODES


def is_about_profile(problem: Problem) -> bool:
    """Return whether ``problem`` is about one profile, and not about the network or Slack."""
    return problem.code not in _SHARED_CODES


@dataclass(frozen=True)
class RefreshPolicy:
    """When to refresh a profile.

    Attributes:
        min_ttl_seconds: refresh if the access token expires sooner than this.
        insist: refresh anyway, even if the refresh token was refused before.
    """

    min_ttl_seconds: float = REFRESH_MARGIN_SECONDS
    insist: bool = False

    def wants(self, profile: Profile, now: datetime) -> bool:
        """Return whether ``profile`` should be refreshed at ``now``."""
        return profile.has_refresh_token if self.insist else profile.is_due(now, self.min_ttl_seconds)


def requested_refresh_policy(profile: Profile, policy: RefreshPolicy) -> RefreshPolicy:
    """Return ``policy`` for a refresh that the user requests by name: a refused refresh token is tried again.

    Except if Slack accepted the refresh token but its response could not be used. That token is spent.
    """
    may_be_refreshable = profile.refresh_refused not in (None, RESPONSE_UNUSABLE) or profile.refused in REVOKED_CODES
    return replace(policy, insist=policy.insist or may_be_refreshable)


USUAL_POLICY = RefreshPolicy()
"""Refresh if the token is about to expire."""


@dataclass(frozen=True)
class RefreshResult:
    """The result of a refresh.

    Attributes:
        profile: the current profile. Its token may be valid even if there is a problem.
        tokens: its tokens.
        refreshed: whether this call got new tokens.
        recovered: whether a response left by an earlier process was saved.
        problem: why there are no new tokens, or why they could not be saved.
    """

    profile: Profile
    tokens: Tokens
    refreshed: bool = False
    recovered: bool = False
    problem: Problem | None = None


Refresher = Callable[[ProfileStore, str, RefreshPolicy], RefreshResult]
"""Refreshes a profile: in this process, or in a child process that survives the caller."""


def recorded_problem(profile: Profile) -> Problem | None:
    """Return why ``profile`` can't be refreshed, as recorded by an earlier refresh, or None if it can."""
    if not profile.refresh_refused or profile.is_refreshable:
        return None
    refused_at = profile.refresh_refused_at
    when = f"{refused_at.astimezone():%Y-%m-%d %H:%M}" if refused_at else "an earlier day"
    return Problem(profile.refresh_refused, name=profile.name, detail=when)


def sign_in_needed(profile: Profile, now: datetime) -> Problem | None:
    """Return why the access token of ``profile`` can't be used, or None if it is valid."""
    reason = profile.unusable_reason(now)
    if reason is None:
        return None
    return recorded_problem(profile) or Problem("sign_in_needed", name=profile.name, detail=reason)
