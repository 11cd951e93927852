"""``rename``: give a profile another name."""

from __future__ import annotations

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.store.atomic_file import StoreError
from slack_token_tui.store.hot_path import ChoiceError, ProfileFileError, chosen_name
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.rename import rename


def rename_profile(old: str, new: str, as_json: bool) -> int:
    """Rename ``old`` to ``new``; nothing is overwritten."""
    store = ProfileStore()
    try:
        renamed = rename(store, chosen_name(str(store.home), old), new)
    except (ChoiceError, FileNotFoundError, ProfileFileError, StoreError) as error:
        return output.trouble(error, old, as_json=as_json)
    output.say(f"{old} is called {new} now")
    if as_json:
        output.print_json({"ok": True, "profile": renamed.name})
    return exit_codes.DONE
