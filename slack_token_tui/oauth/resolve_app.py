"""What to sign in with: what was given first, then what the named profile had, then the app used last."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from slack_token_tui.problems import explain
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client_id import checked_client_id
from slack_token_tui.slack.endpoints import Endpoints, EndpointVariant, checked_base
from slack_token_tui.slack.scopes import DEFAULT_SCOPES, scopes_to_ask_for
from slack_token_tui.store.apps import SlackApp, checked_redirect_uri, read_app
from slack_token_tui.store.hot_path import ProfileFileError, is_allowed_new_name
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import read_settings


class NoAppKnown(ValueError):
    """Nobody has ever said with which app to sign in."""


def chosen_app(
    store: ProfileStore,
    *,
    name: str | None = None,
    client_id: str | None = None,
    client_secret: Secret | None = None,
    scopes: str | None = None,
    redirect_uris: tuple[str, ...] = (),
    slack_url: str | None = None,
    oauth: str | None = None,
) -> tuple[SlackApp, tuple[str, ...]]:
    """Return the app and the scopes to sign in with. None, or nothing, stands for what was not given.

    Raises:
        NoAppKnown: no Client ID was given, and none is remembered.
        ValueError: with a sentence, when something cannot be what it should be.
    """
    if name is not None and not is_allowed_new_name(name):
        raise ValueError(explain("profile_name_invalid").happened)
    older = None
    if name is not None:
        with suppress(FileNotFoundError, ProfileFileError):
            older = store.read(name)
    client_id = client_id or (older.client_id if older else None) or read_settings(store.home).get("last_app")
    if not client_id:
        raise NoAppKnown(
            "No app is known here yet: give its Client ID (Your app → Basic Information → App Credentials)."
        )
    client_id = checked_client_id(client_id)
    app = read_app(store.home, client_id) or SlackApp(client_id)
    lives_on = older.endpoints if older and older.client_id == client_id else app.endpoints
    base = checked_base(slack_url) if slack_url else lives_on.base
    app = app.at(Endpoints(base, EndpointVariant(oauth) if oauth else lives_on.pair))
    app = replace(
        app,
        redirect_uris=tuple(map(checked_redirect_uri, redirect_uris)) or app.redirect_uris,
        client_secret=client_secret or app.client_secret,
    )
    if app.why_unusable:
        raise ValueError(app.why_unusable)
    if scopes is not None:
        return app, scopes_to_ask_for(scopes)
    return app, (older.scopes_asked if older else ()) or app.scopes or DEFAULT_SCOPES
