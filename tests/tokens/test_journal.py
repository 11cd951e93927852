"""A disk that fails around a refresh, and journals that somebody left: what Slack has given is found again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.slack.endpoints import EndpointVariant
from slack_token_tui.store.atomic_file import StorageError
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.journal import Journal, RefreshIntent, token_digest
from slack_token_tui.tokens.recovery import recover
from slack_token_tui.tokens.refresh import refresh
from tests.support.profiles import in_, rotating
from tests.support.refreshable import granted, journals


def broken_write(*_: object) -> Path:
    raise StorageError("store_unwritable", file="x", detail="I/O error")


# ── the disk ──


def test_a_full_disk_is_found_before_the_refresh_token_is_spent(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = granted(store, slack)

    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    result = refresh(store, "acme")
    assert result.problem and result.problem.code == "store_full"
    assert result.profile == before
    assert slack.workspace.calls["/api/oauth.v2.user.access"] == 0
    assert journals(store) == []


def test_when_the_profile_cannot_be_saved_the_journal_keeps_it_and_the_next_one_finishes(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted(store, slack)

    def unwritable(*_: object) -> Path:
        raise StorageError("store_full", file="acme.json", detail="No space left")

    with monkeypatch.context() as broken:
        broken.setattr(ProfileStore, "write", unwritable)
        broken.setattr("slack_token_tui.tokens.recovery._SAVE_RETRY_SECONDS", 0.0)
        result = refresh(store, "acme")
    assert result.refreshed and result.problem and result.problem.code == "refresh_not_saved"
    assert len(journals(store)) == 1
    again = refresh(store, "acme")
    assert again.recovered and again.profile.access_token == result.profile.access_token
    assert store.read("acme").access_token == result.profile.access_token
    assert slack.workspace.tokens.refreshed == 1


def test_when_journal_and_profile_both_fail_the_answer_goes_to_the_runtime_directory(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    granted(store, slack)

    with monkeypatch.context() as broken:
        broken.setattr(ProfileStore, "write", broken_write)
        broken.setattr(Journal, "write_response", broken_write)
        broken.setattr("slack_token_tui.tokens.recovery._SAVE_RETRY_SECONDS", 0.0)
        result = refresh(store, "acme")
    assert result.problem and str(runtime) in result.problem.facts["kept"]
    assert refresh(store, "acme").profile.access_token == result.profile.access_token
    assert list((runtime / "slack-token-tui").iterdir()) == []


def test_when_nothing_at_all_can_be_written_the_new_token_is_given_and_its_end_is_said(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = granted(store, slack)

    monkeypatch.setattr(ProfileStore, "write", broken_write)
    monkeypatch.setattr(Journal, "write_response", broken_write)
    monkeypatch.setattr(Journal, "save_to_fallback", broken_write)
    monkeypatch.setattr("slack_token_tui.tokens.recovery._SAVE_RETRY_SECONDS", 0.0)
    result = refresh(store, "acme")
    assert result.refreshed and result.profile.access_token != old.access_token
    assert result.problem and "nowhere" in result.problem.facts["kept"]


def test_without_a_runtime_directory_the_answer_is_rescued_where_nobody_else_can_write(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    profile = granted(store, slack)
    journal = Journal(store.home, profile.id, in_keyring=False)
    intent = RefreshIntent(token_digest(profile.refresh_token), EndpointVariant.V2_USER, datetime.now(UTC))
    path = journal.save_to_fallback(intent, b"{}")
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert journal.exists and journal.read()
    path.parent.chmod(0o777)
    assert not journal.exists and journal.read() is None
    elsewhere = journal.save_to_fallback(intent, b"{}").parent
    assert elsewhere != path.parent and elsewhere.stat().st_mode & 0o777 == 0o700
    assert journal.exists and journal.read()


def test_what_was_rescued_without_a_runtime_directory_is_found_with_one(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As cron has none, and the session that comes next has."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    profile = granted(store, slack)
    assert profile.refresh_token is not None
    tokens = {"access_token": rotating("canary-0000"), "refresh_token": "xoxe-1-canary-0000"}
    answer = json.dumps({"ok": True, **tokens}).encode()
    intent = RefreshIntent(token_digest(profile.refresh_token), EndpointVariant.V2_USER, datetime.now(UTC))
    rescued = Journal(store.home, profile.id, in_keyring=False).save_to_fallback(intent, answer)
    (tmp_path / "run").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    assert recover(store, "acme").finished
    assert not rescued.exists()


# ── journals that were left ──


def left_over(store: ProfileStore, profile: Profile, write: Callable[[Journal, RefreshIntent], None]) -> Journal:
    assert profile.refresh_token is not None
    journal = Journal(store.home, profile.id, in_keyring=False)
    journal.reserve()
    write(
        journal,
        RefreshIntent(
            token_digest(profile.refresh_token), EndpointVariant.V2_USER, datetime.now(UTC) - timedelta(hours=1)
        ),
    )
    journal.close()
    return journal


def test_an_empty_or_torn_journal_means_that_nothing_was_sent(store: ProfileStore, slack: PracticeSlack) -> None:
    profile = granted(store, slack)
    for content in (b"", b"\0" * 4096, b'{"digest": "ab', b"[]", b"\xff\xfe"):
        journal = left_over(store, profile, lambda *_: None)
        journal.path.write_bytes(content)
        assert recover(store, "acme").first_unanswered_at is None
        assert journals(store) == []


def test_an_answer_that_was_left_is_saved_with_the_time_of_its_request(
    store: ProfileStore, slack: PracticeSlack
) -> None:
    profile = granted(store, slack)
    answer = json.dumps(
        {
            "ok": True,
            "access_token": rotating("canary-left-0000"),
            "refresh_token": "xoxe-1-canary-0000",
            "expires_in": 43200,
        }
    )

    def write(journal: Journal, intent: RefreshIntent) -> None:
        journal.write_intent(intent)
        journal.write_response(answer.encode())

    left_over(store, profile, write)
    result = refresh(store, "acme")
    assert result.recovered and result.refreshed
    assert slack.workspace.calls["/api/oauth.v2.user.access"] == 0
    expires_at = store.read("acme").expires_at
    assert expires_at and in_(hours=10, minutes=59) < expires_at < in_(hours=11, minutes=1)


def test_a_journal_of_an_older_refresh_token_is_forgotten(store: ProfileStore, slack: PracticeSlack) -> None:
    profile = granted(store, slack)

    def write(journal: Journal, intent: RefreshIntent) -> None:
        journal.write_intent(replace(intent, digest="0" * 64))
        journal.write_response(json.dumps({"ok": True, "access_token": rotating("canary-stale-0000")}).encode())

    left_over(store, profile, write)
    assert recover(store, "acme").profile == profile
    assert journals(store) == []


def test_half_an_answer_in_the_journal_is_a_doubt_and_not_an_answer(store: ProfileStore, slack: PracticeSlack) -> None:
    profile = granted(store, slack)

    def write(journal: Journal, intent: RefreshIntent) -> None:
        journal.write_intent(intent)
        journal.write_response(json.dumps({"ok": True, "access_token": rotating("canary-half-00000")}).encode())

    journal = left_over(store, profile, write)
    journal.path.write_bytes(journal.path.read_bytes()[:-10])
    assert recover(store, "acme").first_unanswered_at is not None
    assert refresh(store, "acme").refreshed
