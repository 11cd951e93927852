"""``verify`` and ``refresh``: asks Slack about tokens, and renews them; one, some or all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.batch import Outcome, answered_for, concluded, failed
from slack_token_tui.cli.fresh_token import clock_time, exit_code_of, explained
from slack_token_tui.event_loop import run
from slack_token_tui.problems import explain
from slack_token_tui.store.hot_path import (
    DEAD_CODES,
    REFRESH_MARGIN_SECONDS,
    ChoiceError,
    chosen_name,
)
from slack_token_tui.store.profile import RESPONSE_UNUSABLE
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens import refresh as refreshing
from slack_token_tui.tokens import verify as verifying
from slack_token_tui.tokens.refresh_result import TOO_EARLY_SECONDS, standing_trouble


def verify_profiles(names: Sequence[str], every: bool, as_json: bool) -> int:
    """Ask Slack who each token speaks for, and write down what it says."""
    return _each(names, every, as_json, _verified)


def refresh_profiles(
    names: Sequence[str], every: bool, force: bool, min_ttl_seconds: float | None, as_json: bool
) -> int:
    """Renew tokens. Named ones when they are an hour old, all when they are about to expire; ``force`` in any case."""
    usual = REFRESH_MARGIN_SECONDS if every else TOO_EARLY_SECONDS
    life = usual if min_ttl_seconds is None else min_ttl_seconds
    # A refresh token that was refused before is tried again when a person asks for it by name.
    return _each(names, every, as_json, lambda store, name: _refreshed(store, name, life, force, asked=not every))


def _each(names: Sequence[str], every: bool, as_json: bool, do: Callable[[ProfileStore, str], Outcome]) -> int:
    if every and names:
        return output.usage("Names and --all were given.", "Name profiles, or use --all", as_json=as_json)
    store = ProfileStore()
    try:
        chosen = store.names() if every else [chosen_name(str(store.home), name) for name in names or (None,)]
    except ChoiceError as error:
        return output.no_choice(error, as_json=as_json)
    if not chosen:
        output.say("No profiles yet. Sign in: slack-token-tui login")
    else:
        output.warn_of_key_log()
    return concluded([answered_for(name, partial(do, store, name)) for name in chosen], as_json=as_json)


def _verified(store: ProfileStore, name: str) -> Outcome:
    renewal = refreshing.refresh(store, name)
    profile = renewal.profile
    if renewal.trouble is not None and profile.unusable_reason(datetime.now(UTC)):
        explanation = explained(renewal.trouble)
        return failed(name, explanation, exit_code_of(explanation))
    said = verifying.note(store, profile, run(verifying.ask(profile)))
    if said.error is not None:
        explanation = explain(said.error.code, {"name": name, **said.error.facts})
        dead = said.profile.unusable_reason(datetime.now(UTC)) is not None
        return failed(name, explanation, exit_codes.SIGN_IN_NEEDED if dead else exit_code_of(explanation))
    now = said.profile
    if said.unnoted is not None:
        output.say(f"{name}: {explain(said.unnoted.code, said.unnoted.facts).happened} So this is not noted there.")
    output.say(f"{name}: good. {now.whose}")
    scopes = list(now.scopes)
    return exit_codes.DONE, {
        "ok": True,
        "profile": name,
        "user": now.user_name,
        "team": now.team_name,
        "scopes": scopes,
    }


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
