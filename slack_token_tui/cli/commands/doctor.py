"""``doctor``: check this machine and print one finding per line, with its fix."""

from __future__ import annotations

import argparse
from contextlib import aclosing
from dataclasses import asdict
from textwrap import fill
from typing import TYPE_CHECKING

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.sanitize import escape_unprintable

if TYPE_CHECKING:
    from slack_token_tui.doctor import Finding

EXAMPLE = "slack-token-tui doctor --json"
_WIDTH = 96


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``doctor``."""
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(options: argparse.Namespace) -> int:
    """Print each finding as soon as its check is done. Return 1 if a check failed."""
    from slack_token_tui import event_loop

    return event_loop.run(_check(options.json))


async def _check(as_json: bool) -> int:
    from slack_token_tui.doctor import Verdict, run_checks
    from slack_token_tui.store.apps import last_used_app
    from slack_token_tui.store.profiles import ProfileStore

    home = ProfileStore().home
    findings: list[Finding] = []
    async with aclosing(run_checks(home, last_used_app(home))) as stream:
        async for finding in stream:
            findings.append(finding)
            if not as_json:
                print(escape_unprintable(_format_finding(finding)), flush=True)
    has_failed = any(finding.verdict is Verdict.BAD for finding in findings)
    if as_json:
        output.print_json({"ok": not has_failed, "findings": [asdict(finding) for finding in findings]}, indent=1)
    return exit_codes.REFUSED if has_failed else exit_codes.SUCCESS


def _format_finding(finding: Finding) -> str:
    lines = fill(f"{finding.verdict.mark} {finding.about}: {finding.said}", _WIDTH, subsequent_indent="  ")
    if finding.remedy:
        lines += "\n" + fill(finding.remedy, _WIDTH, initial_indent="  → ", subsequent_indent="    ")
    return lines
