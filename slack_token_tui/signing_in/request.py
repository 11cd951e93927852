"""The authorization request (RFC 6749 §4.1.1): what the browser is sent to Slack with."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

from slack_token_tui.keeping.apps import SlackApp
from slack_token_tui.secret import Secret
from slack_token_tui.signing_in.pkce import METHOD, Pkce
from slack_token_tui.slack.endpoints import Endpoints

_STATE_BYTES = 32


@dataclass(frozen=True)
class AuthorizationRequest:
    """One sign-in's request. Verifier, challenge and state are fresh each time, also after an error.

    Attributes:
        redirect_uri: sent here and in the exchange, byte for byte the same.
        state: 256 bits that the answer must bring back (RFC 6749 §10.12).
        pkce: None for a confidential client.
    """

    client_id: str
    endpoints: Endpoints
    scopes: tuple[str, ...]
    redirect_uri: str
    state: Secret
    pkce: Pkce | None

    @classmethod
    def create(cls, app: SlackApp, scopes: tuple[str, ...], redirect_uri: str) -> AuthorizationRequest:
        """Return a fresh request for ``app``."""
        return cls(
            client_id=app.client_id,
            endpoints=app.endpoints,
            scopes=scopes,
            redirect_uri=redirect_uri,
            state=Secret(secrets.token_urlsafe(_STATE_BYTES)),
            pkce=Pkce.generate() if app.client_secret is None else None,
        )

    @property
    def url(self) -> str:
        """The address for the browser. It holds no secret that is worth anything without the verifier."""
        parameters = {
            "client_id": self.client_id,
            self.endpoints.scope_parameter: ",".join(self.scopes),  # commas: Slack refuses spaces for some apps
            "redirect_uri": self.redirect_uri,
            "state": self.state.reveal(),
        }
        if self.pkce is not None:
            parameters |= {"code_challenge": self.pkce.code_challenge, "code_challenge_method": METHOD}
        return f"{self.endpoints.authorize}?{urlencode(parameters)}"
