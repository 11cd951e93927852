"""``refresh``: refresh tokens."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.arguments import add_names_argument, min_ttl_seconds
from slack_token_tui.store.hot_path import REFRESH_MARGIN_SECONDS

if TYPE_CHECKING:
    from slack_token_tui.cli.batch import CommandResult
    from slack_token_tui.store.profiles import ProfileStore
    from slack_token_tui.tokens.refresh_result import RefreshPolicy

EXAMPLE = "slack-token-tui refresh --all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``refresh``."""
    add_names_argument(parser, "every profile whose token is about to expire or has expired")
    parser.add_argument("--force", action="store_true", help="also a fresh one; Slack keeps only two tokens alive")
    parser.add_argument(
        "--min-ttl", metavar="SECONDS", type=min_ttl_seconds, help="renew what has less life left than this"
    )


def run(options: argparse.Namespace) -> int:
    """Refresh tokens and return the exit code.

    With ``--all``, refresh tokens that are about to expire. Without it, refresh tokens that are over an hour old.
    ``--force`` refreshes them regardless of age.
    """
    from slack_token_tui.cli.batch import for_each_profile
    from slack_token_tui.tokens.refresh_result import YOUNG_TOKEN_TTL_SECONDS, RefreshPolicy

    default_min_ttl = REFRESH_MARGIN_SECONDS if options.all else YOUNG_TOKEN_TTL_SECONDS
    policy = RefreshPolicy(default_min_ttl if options.min_ttl is None else options.min_ttl, insist=options.force)
    return for_each_profile(
        options.names,
        options.all,
        options.json,
        lambda store, name: _refresh_one(store, name, policy, is_requested=not options.all),
    )


def _refresh_one(store: ProfileStore, name: str, policy: RefreshPolicy, *, is_requested: bool) -> CommandResult:
    from slack_token_tui.cli.fresh_token import format_clock_time
    from slack_token_tui.tokens.refresh import refresh
    from slack_token_tui.tokens.refresh_in_process import refresh_in_process

    result = refresh(store, name, policy, refresh_in_process, is_requested=is_requested)
    expires_at = result.profile.expires_at
    if expires_at is None and not result.refreshed:
        output.print_message(f"{name}: does not expire, so there is nothing to renew")
    else:
        outcome = "an interrupted refresh was finished" if result.recovered else "renewed"
        outcome = outcome if result.refreshed else "still fresh"
        until = format_clock_time(expires_at) if expires_at else "it is revoked"
        hint = "" if result.refreshed else "; --force renews it all the same"
        output.print_message(f"{name}: {outcome}, works until {until}{hint}")
    return exit_codes.SUCCESS, {
        "ok": True,
        "profile": name,
        "renewed": result.refreshed,
        "expires_at": f"{expires_at:%Y-%m-%dT%H:%M:%SZ}" if expires_at else None,
    }
