"""``list``: print all profiles, one per line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.commands.show import masked_dict
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore, UnreadableProfile


def run_list(as_json: bool) -> int:
    """Print all profiles, one per line, or as JSON."""
    store, now = ProfileStore(), datetime.now(UTC)
    entries = list(store.entries())
    if as_json:
        output.print_json([_entry_to_dict(entry, now) for entry in entries], indent=1)
        return exit_codes.SUCCESS
    if not entries:
        output.print_message("No profiles yet. Sign in: slack-token-tui login, or start slack-token-tui and press a")
    rows = [_row(entry, now) for entry in entries]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip())
    return exit_codes.SUCCESS


def print_names() -> int:
    """Print only the names, one per line, for completion scripts."""
    for name in ProfileStore().names():
        print(name)
    return exit_codes.SUCCESS


def _entry_to_dict(entry: Profile | UnreadableProfile, now: datetime) -> dict[str, Any]:
    if isinstance(entry, Profile):
        return masked_dict(entry, now)
    explanation = entry.error.explain()
    return {"name": entry.name, "state": "unreadable", "error": entry.error.code, "remedy": explanation.remedies[0]}


def _row(entry: Profile | UnreadableProfile, now: datetime) -> tuple[str, str, str, str]:
    if isinstance(entry, UnreadableProfile):
        explanation = entry.error.explain()
        return entry.name, "unreadable", "", f"{explanation.title}. {explanation.remedies[0]}"
    expiry = f"until {entry.expires_at.astimezone():%Y-%m-%d %H:%M}" if entry.expires_at else "does not expire"
    return entry.name, entry.published_state(now), entry.account_label, expiry
