"""One saved sign-in: an account in a workspace, its tokens, and what is known about both."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from slack_token_tui.foreign_text import clean, clean_code
from slack_token_tui.keeping.fast_read import (
    DEAD_CODES,
    REFRESH_MARGIN_SECONDS,
    SCHEMA,
    TOKEN,
    access_token,
)
from slack_token_tui.keeping.fast_read import ProfileFileError as ProfileFileError
from slack_token_tui.secret import Secret
from slack_token_tui.slack.answers import MOST_SCOPES, Grant
from slack_token_tui.slack.endpoints import SLACK, Endpoints, Pair, checked_base
from slack_token_tui.slack.lifetimes import LONGEST_LIFE_SECONDS, ROTATING_LIFE_SECONDS

REFRESH_TOKEN_LIFE = timedelta(days=30)
"""A refresh token of a PKCE app dies 30 days after it was given (Slack: using PKCE)."""
REFRESH_TOKEN_WARNING = timedelta(days=5)
"""From day 25 on a profile says that its refresh token is about to die."""


_LEFT_ALONE_SECONDS = 3600.0
_ID = re.compile(r"[0-9a-z][0-9a-z._-]{0,127}")


def new_id() -> str:
    """Return a profile's own random id."""
    return os.urandom(16).hex()


STATES = ("good", "unverified", "expiring", "renewal_ends", "not_renewed", "asleep", "expired", "revoked")
"""``renewal_ends``: the refresh token is in its last days. ``not_renewed``: Slack refuses to renew a token that still works.
``asleep``: the access token is over, and the next use renews it.
"""


@dataclass(frozen=True)
class Profile:
    """A saved sign-in. All times are aware UTC datetimes, to the second.

    Attributes:
        name: as typed on the command line, and the file's name.
        endpoints: the Slack and the pair that issued the tokens.
        scopes: what Slack said was granted.
        scopes_asked: what this sign-in asked for; at Slack scopes only add up.
        expires_at: when the access token dies; None when it does not rotate.
        refresh_issued_at: when the refresh token was given; None exactly when there is none.
        verified_at: when ``auth.test`` last confirmed the account; None when it never could be asked.
        refused: Slack's code, when it has refused the access token.
        refresh_refused: the catalogue's code, when the refresh token is known to be useless. The access token may live on.
        refresh_refused_at: when that became known, or when the request went out whose answer never came.
        refresh_pair: the pair whose method has refreshed last, when it was not the sign-in's own.
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
    refresh_refused: str | None = None
    refresh_refused_at: datetime | None = None
    refresh_pair: Pair | None = None
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
    def refresh_expires_at(self) -> datetime | None:
        """When the refresh token dies, if there is one."""
        return None if self.refresh_issued_at is None else self.refresh_issued_at + REFRESH_TOKEN_LIFE

    @property
    def has_refresh_token(self) -> bool:
        """Whether there is a refresh token, wherever it is kept."""
        return self.refresh_issued_at is not None

    @property
    def is_renewable(self) -> bool:
        """Whether a refresh may help: there is a refresh token, and nothing is known against it."""
        return self.has_refresh_token and not self.refresh_refused

    @property
    def masked_token(self) -> str:
        """What may be shown of the access token, wherever it is kept."""
        return str(self.access_token) if self.access_token else self.shown_token or "…"

    def is_due(self, now: datetime, min_ttl_seconds: float = REFRESH_MARGIN_SECONDS) -> bool:
        """Tell whether the access token should be refreshed: less than ``min_ttl_seconds`` of its life are left.

        One that claims to live longer than any does was written by a wrong clock, and is not believed.
        """
        if self.expires_at is None or not self.is_renewable:
            return False
        left = (self.expires_at - now).total_seconds()
        return self.refused == "token_expired" or not self._margin(min_ttl_seconds) <= left <= LONGEST_LIFE_SECONDS

    def _margin(self, min_ttl_seconds: float) -> float:
        """Return how much life is left when a refresh makes sense: not in a token's first hour, or first half if shorter.

        Slack keeps two access tokens of a grant alive. Whoever asks for more life than a token ever has would renew it at
        each call, and end the one that somebody else has just been given.
        """
        if self.refresh_issued_at is None or self.expires_at is None:
            return min_ttl_seconds
        life = (self.expires_at - self.refresh_issued_at).total_seconds()
        return min(min_ttl_seconds, max(life - _LEFT_ALONE_SECONDS, life / 2, 60.0))

    def why_dead(self, now: datetime) -> str | None:
        """Return why the access token must not be handed out, as the end of "it …", or None while it is good."""
        if self.refused in DEAD_CODES:
            return f"was refused by Slack ({self.refused})"
        if self.expires_at is not None and self.expires_at <= now:
            return f"expired at {self.expires_at:%Y-%m-%d %H:%M} UTC"
        return None

    def state(self, now: datetime) -> str:
        """Return one of :data:`STATES`.

        ``expiring`` is said of an access token in its last ten minutes that will not renew itself.
        """
        if self.refused in DEAD_CODES - {"token_expired"}:
            return "revoked"
        over = self.refused == "token_expired" or (self.expires_at is not None and self.expires_at <= now)
        if over:
            return "asleep" if self.is_renewable and not self._refresh_is_over(now) else "expired"
        if self.expires_at is not None and not self.is_renewable:
            if (self.expires_at - now).total_seconds() < REFRESH_MARGIN_SECONDS:
                return "expiring"
            return "not_renewed" if self.refresh_refused else "good"
        if self.refresh_expires_at is not None and self.refresh_expires_at - now < REFRESH_TOKEN_WARNING:
            return "renewal_ends"
        return "good" if self.verified_at else "unverified"

    def _refresh_is_over(self, now: datetime) -> bool:
        return self.refresh_expires_at is not None and self.refresh_expires_at <= now

    def is_same_grant(self, grant: Grant) -> bool:
        """Tell whether ``grant`` can be this profile's: nothing that both know of user and workspace differs."""
        pairs = [(self.user_id, grant.user_id)]
        if not self.is_enterprise_install and not grant.is_enterprise_install:
            pairs.append((self.team_id, grant.team_id))
        return all(not mine or not theirs or mine == theirs for mine, theirs in pairs)

    def not_renewable(self, code: str, at: datetime) -> Profile:
        """Return this profile with the note that its refresh token is of no use; nothing is deleted or blanked."""
        return replace(self, refresh_refused=code, refresh_refused_at=at.astimezone(UTC).replace(microsecond=0))

    def refreshed(self, grant: Grant, asked_at: datetime, pair: Pair) -> Profile:
        """Return this profile with the tokens of ``grant``, which ``pair`` gave.

        Args:
            grant: the answer. Without a refresh token in it, the old one stays good.
            asked_at: when the request went out, so that delays make the expiry earlier and never later.
            pair: whose method answered.
        """
        asked_at = asked_at.astimezone(UTC).replace(microsecond=0)
        return replace(
            self,
            access_token=grant.access_token,
            refresh_token=grant.refresh_token or self.refresh_token,
            expires_at=asked_at + timedelta(seconds=grant.expires_in_seconds or ROTATING_LIFE_SECONDS),
            refresh_issued_at=asked_at if grant.refresh_token else self.refresh_issued_at,
            scopes=grant.scopes or self.scopes,
            refused=None,
            refresh_refused=None,
            refresh_refused_at=None,
            refresh_pair=None if pair is self.endpoints.pair else pair,
            generation=self.generation + 1,
        )

    def renamed(self, name: str) -> Profile:
        """Return the same profile under another name."""
        return replace(self, name=name)


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
_INSTANTS = ("expires_at", "refresh_issued_at", "refresh_refused_at", "signed_in_at", "verified_at")
KEYRING = "keyring"
"""The value of ``storage`` in the file of a profile whose tokens are in the operating system's keyring."""
_MOST_UNKNOWN_BYTES = 16 * 1024
_INSTANT_LENGTH = len("2026-11-24T12:00:00Z")
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_YEARS = range(2000, 2200)
"""Beyond them times are nonsense, and adding 30 days or a time zone may overflow."""
_INSTANT_FORM = "%Y-%m-%dT%H:%M:%SZ"


def to_record(profile: Profile) -> dict[str, Any]:
    """Return ``profile`` as its file holds it. Tokens stand in it in clear."""
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "slack": profile.endpoints.base,
        "oauth": str(profile.endpoints.pair),
        "client_id": profile.client_id,
        "is_enterprise_install": profile.is_enterprise_install,
        "access_token": None if profile.in_keyring or not profile.access_token else profile.access_token.reveal(),
        "refresh_token": None if profile.in_keyring or not profile.refresh_token else profile.refresh_token.reveal(),
        "scopes": list(profile.scopes),
        "scopes_asked": list(profile.scopes_asked),
        "refused": profile.refused,
        "refresh_refused": profile.refresh_refused,
        "refresh_oauth": str(profile.refresh_pair) if profile.refresh_pair else None,
        "generation": profile.generation,
    }
    if profile.in_keyring:
        record |= {"storage": KEYRING, "shown_token": profile.masked_token}
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
    refresh_pair = read.text("refresh_oauth")
    try:
        endpoints = Endpoints(checked_base(base), Pair(pair))
        refreshed_at = Pair(refresh_pair) if refresh_pair else None
    except ValueError:
        raise ProfileFileError("profile_unreadable", path, "its Slack address or endpoint pair is not one") from None
    read.take("access_token")
    in_keyring = read.text("storage") == KEYRING
    refused, refresh_refused = read.text("refused"), read.text("refresh_refused")
    texts: dict[str, Any] = {key: read.text(key, 300) for key in _TEXTS if key != "id"}
    instants: dict[str, Any] = {key: read.instant(key) for key in _INSTANTS}
    refresh_token = read.refresh_token()
    if not in_keyring:
        # Both or neither: a file written by hand may say one without the other.
        since = instants["refresh_issued_at"] or instants["signed_in_at"] or instants["expires_at"] or _LONG_AGO
        instants["refresh_issued_at"] = since if refresh_token else None
    return Profile(
        name=name,
        access_token=None if in_keyring else Secret(access_token(record, path)),
        client_id=read.text("client_id") or "",
        endpoints=endpoints,
        is_enterprise_install=read.take("is_enterprise_install") is True,
        refresh_token=refresh_token,
        scopes=read.texts("scopes"),
        scopes_asked=read.texts("scopes_asked"),
        refused=clean_code(refused) if refused else None,
        refresh_refused=clean_code(refresh_refused) if refresh_refused else None,
        refresh_pair=refreshed_at,
        generation=read.count("generation"),
        in_keyring=in_keyring,
        shown_token=read.text("shown_token"),
        id=read.id() or f"of-{name}",
        **texts,
        **instants,
        extra=read.unknown(),
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
        return tuple(clean(value) for value in (values or ())[:MOST_SCOPES])

    def refresh_token(self) -> Secret | None:
        value = self._of_kind("refresh_token", str, lambda text: not text or TOKEN.fullmatch(text) is not None)
        return Secret(value) if value else None

    def unknown(self) -> dict[str, Any]:
        """What is left. It will be saved again; that it can be must be certain before a refresh token is spent."""
        try:
            size = len(json.dumps(self.rest, indent=1, ensure_ascii=False).encode()) if self.rest else 0
        except (ValueError, RecursionError):
            raise ProfileFileError("profile_unreadable", self._path, "it holds what cannot be saved again") from None
        if size > _MOST_UNKNOWN_BYTES:
            raise ProfileFileError("profile_unreadable", self._path, "it holds far more than a profile")
        return self.rest

    def id(self) -> str | None:
        """A journal and keyring items are called after it, so it must not lead anywhere else."""
        value: str | None = self._of_kind("id", str, lambda text: _ID.fullmatch(text) is not None)
        return value

    def count(self, key: str) -> int:
        value: int | None = self._of_kind(key, int, lambda number: number >= 0 and not isinstance(number, bool))
        return value or 0

    def instant(self, key: str) -> datetime | None:
        value = self.raw_text(key)
        if value is None:
            return None
        try:
            if len(value) == _INSTANT_LENGTH and value.endswith("Z"):
                at = datetime.fromisoformat(value)
                if at.year in _YEARS:
                    return at
        except ValueError:
            pass
        raise ProfileFileError("profile_unreadable", self._path, f"its {key} is not a time")
