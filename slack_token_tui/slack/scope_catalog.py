"""Catalog of user scopes: what each one lets an app do, and which ones a user token can't have.

The data is in ``user_scopes.toml``, one line per scope.
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
    """Category that determines whether and when a scope can be requested."""

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
"""Headings of the scope picker, in display order."""


@dataclass(frozen=True)
class Scope:
    """A Slack scope.

    Attributes:
        name: as Slack spells it.
        description: what it lets an app do.
        topic: a key of ``TOPICS``, or ``unlisted`` for a scope that is not in the catalog.
        group: whether and when it can be requested.
        is_sensitive: whether it exposes private content or email, acts as the user, or changes data.
        note: additional information, or "".
    """

    name: str
    description: str
    topic: str
    group: Group
    is_sensitive: bool = False
    note: str = ""

    @property
    def unavailable_reason(self) -> str | None:
        """Why the scope can't be requested, as a sentence without a period, or None if it can."""
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
    """Return every user scope in the catalog, in the order of the topics."""
    return tuple(scope for scope in _entries().values() if scope.group is not Group.BOT_ONLY)


def bot_scopes() -> tuple[Scope, ...]:
    """Return the scopes that only bots can have. They are in the catalog because people look for them."""
    return tuple(scope for scope in _entries().values() if scope.group is Group.BOT_ONLY)


def find_scope(name: str) -> Scope:
    """Return the catalog entry of scope ``name``, or a placeholder that says that there is none."""
    entry = _entries().get(name)
    return entry or Scope(name, "Not described here; it is sent as you typed it", "unlisted", Group.UNLISTED)


def describe_scopes(names: Iterable[str]) -> tuple[str, ...]:
    """Return one line per scope: its name and what it lets an app do."""
    return tuple(
        f"{scope.name}: {scope.description[0].lower()}{scope.description[1:]}" for scope in map(find_scope, names)
    )


def describe_unknown_scopes(names: Iterable[str]) -> str:
    """Return a message about the ``names`` that are not in the catalog, with similar names, or "" if all are in it."""
    from difflib import get_close_matches  # deferred: misspellings are rare

    unknown = [name for name in names if find_scope(name).group is Group.UNLISTED]
    if not unknown:
        return ""
    first, more = unknown[:_MAX_NAMED], len(unknown) - _MAX_NAMED
    suggestions = [match for name in first for match in get_close_matches(name, _entries(), 1, 0.8)]
    suggestion_text = f" Did you mean {', '.join(suggestions)}?" if suggestions else ""
    others = f" and {more} more" if more > 0 else ""
    return f"Not a scope that is known here: {', '.join(first)}{others}. It is sent as it is.{suggestion_text}"


def unavailable_reasons(names: Iterable[str]) -> tuple[str, ...]:
    """Return the reasons why ``names`` can't be requested, separately or together, one sentence each.

    If there is any reason, Slack rejects the whole request.
    """
    scopes = [find_scope(name) for name in names]
    reasons = [reason for scope in scopes if (reason := scope.unavailable_reason)]
    sign_in_scopes = [scope.name for scope in scopes if scope.group is Group.SIGN_IN]
    if sign_in_scopes and len(sign_in_scopes) < len(scopes):
        reasons.append(f"{', '.join(sign_in_scopes)} cannot stand beside scopes of another kind; ask for them alone")
    return tuple(f"{reason}." for reason in reasons)
