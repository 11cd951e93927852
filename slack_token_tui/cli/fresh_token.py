"""Choose a profile and refresh its token if due. A token known to be expired or revoked is never returned."""

from __future__ import annotations

from datetime import UTC, datetime

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.problems import Explanation, explain
from slack_token_tui.store.atomic_file import StorageError
from slack_token_tui.store.hot_path import REFRESH_MARGIN_SECONDS, ProfileChoiceError, ProfileFileError, resolve_name
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh_result import (
    SIGN_IN_REQUIRED_CODES,
    RefreshProblem,
    RefreshResult,
    recorded_problem,
)


def get_fresh_profile(
    argument: str | None, min_ttl_seconds: float = REFRESH_MARGIN_SECONDS, *, as_json: bool = False
) -> Profile | int:
    """Return the chosen profile with a valid token. If there is none, report the problem and return the exit code."""
    store = ProfileStore()
    try:
        name = resolve_name(str(store.home), argument)
        profile = store.read(name)
        if not profile.is_due(datetime.now(UTC), min_ttl_seconds):
            result = RefreshResult(store.with_tokens(profile))
        else:
            from slack_token_tui.tokens.refresh import refresh  # slow import: it loads the network code

            output.warn_about_key_log()
            output.print_message(f"slack-token-tui: {name} is about to expire; asking Slack for a new token")
            result = refresh(store, name, min_ttl_seconds=min_ttl_seconds)
    except (ProfileChoiceError, FileNotFoundError, ProfileFileError, StorageError) as error:
        return output.report_error(error, argument, as_json=as_json)
    return _report_refresh(result, as_json=as_json)


def _report_refresh(result: RefreshResult, *, as_json: bool) -> Profile | int:
    profile, problem = result.profile, result.problem
    if result.recovered:
        output.print_message("  An interrupted refresh was finished: its answer was in the journal")
    reason = profile.unusable_reason(datetime.now(UTC))
    if reason is None:
        if problem is not None:
            explanation = explain_problem(problem)
            output.print_message(f"  {explanation.title} ({explanation.code}). {explanation.remedies[0]}")
            if not result.refreshed and profile.expires_at is not None:
                output.print_message(f"  The token at hand still works until {format_clock_time(profile.expires_at)}")
        return profile
    problem = problem or recorded_problem(profile)
    if problem is None:
        return output.report_unusable_token(profile.name, reason, as_json=as_json)
    explanation = explain_problem(problem)
    return output.report(explanation, exit_code_for_refresh(explanation), as_json=as_json)


def explain_problem(problem: RefreshProblem) -> Explanation:
    """Return the explanation of a failed refresh."""
    return explain(problem.code, problem.facts)


def exit_code_for_refresh(explanation: Explanation) -> int:
    """Return the exit code of a failed refresh."""
    if explanation.code in SIGN_IN_REQUIRED_CODES or explanation.code == "sign_in_needed":
        return exit_codes.SIGN_IN
    return output.exit_code_for(explanation)


def format_clock_time(at: datetime) -> str:
    """Return the local time, such as ``14:05``. The date is included unless it is today."""
    local = at.astimezone()
    return f"{local:%H:%M}" if local.date() == datetime.now().astimezone().date() else f"{local:%Y-%m-%d %H:%M}"


def expiry_sentence(profile: Profile) -> str:
    """Return when the token expires, as a sentence to append to a message. Empty if it does not expire."""
    return f" It works until {format_clock_time(profile.expires_at)}." if profile.expires_at else ""
