"""Private files, saved whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

from slack_token_tui.store.hot_path import ProfileFileError, check_directory

if sys.platform != "win32":
    import fcntl

_TEMPORARY = re.compile(r"\..+\.(\d{1,20})\.[0-9a-f]+\.tmp")
_MIN_AGE_SECONDS = 3600


class StorageError(Exception):
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


def to_storage_error(error: OSError, path: Path) -> StorageError:
    """Return what ``error`` on ``path`` means to a person."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return StorageError(
        "store_full" if full else "store_unwritable", file=str(path), detail=error.strerror or type(error).__name__
    )


def make_private_directory(path: Path, *, may_be_link: bool = False) -> None:
    """Make ``path`` a directory that only this user can enter, whatever the umask, or check the one that exists.

    Missing parents are made the same way (XDG Base Directory Specification: mode 0700).

    Args:
        path: the directory.
        may_be_link: as :func:`slack_token_tui.store.hot_path.check_directory` takes it.

    Raises:
        StorageError: it cannot be made, or others can change what is in it.
    """
    try:
        for missing in reversed([directory for directory in (path, *path.parents) if not os.path.lexists(directory)]):
            with suppress(FileExistsError):
                missing.mkdir(0o700)
                missing.chmod(0o700)
        check_directory(str(path), may_be_link=may_be_link)
    except OSError as error:
        raise to_storage_error(error, path) from None
    except ProfileFileError as error:
        raise StorageError(error.code, file=error.path) from None


def open_own(path: Path, flags: int, mode: int = 0o600) -> int:
    """Open a regular file of this user and return its descriptor. Links and pipes are refused without waiting for them.

    Raises:
        OSError: it cannot be opened, or is something else.
    """
    safe = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags | safe, mode)
    status = os.fstat(descriptor)
    is_ours = sys.platform == "win32" or status.st_uid == os.geteuid()
    if not stat.S_ISREG(status.st_mode) or not is_ours:
        os.close(descriptor)
        raise OSError(errno.EPERM, "it is not a regular file of yours", str(path))
    return descriptor


def read_own(path: Path, limit: int) -> bytes:
    """Return at most ``limit`` bytes of a regular file of this user.

    Raises:
        OSError: it cannot be read, or is something else.
    """
    with os.fdopen(open_own(path, os.O_RDONLY), "rb") as file:
        return file.read(limit)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the file at ``path`` by ``content``: afterwards it holds the old or the new, never a part, mode 0600.

    Raises:
        StorageError: nothing was changed.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        _write_new_file(temporary, content)
        temporary.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise to_storage_error(error, path) from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def _write_new_file(path: Path, content: bytes) -> None:
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


def remove_temp_files_of_dead_processes(directory: Path) -> None:
    """Remove temporary files in ``directory`` whose process is gone, whatever they were for: they may hold tokens.

    A process of another container may have the same number, so what is younger than an hour is left.
    """
    if sys.platform == "win32":
        return  # signal 0 is Ctrl+C there, and nothing else tells whether a process is running
    with suppress(OSError):
        for path in directory.iterdir():
            found = _TEMPORARY.fullmatch(path.name)
            if found and path.lstat().st_mtime < time.time() - _MIN_AGE_SECONDS and not _is_running(int(found[1])):
                with suppress(OSError):
                    path.unlink()


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def remove_stale_temp_files(path: Path) -> None:
    """Remove what killed processes left of saving ``path``. Call it under the lock: nobody else is saving then."""
    # Names may hold dots: acme's rests are not those of acme.eu.
    mine = re.compile(re.escape(f".{path.stem}.") + r"\d+\.[0-9a-f]+\.tmp")
    with suppress(OSError):
        for left_over in path.parent.iterdir():
            if mine.fullmatch(left_over.name):
                with suppress(OSError):
                    left_over.unlink()
