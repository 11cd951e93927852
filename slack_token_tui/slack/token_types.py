"""Kinds of Slack tokens, told apart by their beginning. Slack: tokens; using token rotation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TokenType:
    """A kind of token.

    Attributes:
        prefix: how such tokens begin.
        name: what Slack calls it.
        why_not: why it cannot be kept as a profile, as a sentence; None when it can.
        rotates: whether it dies after 12 hours and is renewed with a refresh token.
    """

    prefix: str
    name: str
    unsupported_reason: str | None = None
    rotates: bool = False

    @property
    def with_article(self) -> str:
        """``a user token``, ``an app-level token``."""
        return f"{'an' if self.name[0] in 'aeio' else 'a'} {self.name}"


REFRESH = TokenType(
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
    REFRESH,
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
    """Return the kind of ``token``, or None when it does not begin as any does."""
    return next((kind for kind in TOKEN_TYPES if token.startswith(kind.prefix)), None)
