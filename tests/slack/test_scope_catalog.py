"""Descriptions of scopes: all known ones have one, and scopes that a user token can't have are explained, not sent."""

from __future__ import annotations

from collections import Counter

import pytest

from slack_token_tui.slack.scope_catalog import (
    TOPICS,
    Group,
    describe_scopes,
    find_scope,
    unavailable_reasons,
    user_scopes,
)
from slack_token_tui.slack.scopes import PRESETS, parse_requestable_scopes, parse_scopes


def test_catalog_lists_every_user_scope_once() -> None:
    scopes = user_scopes()
    assert len(scopes) == len({scope.name for scope in scopes}) == 114
    assert Counter(scope.group for scope in scopes) == {
        Group.STANDARD: 63,
        Group.SPECIAL: 14,
        Group.SIGN_IN: 7,
        Group.LEGACY: 4,
        Group.ADMIN: 26,
    }


@pytest.mark.parametrize("scope", user_scopes(), ids=lambda scope: scope.name)
def test_every_scope_has_a_description_and_a_topic(scope: object) -> None:
    from slack_token_tui.slack.scope_catalog import Scope

    assert isinstance(scope, Scope)
    assert scope.topic in TOPICS
    assert scope.description[0].isupper()
    assert not scope.description.endswith(".")
    assert "the user" not in scope.description.replace("the user groups", ""), "it speaks to the person"
    assert parse_scopes(scope.name) == (scope.name,)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.label)
def test_presets_contain_only_standard_scopes(preset: object) -> None:
    from slack_token_tui.slack.scopes import Preset

    assert isinstance(preset, Preset)
    assert {find_scope(name).group for name in preset.scopes} == {Group.STANDARD}
    assert not unavailable_reasons(preset.scopes)


def test_read_only_preset_has_no_write_scopes() -> None:
    assert not any("write" in name for name in PRESETS[0].scopes)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("bot", "for bots"),
        ("channels:join", "for bots"),
        ("admin.users:read", "owners of an Enterprise organisation"),
        ("chat:write:user", "classic apps"),
        ("identify", "comes with every user token"),
        ("openid,users:read", "cannot stand beside"),
    ],
)
def test_scopes_slack_would_reject_are_explained_and_not_sent(asked: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_requestable_scopes(asked)


def test_sign_in_scopes_alone_and_unknown_scopes_are_accepted() -> None:
    assert parse_requestable_scopes("openid,email") == ("openid", "email")
    assert parse_requestable_scopes("brand.new:thing, users:read") == ("brand.new:thing", "users:read")
    assert describe_scopes(["chat:write"]) == ("chat:write: post, schedule, edit and delete messages as you",)
