"""``default``: print, set or clear the default profile."""

from __future__ import annotations

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.problems import InvalidInput
from slack_token_tui.store.hot_path import default_name, resolve_name
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import change_settings


def run_default(name: str | None, none: bool, as_json: bool) -> int:
    """Set the default profile to ``name``, or clear it if ``none``. Without either, print it."""
    if name is not None and none:
        raise InvalidInput("A name and --none were given.", "Give one of them")
    store = ProfileStore()
    if name is None and not none:
        default = default_name(str(store.home))
        if as_json:
            output.print_json({"ok": True, "default": default})
        elif default:
            print(default)
        else:
            output.print_message("There is no default profile. Choose one: slack-token-tui default NAME")
        return exit_codes.SUCCESS
    chosen = None if name is None else resolve_name(str(store.home), name)
    change_settings(store.home, default_profile=chosen)
    if as_json:
        output.print_json({"ok": True, "default": chosen})
    output.print_message(f"{chosen} is the default now" if chosen else "There is no default now")
    return exit_codes.SUCCESS
