"""Functions to patch in where a disk has to fail."""

from __future__ import annotations

import errno
from typing import Any

from slack_token_tui.store.errors import StorageError


def raise_disk_full(*_: object, **__: object) -> Any:
    """Raise the error that the system raises on a full disk."""
    raise OSError(errno.ENOSPC, "No space left on device")


def raise_store_full(*_: object, **__: object) -> Any:
    """Raise the error that the store raises on a full disk."""
    raise StorageError("store_full", file="x", detail="No space left on device")


def raise_store_unwritable(*_: object, **__: object) -> Any:
    """Raise the error that the store raises when a file can't be written."""
    raise StorageError("store_unwritable", file="x", detail="I/O error")
