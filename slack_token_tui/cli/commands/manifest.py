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
    parser.add_argument("--name", metavar="NAME", help="app name (default: My Slack Tokens)")
    parser.add_argument("--scopes", metavar="LIST", help="user scopes, separated by commas (default: users:read)")
    parser.add_argument(
        "--redirect-uri",
        metavar="URI",
        action="append",
        default=[],
        help="redirect URL, repeatable (default: three localhost URLs)",
    )
    add_slack_url_option(parser)
    parser.add_argument(
        "--no-rotation",
        action="store_true",
        help="don't turn on token rotation (Slack may still rotate tokens of a localhost sign-in)",
    )
    parser.add_argument(
        "--message", action="store_true", help="print a request for your admin that includes the manifest"
    )
    parser.add_argument("--open", action="store_true", help="open Slack's page with the manifest filled in")


def run(options: argparse.Namespace) -> int:
    """Print the manifest or the admin message. With ``--open``, open Slack's page with the manifest filled in."""
    from slack_token_tui.slack.endpoints import SLACK, Endpoints, parse_base_url
    from slack_token_tui.slack.manifest import DEFAULT_NAME, create_manifest
    from slack_token_tui.slack.scope_catalog import describe_scopes, request_warnings
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
        raise InvalidInput("--message and --open can't be combined.", "Use one of them")
    for warning in request_warnings(manifest.scopes):
        output.print_message(f"Note: {warning}")
    if options.message:
        print(manifest.admin_request(endpoints, describe_scopes(manifest.scopes)))
    else:
        print(manifest.to_json())
    return _open_page(manifest, endpoints) if options.open else exit_codes.SUCCESS


def _open_page(manifest: Manifest, endpoints: Endpoints) -> int:
    from slack_token_tui import event_loop
    from slack_token_tui.desktop import browser

    if manifest.prefilled_url(endpoints) is None:
        output.print_message("The manifest is too long for a link.")
        output.print_message("  On Slack's page, choose From a manifest and paste the text above")
    page = manifest.page_url(endpoints)
    outcome = event_loop.run(browser.open_url(page))
    if isinstance(outcome, browser.NotOpened):
        output.print_message(f"slack-token-tui: {outcome.reason}")
        output.print_message(f"  Open this URL in any browser: {page}")
        return exit_codes.REFUSED
    output.print_message(f"Opened in {outcome.name}.")
    output.print_message("  After you create the app, run: slack-token-tui login --client-id CLIENT_ID")
    return exit_codes.SUCCESS
