"""Parsers for Slack's responses: strict where security depends on it, lenient where Slack's sources disagree.

In documented and real responses of ``oauth.v2.user.access``:

- The token is at the top level, under ``authed_user``, or in both places.
- ``token_type`` is ``user`` or ``Bearer``.
- Scopes are separated by commas or spaces, and are in either place.
- Rotation may be on or off, and ``ok`` may be missing.

All of these are accepted. A bot token, an empty token or two different user tokens are rejected.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from slack_token_tui.problems import code_from_slack
from slack_token_tui.sanitize import clean, clean_or_none
from slack_token_tui.secret import Secret
from slack_token_tui.slack.errors import SlackRefused, UnusableResponse, UnusableToken
from slack_token_tui.slack.limits import MAX_SCOPES, MAX_TOKEN_SECONDS, MAX_WORKSPACES, ROTATING_TOKEN_SECONDS

IMPLICIT_SCOPE = "identify"
"""Slack adds this scope to every user token, even if it was not requested."""

_TOKEN = re.compile(r"[\x21-\x7e]{8,4096}")
_BOT_TOKEN = re.compile(r"(?:xoxe\.)?xoxb-")
_SLACK_TOKEN = re.compile(r"(?:xoxe\.)?xox[a-z]-")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_TOKEN_IN_TEXT = re.compile(r"(?:xoxe\.)?xox[a-z]-[\x21\x23-\x5b\x5d-\x7e]{4,4096}")
"""Stops at a quotation mark or a backslash, which can't be part of a token in a JSON string."""
_SCOPE_SEPARATORS = re.compile(r"[,\s]+")
_KNOWN_TOKEN_TYPES = frozenset({"user", "bearer", "bot", ""})


@dataclass(frozen=True)
class TokenResponse:
    """A token response. Slack: oauth.v2.user.access, oauth.v2.access.

    Every field except the access token may be missing. The identity comes from ``auth.test`` and not from here.
    """

    access_token: Secret
    refresh_token: Secret | None = None
    expires_in_seconds: int | None = None
    scopes: tuple[str, ...] = ()
    user_id: str | None = None
    team_id: str | None = None
    team_name: str | None = None
    enterprise_id: str | None = None
    enterprise_name: str | None = None
    app_id: str | None = None
    is_enterprise_install: bool = False


@dataclass(frozen=True)
class Identity:
    """The user, team and scopes of a token. Slack: auth.test and its ``x-oauth-scopes`` header.

    Attributes:
        scopes: the token's current scopes without the implicit ``identify``, or None if the header is missing.
        expires_in_seconds: the remaining lifetime of a rotating token, if Slack reports it.
        workspaces: workspaces that an organization's token can use, each as ID and name (auth.teams.list). None if the
            list was not loaded.
    """

    user_id: str
    user_name: str | None = None
    team_id: str | None = None
    team_name: str | None = None
    workspace_url: str | None = None
    enterprise_id: str | None = None
    app_id: str | None = None
    app_name: str | None = None
    is_enterprise_install: bool = False
    scopes: tuple[str, ...] | None = None
    expires_in_seconds: int | None = None
    workspaces: tuple[str, ...] | None = None


def split_scopes(text: str) -> tuple[str, ...]:
    """Return the scopes in ``text``, separated by commas or whitespace: in order, without duplicates, at most 255."""
    scopes = dict.fromkeys(clean(part) for part in _SCOPE_SEPARATORS.split(text) if part)
    return tuple(islice(scopes, MAX_SCOPES))


def parse_body(body: bytes) -> dict[str, Any]:
    """Return the JSON object in ``body`` if it is from Slack: ``ok`` is a boolean, or it contains a Slack token.

    Captive portals, proxies and gateways also send JSON. Their responses say nothing about what Slack did.

    Raises:
        UnusableResponse: the body is not a response from Slack (``not_slack``).
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise UnusableResponse("not_slack") from None
    if not isinstance(data, dict):
        raise UnusableResponse("not_slack")
    tokens = (data.get("access_token"), _as_mapping(data.get("authed_user")).get("access_token"))
    if not isinstance(data.get("ok"), bool) and not any(map(_is_from_slack, tokens)):
        raise UnusableResponse("not_slack")
    return data


def _is_from_slack(token: object) -> bool:
    """Return whether ``token`` has a Slack prefix. Captive portals issue access tokens too."""
    return isinstance(token, str) and _SLACK_TOKEN.match(token) is not None


def find_tokens(response: Secret) -> tuple[Secret, ...]:
    """Return everything that looks like a Slack token in a raw response body, without duplicates, refresh tokens first.

    An unusable response may still contain valid tokens, which can be revoked.
    """
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), response.reveal())
    tokens = dict.fromkeys(_TOKEN_IN_TEXT.findall(text))
    return tuple(Secret(token) for token in sorted(tokens, key=lambda token: not token.startswith("xoxe-")))


def raise_if_refused(data: Mapping[str, Any]) -> None:
    """Raise an error unless ``data`` reports success.

    Raises:
        SlackRefused: ``ok`` is false. Its code is Slack's error code.
        UnusableResponse: ``ok`` is not a boolean, or ``error`` is present without ``ok``.
    """
    ok = data.get("ok")
    if ok is True or ("ok" not in data and "error" not in data):
        return
    if ok is False:
        facts = {
            key: clean(value, 200)
            for key, name in (("needed", "needed"), ("provided", "provided"), ("description", "error_description"))
            if isinstance(value := data.get(name), str) and value
        }
        if details := _response_messages(data):
            facts["detail"] = details
        raise SlackRefused(code_from_slack(data.get("error")), **facts)
    raise UnusableResponse("answer_unreadable")


def _response_messages(data: Mapping[str, Any]) -> str | None:
    """Return Slack's readable messages about malformed arguments from ``response_metadata.messages``, or None."""
    messages = _as_mapping(data.get("response_metadata")).get("messages")
    if not isinstance(messages, list):
        return None
    return clean(" ".join(message for message in messages if isinstance(message, str)), 200) or None


def parse_token_response(data: Mapping[str, Any]) -> TokenResponse:
    """Return the user token in a response of ``oauth.v2.user.access`` or ``oauth.v2.access``.

    Raises:
        SlackRefused: Slack returned an error.
        UnusableToken: the response does not contain exactly one valid user token.
    """
    try:
        raise_if_refused(data)
    except UnusableResponse as error:
        raise UnusableToken(error.code) from None
    authed_user = _as_mapping(data.get("authed_user"))
    sources = [part for part in (data, authed_user) if _has_token(part)]
    user_sources = [part for part in sources if not _is_bot(part)]
    if not user_sources:
        raise UnusableToken("token_is_bot" if sources else "token_missing")
    tokens = {_parse_token(part["access_token"]) for part in user_sources}
    if len(tokens) > 1:
        raise UnusableToken("tokens_differ")
    source = user_sources[0]
    # The other fields belong to the token, so the object that contains it comes first. The other object fills gaps:
    # both may contain the same token, or the fields may only be at the top level. A bot token's fields are never used.
    others = [part for part in (data, authed_user) if part is not source and not (_has_token(part) and _is_bot(part))]
    for part in (source, *others):
        token_type = part.get("token_type")
        if isinstance(token_type, str) and token_type.lower() not in _KNOWN_TOKEN_TYPES:
            raise UnusableToken("token_type_unknown", detail=clean(token_type))
    refresh_token = _first_present(_parse_optional_token(part.get("refresh_token")) for part in (source, *others))
    expires_in = _first_present(_parse_expires_in(part.get("expires_in")) for part in (source, *others))
    if refresh_token and expires_in is None:
        expires_in = ROTATING_TOKEN_SECONDS
    scope = next(
        (part["scope"] for part in (source, *others) if isinstance(part.get("scope"), str) and part["scope"]), ""
    )
    team, enterprise = _as_mapping(data.get("team")), _as_mapping(data.get("enterprise"))
    return TokenResponse(
        access_token=tokens.pop(),
        refresh_token=refresh_token,
        expires_in_seconds=expires_in,
        scopes=tuple(entry for entry in split_scopes(scope) if entry != IMPLICIT_SCOPE),
        user_id=clean_or_none(data.get("user_id")) or clean_or_none(authed_user.get("id")),
        team_id=clean_or_none(team.get("id")),
        team_name=clean_or_none(team.get("name")),
        enterprise_id=clean_or_none(enterprise.get("id")),
        enterprise_name=clean_or_none(enterprise.get("name")),
        app_id=clean_or_none(data.get("app_id")),
        is_enterprise_install=data.get("is_enterprise_install") is True,
    )


def parse_identity(data: Mapping[str, Any], scopes_header: str | None) -> Identity:
    """Return the identity in an ``auth.test`` response and its ``x-oauth-scopes`` header.

    Raises:
        SlackRefused: Slack returned an error.
        UnusableResponse: the response has no user ID.
    """
    raise_if_refused(data)
    user_id = clean_or_none(data.get("user_id"))
    if data.get("ok") is not True or user_id is None:
        raise UnusableResponse("answer_unreadable")
    scopes = None
    if scopes_header is not None:
        scopes = tuple(scope for scope in split_scopes(scopes_header) if scope != IMPLICIT_SCOPE)
    return Identity(
        user_id=user_id,
        user_name=clean_or_none(data.get("user")),
        team_id=clean_or_none(data.get("team_id")),
        team_name=clean_or_none(data.get("team")),
        workspace_url=_parse_url(data.get("url")),
        enterprise_id=clean_or_none(data.get("enterprise_id")),
        app_id=clean_or_none(data.get("app_id")),
        app_name=clean_or_none(data.get("app_name")),
        is_enterprise_install=data.get("is_enterprise_install") is True,
        scopes=scopes,
        expires_in_seconds=_parse_expires_in(data.get("expires_in")),
    )


def parse_workspaces(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the workspaces in an ``auth.teams.list`` response, each as ID and name, at most ``MAX_WORKSPACES``.

    Raises:
        SlackRefused: Slack returned an error.
        UnusableResponse: the response has no list of teams.
    """
    raise_if_refused(data)
    teams = data.get("teams")
    if not isinstance(teams, list):
        raise UnusableResponse("answer_unreadable")
    workspaces = [team for team in teams if isinstance(team, dict) and isinstance(team.get("id"), str) and team["id"]]
    return tuple(clean(f"{workspace['id']} {workspace.get('name') or ''}") for workspace in workspaces[:MAX_WORKSPACES])


def _as_mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _has_token(part: Mapping[str, Any]) -> bool:
    return part.get("access_token") not in (None, "")


def _is_bot(part: Mapping[str, Any]) -> bool:
    token = part.get("access_token")
    return part.get("token_type") == "bot" or (isinstance(token, str) and _BOT_TOKEN.match(token) is not None)


def _parse_token(value: object) -> Secret:
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise UnusableToken("token_malformed")
    return Secret(value)


def _parse_url(value: object) -> str | None:
    """Return ``value`` if it is a valid web URL, otherwise None. Code that parses the result later must not fail."""
    text = clean_or_none(value, 200)
    try:
        parts = urlsplit(text or "")
        return text if parts.scheme in {"https", "http"} and parts.hostname and parts.port != 0 else None
    except ValueError:
        return None


def _parse_optional_token(value: object) -> Secret | None:
    return None if value in (None, "") else _parse_token(value)


def _parse_expires_in(value: object) -> int | None:
    """Return the lifetime in seconds, at most ``MAX_TOKEN_SECONDS``, or None if it is not a positive number.

    Slack has sent ``expires_in`` as a number and as a string.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = int(float(value))
    except (ValueError, OverflowError):
        return None
    return min(seconds, MAX_TOKEN_SECONDS) if seconds > 0 else None


def _first_present(values: Any) -> Any:
    return next((value for value in values if value is not None), None)
