"""``rename``: give a profile another name."""

from __future__ import annotations

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.store.hot_path import resolve_name
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.rename import rename


def run_rename(old: str, new: str, as_json: bool) -> int:
    """Rename profile ``old`` to ``new``. An existing profile is never overwritten."""
    store = ProfileStore()
    renamed = rename(store, resolve_name(str(store.home), old), new)
    output.print_message(f"{old} is called {new} now")
    if as_json:
        output.print_json({"ok": True, "profile": renamed.name})
    return exit_codes.SUCCESS
