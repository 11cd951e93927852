"""Saved Slack apps: Client ID, endpoints, redirect URLs, scopes and browser command."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from slack_token_tui.problems import InvalidInput
from slack_token_tui.sanitize import clean
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client_id import parse_client_id
from slack_token_tui.slack.endpoints import SLACK, Endpoints, EndpointVariant, is_loopback, parse_base_url
from slack_token_tui.slack.scopes import parse_scopes
from slack_token_tui.store import locks
from slack_token_tui.store.atomic_file import (
    make_private_directory,
    remove_stale_temp_files,
    to_storage_error,
    write_atomically,
)
from slack_token_tui.store.errors import ProfileError, StorageError
from slack_token_tui.store.hot_path import SCHEMA, check_directories, list_directory, read_record
from slack_token_tui.store.settings import change_settings, read_settings, stores_in_keyring

LOOPBACK_REDIRECT_URIS = tuple(f"http://localhost:{port}/callback" for port in (28417, 28418, 28419))
"""Redirect URLs registered with the app, tried in order. Slack compares them exactly, so the host is ``localhost``."""
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_MAX_NAME_LENGTH, _MAX_COMMAND_LENGTH = 80, 500


@dataclass(frozen=True)
class SlackApp:
    """A Slack app with the settings needed to sign in.

    Attributes:
        client_id: the Client ID from Basic Information → App Credentials.
        endpoints: the Slack base URL and the OAuth endpoint variant.
        redirect_uris: the redirect URLs registered with the app. Either loopback URLs that are tried in order, or one
            https URL, where the user pastes the callback URL.
        scopes: the scopes requested by the last sign-in.
        client_secret: the client secret of a confidential client. A PKCE app must not send one.
        secret_in_keyring: whether the client secret is stored in the keyring. :func:`with_secret` loads it.
        name: the display name chosen by the user, or "" to show the Client ID.
        browser: the command that opens Slack for this app, in the format of ``BROWSER``, or "" for the default browser.
        registered_scopes: the user scopes registered with the app, or empty if unknown.
        extra: unrecognized keys in the file. They are preserved when the file is saved.
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
        """Whether the app authenticates with a client secret instead of PKCE."""
        return self.client_secret is not None or self.secret_in_keyring

    def with_endpoints(self, endpoints: Endpoints) -> SlackApp:
        """Return a copy of the app that uses ``endpoints``.

        The copy has no client secret if the base URL differs. A secret must only be sent to the Slack it was saved for.
        """
        if endpoints.base == self.endpoints.base:
            return replace(self, endpoints=endpoints)
        return replace(self, endpoints=endpoints, client_secret=None, secret_in_keyring=False)

    @property
    def display_name(self) -> str:
        """The app name, or the Client ID if there is no name."""
        return self.name or self.client_id

    @property
    def unusable_reason(self) -> str | None:
        """Why the app can't be used to sign in, as a sentence, or None if it can."""
        if self.is_confidential and not all(uri.startswith("https://") for uri in self.redirect_uris):
            return (
                "An app with a client secret needs a registered https redirect URL. Slack allows http://localhost only "
                "with PKCE. Enter the https URL or remove the secret."
            )
        return None


def is_loopback_redirect(redirect_uri: str) -> bool:
    """Return whether the listener can serve ``redirect_uri``. It serves only plain http on loopback."""
    parts = urlsplit(redirect_uri)
    return parts.scheme == "http" and is_loopback(parts.hostname)


def parse_redirect_uri(uri: str) -> str:
    """Return ``uri``, stripped, if it is a valid redirect URL: http on localhost with a port, or any https URL.

    Raises:
        ValueError: the URL is not valid. The message can be shown to the user.
    """
    uri = uri.strip()
    if not all("!" <= character <= "~" for character in uri):
        raise InvalidInput("A URL can't contain spaces or non-ASCII characters.")
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        raise InvalidInput("That isn't a URL.") from None
    if "#" in uri:
        raise InvalidInput("A redirect URL can't contain #.")
    if "@" in parts.netloc:
        raise InvalidInput("A redirect URL can't contain a username.")
    if parts.scheme == "https" and parts.hostname:
        return uri
    if parts.scheme == "http" and parts.hostname in _LOOPBACK_HOSTS:
        if not port:
            raise InvalidInput("A redirect URL on localhost needs a port, such as http://localhost:28417/callback.")
        return uri
    raise InvalidInput("A redirect URL is http://localhost:PORT/PATH or starts with https://.")


def read_app(home: Path, client_id: str) -> SlackApp | None:
    """Return the saved app, or None if there is none or its file can't be used."""
    try:
        return load_app(home, client_id)
    except (ValueError, StorageError):
        return None


def load_app(home: Path, client_id: str) -> SlackApp | None:
    """Return the saved app, or None if there is none.

    Raises:
        ValueError: ``client_id`` is not a Client ID.
        StorageError: ``app_unreadable``: the file exists but can't be used.
    """
    return _load(_path(home, client_id))


def list_apps(home: Path) -> list[SlackApp]:
    """Return all saved apps: the last used app first, then the others by file modification time, newest first.

    Raises:
        StorageError: the directory can't be read, or other users can change its contents.
    """
    last = read_settings(home).get("last_app")
    ranked: list[tuple[bool, float, SlackApp]] = []
    for path in _list_files(home):
        app = read_app(home, path.stem)
        if app is not None:
            with suppress(OSError):  # forgotten meanwhile
                ranked.append((app.client_id == last, path.stat().st_mtime, app))
    return [app for *_, app in sorted(ranked, key=lambda item: item[:2], reverse=True)]


def last_used_app(home: Path) -> SlackApp | None:
    """Return the app that was used last, or None if there is none or the apps can't be read."""
    try:
        return next(iter(list_apps(home)), None)
    except StorageError:
        return None


def save_app(home: Path, app: SlackApp, *, in_keyring: bool | None = None) -> None:
    """Save ``app``.

    Args:
        home: the config directory.
        app: the app to save, including its client secret if it has one.
        in_keyring: whether to store the secret in the keyring. None leaves an existing secret where it is and stores a
            new one according to the ``storage`` setting.

    Raises:
        StorageError: the app could not be saved. ``app_unreadable`` means that its file exists but can't be read, so it
            was not overwritten.
    """
    make_private_directory(home / "apps")
    with locks.acquire(home / "locks", f"app-{app.client_id}"):
        _save(home, app, in_keyring)


def change_app(home: Path, client_id: str, change: Callable[[SlackApp | None], SlackApp | None]) -> None:
    """Update the saved app under its lock, so that concurrent changes by other processes are not lost.

    Args:
        home: the config directory.
        client_id: the app's Client ID.
        change: a function that receives the saved app, or None if there is none. It returns the app to save, or None to
            change nothing.

    Raises:
        StorageError: see :func:`save_app`.
    """
    make_private_directory(home / "apps")
    with locks.acquire(home / "locks", f"app-{client_id}"):
        saved = _load(_path(home, client_id))
        app = change(saved)
        if app is not None and app != saved:
            _save(home, app, None)
        elif app is not None:
            with suppress(OSError):
                os.utime(_path(home, client_id))  # list_apps() sorts by modification time


def _save(home: Path, app: SlackApp, in_keyring: bool | None) -> None:
    """Save ``app``. The caller must hold its lock."""
    path = _path(home, app.client_id)
    if in_keyring is None:
        in_keyring = app.secret_in_keyring or (app.client_secret is not None and stores_in_keyring(home))
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
    remove_stale_temp_files(path)  # a killed process may have left a client secret in one
    item, previous = _keyring_item(app.client_id), _load(path)
    moves_out_of_keyring = previous is not None and previous.secret_in_keyring and not in_keyring
    if in_keyring and app.client_secret is not None:
        _import_keyring().save_item(item, app.client_secret)
    elif moves_out_of_keyring and app.client_secret is None:
        _import_keyring().delete_item(item)  # while the file still refers to it
    try:
        write_atomically(path, json.dumps(record, indent=1).encode())
    except StorageError:
        if in_keyring and not (previous is not None and previous.secret_in_keyring):
            _import_keyring().try_delete_item(item)  # no file refers to it
        raise
    if moves_out_of_keyring and app.client_secret is not None:
        try:
            _import_keyring().delete_item(item)  # only after the file contains the secret
        except StorageError:
            keyring_record = {**record, "client_secret": None, "secret_in_keyring": True}
            # The secret is still in the keyring, so the file must refer to it.
            write_atomically(path, json.dumps(keyring_record, indent=1).encode())
            raise


def with_secret(app: SlackApp) -> SlackApp:
    """Return ``app`` with its client secret, loaded from the keyring if it is stored there.

    Raises:
        StorageError: ``keyring_…``, or ``client_secret_gone`` if the keyring no longer has the secret.
    """
    if app.client_secret is not None or not app.secret_in_keyring:
        return app
    secret = _import_keyring().load_item(_keyring_item(app.client_id))
    if secret is None:
        raise StorageError("client_secret_gone", client_id=app.client_id)
    return replace(app, client_secret=secret)


def move_secret(home: Path, app: SlackApp, *, to_keyring: bool) -> None:
    """Move the client secret of ``app`` to the keyring or back to the app's file.

    Raises:
        StorageError: the secret could not be moved. Nothing was changed.
    """
    with locks.acquire(home / "locks", f"app-{app.client_id}"):
        saved = _load(_path(home, app.client_id))
        if saved is not None and saved.is_confidential and saved.secret_in_keyring != to_keyring:
            _save(home, with_secret(saved), to_keyring)


def forget_app(home: Path, app: SlackApp) -> None:
    """Forget ``app`` and delete its client secret. Its profiles and the app in Slack are not changed.

    Raises:
        StorageError: the secret or the file could not be deleted. The file is deleted only after the secret.
    """
    path = _path(home, app.client_id)
    with locks.acquire(home / "locks", f"app-{app.client_id}"):
        saved = read_app(home, app.client_id)
        if app.secret_in_keyring or (saved is not None and saved.secret_in_keyring):
            _import_keyring().delete_item(_keyring_item(app.client_id))
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise to_storage_error(error, path) from None
    if read_settings(home).get("last_app") == app.client_id:
        with suppress(StorageError):
            change_settings(home, last_app=None)


def _path(home: Path, client_id: str) -> Path:
    return home / "apps" / f"{parse_client_id(client_id)}.json"


_FILE_ERRORS = {
    "profile_exposed": "it's readable by other users",
    "profile_not_ours": "it belongs to another user",
    "profile_not_a_file": "it isn't a regular file",
    "profile_too_new": "it was saved by a newer version",
}
"""What an error of a profile file means for the file of an app."""


def _load(path: Path) -> SlackApp | None:
    """Return the app in the file at ``path``, or None if there is no file.

    Raises:
        StorageError: ``app_unreadable``: the file can't be used and must not be overwritten.
    """
    try:
        check_directories(str(path.parent.parent), path.parent.name)
        app = _from_dict(read_record(str(path)))
        if app.client_id != path.stem:
            raise ValueError(f"it's for {app.client_id}")
        return app
    except FileNotFoundError:
        return None
    except ProfileError as error:
        detail = _FILE_ERRORS.get(error.code) or error.facts.get("detail", error.code)
        raise StorageError("app_unreadable", file=str(path), detail=detail) from None
    except ValueError as error:
        raise StorageError("app_unreadable", file=str(path), detail=clean(str(error), 120)) from None


def unreadable_apps(home: Path) -> list[StorageError]:
    """Return one error for each app file that can't be used.

    Raises:
        StorageError: see :func:`list_apps`.
    """
    errors = []
    for path in _list_files(home):
        try:
            _load(path)
        except StorageError as error:
            errors.append(error)
    return errors


def _list_files(home: Path) -> list[Path]:
    """Return the app files, sorted."""
    check_directories(str(home), "apps")
    directory = home / "apps"
    files = map(PurePath, list_directory(str(directory)))
    return sorted(directory / file for file in files if file.suffix == ".json" and file.stem[:1].isdigit())


def _import_keyring() -> ModuleType:
    from slack_token_tui.store import keyring  # imported only if a secret is stored there

    return keyring


def _keyring_item(client_id: str) -> str:
    return f"app.{client_id}.client_secret"


def _from_dict(record: dict[str, Any]) -> SlackApp:
    """Return the app in ``record``, or raise ValueError if a required value is missing or invalid."""
    redirect_uris, secret = record.get("redirect_uris"), record.get("client_secret")
    valid_uris = tuple(filter(_is_redirect_uri, map(str, redirect_uris if isinstance(redirect_uris, list) else ())))
    if not valid_uris:
        raise ValueError("it has no redirect URL")
    return SlackApp(
        client_id=parse_client_id(str(record.get("client_id"))),
        endpoints=Endpoints(
            parse_base_url(str(record.get("slack", SLACK))),
            EndpointVariant(record.get("oauth", EndpointVariant.V2_USER)),
        ),
        redirect_uris=valid_uris,
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
    """Return the scopes in ``value``, or none if it is invalid. The user then selects scopes again."""
    try:
        return parse_scopes(" ".join(map(str, value))) if isinstance(value, list) and value else ()
    except ValueError:
        return ()


def _is_redirect_uri(uri: str) -> bool:
    """Return whether ``uri`` is a valid redirect URL. An app needs only one, so invalid ones are ignored."""
    try:
        return bool(parse_redirect_uri(uri))
    except ValueError:
        return False


def _parse_text(value: object, max_length: int) -> str:
    return clean(value, max_length) if isinstance(value, str) else ""
