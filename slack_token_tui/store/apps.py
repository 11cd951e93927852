"""Slack apps that were signed in with: their Client ID, address, pair, redirects, scopes, and how to open Slack for them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from slack_token_tui.sanitize import clean
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client_id import parse_client_id
from slack_token_tui.slack.endpoints import SLACK, Endpoints, EndpointVariant, is_loopback, parse_base_url
from slack_token_tui.slack.scopes import parse_scopes
from slack_token_tui.store import locks
from slack_token_tui.store.atomic_file import (
    StorageError,
    make_private_directory,
    remove_stale_temp_files,
    to_storage_error,
    write_atomically,
)
from slack_token_tui.store.hot_path import SCHEMA, ProfileFileError, check_directories, read_record
from slack_token_tui.store.settings import KEYRING, change_settings, read_settings

LOOPBACK_REDIRECT_URIS = tuple(f"http://localhost:{port}/callback" for port in (28417, 28418, 28419))
"""Registered with the app and tried in order. Slack compares them character by character, so they say ``localhost``."""
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_MAX_NAME_LENGTH, _MAX_COMMAND_LENGTH = 80, 500


@dataclass(frozen=True)
class SlackApp:
    """What a sign-in needs to know of a Slack app.

    Attributes:
        client_id: from Basic Information → App Credentials.
        endpoints: the Slack it lives on, and the pair it uses.
        redirect_uris: registered with it: loopback addresses, tried in order, or one https address finished by paste.
        scopes: asked for last time.
        client_secret: only for a confidential client; a PKCE app must not send one.
        secret_in_keyring: there is a secret, and :func:`with_secret` fetches it.
        name: what a person calls it; the Client ID serves where there is none.
        browser: the command that opens Slack for this app, as in ``BROWSER``; "" for the usual one.
        registered_scopes: the user scopes that the app itself is known to have; empty when that is not known.
        extra: keys of the file that this version does not know. They are kept.
    """

    client_id: str
    endpoints: Endpoints = Endpoints()
    redirect_uris: tuple[str, ...] = LOOPBACK_REDIRECT_URIS
    scopes: tuple[str, ...] = ()
    client_secret: Secret | None = None
    secret_in_keyring: bool = False
    name: str = ""
    browser: str = ""
    registered_scopes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_confidential(self) -> bool:
        """Whether it proves itself with a client secret instead of PKCE."""
        return self.client_secret is not None or self.secret_in_keyring

    def with_endpoints(self, endpoints: Endpoints) -> SlackApp:
        """Return the app at ``endpoints``. Its client secret is for the Slack it is remembered for, and for no other."""
        if endpoints.base == self.endpoints.base:
            return replace(self, endpoints=endpoints)
        return replace(self, endpoints=endpoints, client_secret=None, secret_in_keyring=False)

    @property
    def display_name(self) -> str:
        """What to call it."""
        return self.name or self.client_id

    @property
    def unusable_reason(self) -> str | None:
        """Why no sign-in with it can work, as a sentence; None when one can."""
        if self.is_confidential and not all(address.startswith("https://") for address in self.redirect_uris):
            return (
                "An app with a client secret needs a registered https redirect: Slack takes http://localhost only from apps "
                "with PKCE, which have no secret. Give the https address, or leave the secret out."
            )
        return None


def is_loopback_redirect(redirect_uri: str) -> bool:
    """Tell whether the listener can hear at ``redirect_uri``: plain http on loopback. All else is finished by paste."""
    parts = urlsplit(redirect_uri)
    return parts.scheme == "http" and is_loopback(parts.hostname)


def parse_redirect_uri(address: str) -> str:
    """Return ``address`` when a sign-in can end there: http on localhost with a port, or https anywhere.

    Raises:
        ValueError: with a sentence for the person.
    """
    address = address.strip()
    if not all("!" <= character <= "~" for character in address):
        raise ValueError("There is something in it that no address has: a space, or a letter that is not ASCII.")
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise ValueError("That is not an address.") from None
    if "#" in address:
        raise ValueError("A redirect address has no # in it.")
    if "@" in parts.netloc:
        raise ValueError("A redirect address has no user name in it.")
    if parts.scheme == "https" and parts.hostname:
        return address
    if parts.scheme == "http" and parts.hostname in _LOOPBACK_HOSTS:
        if not port:
            raise ValueError("A redirect address on localhost needs a port, as in http://localhost:28417/callback.")
        return address
    raise ValueError("A redirect address is http://localhost:PORT/PATH, or begins with https://.")


def read_app(home: Path, client_id: str) -> SlackApp | None:
    """Return the remembered app, or None when there is none or its file cannot be used."""
    try:
        return load_app(home, client_id)
    except (ValueError, StorageError):
        return None


def load_app(home: Path, client_id: str) -> SlackApp | None:
    """Return the remembered app, or None when there is none.

    Raises:
        ValueError: that is no Client ID.
        StorageError: ``app_unreadable``: there is a file, and it cannot be used.
    """
    return _load(_path(home, client_id))


def list_apps(home: Path) -> list[SlackApp]:
    """Return every app that is remembered: the one used last first, then the others, the youngest file first."""
    last = read_settings(home).get("last_app")
    found: list[tuple[bool, float, SlackApp]] = []
    with suppress(OSError):
        for path in (home / "apps").glob("*.json"):
            app = read_app(home, path.stem) if path.stem[:1].isdigit() else None
            if app is not None:
                with suppress(OSError):
                    found.append((app.client_id == last, path.stat().st_mtime, app))
    return [app for *_, app in sorted(found, key=lambda item: item[:2], reverse=True)]


def save_app(home: Path, app: SlackApp, *, in_keyring: bool | None = None) -> None:
    """Remember ``app``.

    Args:
        home: where.
        app: what; its client secret too, if it has one.
        in_keyring: where the secret goes; None for where it is, and a new one where tokens go, as the settings say.

    Raises:
        StorageError: it could not be written; ``app_unreadable`` when its file is there and cannot be read, so it stays.
    """
    make_private_directory(home / "apps")
    with locks.acquire(home / "locks", f"app-{app.client_id}"):
        _save(home, app, in_keyring)


def change_app(home: Path, client_id: str, change: Callable[[SlackApp | None], SlackApp | None]) -> None:
    """Change the remembered app, of which others may have changed something else a moment ago.

    Args:
        home: where it is.
        client_id: its own.
        change: of what is remembered now, None when nothing is; returns what shall be, None to leave it.

    Raises:
        StorageError: as :func:`save_app`.
    """
    make_private_directory(home / "apps")
    with locks.acquire(home / "locks", f"app-{client_id}"):
        saved = _load(_path(home, client_id))
        app = change(saved)
        if app is not None and app != saved:
            _save(home, app, None)
        elif app is not None:
            with suppress(OSError):
                os.utime(_path(home, client_id))  # the youngest file is the one used last


def _save(home: Path, app: SlackApp, in_keyring: bool | None) -> None:
    """Save ``app``. The caller holds its lock."""
    path = _path(home, app.client_id)
    if in_keyring is None:
        in_keyring = app.secret_in_keyring or (
            app.client_secret is not None and read_settings(home).get("storage") == KEYRING
        )
    record = {
        **app.extra,
        "schema": SCHEMA,
        "client_id": app.client_id,
        "name": app.name,
        "slack": app.endpoints.base,
        "oauth": str(app.endpoints.variant),
        "redirect_uris": list(app.redirect_uris),
        "scopes": list(app.scopes),
        "registered_scopes": list(app.registered_scopes),
        "browser": app.browser,
        "client_secret": app.client_secret.reveal() if app.client_secret and not in_keyring else None,
        "secret_in_keyring": in_keyring,
    }
    remove_stale_temp_files(path)  # what a killed process left may hold a client secret
    item, previous = _keyring_item(app.client_id), _load(path)
    moves_out_of_keyring = previous is not None and previous.secret_in_keyring and not in_keyring
    if in_keyring and app.client_secret is not None:
        _keyring().save_item(item, app.client_secret)
    elif moves_out_of_keyring and app.client_secret is None:
        _keyring().delete_item(item)  # before the file stops pointing at it
    try:
        write_atomically(path, json.dumps(record, indent=1).encode())
    except StorageError:
        if in_keyring and not (previous is not None and previous.secret_in_keyring):
            _keyring().try_delete_item(item)  # nothing points at it
        raise
    if moves_out_of_keyring and app.client_secret is not None:
        try:
            _keyring().delete_item(item)  # after the file has it
        except StorageError:
            pointing = {**record, "client_secret": None, "secret_in_keyring": True}
            write_atomically(path, json.dumps(pointing, indent=1).encode())  # it still has it, so the file must say so
            raise


def with_secret(app: SlackApp) -> SlackApp:
    """Return ``app`` with its client secret fetched, where the keyring has one.

    Raises:
        StorageError: ``keyring_…``; ``client_secret_gone`` when it is no longer there.
    """
    if app.client_secret is not None or not app.secret_in_keyring:
        return app
    secret = _keyring().load_item(_keyring_item(app.client_id))
    if secret is None:
        raise StorageError("client_secret_gone", client_id=app.client_id)
    return replace(app, client_secret=secret)


def move_secret(home: Path, app: SlackApp, *, to_keyring: bool) -> None:
    """Keep the client secret of ``app`` in the keyring, or in its file again.

    Raises:
        StorageError: nothing was changed.
    """
    with locks.acquire(home / "locks", f"app-{app.client_id}"):
        saved = _load(_path(home, app.client_id))
        if saved is not None and saved.is_confidential and saved.secret_in_keyring != to_keyring:
            _save(home, with_secret(saved), to_keyring)


def forget_app(home: Path, app: SlackApp) -> None:
    """Forget ``app`` and its secret. Profiles that were signed in with it stay, and so does the app at Slack.

    Raises:
        StorageError: its secret or its file could not be deleted. As long as the secret may be there, so is the file.
    """
    path = _path(home, app.client_id)
    with locks.acquire(home / "locks", f"app-{app.client_id}"):
        saved = read_app(home, app.client_id)
        if app.secret_in_keyring or (saved is not None and saved.secret_in_keyring):
            _keyring().delete_item(_keyring_item(app.client_id))
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise to_storage_error(error, path) from None
    if read_settings(home).get("last_app") == app.client_id:
        with suppress(StorageError, ProfileFileError):
            change_settings(home, last_app=None)


def _path(home: Path, client_id: str) -> Path:
    return home / "apps" / f"{parse_client_id(client_id)}.json"


def _load(path: Path) -> SlackApp | None:
    """Return what is in the file, None when there is none.

    Raises:
        StorageError: ``app_unreadable``: there is one that must not be overwritten.
    """
    try:
        check_directories(str(path.parent.parent), path.parent.name)
        app = _from_dict(read_record(str(path)))
        if app.client_id != path.stem:
            raise ValueError(f"it is about {app.client_id}")
        return app
    except FileNotFoundError:
        return None
    except ProfileFileError as error:
        raise StorageError("app_unreadable", file=str(path), detail=error.detail or error.code) from None
    except ValueError as error:
        raise StorageError("app_unreadable", file=str(path), detail=clean(str(error), 120)) from None


def unreadable_apps(home: Path) -> list[StorageError]:
    """Return what is wrong with each file of an app that cannot be used."""
    found = []
    with suppress(OSError):
        for path in sorted((home / "apps").glob("[0-9]*.json")):
            try:
                _load(path)
            except StorageError as error:
                found.append(error)
    return found


def _keyring() -> ModuleType:
    from slack_token_tui.store import keyring  # only where a secret is kept there

    return keyring


def _keyring_item(client_id: str) -> str:
    return f"app.{client_id}.client_secret"


def _from_dict(record: dict[str, Any]) -> SlackApp:
    """Raises ValueError when a value is not of its kind: the app is then asked for anew."""
    redirect_uris, secret = record.get("redirect_uris"), record.get("client_secret")
    usable = tuple(filter(_is_redirect_uri, map(str, redirect_uris if isinstance(redirect_uris, list) else ())))
    if not usable:
        raise ValueError("no redirect address")
    return SlackApp(
        client_id=parse_client_id(str(record.get("client_id"))),
        endpoints=Endpoints(
            parse_base_url(str(record.get("slack", SLACK))),
            EndpointVariant(record.get("oauth", EndpointVariant.V2_USER)),
        ),
        redirect_uris=usable,
        scopes=_parse_scopes(record.get("scopes")),
        client_secret=Secret(secret) if isinstance(secret, str) and secret else None,
        secret_in_keyring=record.get("secret_in_keyring") is True,
        name=_parse_text(record.get("name"), _MAX_NAME_LENGTH),
        browser=_parse_text(record.get("browser"), _MAX_COMMAND_LENGTH),
        registered_scopes=_parse_scopes(record.get("registered_scopes")),
        extra={key: value for key, value in record.items() if key not in _KEYS},
    )


_KEYS = frozenset(
    {
        "schema",
        "client_id",
        "name",
        "slack",
        "oauth",
        "redirect_uris",
        "scopes",
        "registered_scopes",
        "browser",
        "client_secret",
        "secret_in_keyring",
    }
)


def _parse_scopes(value: object) -> tuple[str, ...]:
    """A convenience: what cannot be read is asked for anew."""
    try:
        return parse_scopes(" ".join(map(str, value))) if isinstance(value, list) and value else ()
    except ValueError:
        return ()


def _is_redirect_uri(address: str) -> bool:
    """One that can no longer be used is left out; the app is none the worse for it while there is another."""
    try:
        return bool(parse_redirect_uri(address))
    except ValueError:
        return False


def _parse_text(value: object, longest: int) -> str:
    return clean(value, longest) if isinstance(value, str) else ""
