"""Inter-process file locks, one per name."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from slack_token_tui.store.atomic_file import make_private_directory, to_storage_error
from slack_token_tui.store.errors import StorageError

WAIT_SECONDS = 30.0
_POLL_SECONDS = 0.03
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL})
"""Errors of flock(2) and fcntl(2) on file systems without locks."""


class NoLongerNeeded(Exception):
    """Raised while waiting for a lock once ``unless()`` reports that the work is already done."""


@contextmanager
def acquire(
    directory: Path,
    name: str,
    wait_seconds: float | None = None,
    unless: Callable[[], bool] | None = None,
    *,
    may_be_link: bool = False,
) -> Iterator[None]:
    """Hold lock ``name`` in ``directory``. The kernel releases it when the process exits, but the lock file stays.

    The same thread must enter and exit the context: filelock ignores a release from another thread.

    Args:
        directory: the directory of the lock file.
        name: the name of the lock.
        wait_seconds: how long to wait while another process holds the lock. None means :data:`WAIT_SECONDS`.
        unless: polled while waiting. The wait ends once it returns True.
        may_be_link: see :func:`slack_token_tui.store.atomic_file.make_private_directory`.

    Raises:
        NoLongerNeeded: ``unless()`` returned True.
        StorageError: ``store_busy`` after ``wait_seconds``, ``store_no_locks`` if the file system has no locks, or
            another one if the lock file can't be opened.
    """
    from filelock import FileLock, Timeout  # takes 40 ms to import, and only writers need it

    make_private_directory(directory, may_be_link=may_be_link)
    path = directory / f"{name}.lock"
    lock = FileLock(path, mode=0o600, blocking=False, fallback_to_soft=False, preserve_lock_file=True)
    deadline = time.monotonic() + (WAIT_SECONDS if wait_seconds is None else wait_seconds)
    while True:
        try:
            lock.acquire()
            break
        except Timeout:
            if time.monotonic() >= deadline:
                raise StorageError("store_busy", name=name) from None
            if unless is not None and unless():
                raise NoLongerNeeded from None
            time.sleep(_POLL_SECONDS)  # poll: a file lock can't notify a waiting process
        except NotImplementedError:  # how filelock reports ENOSYS
            raise StorageError("store_no_locks", file=str(path), detail=os.strerror(errno.ENOSYS)) from None
        except OSError as error:
            if error.errno in _NO_LOCKS:
                raise StorageError("store_no_locks", file=str(path), detail=str(error.strerror)) from None
            raise to_storage_error(error, path) from None
    try:
        yield
    finally:
        lock.release()
