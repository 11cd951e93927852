"""``manifest``: the text that a Slack app is made from, or a message to somebody who may make one; opens Slack's page."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.slack.endpoints import SLACK, Endpoints, checked_base
from slack_token_tui.slack.manifest import DEFAULT_NAME, Manifest, manifest
from slack_token_tui.slack.scope_catalog import in_words, unknown_in_words
from slack_token_tui.slack.scopes import DEFAULT_SCOPES, scopes_to_ask_for
from slack_token_tui.store.apps import LOOPBACK_REDIRECT_URIS, checked_redirect_uri


@dataclass(frozen=True)
class ManifestOptions:
    """What was typed after ``manifest``; None where nothing was."""

    name: str | None = None
    scopes: str | None = None
    redirect_uris: tuple[str, ...] = ()
    slack_url: str | None = None
    no_rotation: bool = False
    as_message: bool = False
    opens: bool = False


def print_manifest(options: ManifestOptions) -> int:
    """Print the manifest or the message on standard output; where asked, open Slack's page with it filled in."""
    try:
        endpoints = Endpoints(checked_base(options.slack_url) if options.slack_url else SLACK)
        made = manifest(
            DEFAULT_NAME if options.name is None else options.name,
            DEFAULT_SCOPES if options.scopes is None else scopes_to_ask_for(options.scopes),
            tuple(map(checked_redirect_uri, options.redirect_uris)) or LOOPBACK_REDIRECT_URIS,
            rotation=not options.no_rotation,
        )
    except ValueError as error:
        return output.usage(str(error), "See: slack-token-tui manifest --help")
    if options.as_message and options.opens:
        return output.usage("--message is for somebody else to act on, and --open for you.", "Give one of the two")
    if unknown := unknown_in_words(made.scopes):
        output.say(f"slack-token-tui: {unknown}")
    if options.as_message:
        print(made.request_to_administrator(endpoints, in_words(made.scopes)))
    else:
        print(made.as_json())
    return _opened(made, endpoints) if options.opens else exit_codes.DONE


def _opened(made: Manifest, endpoints: Endpoints) -> int:
    from slack_token_tui.desktop import browser

    if made.prefilled_address(endpoints) is None:
        output.say("With so many scopes the address would be too long to fill the page in.")
        output.say("  Choose From a manifest on the page, and paste the text above")
    page = made.page(endpoints)
    outcome = asyncio.run(browser.open_url(page))
    if isinstance(outcome, browser.NotOpened):
        output.say(f"slack-token-tui: {outcome.reason}")
        output.say(f"  Open this address in any browser: {page}")
        return exit_codes.SAID_NO
    output.say(f"Opened in {outcome.name}. When the app is made: slack-token-tui login --client-id ITS_CLIENT_ID")
    return exit_codes.DONE
