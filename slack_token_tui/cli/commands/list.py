"""``list``: print all profiles, one per line."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.store.hot_path import config_home, list_names

if TYPE_CHECKING:
    from datetime import datetime

    from slack_token_tui.store.profile import Profile
    from slack_token_tui.store.profiles import UnreadableProfile

EXAMPLE = "slack-token-tui list --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``list``."""
    parser.add_argument("--json", action="store_true", help="print as JSON (masked tokens)")
    parser.add_argument("--names", action="store_true", help="print only the names")


def run(options: argparse.Namespace) -> int:
    """Print all profiles, one per line, or as JSON. With ``--names``, print only the names."""
    if options.names:
        names = list_names(config_home())
        if options.json:
            output.print_json(names, indent=1)
        for name in [] if options.json else names:
            print(name)
        return exit_codes.SUCCESS

    from datetime import UTC, datetime

    from slack_token_tui.store.profiles import ProfileStore

    store, now = ProfileStore(), datetime.now(UTC)
    entries = list(store.entries())
    if options.json:
        output.print_json([_entry_to_dict(entry, now) for entry in entries], indent=1)
        return exit_codes.SUCCESS
    if not entries:
        output.print_message(f"No profiles yet in {store.home}. Sign in: slack-token-tui login")
    rows = [_row(entry, now) for entry in entries]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip())
    return exit_codes.SUCCESS


def _entry_to_dict(entry: Profile | UnreadableProfile, now: datetime) -> dict[str, Any]:
    from slack_token_tui.cli.commands.show import masked_dict
    from slack_token_tui.store.profile import Profile

    if isinstance(entry, Profile):
        return masked_dict(entry, now)
    explanation = entry.error.explain()
    return {"name": entry.name, "state": "unreadable", "error": entry.error.code, "remedy": explanation.remedies[0]}


def _row(entry: Profile | UnreadableProfile, now: datetime) -> tuple[str, str, str, str]:
    from slack_token_tui.store.profiles import UnreadableProfile

    if isinstance(entry, UnreadableProfile):
        explanation = entry.error.explain()
        state = "readable by other users" if entry.error.code == "profile_exposed" else "unreadable"
        return entry.name, state, "", f"{explanation.title}. {explanation.remedies[0]}"
    expiry = f"expires {entry.expires_at.astimezone():%Y-%m-%d %H:%M}" if entry.expires_at else "does not expire"
    return entry.name, entry.published_state(now), entry.account_label, expiry
