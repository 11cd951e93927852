"""``verify``: verify tokens with Slack."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.arguments import add_names_argument

if TYPE_CHECKING:
    from slack_token_tui.cli.batch import CommandResult
    from slack_token_tui.store.profile import Profile
    from slack_token_tui.store.profiles import ProfileStore
    from slack_token_tui.tokens.batch import Batch, Report
    from slack_token_tui.tokens.refresh_result import Refresher
    from slack_token_tui.tokens.verify import Verification

EXAMPLE = "slack-token-tui verify --all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``verify``."""
    add_names_argument(parser, "verify all profiles")


def run(options: argparse.Namespace) -> int:
    """Verify tokens with Slack, save the result in each profile and return the exit code."""
    from slack_token_tui.cli.batch import run_for_profiles

    return run_for_profiles(options.names, options.all, options.json, _open_batch, _print_result)


@asynccontextmanager
async def _open_batch(store: ProfileStore, report: Report, refresher: Refresher) -> AsyncIterator[Batch[Verification]]:
    from slack_token_tui.slack.client import SlackClients
    from slack_token_tui.tokens.batch import Batch
    from slack_token_tui.tokens.circuit_breaker import CircuitBreakers
    from slack_token_tui.tokens.refresh_result import USUAL_POLICY
    from slack_token_tui.tokens.verify import verify

    async with SlackClients() as clients:

        async def verify_one(name: str) -> Verification:
            return await verify(store, name, refresher, clients=clients)

        def spends(profile: Profile) -> bool:
            return USUAL_POLICY.wants(profile, datetime.now(UTC))

        yield Batch(
            store,
            verify_one,
            report,
            spends=spends,
            breakers=CircuitBreakers(),
            problem_of=lambda verification: verification.refresh_problem,
        )


def _print_result(name: str, verification: Verification) -> CommandResult:
    from slack_token_tui.cli.fresh_token import print_refresh_problem

    profile = verification.profile
    if verification.refresh_problem is not None:
        print_refresh_problem(verification.refresh_problem, profile)
    if verification.save_error is not None:
        output.print_message(f"{name}: result not saved. {verification.save_error.explain().happened}")
    output.print_message(f"{name}: active, {profile.account_label}")
    return exit_codes.SUCCESS, {
        "ok": True,
        "profile": name,
        "user": profile.user_name,
        "team": profile.team_name,
        "scopes": list(profile.scopes),
    }
