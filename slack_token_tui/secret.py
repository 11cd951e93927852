"""Masking of tokens, codes, verifiers and client secrets."""

from __future__ import annotations

import re
from typing import NoReturn

_PREFIX = re.compile(r"(?:xox[a-z]\.)?xox[a-z]-|xapp-|xwfp-")
_TOKEN = re.compile(r"(?:xox[a-z]\.)?xox[a-z]-[A-Za-z0-9%._-]{6,}|xapp-[A-Za-z0-9._-]{6,}|xwfp-[A-Za-z0-9._-]{6,}")
_PARAMETER = re.compile(r"\b(code|state|code_verifier|client_secret|refresh_token|access_token|token)=[^\s&\"']+")

_MIN_LENGTH_WITH_TAIL = 24
"""In a shorter value, the last four characters would reveal too much."""


def mask(value: str) -> str:
    """Return the token prefix of ``value`` and, if it is long enough, its last four characters."""
    match = _PREFIX.match(value)
    prefix = match.group() if match else ""
    tail = value[-4:] if len(value) >= _MIN_LENGTH_WITH_TAIL else ""
    return f"{prefix}…{tail}"


def redact(text: str) -> str:
    """Return ``text`` with everything that looks like a token or a secret parameter masked."""
    text = _TOKEN.sub(lambda found: mask(found.group()), text)
    return _PARAMETER.sub(lambda found: f"{found.group(1)}=…", text)


class Secret:
    """A secret that ``repr``, ``str``, ``format`` and Rich show as ``xoxp-…a1b2``.

    Only :meth:`reveal` returns the value. It is called in only a few places.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the unmasked value."""
        return self._value

    def __str__(self) -> str:
        return mask(self._value)

    def __repr__(self) -> str:
        return f"Secret({mask(self._value)})"

    def __format__(self, spec: str) -> str:
        return format(mask(self._value), spec)

    def __rich_repr__(self) -> list[str]:
        return [mask(self._value)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")
