"""User settings in ``settings.json``. They contain no secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from slack_token_tui.sanitize import shorten_path
from slack_token_tui.store import locks
from slack_token_tui.store.atomic_file import remove_stale_temp_files, write_atomically
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.hot_path import SCHEMA, read_settings_record

KEYRING = "keyring"
"""The value of ``storage`` in settings and profiles if tokens are stored in the system keyring."""
CLIPBOARD_SECONDS = 45
"""Default time in seconds before a copied token is cleared from the clipboard."""
_TYPES: dict[str, type] = {
    "default_profile": str,
    "last_app": str,
    "theme": str,
    "storage": str,
    "clipboard_seconds": int,
    "order": str,
}


def load_settings(home: Path) -> dict[str, Any]:
    """Return the valid settings.

    - ``default_profile``: the profile that commands use by default.
    - ``last_app``: the Client ID of the last used app.
    - ``theme``: the Textual theme.
    - ``storage``: where new sign-ins are stored, ``keyring`` or ``file``.
    - ``clipboard_seconds``: seconds before a copied token is cleared, or 0 for never.
    - ``order``: the sort order of the profile list on the home screen.

    Raises:
        StorageError: the file exists and can't be used. See
            :func:`slack_token_tui.store.hot_path.read_settings_record`.
    """
    record = read_settings_record(str(home))
    return {key: value for key, value in record.items() if isinstance(value, _TYPES.get(key, ()))}


def read_settings(home: Path) -> dict[str, Any]:
    """Return the valid settings, or none of them if the file can't be used.

    Use it only for settings that are safe to ignore, such as the theme. For where tokens are stored, call
    :func:`stores_in_keyring`.
    """
    try:
        return load_settings(home)
    except StorageError:
        return {}


def stores_in_keyring(home: Path) -> bool:
    """Return whether new tokens and client secrets are stored in the keyring instead of files.

    Raises:
        StorageError: the settings can't be used, so that is not known.
    """
    return load_settings(home).get("storage") == KEYRING


def describe_storage(home: Path, *, in_keyring: bool | None = None) -> str:
    """Return a sentence about where a new token is saved, or why none can be. Arguments: see :func:`storage_place`."""
    try:
        place = storage_place(home, in_keyring=in_keyring)
    except StorageError as error:
        return f"Tokens can't be saved yet. {error.explain().title}."
    return f"Tokens are saved in {place}." + ("" if place == _KEYRING_PLACE else " Only you can read them.")


_KEYRING_PLACE = "the system keyring"


def storage_place(home: Path, *, in_keyring: bool | None = None) -> str:
    """Return where a new token is saved: the keyring, or the path of a directory.

    Args:
        home: the config directory.
        in_keyring: whether the existing token is in the keyring if a profile is signed in again, or None. The new token
            is stored in the same place.

    Raises:
        StorageError: the settings can't be used, so that is not known.
    """
    if in_keyring is None:
        in_keyring = stores_in_keyring(home)
    return _KEYRING_PLACE if in_keyring else shorten_path(home / "profiles")


def clipboard_seconds(home: Path) -> int:
    """Return the number of seconds before a copied token is cleared from the clipboard, or 0 for never."""
    seconds = read_settings(home).get("clipboard_seconds", CLIPBOARD_SECONDS)
    return max(0, int(seconds))


def change_settings(home: Path, **changes: str | int | None) -> None:
    """Change settings. Other settings are preserved, including unknown ones. A value of None removes a setting.

    Raises:
        StorageError: the settings could not be written, or the file exists and can't be used, so it was not overwritten.
    """
    path = home / "settings.json"
    with locks.acquire(home, "settings", may_be_link=True):
        record = read_settings_record(str(home))
        record.update(changes, schema=SCHEMA)
        remove_stale_temp_files(path)
        write_atomically(
            path, json.dumps({key: value for key, value in record.items() if value is not None}, indent=1).encode()
        )


def remember_last_app(home: Path, client_id: str) -> None:
    """Save the app as the default for the next sign-in. Errors are ignored because this is only a convenience."""
    try:
        change_settings(home, last_app=client_id)
    except StorageError:
        return
