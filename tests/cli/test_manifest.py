"""``manifest``: the practice Slack accepts what it prints, and it refuses what Slack would refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slack_token_tui.practice.manifest_rules import find_problems
from tests.support.browser import RecordingBrowser
from tests.support.cli import run_command


def test_manifest_command_prints_a_manifest_slack_accepts(child_environment: dict[str, str]) -> None:
    arguments = ["--name", "My App", "--scopes", "users:read chat:write", "--no-rotation"]
    done = run_command("manifest", *arguments, env=child_environment)
    assert done.returncode == 0
    made = json.loads(done.stdout)
    assert find_problems(made) == []
    assert made["display_information"]["name"] == "My App"
    assert made["oauth_config"]["pkce_enabled"] is True
    assert made["oauth_config"]["scopes"]["user"] == ["users:read", "chat:write"]
    assert made["settings"]["token_rotation_enabled"] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scopes", "bot"), "for bots only"),
        (("--scopes", "mcp:connect"), "for bots only"),
        (("--scopes", "chat:write:user"), "retired"),
        (("--scopes", "No Scope!"), "is not a scope"),
        (("--name", "x" * 36), "up to 35"),
        (("--redirect-uri", "http://example.com"), "https"),
        (("--slack-url", "http://example.com"), "https"),
        (("--message", "--open"), "can't be combined"),
    ],
)
def test_options_slack_would_reject_print_a_two_line_error(
    child_environment: dict[str, str], words: tuple[str, ...], said: str
) -> None:
    done = run_command("manifest", *words, env=child_environment)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 2


def test_admin_and_unknown_scopes_are_printed_with_a_note(child_environment: dict[str, str]) -> None:
    done = run_command("manifest", "--scopes", "user:read admin.users:read", env=child_environment)
    assert done.returncode == 0
    assert json.loads(done.stdout)["oauth_config"]["scopes"]["user"] == ["user:read", "admin.users:read"]
    assert done.stderr.splitlines() == [
        "Note: Unknown scope user:read. Did you mean users:read?",
        "Note: admin.users:read needs an Org Owner or Admin and an org-wide install.",
    ]


def test_help_does_not_promise_a_token_lifetime(child_environment: dict[str, str]) -> None:
    text = " ".join(run_command("manifest", "--help", env=child_environment).stdout.split())
    assert "Slack may still rotate tokens of a localhost sign-in" in text
    assert not any(word in text for word in ("12 hours", "until they are revoked", "expire"))


def test_message_includes_scope_reasons_and_the_manifest(child_environment: dict[str, str]) -> None:
    done = run_command("manifest", "--message", "--scopes", "search:read", env=child_environment)
    assert "search:read: search all messages" in done.stdout
    assert '"pkce_enabled": true' in done.stdout
    assert "Send me the Client ID" in done.stdout


def test_open_launches_the_browser_or_prints_the_url(child_environment: dict[str, str], tmp_path: Path) -> None:
    done = run_command("manifest", "--open", env=child_environment)
    assert done.returncode == 1
    assert "https://api.slack.com/apps?new_app=1&manifest_json=%7B" in done.stderr
    browser = RecordingBrowser(tmp_path)
    done = run_command("manifest", "--open", env={**child_environment, "BROWSER": browser.program})
    assert done.returncode == 0
    assert browser.take_url().startswith("https://api.slack.com/apps?new_app=1&manifest_json=%7B")
