"""Exceptions for requests to Slack. Each one carries an error code from the catalog in ``problems.toml``."""

from __future__ import annotations

from collections.abc import Mapping

from slack_token_tui.secret import Secret


class SlackError(Exception):
    """Base class for errors from a request to Slack.

    Attributes:
        code: Slack's error code or one of ours. The catalog has both.
        facts: sanitized values that the explanation fills in for this case.
        response: the raw response body as far as it was read, if it contains something that looks like a token.
    """

    def __init__(self, code: str, facts: Mapping[str, str] | None = None, response: Secret | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.facts = dict(facts or {})
        self.response = response


class SlackRefused(SlackError):
    """Slack rejected the request (``{"ok": false}``), or we did before sending it. A retry does not help."""


class SlackUnreachable(SlackError):
    """There was no usable response. The cause may be the network, TLS, a proxy, a timeout, a rate limit or an outage.

    A later retry may work.
    """


class RateLimited(SlackUnreachable):
    """Slack rate limited the request (HTTP 429).

    Attributes:
        retry_after_seconds: how long Slack asks to wait, between 1 and 3600.
    """

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("ratelimited", {"retry_after": str(retry_after_seconds)})
        self.retry_after_seconds = retry_after_seconds


class UnusableResponse(SlackError):
    """The response cannot be used: it is not from Slack, too large or unreadable."""


class UnusableToken(UnusableResponse):
    """Slack accepted and spent the code or refresh token, but the response contains no usable token."""
