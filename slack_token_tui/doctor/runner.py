"""Run all checks one after another, and the Slack check in parallel with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from functools import partial
from pathlib import Path

from slack_token_tui.doctor import connectivity, files, machine
from slack_token_tui.doctor.report import Finding, Verdict
from slack_token_tui.event_loop import run_in_daemon_thread
from slack_token_tui.problems import error_location
from slack_token_tui.store.apps import SlackApp


async def run_checks(home: Path, app: SlackApp | None = None) -> AsyncGenerator[Finding, None]:
    """Yield each finding as soon as it is available.

    Args:
        home: the config directory.
        app: the app whose redirect URLs, endpoints and browser are checked, or None for the defaults.
    """
    app = app or SlackApp("")
    slack_task = asyncio.ensure_future(connectivity.check_slack(app.endpoints))
    try:
        for check in (
            machine.check_versions,
            machine.check_environment,
            partial(machine.check_ports, app.redirect_uris),
            machine.check_loopback,
            partial(machine.check_browser, app),
            machine.check_clipboard,
            partial(files.check_keyring, home),
            partial(files.check_config_directory, home),
            partial(files.check_profiles, home),
            partial(files.check_leftovers, home),
        ):
            for finding in await run_in_daemon_thread(_run_check, check):
                yield finding
        try:
            for finding in await slack_task:
                yield finding
        except Exception as error:  # a bug here must not hide the findings of the other checks
            yield _failed_check(error)
    finally:
        slack_task.cancel()


def _run_check(look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    found: list[Finding] = []
    try:
        found += look()
    except Exception as error:  # a bug in one check must not hide the findings of the others
        found.append(_failed_check(error))
    return found


def _failed_check(error: Exception) -> Finding:
    return Finding(
        "unexpected", Verdict.BAD, "Doctor", f"A check failed: {error_location(error)}.", "Please report it."
    )
