"""``default``: print, set or clear the default profile."""

from __future__ import annotations

import argparse

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.problems import InvalidInput
from slack_token_tui.store.hot_path import default_name, resolve_name

EXAMPLE = "slack-token-tui default acme"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``default``."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="the new default profile")
    parser.add_argument("--none", action="store_true", help="clear the default profile")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(options: argparse.Namespace) -> int:
    """Set the default profile, or clear it with ``--none``. Without a name and ``--none``, print it."""
    from slack_token_tui.store.profiles import ProfileStore
    from slack_token_tui.store.settings import change_settings

    if options.name is not None and options.none:
        raise InvalidInput("A name and --none can't be combined.", "Use one of them")
    store = ProfileStore()
    if options.name is None and not options.none:
        default = default_name(str(store.home))
        if options.json:
            output.print_json({"ok": True, "default": default})
        elif default:
            print(default)
        else:
            output.print_message("No default profile. Set one: slack-token-tui default NAME")
        return exit_codes.SUCCESS
    chosen = None if options.name is None else resolve_name(str(store.home), options.name)
    change_settings(store.home, default_profile=chosen)
    if options.json:
        output.print_json({"ok": True, "default": chosen})
    output.print_message(f"Default profile: {chosen}" if chosen else "Default profile cleared")
    return exit_codes.SUCCESS
