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
from slack_token_tui.slack.scope_catalog import Group, bot_scopes, describe_scopes, user_scopes
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
        ("", ("users:read",), "Enter an app name"),
        ("x" * 36, ("users:read",), "up to 35"),
        ("a\x00b", ("users:read",), "unprintable"),
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
        (set_value("shade", "red"), "unknown key 'shade'"),
        (set_value("display_information", {}), "name is required"),
        (set_value("display_information.name", "x" * 36), "1 to 35"),
        (set_value("display_information.background_color", "red"), "hex"),
        (set_value("oauth_config.pkce_enabled", False), "must use https"),
        (set_value("oauth_config.pkce_enabled", "yes"), "true or false"),
        (set_value("oauth_config.redirect_urls", ["http://127.0.0.1:1/x"]), "must use https"),
        (set_value("oauth_config.redirect_urls", ["http://example.com/x"]), "must use https"),
        (set_value("oauth_config.redirect_urls", ["https://a/b#c"]), "not a valid redirect URL"),
        (set_value("oauth_config.redirect_urls", ["https://a/b"] * 2), "unique"),
        (set_value("oauth_config.redirect_urls", []), "rotation needs a redirect"),
        *(
            (set_value("oauth_config.scopes.user", [scope.name]), f"invalid scope {scope.name}")
            for scope in bot_scopes()
        ),
        (set_value("oauth_config.scopes.user", ["admin.users:read"]), "in this workspace"),
        (set_value("oauth_config.scopes.user", ["x" * 51]), "invalid scope"),
        (set_value("oauth_config.scopes.user", ["a"] * 256), "up to 255"),
        (set_value("oauth_config.scopes.user_optional", ["chat:write"]), "must also be in"),
        (set_value("oauth_config.scopes.people", []), "unknown key 'people'"),
        (set_value("settings.token_rotation_enabled", "yes"), "true or false"),
        (set_value("settings.unknown", True), "unknown key 'unknown'"),
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
    recognized = recognize(page)
    assert recognized.client_id not in (None, CLIENT_ID)
    app = workspace.find_app(str(recognized.client_id))
    assert app is not None
    assert (app.name, app.scopes, app.pkce_enabled, app.rotation) == (
        "My Slack Tokens",
        {"users:read", "chat:write"},
        True,
        False,
    )
    assert app.redirect_urls == LOOPBACK_REDIRECT_URIS
    assert "already has an app with this name" in simulate_browser(address), "a name is unique"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '"x"'])
def test_apps_page_reports_an_invalid_manifest(slack: PracticeSlack, text: str) -> None:
    from urllib.parse import quote

    assert "can't be used to create an app" in simulate_browser(
        f"{slack.base}/apps?new_app=1&manifest_json={quote(text)}"
    )


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
    assert "- chat:write: post, edit and delete messages as you" in message
    assert "Send me the Client ID" in message
    assert "https://api.slack.com/apps" in message
    assert made.to_json() in message


@pytest.mark.parametrize("rotation", [True, False])
def test_admin_request_does_not_promise_a_token_lifetime(rotation: bool) -> None:
    """Without rotation, Slack may still rotate the tokens of a sign-in on localhost."""
    message = make_manifest(rotation=rotation).admin_request(Endpoints(), ())
    prose = message.partition("{")[0]
    assert not any(word in prose for word in ("12", "hours", "until", "never", "forever"))
    assert ("Token rotation is on" in prose) is rotation
    assert ("may still rotate" in prose) is not rotation


def test_admin_request_says_where_slack_sends_the_browser() -> None:
    message = make_manifest().admin_request(Endpoints(), ())
    assert f"Slack sends my browser to {LOOPBACK_REDIRECT_URIS[0]} on my own computer." in message
    elsewhere = create_manifest("x", ("users:read",), ("https://example.com/done",), rotation=True)
    assert "Slack sends my browser to https://example.com/done.\n" in elsewhere.admin_request(Endpoints(), ())


def test_admin_scopes_need_an_install_on_the_whole_organization() -> None:
    made = make_manifest(scopes=("users:read", "admin.users:read"))
    assert made.to_dict()["settings"] == {
        "org_deploy_enabled": True,
        "socket_mode_enabled": False,
        "token_rotation_enabled": True,
    }
    steps = [line for line in made.admin_request(Endpoints(), ()).splitlines() if line[:2] in ("4.", "5.")]
    assert "Install it on the whole organization" in steps[0]
    assert "Send me the Client ID" in steps[1]


@pytest.mark.parametrize("scope", ["users:read", "admin"])
def test_other_scopes_need_only_a_workspace(scope: str) -> None:
    made = make_manifest(scopes=(scope,))
    assert '"org_deploy_enabled": false' in made.to_json()
    assert "organization" not in made.admin_request(Endpoints(), ())
