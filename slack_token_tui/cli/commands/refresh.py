"""``refresh``: refresh tokens."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.arguments import add_names_argument, min_ttl_seconds
from slack_token_tui.store.hot_path import REFRESH_MARGIN_SECONDS

if TYPE_CHECKING:
    from slack_token_tui.cli.batch import CommandResult
    from slack_token_tui.store.profile import Profile
    from slack_token_tui.store.profiles import ProfileStore
    from slack_token_tui.tokens.batch import Batch, Report
    from slack_token_tui.tokens.refresh_result import Refresher, RefreshPolicy, RefreshResult

EXAMPLE = "slack-token-tui refresh --all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``refresh``."""
    add_names_argument(parser, "all profiles whose token has expired or is about to expire")
    parser.add_argument("--force", action="store_true", help="refresh new tokens too (only the two newest stay valid)")
    parser.add_argument(
        "--min-ttl", metavar="SECONDS", type=min_ttl_seconds, help="refresh tokens that expire sooner than this"
    )


def run(options: argparse.Namespace) -> int:
    """Refresh tokens and return the exit code.

    With ``--all``, refresh tokens that are about to expire. Without it, refresh tokens that are over an hour old.
    ``--force`` refreshes them regardless of age.
    """
    from slack_token_tui.cli.batch import run_for_profiles
    from slack_token_tui.tokens.refresh_result import YOUNG_TOKEN_TTL_SECONDS, RefreshPolicy

    default_min_ttl = REFRESH_MARGIN_SECONDS if options.all else YOUNG_TOKEN_TTL_SECONDS
    policy = RefreshPolicy(default_min_ttl if options.min_ttl is None else options.min_ttl, insist=options.force)
    open_batch = partial(_open_batch, policy=policy, is_requested=not options.all)
    return run_for_profiles(options.names, options.all, options.json, open_batch, _print_result)


@asynccontextmanager
async def _open_batch(
    store: ProfileStore, report: Report, refresher: Refresher, *, policy: RefreshPolicy, is_requested: bool
) -> AsyncIterator[Batch[RefreshResult]]:
    from slack_token_tui.event_loop import run_uninterrupted
    from slack_token_tui.tokens.batch import Batch
    from slack_token_tui.tokens.circuit_breaker import CircuitBreakers
    from slack_token_tui.tokens.refresh import refresh
    from slack_token_tui.tokens.refresh_result import requested_refresh_policy

    async def refresh_one(name: str) -> RefreshResult:
        return await run_uninterrupted(partial(refresh, store, name, policy, refresher, is_requested=is_requested))

    def spends(profile: Profile) -> bool:
        wanted = requested_refresh_policy(profile, policy) if is_requested else policy
        return wanted.wants(profile, datetime.now(UTC))

    yield Batch(store, refresh_one, report, spends=spends, breakers=CircuitBreakers())


def _print_result(name: str, result: RefreshResult) -> CommandResult:
    from slack_token_tui.cli.fresh_token import format_clock_time

    expires_at = result.profile.expires_at
    outcome = "completed an interrupted refresh" if result.recovered else "refreshed"
    expiry = f"expires at {format_clock_time(expires_at)}" if expires_at else "does not expire"
    if result.refreshed:
        output.print_message(f"{name}: {outcome}, {expiry}")
    elif expires_at is None:
        output.print_message(f"{name}: not refreshed, because it does not expire")
    else:
        output.print_message(f"{name}: not refreshed, {expiry} (use --force to refresh it anyway)")
    return exit_codes.SUCCESS, {
        "ok": True,
        "profile": name,
        "renewed": result.refreshed,
        "expires_at": f"{expires_at:%Y-%m-%dT%H:%M:%SZ}" if expires_at else None,
    }
