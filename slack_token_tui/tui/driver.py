"""Textual's terminal driver, except that neither bytes that are not UTF-8 nor a closed terminal stop its threads."""

from __future__ import annotations

import asyncio
import codecs
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from textual.driver import Driver


def _replacing_decoder(encoding: str) -> type[codecs.IncrementalDecoder]:
    """Return the incremental decoder for ``encoding`` that puts U+FFFD in the place of what it cannot decode."""
    strict = codecs.getincrementaldecoder(encoding)

    class ReplacingDecoder(strict):  # type: ignore[misc, valid-type]  # a class that the codec registry returns
        def __init__(self) -> None:
            super().__init__(errors="replace")

    return ReplacingDecoder


class _TolerantStream:
    """A stream to a terminal that may be closed: what cannot be written is dropped.

    A write that fails ends Textual's writer thread, and the main thread then waits for ever to hand it the next one.
    ``on_failure`` is called at the first one: the signal of a closed terminal may have been lost among others.
    """

    def __init__(self, stream: TextIO, on_failure: Callable[[], object]) -> None:
        self._stream = stream
        self._on_failure = on_failure
        self._has_failed = False

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self._fail()
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._fail()

    def _fail(self) -> None:
        if not self._has_failed:
            self._has_failed = True
            with suppress(RuntimeError):  # the loop has ended
                self._on_failure()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def create_driver_class(on_signal: Callable[[int], object]) -> type[Driver] | None:
    """Return the driver to run with, or None for Textual's own where it does not read bytes.

    Args:
        on_signal: called in the event loop with SIGHUP when the terminal turns out to be closed.
    """
    if sys.platform == "win32":
        return None
    from textual.drivers import linux_driver

    class TerminalDriver(linux_driver.LinuxDriver):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            hang_up = partial(asyncio.get_running_loop().call_soon_threadsafe, on_signal, signal.SIGHUP)
            # A private name, since there is no option. test_closed_terminal fails when upstream renames it.
            self._file: Any = _TolerantStream(self._file, hang_up)

        def run_input_thread(self) -> None:
            # Textual decodes strictly and stops reading at the first byte that is not UTF-8. Its decoder is a name of that
            # module, and there is no option. test_bytes_from_the_terminal fails when upstream changes it.
            linux_driver.getincrementaldecoder = _replacing_decoder  # type: ignore[attr-defined, assignment]
            super().run_input_thread()

    return TerminalDriver
