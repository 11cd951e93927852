"""``refresh``: refresh tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.batch import CommandResult, for_each_profile, report_failure
from slack_token_tui.cli.fresh_token import exit_code_for_refresh, explain_problem, format_clock_time
from slack_token_tui.problems import explain
from slack_token_tui.store.hot_path import (
    REFRESH_MARGIN_SECONDS,
    REVOKED_CODES,
)
from slack_token_tui.store.profile import RESPONSE_UNUSABLE
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens import refresh as refreshing
from slack_token_tui.tokens.refresh_result import YOUNG_TOKEN_TTL_SECONDS, recorded_problem


def run_refresh(
    names: Sequence[str], all_profiles: bool, force: bool, min_ttl_seconds: float | None, as_json: bool
) -> int:
    """Refresh tokens and return the exit code.

    With ``every``, refresh tokens that are about to expire. Without it, refresh tokens that are over an hour old.
    ``force`` refreshes them regardless of age.
    """
    default_min_ttl = REFRESH_MARGIN_SECONDS if all_profiles else YOUNG_TOKEN_TTL_SECONDS
    effective_min_ttl = default_min_ttl if min_ttl_seconds is None else min_ttl_seconds
    # Without --all, the user asked for this profile, so a refresh token that Slack refused before is tried again.
    return for_each_profile(
        names,
        all_profiles,
        as_json,
        lambda store, name: _refresh_one(store, name, effective_min_ttl, force, user_requested=not all_profiles),
    )


def _refresh_one(
    store: ProfileStore, name: str, min_ttl_seconds: float, force: bool, *, user_requested: bool
) -> CommandResult:
    before = store.read(name)
    if not before.has_refresh_token:
        works = "It works until it is revoked." if before.expires_at is None else ""
        explanation = explain("not_renewable", {"name": name, "detail": works})
        if before.expires_at is None:
            output.print_message(f"{name}: does not expire, so there is nothing to renew")
            return exit_codes.SUCCESS, {"ok": True, "profile": name, "renewed": False, "expires_at": None}
        return report_failure(name, explanation, exit_codes.SIGN_IN)
    may_be_refreshable = before.refresh_refused not in (None, RESPONSE_UNUSABLE) or before.refused in REVOKED_CODES
    insist = force or (user_requested and may_be_refreshable)
    result = refreshing.refresh(store, name, min_ttl_seconds=min_ttl_seconds, insist=insist)
    if result.problem is not None:
        explanation = explain_problem(result.problem)
        return report_failure(name, explanation, exit_code_for_refresh(explanation))
    profile = result.profile
    if not result.refreshed and (recorded := recorded_problem(profile)):
        return report_failure(name, explain_problem(recorded), exit_codes.SIGN_IN)
    if reason := profile.unusable_reason(datetime.now(UTC)):
        return report_failure(name, explain("sign_in_needed", {"name": name, "detail": reason}), exit_codes.SIGN_IN)
    assert profile.expires_at is not None
    until = format_clock_time(profile.expires_at)
    outcome = (
        "an interrupted refresh was finished" if result.recovered else "renewed" if result.refreshed else "still fresh"
    )
    hint = "" if result.refreshed else "; --force renews it all the same"
    output.print_message(f"{name}: {outcome}, works until {until}{hint}")
    expires_at = f"{profile.expires_at:%Y-%m-%dT%H:%M:%SZ}"
    return exit_codes.SUCCESS, {"ok": True, "profile": name, "renewed": result.refreshed, "expires_at": expires_at}
