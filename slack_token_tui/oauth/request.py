"""The authorization request (RFC 6749 §4.1.1) and its PKCE pair (RFC 7636)."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlencode

from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.apps import SlackApp

CHALLENGE_METHOD = "S256"
_VERIFIER_BYTES = 48
"""48 random bytes encode to 64 characters. RFC 7636 §4.1 allows 43 to 128."""
_STATE_BYTES = 32


@dataclass(frozen=True)
class Pkce:
    """A code verifier and its challenge, generated for one authorization request."""

    code_verifier: Secret
    code_challenge: str

    @classmethod
    def generate(cls) -> Pkce:
        """Return a new pair from the system's random source (RFC 7636 §4.1, §7.1)."""
        verifier = secrets.token_urlsafe(_VERIFIER_BYTES)
        return cls(Secret(verifier), code_challenge(verifier))


def code_challenge(verifier: str) -> str:
    """Return BASE64URL(SHA256(verifier)) without padding (RFC 7636 §4.2)."""
    return urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


@dataclass(frozen=True)
class AuthorizationRequest:
    """The authorization request of one sign-in. Verifier, challenge and state are never reused, even after an error.

    Attributes:
        redirect_uri: sent byte for byte the same here and in the exchange.
        state: 256 random bits that the response must contain (RFC 6749 §10.12).
        pkce: None for a confidential client.
        team: ID of the workspace to preselect (``T…``), or "" for any. Slack uses it if the user is signed in there.
    """

    client_id: str
    endpoints: Endpoints
    scopes: tuple[str, ...]
    redirect_uri: str
    state: Secret
    pkce: Pkce | None
    team: str = ""

    @classmethod
    def create(cls, app: SlackApp, scopes: tuple[str, ...], redirect_uri: str, team: str = "") -> AuthorizationRequest:
        """Return a new request for ``app``."""
        return cls(
            client_id=app.client_id,
            endpoints=app.endpoints,
            scopes=scopes,
            redirect_uri=redirect_uri,
            state=Secret(secrets.token_urlsafe(_STATE_BYTES)),
            pkce=None if app.is_confidential else Pkce.generate(),
            team=team,
        )

    @property
    def url(self) -> str:
        """The authorize URL for the browser. It contains no secret that is useful without the verifier."""
        parameters = {
            "response_type": "code",
            "client_id": self.client_id,
            self.endpoints.scope_parameter: ",".join(self.scopes),  # commas: Slack rejects spaces for some apps
            "redirect_uri": self.redirect_uri,
            "state": self.state.reveal(),
        }
        if self.pkce is not None:
            parameters |= {"code_challenge": self.pkce.code_challenge, "code_challenge_method": CHALLENGE_METHOD}
        if self.team:
            parameters["team"] = self.team
        return f"{self.endpoints.authorize_url}?{urlencode(parameters)}"
