"""Tokens issued by the practice Slack, with Slack's rules for rotation, limits, revocation and errors."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field, replace

from slack_token_tui.practice.models import App, Person, Team

ACCESS_TOKEN_SECONDS = 43_200
REFRESH_TOKEN_SECONDS = 30 * 86_400
MAX_ACTIVE_TOKENS = 2
"""Slack revokes the oldest access token of an authorization when it issues a third one."""


class SlackErrorResponse(Exception):
    """An error response: ``{"ok": false, "error": code}``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Token:
    """An issued access token."""

    app: App
    team: Team
    person: Person
    scopes: tuple[str, ...]
    expires_at: float | None
    revoked: bool = False

    @property
    def is_valid(self) -> bool:
        """Whether Slack would accept the token now."""
        return not self.revoked and (self.expires_at is None or self.expires_at > time.time())

    def is_for(self, app: App, team: Team, person: Person) -> bool:
        """Return whether the token belongs to this authorization."""
        return (self.app, self.team, self.person) == (app, team, person)


@dataclass
class RefreshToken:
    """An issued refresh token, valid for one use."""

    token: Token
    issued_at: float
    used_at: float | None = None


@dataclass
class TokenRegistry:
    """All issued tokens. Methods may be called from any thread.

    Attributes:
        grace_seconds: how long a used refresh token still works, in case the response was lost.
        refreshed: how many refreshes succeeded.
        reused: how often a used refresh token was sent again after that time.
    """

    access_tokens: dict[str, Token] = field(default_factory=dict)
    refresh_tokens: dict[str, RefreshToken] = field(default_factory=dict)
    grace_seconds: float = 30.0
    access_token_seconds: float = ACCESS_TOKEN_SECONDS
    refreshed: int = 0
    reused: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def issue(self, app: App, team: Team, person: Person, scopes: tuple[str, ...]) -> tuple[str, str | None, Token]:
        """Issue and return an access token, a refresh token if the app uses token rotation, and the token's record.

        The scopes are added to those of the valid tokens of the same authorization.
        """
        with self._lock:
            current_scopes = [
                token.scopes
                for token in self.access_tokens.values()
                if token.is_valid and token.is_for(app, team, person)
            ]
            all_scopes = tuple(dict.fromkeys(scope for some in (*current_scopes, scopes) for scope in some))
            expires_at = time.time() + self.access_token_seconds if app.rotation else None
            return self._issue(Token(app, team, person, all_scopes, expires_at))

    def refresh(self, app: App, refresh_token: str) -> tuple[str, str, Token]:
        """Exchange ``refresh_token`` for a new token pair. Return both tokens and the access token's record.

        Raises:
            SlackErrorResponse: ``invalid_refresh_token`` if it is unknown, used, expired or belongs to another app.
        """
        with self._lock:
            record = self.refresh_tokens.get(refresh_token)
            now = time.time()
            if record is None or record.token.app is not app or now - record.issued_at > REFRESH_TOKEN_SECONDS:
                raise SlackErrorResponse("invalid_refresh_token")
            if record.used_at is not None and now - record.used_at >= self.grace_seconds:
                self.reused += 1
                raise SlackErrorResponse("invalid_refresh_token")
            record.used_at = record.used_at or now
            self.refreshed += 1
            access, refresh, token = self._issue(
                replace(record.token, expires_at=now + self.access_token_seconds, revoked=False)
            )
            assert refresh is not None
            return access, refresh, token

    def _issue(self, token: Token) -> tuple[str, str | None, Token]:
        random = secrets.token_hex(12)
        access = f"xoxe.xoxp-practice-{random}" if token.app.rotation else f"xoxp-practice-{random}"
        self.access_tokens[access] = token
        if not token.app.rotation:
            return access, None, token
        refresh = f"xoxe-practice-{secrets.token_hex(12)}"
        self.refresh_tokens[refresh] = RefreshToken(token, time.time())
        of_grant = (
            token_ for token_ in self.access_tokens.values() if token_.is_for(token.app, token.team, token.person)
        )
        for surplus in [token for token in of_grant if token.is_valid][:-MAX_ACTIVE_TOKENS]:
            surplus.revoked = True
        return access, refresh, token

    def authenticate(self, bearer: str | None) -> Token:
        """Return the valid access token ``bearer`` from an Authorization header.

        Raises:
            SlackErrorResponse: ``not_authed``, ``invalid_auth``, ``token_revoked`` or ``token_expired``.
        """
        if not bearer:
            raise SlackErrorResponse("not_authed")
        token = self.access_tokens.get(bearer)
        if token is None:
            raise SlackErrorResponse("invalid_auth")
        if token.revoked:
            raise SlackErrorResponse("token_revoked")
        if not token.is_valid:
            raise SlackErrorResponse("token_expired")
        return token

    def revoke(self, bearer: str | None) -> dict[str, object]:
        """Revoke an access or refresh token (``auth.revoke``). Without token rotation, revoke the whole authorization.

        Raises:
            SlackErrorResponse: see :meth:`authenticate`.
        """
        with self._lock:
            if bearer in self.refresh_tokens:
                del self.refresh_tokens[bearer]
                return {"ok": True, "revoked": True}
            token = self.authenticate(bearer)
            token.revoked = True
            if not token.app.rotation:
                for other in self.access_tokens.values():
                    other.revoked = other.revoked or other.is_for(token.app, token.team, token.person)
            return {"ok": True, "revoked": True}
