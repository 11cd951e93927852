"""``manifest``: print an app manifest, or a request for a Slack admin. Can open Slack's page to create the app."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.arguments import add_slack_url_option
from slack_token_tui.problems import InvalidInput

if TYPE_CHECKING:
    from slack_token_tui.slack.endpoints import Endpoints
    from slack_token_tui.slack.manifest import Manifest

EXAMPLE = 'slack-token-tui manifest --name "My Slack Tokens" --scopes users:read,channels:read --open'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``manifest``."""
    parser.add_argument("--name", metavar="NAME", help="of the app (default: My Slack Tokens)")
    parser.add_argument("--scopes", metavar="LIST", help="user scopes, separated by commas (default: users:read)")
    parser.add_argument(
        "--redirect-uri",
        metavar="URI",
        action="append",
        default=[],
        help="a redirect address (default: the three on localhost); may be given several times",
    )
    add_slack_url_option(parser)
    parser.add_argument(
        "--no-rotation", action="store_true", help="tokens that work until they are revoked, instead of for 12 hours"
    )
    parser.add_argument(
        "--message", action="store_true", help="print a message to an administrator, with the manifest in it"
    )
    parser.add_argument("--open", action="store_true", help="open Slack’s page with it filled in")


def run(options: argparse.Namespace) -> int:
    """Print the manifest or the admin message. With ``--open``, open Slack's page with the manifest filled in."""
    from slack_token_tui.slack.endpoints import SLACK, Endpoints, parse_base_url
    from slack_token_tui.slack.manifest import DEFAULT_NAME, create_manifest
    from slack_token_tui.slack.scope_catalog import describe_scopes, describe_unknown_scopes
    from slack_token_tui.slack.scopes import DEFAULT_SCOPES, parse_requestable_scopes
    from slack_token_tui.store.apps import LOOPBACK_REDIRECT_URIS, parse_redirect_uri

    endpoints = Endpoints(parse_base_url(options.slack_url) if options.slack_url else SLACK)
    manifest = create_manifest(
        DEFAULT_NAME if options.name is None else options.name,
        DEFAULT_SCOPES if options.scopes is None else parse_requestable_scopes(options.scopes),
        tuple(map(parse_redirect_uri, options.redirect_uri)) or LOOPBACK_REDIRECT_URIS,
        rotation=not options.no_rotation,
    )
    if options.message and options.open:
        raise InvalidInput("--message is for somebody else to act on, and --open for you.", "Give one of the two")
    if unknown := describe_unknown_scopes(manifest.scopes):
        output.print_message(f"slack-token-tui: {unknown}")
    if options.message:
        print(manifest.admin_request(endpoints, describe_scopes(manifest.scopes)))
    else:
        print(manifest.to_json())
    return _open_page(manifest, endpoints) if options.open else exit_codes.SUCCESS


def _open_page(manifest: Manifest, endpoints: Endpoints) -> int:
    from slack_token_tui import event_loop
    from slack_token_tui.desktop import browser

    if manifest.prefilled_url(endpoints) is None:
        output.print_message("With so many scopes the address would be too long to fill the page in.")
        output.print_message("  Choose From a manifest on the page, and paste the text above")
    page = manifest.page_url(endpoints)
    outcome = event_loop.run(browser.open_url(page))
    if isinstance(outcome, browser.NotOpened):
        output.print_message(f"slack-token-tui: {outcome.reason}")
        output.print_message(f"  Open this address in any browser: {page}")
        return exit_codes.REFUSED
    output.print_message(
        f"Opened in {outcome.name}. When the app is made: slack-token-tui login --client-id ITS_CLIENT_ID"
    )
    return exit_codes.SUCCESS
