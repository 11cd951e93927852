"""Signals that are noted while a refresh token is being spent, and obeyed afterwards."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_DEFERRED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGTSTP")


class DeferredSignals:
    """The signals that came.

    Attributes:
        numbers: in the order they came.
        on_first: called once, in the main thread, when the first comes.
    """

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.on_first: Callable[[], object] | None = None

    def handle(self, number: int, _: FrameType | None) -> None:
        """Take one signal."""
        self.numbers.append(number)
        if len(self.numbers) == 1 and self.on_first is not None:
            self.on_first()


@contextmanager
def defer_signals() -> Iterator[DeferredSignals]:
    """Note signals instead of dying of them; at the end each does what it would have done.

    Handlers, not a mask: a mask holds for one thread, and the resolver's thread is enough for the process to be killed.
    Outside the main thread no handler can be set; whoever works there starts a process of its own instead.
    """
    record = DeferredSignals()
    if threading.current_thread() is not threading.main_thread():
        yield record
        return
    previous_handlers = {}
    for name in _DEFERRED:
        number = getattr(signal, name, None)
        # Ignored stays ignored: that is how nohup and shells say so.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            previous_handlers[number] = signal.signal(number, record.handle)
    try:
        yield record
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
        for number in record.numbers:
            signal.raise_signal(number)
