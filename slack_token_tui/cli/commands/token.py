"""``token``: print one token."""

from __future__ import annotations

import argparse
import sys

from slack_token_tui.cli import exit_codes
from slack_token_tui.cli.arguments import add_min_ttl_option, add_name_argument
from slack_token_tui.store.hot_path import valid_token

EXAMPLE = 'export SLACK_TOKEN="$(slack-token-tui token acme)"'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``token``."""
    add_name_argument(parser)
    add_min_ttl_option(parser)


def run(options: argparse.Namespace) -> int:
    """Print the access token of the selected profile, followed by a newline. Print nothing unless the token is valid.

    Raises:
        Problem: there is no valid token.
    """
    token = valid_token(options.name, options.min_ttl)
    if token is None:
        from slack_token_tui.cli.fresh_token import get_fresh_token

        token = get_fresh_token(options.name, options.min_ttl).access_token.reveal()
    sys.stdout.write(token + "\n")
    return exit_codes.SUCCESS
