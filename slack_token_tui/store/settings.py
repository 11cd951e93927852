"""What is remembered besides profiles and apps. No secret is among it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.store import locks
from slack_token_tui.store.atomic_file import StorageError, remove_stale_temp_files, write_atomically
from slack_token_tui.store.hot_path import SCHEMA, ProfileFileError, check_directories, read_record

KEYRING = "keyring"
CLIPBOARD_SECONDS = 45
"""How long a copied token stays on a clipboard that can be cleared."""
_TYPES: dict[str, type] = {
    "default_profile": str,
    "last_app": str,
    "theme": str,
    "storage": str,
    "clipboard_seconds": int,
    "order": str,
}


def read_settings(home: Path) -> dict[str, Any]:
    """Return the settings that can be used: ``default_profile``; ``last_app``, a Client ID; ``theme``; ``storage``, where
    new sign-ins are kept, ``keyring`` or ``file``; ``clipboard_seconds``, 0 for ever; ``order`` of the list at home.

    A settings file that cannot be read sets nothing; it is reported where it would be written.
    """
    try:
        check_directories(str(home))
        record = read_record(str(home / "settings.json"))
    except (FileNotFoundError, ProfileFileError):
        return {}
    return {key: value for key, value in record.items() if isinstance(value, _TYPES.get(key, ()))}


def describe_storage(home: Path, *, in_keyring: bool | None = None) -> str:
    """Return where a new token will be kept, as the end of "The token will be kept in …".

    Args:
        home: the directory of profiles.
        in_keyring: where the older one is, when a profile is signed in again: it stays there.
    """
    if in_keyring is None:
        in_keyring = read_settings(home).get("storage") == KEYRING
    return (
        "the keyring of this system"
        if in_keyring
        else escape_unprintable(f"{home / 'profiles'}, readable by you alone")
    )


def clipboard_seconds(home: Path) -> int:
    """Return after how many seconds a copied token is taken off the clipboard; 0 for never."""
    seconds = read_settings(home).get("clipboard_seconds", CLIPBOARD_SECONDS)
    return max(0, int(seconds))


def change_settings(home: Path, **changes: str | int | None) -> None:
    """Change some settings and keep the others, unknown ones too. None removes one.

    Raises:
        StorageError: they could not be written.
        ProfileFileError: the file is there and cannot be read, so it is not overwritten.
    """
    path = home / "settings.json"
    with locks.acquire(home, "settings", may_be_link=True):
        try:
            record = read_record(str(path))
        except FileNotFoundError:
            record = {}
        record.update(changes, schema=SCHEMA)
        remove_stale_temp_files(path)
        write_atomically(
            path, json.dumps({key: value for key, value in record.items() if value is not None}, indent=1).encode()
        )


def remember_last_app(home: Path, client_id: str) -> None:
    """Remember the app for the next sign-in. It is a convenience: what prevents it is not reported."""
    try:
        change_settings(home, last_app=client_id)
    except (StorageError, ProfileFileError):
        return
