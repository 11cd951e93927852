"""A disk that fails during a refresh, and journals of unfinished refreshes: tokens that Slack issued are found again."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.slack.endpoints import EndpointVariant
from slack_token_tui.store.journal import Journal, RefreshIntent, token_digest
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from tests.support.faults import raise_disk_full, raise_store_full, raise_store_unwritable
from tests.support.practice import issue_profile
from tests.support.profiles import make_rotating_token, time_from_now
from tests.support.store import leave_journal, list_journals, read_tokens, recover_refresh

# ── the disk ──


def test_full_disk_is_detected_before_the_refresh_token_is_used(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = issue_profile(store, slack), read_tokens(store)

    monkeypatch.setattr(os, "posix_fallocate", raise_disk_full)
    result = refresh_in_process(store, "acme")
    assert result.problem and result.problem.code == "store_full"
    assert (result.profile, result.tokens) == before
    assert slack.workspace.calls["/api/oauth.v2.user.access"] == 0
    assert list_journals(store) == []


def test_unsaved_profile_is_recovered_from_the_journal_on_the_next_refresh(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue_profile(store, slack)

    with monkeypatch.context() as broken:
        broken.setattr("slack_token_tui.store.locked_profile.write_profile_file", raise_store_full)
        broken.setattr("slack_token_tui.store.recovery.SAVE_RETRY_SECONDS", 0.0)
        result = refresh_in_process(store, "acme")
    assert result.refreshed and result.problem and result.problem.code == "refresh_not_saved"
    assert len(list_journals(store)) == 1
    again = refresh_in_process(store, "acme")
    assert again.recovered and again.tokens.access_token == result.tokens.access_token
    assert read_tokens(store).access_token == result.tokens.access_token
    assert slack.workspace.tokens.refreshed == 1


def test_response_goes_to_the_runtime_directory_when_journal_and_profile_fail(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    issue_profile(store, slack)

    with monkeypatch.context() as broken:
        broken.setattr("slack_token_tui.store.locked_profile.write_profile_file", raise_store_unwritable)
        broken.setattr(Journal, "write_response", raise_store_unwritable)
        broken.setattr("slack_token_tui.store.recovery.SAVE_RETRY_SECONDS", 0.0)
        result = refresh_in_process(store, "acme")
    assert result.problem and str(runtime) in result.problem.facts["token_location"]
    assert refresh_in_process(store, "acme").tokens.access_token == result.tokens.access_token
    assert list((runtime / "slack-token-tui").iterdir()) == []


def test_new_token_is_returned_with_a_problem_when_nothing_can_be_written(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue_profile(store, slack)
    old = read_tokens(store)

    monkeypatch.setattr("slack_token_tui.store.locked_profile.write_profile_file", raise_store_unwritable)
    monkeypatch.setattr(Journal, "write_response", raise_store_unwritable)
    monkeypatch.setattr(Journal, "save_to_fallback", raise_store_unwritable)
    monkeypatch.setattr("slack_token_tui.store.recovery.SAVE_RETRY_SECONDS", 0.0)
    result = refresh_in_process(store, "acme")
    assert result.refreshed and result.tokens.access_token != old.access_token
    assert result.problem and "only in memory" in result.problem.facts["token_location"]


def test_fallback_directory_is_private_without_a_runtime_directory(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    profile, refresh_token = issue_profile(store, slack), read_tokens(store).refresh_token
    assert refresh_token is not None
    journal = Journal(store.home, profile.id, in_keyring=False)
    intent = RefreshIntent(token_digest(refresh_token), EndpointVariant.V2_USER, datetime.now(UTC))
    path = journal.save_to_fallback(intent, b"{}")
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert journal.exists and journal.read()
    path.parent.chmod(0o777)
    assert not journal.exists and journal.read() is None
    elsewhere = journal.save_to_fallback(intent, b"{}").parent
    assert elsewhere != path.parent and elsewhere.stat().st_mode & 0o777 == 0o700
    assert journal.exists and journal.read()


def test_fallback_saved_without_a_runtime_directory_is_found_with_one(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Cron has none, and the next session has one."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    profile, refresh_token = issue_profile(store, slack), read_tokens(store).refresh_token
    assert refresh_token is not None
    tokens = {"access_token": make_rotating_token("canary-0000"), "refresh_token": "xoxe-1-canary-0000"}
    answer = json.dumps({"ok": True, **tokens}).encode()
    intent = RefreshIntent(token_digest(refresh_token), EndpointVariant.V2_USER, datetime.now(UTC))
    rescued = Journal(store.home, profile.id, in_keyring=False).save_to_fallback(intent, answer)
    (tmp_path / "run").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    assert recover_refresh(store).recovered
    assert not rescued.exists()


# ── journals of unfinished refreshes ──


def test_empty_or_damaged_journal_means_nothing_was_sent(store: ProfileStore, slack: PracticeSlack) -> None:
    profile = issue_profile(store, slack)
    for content in (b"", b"\0" * 4096, b'{"digest": "ab', b"[]", b"\xff\xfe"):
        journal = leave_journal(store, profile)
        journal.path.write_bytes(content)
        assert recover_refresh(store).first_unanswered_at is None
        assert list_journals(store) == []


def test_journaled_response_is_saved_with_the_time_of_its_request(store: ProfileStore, slack: PracticeSlack) -> None:
    profile = issue_profile(store, slack)
    answer = json.dumps(
        {
            "ok": True,
            "access_token": make_rotating_token("canary-left-0000"),
            "refresh_token": "xoxe-1-canary-0000",
            "expires_in": 43200,
        }
    )
    leave_journal(store, profile, answer.encode())
    result = refresh_in_process(store, "acme")
    assert result.recovered and result.refreshed
    assert slack.workspace.calls["/api/oauth.v2.user.access"] == 0
    expires_at = store.read("acme").expires_at
    assert expires_at and time_from_now(hours=10, minutes=59) < expires_at < time_from_now(hours=11, minutes=1)


def test_journal_of_an_older_refresh_token_is_removed(store: ProfileStore, slack: PracticeSlack) -> None:
    profile, tokens = issue_profile(store, slack), read_tokens(store)
    stale = json.dumps({"ok": True, "access_token": make_rotating_token("canary-stale-0000")})
    leave_journal(store, profile, stale.encode(), digest="0" * 64)
    found = recover_refresh(store)
    assert (found.profile, found.tokens) == (profile, tokens)
    assert list_journals(store) == []


def test_truncated_response_in_a_journal_leaves_the_refresh_unconfirmed(
    store: ProfileStore, slack: PracticeSlack
) -> None:
    profile = issue_profile(store, slack)
    whole = json.dumps({"ok": True, "access_token": make_rotating_token("canary-half-00000")})
    journal = leave_journal(store, profile, whole.encode())
    journal.path.write_bytes(journal.path.read_bytes()[:-10])
    assert recover_refresh(store).first_unanswered_at is not None
    assert refresh_in_process(store, "acme").refreshed
