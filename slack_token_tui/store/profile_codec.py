"""Conversion between profiles and the JSON records in their files. Values read from a file are validated."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from slack_token_tui.sanitize import clean, clean_code
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import SLACK, Endpoints, EndpointVariant, parse_base_url
from slack_token_tui.slack.limits import MAX_SCOPES
from slack_token_tui.store.errors import ProfileError
from slack_token_tui.store.hot_path import (
    SCHEMA,
    TEXT_KEYS,
    TIMESTAMP_KEYS,
    access_token,
    is_id,
    is_timestamp,
    is_token,
)
from slack_token_tui.store.profile import Profile, Tokens
from slack_token_tui.store.settings import KEYRING

_MAX_UNKNOWN_BYTES = 16 * 1024
_FALLBACK_DATE = datetime(2000, 1, 1, tzinfo=UTC)
_TIMESTAMP_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def to_dict(profile: Profile, tokens: Tokens | None) -> dict[str, Any]:
    """Return the record to save for ``profile``. It contains ``tokens`` in plain text unless they are None.

    Args:
        profile: the profile.
        tokens: its tokens, or None if they are in the keyring.
    """
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "name": profile.name,
        "slack": profile.endpoints.base,
        "oauth": str(profile.endpoints.variant),
        "client_id": profile.client_id,
        "is_enterprise_install": profile.is_enterprise_install,
        "access_token": tokens.access_token.reveal() if tokens else None,
        "refresh_token": tokens.refresh_token.reveal() if tokens and tokens.refresh_token else None,
        "scopes": list(profile.scopes),
        "scopes_asked": list(profile.requested_scopes),
        "workspaces": list(profile.workspaces),
        "refused": profile.refused,
        "refresh_refused": profile.refresh_refused,
        "refresh_oauth": str(profile.refresh_variant) if profile.refresh_variant else None,
        "generation": profile.generation,
    }
    if profile.in_keyring:
        record |= {"storage": KEYRING, "shown_token": profile.masked_token}
    record |= {key: getattr(profile, key) for key in ("id", *TEXT_KEYS)}
    record |= {key: at.strftime(_TIMESTAMP_FORMAT) if (at := getattr(profile, key)) else None for key in TIMESTAMP_KEYS}
    return {**profile.extra, **record}


def from_dict(name: str, record: dict[str, Any], path: str) -> tuple[Profile, Tokens | None]:
    """Return the profile in ``record``, and its tokens unless they are in the keyring. Text values are sanitized.

    Raises:
        ProfileError: a value has the wrong type or format.
    """
    reader = _RecordReader(dict(record), path)
    reader.take("schema")
    reader.take("name")  # only used to detect copied files
    base_url = reader.take_text("slack", 300) or SLACK
    variant = reader.take_text("oauth") or EndpointVariant.V2_USER
    refresh_variant_text = reader.take_text("refresh_oauth")
    try:
        endpoints = Endpoints(parse_base_url(base_url), EndpointVariant(variant))
        refresh_variant = EndpointVariant(refresh_variant_text) if refresh_variant_text else None
    except ValueError:
        raise ProfileError(
            "profile_unreadable", file=path, detail="its Slack URL or endpoint variant is invalid"
        ) from None
    reader.take("access_token")
    in_keyring = reader.take_text("storage") == KEYRING
    refused, refresh_refused = reader.take_text("refused"), reader.take_text("refresh_refused")
    texts: dict[str, Any] = {key: reader.take_text(key, 300) for key in TEXT_KEYS}
    timestamps: dict[str, Any] = {key: reader.take_timestamp(key) for key in TIMESTAMP_KEYS}
    refresh_token = reader.take_refresh_token()
    tokens = None if in_keyring else Tokens(Secret(access_token(record, path)), refresh_token)
    if tokens is not None:
        # A refresh token and its issue time go together, but a hand-edited file may have only one of them.
        issued_at = (
            timestamps["refresh_issued_at"] or timestamps["signed_in_at"] or timestamps["expires_at"] or _FALLBACK_DATE
        )
        timestamps["refresh_issued_at"] = issued_at if refresh_token else None
    shown_token = reader.take_text("shown_token")
    profile = Profile(
        name=name,
        client_id=reader.take_text("client_id") or "",
        endpoints=endpoints,
        is_enterprise_install=reader.take("is_enterprise_install") is True,
        scopes=reader.take_texts("scopes"),
        requested_scopes=reader.take_texts("scopes_asked"),
        workspaces=reader.take_texts("workspaces"),
        refused=clean_code(refused) if refused else None,
        refresh_refused=clean_code(refresh_refused) if refresh_refused else None,
        refresh_variant=refresh_variant,
        generation=reader.take_count("generation"),
        in_keyring=in_keyring,
        masked_token=str(tokens.access_token) if tokens else shown_token or "…",
        masked_refresh_token=str(refresh_token) if refresh_token else None,
        id=reader.take_id() or f"of-{name}",
        **texts,
        **timestamps,
        extra=reader.take_unknown_keys(),
    )
    return profile, tokens


class _RecordReader:
    """Reader that removes typed values from a record. The remaining keys are unknown to this version."""

    def __init__(self, record: dict[str, Any], path: str) -> None:
        self.remaining = record
        self._path = path

    def take(self, key: str) -> Any:
        return self.remaining.pop(key, None)

    def _take_typed(self, key: str, expected_type: type, is_valid: Callable[[Any], bool] = lambda _: True) -> Any:
        value = self.take(key)
        if value is not None and not (isinstance(value, expected_type) and is_valid(value)):
            raise ProfileError("profile_unreadable", file=self._path, detail=f"the value of {key} is invalid")
        return value

    def take_raw_text(self, key: str) -> str | None:
        value: str | None = self._take_typed(key, str)
        return value

    def take_text(self, key: str, limit: int = 80) -> str | None:
        value = self.take_raw_text(key)
        return None if value is None else clean(value, limit)

    def take_texts(self, key: str) -> tuple[str, ...]:
        values = self._take_typed(key, list, lambda items: all(isinstance(item, str) for item in items))
        return tuple(clean(value) for value in (values or ())[:MAX_SCOPES])

    def take_refresh_token(self) -> Secret | None:
        value = self._take_typed("refresh_token", str, lambda text: not text or is_token(text))
        return Secret(value) if value else None

    def take_unknown_keys(self) -> dict[str, Any]:
        """Return the remaining keys.

        They are saved with the profile. That must not fail after a refresh token has been used, so check it now.
        """
        try:
            size = len(json.dumps(self.remaining, indent=1, ensure_ascii=False).encode()) if self.remaining else 0
        except (ValueError, RecursionError):
            raise ProfileError(
                "profile_unreadable", file=self._path, detail="it contains data that can't be saved again"
            ) from None
        if size > _MAX_UNKNOWN_BYTES:
            raise ProfileError("profile_unreadable", file=self._path, detail="it contains too much other data")
        return self.remaining

    def take_id(self) -> str | None:
        """Return the profile ID. It is used in journal file names and keyring items, so it must not contain a path."""
        value: str | None = self._take_typed("id", str, is_id)
        return value

    def take_count(self, key: str) -> int:
        value: int | None = self._take_typed(key, int, lambda number: number >= 0 and not isinstance(number, bool))
        return value or 0

    def take_timestamp(self, key: str) -> datetime | None:
        value = self.take_raw_text(key)
        if value is None:
            return None
        if is_timestamp(value):
            return datetime.fromisoformat(value)
        raise ProfileError("profile_unreadable", file=self._path, detail=f"the value of {key} isn't a time")
