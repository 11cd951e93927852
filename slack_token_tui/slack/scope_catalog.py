"""Catalog of user scopes: what each one lets an app do, and which ones a user token can't have.

The data is in ``user_scopes.toml``, one line per scope.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

_CATALOG = Path(__file__).with_name("user_scopes.toml")
_MAX_NAMED = 5
"""Maximum number of scopes that one message names."""
_WORKSPACE_ADMIN = "admin"
"""The one scope of its group that administers a single workspace. The others need an org-wide install."""


class Group(StrEnum):
    """Category that determines whether and when a scope can be requested."""

    STANDARD = "standard"
    SIGN_IN = "sign_in_with_slack"
    SPECIAL = "special"
    LEGACY = "legacy"
    ADMIN = "admin"
    BOT_ONLY = "bot_only"
    UNLISTED = "unlisted"


class Sensitivity(StrEnum):
    """Why to think twice before requesting a scope. The values are the words shown."""

    READS_PRIVATE = "reads private content"
    ACTS_AS_YOU = "acts as you"
    ADMINISTERS = "administers"


TOPICS = {
    "messages": "Messages and reactions",
    "public_channels": "Public channels",
    "private_channels": "Private channels",
    "direct_messages": "Direct messages",
    "search": "Search",
    "files": "Files, canvases, lists",
    "people": "People and workspace",
    "sign_in_with_slack": "Sign in with Slack",
    "special": "Other",
    "legacy": "Retired",
    "admin": "Organization admin",
    "bot_only": "Bots only",
}
"""Headings of the scope picker, in display order."""


@dataclass(frozen=True)
class Scope:
    """A Slack scope.

    Attributes:
        name: as Slack spells it.
        description: what it lets an app do, such as "post messages as you". No capital at the start, no period.
        topic: a key of ``TOPICS``, or ``unlisted`` for a scope that is not in the catalog.
        group: whether and when it can be requested.
        sensitivity: why to think twice before requesting it, or None.
        note: additional information in full sentences, or "".
    """

    name: str
    description: str
    topic: str
    group: Group
    sensitivity: Sensitivity | None = None
    note: str = ""

    @property
    def unavailable_reason(self) -> str | None:
        """Why the scope can't be requested, as a sentence, or None if it can."""
        if self.group is Group.BOT_ONLY:
            return f"{self.name} is for bots only, so a user token can't have it."
        if self.group is Group.LEGACY:
            return f"Slack has retired {self.name}, so new apps can't request it."
        if self.name == "identify":
            return "Slack adds identify to every user token, so you can't request it."
        return None

    @property
    def needs_org_install(self) -> bool:
        """Whether Slack allows it only for an app that is installed on the whole organization."""
        return self.group is Group.ADMIN and self.name != _WORKSPACE_ADMIN

    @property
    def warning(self) -> str | None:
        """Who can request the scope if not everyone can, as a sentence, or None."""
        if self.name == _WORKSPACE_ADMIN:
            return _describe_workspace_admin()
        return _describe_org_install([self.name]) if self.needs_org_install else None


@dataclass(frozen=True)
class UnknownScope:
    """A scope that is not in the catalog, and the scope that was probably meant, or None."""

    name: str
    suggestion: str | None


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
            sensitivity=Sensitivity(entry["sensitivity"]) if "sensitivity" in entry else None,
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
    """Return the catalog entry of scope ``name``, or a placeholder if there is none."""
    return _entries().get(name) or Scope(name, "no description available", "unlisted", Group.UNLISTED)


def describe_scopes(names: Iterable[str]) -> tuple[str, ...]:
    """Return one line per scope: its name and what it lets an app do."""
    return tuple(f"{scope.name}: {scope.description}" for scope in map(find_scope, names))


def unknown_scopes(names: Iterable[str]) -> tuple[UnknownScope, ...]:
    """Return the ``names`` that are not in the catalog. They can be requested, but may be misspelled."""
    from difflib import get_close_matches  # deferred: misspellings are rare

    return tuple(
        UnknownScope(name, next(iter(get_close_matches(name, _entries(), 1, 0.8)), None))
        for name in names
        if name not in _entries()
    )


def request_warnings(names: Iterable[str]) -> tuple[str, ...]:
    """Return warnings about a request for ``names``, one or two sentences each. None of them prevents the request."""
    names = tuple(names)
    warnings: list[str] = []
    unexplained: list[str] = []
    for unknown in unknown_scopes(names):
        if unknown.suggestion and len(warnings) < _MAX_NAMED:
            warnings.append(f"Unknown scope {unknown.name}. Did you mean {unknown.suggestion}?")
        else:
            unexplained.append(unknown.name)
    if unexplained:
        warnings.append(f"Unknown scope{'s' * (len(unexplained) > 1)} {_join_names(unexplained)}.")
    if _WORKSPACE_ADMIN in names:
        warnings.append(_describe_workspace_admin())
    if org_scopes := [name for name in names if find_scope(name).needs_org_install]:
        warnings.append(_describe_org_install(org_scopes))
    return tuple(warnings)


def unavailable_reasons(names: Iterable[str]) -> tuple[str, ...]:
    """Return the reasons why ``names`` can't be requested, separately or together, one sentence each.

    If there is any reason, Slack rejects the whole request.
    """
    scopes = [find_scope(name) for name in names]
    reasons = [reason for scope in scopes if (reason := scope.unavailable_reason)]
    sign_in_scopes = [scope.name for scope in scopes if scope.group is Group.SIGN_IN]
    if sign_in_scopes and len(sign_in_scopes) < len(scopes):
        reasons.append(f"{_join_names(sign_in_scopes)} can't be requested together with other scopes.")
    return tuple(reasons)


def _describe_workspace_admin() -> str:
    return f"{_WORKSPACE_ADMIN} needs a workspace owner or admin."


def _describe_org_install(names: Sequence[str]) -> str:
    verb = "needs" if len(names) == 1 else "need"
    return f"{_join_names(names)} {verb} an Org Owner or Admin and an org-wide install."


def _join_names(names: Sequence[str]) -> str:
    """Return ``names``, separated by commas. Only the first ones if there are many."""
    more = len(names) - _MAX_NAMED
    first = ", ".join(names[:_MAX_NAMED])
    return f"{first} and {more} more" if more > 0 else first
