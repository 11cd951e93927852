"""A profile whose token can be handed out: chosen, refreshed first where that is due, and never one known to be dead."""

from __future__ import annotations

from datetime import UTC, datetime

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.problems import Explanation, explain
from slack_token_tui.store.atomic_file import StoreError
from slack_token_tui.store.hot_path import REFRESH_MARGIN_SECONDS, ChoiceError, ProfileFileError, chosen_name
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh_result import NEEDS_SIGN_IN, RefreshProblem, RefreshResult, standing_trouble


def living_profile(
    argument: str | None, min_ttl_seconds: float = REFRESH_MARGIN_SECONDS, *, as_json: bool = False
) -> Profile | int:
    """Return the profile that is meant, with a living token; where there is none, report it and return the exit code."""
    store = ProfileStore()
    try:
        name = chosen_name(str(store.home), argument)
        profile = store.read(name)
        if not profile.is_due(datetime.now(UTC), min_ttl_seconds):
            renewal = RefreshResult(store.with_tokens(profile))
        else:
            from slack_token_tui.tokens.refresh import (
                refresh,
            )  # with a network behind it, and so only when it is needed

            output.warn_of_key_log()
            output.say(f"slack-token-tui: {name} is about to expire; asking Slack for a new token")
            renewal = refresh(store, name, min_ttl_seconds=min_ttl_seconds)
    except (ChoiceError, FileNotFoundError, ProfileFileError, StoreError) as error:
        return output.trouble(error, argument, as_json=as_json)
    return _living(renewal, as_json=as_json)


def _living(renewal: RefreshResult, *, as_json: bool) -> Profile | int:
    profile, trouble = renewal.profile, renewal.trouble
    if renewal.recovered:
        output.say("  An interrupted refresh was finished: its answer was in the journal")
    why = profile.unusable_reason(datetime.now(UTC))
    if why is None:
        if trouble is not None:
            explanation = explained(trouble)
            output.say(f"  {explanation.title} ({explanation.code}). {explanation.remedies[0]}")
            if not renewal.renewed and profile.expires_at is not None:
                output.say(f"  The token at hand still works until {clock_time(profile.expires_at)}")
        return profile
    trouble = trouble or standing_trouble(profile)
    if trouble is None:
        return output.dead_token(profile.name, why, as_json=as_json)
    explanation = explained(trouble)
    return output.explained(explanation, exit_code_of(explanation), as_json=as_json)


def explained(trouble: RefreshProblem) -> Explanation:
    """Return the explanation of what stood in the way of a refresh."""
    return explain(trouble.code, trouble.facts)


def exit_code_of(explanation: Explanation) -> int:
    """Return the exit code of a refresh that failed."""
    if explanation.code in NEEDS_SIGN_IN or explanation.code == "sign_in_needed":
        return exit_codes.SIGN_IN_NEEDED
    return output.exit_code_of(explanation)


def clock_time(at: datetime) -> str:
    """Return ``14:05``, with the day when it is not today's."""
    local = at.astimezone()
    return f"{local:%H:%M}" if local.date() == datetime.now().astimezone().date() else f"{local:%Y-%m-%d %H:%M}"


def life(profile: Profile) -> str:
    """Return until when a rotating token works, as a sentence to go on with."""
    return f" It works until {clock_time(profile.expires_at)}." if profile.expires_at else ""
