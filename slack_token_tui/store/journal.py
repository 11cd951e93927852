"""Write-ahead journal of a token refresh: intent before the request, raw response after it.

The journal file is allocated on disk before anything is sent, so that a full disk is detected in time. It has two
slots of fixed size: one for the intent and one for the response. Each entry is written with one system call into the
allocated space. If the process is killed, a slot is therefore either empty or complete. An entry that is neither
counts as not written.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import EndpointVariant
from slack_token_tui.store import fallback_dir, keyring
from slack_token_tui.store.atomic_file import (
    make_private_directory,
    open_own,
    read_own,
    sync,
    sync_directory,
    to_read_error,
    to_storage_error,
)
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.hot_path import exists

_PARSE_ERRORS = (ValueError, KeyError, TypeError, OverflowError, RecursionError)
"""Exceptions raised while parsing a damaged entry. Such an entry counts as not written."""
_NO_JOURNAL = (errno.ENOENT, errno.EINVAL, errno.ELOOP, errno.ENXIO)
"""Errors of :func:`read_own` if there is no file, or a link, a pipe or a device, which this program did not write."""
_INTENT_BYTES = 1024
_HEADER_BYTES = 128
_RESERVED_BYTES = 96 * 1024
"""Space for both slots with the largest accepted response (64 KiB), and for saving the profile afterwards."""


@dataclass(frozen=True)
class RefreshIntent:
    """A refresh request that is about to be sent. It may use up the refresh token.

    Attributes:
        digest: the digest of the refresh token, from :func:`token_digest`.
        variant: the endpoint variant that receives the request.
        sent_at: when the request is sent.
        first_unanswered_at: when the first unanswered request with the same refresh token was sent, or None.
    """

    digest: str
    variant: EndpointVariant
    sent_at: datetime
    first_unanswered_at: datetime | None = None


@dataclass(frozen=True)
class UnfinishedRefresh:
    """The content of a journal: the intent and, if one arrived, the raw response, which has not been parsed."""

    intent: RefreshIntent
    response: bytes | None


def token_digest(token: Secret) -> str:
    """Return the SHA-256 digest that a journal stores instead of the refresh token."""
    return hashlib.sha256(token.reveal().encode()).hexdigest()


class Journal:
    """The journal of one profile. Use it only while holding the profile's lock."""

    def __init__(self, home: Path, profile_id: str, *, in_keyring: bool) -> None:
        """
        Args:
            home: the config directory.
            profile_id: the profile's random ID. Unlike its name, it never changes.
            in_keyring: whether responses are stored in the keyring. The file then contains no secrets.
        """
        self.path = home / "journal" / f"{profile_id}.journal"
        self._home = home
        self._item = f"{profile_id}.journal"
        self._in_keyring = in_keyring
        self._descriptor: int | None = None

    @property
    def exists(self) -> bool:
        """Whether an earlier process left a journal."""
        return any(exists(str(path)) for path in self._paths())

    def read(self, digest: str | None = None) -> UnfinishedRefresh | None:
        """Return the refresh that an earlier process left unfinished, or None if it had not sent a request.

        Args:
            digest: the digest that the entry's refresh token must have. None accepts any digest.

        Raises:
            StorageError: the journal exists and can't be read, so a response may be in it.
        """
        for path in self._paths():
            try:
                content = read_own(path, _RESERVED_BYTES * 2)
            except OSError as error:
                if error.errno in _NO_JOURNAL:
                    continue
                raise to_read_error(error, path) from None
            with suppress(*_PARSE_ERRORS):
                unfinished = self._parse(content)
                if unfinished is not None and digest in (None, unfinished.intent.digest):
                    return unfinished
        return None

    def _paths(self) -> list[Path]:
        """Return all possible paths, fallback files first: they exist only if the regular file was not writable."""
        names = fallback_dir.file_names(self._home, self.path.name)
        fallback_paths = [
            directory / name
            for directory in fallback_dir.fallback_dirs()
            if fallback_dir.is_private(directory)
            for name in names
        ]
        return [*fallback_paths, self.path]

    def _parse(self, content: bytes) -> UnfinishedRefresh | None:
        record = json.loads(content[:_INTENT_BYTES])
        first_unanswered_at = record["doubted_at"]
        refresh_intent = RefreshIntent(
            digest=str(record["digest"]),
            variant=EndpointVariant(record["pair"]),
            sent_at=datetime.fromisoformat(record["sent_at"]),
            first_unanswered_at=datetime.fromisoformat(first_unanswered_at) if first_unanswered_at else None,
        )
        return UnfinishedRefresh(refresh_intent, self._parse_response(content))

    def _parse_response(self, content: bytes) -> bytes | None:
        """Return the response if it was written completely, or None."""
        try:
            header = json.loads(content[_INTENT_BYTES : _INTENT_BYTES + _HEADER_BYTES])
            length, digest = int(header["length"]), str(header["sha256"])
        except _PARSE_ERRORS:
            return None
        if not 0 <= length <= _RESERVED_BYTES:
            return None
        body = content[_INTENT_BYTES + _HEADER_BYTES :][:length]
        if hashlib.sha256(body).hexdigest() == digest:
            return body
        # A keyring profile has the response in its file only if the keyring failed and the fallback was used.
        saved = keyring.load_item(self._item) if self._in_keyring else None
        body = saved.reveal().encode("latin-1") if saved else b""
        return body if hashlib.sha256(body).hexdigest() == digest else None

    def reserve(self) -> None:
        """Create the journal and allocate space for everything that will be written. Existing content is preserved.

        Raises:
            StorageError: the disk is full or not writable. Nothing has been sent.
        """
        try:
            make_private_directory(self.path.parent)
            self._descriptor = open_own(self.path, os.O_RDWR | os.O_CREAT)
            if hasattr(os, "fchmod"):
                os.fchmod(self._descriptor, 0o600)
            _allocate(self._descriptor)
            sync(self._descriptor)
            sync_directory(self.path.parent)
        except OSError as error:
            self.close()
            with suppress(StorageError):
                if self.read() is None:
                    self.remove()
            raise to_storage_error(error, self.path) from None

    def write_intent(self, intent: RefreshIntent) -> None:
        """Write the intent before the refresh token is used. This erases a response in the second slot.

        Raises:
            StorageError: the intent could not be written, so the request must not be sent.
        """
        self._write(_intent_slot(intent) + bytes(_HEADER_BYTES), 0)

    def write_response(self, body: bytes) -> None:
        """Write the complete response, unparsed.

        Raises:
            StorageError: the response could not be written.
        """
        file_content = b"" if self._in_keyring else body
        self._write(_response_header(body) + file_content, _INTENT_BYTES)
        if self._in_keyring:
            # The header is written first: without it, recovery would not look in the keyring.
            keyring.save_item(self._item, Secret(body.decode("latin-1")))
        # Free the unused space: saving the profile needs it.
        with suppress(OSError):
            os.ftruncate(self._descriptor or -1, _INTENT_BYTES + _HEADER_BYTES + len(file_content))

    def save_to_fallback(self, intent: RefreshIntent, body: bytes) -> Path:
        """Save the intent and the response in a fallback directory and return the file's path.

        Use it if neither the journal nor the profile can be written.

        Raises:
            StorageError: no fallback directory is writable.
        """
        return fallback_dir.save_to_fallback(
            self._home, self.path.name, _intent_slot(intent) + _response_header(body) + body
        )

    def close(self) -> None:
        """Close the file without deleting it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def remove(self) -> None:
        """Delete the journal, with its copies in fallback directories and the keyring."""
        self.close()
        for path in self._paths():
            with suppress(OSError):
                path.unlink()
        if self._in_keyring:
            keyring.try_delete_item(self._item)

    def _write(self, content: bytes, offset: int) -> None:
        assert self._descriptor is not None, "reserve() comes first"
        try:
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            if os.write(self._descriptor, content) != len(content):
                raise OSError(errno.EIO, "only partly written")
            sync(self._descriptor)
        except OSError as error:
            raise to_storage_error(error, self.path) from None


def _intent_slot(intent: RefreshIntent) -> bytes:
    text = json.dumps(
        {
            "digest": intent.digest,
            "pair": str(intent.variant),
            "sent_at": intent.sent_at.isoformat(),
            "doubted_at": intent.first_unanswered_at.isoformat() if intent.first_unanswered_at else None,
        }
    )
    return text.encode().ljust(_INTENT_BYTES)


def _response_header(body: bytes) -> bytes:
    text = json.dumps({"length": len(body), "sha256": hashlib.sha256(body).hexdigest()})
    return text.encode().ljust(_HEADER_BYTES)


def _allocate(descriptor: int) -> None:
    missing = _RESERVED_BYTES - os.fstat(descriptor).st_size
    if missing <= 0:
        return
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, _RESERVED_BYTES)
            return
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
    # macOS and some file systems have no posix_fallocate. Writing zeros allocates the space too.
    os.lseek(descriptor, 0, os.SEEK_END)
    while missing > 0:
        missing -= os.write(descriptor, bytes(min(missing, 16 * 1024)))
