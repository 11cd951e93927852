"""The catalog of scopes: each has a short description, and what a user token can't have is explained, not requested."""

from __future__ import annotations

from collections import Counter

import pytest

from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.manifest import create_manifest
from slack_token_tui.slack.scope_catalog import (
    TOPICS,
    Group,
    Scope,
    Sensitivity,
    UnknownScope,
    bot_scopes,
    describe_scopes,
    find_scope,
    request_warnings,
    unavailable_reasons,
    unknown_scopes,
    user_scopes,
)
from slack_token_tui.slack.scopes import DEFAULT_SCOPES, PRESETS, Preset, parse_requestable_scopes, parse_scopes
from slack_token_tui.store.apps import LOOPBACK_REDIRECT_URIS

ALL_SCOPES = (*user_scopes(), *bot_scopes())
READ, READ_AND_WRITE, AI_TOOLS = PRESETS


def find_sensitivity(name: str) -> Sensitivity | None:
    """Return the sensitivity of scope ``name``. It must be in the catalog."""
    assert find_scope(name).group is not Group.UNLISTED, name
    return find_scope(name).sensitivity


def test_catalog_lists_every_user_scope_once() -> None:
    scopes = user_scopes()
    assert len(scopes) == len({scope.name for scope in scopes}) == 112
    assert Counter(scope.group for scope in scopes) == {
        Group.STANDARD: 63,
        Group.SPECIAL: 12,
        Group.SIGN_IN: 7,
        Group.LEGACY: 4,
        Group.ADMIN: 26,
    }


@pytest.mark.parametrize("scope", ALL_SCOPES, ids=lambda scope: scope.name)
def test_every_scope_has_a_short_description_and_a_topic(scope: Scope) -> None:
    assert scope.topic in TOPICS
    assert 2 <= len(scope.description.split()) <= 8
    assert scope.description[0].islower()
    assert not scope.description.endswith(".")
    assert not scope.note or (scope.note[0].isupper() and scope.note.endswith("."))
    assert parse_scopes(scope.name) == (scope.name,)


def test_descriptions_follow_the_name_unchanged() -> None:
    names = ["chat:write", "dnd:write", "brand.new:thing"]
    assert describe_scopes(names) == (
        "chat:write: post, edit and delete messages as you",
        "dnd:write: change your Do Not Disturb settings",
        "brand.new:thing: no description available",
    )


# ── sensitivity ──


def test_sensitivity_values_are_the_words_shown() -> None:
    assert list(Sensitivity) == ["reads private content", "acts as you", "administers"]


@pytest.mark.parametrize(
    ("sensitivity", "names"),
    [
        (
            Sensitivity.READS_PRIVATE,
            "groups:history groups:read im:history im:read mpim:history mpim:read search:read search:read.private "
            "search:read.im search:read.mpim search:read.files files:read canvases:read lists:read users:read.email",
        ),
        (
            Sensitivity.ACTS_AS_YOU,
            "chat:write files:write canvases:write lists:write reactions:write channels:write groups:write im:write "
            "users.profile:write",
        ),
        (Sensitivity.ADMINISTERS, "admin admin.users:read admin.chat:write auditlogs:read usergroups:write"),
        (
            None,
            "users:read team:read emoji:read usergroups:read channels:read channels:history search:read.public "
            "search:read.users dnd:write users:write stars:write reminders:write openid email",
        ),
    ],
)
def test_sensitivity_says_why_a_scope_deserves_a_second_look(sensitivity: Sensitivity | None, names: str) -> None:
    assert {name: find_sensitivity(name) for name in names.split()} == dict.fromkeys(names.split(), sensitivity)


def test_sensitivity_agrees_with_the_name_of_the_scope() -> None:
    for scope in user_scopes():
        if scope.group is Group.ADMIN:
            assert scope.sensitivity is Sensitivity.ADMINISTERS, scope.name
        elif "write" in scope.name:
            assert scope.sensitivity is not Sensitivity.READS_PRIVATE, scope.name
        elif scope.name != "remote_files:share":  # shares files as you
            assert scope.sensitivity in (None, Sensitivity.READS_PRIVATE), scope.name


# ── presets ──


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.label)
def test_preset_can_be_requested_and_fits_into_a_manifest(preset: Preset) -> None:
    assert {find_scope(name).group for name in preset.scopes} == {Group.STANDARD}
    assert parse_requestable_scopes(",".join(preset.scopes)) == preset.scopes
    assert request_warnings(preset.scopes) == ()
    manifest = create_manifest("x", preset.scopes, LOOPBACK_REDIRECT_URIS, rotation=True)
    assert manifest.prefilled_url(Endpoints()) is not None


def test_preset_labels_and_purposes_are_short_enough_for_buttons() -> None:
    assert [preset.label for preset in PRESETS] == ["Read", "Read and write", "AI tools"]
    assert all(len(preset.purpose.split()) <= 9 for preset in PRESETS)
    assert all(preset.purpose[0].islower() for preset in PRESETS)


def test_read_preset_only_reads_public_things() -> None:
    assert set(DEFAULT_SCOPES) <= set(READ.scopes)
    assert not any("write" in name for name in READ.scopes)
    assert {find_sensitivity(name) for name in READ.scopes} == {None}


def test_read_and_write_preset_reads_and_posts_messages_everywhere() -> None:
    histories = {f"{kind}:history" for kind in ("channels", "groups", "im", "mpim")}
    assert histories | {"chat:write"} <= set(READ_AND_WRITE.scopes)


def test_ai_tools_preset_is_what_slacks_mcp_server_asks_for() -> None:
    assert sorted(AI_TOOLS.scopes) == sorted(
        [f"search:read.{what}" for what in ("public", "private", "im", "mpim", "files", "users")]
        + [f"{kind}:{what}" for kind in ("channels", "groups", "im", "mpim") for what in ("read", "history")]
        + ["chat:write", "files:read", "users:read", "users:read.email", "emoji:read"]
        + [f"{what}:{mode}" for what in ("canvases", "lists", "reactions") for mode in ("read", "write")]
    )


# ── scopes that can't be requested ──


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("bot", "bots only"),
        ("channels:join", "bots only"),
        ("mcp:connect", "mcp:connect is for bots only, so a user token can't have it."),
        ("remote_files:write", "bots only"),
        ("datastore:read", "bots only"),
        ("datastore:write", "bots only"),
        ("triggers:read", "bots only"),
        ("triggers:write", "bots only"),
        ("chat:write:user", "retired"),
        ("client", "retired"),
        ("identify", "every user token"),
        ("openid,users:read", "openid can't be requested together with other scopes"),
    ],
)
def test_scopes_slack_would_reject_are_explained_and_not_sent(asked: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_requestable_scopes(asked)


@pytest.mark.parametrize("scope", ALL_SCOPES, ids=lambda scope: scope.name)
def test_only_bot_scopes_retired_scopes_and_identify_are_unavailable(scope: Scope) -> None:
    is_unavailable = scope.group in (Group.BOT_ONLY, Group.LEGACY) or scope.name == "identify"
    assert bool(scope.unavailable_reason) is is_unavailable
    assert unavailable_reasons([scope.name]) == ((scope.unavailable_reason,) if is_unavailable else ())


def test_sign_in_scopes_alone_and_unknown_scopes_are_accepted() -> None:
    assert parse_requestable_scopes("openid,email") == ("openid", "email")
    assert parse_requestable_scopes("brand.new:thing, users:read") == ("brand.new:thing", "users:read")


# ── scopes that are requested with a warning ──


@pytest.mark.parametrize(
    "scope", [scope for scope in ALL_SCOPES if scope.group is Group.ADMIN], ids=lambda scope: scope.name
)
def test_admin_scope_is_accepted_with_a_warning(scope: Scope) -> None:
    assert parse_requestable_scopes(scope.name) == (scope.name,)
    assert request_warnings([scope.name]) == (scope.warning,)


def test_warning_says_who_can_request_admin_scopes() -> None:
    assert find_scope("auditlogs:read").warning == (
        "auditlogs:read needs an Org Owner or Admin and an org-wide install."
    )
    assert find_scope("admin").warning == "admin needs a workspace owner or admin."
    assert request_warnings(["users:read", "admin.users:read", "auditlogs:read"]) == (
        "admin.users:read, auditlogs:read need an Org Owner or Admin and an org-wide install.",
    )


def test_scopes_that_anyone_can_request_have_no_warning() -> None:
    others = [scope for scope in ALL_SCOPES if scope.group is not Group.ADMIN]
    assert {scope.warning for scope in others} == {None}
    assert request_warnings(scope.name for scope in others) == ()


def test_misspelled_scope_suggests_the_right_one() -> None:
    assert unknown_scopes(["users:read", "user:read", "brand.new:thing"]) == (
        UnknownScope("user:read", "users:read"),
        UnknownScope("brand.new:thing", None),
    )
    assert request_warnings(["user:read"]) == ("Unknown scope user:read. Did you mean users:read?",)
    assert request_warnings(["a:b"]) == ("Unknown scope a:b.",)


def test_warning_about_many_unknown_scopes_names_only_the_first() -> None:
    assert request_warnings(f"a:{number}" for number in range(255)) == (
        "Unknown scopes a:0, a:1, a:2, a:3, a:4 and 250 more.",
    )
    misspelled = [f"{scope.name}x" for scope in user_scopes()]
    assert len(request_warnings(misspelled)) == 6
