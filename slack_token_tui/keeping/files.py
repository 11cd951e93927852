"""Private files, saved whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl


class StoreError(Exception):
    """What is kept could not be written, or not be fetched. What was there before is untouched.

    Attributes:
        code: the catalogue's: ``store_…`` of the disk, ``keyring_…`` of the keyring, ``profile_name_…`` of a name that
            cannot be given, ``app_unreadable`` and ``client_secret_gone`` of an app.
        facts: values that the explanation fills in.
    """

    def __init__(self, code: str, **facts: str) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


def store_error(error: OSError, path: Path) -> StoreError:
    """Return what ``error`` on ``path`` means to a person."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return StoreError(
        "store_full" if full else "store_unwritable", file=str(path), detail=error.strerror or type(error).__name__
    )


def private_directory(path: Path) -> None:
    """Make ``path`` a directory that only this user can enter, whatever the umask. One that exists is left as it is.

    Raises:
        StoreError: it cannot be made.
    """
    try:
        if path.is_dir():
            return
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            path.mkdir(0o700)
            path.chmod(0o700)
    except OSError as error:
        raise store_error(error, path) from None


def save(path: Path, content: bytes) -> None:
    """Replace the file at ``path`` by ``content``: afterwards it holds the old or the new, never a part, mode 0600.

    Raises:
        StoreError: nothing was changed.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        _write_new(temporary, content)
        temporary.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise store_error(error, path) from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def _write_new(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        if sys.platform != "win32":
            os.fchmod(descriptor, 0o600)  # a umask of 0777 would have left nothing
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        sync(descriptor)
    finally:
        os.close(descriptor)


def sync(descriptor: int) -> None:
    """Wait until what was written is on the disk."""
    if sys.platform == "darwin":
        # macOS: fsync stops at the drive's own cache.
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def sync_directory(path: Path) -> None:
    """Wait until a new or renamed name in directory ``path`` is on the disk."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Some network file systems cannot sync a directory; the file itself is safe by then.
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(path: Path) -> None:
    """Remove what killed processes left of saving ``path``. Call it under the lock: nobody else is saving then."""
    # Names may hold dots: acme's rests are not those of acme.eu.
    mine = re.compile(re.escape(f".{path.stem}.") + r"\d+\.[0-9a-f]+\.tmp")
    with suppress(OSError):
        for left_over in path.parent.iterdir():
            if mine.fullmatch(left_over.name):
                with suppress(OSError):
                    left_over.unlink()
