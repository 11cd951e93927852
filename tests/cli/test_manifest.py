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
        (("--scopes", "admin.users:read"), "Enterprise organisation"),
        (("--scopes", "bot"), "for bots"),
        (("--scopes", "No Scope!"), "is not a scope"),
        (("--name", "x" * 36), "up to 35"),
        (("--redirect-uri", "http://example.com"), "https"),
        (("--slack-url", "http://example.com"), "https"),
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
