"""``manifest``: what it prints a practice Slack takes; what Slack would refuse it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from slack_token_tui.practice.manifest_rules import find_problems
from tests.conftest import becomes


def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "slack_token_tui", "manifest", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)


def test_it_prints_a_manifest_that_slack_takes(child_environment: dict[str, str]) -> None:
    done = run(child_environment, "--name", "My App", "--scopes", "users:read chat:write", "--no-rotation")
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
def test_what_slack_would_refuse_is_refused_in_two_lines(
    child_environment: dict[str, str], words: tuple[str, ...], said: str
) -> None:
    done = run(child_environment, *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 2


def test_the_message_holds_reasons_and_the_manifest(child_environment: dict[str, str]) -> None:
    done = run(child_environment, "--message", "--scopes", "search:read")
    assert "search:read: search all messages" in done.stdout
    assert '"pkce_enabled": true' in done.stdout
    assert "Send me the Client ID" in done.stdout


def test_open_gives_slacks_page_to_the_browser_or_says_its_address(
    child_environment: dict[str, str], tmp_path: Path
) -> None:
    done = run(child_environment, "--open")
    assert done.returncode == 1
    assert "https://api.slack.com/apps?new_app=1&manifest_json=%7B" in done.stderr
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/url.new; mv {tmp_path}/url.new {tmp_path}/url\n')
    browser.chmod(0o755)
    done = run({**child_environment, "BROWSER": str(browser)}, "--open")
    assert done.returncode == 0
    assert becomes((tmp_path / "url").exists)
    assert (tmp_path / "url").read_text().startswith("https://api.slack.com/apps?new_app=1&manifest_json=%7B")
