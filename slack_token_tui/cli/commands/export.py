"""``export``: print a token in a format for another program."""

from __future__ import annotations

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.fresh_token import expiry_sentence, get_fresh_token
from slack_token_tui.problems import InvalidInput
from slack_token_tui.tokens import export_formats


def run_export(argument: str | None, format_id: str, variable: str, min_ttl_seconds: float) -> int:
    """Print a token in the format ``format_id``, and print on stderr when it expires."""
    if not export_formats.is_variable_name(variable):
        raise InvalidInput(f"{variable!r} cannot be the name of a variable.", "Use letters, digits and _.")
    fresh = get_fresh_token(argument, min_ttl_seconds)
    profile = fresh.profile
    text = export_formats.format_secret(profile, fresh.access_token, format_id, variable)
    print(text.reveal())
    if export_formats.FORMATS[format_id].contains_token and profile.expires_at is not None:
        output.print_message(f"slack-token-tui:{expiry_sentence(profile)}")
    return exit_codes.SUCCESS
