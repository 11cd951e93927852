"""``refresh``: refresh tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.batch import Outcome, failed, for_each_profile
from slack_token_tui.cli.fresh_token import clock_time, exit_code_of, explained
from slack_token_tui.problems import explain
from slack_token_tui.store.hot_path import (
    DEAD_CODES,
    REFRESH_MARGIN_SECONDS,
)
from slack_token_tui.store.profile import RESPONSE_UNUSABLE
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens import refresh as refreshing
from slack_token_tui.tokens.refresh_result import TOO_EARLY_SECONDS, standing_trouble


def refresh_profiles(
    names: Sequence[str], every: bool, force: bool, min_ttl_seconds: float | None, as_json: bool
) -> int:
    """Renew tokens. Named ones when they are an hour old, all when they are about to expire; ``force`` in any case."""
    usual = REFRESH_MARGIN_SECONDS if every else TOO_EARLY_SECONDS
    life = usual if min_ttl_seconds is None else min_ttl_seconds
    # A refresh token that was refused before is tried again when a person asks for it by name.
    return for_each_profile(
        names, every, as_json, lambda store, name: _refreshed(store, name, life, force, asked=not every)
    )


def _refreshed(store: ProfileStore, name: str, min_ttl_seconds: float, force: bool, *, asked: bool) -> Outcome:
    before = store.read(name)
    if not before.has_refresh_token:
        works = "It works until it is revoked." if before.expires_at is None else ""
        explanation = explain("not_renewable", {"name": name, "detail": works})
        if before.expires_at is None:
            output.say(f"{name}: does not expire, so there is nothing to renew")
            return exit_codes.DONE, {"ok": True, "profile": name, "renewed": False, "expires_at": None}
        return failed(name, explanation, exit_codes.SIGN_IN_NEEDED)
    may_be_renewable = before.refresh_refused not in (None, RESPONSE_UNUSABLE) or before.refused in DEAD_CODES
    insist = force or (asked and may_be_renewable)
    renewal = refreshing.refresh(store, name, min_ttl_seconds=min_ttl_seconds, insist=insist)
    if renewal.trouble is not None:
        explanation = explained(renewal.trouble)
        return failed(name, explanation, exit_code_of(explanation))
    profile = renewal.profile
    if not renewal.renewed and (standing := standing_trouble(profile)):
        return failed(name, explained(standing), exit_codes.SIGN_IN_NEEDED)
    if why := profile.unusable_reason(datetime.now(UTC)):
        return failed(name, explain("sign_in_needed", {"name": name, "detail": why}), exit_codes.SIGN_IN_NEEDED)
    assert profile.expires_at is not None
    until = clock_time(profile.expires_at)
    how = (
        "an interrupted refresh was finished" if renewal.recovered else "renewed" if renewal.renewed else "still fresh"
    )
    hint = "" if renewal.renewed else "; --force renews it all the same"
    output.say(f"{name}: {how}, works until {until}{hint}")
    expires_at = f"{profile.expires_at:%Y-%m-%dT%H:%M:%SZ}"
    return exit_codes.DONE, {"ok": True, "profile": name, "renewed": renewal.renewed, "expires_at": expires_at}
