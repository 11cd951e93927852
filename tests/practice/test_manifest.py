"""Manifests: ours follow Slack's rules, and the practice Slack creates apps from them or refuses as Slack would."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slack_token_tui.practice.manifest_rules import find_problems
from slack_token_tui.practice.models import CLIENT_ID
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.slack.client_id import recognize
from slack_token_tui.slack.endpoints import GOVSLACK, Endpoints
from slack_token_tui.slack.manifest import Manifest, create_manifest
from slack_token_tui.slack.scope_catalog import Group, describe_scopes, user_scopes
from slack_token_tui.slack.scopes import PRESETS
from slack_token_tui.store.apps import LOOPBACK_REDIRECT_URIS

STANDARD_SCOPES = tuple(scope.name for scope in user_scopes() if scope.group is Group.STANDARD)


def make_manifest(**changes: Any) -> Manifest:
    values = {"name": "My Slack Tokens", "scopes": ("users:read",), "rotation": True, **changes}
    return create_manifest(values["name"], values["scopes"], LOOPBACK_REDIRECT_URIS, rotation=values["rotation"])


@given(
    st.text(min_size=1, max_size=35).filter(
        lambda name: " ".join(name.split()) and " ".join(name.split()).isprintable()
    ),
    st.lists(st.sampled_from(STANDARD_SCOPES), min_size=1, unique=True),
    st.booleans(),
)
def test_generated_manifests_follow_slacks_rules(name: str, scopes: list[str], rotation: bool) -> None:
    made = make_manifest(name=name, scopes=tuple(scopes), rotation=rotation)
    assert find_problems(made.to_dict()) == []
    assert json.loads(made.to_json()) == made.to_dict()


@pytest.mark.parametrize(
    ("name", "scopes", "words"),
    [
        ("", ("users:read",), "Give the app a name"),
        ("x" * 36, ("users:read",), "up to 35"),
        ("a\x00b", ("users:read",), "cannot be shown"),
        ("x", (), "at least one scope"),
        ("x", tuple(f"a:{n}" for n in range(256)), "up to 255"),
    ],
)
def test_invalid_manifest_values_raise_an_error(name: str, scopes: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        create_manifest(name, scopes, LOOPBACK_REDIRECT_URIS, rotation=True)


def set_value(place: str, value: object) -> Callable[[dict[str, Any]], None]:
    *path, last = place.split(".")

    def do(record: dict[str, Any]) -> None:
        for key in path:
            record = record.setdefault(key, {})
        record[last] = value

    return do


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (set_value("colour", "red"), "has no 'colour'"),
        (set_value("display_information", {}), "name is required"),
        (set_value("display_information.name", "x" * 36), "1 to 35"),
        (set_value("display_information.background_color", "red"), "hex"),
        (set_value("oauth_config.pkce_enabled", False), "must use https"),
        (set_value("oauth_config.pkce_enabled", "yes"), "true or false"),
        (set_value("oauth_config.redirect_urls", ["http://127.0.0.1:1/x"]), "must use https"),
        (set_value("oauth_config.redirect_urls", ["http://example.com/x"]), "must use https"),
        (set_value("oauth_config.redirect_urls", ["https://a/b#c"]), "no redirect URL"),
        (set_value("oauth_config.redirect_urls", ["https://a/b"] * 2), "each once"),
        (set_value("oauth_config.redirect_urls", []), "rotation needs a redirect"),
        (set_value("oauth_config.scopes.user", ["channels:join"]), "invalid scope channels:join"),
        (set_value("oauth_config.scopes.user", ["admin.users:read"]), "in this workspace"),
        (set_value("oauth_config.scopes.user", ["x" * 51]), "invalid scope"),
        (set_value("oauth_config.scopes.user", ["a"] * 256), "up to 255"),
        (set_value("oauth_config.scopes.user_optional", ["chat:write"]), "plain list"),
        (set_value("oauth_config.scopes.people", []), "has no 'people'"),
        (set_value("settings.token_rotation_enabled", "yes"), "true or false"),
        (set_value("settings.unknown", True), "has no 'unknown'"),
    ],
)
def test_practice_slack_rejects_invalid_manifests(break_it: Callable[[dict[str, Any]], None], words: str) -> None:
    record = make_manifest().to_dict()
    break_it(record)
    assert any(words in problem for problem in find_problems(record))


def test_prefilled_url_creates_the_app_only_once(slack: PracticeSlack, workspace: Workspace) -> None:
    made = make_manifest(scopes=("users:read", "chat:write"), rotation=False)
    address = made.prefilled_url(Endpoints(slack.base))
    assert address is not None
    page = simulate_browser(address)
    recognised = recognize(page)
    assert recognised.client_id not in (None, CLIENT_ID)
    app = workspace.find_app(str(recognised.client_id))
    assert app is not None
    assert (app.name, app.scopes, app.pkce_enabled, app.rotation) == (
        "My Slack Tokens",
        {"users:read", "chat:write"},
        True,
        False,
    )
    assert app.redirect_urls == LOOPBACK_REDIRECT_URIS
    assert "exists in the workspace" in simulate_browser(address), "a name is unique"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '"x"'])
def test_apps_page_reports_an_invalid_manifest(slack: PracticeSlack, text: str) -> None:
    from urllib.parse import quote

    assert "We can’t make an app" in simulate_browser(f"{slack.base}/apps?new_app=1&manifest_json={quote(text)}")


def test_prefilled_url_points_to_slack_and_has_a_length_limit() -> None:
    address = make_manifest(scopes=PRESETS[1].scopes).prefilled_url(Endpoints())
    assert address is not None
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "api.slack.com", "/apps")
    query = parse_qs(parts.query)
    assert query["new_app"] == ["1"]
    assert json.loads(query["manifest_json"][0]) == make_manifest(scopes=PRESETS[1].scopes).to_dict()
    assert "https://api.slack-gov.com/apps?" in str(make_manifest().prefilled_url(Endpoints(GOVSLACK)))
    many = tuple(f"scope-of-a-long-name.number-{number}:write" for number in range(200))
    assert make_manifest(scopes=many).prefilled_url(Endpoints()) is None


def test_admin_request_lists_scopes_and_asks_for_the_client_id() -> None:
    made = make_manifest(scopes=("users:read", "chat:write"))
    message = made.admin_request(Endpoints(), describe_scopes(made.scopes))
    assert "chat:write: post, schedule, edit and delete messages as you" in message
    assert "Send me the Client ID" in message
    assert "https://api.slack.com/apps" in message
    assert made.to_json() in message
