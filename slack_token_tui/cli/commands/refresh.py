"""``refresh``: refresh tokens."""

from __future__ import annotations

from collections.abc import Sequence

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.batch import CommandResult, for_each_profile
from slack_token_tui.cli.fresh_token import format_clock_time
from slack_token_tui.store.hot_path import REFRESH_MARGIN_SECONDS
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh import refresh
from slack_token_tui.tokens.refresh_profile import refresh_profile
from slack_token_tui.tokens.refresh_result import YOUNG_TOKEN_TTL_SECONDS, RefreshPolicy


def run_refresh(
    names: Sequence[str], all_profiles: bool, force: bool, min_ttl_seconds: float | None, as_json: bool
) -> int:
    """Refresh tokens and return the exit code.

    With ``every``, refresh tokens that are about to expire. Without it, refresh tokens that are over an hour old.
    ``force`` refreshes them regardless of age.
    """
    default_min_ttl = REFRESH_MARGIN_SECONDS if all_profiles else YOUNG_TOKEN_TTL_SECONDS
    policy = RefreshPolicy(default_min_ttl if min_ttl_seconds is None else min_ttl_seconds, insist=force)
    return for_each_profile(
        names,
        all_profiles,
        as_json,
        lambda store, name: _refresh_one(store, name, policy, is_requested=not all_profiles),
    )


def _refresh_one(store: ProfileStore, name: str, policy: RefreshPolicy, *, is_requested: bool) -> CommandResult:
    before = store.read(name)
    if not before.has_refresh_token and before.expires_at is None:
        output.print_message(f"{name}: does not expire, so there is nothing to renew")
        return exit_codes.SUCCESS, {"ok": True, "profile": name, "renewed": False, "expires_at": None}
    result = refresh_profile(store, name, policy, refresh, is_requested=is_requested)
    expires_at = result.profile.expires_at
    until = format_clock_time(expires_at) if expires_at else "it is revoked"
    outcome = (
        "an interrupted refresh was finished" if result.recovered else "renewed" if result.refreshed else "still fresh"
    )
    hint = "" if result.refreshed else "; --force renews it all the same"
    output.print_message(f"{name}: {outcome}, works until {until}{hint}")
    return exit_codes.SUCCESS, {
        "ok": True,
        "profile": name,
        "renewed": result.refreshed,
        "expires_at": f"{expires_at:%Y-%m-%dT%H:%M:%SZ}" if expires_at else None,
    }
