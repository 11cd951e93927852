"""Every shape of response that Slack documents or is known to send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from slack_token_tui.slack.errors import SlackRefused, UnusableResponse
from slack_token_tui.slack.responses import parse_body, parse_identity, parse_token_response
from tests.support.profiles import make_rotating_token

TOKEN, OTHER, BOT = "xoxp-canary-aaaaaaaa", "xoxp-canary-bbbbbbbb", "xoxb-canary-cccccccc"
ROTATING = {"access_token": make_rotating_token("canary"), "refresh_token": "xoxe-1-canary-r", "expires_in": 43200}
USER = {"id": "U1", "scope": "users:read,chat:write"}

SHAPES: dict[str, dict[str, Any]] = {
    "formal schema": {
        "ok": True,
        "access_token": TOKEN,
        "token_type": "user",
        "user_id": "U1",
        "scope": "users:read,chat:write",
    },
    "Bearer": {
        "ok": True,
        "access_token": TOKEN,
        "token_type": "Bearer",
        "user_id": "U1",
        "scope": "users:read,chat:write",
    },
    "documented example": {
        "ok": True,
        "access_token": TOKEN,
        "token_type": "user",
        "authed_user": USER,
        "team": {"id": "T1"},
    },
    "empty top scope": {"ok": True, "access_token": TOKEN, "scope": "", "authed_user": USER},
    "nested": {"ok": True, "authed_user": {**USER, "access_token": TOKEN, "token_type": "user"}},
    "both, equal": {"ok": True, "access_token": TOKEN, "authed_user": {**USER, "access_token": TOKEN}},
    "spaces": {"ok": True, "access_token": TOKEN, "user_id": "U1", "scope": "users:read chat:write"},
    "bare RFC body": {"access_token": TOKEN, "token_type": "Bearer", "user_id": "U1", "scope": "users:read chat:write"},
    "bot beside user": {
        "ok": True,
        "access_token": BOT,
        "token_type": "bot",
        "scope": "commands",
        "refresh_token": "xoxe-1-bot-canary",
        "authed_user": {**USER, "access_token": TOKEN, "token_type": "user"},
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_response_shape_yields_token_scopes_and_user(shape: str) -> None:
    token_response = parse_token_response(SHAPES[shape])
    assert token_response.access_token.reveal() == TOKEN
    assert token_response.scopes == ("users:read", "chat:write")
    assert token_response.user_id == "U1"
    assert token_response.refresh_token is None
    assert token_response.expires_in_seconds is None


@pytest.mark.parametrize("nested", [False, True])
def test_rotation_fields_come_from_the_object_with_the_token(nested: bool) -> None:
    answer = {"ok": True, "authed_user": {**USER, **ROTATING}} if nested else {"ok": True, **ROTATING}
    token_response = parse_token_response(answer)
    assert token_response.refresh_token is not None
    assert token_response.refresh_token.reveal() == "xoxe-1-canary-r"
    assert token_response.expires_in_seconds == 43200


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("43200", 43200),
        (3599, 3599),
        (1e12, 46800),
        (0, 43200),
        (-1, 43200),
        (None, 43200),
        (True, 43200),
        ("x", 43200),
    ],
)
def test_expires_in_is_validated_and_clamped(value: object, seconds: int) -> None:
    assert parse_token_response({"ok": True, **ROTATING, "expires_in": value}).expires_in_seconds == seconds


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"ok": True}, "token_missing"),
        ({"ok": True, "access_token": ""}, "token_missing"),
        ({"ok": True, "access_token": BOT}, "token_is_bot"),
        ({"ok": True, "access_token": make_rotating_token("canary", "xoxb")}, "token_is_bot"),
        ({"ok": True, "access_token": TOKEN, "authed_user": {"access_token": OTHER}}, "tokens_differ"),
        ({"ok": True, "access_token": ["x"]}, "token_malformed"),
        ({"ok": True, "access_token": "xoxp canary\n"}, "token_malformed"),
        ({"ok": True, "access_token": "x" * 5000}, "token_malformed"),
        ({"ok": True, "access_token": TOKEN, "token_type": "mac"}, "token_type_unknown"),
        ({"ok": "true", "access_token": TOKEN}, "answer_unreadable"),
        ({"ok": 1, "access_token": TOKEN}, "answer_unreadable"),
    ],
)
def test_response_without_exactly_one_user_token_is_rejected(answer: dict[str, Any], code: str) -> None:
    with pytest.raises(UnusableResponse) as caught:
        parse_token_response(answer)
    assert caught.value.code == code


def test_error_has_slacks_code_and_facts() -> None:
    with pytest.raises(SlackRefused) as caught:
        parse_token_response({"ok": False, "error": "missing_scope", "needed": "im:read", "provided": "users:read"})
    assert caught.value.code == "missing_scope"
    assert caught.value.facts == {"needed": "im:read", "provided": "users:read"}


def test_hostile_error_code_is_not_repeated() -> None:
    with pytest.raises(SlackRefused) as caught:
        parse_token_response({"ok": False, "error": "\x1b[31m[/red]"})
    assert caught.value.code == "unrecognised_error"


@pytest.mark.parametrize("body", [b"<html>", b"", b"[" * 100_000, b"\xff\xfe"])
def test_non_json_body_is_reported_as_not_slack(body: bytes) -> None:
    with pytest.raises(UnusableResponse) as caught:
        parse_body(body)
    assert caught.value.code == "not_slack"


def test_identity_omits_the_identify_scope_and_sanitizes_names() -> None:
    answer = {"ok": True, "user_id": "U1", "user": "ja\x1b]0;x\x07ne", "team": "‮evil[/red]", "team_id": "T1"}
    identity = parse_identity(answer, "identify,users:read, chat:write")
    assert identity.scopes == ("users:read", "chat:write")
    assert "\x1b" not in (identity.user_name or "")
    assert "‮" not in (identity.team_name or "")


def test_bot_id_does_not_override_the_user_token_prefix() -> None:
    """The prefix and the type of a token decide. They are checked before Slack is asked for the identity."""
    assert parse_identity({"ok": True, "user_id": "U1", "bot_id": "B1"}, None).user_id == "U1"


@pytest.mark.parametrize("ok", [{}, {"ok": "yes"}, {"ok": None}])
@pytest.mark.parametrize(
    "held",
    [
        {"access_token": "eyJhbGciOi.portal.session", "refresh_token": "portal-refresh-0001", "expires_in": 3600},
        {"access_token": False},
        {"access_token": 12345},
        {"access_token": {"value": "x"}},
        {"error": "unauthorized", "access_token": "none"},
        {"authed_user": {"access_token": "session"}},
    ],
    ids=str,
)
def test_captive_portal_token_is_reported_as_not_slack(ok: dict[str, Any], held: dict[str, Any]) -> None:
    with pytest.raises(UnusableResponse) as caught:
        parse_body(json.dumps({**ok, **held}).encode())
    assert caught.value.code == "not_slack"


def test_slack_token_is_accepted_without_ok() -> None:
    assert parse_body(json.dumps({"access_token": TOKEN}).encode()) == {"access_token": TOKEN}
