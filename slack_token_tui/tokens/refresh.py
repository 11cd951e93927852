"""Refresh a profile at the request of the user or a scheduled job."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from slack_token_tui.problems import Problem
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh_result import (
    Refresher,
    RefreshPolicy,
    RefreshResult,
    recorded_problem,
    requested_refresh_policy,
    sign_in_needed,
)


def refresh(
    store: ProfileStore,
    name: str,
    policy: RefreshPolicy,
    refresher: Refresher,
    *,
    is_requested: bool,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> RefreshResult:
    """Refresh profile ``name`` if ``policy`` wants it, and return the result, which has no problem.

    Args:
        store: the store that holds the profile.
        name: the profile name.
        policy: when to refresh.
        refresher: refreshes the profile.
        is_requested: whether the user asked for this profile. If so, a refused refresh token is tried again: see
            :func:`requested_refresh_policy`.
        now: returns the current time in UTC.

    Raises:
        Problem: the profile can't be read or refreshed, or its token is still invalid.
    """
    profile = store.read(name)
    if not profile.has_refresh_token:
        if profile.expires_at is None:
            return RefreshResult(*store.read_with_tokens(name))  # there is nothing to refresh
        raise Problem("not_renewable", name=name)
    result = refresher(store, name, requested_refresh_policy(profile, policy) if is_requested else policy)
    problem = result.problem or sign_in_needed(result.profile, now())
    if problem is None and not result.refreshed:
        problem = recorded_problem(result.profile)
    if problem is not None:
        raise problem
    return result
