"""``manifest``: print an app manifest, or a request for a Slack admin. Can open Slack's page to create the app."""

from __future__ import annotations

from dataclasses import dataclass

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.event_loop import run
from slack_token_tui.problems import InvalidInput
from slack_token_tui.slack.endpoints import SLACK, Endpoints, parse_base_url
from slack_token_tui.slack.manifest import DEFAULT_NAME, Manifest, create_manifest
from slack_token_tui.slack.scope_catalog import describe_scopes, describe_unknown_scopes
from slack_token_tui.slack.scopes import DEFAULT_SCOPES, parse_requestable_scopes
from slack_token_tui.store.apps import LOOPBACK_REDIRECT_URIS, parse_redirect_uri


@dataclass(frozen=True)
class ManifestOptions:
    """Command-line options of ``manifest``. None means not given."""

    name: str | None = None
    scopes: str | None = None
    redirect_uris: tuple[str, ...] = ()
    slack_url: str | None = None
    no_rotation: bool = False
    as_message: bool = False
    open_page: bool = False


def run_manifest(options: ManifestOptions) -> int:
    """Print the manifest or the admin message. With ``open_page``, open Slack's page with the manifest filled in."""
    try:
        endpoints = Endpoints(parse_base_url(options.slack_url) if options.slack_url else SLACK)
        manifest = create_manifest(
            DEFAULT_NAME if options.name is None else options.name,
            DEFAULT_SCOPES if options.scopes is None else parse_requestable_scopes(options.scopes),
            tuple(map(parse_redirect_uri, options.redirect_uris)) or LOOPBACK_REDIRECT_URIS,
            rotation=not options.no_rotation,
        )
    except ValueError as error:
        raise InvalidInput(str(error)) from None
    if options.as_message and options.open_page:
        raise InvalidInput("--message is for somebody else to act on, and --open for you.", "Give one of the two")
    if unknown := describe_unknown_scopes(manifest.scopes):
        output.print_message(f"slack-token-tui: {unknown}")
    if options.as_message:
        print(manifest.admin_request(endpoints, describe_scopes(manifest.scopes)))
    else:
        print(manifest.to_json())
    return _open_page(manifest, endpoints) if options.open_page else exit_codes.SUCCESS


def _open_page(manifest: Manifest, endpoints: Endpoints) -> int:
    from slack_token_tui.desktop import browser

    if manifest.prefilled_url(endpoints) is None:
        output.print_message("With so many scopes the address would be too long to fill the page in.")
        output.print_message("  Choose From a manifest on the page, and paste the text above")
    page = manifest.page_url(endpoints)
    outcome = run(browser.open_url(page))
    if isinstance(outcome, browser.NotOpened):
        output.print_message(f"slack-token-tui: {outcome.reason}")
        output.print_message(f"  Open this address in any browser: {page}")
        return exit_codes.REFUSED
    output.print_message(
        f"Opened in {outcome.name}. When the app is made: slack-token-tui login --client-id ITS_CLIENT_ID"
    )
    return exit_codes.SUCCESS
