"""One saved sign-in: an account in a workspace, its tokens, and what is known about both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints, EndpointVariant
from slack_token_tui.slack.limits import MAX_TOKEN_SECONDS, ROTATING_TOKEN_SECONDS
from slack_token_tui.store.hot_path import REFRESH_MARGIN_SECONDS, REVOKED_CODES

if TYPE_CHECKING:
    from slack_token_tui.slack.responses import Identity, TokenResponse

REFRESH_TOKEN_LIFETIME = timedelta(days=30)
"""A refresh token of a PKCE app dies 30 days after it was given (Slack: using PKCE)."""
REFRESH_TOKEN_WARNING = timedelta(days=5)
"""From day 25 on a profile says that its refresh token is about to die."""

UNCONFIRMED_REFUSAL = "refresh_unusable"
"""What version 0.1.0 wrote after a refresh response without a token, even from a proxy. It does not say who did, so the
refresh token may still be good."""
RESPONSE_UNUSABLE = "refresh_response_unusable"
"""The mark of a profile whose refresh token Slack has replaced by something that cannot be used."""
_MIN_AGE_SECONDS = 3600.0


def new_id() -> str:
    """Return a profile's own random id."""
    return os.urandom(16).hex()


_PUBLISHED_STATES = {"refreshable": "asleep", "refresh_expiring": "renewal_ends", "refresh_refused": "not_renewed"}
"""Names that version 0.1.0 prints for states. Scripts compare them, so the output keeps them until its next version."""


@dataclass(frozen=True)
class Profile:
    """A saved sign-in. All times are aware UTC datetimes, to the second.

    Attributes:
        name: as typed on the command line, and the file's name.
        endpoints: the Slack and the pair that issued the tokens.
        scopes: what Slack said was granted.
        requested_scopes: what this sign-in asked for; at Slack scopes only add up.
        expires_at: when the access token dies; None when it does not rotate.
        refresh_issued_at: when the refresh token was given; None exactly when there is none.
        verified_at: when ``auth.test`` last confirmed the account; None when it never could be asked.
        workspaces: those that the token of a whole organisation may use, each as its id and its name.
        refused: Slack's code, when it has refused the access token.
        refresh_refused: the catalogue's code, when the refresh token is known to be useless. The access token may live on.
        refresh_refused_at: when that became known, or when the request went out whose answer never came.
        refresh_variant: the pair whose method has refreshed last, when it was not the sign-in's own.
        generation: counts the refreshes, so that two versions of a profile can be told apart.
        in_keyring: whether the tokens are in the operating system's keyring. They are None here until
            :meth:`ProfileStore.with_tokens` has fetched them.
        shown_token: what may be shown of an access token that is in the keyring.
        extra: keys of the file that this version does not know. They are kept.
    """

    name: str
    access_token: Secret | None
    client_id: str
    endpoints: Endpoints = Endpoints()
    id: str = field(default_factory=new_id)
    redirect_uri: str | None = None
    app_id: str | None = None
    app_name: str | None = None
    team_id: str | None = None
    team_name: str | None = None
    workspace_url: str | None = None
    enterprise_id: str | None = None
    enterprise_name: str | None = None
    is_enterprise_install: bool = False
    workspaces: tuple[str, ...] = ()
    user_id: str | None = None
    user_name: str | None = None
    scopes: tuple[str, ...] = ()
    requested_scopes: tuple[str, ...] = ()
    refresh_token: Secret | None = None
    expires_at: datetime | None = None
    refresh_issued_at: datetime | None = None
    signed_in_at: datetime | None = None
    verified_at: datetime | None = None
    refused: str | None = None
    refresh_refused: str | None = None
    refresh_refused_at: datetime | None = None
    refresh_variant: EndpointVariant | None = None
    generation: int = 0
    in_keyring: bool = False
    shown_token: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def account(self) -> tuple[str, str, str, str, str] | None:
        """What makes two sign-ins the same account: Slack, organisation, workspace, user and app.

        None when the user or the app is not known: such a profile matches no other.
        """
        if not self.user_id or not self.client_id or not (self.team_id or self.enterprise_id):
            return None
        return (self.endpoints.base, self.enterprise_id or "-", self.team_id or "-", self.user_id, self.client_id)

    @property
    def user_label(self) -> str | None:
        """The person that the token speaks for, by the best name that is known."""
        return self.user_name or self.user_id

    @property
    def workspace_label(self) -> str | None:
        """The workspace or organisation that it works in, likewise."""
        return self.team_name or self.enterprise_name or self.team_id

    @property
    def account_label(self) -> str:
        """``jane in Acme``, as far as it is known."""
        return f"{self.user_label or 'unknown'} in {self.workspace_label or 'an unknown workspace'}"

    @property
    def refresh_expires_at(self) -> datetime | None:
        """When the refresh token dies, if there is one."""
        return None if self.refresh_issued_at is None else self.refresh_issued_at + REFRESH_TOKEN_LIFETIME

    @property
    def has_refresh_token(self) -> bool:
        """Whether there is a refresh token, wherever it is kept."""
        return self.refresh_issued_at is not None

    @property
    def is_refreshable(self) -> bool:
        """Whether a refresh may help: there is a refresh token, and nothing is known against it."""
        return self.has_refresh_token and self.refresh_refused in (None, UNCONFIRMED_REFUSAL)

    @property
    def masked_token(self) -> str:
        """What may be shown of the access token, wherever it is kept."""
        return str(self.access_token) if self.access_token else self.shown_token or "…"

    def is_due(self, now: datetime, min_ttl_seconds: float = REFRESH_MARGIN_SECONDS) -> bool:
        """Tell whether the access token should be refreshed: less than ``min_ttl_seconds`` of its life are left.

        One that claims to live longer than any does was written by a wrong clock, and is not believed.
        """
        if self.expires_at is None or not self.is_refreshable:
            return False
        left = (self.expires_at - now).total_seconds()
        return (
            self.refused == "token_expired"
            or not self._refresh_margin_seconds(min_ttl_seconds) <= left <= MAX_TOKEN_SECONDS
        )

    def _refresh_margin_seconds(self, min_ttl_seconds: float) -> float:
        """Return how much life is left when a refresh makes sense: not in a token's first hour, or first half if shorter.

        Slack keeps two access tokens of a grant alive. Whoever asks for more life than a token ever has would renew it at
        each call, and end the one that somebody else has just been given.
        """
        # Of an imported token it is not known how long it lived before; each refresh counts.
        if self.generation == 0 or self.refresh_issued_at is None or self.expires_at is None:
            return min_ttl_seconds
        life = (self.expires_at - self.refresh_issued_at).total_seconds()
        return min(min_ttl_seconds, max(life - _MIN_AGE_SECONDS, life / 2, 60.0))

    def unusable_reason(self, now: datetime) -> str | None:
        """Return why the access token must not be handed out, as the end of "it …", or None while it is good."""
        if self.refused in REVOKED_CODES:
            return f"was refused by Slack ({self.refused})"
        if self.expires_at is not None and self.expires_at <= now:
            return f"expired at {self.expires_at:%Y-%m-%d %H:%M} UTC"
        return None

    def state(self, now: datetime) -> str:
        """Return what can be done with the access token.

        ``good``; ``unverified``: ``auth.test`` could not be asked; ``expiring``: in its last ten minutes and cannot be
        refreshed; ``refresh_expiring``: the refresh token is in its last days; ``refresh_refused``: Slack refuses to refresh
        a token that is still valid; ``refreshable``: expired, and refreshed on next use; ``expired``; ``revoked``.
        """
        if self.refused in REVOKED_CODES - {"token_expired"}:
            return "revoked"
        over = self.refused == "token_expired" or (self.expires_at is not None and self.expires_at <= now)
        if over:
            return "refreshable" if self.is_refreshable and not self._is_refresh_token_expired(now) else "expired"
        if self.expires_at is not None and not self.is_refreshable:
            if (self.expires_at - now).total_seconds() < REFRESH_MARGIN_SECONDS:
                return "expiring"
            return "refresh_refused" if self.refresh_refused else "good"
        if self.refresh_expires_at is not None and self.refresh_expires_at - now < REFRESH_TOKEN_WARNING:
            return "refresh_expiring"
        return "good" if self.verified_at else "unverified"

    def published_state(self, now: datetime) -> str:
        """Return :meth:`state` by the name that JSON output and the library use."""
        state = self.state(now)
        return _PUBLISHED_STATES.get(state, state)

    def _is_refresh_token_expired(self, now: datetime) -> bool:
        return self.refresh_expires_at is not None and self.refresh_expires_at <= now

    def matches_account(self, token_response: TokenResponse) -> bool:
        """Tell whether ``grant`` can be this profile's: nothing that both know of user and workspace differs."""
        pairs = [(self.user_id, token_response.user_id)]
        if not self.is_enterprise_install and not token_response.is_enterprise_install:
            pairs.append((self.team_id, token_response.team_id))
        return all(not mine or not theirs or mine == theirs for mine, theirs in pairs)

    def with_refresh_refused(self, code: str, at: datetime) -> Profile:
        """Return this profile with the note that its refresh token is of no use; nothing is deleted or blanked."""
        return replace(self, refresh_refused=code, refresh_refused_at=at.astimezone(UTC).replace(microsecond=0))

    def with_token_response(self, token_response: TokenResponse, asked_at: datetime, pair: EndpointVariant) -> Profile:
        """Return this profile with the tokens of ``grant``, which ``pair`` gave.

        Args:
            grant: the answer. Without a refresh token in it, the old one stays good. Without a user and a workspace in
                it, the profile counts as unverified.
            asked_at: when the request went out, so that delays make the expiry earlier and never later.
            pair: whose method answered.
        """
        asked_at = asked_at.astimezone(UTC).replace(microsecond=0)
        return replace(
            self,
            access_token=token_response.access_token,
            refresh_token=token_response.refresh_token or self.refresh_token,
            expires_at=asked_at + timedelta(seconds=token_response.expires_in_seconds or ROTATING_TOKEN_SECONDS),
            refresh_issued_at=asked_at if token_response.refresh_token else self.refresh_issued_at,
            scopes=token_response.scopes or self.scopes,
            verified_at=self.verified_at if token_response.user_id or token_response.team_id else None,
            refused=None,
            refresh_refused=None,
            refresh_refused_at=None,
            refresh_variant=None if pair is self.endpoints.variant else pair,
            generation=self.generation + 1,
        )

    def with_name(self, name: str) -> Profile:
        """Return the same profile under another name."""
        return replace(self, name=name)


def new_profile(
    *,
    token_response: TokenResponse,
    identity: Identity | None,
    client_id: str,
    endpoints: Endpoints,
    redirect_uri: str,
    requested_scopes: tuple[str, ...],
    granted_at: datetime,
    verified_at: datetime | None,
) -> Profile:
    """Return the profile of a finished sign-in, still without a name.

    Args:
        grant: what the code was exchanged for.
        identity: what ``auth.test`` said; None when it could not be asked, and the grant's own words have to do.
        granted_at: when the exchange was asked for, so that delays make the expiry earlier and never later.
        verified_at: when ``auth.test`` answered.
        client_id, endpoints, redirect_uri, requested_scopes: of the authorization request.
    """
    from slack_token_tui.slack.responses import (
        Identity,  # with the parser behind it, which reading a profile does not need
    )

    who = identity or Identity(user_id=token_response.user_id or "")
    granted_at = granted_at.astimezone(UTC).replace(microsecond=0)
    expires_in = token_response.expires_in_seconds
    return Profile(
        name="",
        access_token=token_response.access_token,
        client_id=client_id,
        endpoints=endpoints,
        redirect_uri=redirect_uri,
        app_id=who.app_id or token_response.app_id,
        app_name=who.app_name,
        team_id=None
        if who.is_enterprise_install or token_response.is_enterprise_install
        else who.team_id or token_response.team_id,
        team_name=who.team_name or token_response.team_name,
        workspace_url=who.workspace_url,
        enterprise_id=who.enterprise_id or token_response.enterprise_id,
        enterprise_name=token_response.enterprise_name,
        is_enterprise_install=who.is_enterprise_install or token_response.is_enterprise_install,
        workspaces=who.workspaces or (),
        user_id=who.user_id or None,
        user_name=who.user_name,
        scopes=token_response.scopes if who.scopes is None else who.scopes,
        requested_scopes=requested_scopes,
        refresh_token=token_response.refresh_token,
        expires_at=None if expires_in is None else granted_at + timedelta(seconds=expires_in),
        refresh_issued_at=granted_at if token_response.refresh_token else None,
        signed_in_at=granted_at,
        verified_at=None if verified_at is None else verified_at.astimezone(UTC).replace(microsecond=0),
    )
