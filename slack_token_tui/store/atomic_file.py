"""Private files and directories, written atomically."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

from slack_token_tui.store.errors import ProfileError, StorageError
from slack_token_tui.store.hot_path import access_problem, check_directory, exists

if sys.platform != "win32":
    import fcntl

_TEMP_FILE = re.compile(r"\..+\.(\d{1,20})\.[0-9a-f]+\.tmp")
_MIN_STALE_AGE_SECONDS = 3600


def to_storage_error(error: OSError, path: Path) -> StorageError:
    """Convert ``error`` on writing ``path`` to a StorageError that can be explained to the user."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError("store_full", file=str(path))
    return _to_storage_error(access_problem(str(path), error, writing=True))


def to_read_error(error: OSError, path: Path) -> StorageError:
    """Convert ``error`` on reading ``path`` to a StorageError that can be explained to the user."""
    return _to_storage_error(access_problem(str(path), error))


def _to_storage_error(problem: Exception) -> StorageError:
    """Return the same problem as a plain StorageError, because it may not be about a profile."""
    assert isinstance(problem, ProfileError)
    return StorageError(problem.code, **problem.facts)


def make_private_directory(path: Path, *, may_be_link: bool = False) -> None:
    """Create directory ``path`` with mode 0700 regardless of the umask, or check the existing one.

    Missing parents get the same mode (XDG Base Directory Specification).

    Args:
        path: the directory.
        may_be_link: see :func:`slack_token_tui.store.hot_path.check_directory`.

    Raises:
        StorageError: the directory can't be created or read, or other users can change its contents.
    """
    try:
        check_directory(str(path), may_be_link=may_be_link)  # a directory that can't be read is not missing
        for missing in reversed([directory for directory in (path, *path.parents) if not os.path.lexists(directory)]):
            with suppress(FileExistsError):
                missing.mkdir(0o700)
                with suppress(PermissionError):  # a file system that ignores permissions, which the check finds
                    missing.chmod(0o700)
        check_directory(str(path), may_be_link=may_be_link)
    except ProfileError as error:
        raise _to_storage_error(error) from None
    except OSError as error:
        raise to_storage_error(error, path) from None


def open_own(path: Path, flags: int, mode: int = 0o600) -> int:
    """Open a regular file owned by this user and return its descriptor. Links and pipes are rejected without blocking.

    Raises:
        OSError: the file can't be opened, is not a regular file, or belongs to another user.
    """
    safe_flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags | safe_flags, mode)
    status = os.fstat(descriptor)
    is_ours = sys.platform == "win32" or status.st_uid == os.geteuid()
    if not stat.S_ISREG(status.st_mode) or not is_ours:
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file that you own", str(path))
    return descriptor


def read_own(path: Path, limit: int) -> bytes:
    """Return up to ``limit`` bytes of a regular file owned by this user.

    Raises:
        OSError: the file can't be read, is not a regular file, or belongs to another user.
    """
    with os.fdopen(open_own(path, os.O_RDONLY), "rb") as file:
        return file.read(limit)


def check_directory_writable(directory: Path) -> None:
    """Check that files in ``directory`` can be created, replaced and deleted, as far as its permissions tell.

    Raises:
        StorageError: they can't be.
    """
    if sys.platform != "win32" and exists(str(directory)) and not os.access(directory, os.W_OK | os.X_OK):
        code = errno.EROFS if os.statvfs(directory).f_flag & os.ST_RDONLY else errno.EACCES
        raise to_storage_error(OSError(code, os.strerror(code)), directory)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the file at ``path`` with ``content`` and mode 0600. After a crash it has the old or the new content.

    Raises:
        StorageError: the file could not be written.
    """
    temp_path = path.with_name(f".{path.stem}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        _write_new_file(temp_path, content)
        temp_path.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise to_storage_error(error, path) from None
    finally:
        with suppress(OSError):
            temp_path.unlink()


def _write_new_file(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        if sys.platform != "win32":
            with suppress(PermissionError):  # a file system that ignores permissions, which is found below
                os.fchmod(descriptor, 0o600)  # a umask of 0777 would remove all permissions
            if os.fstat(descriptor).st_mode & 0o077:
                raise StorageError("store_ignores_permissions", file=str(path.parent))
        remaining = memoryview(content)
        while remaining:
            remaining = remaining[os.write(descriptor, remaining) :]
        sync(descriptor)
    finally:
        os.close(descriptor)


def sync(descriptor: int) -> None:
    """Flush a file to the physical disk."""
    if sys.platform == "darwin":
        # On macOS, fsync only reaches the drive's cache.
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def sync_directory(path: Path) -> None:
    """Flush directory ``path``, so that new and renamed files in it survive a crash.

    Errors are ignored: some file systems can't do it, a directory without read permission can't be opened, and the
    change itself has been made.
    """
    if sys.platform == "win32":
        return
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_temp_files_of_dead_processes(directory: Path) -> None:
    """Delete temporary files in ``directory`` whose process has exited. They may contain tokens.

    Processes in other containers can't be checked by ID, so files under an hour old are not deleted.
    """
    if sys.platform == "win32":
        return  # signal 0 means Ctrl+C on Windows, so os.kill() cannot test for a process
    with suppress(OSError):
        for path in directory.iterdir():
            match = _TEMP_FILE.fullmatch(path.name)
            if (
                match
                and path.lstat().st_mtime < time.time() - _MIN_STALE_AGE_SECONDS
                and not _is_running(int(match[1]))
            ):
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
    """Delete temporary files of ``path`` left by killed processes. The caller must hold the lock of ``path``."""
    # Names may contain dots, so files of acme.eu must not match acme.
    pattern = re.compile(re.escape(f".{path.stem}.") + r"\d+\.[0-9a-f]+\.tmp")
    with suppress(OSError):
        for temp_path in path.parent.iterdir():
            if pattern.fullmatch(temp_path.name):
                with suppress(OSError):
                    temp_path.unlink()
