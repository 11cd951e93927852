"""What each user scope lets an app do, in plain words, and which scopes a user token cannot have.

The catalogue itself is data: ``user_scopes.toml``, one line a scope.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

_CATALOG = Path(__file__).with_name("user_scopes.toml")
_MAX_NAMED = 5


class Group(StrEnum):
    """Whether, and when, a scope can be asked for."""

    STANDARD = "standard"
    SIGN_IN = "sign_in_with_slack"
    SPECIAL = "special"
    LEGACY = "legacy"
    ADMIN = "admin"
    BOT_ONLY = "bot_only"
    UNLISTED = "unlisted"


TOPICS = {
    "messages": "Messages and marks",
    "public_channels": "Public channels",
    "private_channels": "Private channels",
    "direct_messages": "Direct messages",
    "search": "Search",
    "files": "Files, canvases, lists",
    "people": "People and workspace",
    "sign_in_with_slack": "Sign in with Slack",
    "special": "Special",
    "legacy": "Retired",
    "admin": "Administration of an organisation",
    "bot_only": "For bots only",
}
"""Headings of the picker, in its order."""


@dataclass(frozen=True)
class Scope:
    """One scope.

    Attributes:
        name: as Slack spells it.
        does: what an app with it can do.
        topic: a key of ``TOPICS``; ``unlisted`` for one that nobody has described.
        group: whether it can be asked for.
        is_sensitive: it exposes private content or e-mail, acts as the person, or changes things.
        note: what else there is to know, or "".
    """

    name: str
    description: str
    topic: str
    group: Group
    is_sensitive: bool = False
    note: str = ""

    @property
    def unavailable_reason(self) -> str | None:
        """Why it is not sent to Slack, as a sentence; None when it can be."""
        if self.group is Group.BOT_ONLY:
            return f"{self.name} is for bots; a user token cannot have it, and Slack refuses it on localhost"
        if self.group is Group.ADMIN:
            return (
                f"{self.name} is for owners of an Enterprise organisation, in an app that the organisation has approved; "
                "Slack refuses it to everybody else"
            )
        if self.group is Group.LEGACY:
            return f"{self.name} belongs to classic apps; Slack refuses it to new ones"
        if self.name == "identify":
            return "identify comes with every user token; it need not be asked for"
        return None


@cache
def _entries() -> dict[str, Scope]:
    with _CATALOG.open("rb") as file:
        topics = tomllib.load(file)
    return {
        name: Scope(
            name=name,
            description=entry["does"],
            topic=topic,
            group=Group(topic) if topic in set(Group) else Group.STANDARD,
            is_sensitive=entry.get("sensitive", False),
            note=entry.get("note", ""),
        )
        for topic, scopes in topics.items()
        for name, entry in scopes.items()
    }


def user_scopes() -> tuple[Scope, ...]:
    """Return every known user scope, in the order of the topics."""
    return tuple(scope for scope in _entries().values() if scope.group is not Group.BOT_ONLY)


def bot_scopes() -> tuple[Scope, ...]:
    """Return the scopes that people look for and that only bots can have."""
    return tuple(scope for scope in _entries().values() if scope.group is Group.BOT_ONLY)


def find_scope(name: str) -> Scope:
    """Return what is known of scope ``name``; one that is not in the catalogue says so."""
    known = _entries().get(name)
    return known or Scope(name, "Not described here; it is sent as you typed it", "unlisted", Group.UNLISTED)


def describe_scopes(names: Iterable[str]) -> tuple[str, ...]:
    """Return a line a scope: its name and what it lets an app do."""
    return tuple(
        f"{scope.name}: {scope.description[0].lower()}{scope.description[1:]}" for scope in map(find_scope, names)
    )


def describe_unknown_scopes(names: Iterable[str]) -> str:
    """Return which of ``names`` nobody has described, each with the known one that it resembles; "" when there are none."""
    from difflib import get_close_matches  # a misspelling is rare

    strange = [name for name in names if find_scope(name).group is Group.UNLISTED]
    if not strange:
        return ""
    first, more = strange[:_MAX_NAMED], len(strange) - _MAX_NAMED
    likely = [match for name in first for match in get_close_matches(name, _entries(), 1, 0.8)]
    meant = f" Did you mean {', '.join(likely)}?" if likely else ""
    others = f" and {more} more" if more > 0 else ""
    return f"Not a scope that is known here: {', '.join(first)}{others}. It is sent as it is.{meant}"


def unavailable_reasons(names: Iterable[str]) -> tuple[str, ...]:
    """Return, a sentence each, why some of ``names`` cannot be asked for, alone or together. Slack would refuse them all."""
    scopes = [find_scope(name) for name in names]
    reasons = [reason for scope in scopes if (reason := scope.unavailable_reason)]
    signing_in = [scope.name for scope in scopes if scope.group is Group.SIGN_IN]
    if signing_in and len(signing_in) < len(scopes):
        reasons.append(f"{', '.join(signing_in)} cannot stand beside scopes of another kind; ask for them alone")
    return tuple(f"{reason}." for reason in reasons)
