"""What a refresh has come to, written down before and after the moment that spends the refresh token.

A journal file is reserved on disk before anything is sent, so that a full disk is found in time. It has two slots of fixed
size, the intent and the answer, and every entry is one system call into the reserved space: a process that is killed
leaves a slot empty or whole. An entry that is neither counts as not written.
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
    to_storage_error,
)

_DAMAGE = (ValueError, KeyError, TypeError, OverflowError, RecursionError)
"""What reading a damaged entry raises. Such an entry counts as not written."""
_INTENT_BYTES = 1024
_HEADER_BYTES = 128
_RESERVED_BYTES = 96 * 1024
"""Room for both slots with the largest answer that is taken (64 KiB), and to save the profile after it."""


@dataclass(frozen=True)
class RefreshIntent:
    """A refresh token is about to be spent.

    Attributes:
        digest: of the refresh token.
        pair: whose method is asked.
        sent_at: when.
        first_unanswered_at: when an earlier request with the same token went out whose answer never came.
    """

    digest: str
    variant: EndpointVariant
    sent_at: datetime
    first_unanswered_at: datetime | None = None


@dataclass(frozen=True)
class UnfinishedRefresh:
    """What a journal says: the request went out, and perhaps the answer came, which nobody has looked at."""

    intent: RefreshIntent
    response: bytes | None


def token_digest(token: Secret) -> str:
    """Return what a journal holds in the place of a refresh token."""
    return hashlib.sha256(token.reveal().encode()).hexdigest()


class Journal:
    """The journal of one profile. Use it under the profile's lock alone."""

    def __init__(self, home: Path, profile_id: str, *, in_keyring: bool) -> None:
        """
        Args:
            home: the directory of profiles.
            profile_id: the profile's own random id; names change.
            in_keyring: whether answers go to the keyring; the file then holds what is no secret.
        """
        self.path = home / "journal" / f"{profile_id}.journal"
        self._home = home
        self._item = f"{profile_id}.journal"
        self._in_keyring = in_keyring
        self._descriptor: int | None = None

    @property
    def exists(self) -> bool:
        """Whether an earlier process left anything at all."""
        return any(path.exists() for path in self._paths())

    def read(self, digest: str | None = None) -> UnfinishedRefresh | None:
        """Return what an earlier process left, or None when it had not sent anything.

        Args:
            digest: of the refresh token that it must be about.
        """
        for path in self._paths():
            with suppress(OSError, *_DAMAGE):
                if (found := self._parse(read_own(path, _RESERVED_BYTES * 2))) and digest in (
                    None,
                    found.intent.digest,
                ):
                    return found
        return None

    def _paths(self) -> list[Path]:
        """Where it may be, the surer place first: what was rescued could not be written here."""
        names = fallback_dir.file_names(self._home, self.path.name)
        rescued = [
            place / name for place in fallback_dir.fallback_dirs() if fallback_dir.is_private(place) for name in names
        ]
        return [*rescued, self.path]

    def _parse(self, content: bytes) -> UnfinishedRefresh | None:
        intent = json.loads(content[:_INTENT_BYTES])
        doubted_at = intent["doubted_at"]
        unfinished = RefreshIntent(
            digest=str(intent["digest"]),
            variant=EndpointVariant(intent["pair"]),
            sent_at=datetime.fromisoformat(intent["sent_at"]),
            first_unanswered_at=datetime.fromisoformat(doubted_at) if doubted_at else None,
        )
        return UnfinishedRefresh(unfinished, self._parse_response(content))

    def _parse_response(self, content: bytes) -> bytes | None:
        """Return the answer when it is there from its first byte to its last."""
        try:
            header = json.loads(content[_INTENT_BYTES : _INTENT_BYTES + _HEADER_BYTES])
            length, digest = int(header["length"]), str(header["sha256"])
        except _DAMAGE:
            return None
        if not 0 <= length <= _RESERVED_BYTES:
            return None
        body = content[_INTENT_BYTES + _HEADER_BYTES :][:length]
        if hashlib.sha256(body).hexdigest() == digest:
            return body
        # The rescued journal of a keyring profile holds the answer itself: the keyring had not taken it.
        saved = keyring.load_item(self._item) if self._in_keyring else None
        body = saved.reveal().encode("latin-1") if saved else b""
        return body if hashlib.sha256(body).hexdigest() == digest else None

    def reserve(self) -> None:
        """Make the journal, with room for all that will be written. What is in it already stays.

        Raises:
            StorageError: there is no room, or nothing can be written here. Nothing was sent then.
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
            if self.read() is None:
                self.remove()
            raise to_storage_error(error, self.path) from None

    def write_intent(self, intent: RefreshIntent) -> None:
        """Write that the refresh token is about to be spent. An answer in the second slot is gone with it.

        Raises:
            StorageError: it could not be written, so the request must not go out.
        """
        self._write(_intent_slot(intent) + bytes(_HEADER_BYTES), 0)

    def write_response(self, body: bytes) -> None:
        """Write the whole answer, unread.

        Raises:
            StorageError: it could not be written.
        """
        kept_here = b"" if self._in_keyring else body
        self._write(_response_header(body) + kept_here, _INTENT_BYTES)
        if self._in_keyring:
            # The header first: an answer that nothing tells of would not be looked for.
            keyring.save_item(self._item, Secret(body.decode("latin-1")))
        # The room that is left is needed for the profile now.
        with suppress(OSError):
            os.ftruncate(self._descriptor or -1, _INTENT_BYTES + _HEADER_BYTES + len(kept_here))

    def save_to_fallback(self, intent: RefreshIntent, body: bytes) -> Path:
        """Write intent and answer into the runtime directory, when neither journal nor profile can be written.

        Raises:
            StorageError: that cannot be written either.
        """
        return fallback_dir.save_to_fallback(
            self._home, self.path.name, _intent_slot(intent) + _response_header(body) + body
        )

    def close(self) -> None:
        """Close the file and leave it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def remove(self) -> None:
        """Nothing is unfinished any more."""
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
                raise OSError(errno.EIO, "written in part")
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
    # macOS and some file systems cannot reserve; zeros take the room as well.
    os.lseek(descriptor, 0, os.SEEK_END)
    while missing > 0:
        missing -= os.write(descriptor, bytes(min(missing, 16 * 1024)))
