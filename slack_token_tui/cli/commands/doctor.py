"""``doctor``: check this machine and print one finding per line, with its fix."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import asdict
from textwrap import fill

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.doctor import Finding, Verdict, run_checks
from slack_token_tui.event_loop import run
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.store.apps import list_apps
from slack_token_tui.store.profiles import ProfileStore

_WIDTH = 96


def run_doctor(as_json: bool) -> int:
    """Print each finding as soon as its check is done. Return 1 if a check failed."""
    return run(_check(as_json))


async def _check(as_json: bool) -> int:
    home = ProfileStore().home
    app = next(iter(list_apps(home)), None)
    findings: list[Finding] = []
    async with aclosing(run_checks(home, app)) as stream:
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
