"""``show``: print one profile with masked tokens."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.store.hot_path import resolve_name

if TYPE_CHECKING:
    from datetime import datetime

    from slack_token_tui.store.profile import Profile

EXAMPLE = "slack-token-tui show acme"
_INTERNAL_KEYS = frozenset({"schema", "id", "generation", "shown_token"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``show``."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="profile name (default: your default profile)")
    parser.add_argument("--json", action="store_true", help="print as JSON (masked tokens)")


def run(options: argparse.Namespace) -> int:
    """Print all fields of one profile."""
    from datetime import UTC, datetime

    from slack_token_tui.store.profiles import ProfileStore

    store = ProfileStore()
    name = resolve_name(str(store.home), options.name)
    profile = store.read(name)
    record = masked_dict(profile, datetime.now(UTC))
    if options.json:
        output.print_json(record, indent=1)
        return exit_codes.SUCCESS
    record["file"] = str(store.path(name))
    for key, value in record.items():
        if value not in (None, [], False, ""):
            text = ", ".join(value) if isinstance(value, list) else str(value)
            print(f"{key.replace('_', ' '):<18} {escape_unprintable(str(text))}")
    return exit_codes.SUCCESS


def masked_dict(profile: Profile, now: datetime) -> dict[str, Any]:
    """Return ``profile`` for display and JSON output: the keys of its file with masked tokens, without unknown keys."""
    from slack_token_tui.store.profile_codec import to_dict

    record = to_dict(profile, None)
    refresh_expires_at = profile.refresh_expires_at
    return {
        "name": profile.name,
        "state": profile.published_state(now),
        **{key: value for key, value in record.items() if key not in profile.extra and key not in _INTERNAL_KEYS},
        "access_token": profile.masked_token,
        "refresh_token": profile.masked_refresh_token,
        "refresh_expires_at": refresh_expires_at.strftime("%Y-%m-%dT%H:%M:%SZ") if refresh_expires_at else None,
    }
