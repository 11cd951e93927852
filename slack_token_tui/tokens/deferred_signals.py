"""Defer termination and stop signals during a refresh and re-raise them afterwards."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_DEFERRED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGTSTP")


class DeferredSignals:
    """The signals received so far.

    Attributes:
        numbers: signal numbers, in order of arrival.
    """

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self._callbacks: list[Callable[[], object]] = []

    @contextmanager
    def calling(self, callback: Callable[[], object]) -> Iterator[None]:
        """Call ``callback`` in the main thread when the first signal arrives, or now if one has. It must not raise."""
        self._callbacks.append(callback)
        if self.numbers:
            callback()
        try:
            yield
        finally:
            self._callbacks.remove(callback)

    def suspend(self) -> None:
        """Suspend the process, as SIGTSTP asked for, and return when it is resumed. Other signals stay deferred."""
        self.numbers[:] = [number for number in self.numbers if number != signal.SIGTSTP]
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, handler)

    def handle(self, number: int, _: FrameType | None) -> None:
        """Record one signal."""
        self.numbers.append(number)
        if len(self.numbers) == 1:
            for callback in list(self._callbacks):
                callback()


@contextmanager
def defer_signals() -> Iterator[DeferredSignals]:
    """Record signals instead of acting on them, and re-raise each one on exit.

    This sets handlers because a signal mask applies to one thread only. The resolver's thread could still receive the
    signal, and that would kill the process.

    Handlers can be set only in the main thread. In any other thread this does nothing: there the work runs in a child
    process, or receives the signals that the main thread defers.
    """
    deferred = DeferredSignals()
    if threading.current_thread() is not threading.main_thread():
        yield deferred
        return
    previous_handlers = {}
    for name in _DEFERRED:
        number = getattr(signal, name, None)
        # Leave ignored signals ignored: nohup and shells rely on that.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            previous_handlers[number] = signal.signal(number, deferred.handle)
    try:
        yield deferred
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
        for number in deferred.numbers:
            signal.raise_signal(number)
