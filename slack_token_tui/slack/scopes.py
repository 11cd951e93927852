"""Parsing of user scopes, and presets to start from."""

from __future__ import annotations

import re
from dataclasses import dataclass

from slack_token_tui.problems import InvalidInput
from slack_token_tui.sanitize import clean
from slack_token_tui.slack.limits import MAX_SCOPES
from slack_token_tui.slack.token_types import token_type_of

_SCOPE = re.compile(r"[a-z0-9_-]+(?:[.:][a-z0-9_-]+)*")
_SEPARATORS = re.compile(r"[,\s]+")
_MAX_LENGTH = 50
"""Maximum length of a scope in Slack's manifest schema."""


DEFAULT_SCOPES = ("users:read",)
"""Requested when nothing is selected: the minimum that shows that the token works."""


@dataclass(frozen=True)
class Preset:
    """A set of scopes for one purpose, with a description of the purpose."""

    label: str
    purpose: str
    scopes: tuple[str, ...]


PRESETS = (
    Preset(
        "Read-only",
        "read channels, people and reactions; change nothing",
        (
            "users:read",
            "team:read",
            "channels:read",
            "channels:history",
            "emoji:read",
            "reactions:read",
            "usergroups:read",
        ),
    ),
    Preset(
        "Messages",
        "read and write messages as you, private ones included",
        (
            "users:read",
            "channels:read",
            "channels:history",
            "groups:read",
            "groups:history",
            "im:read",
            "im:history",
            "mpim:read",
            "mpim:history",
            "chat:write",
        ),
    ),
    Preset(
        "AI search",
        "what AI tools and MCP servers ask for: search and read what you can see",
        (
            "users:read",
            "channels:read",
            "channels:history",
            "search:read.public",
            "search:read.private",
            "search:read.im",
            "search:read.mpim",
            "search:read.files",
            "search:read.users",
        ),
    ),
)


def parse_scopes(text: str) -> tuple[str, ...]:
    """Return the scopes in ``text``, separated by commas or whitespace, without duplicates.

    Raises:
        ValueError: there are none, too many or invalid ones. The message is a sentence for the user.
    """
    scopes = tuple(dict.fromkeys(part for part in _SEPARATORS.split(text) if part))
    if not scopes:
        raise InvalidInput("Choose at least one scope.")
    if len(scopes) > MAX_SCOPES:
        raise InvalidInput(f"Slack takes up to {MAX_SCOPES} scopes; these are {len(scopes)}.")
    for scope in scopes:
        if token_type_of(scope):  # a secret, so the message must not repeat it
            raise InvalidInput("That is a token, and not a scope. Scopes look like users:read.")
        if len(scope) > _MAX_LENGTH or not _SCOPE.fullmatch(scope):
            raise InvalidInput(f"“{clean(scope)}” is not a scope. Scopes look like users:read.")
    return scopes


def parse_requestable_scopes(text: str) -> tuple[str, ...]:
    """Return the scopes in ``text`` if they can be requested, separately and together.

    Scopes that Slack is known to reject must not be sent.

    Raises:
        ValueError: they can't be requested. The message is a sentence for the user.
    """
    from slack_token_tui.slack.scope_catalog import unavailable_reasons  # deferred: only needed for a request

    scopes = parse_scopes(text)
    if reasons := unavailable_reasons(scopes):
        raise InvalidInput(" ".join(reasons))
    return scopes
