"""``verify``: verify tokens with Slack."""

from __future__ import annotations

from collections.abc import Sequence

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.batch import CommandResult, for_each_profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh import refresh
from slack_token_tui.tokens.verify import verify


def run_verify(names: Sequence[str], every: bool, as_json: bool) -> int:
    """Verify tokens with Slack, save the result in each profile and return the exit code."""
    return for_each_profile(names, every, as_json, _verify_one)


def _verify_one(store: ProfileStore, name: str) -> CommandResult:
    verification = verify(store, name, refresh)
    profile = verification.profile
    if verification.save_error is not None:
        output.print_message(f"{name}: {verification.save_error.explain().happened} So this is not noted there.")
    output.print_message(f"{name}: good. {profile.account_label}")
    return exit_codes.SUCCESS, {
        "ok": True,
        "profile": name,
        "user": profile.user_name,
        "team": profile.team_name,
        "scopes": list(profile.scopes),
    }
