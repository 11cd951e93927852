"""What a finished sign-in becomes: a profile, still without a name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.responses import Identity, TokenResponse
from slack_token_tui.store.profile import Profile


def profile_of(
    *,
    grant: TokenResponse,
    identity: Identity | None,
    client_id: str,
    endpoints: Endpoints,
    redirect_uri: str,
    scopes_asked: tuple[str, ...],
    granted_at: datetime,
    verified_at: datetime | None,
) -> Profile:
    """Return the profile of a finished sign-in, still without a name.

    Args:
        grant: what the code was exchanged for.
        identity: what ``auth.test`` said; None when it could not be asked, and the grant's own words have to do.
        granted_at: when the exchange was asked for, so that delays make the expiry earlier and never later.
        verified_at: when ``auth.test`` answered.
        client_id, endpoints, redirect_uri, scopes_asked: of the authorization request.
    """
    who = identity or Identity(user_id=grant.user_id or "")
    granted_at = granted_at.astimezone(UTC).replace(microsecond=0)
    expires_in = grant.expires_in_seconds
    return Profile(
        name="",
        access_token=grant.access_token,
        client_id=client_id,
        endpoints=endpoints,
        redirect_uri=redirect_uri,
        app_id=who.app_id or grant.app_id,
        app_name=who.app_name,
        team_id=None if who.is_enterprise_install or grant.is_enterprise_install else who.team_id or grant.team_id,
        team_name=who.team_name or grant.team_name,
        workspace_url=who.workspace_url,
        enterprise_id=who.enterprise_id or grant.enterprise_id,
        enterprise_name=grant.enterprise_name,
        is_enterprise_install=who.is_enterprise_install or grant.is_enterprise_install,
        workspaces=who.workspaces or (),
        user_id=who.user_id or None,
        user_name=who.user_name,
        scopes=grant.scopes if who.scopes is None else who.scopes,
        scopes_asked=scopes_asked,
        refresh_token=grant.refresh_token,
        expires_at=None if expires_in is None else granted_at + timedelta(seconds=expires_in),
        refresh_issued_at=granted_at if grant.refresh_token else None,
        signed_in_at=granted_at,
        verified_at=None if verified_at is None else verified_at.astimezone(UTC).replace(microsecond=0),
    )
