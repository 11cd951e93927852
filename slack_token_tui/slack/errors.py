"""Exceptions for requests to Slack."""

from __future__ import annotations

from slack_token_tui.problems import Problem
from slack_token_tui.secret import Secret

AMBIGUOUS_REFUSALS = frozenset(
    {"internal_error", "fatal_error", "request_timeout", "service_unavailable", "unknown_error"}
)
"""Slack errors after which the request may have succeeded, or may succeed if it is sent again."""


class SlackError(Problem):
    """Base class for errors from a request to Slack.

    Attributes:
        response: the raw response body as far as it was read, if it contains something that looks like a token.
        was_sent: whether the request may have reached Slack. If not, nothing in it is spent.
    """

    response: Secret | None = None
    was_sent = True


class SlackRefused(SlackError):
    """Slack rejected the request (``{"ok": false}``), or we did before sending it. A retry does not help."""


class SlackUnreachable(SlackError):
    """There was no usable response. The cause may be the network, TLS, a proxy, a timeout, a rate limit or an outage.

    A later retry may work.
    """


class RateLimited(SlackUnreachable):
    """Slack rate limited the request (HTTP 429)."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("ratelimited", retry_after=str(retry_after_seconds))

    @property
    def retry_after_seconds(self) -> int:
        """How long Slack asks to wait, between 1 and 3600."""
        return int(self.facts["retry_after"])


class UnusableResponse(SlackError):
    """The response cannot be used: it is not from Slack, too large or unreadable."""


class UnusableToken(UnusableResponse):
    """Slack accepted and spent the code or refresh token, but the response contains no usable token."""
