"""``copy``: copy a token to the clipboard."""

from __future__ import annotations

import argparse

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.arguments import add_format_option, add_min_ttl_option, add_name_argument

EXAMPLE = "slack-token-tui copy acme --as header"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``copy``."""
    add_name_argument(parser)
    add_min_ttl_option(parser)
    add_format_option(parser, "token")


def run(options: argparse.Namespace) -> int:
    """Copy a token and report whether the copy is certain, when the token expires and when the clipboard is cleared."""
    from slack_token_tui import event_loop
    from slack_token_tui.cli.fresh_token import expiry_sentence, get_fresh_token
    from slack_token_tui.desktop import clipboard
    from slack_token_tui.store.profiles import ProfileStore
    from slack_token_tui.store.settings import clipboard_seconds
    from slack_token_tui.tokens import export_formats

    fresh = get_fresh_token(options.name, options.min_ttl)
    profile = fresh.profile
    text = export_formats.format_secret(profile, fresh.access_token, options.format)
    home = ProfileStore().home
    clear_policy = clipboard.ClearPolicy(clipboard_seconds(home), home / "clipboard")
    outcome = event_loop.run(clipboard.copy(text, _ControllingTerminal(), clear_policy))
    if isinstance(outcome, clipboard.Copied):
        what = profile.name if options.format == "token" else f"{profile.name} as {options.format}"
        output.print_message(outcome.message(what) + expiry_sentence(profile))
        return exit_codes.SUCCESS
    output.print_message(f"slack-token-tui: {profile.name} was not copied. {outcome.reason}")
    output.print_message(f"  Print it instead: slack-token-tui token {profile.name}")
    return exit_codes.REFUSED


class _ControllingTerminal:
    """Clipboard access through the controlling terminal, even if standard output is redirected."""

    async def confirm(self) -> bool:
        if is_available := self._write(""):
            output.print_message("slack-token-tui: using your terminal's clipboard, which can't be cleared")
        return is_available

    def write(self, text: str) -> bool:
        from slack_token_tui.desktop import clipboard

        return self._write(clipboard.osc52_sequence(text))

    def _write(self, text: str) -> bool:
        try:
            with open("/dev/tty", "w") as terminal:  # noqa: PTH123 - a device, not a file
                terminal.write(text)
        except OSError:
            return False
        return True
