"""One saved sign-in: an account in a workspace, its tokens, and what is known about both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from slack_token_tui.foreign_text import clean, clean_code
from slack_token_tui.profiles.fast_read import DEAD_CODES, SCHEMA, access_token
from slack_token_tui.profiles.fast_read import ProfileFileError as ProfileFileError
from slack_token_tui.secret import Secret
from slack_token_tui.slack.answers import Grant, Identity
from slack_token_tui.slack.endpoints import SLACK, Endpoints, Pair, checked_base

REFRESH_TOKEN_LIFE = timedelta(days=30)
"""A refresh token of a PKCE app dies 30 days after it was given (Slack: using PKCE)."""
_ABOUT_TO_EXPIRE = timedelta(minutes=10)


@dataclass(frozen=True)
class Profile:
    """A saved sign-in. All times are aware UTC datetimes, to the second.

    Attributes:
        name: as typed on the command line, and the file's name.
        endpoints: the Slack and the pair that issued the tokens.
        scopes: what Slack said was granted.
        scopes_asked: what this sign-in asked for; at Slack scopes only add up.
        expires_at: when the access token dies; None when it does not rotate.
        refresh_issued_at: when the refresh token was given.
        verified_at: when ``auth.test`` last confirmed the account; None when it never could be asked.
        refused: Slack's code, when it has refused the token.
        extra: keys of the file that this version does not know. They are kept.
    """

    name: str
    access_token: Secret
    client_id: str
    endpoints: Endpoints = Endpoints()
    id: str = field(default_factory=lambda: uuid4().hex)
    redirect_uri: str | None = None
    app_id: str | None = None
    app_name: str | None = None
    team_id: str | None = None
    team_name: str | None = None
    workspace_url: str | None = None
    enterprise_id: str | None = None
    enterprise_name: str | None = None
    is_enterprise_install: bool = False
    user_id: str | None = None
    user_name: str | None = None
    scopes: tuple[str, ...] = ()
    scopes_asked: tuple[str, ...] = ()
    refresh_token: Secret | None = None
    expires_at: datetime | None = None
    refresh_issued_at: datetime | None = None
    signed_in_at: datetime | None = None
    verified_at: datetime | None = None
    refused: str | None = None
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
    def refresh_expires_at(self) -> datetime | None:
        """When the refresh token dies, if there is one."""
        if self.refresh_token is None or self.refresh_issued_at is None:
            return None
        return self.refresh_issued_at + REFRESH_TOKEN_LIFE

    def state(self, now: datetime) -> str:
        """Return ``revoked``, ``expired``, ``expiring`` (less than ten minutes are left), ``unverified`` or ``good``."""
        if self.refused in DEAD_CODES - {"token_expired"}:
            return "revoked"
        if self.refused == "token_expired" or (self.expires_at is not None and self.expires_at <= now):
            return "expired"
        if self.expires_at is not None and self.expires_at - now < _ABOUT_TO_EXPIRE:
            return "expiring"
        return "good" if self.verified_at else "unverified"

    def renamed(self, name: str) -> Profile:
        """Return the same profile under another name."""
        return replace(self, name=name)


def from_sign_in(
    *,
    grant: Grant,
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


# ── The file's form ──────────────────────────────────────────────────────────────────────────────────────────────────

_TEXTS = (
    "id",
    "redirect_uri",
    "app_id",
    "app_name",
    "team_id",
    "team_name",
    "workspace_url",
    "enterprise_id",
    "enterprise_name",
    "user_id",
    "user_name",
)
_INSTANTS = ("expires_at", "refresh_issued_at", "signed_in_at", "verified_at")
_INSTANT_FORM = "%Y-%m-%dT%H:%M:%SZ"


def to_record(profile: Profile) -> dict[str, Any]:
    """Return ``profile`` as its file holds it. Tokens stand in it in clear."""
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "slack": profile.endpoints.base,
        "oauth": str(profile.endpoints.pair),
        "client_id": profile.client_id,
        "is_enterprise_install": profile.is_enterprise_install,
        "access_token": profile.access_token.reveal(),
        "refresh_token": profile.refresh_token.reveal() if profile.refresh_token else None,
        "scopes": list(profile.scopes),
        "scopes_asked": list(profile.scopes_asked),
        "refused": profile.refused,
    }
    record |= {key: getattr(profile, key) for key in _TEXTS}
    record |= {key: at.strftime(_INSTANT_FORM) if (at := getattr(profile, key)) else None for key in _INSTANTS}
    return {**profile.extra, **record}


def from_record(name: str, record: dict[str, Any], path: str) -> Profile:
    """Return the profile in ``record``, its texts cleaned.

    Raises:
        ProfileFileError: a value is not of its kind.
    """
    read = _Reader(dict(record), path)
    read.take("schema")
    base = read.text("slack", 300) or SLACK
    pair = read.text("oauth") or Pair.V2_USER
    try:
        endpoints = Endpoints(checked_base(base), Pair(pair))
    except ValueError:
        raise ProfileFileError("profile_unreadable", path, "its Slack address or endpoint pair is not one") from None
    read.take("access_token")
    refused = read.text("refused")
    texts_and_instants: dict[str, Any] = {key: read.text(key, 300) for key in _TEXTS if key != "id"}
    texts_and_instants |= {key: read.instant(key) for key in _INSTANTS}
    return Profile(
        name=name,
        access_token=Secret(access_token(record, path)),
        client_id=read.text("client_id") or "",
        endpoints=endpoints,
        is_enterprise_install=read.take("is_enterprise_install") is True,
        refresh_token=Secret(token) if (token := read.raw_text("refresh_token")) else None,
        scopes=read.texts("scopes"),
        scopes_asked=read.texts("scopes_asked"),
        refused=clean_code(refused) if refused else None,
        id=read.text("id") or uuid4().hex,
        **texts_and_instants,
        extra=read.rest,
    )


class _Reader:
    """Takes keys out of a record, each of its kind; what is left at the end is not known to this version."""

    def __init__(self, record: dict[str, Any], path: str) -> None:
        self.rest = record
        self._path = path

    def take(self, key: str) -> Any:
        return self.rest.pop(key, None)

    def _of_kind(self, key: str, kind: type, fits: Callable[[Any], bool] = lambda _: True) -> Any:
        value = self.take(key)
        if value is not None and not (isinstance(value, kind) and fits(value)):
            raise ProfileFileError("profile_unreadable", self._path, f"its {key} is not what it should be")
        return value

    def raw_text(self, key: str) -> str | None:
        value: str | None = self._of_kind(key, str)
        return value

    def text(self, key: str, limit: int = 80) -> str | None:
        value = self.raw_text(key)
        return None if value is None else clean(value, limit)

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._of_kind(key, list, lambda items: all(isinstance(item, str) for item in items))
        return tuple(clean(value) for value in values or ())

    def instant(self, key: str) -> datetime | None:
        value = self.raw_text(key)
        if value is None:
            return None
        try:
            return datetime.strptime(value, _INSTANT_FORM).replace(tzinfo=UTC)
        except ValueError:
            raise ProfileFileError("profile_unreadable", self._path, f"its {key} is not a time") from None
