"""Files written by version 0.1.0 are read unchanged, and written back with the same keys."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints, EndpointVariant
from slack_token_tui.store.apps import load_app, save_app
from slack_token_tui.store.hot_path import default_name
from slack_token_tui.store.journal import Journal, token_digest
from slack_token_tui.store.profile_codec import to_dict
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import read_settings
from tests.support.profiles import make_rotating_token
from tests.support.store import change_profile

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GOVSLACK_V2 = Endpoints("https://slack-gov.com", EndpointVariant.V2)
CLIENT_ID = "1111111111.2222222222222"
PROFILE_ID = "0123456789abcdef0123456789abcdef"
PROFILE: dict[str, Any] = {
    "x-future": 1,
    "schema": 1,
    "slack": "https://slack-gov.com",
    "oauth": "v2",
    "client_id": CLIENT_ID,
    "is_enterprise_install": False,
    "access_token": make_rotating_token("canary-old"),
    "refresh_token": "xoxe-1-canary-old",
    "scopes": ["users:read"],
    "scopes_asked": ["users:read", "chat:write"],
    "workspaces": [],
    "refused": None,
    "refresh_refused": "invalid_refresh_token",
    "refresh_oauth": "v2_user",
    "generation": 3,
    "id": PROFILE_ID,
    "redirect_uri": "http://localhost:28417/callback",
    "app_id": "A1",
    "app_name": "App",
    "team_id": "T1",
    "team_name": "Acme",
    "workspace_url": "https://acme.slack.com/",
    "enterprise_id": "E1",
    "enterprise_name": "Group",
    "user_id": "U1",
    "user_name": "jane",
    "expires_at": "2026-11-25T00:00:00Z",
    "refresh_issued_at": "2026-11-24T12:00:00Z",
    "refresh_refused_at": "2026-11-24T12:00:00Z",
    "signed_in_at": "2026-11-24T12:00:00Z",
    "verified_at": "2026-11-24T12:00:00Z",
}
APP: dict[str, Any] = {
    "x-future": 1,
    "schema": 1,
    "client_id": CLIENT_ID,
    "name": "App",
    "slack": "https://slack-gov.com",
    "oauth": "v2",
    "redirect_uris": ["https://tokens.example.com/done"],
    "scopes": ["users:read"],
    "registered_scopes": ["users:read", "chat:write"],
    "browser": "firefox %s",
    "client_secret": "-".join(("canary", "secret")),  # secret scanners report a literal
    "secret_in_keyring": False,
}
SETTINGS: dict[str, Any] = {
    "default_profile": "acme",
    "last_app": CLIENT_ID,
    "theme": "nord",
    "order": "name",
    "clipboard_seconds": 30,
    "schema": 1,
}
RESPONSE = b'{"ok":true}'


def write_private(path: Path, content: bytes) -> Path:
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def test_profile_is_read_and_written_with_the_same_keys(home: Path) -> None:
    path = write_private(home / "profiles" / "acme.json", json.dumps(PROFILE).encode())
    store = ProfileStore(home)
    saved, tokens = store.read_with_tokens("acme")
    assert (saved.name, saved.id, saved.generation) == ("acme", PROFILE_ID, 3)
    assert saved.endpoints == GOVSLACK_V2
    assert saved.refresh_variant is EndpointVariant.V2_USER
    assert saved.requested_scopes == ("users:read", "chat:write")
    assert saved.refresh_refused == "invalid_refresh_token"
    assert saved.refresh_refused_at == AT
    assert tokens.access_token.reveal() == PROFILE["access_token"]
    assert tokens.refresh_token is not None and tokens.refresh_token.reveal() == PROFILE["refresh_token"]
    assert to_dict(saved, tokens) == {**PROFILE, "name": "acme"}, "only the name is new"
    change_profile(store)
    assert json.loads(path.read_bytes()) == {**PROFILE, "name": "acme"}


def test_app_is_read_and_written_back_unchanged(home: Path) -> None:
    path = write_private(home / "apps" / f"{CLIENT_ID}.json", json.dumps(APP).encode())
    app = load_app(home, CLIENT_ID)
    assert app is not None
    assert app.endpoints == GOVSLACK_V2
    assert app.client_secret is not None and app.client_secret.reveal() == APP["client_secret"]
    save_app(home, app)
    assert json.loads(path.read_bytes()) == APP


def test_settings_are_read(home: Path) -> None:
    write_private(home / "profiles" / "acme.json", json.dumps(PROFILE).encode())
    write_private(home / "settings.json", json.dumps(SETTINGS).encode())
    assert read_settings(home) == {key: value for key, value in SETTINGS.items() if key != "schema"}
    assert default_name(str(home)) == "acme"


def test_journal_with_a_response_is_read(home: Path) -> None:
    refresh_token = PROFILE["refresh_token"]
    intent = {
        "digest": hashlib.sha256(refresh_token.encode()).hexdigest(),
        "pair": "v2",
        "sent_at": "2026-11-24T12:00:00+00:00",
        "doubted_at": "2026-11-24T11:00:00+00:00",
    }
    header = {"length": len(RESPONSE), "sha256": hashlib.sha256(RESPONSE).hexdigest()}
    content = json.dumps(intent).encode().ljust(1024) + json.dumps(header).encode().ljust(128) + RESPONSE
    write_private(home / "journal" / f"{PROFILE_ID}.journal", content)
    unfinished = Journal(home, PROFILE_ID, in_keyring=False).read()
    assert unfinished is not None
    assert unfinished.response == RESPONSE
    assert unfinished.intent.variant is EndpointVariant.V2
    assert unfinished.intent.sent_at == AT
    assert unfinished.intent.first_unanswered_at == AT.replace(hour=11)
    assert unfinished.intent.digest == token_digest(Secret(refresh_token))
