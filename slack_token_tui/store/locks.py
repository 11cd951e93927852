"""One lock a name, between processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from slack_token_tui.store.atomic_file import StorageError, make_private_directory

WAIT_SECONDS = 30.0
_POLL_SECONDS = 0.03


class NoLongerNeeded(Exception):
    """Whoever held the lock has done what it was wanted for."""


@contextmanager
def acquire(
    directory: Path,
    name: str,
    wait_seconds: float = WAIT_SECONDS,
    unless: Callable[[], bool] | None = None,
    *,
    may_be_link: bool = False,
) -> Iterator[None]:
    """Hold the lock called ``name`` in ``directory``. The kernel frees it when the process dies; its file stays.

    It must be left by the thread that entered it: filelock ignores a release from another one.

    Args:
        directory: where the lock's file is.
        name: of the lock.
        wait_seconds: how long somebody else may hold it.
        may_be_link: as :func:`slack_token_tui.store.atomic_file.make_private_directory` takes it.
        unless: asked again and again while waiting; when it says yes, the lock is no longer wanted.

    Raises:
        NoLongerNeeded: ``unless`` said yes.
        StorageError: ``store_busy`` after ``wait_seconds``; ``store_unwritable`` when locks cannot be taken here.
    """
    from filelock import FileLock, Timeout  # 40 ms, and only who writes needs it

    make_private_directory(directory, may_be_link=may_be_link)
    path = directory / f"{name}.lock"
    lock = FileLock(path, mode=0o600, blocking=False, fallback_to_soft=False, preserve_lock_file=True)
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            lock.acquire()
            break
        except Timeout:
            if time.monotonic() >= deadline:
                raise StorageError("store_busy", name=name) from None
            if unless is not None and unless():
                raise NoLongerNeeded from None
            time.sleep(_POLL_SECONDS)  # the waiting itself; filelock has no other way to be told
        except (OSError, NotImplementedError) as error:
            raise StorageError("store_unwritable", file=str(path), detail=str(error.args[-1])) from None
    try:
        yield
    finally:
        lock.release()
