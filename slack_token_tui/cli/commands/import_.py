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
    parser.add_argument("name", nargs="?", metavar="NAME", help="name of the profile; the workspace’s own by default")
    parser.add_argument("--client-id", metavar="ID", help="of the token’s app; needed with a refresh token")
    add_slack_url_option(parser)
    parser.add_argument("--json", action="store_true", help="the profile as JSON, masked")


def _read_token() -> str:
    from getpass import getpass

    if sys.stdin is None:
        return ""
    try:
        return getpass("Token (not shown): ") if sys.stdin.isatty() else sys.stdin.read(64 * 1024)
    except UnicodeDecodeError:
        raise InvalidInput("A token has only ASCII letters, digits and dashes. This one has other bytes.") from None


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
            raise InvalidInput(explain("profile_name_invalid").happened)
        parsed_client_id = parse_client_id(options.client_id) if options.client_id else ""
        endpoints = Endpoints(parse_base_url(options.slack_url or SLACK))
        text = _read_token()
        token_type, access_token, refresh_token = parse_tokens(text, parsed_client_id)
    except InvalidInput as error:
        hint = "Give the access token on standard input; on a second line its refresh token, with --client-id"
        raise InvalidInput(str(error), hint) from None
    output.warn_about_key_log()
    output.print_message(f"That is {token_type.with_article}. Asking {endpoints.host} whose it is")
    saved = event_loop.run(
        import_token(
            store, token_type, access_token, refresh_token, client_id=parsed_client_id, endpoints=endpoints, name=name
        )
    )
    profile = saved.profile
    output.print_message(f"Saved as {profile.name} in {saved.path}")
    if token_type.rotates and refresh_token is None:
        output.print_message(
            "  Without its refresh token it cannot be renewed: it works until it expires, 12 hours at most"
        )
    if options.json:
        output.print_json({"ok": True, "profile": masked_dict(profile, datetime.now(UTC))})
    return exit_codes.SUCCESS
