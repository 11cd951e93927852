"""Save the app of a sign-in once Slack has sent a code, so that the next sign-in can use it.

Changes that another program made meanwhile are preserved. Saving the app is optional, so storage errors are ignored.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from slack_token_tui.store.apps import SlackApp, change_app
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.settings import remember_last_app


def remember_app(home: Path, sign_in_app: SlackApp, initial_app: SlackApp | None, scopes: tuple[str, ...]) -> None:
    """Save an app that Slack has accepted, and make it the last used app.

    Args:
        home: the config directory.
        sign_in_app: the app as configured for this sign-in. It has a client secret only if the user entered one.
        initial_app: the saved app when the sign-in began, or None.
        scopes: the requested scopes.
    """

    is_forgotten = False

    def update_app(saved: SlackApp | None) -> SlackApp | None:
        nonlocal is_forgotten
        if initial_app is None:
            return replace(saved or sign_in_app, scopes=scopes)
        if saved is None:
            is_forgotten = True  # during the sign-in, so do not save it again
            return None
        app = replace(saved, scopes=scopes)
        if sign_in_app.endpoints.base != initial_app.endpoints.base:
            # Another Slack for this sign-in only: the saved values, above all the secret, belong to the saved one.
            return app
        # Save only the values that this sign-in changed. The user may have edited the rest since. Slack has accepted the
        # redirect URL. The exchange has not used the secret yet: saving it spares typing it again after a failure.
        if sign_in_app.endpoints != initial_app.endpoints:
            app = replace(app, endpoints=sign_in_app.endpoints)
        if sign_in_app.redirect_uris != initial_app.redirect_uris:
            app = replace(app, redirect_uris=sign_in_app.redirect_uris)
        if sign_in_app.client_secret not in (None, initial_app.client_secret):
            app = replace(app, client_secret=sign_in_app.client_secret)
        return app

    with suppress(StorageError):
        change_app(home, sign_in_app.client_id, update_app)
        if not is_forgotten:
            remember_last_app(home, sign_in_app.client_id)


def add_registered_scopes(home: Path, app: SlackApp, granted: tuple[str, ...]) -> None:
    """Add the scopes that Slack granted to the registered scopes of ``app``, if the saved app lists any."""
    if set(granted) <= set(app.registered_scopes or granted):
        return

    def add_scopes(saved: SlackApp | None) -> SlackApp | None:
        if saved is None or not saved.registered_scopes:
            return None
        return replace(saved, registered_scopes=tuple(dict.fromkeys((*saved.registered_scopes, *granted))))

    with suppress(StorageError):
        change_app(home, app.client_id, add_scopes)
