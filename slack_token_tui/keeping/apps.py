"""Slack apps that were signed in with: their Client ID, address, pair, redirects and scopes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slack_token_tui.keeping import lock
from slack_token_tui.keeping.fast_read import SCHEMA, ProfileFileError, read_record
from slack_token_tui.keeping.files import private_directory, save, sweep
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client_id import checked_client_id
from slack_token_tui.slack.endpoints import SLACK, Endpoints, Pair, checked_base, is_loopback
from slack_token_tui.slack.scopes import parse_scopes

LOOPBACK_REDIRECT_URIS = tuple(f"http://localhost:{port}/callback" for port in (28417, 28418, 28419))
"""Registered with the app and tried in order. Slack compares them character by character, so they say ``localhost``."""


@dataclass(frozen=True)
class SlackApp:
    """What a sign-in needs to know of a Slack app.

    Attributes:
        client_id: from Basic Information → App Credentials.
        endpoints: the Slack it lives on, and the pair it uses.
        redirect_uris: registered with it: loopback addresses, tried in order, or one https address finished by paste.
        scopes: asked for last time.
        client_secret: only for a confidential client; a PKCE app must not send one.
        extra: keys of the file that this version does not know. They are kept.
    """

    client_id: str
    endpoints: Endpoints = Endpoints()
    redirect_uris: tuple[str, ...] = LOOPBACK_REDIRECT_URIS
    scopes: tuple[str, ...] = ()
    client_secret: Secret | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def checked_redirect_uri(address: str) -> str:
    """Return ``address`` when a sign-in can end there: http on localhost with a port, or https anywhere.

    Raises:
        ValueError: with a sentence for the person.
    """
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError:
        raise ValueError("That is not an address.") from None
    if parts.fragment or "#" in address:
        raise ValueError("A redirect address has no # in it.")
    if parts.scheme == "https" and parts.hostname:
        return address.strip()
    if parts.scheme == "http" and parts.hostname and is_loopback(parts.hostname):
        if port is None:
            raise ValueError("A redirect address on localhost needs a port, as in http://localhost:28417/callback.")
        return address.strip()
    raise ValueError("A redirect address is http://localhost:PORT/PATH, or begins with https://.")


def read_app(home: Path, client_id: str) -> SlackApp | None:
    """Return the remembered app, or None when there is none or its file cannot be used."""
    try:
        path = _path(home, client_id)
        return _from_record(read_record(str(path)))
    except (ValueError, FileNotFoundError, ProfileFileError):
        return None


def save_app(home: Path, app: SlackApp) -> None:
    """Remember ``app``.

    Raises:
        StoreError: it could not be written.
    """
    private_directory(home / "apps")
    record = {
        **app.extra,
        "schema": SCHEMA,
        "client_id": app.client_id,
        "slack": app.endpoints.base,
        "oauth": str(app.endpoints.pair),
        "redirect_uris": list(app.redirect_uris),
        "scopes": list(app.scopes),
        "client_secret": app.client_secret.reveal() if app.client_secret else None,
    }
    path = _path(home, app.client_id)
    with lock.held(home / "locks", f"app-{app.client_id}"):
        sweep(path)  # what a killed process left may hold a client secret
        save(path, json.dumps(record, indent=1).encode())


def _path(home: Path, client_id: str) -> Path:
    return home / "apps" / f"{checked_client_id(client_id)}.json"


def _from_record(record: dict[str, Any]) -> SlackApp:
    """Raises ValueError when a value is not of its kind: the app is then asked for anew."""
    known = {"schema", "client_id", "slack", "oauth", "redirect_uris", "scopes", "client_secret"}
    redirect_uris, scopes, secret = record.get("redirect_uris"), record.get("scopes"), record.get("client_secret")
    if not isinstance(redirect_uris, list) or not redirect_uris:
        raise ValueError("no redirect address")
    return SlackApp(
        client_id=checked_client_id(str(record.get("client_id"))),
        endpoints=Endpoints(checked_base(str(record.get("slack", SLACK))), Pair(record.get("oauth", Pair.V2_USER))),
        redirect_uris=tuple(checked_redirect_uri(str(address)) for address in redirect_uris),
        scopes=parse_scopes(" ".join(map(str, scopes))) if isinstance(scopes, list) and scopes else (),
        client_secret=Secret(secret) if isinstance(secret, str) and secret else None,
        extra={key: value for key, value in record.items() if key not in known},
    )
