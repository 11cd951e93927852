"""Quarantine for unusable Slack responses that may contain a valid token. They are saved for the user to review."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from slack_token_tui.secret import Secret
from slack_token_tui.store import fallback_dir, keyring
from slack_token_tui.store.atomic_file import make_private_directory, write_atomically
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.settings import KEYRING, read_settings


@dataclass(frozen=True)
class QuarantinedResponse:
    """The location of a quarantined response.

    Attributes:
        path: the file, or None.
        item: the keyring item, or None.
    """

    path: Path | None = None
    item: str | None = None

    def __str__(self) -> str:
        return str(self.path) if self.path else f"item {self.item} of service {keyring.SERVICE} in the keyring"

    def delete(self) -> None:
        """Delete the response after its tokens are revoked. Errors are ignored."""
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()
        if self.item is not None:
            keyring.try_delete_item(self.item)


def quarantine(home: Path, name: str, response: Secret) -> QuarantinedResponse:
    """Save ``response`` in the quarantine directory of ``home``. The file name starts with ``name`` and a timestamp.

    Raises:
        StorageError: the file can't be written.
    """
    make_private_directory(home / "quarantine")
    path = home / "quarantine" / f"{name}.{datetime.now(UTC):%Y%m%dT%H%M%SZ}.answer"
    write_atomically(path, response.reveal().encode("latin-1"))
    return QuarantinedResponse(path)


def quarantine_in_keyring(item: str, response: Secret) -> QuarantinedResponse:
    """Save ``response`` as a keyring item.

    Raises:
        StorageError: the keyring can't store it.
    """
    keyring.save_item(item, response)
    return QuarantinedResponse(item=item)


def quarantine_sign_in(home: Path, response: Secret) -> QuarantinedResponse | None:
    """Save the response to a sign-in where new tokens are stored, or else in a fallback directory.

    Return None if it can't be saved anywhere.
    """
    name = f"sign-in.{os.urandom(8).hex()}"
    with suppress(StorageError):
        if read_settings(home).get("storage") == KEYRING:
            return quarantine_in_keyring(f"{name}.unusable", response)
        return quarantine(home, name, response)
    with suppress(StorageError):
        return QuarantinedResponse(
            fallback_dir.save_to_fallback(home, f"{name}.answer", response.reveal().encode("latin-1"))
        )
    return None
