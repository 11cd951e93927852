"""``import``: save an existing token as a profile."""

from __future__ import annotations

import argparse
import sys

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.arguments import add_slack_url_option
from slack_token_tui.problems import InvalidInput, explain
from slack_token_tui.store.hot_path import is_allowed_new_name

EXAMPLE = "pass show slack/acme | slack-token-tui import acme"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``import``."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="profile name (default: from the workspace)")
    parser.add_argument(
        "--client-id", metavar="ID", help="Client ID of the token's app (required with a refresh token)"
    )
    add_slack_url_option(parser)
    parser.add_argument("--json", action="store_true", help="print the profile as JSON (masked tokens)")


def _read_token() -> str:
    from getpass import getpass

    if sys.stdin is None:
        return ""
    try:
        return getpass("Token (not shown): ") if sys.stdin.isatty() else sys.stdin.read(64 * 1024)
    except UnicodeDecodeError:
        raise InvalidInput("Invalid token. A token contains only ASCII letters, digits and dashes.") from None


def run(options: argparse.Namespace) -> int:
    """Read a token from standard input or a hidden prompt, report its type, verify it with Slack and save it."""
    from datetime import UTC, datetime

    from slack_token_tui import event_loop
    from slack_token_tui.cli.commands.show import masked_dict
    from slack_token_tui.slack.client_id import parse_client_id
    from slack_token_tui.slack.endpoints import SLACK, Endpoints, parse_base_url
    from slack_token_tui.store.profiles import ProfileStore
    from slack_token_tui.tokens.import_token import import_token, parse_tokens

    store, name = ProfileStore(), options.name
    try:
        if name is not None and not is_allowed_new_name(name):
            invalid = explain("profile_name_invalid")
            raise InvalidInput(f"{invalid.title}. {invalid.happened}")
        parsed_client_id = parse_client_id(options.client_id) if options.client_id else ""
        endpoints = Endpoints(parse_base_url(options.slack_url or SLACK))
        text = _read_token()
        token_type, access_token, refresh_token = parse_tokens(text, parsed_client_id)
    except InvalidInput as error:
        hint = "Pass the access token on standard input. For a refresh token, add a second line and --client-id"
        raise InvalidInput(str(error), hint) from None
    output.warn_about_key_log()
    output.print_message(f"This is {token_type.with_article}. Verifying it with {endpoints.host}")
    saved = event_loop.run(
        import_token(
            store, token_type, access_token, refresh_token, client_id=parsed_client_id, endpoints=endpoints, name=name
        )
    )
    profile = saved.profile
    output.print_message(f"Saved as {profile.name} in {saved.path}")
    if token_type.rotates and refresh_token is None:
        output.print_message("  It expires within 12 hours. It can't be refreshed without its refresh token")
    if options.json:
        output.print_json({"ok": True, "profile": masked_dict(profile, datetime.now(UTC))})
    return exit_codes.SUCCESS
