"""Textual's terminal driver, except that neither bytes that are not UTF-8 nor a closed terminal stop its threads."""

from __future__ import annotations

import codecs
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from textual.driver import Driver


def _replacing_decoder(encoding: str) -> type[codecs.IncrementalDecoder]:
    """Return the incremental decoder for ``encoding`` that puts U+FFFD in the place of what it cannot decode."""
    strict = codecs.getincrementaldecoder(encoding)

    class Replacing(strict):  # type: ignore[misc, valid-type]  # a class that the codec registry returns
        def __init__(self) -> None:
            super().__init__(errors="replace")

    return Replacing


class _Unfailing:
    """A stream to a terminal that may be closed: what cannot be written is dropped.

    A write that fails ends Textual's writer thread, and the main thread then waits for ever to hand it the next one.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def driver_class() -> type[Driver] | None:
    """Return the driver to run with, or None for Textual's own where it does not read bytes."""
    if sys.platform == "win32":
        return None
    from textual.drivers import linux_driver

    class TerminalDriver(linux_driver.LinuxDriver):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            # A private name, since there is no option. test_closed_terminal fails when upstream renames it.
            self._file: Any = _Unfailing(self._file)

        def run_input_thread(self) -> None:
            # Textual decodes strictly and stops reading at the first byte that is not UTF-8. Its decoder is a name of that
            # module, and there is no option. test_bytes_from_the_terminal fails when upstream changes it.
            linux_driver.getincrementaldecoder = _replacing_decoder  # type: ignore[attr-defined, assignment]
            super().run_input_thread()

    return TerminalDriver
