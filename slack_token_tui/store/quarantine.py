"""Quarantine for unusable Slack responses that may contain a valid token. They are saved for the user to review."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path

from slack_token_tui.secret import Secret
from slack_token_tui.store import fallback_dir, keyring
from slack_token_tui.store.atomic_file import make_private_directory, read_own, write_atomically
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.settings import KEYRING, read_settings

_MAX_RESPONSE_BYTES = 128 * 1024


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
        return str(self.path) if self.path else f"the keyring (service {keyring.SERVICE}, item {self.item})"

    def read(self) -> bytes:
        """Return the response, or b"" if it can't be read."""
        with suppress(OSError, StorageError):
            if self.path is not None:
                return read_own(self.path, _MAX_RESPONSE_BYTES)
            saved = keyring.load_item(self.item) if self.item is not None else None
            return saved.reveal().encode("latin-1") if saved else b""
        return b""

    def delete(self) -> None:
        """Delete the response after its tokens are revoked. Errors are ignored."""
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()
        if self.item is not None:
            keyring.try_delete_item(self.item)


def quarantine(home: Path, name: str, response: Secret, *, in_keyring: bool) -> QuarantinedResponse:
    """Save ``response`` where the tokens would be: in the keyring or on disk. If that fails, use a fallback directory.

    Args:
        home: the config directory.
        name: the beginning of the file name, or of the keyring item. No earlier response is replaced.
        response: the response.
        in_keyring: whether the tokens would be in the keyring.

    Raises:
        StorageError: the response could not be saved anywhere.
    """
    content, file_name = response.reveal().encode("latin-1"), f"{name}.{os.urandom(4).hex()}.answer"
    try:
        if in_keyring:
            item = next(item for item in keyring_items(name) if not keyring.has_item(item))
            keyring.save_item(item, response)
            return QuarantinedResponse(item=item)
        make_private_directory(home / "quarantine")
        write_atomically(home / "quarantine" / file_name, content)
        return QuarantinedResponse(home / "quarantine" / file_name)
    except StorageError as error:
        with suppress(StorageError):
            return QuarantinedResponse(fallback_dir.save_to_fallback(home, file_name, content))
        raise error from None


def keyring_items(name: str) -> Iterator[str]:
    """Yield the keyring items for responses of ``name``, in order of use."""
    yield f"{name}.unusable"
    yield from (f"{name}.unusable.{number}" for number in count(2))


def list_quarantined(home: Path, name: str, *, in_keyring: bool) -> list[QuarantinedResponse]:
    """Return the quarantined responses of ``name``, wherever they are."""
    files = [*(home / "quarantine").glob("*.answer"), *fallback_dir.list_fallback_files(home)]
    found = [QuarantinedResponse(path) for path in sorted(files) if name in path.name and path.suffix == ".answer"]
    if in_keyring:
        found += [QuarantinedResponse(item=item) for item in takewhile(keyring.has_item, keyring_items(name))]
    return found


def quarantine_sign_in(home: Path, response: Secret) -> QuarantinedResponse | None:
    """Save the response to a sign-in. Return None if it could not be saved anywhere."""
    with suppress(StorageError):
        in_keyring = read_settings(home).get("storage") == KEYRING  # a file is better than nothing
        return quarantine(home, f"sign-in.{os.urandom(8).hex()}", response, in_keyring=in_keyring)
    return None
