"""Textual terminal driver that survives invalid UTF-8, unmarked pastes and a closed terminal."""

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

_CLIPBOARD_SEQUENCE = "\x1b]52;"


def _replacing_decoder(encoding: str) -> type[codecs.IncrementalDecoder]:
    """Return an incremental decoder class for ``encoding`` that replaces undecodable bytes with U+FFFD."""
    strict = codecs.getincrementaldecoder(encoding)

    class ReplacingDecoder(strict):  # type: ignore[misc, valid-type]  # the base class comes from the codec registry
        def __init__(self) -> None:
            super().__init__(errors="replace")

    return ReplacingDecoder


class _TolerantStream:
    """Terminal stream that drops writes after the terminal was closed.

    A failed write ends Textual's writer thread, and the main thread then blocks forever when it queues the next one.
    ``on_failure`` is called after the first failure, because the SIGHUP of a closed terminal may have been lost.
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
            with suppress(RuntimeError):  # the event loop is closed
                self._on_failure()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def create_driver_class(on_signal: Callable[[int], object]) -> type[Driver] | None:
    """Return the driver class to use, or None on Windows, where Textual's driver doesn't read bytes.

    Args:
        on_signal: called in the event loop with SIGHUP when a write finds the terminal closed.
    """
    if sys.platform == "win32":
        return None
    from textual.drivers import linux_driver

    from slack_token_tui.tui.unbracketed_paste import PasteRecognizer

    class TerminalDriver(linux_driver.LinuxDriver):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            report_hangup = partial(asyncio.get_running_loop().call_soon_threadsafe, on_signal, signal.SIGHUP)
            # A private attribute, because there is no option. test_closed_terminal fails if upstream renames it.
            self._file: Any = _TolerantStream(self._file, report_hangup)

        def write(self, data: str) -> None:
            if data.startswith(_CLIPBOARD_SEQUENCE):
                from slack_token_tui.desktop.clipboard import through_screen

                data = through_screen(data)
            super().write(data)

        def run_input_thread(self) -> None:
            # Textual decodes strictly and stops reading at the first byte that isn't valid UTF-8. There is no option,
            # so replace the decoder in its module. test_tui_crashes fails if upstream changes it.
            linux_driver.getincrementaldecoder = _replacing_decoder  # type: ignore[attr-defined, assignment]
            # There is no option for the parser either. test_unbracketed_paste fails if upstream changes it.
            linux_driver.XTermParser = PasteRecognizer  # type: ignore[attr-defined]
            super().run_input_thread()

    return TerminalDriver
