"""What can go wrong in talking to Slack. Each error carries a code of the catalogue in ``problems.toml``."""

from __future__ import annotations

from collections.abc import Mapping

from slack_token_tui.secret import Secret


class SlackError(Exception):
    """Something stood between the person and an answer.

    Attributes:
        code: Slack's own code, or one of ours; both are in the catalogue.
        facts: values of this one case that the explanation fills in, cleaned.
        response: the raw body that came with it, as far as it was read, if something in it looks like a token.
    """

    def __init__(self, code: str, facts: Mapping[str, str] | None = None, response: Secret | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.facts = dict(facts or {})
        self.response = response


class SlackRefused(SlackError):
    """The answer is no: Slack's (``{"ok": false}``), or ours before it is asked. Trying the same again changes nothing."""


class SlackUnreachable(SlackError):
    """No answer came: network, TLS, proxy, a time limit, an outage. The same request may work later."""


class RateLimited(SlackUnreachable):
    """Slack asked to wait (HTTP 429).

    Attributes:
        retry_after_seconds: how long, as Slack said it, between 1 and 3600.
    """

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("ratelimited", {"retry_after": str(retry_after_seconds)})
        self.retry_after_seconds = retry_after_seconds


class UnusableResponse(SlackError):
    """A response came that cannot be used: it is not Slack's, too large or unreadable."""


class UnusableToken(UnusableResponse):
    """Slack accepted the code or refresh token, so it is spent, but the response holds no token that can be used."""
