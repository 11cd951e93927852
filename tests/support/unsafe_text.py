"""Characters that a terminal obeys instead of showing."""

from __future__ import annotations

from slack_token_tui.sanitize import escape_unprintable


def find_unsafe_characters(text: str) -> set[str]:
    """Return the characters of ``text`` that must not reach a terminal."""
    return {character for character in text if escape_unprintable(character) != character}
