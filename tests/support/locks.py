"""A lock that another program holds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slack_token_tui.store import locks


@contextmanager
def hold_lock(directory: Path, name: str) -> Iterator[threading.Event]:
    """Hold lock ``name`` in ``directory`` in another thread, as another process would.

    Yield an event: setting it releases the lock. The end of the block does so too.
    """
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with locks.acquire(directory, name):
            held.set()
            release.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(30)
        yield release
    finally:
        release.set()
        thread.join()
