"""Sanitizing of untrusted text, once, where it enters the program.

Terminals execute escape sequences, and Textual passes them through unchanged. So all text from Slack, a file or a
callback goes through :func:`clean` before it reaches a screen.
"""

from __future__ import annotations

import os
import re
import unicodedata

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, invisible formatting (bidi marks, joiners, tags), surrogates, private use, unassigned, line separators."""
_MAX_CONSECUTIVE_MARKS = 3
"""No script in use needs more combining marks. Longer sequences overlap the lines above."""

_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
UNRECOGNIZED = "unrecognised_error"


def clean(text: str, limit: int = 80) -> str:
    """Return ``text`` normalized (NFC), on one line, without invisible characters, at most ``limit`` characters."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text.strip()  # fast path for almost all text: a thousand profiles may be read at once
    out: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", text[: limit * 8]):
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if marks > _MAX_CONSECUTIVE_MARKS:
            continue
        out.append(_REPLACEMENT if category in _UNSAFE_CATEGORIES else character)
        if len(out) > limit:
            return "".join(out[: limit - 1]) + "…"
    return "".join(out).strip()


def escape_unprintable(text: str) -> str:
    """Return ``text`` with every character replaced that a terminal could interpret, except newlines.

    The length and the number of lines are not limited.
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(
        character if character == "\n" or unicodedata.category(character) not in _UNSAFE_CATEGORIES else _REPLACEMENT
        for character in text
    )


def clean_or_none(value: object, limit: int = 80) -> str | None:
    """Return the cleaned text, or None if ``value`` is not a string or the result is empty."""
    return (clean(value, limit) or None) if isinstance(value, str) else None


def clean_code(value: object) -> str:
    """Return ``value`` if it looks like a Slack error code, otherwise :data:`UNRECOGNIZED`."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else UNRECOGNIZED


def shorten_path(path: object) -> str:
    """Return ``path`` with ``~`` in place of the user's home directory, safe to print."""
    text, home = str(path), os.path.expanduser("~")  # noqa: PTH111 - pathlib is slow to import
    return escape_unprintable(f"~{text[len(home) :]}" if text.startswith(home + os.sep) else text)
