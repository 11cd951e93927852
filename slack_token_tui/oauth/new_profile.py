"""The profile that results from a completed sign-in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.responses import Identity, TokenResponse
from slack_token_tui.store.names import suggest_name
from slack_token_tui.store.profile import Profile


def new_profile(
    *,
    token_response: TokenResponse,
    identity: Identity | None,
    client_id: str,
    endpoints: Endpoints,
    redirect_uri: str,
    requested_scopes: tuple[str, ...],
    requested_at: datetime,
    verified_at: datetime | None,
    refused: str | None = None,
) -> Profile:
    """Return the profile of a completed sign-in. Its name is a suggestion: the store may choose another one.

    Args:
        token_response: the response to the code exchange.
        identity: the result of ``auth.test``. If None, ``token_response`` provides the identity.
        client_id: the Client ID of the authorization request.
        endpoints: the endpoints of the authorization request.
        redirect_uri: the redirect URL of the authorization request.
        requested_scopes: the scopes of the authorization request.
        requested_at: when the exchange request was sent. Delays then make the computed expiry earlier, never later.
        verified_at: when ``auth.test`` responded, or None if it did not.
        refused: the error code if ``auth.test`` rejected the token, or None.
    """
    resolved_identity = identity or Identity(user_id=token_response.user_id or "")
    requested_at = requested_at.astimezone(UTC).replace(microsecond=0)
    expires_in = token_response.expires_in_seconds
    is_enterprise_install = resolved_identity.is_enterprise_install or token_response.is_enterprise_install
    team_id = None if is_enterprise_install else resolved_identity.team_id or token_response.team_id
    team_name = resolved_identity.team_name or token_response.team_name
    enterprise_id = resolved_identity.enterprise_id or token_response.enterprise_id
    return Profile(
        name=suggest_name(resolved_identity.workspace_url, team_name, team_id, enterprise_id),
        client_id=client_id,
        endpoints=endpoints,
        redirect_uri=redirect_uri,
        app_id=resolved_identity.app_id or token_response.app_id,
        app_name=resolved_identity.app_name,
        team_id=team_id,
        team_name=team_name,
        workspace_url=resolved_identity.workspace_url,
        enterprise_id=enterprise_id,
        enterprise_name=token_response.enterprise_name,
        is_enterprise_install=is_enterprise_install,
        workspaces=resolved_identity.workspaces or (),
        user_id=resolved_identity.user_id or None,
        user_name=resolved_identity.user_name,
        scopes=token_response.scopes if resolved_identity.scopes is None else resolved_identity.scopes,
        requested_scopes=requested_scopes,
        expires_at=None if expires_in is None else requested_at + timedelta(seconds=expires_in),
        refresh_issued_at=requested_at if token_response.refresh_token else None,
        signed_in_at=requested_at,
        verified_at=None if verified_at is None else verified_at.astimezone(UTC).replace(microsecond=0),
        refused=refused,
    )
