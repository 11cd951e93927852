"""A response in which Slack issued a token that can't be used: it is quarantined, and the token can be revoked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.responses import find_tokens
from slack_token_tui.slack.token_types import REFRESH_TOKEN
from slack_token_tui.store.quarantine import QuarantinedResponse, quarantine_sign_in
from slack_token_tui.tokens.revoke import Revocation, revoke_tokens


@dataclass(frozen=True)
class UnusableTokenResponse:
    """A response in which Slack issued a token, but which cannot be used.

    Attributes:
        tokens: every string in the response that looks like a token.
        quarantined: where the response is saved, or None if it could not be saved.
    """

    tokens: tuple[Secret, ...]
    quarantined: QuarantinedResponse | None

    @classmethod
    def quarantine(cls, home: Path, response: Secret) -> UnusableTokenResponse:
        """Save ``response`` so that its token can be revoked."""
        return cls(find_tokens(response), quarantine_sign_in(home, response))

    @property
    def sentence(self) -> str:
        """What happened to the token, as text for the user."""
        if self.quarantined is None:
            return "Slack issued a token anyway. Its response could not be saved."
        return f"Slack issued a token anyway. Its response is saved in {self.quarantined}. Only you can read it."

    async def revoke(self, endpoints: Endpoints) -> tuple[Revocation, ...]:
        """Revoke every token and return the results. Slack: auth.revoke.

        The response is deleted if :func:`may_delete` allows it.
        """
        kinds = [_kind(token) for token in self.tokens]
        revocations = await revoke_tokens(endpoints, list(zip(kinds, self.tokens, strict=True)))
        if may_delete(revocations) and self.quarantined is not None:
            self.quarantined.delete()
        return revocations


def may_delete(revocations: tuple[Revocation, ...]) -> bool:
    """Return whether each token is revoked, or is one that Slack does not revoke."""
    return all(revocation.revoked or revocation.allows_removal for revocation in revocations)


def _kind(token: Secret) -> str:
    return "refresh token" if token.reveal().startswith(REFRESH_TOKEN.prefix) else "access token"
