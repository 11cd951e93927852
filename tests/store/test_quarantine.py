"""Unusable responses may hold a valid token: each one is saved, and can be found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.secret import Secret
from slack_token_tui.store import quarantine as quarantining
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.quarantine import list_quarantined, quarantine
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from slack_token_tui.tokens.refresh_result import RefreshPolicy
from tests.support.faults import raise_store_full
from tests.support.practice import issue_profile


def test_two_responses_within_a_second_are_both_saved(store: ProfileStore) -> None:
    for text in ("canary-first", "canary-second"):
        quarantine(store.home, "acme", Secret(text), in_keyring=False)
    found = [item.read() for item in list_quarantined(store.home, "acme", in_keyring=False)]
    assert sorted(found) == [b"canary-first", b"canary-second"]


def test_unusable_response_goes_to_a_fallback_directory_if_the_disk_is_full(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    profile = issue_profile(store, slack)
    slack.workspace.faults.append('with:{"token_type": "mac"}')
    monkeypatch.setattr(quarantining, "write_atomically", raise_store_full)
    problem = refresh_in_process(store, "acme", RefreshPolicy(insist=True)).problem
    assert problem and problem.code == "refresh_response_unusable"
    (saved,) = list_quarantined(store.home, profile.id, in_keyring=False)
    assert saved.path is not None and saved.path.parent == tmp_path / "slack-token-tui"
    assert b"-practice-" in saved.read()
