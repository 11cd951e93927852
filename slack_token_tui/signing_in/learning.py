"""What a sign-in teaches about its app, written down for next time without undoing what others have changed meanwhile.

All of it is a convenience: what prevents it is not reported.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from slack_token_tui.keeping.apps import SlackApp, change_app, read_app
from slack_token_tui.keeping.files import StoreError
from slack_token_tui.keeping.settings import remember_last_app


def remember_app(home: Path, used: SlackApp, before: SlackApp | None, scopes: tuple[str, ...]) -> None:
    """Remember an app that Slack has taken, as the one used last.

    Args:
        home: where apps are remembered.
        used: the app as it was given for this sign-in; its client secret only where a person has given it.
        before: what was remembered of it when the sign-in began.
        scopes: asked for.
    """

    def remembered(known: SlackApp | None) -> SlackApp | None:
        if before is None:
            return replace(known or used, scopes=scopes)
        if known is None:
            return None  # it was forgotten meanwhile
        app = replace(known, scopes=scopes)
        if used.endpoints.base != before.endpoints.base:
            return app  # elsewhere for once: what is remembered, its secret above all, is for the Slack it is from
        # What has worked, and was not so before, is right. The rest is the person's own, and may have been changed since.
        if used.endpoints != before.endpoints:
            app = replace(app, endpoints=used.endpoints)
        if used.redirect_uris != before.redirect_uris:
            app = replace(app, redirect_uris=used.redirect_uris)
        if used.client_secret not in (None, before.client_secret):
            app = replace(app, client_secret=used.client_secret)
        return app

    with suppress(StoreError):
        change_app(home, used.client_id, remembered)
        if read_app(home, used.client_id) is not None:
            remember_last_app(home, used.client_id)


def learn_scopes(home: Path, client_id: str, granted: tuple[str, ...]) -> None:
    """Where it is known which scopes the app has, those that Slack has granted belong to them."""

    def learned(known: SlackApp | None) -> SlackApp | None:
        if known is None or not known.registered_scopes:
            return None
        return replace(known, registered_scopes=tuple(dict.fromkeys((*known.registered_scopes, *granted))))

    with suppress(StoreError):
        change_app(home, client_id, learned)
