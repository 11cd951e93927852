"""Get the token that a command outputs, and print what happens meanwhile."""

from __future__ import annotations

from datetime import datetime

from slack_token_tui.cli import output
from slack_token_tui.problems import Problem
from slack_token_tui.store.hot_path import REFRESH_MARGIN_SECONDS, resolve_name
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.fresh_token import FreshToken, fresh_token
from slack_token_tui.tokens.refresh_result import RefreshPolicy, RefreshResult


def get_fresh_token(argument: str | None, min_ttl_seconds: float = REFRESH_MARGIN_SECONDS) -> FreshToken:
    """Return a valid token of the chosen profile. Print a message before a refresh and a warning after a failed one.

    Raises:
        Problem: see :func:`slack_token_tui.tokens.fresh_token.fresh_token`.
    """
    store = ProfileStore()
    name = resolve_name(str(store.home), argument)
    fresh = fresh_token(store, name, RefreshPolicy(min_ttl_seconds), _refresh)
    if fresh.result.recovered:
        output.print_message("  An interrupted refresh was completed from its saved response")
    if fresh.result.problem is not None:
        print_refresh_problem(fresh.result.problem, None if fresh.result.refreshed else fresh.profile)
    return fresh


def print_refresh_problem(problem: Problem, profile: Profile | None) -> None:
    """Print why there are no new tokens, and when the token of ``profile`` expires."""
    explanation = problem.explain()
    output.print_message(f"  {explanation.title} ({explanation.code}). {explanation.remedies[0]}")
    if profile is not None and profile.expires_at is not None:
        output.print_message(f"  The current token expires at {format_clock_time(profile.expires_at)}")


def _refresh(store: ProfileStore, name: str, policy: RefreshPolicy) -> RefreshResult:
    from slack_token_tui.tokens.refresh_in_process import refresh_in_process  # slow import: it loads the network code

    output.warn_about_key_log()
    output.print_message(f"slack-token-tui: refreshing the token of {name}")
    return refresh_in_process(store, name, policy)


def format_clock_time(at: datetime) -> str:
    """Return the local time, such as ``14:05``. The date is included unless it is today."""
    local = at.astimezone()
    return f"{local:%H:%M}" if local.date() == datetime.now().astimezone().date() else f"{local:%Y-%m-%d %H:%M}"


def expiry_sentence(profile: Profile) -> str:
    """Return when the token expires, as a sentence to append to a message. Empty if it does not expire."""
    return f" The token expires at {format_clock_time(profile.expires_at)}." if profile.expires_at else ""
