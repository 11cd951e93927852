"""What a sign-in teaches about its app, written down for next time without undoing what others have changed meanwhile.

All of it is a convenience: what prevents it is not reported.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from slack_token_tui.store.apps import SlackApp, change_app
from slack_token_tui.store.atomic_file import StorageError
from slack_token_tui.store.settings import remember_last_app


def remember_app(home: Path, used: SlackApp, before: SlackApp | None, scopes: tuple[str, ...]) -> None:
    """Remember an app that Slack has taken, as the one used last.

    Args:
        home: where apps are remembered.
        used: the app as it was given for this sign-in; its client secret only where a person has given it.
        before: what was remembered of it when the sign-in began.
        scopes: asked for.
    """

    is_forgotten = False

    def update_app(saved: SlackApp | None) -> SlackApp | None:
        nonlocal is_forgotten
        if before is None:
            return replace(saved or used, scopes=scopes)
        if saved is None:
            is_forgotten = True  # meanwhile, so it stays so
            return None
        app = replace(saved, scopes=scopes)
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

    with suppress(StorageError):
        change_app(home, used.client_id, update_app)
        if not is_forgotten:
            remember_last_app(home, used.client_id)


def add_registered_scopes(home: Path, app: SlackApp, granted: tuple[str, ...]) -> None:
    """Where it is known which scopes ``app`` has, those that Slack has granted belong to them."""
    if set(granted) <= set(app.registered_scopes or granted):
        return

    def add_scopes(saved: SlackApp | None) -> SlackApp | None:
        if saved is None or not saved.registered_scopes:
            return None
        return replace(saved, registered_scopes=tuple(dict.fromkeys((*saved.registered_scopes, *granted))))

    with suppress(StorageError):
        change_app(home, app.client_id, add_scopes)
