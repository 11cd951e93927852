"""Types of Slack tokens, identified by their prefix. Slack: tokens; using token rotation."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class TokenType:
    """A type of Slack token.

    Attributes:
        prefix: the start of every token of this type.
        name: Slack's name for it.
        unsupported_reason: why it can't be saved as a profile, as a sentence, or None if it can.
        rotates: whether it expires after 12 hours and is refreshed with a refresh token.
    """

    prefix: str
    name: str
    unsupported_reason: str | None = None
    rotates: bool = False

    @property
    def with_article(self) -> str:
        """The name with its article, such as ``a user token`` or ``an app-level token``."""
        return f"{'an' if self.name[0] in 'aeio' else 'a'} {self.name}"


_NO_BOTS = "Bot tokens aren't supported. This tool manages user tokens."
REFRESH_TOKEN = TokenType(
    "xoxe-",
    "refresh token",
    "To import it, paste its access token (xoxe.xoxp-…) on the line above and enter the app's Client ID.",
)
TOKEN_TYPES = (
    TokenType("xoxe.xoxp-", "rotating user token", rotates=True),
    TokenType("xoxp-", "user token"),
    TokenType("xoxe.xoxb-", "rotating bot token", _NO_BOTS),
    TokenType("xoxb-", "bot token", _NO_BOTS),
    REFRESH_TOKEN,
    TokenType("xapp-", "app-level token", "It's for Socket Mode and can't act as a user."),
    TokenType(
        "xoxc-",
        "browser session token",
        "It needs a browser cookie and isn't meant for programs. Slack may end the session.",
    ),
    TokenType("xoxd-", "browser session cookie", "It's part of a browser session, not a token."),
    TokenType("xwfp-", "workflow token", "It's for one workflow step and expires after 15 minutes."),
    TokenType("xoxa-", "workspace token", "Slack has retired workspace apps."),
    TokenType("xoxr-", "workspace refresh token", "Slack has retired workspace apps."),
    TokenType("xoxs-", "legacy session token", "Slack has retired this kind of token."),
    TokenType("xoxo-", "legacy token", "Slack has retired this kind of token."),
)


def token_type_of(token: str) -> TokenType | None:
    """Return the type of ``token``, or None if its prefix is unknown."""
    return next((token_type for token_type in TOKEN_TYPES if token.startswith(token_type.prefix)), None)


def find_tokens(text: str) -> tuple[str, str]:
    """Return the access token and the refresh token in ``text``, such as a shell line, or "" for one that is missing.

    A token may be wrapped over several lines.
    """
    unwrapped = re.sub(r"\s*\n\s*(?!xox|\w+=)", "", text)
    found = re.findall(r"xox[a-z][-.][\w.-]+", unwrapped)
    refresh = next((token for token in found if token_type_of(token) is REFRESH_TOKEN), "")
    access = next((token for token in found if token != refresh), "")
    return access or refresh, refresh if access else ""
