"""Kinds of Slack tokens, told apart by their beginning. Slack: tokens; using token rotation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TokenKind:
    """A kind of token.

    Attributes:
        prefix: how such tokens begin.
        name: what Slack calls it.
        why_not: why it cannot be kept as a profile, as a sentence; None when it can.
        rotates: whether it dies after 12 hours and is renewed with a refresh token.
    """

    prefix: str
    name: str
    why_not: str | None = None
    rotates: bool = False

    @property
    def with_article(self) -> str:
        """``a user token``, ``an app-level token``."""
        return f"{'an' if self.name[0] in 'aeio' else 'a'} {self.name}"


REFRESH = TokenKind(
    "xoxe-",
    "refresh token",
    "Alone it is no access: the access token (xoxe.xoxp-…) comes first, then this one, and its app’s Client ID with both.",
)
KINDS = (
    TokenKind("xoxe.xoxp-", "rotating user token", rotates=True),
    TokenKind("xoxp-", "user token"),
    TokenKind(
        "xoxe.xoxb-", "rotating bot token", "It speaks for an app and not for a person; this program keeps people’s."
    ),
    TokenKind("xoxb-", "bot token", "It speaks for an app and not for a person; this program keeps people’s."),
    REFRESH,
    TokenKind("xapp-", "app-level token", "It opens Socket Mode for a whole app and cannot read or write as anybody."),
    TokenKind(
        "xoxc-",
        "browser session token",
        "It works only with the cookie of its browser, is not meant for programs, and Slack may end the session for it.",
    ),
    TokenKind("xoxd-", "browser session cookie", "It is half of a browser’s session and no token at all."),
    TokenKind("xwfp-", "workflow token", "It lives for the 15 minutes of one workflow step."),
    TokenKind("xoxa-", "workspace token", "Slack has retired workspace apps."),
    TokenKind("xoxr-", "workspace refresh token", "Slack has retired workspace apps."),
    TokenKind("xoxs-", "legacy session token", "Slack has retired this kind."),
    TokenKind("xoxo-", "legacy token", "Slack has retired this kind."),
)


def kind_of(token: str) -> TokenKind | None:
    """Return the kind of ``token``, or None when it does not begin as any does."""
    return next((kind for kind in KINDS if token.startswith(kind.prefix)), None)
