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
"""Requested when nothing is selected: the minimum to show that the token works."""


@dataclass(frozen=True)
class Preset:
    """A set of scopes for one purpose. The label is short enough for a button."""

    label: str
    purpose: str
    scopes: tuple[str, ...]


PRESETS = (
    Preset(
        "Read",
        "see people and read public channels",
        (
            "users:read",
            "team:read",
            "channels:read",
            "channels:history",
            "emoji:read",
            "usergroups:read",
        ),
    ),
    Preset(
        "Read and write",
        "read all your messages and post as you",
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
    # Slack's MCP server asks for these, tool by tool: docs.slack.dev/ai/slack-mcp-server.
    Preset(
        "AI tools",
        "search, read and write for AI tools (Slack MCP)",
        (
            "users:read",
            "users:read.email",
            "search:read.public",
            "search:read.private",
            "search:read.im",
            "search:read.mpim",
            "search:read.files",
            "search:read.users",
            "channels:read",
            "channels:history",
            "groups:read",
            "groups:history",
            "im:read",
            "im:history",
            "mpim:read",
            "mpim:history",
            "chat:write",
            "canvases:read",
            "canvases:write",
            "lists:read",
            "lists:write",
            "files:read",
            "emoji:read",
            "reactions:read",
            "reactions:write",
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
        raise InvalidInput(f"Slack accepts up to {MAX_SCOPES} scopes. You chose {len(scopes)}.")
    for scope in scopes:
        if token_type_of(scope):  # a secret, so the message must not repeat it
            raise InvalidInput("That's a token, not a scope. A scope looks like users:read.")
        if len(scope) > _MAX_LENGTH or not _SCOPE.fullmatch(scope):
            raise InvalidInput(f"'{clean(scope)}' is not a scope. A scope looks like users:read.")
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
