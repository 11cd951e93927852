"""Profile model: the account and status of one saved sign-in, and its tokens."""

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
"""The refresh token of a PKCE app expires 30 days after it was issued (Slack: using PKCE)."""
REFRESH_TOKEN_WARNING = timedelta(days=5)
"""A profile warns about its refresh token during the last 5 days."""

UNCONFIRMED_REFUSAL = "refresh_unusable"
"""Code that version 0.1.0 saved after any refresh response without a token, including one from a proxy.

It does not prove that Slack sent the response, so the refresh token may still be valid.
"""
RESPONSE_UNUSABLE = "refresh_response_unusable"
"""Code for a profile whose refresh token Slack replaced in a response that can't be used."""
_MIN_REFRESH_AGE_SECONDS = 3600.0


def new_id() -> str:
    """Return a random profile ID."""
    return os.urandom(16).hex()


_PUBLISHED_STATES = {"refreshable": "asleep", "refresh_expiring": "renewal_ends", "refresh_refused": "not_renewed"}
"""State names from version 0.1.0. Scripts compare them, so the output uses them until its next version."""


@dataclass(frozen=True)
class Tokens:
    """The tokens of a profile. They are separate from it, so that most code never holds one.

    Attributes:
        access_token: the user token.
        refresh_token: the refresh token, or None if the access token does not rotate.
    """

    access_token: Secret
    refresh_token: Secret | None = None

    def refreshed(self, token_response: TokenResponse) -> Tokens:
        """Return the tokens after a refresh. Without a refresh token in the response, the current one stays valid."""
        return Tokens(token_response.access_token, token_response.refresh_token or self.refresh_token)


@dataclass(frozen=True)
class Profile:
    """A saved sign-in, without its tokens. All times are aware UTC datetimes, to the second.

    Attributes:
        name: the profile name, used on the command line and as the file name.
        endpoints: the Slack base URL and the endpoint variant that issued the tokens.
        scopes: the scopes granted by Slack.
        requested_scopes: the scopes requested by this sign-in. Slack adds new scopes to those granted before.
        expires_at: when the access token expires, or None if it does not rotate.
        refresh_issued_at: when the refresh token was issued. None if and only if there is no refresh token.
        verified_at: when ``auth.test`` last confirmed the account, or None if it never did.
        workspaces: the workspaces that an organization-wide token can access, each with its ID and name.
        refused: Slack's error code if it refused the access token.
        refresh_refused: a code from the problem catalog if the refresh token can't be used. The access token may still
            be valid.
        refresh_refused_at: when the refresh token was refused, or when a refresh request without a response was sent.
        refresh_variant: the endpoint variant of the last refresh if it differs from ``endpoints.variant``.
        generation: incremented by each refresh, new sign-in or move, to tell versions of a profile apart.
        in_keyring: whether the tokens are stored in the system keyring instead of the file.
        masked_token: the masked access token for display.
        masked_refresh_token: the masked refresh token, or None if there is none or it is in the keyring.
        extra: unrecognized keys in the file. They are preserved when the file is saved.
    """

    name: str
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
    masked_token: str = "…"  # noqa: S105 - stands for a token
    masked_refresh_token: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def account(self) -> tuple[str, str, str, str, str] | None:
        """The identity of the account: Slack base URL, organization, workspace, user and app.

        None if the user, the app, or both workspace and organization are unknown. Such a profile matches no other.
        """
        if not self.user_id or not self.client_id or not (self.team_id or self.enterprise_id):
            return None
        return (self.endpoints.base, self.enterprise_id or "-", self.team_id or "-", self.user_id, self.client_id)

    @property
    def user_label(self) -> str | None:
        """The user name, or else the user ID."""
        return self.user_name or self.user_id

    @property
    def workspace_label(self) -> str | None:
        """The workspace name, or else the organization name, or else the workspace ID."""
        return self.team_name or self.enterprise_name or self.team_id

    @property
    def account_label(self) -> str:
        """The user and workspace labels for display, such as ``jane in Acme``."""
        return f"{self.user_label or 'unknown'} in {self.workspace_label or 'an unknown workspace'}"

    @property
    def refresh_expires_at(self) -> datetime | None:
        """When the refresh token expires, or None if there is none."""
        return None if self.refresh_issued_at is None else self.refresh_issued_at + REFRESH_TOKEN_LIFETIME

    @property
    def has_refresh_token(self) -> bool:
        """Whether there is a refresh token, in the file or in the keyring."""
        return self.refresh_issued_at is not None

    @property
    def is_refreshable(self) -> bool:
        """Whether there is a refresh token that has not been refused."""
        return self.has_refresh_token and self.refresh_refused in (None, UNCONFIRMED_REFUSAL)

    def with_identity(self, identity: Identity, verified_at: datetime) -> Profile:
        """Return the profile updated with what ``auth.test`` has confirmed. Values that it left out stay as they are.

        The workspace and the organization stay too: they identify the account.
        """
        is_enterprise_install = self.is_enterprise_install or identity.is_enterprise_install
        return replace(
            self,
            refused=None,
            verified_at=verified_at.replace(microsecond=0),
            user_id=identity.user_id,
            team_id=self.team_id or (None if is_enterprise_install else identity.team_id),
            enterprise_id=self.enterprise_id or identity.enterprise_id,
            is_enterprise_install=is_enterprise_install,
            user_name=identity.user_name or self.user_name,
            team_name=identity.team_name or self.team_name,
            workspace_url=identity.workspace_url or self.workspace_url,
            app_id=identity.app_id or self.app_id,
            app_name=identity.app_name or self.app_name,
            scopes=self.scopes if identity.scopes is None else identity.scopes,
            workspaces=self.workspaces if identity.workspaces is None else identity.workspaces,
        )

    def is_due(self, now: datetime, min_ttl_seconds: float = REFRESH_MARGIN_SECONDS) -> bool:
        """Return whether the access token should be refreshed: it has expired or expires within ``min_ttl_seconds``.

        An expiry later than any token can have comes from a wrong clock, so such a token is also due.
        """
        if self.expires_at is None or not self.is_refreshable:
            return False
        remaining_seconds = (self.expires_at - now).total_seconds()
        return (
            self.refused == "token_expired"
            or not self._refresh_margin_seconds(min_ttl_seconds) <= remaining_seconds <= MAX_TOKEN_SECONDS
        )

    @property
    def due_at(self) -> datetime | None:
        """When the access token should be refreshed, or None if it does not expire."""
        if self.expires_at is None:
            return None
        return self.expires_at - timedelta(seconds=self._refresh_margin_seconds(REFRESH_MARGIN_SECONDS))

    def _refresh_margin_seconds(self, min_ttl_seconds: float) -> float:
        """Return the remaining lifetime in seconds below which a refresh is due, at most ``min_ttl_seconds``.

        A token is not refreshed during its first hour, or its first half if that is shorter. Slack keeps only two
        access tokens per authorization valid. A caller that asks for more than the full lifetime would refresh on every
        call. That would invalidate the token that another program just received.
        """
        # The age of an imported token is unknown, so its lifetime can't be computed before the first refresh.
        if self.generation == 0 or self.refresh_issued_at is None or self.expires_at is None:
            return min_ttl_seconds
        lifetime_seconds = (self.expires_at - self.refresh_issued_at).total_seconds()
        return min(min_ttl_seconds, max(lifetime_seconds - _MIN_REFRESH_AGE_SECONDS, lifetime_seconds / 2, 60.0))

    @property
    def is_revoked(self) -> bool:
        """Whether Slack has said that the access token is revoked, or that the account was deactivated."""
        return self.refused in REVOKED_CODES - {"token_expired"}

    def unusable_reason(self, now: datetime) -> str | None:
        """Return why the access token can't be used, or None if it is valid. The text completes "it …"."""
        if self.refused in REVOKED_CODES:
            return f"was rejected by Slack ({self.refused})"
        if self.expires_at is not None and self.expires_at <= now:
            return f"expired at {self.expires_at:%Y-%m-%d %H:%M} UTC"
        return None

    def state(self, now: datetime) -> str:
        """Return the state of the access token.

        - ``good``: valid.
        - ``unverified``: valid, but ``auth.test`` has not confirmed the account.
        - ``expiring``: expires within ten minutes and can't be refreshed.
        - ``refresh_expiring``: valid, but the refresh token expires within :data:`REFRESH_TOKEN_WARNING`.
        - ``refresh_refused``: valid, but Slack refused to refresh it.
        - ``refreshable``: expired, and will be refreshed on next use.
        - ``expired``: expired, and can't be refreshed.
        - ``revoked``: revoked, or the account was deactivated.
        """
        if self.is_revoked:
            return "revoked"
        is_expired = self.refused == "token_expired" or (self.expires_at is not None and self.expires_at <= now)
        if is_expired:
            return "refreshable" if self.is_refreshable and not self._is_refresh_token_expired(now) else "expired"
        if self.expires_at is not None and not self.is_refreshable:
            if (self.expires_at - now).total_seconds() < REFRESH_MARGIN_SECONDS:
                return "expiring"
            return "refresh_refused" if self.refresh_refused else "good"
        if self.refresh_expires_at is not None and self.refresh_expires_at - now < REFRESH_TOKEN_WARNING:
            return "refresh_expiring"
        return "good" if self.verified_at else "unverified"

    def published_state(self, now: datetime) -> str:
        """Return :meth:`state` under the name used in JSON output and the library API."""
        state = self.state(now)
        return _PUBLISHED_STATES.get(state, state)

    def _is_refresh_token_expired(self, now: datetime) -> bool:
        return self.refresh_expires_at is not None and self.refresh_expires_at <= now

    def matches_account(self, token_response: TokenResponse) -> bool:
        """Return whether ``token_response`` can belong to this profile.

        The user and the workspace must be equal wherever both sides have a value.
        """
        pairs = [(self.user_id, token_response.user_id)]
        if not self.is_enterprise_install and not token_response.is_enterprise_install:
            pairs.append((self.team_id, token_response.team_id))
        return all(not mine or not theirs or mine == theirs for mine, theirs in pairs)

    def with_refresh_refused(self, code: str, at: datetime) -> Profile:
        """Return a copy that records why and when the refresh token was refused. The tokens are not removed."""
        return replace(self, refresh_refused=code, refresh_refused_at=at.astimezone(UTC).replace(microsecond=0))

    def with_token_response(
        self, token_response: TokenResponse, requested_at: datetime, variant: EndpointVariant
    ) -> Profile:
        """Return a copy with what ``token_response`` says, for its tokens: see :meth:`Tokens.refreshed`.

        Args:
            token_response: the response to a refresh. Without a user and a workspace, the profile becomes unverified.
            requested_at: when the request was sent. Delays then make the computed expiry earlier, never later.
            variant: the endpoint variant that issued the tokens.
        """
        requested_at = requested_at.astimezone(UTC).replace(microsecond=0)
        return replace(
            self,
            expires_at=requested_at + timedelta(seconds=token_response.expires_in_seconds or ROTATING_TOKEN_SECONDS),
            refresh_issued_at=requested_at if token_response.refresh_token else self.refresh_issued_at,
            scopes=token_response.scopes or self.scopes,
            verified_at=self.verified_at if token_response.user_id or token_response.team_id else None,
            refused=None,
            refresh_refused=None,
            refresh_refused_at=None,
            refresh_variant=None if variant is self.endpoints.variant else variant,
            generation=self.generation + 1,
        )

    def with_masks(self, tokens: Tokens) -> Profile:
        """Return a copy that shows ``tokens``, masked."""
        has_mask = tokens.refresh_token is not None and not self.in_keyring
        refresh_token = str(tokens.refresh_token) if has_mask else None
        return replace(self, masked_token=str(tokens.access_token), masked_refresh_token=refresh_token)

    def with_name(self, name: str) -> Profile:
        """Return a copy with another name."""
        return replace(self, name=name)
