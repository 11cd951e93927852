"""``export``: print a token in a format for another program."""

from __future__ import annotations

import argparse

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.arguments import (
    add_format_option,
    add_min_ttl_option,
    add_name_argument,
    add_variable_option,
)
from slack_token_tui.problems import InvalidInput

EXAMPLE = "slack-token-tui export acme --as header | curl -H @- https://slack.com/api/auth.test"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``export``."""
    add_name_argument(parser)
    add_min_ttl_option(parser)
    add_format_option(parser, "env")
    add_variable_option(parser)


def run(options: argparse.Namespace) -> int:
    """Print a token in the chosen format, and print on stderr when it expires."""
    from slack_token_tui.cli.fresh_token import expiry_sentence, get_fresh_token
    from slack_token_tui.tokens import export_formats

    if not export_formats.is_variable_name(options.env):
        raise InvalidInput(f"{options.env!r} isn't a valid variable name.", "Use letters, digits and _")
    fresh = get_fresh_token(options.name, options.min_ttl)
    profile = fresh.profile
    text = export_formats.format_secret(profile, fresh.access_token, options.format, options.env)
    print(text.reveal())
    if export_formats.FORMATS[options.format].contains_token and profile.expires_at is not None:
        output.print_message(f"slack-token-tui:{expiry_sentence(profile)}")
    return exit_codes.SUCCESS
