"""``verify``: verify tokens with Slack."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.batch import CommandResult, for_each_profile, report_failure
from slack_token_tui.cli.fresh_token import exit_code_for_refresh, explain_problem
from slack_token_tui.event_loop import run
from slack_token_tui.problems import explain
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens import refresh as refreshing
from slack_token_tui.tokens import verify as verifying


def run_verify(names: Sequence[str], every: bool, as_json: bool) -> int:
    """Verify tokens with Slack, save the result in each profile and return the exit code."""
    return for_each_profile(names, every, as_json, _verify_one)


def _verify_one(store: ProfileStore, name: str) -> CommandResult:
    result = refreshing.refresh(store, name)
    profile = result.profile
    if result.problem is not None and profile.unusable_reason(datetime.now(UTC)):
        explanation = explain_problem(result.problem)
        return report_failure(name, explanation, exit_code_for_refresh(explanation))
    verification = verifying.save_verification(store, profile, run(verifying.request_identity(profile)))
    if verification.error is not None:
        explanation = explain(verification.error.code, {"name": name, **verification.error.facts})
        is_unusable = verification.profile.unusable_reason(datetime.now(UTC)) is not None
        return report_failure(
            name, explanation, exit_codes.SIGN_IN if is_unusable else exit_code_for_refresh(explanation)
        )
    verified = verification.profile
    if verification.save_error is not None:
        save_error = explain(verification.save_error.code, verification.save_error.facts)
        output.print_message(f"{name}: {save_error.happened} So this is not noted there.")
    output.print_message(f"{name}: good. {verified.account_label}")
    scopes = list(verified.scopes)
    return exit_codes.SUCCESS, {
        "ok": True,
        "profile": name,
        "user": verified.user_name,
        "team": verified.team_name,
        "scopes": scopes,
    }
