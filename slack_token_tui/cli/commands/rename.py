"""``rename``: rename a profile."""

from __future__ import annotations

import argparse

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.store.hot_path import resolve_name

EXAMPLE = "slack-token-tui rename acme-2 acme-admin"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``rename``."""
    parser.add_argument("old", metavar="OLD", help="current name")
    parser.add_argument("new", metavar="NEW", help="new name")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(options: argparse.Namespace) -> int:
    """Rename a profile. An existing profile is never overwritten."""
    from slack_token_tui.store.profiles import ProfileStore
    from slack_token_tui.tokens.rename import rename

    store = ProfileStore()
    renamed = rename(store, resolve_name(str(store.home), options.old), options.new)
    output.print_message(f"Renamed {options.old} to {options.new}")
    if options.json:
        output.print_json({"ok": True, "profile": renamed.name})
    return exit_codes.SUCCESS
