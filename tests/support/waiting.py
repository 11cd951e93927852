"""Waiting for files and processes, which send no event when they change."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], seconds: float = 60) -> bool:
    """Poll until ``condition`` is true. Return whether it became true before the time limit.

    The limit only keeps a broken program from hanging the tests.
    """
    deadline = time.monotonic() + seconds
    while not (is_true := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(is_true)
