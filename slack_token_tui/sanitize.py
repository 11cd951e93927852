"""Text from outside, made harmless: cleaned once, where it enters.

Terminals obey what is written to them, and Textual passes escape sequences on as they are. So nothing that Slack, a file
or a callback says reaches a screen before it has been through :func:`clean`.
"""

from __future__ import annotations

import re
import unicodedata

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, invisible formats (bidi marks, joiners, tags), surrogates, private and unassigned, line separators."""
_MAX_CONSECUTIVE_MARKS = 3
"""More combining marks than any living script needs climb over the lines above."""

_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
UNRECOGNIZED = "unrecognised_error"


def clean(text: str, limit: int = 80) -> str:
    """Return ``text`` normalised (NFC), on one line, without invisible characters, at most ``limit`` characters long."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text.strip()  # nearly everything, and a thousand profiles are read at once
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
    """Return ``text``, of any length and on any number of lines, with what a terminal would obey replaced."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(
        character if character == "\n" or unicodedata.category(character) not in _UNSAFE_CATEGORIES else _REPLACEMENT
        for character in text
    )


def clean_or_none(value: object, limit: int = 80) -> str | None:
    """Return cleaned text, or None when ``value`` is not a string or nothing is left of it."""
    return (clean(value, limit) or None) if isinstance(value, str) else None


def clean_code(value: object) -> str:
    """Return an error code as Slack spells them, or :data:`UNRECOGNIZED` when ``value`` does not look like one."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else UNRECOGNIZED
