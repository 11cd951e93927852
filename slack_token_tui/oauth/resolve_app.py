"""Choose the app and scopes of a sign-in: explicit values first, then the named profile, then the last used app."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from slack_token_tui.problems import InvalidInput, explain
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client_id import parse_client_id
from slack_token_tui.slack.endpoints import Endpoints, EndpointVariant, parse_base_url
from slack_token_tui.slack.scopes import DEFAULT_SCOPES, parse_requestable_scopes
from slack_token_tui.store.apps import SlackApp, parse_redirect_uri, read_app
from slack_token_tui.store.errors import ProfileError
from slack_token_tui.store.hot_path import is_allowed_new_name
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import read_settings


class NoAppConfigured(InvalidInput):
    """Raised when no Client ID was passed and no app was used before."""


def resolve_app(
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
    """Return the app and the scopes to sign in with. A None or empty argument means that it was not passed.

    Raises:
        NoAppConfigured: no Client ID was passed, and none is saved.
        InvalidInput: an argument is invalid.
    """
    if name is not None and not is_allowed_new_name(name):
        invalid = explain("profile_name_invalid")
        raise InvalidInput(f"{invalid.title}. {invalid.happened}")
    previous = None
    if name is not None:
        with suppress(ProfileError):
            previous = store.read(name)
    client_id = client_id or (previous.client_id if previous else None) or read_settings(store.home).get("last_app")
    if not client_id:
        raise NoAppConfigured("No app yet. Pass its Client ID, from Basic Information → App Credentials.")
    client_id = parse_client_id(client_id)
    app = read_app(store.home, client_id) or SlackApp(client_id)
    saved_endpoints = previous.endpoints if previous and previous.client_id == client_id else app.endpoints
    base = parse_base_url(slack_url) if slack_url else saved_endpoints.base
    app = app.with_endpoints(Endpoints(base, EndpointVariant(oauth) if oauth else saved_endpoints.variant))
    app = replace(
        app,
        redirect_uris=tuple(map(parse_redirect_uri, redirect_uris)) or app.redirect_uris,
        client_secret=client_secret or app.client_secret,
    )
    if app.unusable_reason:
        raise InvalidInput(app.unusable_reason)
    if scopes is not None:
        return app, parse_requestable_scopes(scopes)
    return app, (previous.requested_scopes if previous else ()) or app.scopes or DEFAULT_SCOPES
