"""Recognizing a paste in a terminal that does not mark pastes (bracketed paste, xterm's mode 2004).

There, a pasted URL arrives as key presses, and each of its letters would be a command.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable

from textual import events

# Private, because there is no other way to see what was read at once. test_unbracketed_paste fails if it changes.
from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.message import Message

MIN_CHARACTERS = 8
"""A person can't type so many between two reads of the terminal."""
SILENCE_SECONDS = 0.1
"""The end of a paste: the next part of a longer one comes sooner, also over SSH."""
_MAX_SEQUENCE_LENGTH = 64
"""More than any report of a mouse, a key or a size, and than the mark of a paste."""
_INCOMPLETE_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;:<=>?]*)?\Z")


class PasteRecognizer(XTermParser):
    """Textual's parser of terminal input that turns an unmarked paste into a Paste event.

    One read with eight or more printable characters and no control character is a paste, and further printable
    characters join it until 100 ms pass without any.
    """

    def __init__(self, debug: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(debug)
        self._clock = clock
        self._pasted = ""
        self._last_read_at = 0.0
        self._tail = ""
        """The end of what was read last, in which an escape sequence may have begun."""
        self._is_in_marked_paste = False

    def feed(self, data: str) -> Iterable[Message]:
        """Parse what was read at once."""
        now = self._clock()
        text = data.rstrip("\r\n")
        if self._pasted and text and text.isprintable() and now - self._last_read_at < SILENCE_SECONDS:
            self._pasted += text
            if text != data:  # an Enter ends it
                yield from self._finish()
                yield from super().feed(data[len(text) :])
        elif self._is_paste(data, now):
            yield from self._finish()
            self._pasted = data
        else:
            yield from self._finish()
            self._follow_marked_paste(data)
            yield from super().feed(data)
        self._last_read_at = now

    def tick(self) -> Iterable[Message]:
        """End a paste after enough silence. Textual calls this at least every 100 ms."""
        if self._clock() - self._last_read_at >= SILENCE_SECONDS:
            yield from self._finish()
        yield from super().tick()

    def _is_paste(self, data: str, now: float) -> bool:
        is_in_sequence = bool(_INCOMPLETE_SEQUENCE.search(self._tail)) and now - self._last_read_at < SILENCE_SECONDS
        is_held_key = len(set(data)) == 1  # repeated while the program or the connection was slow
        is_text = len(data) >= MIN_CHARACTERS and data.isprintable() and not is_held_key
        return is_text and not is_in_sequence and not self._is_in_marked_paste

    def _finish(self) -> Iterable[Message]:
        if self._pasted:
            text, self._pasted = self._pasted, ""
            yield events.Paste(text)

    def _follow_marked_paste(self, data: str) -> None:
        """Keep track of whether a marked paste, which may be read in several parts, has begun and not ended."""
        text = self._tail + data
        start, end = text.rfind(BRACKETED_PASTE_START), text.rfind(BRACKETED_PASTE_END)
        if max(start, end) >= 0:
            self._is_in_marked_paste = start > end
        self._tail = text[-_MAX_SEQUENCE_LENGTH:]
