"""Types of Slack tokens, identified by their prefix. Slack: tokens; using token rotation."""

from __future__ import annotations

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


REFRESH_TOKEN = TokenType(
    "xoxe-",
    "refresh token",
    "Alone it is no access: the access token (xoxe.xoxp-…) comes first, then this one, and its app’s Client ID with both.",
)
TOKEN_TYPES = (
    TokenType("xoxe.xoxp-", "rotating user token", rotates=True),
    TokenType("xoxp-", "user token"),
    TokenType(
        "xoxe.xoxb-", "rotating bot token", "It speaks for an app and not for a person; this program keeps people’s."
    ),
    TokenType("xoxb-", "bot token", "It speaks for an app and not for a person; this program keeps people’s."),
    REFRESH_TOKEN,
    TokenType("xapp-", "app-level token", "It opens Socket Mode for a whole app and cannot read or write as anybody."),
    TokenType(
        "xoxc-",
        "browser session token",
        "It works only with the cookie of its browser, is not meant for programs, and Slack may end the session for it.",
    ),
    TokenType("xoxd-", "browser session cookie", "It is half of a browser’s session and no token at all."),
    TokenType("xwfp-", "workflow token", "It lives for the 15 minutes of one workflow step."),
    TokenType("xoxa-", "workspace token", "Slack has retired workspace apps."),
    TokenType("xoxr-", "workspace refresh token", "Slack has retired workspace apps."),
    TokenType("xoxs-", "legacy session token", "Slack has retired this kind."),
    TokenType("xoxo-", "legacy token", "Slack has retired this kind."),
)


def token_type_of(token: str) -> TokenType | None:
    """Return the type of ``token``, or None if its prefix is unknown."""
    return next((token_type for token_type in TOKEN_TYPES if token.startswith(token_type.prefix)), None)
