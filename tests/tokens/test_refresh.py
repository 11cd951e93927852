"""Refresh: one request to the right endpoint, and a profile that tells the truth about both tokens."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints, EndpointVariant
from slack_token_tui.store import locks
from slack_token_tui.store.locked_profile import LockedProfile
from slack_token_tui.store.profile_file import write_profile_file
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens import refresh_in_process as refreshing
from slack_token_tui.tokens.refresh import refresh
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from slack_token_tui.tokens.refresh_result import RefreshPolicy
from tests.support.cli import COMMAND
from tests.support.practice import issue_profile
from tests.support.profiles import make_rotating_token, new_sign_in, time_from_now
from tests.support.servers import reserve_refusing_port
from tests.support.store import change_profile, find_files_with, list_journals, read_tokens
from tests.support.waiting import wait_until


def test_expiring_token_is_refreshed_and_both_expiry_times_restart(store: ProfileStore, slack: PracticeSlack) -> None:
    old, old_tokens = issue_profile(store, slack), read_tokens(store)
    assert old_tokens.refresh_token is not None
    result = refresh_in_process(store, "acme")
    new, tokens = store.read_with_tokens("acme")
    assert result.refreshed and result.problem is None
    assert (result.profile, result.tokens) == (new, tokens)
    assert tokens.access_token != old_tokens.access_token and tokens.refresh_token != old_tokens.refresh_token
    assert new.expires_at and time_from_now(hours=11, minutes=59) <= new.expires_at <= time_from_now(hours=12)
    assert new.refresh_expires_at and new.refresh_expires_at > time_from_now(days=29)
    assert new.generation == old.generation + 1
    assert slack.workspace.tokens.refreshed == 1
    assert list_journals(store) == []
    # Old tokens are kept nowhere.
    assert not find_files_with(store.home, old_tokens.refresh_token.reveal())


def test_fresh_token_is_not_refreshed_unless_a_longer_lifetime_is_required(
    store: ProfileStore, slack: PracticeSlack
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=2))
    assert not refresh_in_process(store, "acme").refreshed
    assert slack.workspace.tokens.refreshed == 0
    assert refresh_in_process(store, "acme", RefreshPolicy(min_ttl_seconds=3 * 3600)).refreshed
    assert not refresh_in_process(store, "acme", RefreshPolicy(min_ttl_seconds=3 * 3600)).refreshed
    assert refresh_in_process(store, "acme", RefreshPolicy(insist=True)).refreshed


@pytest.mark.parametrize("expires_at", [time_from_now(days=3650), time_from_now(days=-3650)])
def test_implausible_expiry_is_ignored_and_causes_one_refresh(
    store: ProfileStore, slack: PracticeSlack, expires_at: datetime
) -> None:
    issue_profile(store, slack, expires_at=expires_at)
    assert refresh_in_process(store, "acme").refreshed
    assert not refresh_in_process(store, "acme").refreshed


def test_token_is_refreshed_at_the_endpoint_that_issued_it(store: ProfileStore, slack: PracticeSlack) -> None:
    issue_profile(store, slack, endpoints=Endpoints(slack.base, EndpointVariant.V2))
    assert refresh_in_process(store, "acme").refreshed
    assert slack.workspace.calls["/api/oauth.v2.access"] == 1
    assert slack.workspace.calls["/api/oauth.v2.user.access"] == 0


@pytest.mark.parametrize("code", ["invalid_grant_type", "not_implemented", "oauth_authorization_url_mismatch"])
def test_unsupported_endpoint_falls_back_to_the_other_one_and_remembers_it(
    store: ProfileStore, slack: PracticeSlack, code: str
) -> None:
    issue_profile(store, slack)
    slack.workspace.no_refresh_variants = {"v2_user": code}
    assert refresh_in_process(store, "acme").refreshed
    assert refresh_in_process(store, "acme", RefreshPolicy(insist=True)).refreshed
    assert slack.workspace.calls["/api/oauth.v2.user.access"] == 1
    assert slack.workspace.calls["/api/oauth.v2.access"] == 2
    assert store.read("acme").endpoints.variant is EndpointVariant.V2_USER


def test_first_error_is_reported_when_neither_endpoint_refreshes(store: ProfileStore, slack: PracticeSlack) -> None:
    issue_profile(store, slack)
    slack.workspace.no_refresh_variants = {"v2_user": "not_implemented", "v2": "invalid_grant_type"}
    problem = refresh_in_process(store, "acme").problem
    assert problem and problem.code == "not_implemented"


@pytest.mark.parametrize("code", ["invalid_client_id", "bad_client_secret", "pkce_not_allowed", "brand_new_error"])
def test_app_error_is_not_retried_and_does_not_change_the_profile(
    store: ProfileStore, slack: PracticeSlack, code: str
) -> None:
    before = issue_profile(store, slack), read_tokens(store)
    slack.workspace.faults.append(f"error:{code}")
    result = refresh_in_process(store, "acme")
    assert result.problem and result.problem.code == code
    assert store.read_with_tokens("acme") == before
    assert slack.workspace.calls["/api/oauth.v2.access"] == 0
    assert list_journals(store) == []


def test_confidential_client_authenticates_with_its_secret(store: ProfileStore, slack: PracticeSlack) -> None:
    from slack_token_tui.store.apps import SlackApp, save_app

    old = issue_profile(store, slack)
    slack.workspace.apps[0].pkce_enabled = False
    assert refresh_in_process(store, "acme").problem is not None
    redirects = ("https://example.com/callback",)
    save_app(store.home, SlackApp(old.client_id, old.endpoints, redirects, (), Secret("practice-client-secret")))
    assert refresh_in_process(store, "acme").refreshed


# ── responses that may never have arrived ──


@pytest.mark.parametrize(
    "fault", ["lost", "half", "html", "spent_status:500", "spent_status:302", "spent_error:internal_error"]
)
def test_lost_response_is_requested_again_within_the_grace_period(
    store: ProfileStore, slack: PracticeSlack, fault: str
) -> None:
    issue_profile(store, slack)
    slack.workspace.faults.append(fault)
    result = refresh_in_process(store, "acme")
    assert result.refreshed and result.problem is None
    assert slack.workspace.tokens.refreshed == 2
    assert slack.workspace.tokens.authenticate(read_tokens(store).access_token.reveal())
    assert list_journals(store) == []


@pytest.mark.parametrize("fault", ["lost", "half", "html", "spent_status:503", "spent_error:fatal_error"])
def test_lost_response_after_the_grace_period_is_reported_and_tokens_preserved(
    store: ProfileStore, slack: PracticeSlack, fault: str
) -> None:
    issue_profile(store, slack)
    tokens = read_tokens(store)
    slack.workspace.tokens.grace_seconds = 0
    slack.workspace.faults.append(fault)
    result = refresh_in_process(store, "acme")
    assert result.problem and result.problem.code == "refresh_interrupted"
    after = store.read("acme")
    assert read_tokens(store) == tokens
    assert after.refresh_refused == "refresh_interrupted"
    assert slack.workspace.tokens.authenticate(tokens.access_token.reveal())  # it still works
    assert refresh_in_process(store, "acme") == refreshing.RefreshResult(after, tokens)
    assert slack.workspace.calls["/api/oauth.v2.user.access"] == 2


def test_two_lost_responses_stop_the_refresh_and_the_next_one_retries(
    store: ProfileStore, slack: PracticeSlack
) -> None:
    issue_profile(store, slack)
    slack.workspace.faults.extend(["lost", "lost"])
    result = refresh_in_process(store, "acme")
    assert result.problem and result.problem.code == "refresh_lost"
    assert len(list_journals(store)) == 1
    assert slack.workspace.calls["/api/oauth.v2.user.access"] == 2
    assert refresh_in_process(store, "acme").refreshed
    assert list_journals(store) == []


def test_next_refresh_after_the_grace_period_reports_the_interruption_time(
    store: ProfileStore, slack: PracticeSlack
) -> None:
    issue_profile(store, slack)
    slack.workspace.faults.extend(["lost", "lost"])
    refresh_in_process(store, "acme")
    slack.workspace.tokens.grace_seconds = 0
    problem = refresh_in_process(store, "acme").problem
    assert problem and problem.code == "refresh_interrupted"
    sent_at = store.read("acme").refresh_refused_at
    assert sent_at and problem.facts["detail"].startswith(f"{sent_at.astimezone():%Y-%m-%d}")


def test_slow_response_times_out_and_is_requested_again(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "SlackClient", lambda endpoints: ORIGINAL_CLIENT(endpoints, deadline_seconds=4))
    issue_profile(store, slack)
    slack.workspace.faults.append("held")
    assert refresh_in_process(store, "acme").refreshed
    slack.workspace.may_respond.set()


ORIGINAL_CLIENT = refreshing.SlackClient


def test_unreachable_slack_is_retried_and_does_not_change_the_profile(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "RETRY_PAUSES_SECONDS", (0, 0))
    with reserve_refusing_port() as nowhere:
        before = issue_profile(store, slack, endpoints=Endpoints(nowhere)), read_tokens(store)
        result = refresh_in_process(store, "acme")
    assert result.problem and result.problem.code == "network_unreachable"
    assert store.read_with_tokens("acme") == before
    assert list_journals(store) == []


def test_rate_limit_does_not_change_the_profile(store: ProfileStore, slack: PracticeSlack) -> None:
    before = issue_profile(store, slack), read_tokens(store)
    slack.workspace.faults.append("status:429")
    result = refresh_in_process(store, "acme")
    assert result.problem and result.problem.code == "ratelimited"
    assert result.problem.facts["retry_after"] == "3"
    assert (result.profile, result.tokens) == before
    assert list_journals(store) == []


# ── unexpected responses ──


def test_response_without_a_refresh_token_preserves_the_old_one(store: ProfileStore, slack: PracticeSlack) -> None:
    old, old_tokens = issue_profile(store, slack), read_tokens(store)
    slack.workspace.faults.append("without:refresh_token")
    assert refresh_in_process(store, "acme").refreshed
    new, tokens = store.read_with_tokens("acme")
    assert tokens.refresh_token == old_tokens.refresh_token
    assert new.refresh_issued_at == old.refresh_issued_at
    assert tokens.access_token != old_tokens.access_token


@pytest.mark.parametrize(
    "changed",
    [
        {"access_token": make_rotating_token("practice-bot", "xoxb")},
        {"access_token": ""},
        {"access_token": 5},
        {"user_id": "U0OTHER"},
        {"team": {"id": "T0OTHER"}},
        {"token_type": "workflow"},
    ],
)
def test_unusable_response_is_quarantined_and_never_overwrites_the_tokens(
    store: ProfileStore, slack: PracticeSlack, changed: dict[str, object]
) -> None:
    before, tokens = issue_profile(store, slack), read_tokens(store)
    slack.workspace.faults.append(f"with:{json.dumps(changed)}")
    result = refresh_in_process(store, "acme")
    assert result.problem and result.problem.code == "refresh_response_unusable"
    after = store.read("acme")
    assert after == replace(
        before, refresh_refused="refresh_response_unusable", refresh_refused_at=after.refresh_refused_at
    )
    assert read_tokens(store) == tokens
    saved = list((store.home / "quarantine").iterdir())
    assert len(saved) == 1 and "refresh_token" in saved[0].read_text()
    assert saved[0].stat().st_mode & 0o777 == 0o600
    assert list_journals(store) == []


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [(0, 43200), (-1, 43200), (1e12, 46800), ("43200", 43200), (None, 43200), (1.5, 1), ("soon", 43200)],
)
def test_invalid_expires_in_is_replaced_with_a_valid_lifetime(
    store: ProfileStore, slack: PracticeSlack, expires_in: object, seconds: int
) -> None:
    issue_profile(store, slack)
    slack.workspace.faults.append(f"with:{json.dumps({'expires_in': expires_in})}")
    assert refresh_in_process(store, "acme").refreshed
    refreshed = store.read("acme")
    assert refreshed.expires_at and refreshed.refresh_issued_at
    assert (refreshed.expires_at - refreshed.refresh_issued_at).total_seconds() == seconds


def test_invalid_refresh_token_is_marked_once_and_a_newer_synced_one_is_used(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = issue_profile(store, slack, refresh_token=Secret("xoxe-1-canary-unknown-0000"))
    tokens = read_tokens(store)
    problem = refresh_in_process(store, "acme").problem
    assert problem and problem.code == "invalid_refresh_token"
    marked = store.read("acme")
    assert marked == replace(
        before, refresh_refused="invalid_refresh_token", refresh_refused_at=marked.refresh_refused_at
    )
    assert read_tokens(store) == tokens
    assert not refresh_in_process(store, "acme").refreshed
    assert slack.workspace.calls["/api/oauth.v2.user.access"] == 1

    newer_tokens = replace(tokens, refresh_token=Secret("xoxe-1-canary-synced-0000"))
    newer = replace(before, generation=7, expires_at=time_from_now(hours=5)).with_masks(newer_tokens)
    assert change_profile(store, refresh_refused=None, refresh_refused_at=None) == before
    received = refreshing.RefreshAttempt.response_received

    def sync_newer_file(self: refreshing.RefreshAttempt, body: bytes) -> None:
        write_profile_file(store.home, newer, newer_tokens, None)  # without the lock, as programs that sync files do
        received(self, body)

    monkeypatch.setattr(refreshing.RefreshAttempt, "response_received", sync_newer_file)
    result = refresh_in_process(store, "acme")
    assert result.problem is None and (result.profile, result.tokens) == (newer, newer_tokens)


def test_expired_refresh_token_is_marked_and_not_sent_again(store: ProfileStore, slack: PracticeSlack) -> None:
    issue_profile(store, slack)
    slack.workspace.faults.append("error:token_expired")
    refresh_in_process(store, "acme")
    assert store.read("acme").refresh_refused == "token_expired"
    assert refresh_in_process(store, "acme").refreshed is False
    assert slack.workspace.calls["/api/oauth.v2.user.access"] == 1


@pytest.mark.parametrize("seconds", [300, 3599])
def test_short_lived_token_is_not_refreshed_on_every_use(
    store: ProfileStore, slack: PracticeSlack, seconds: int
) -> None:
    """Slack keeps two tokens valid, so a refresh would end the one that another program just got."""
    issue_profile(store, slack)
    slack.workspace.faults.append(f'with:{{"expires_in": {seconds}}}')
    assert refresh_in_process(store, "acme").refreshed
    assert not refresh_in_process(store, "acme").refreshed
    assert not refresh_in_process(store, "acme", RefreshPolicy(min_ttl_seconds=11 * 3600)).refreshed
    change_profile(
        store,
        expires_at=time_from_now(seconds=seconds / 3),
        refresh_issued_at=time_from_now(seconds=-seconds / 1.5),
    )
    assert refresh_in_process(store, "acme", RefreshPolicy(min_ttl_seconds=11 * 3600)).refreshed


def test_ambiguous_refusal_stays_unconfirmed_for_the_next_refresh(store: ProfileStore, slack: PracticeSlack) -> None:
    issue_profile(store, slack)
    slack.workspace.tokens.grace_seconds = 0
    slack.workspace.faults.extend(["spent_error:internal_error", "error:internal_error"])
    first = refresh_in_process(store, "acme").problem
    assert first and first.code == "refresh_lost"
    second = refresh_in_process(store, "acme").problem
    assert second and second.code == "refresh_interrupted"


def test_hanging_dns_lookup_does_not_hold_the_lock_past_the_timeout(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, may_answer = threading.Event(), threading.Event()

    def resolve_late(*_: object, **__: object) -> list[object]:
        asked.set()
        may_answer.wait(60)
        return []

    issue_profile(store, slack, endpoints=Endpoints(slack.base.replace("127.0.0.1", "localhost")))
    monkeypatch.setattr(refreshing, "SlackClient", lambda endpoints: ORIGINAL_CLIENT(endpoints, deadline_seconds=0.5))
    monkeypatch.setattr(socket, "getaddrinfo", resolve_late)
    try:
        problem = refresh_in_process(store, "acme").problem
        assert asked.is_set() and not may_answer.is_set()
        assert problem and problem.code == "network_timeout"
    finally:
        may_answer.set()


def test_ctrl_z_during_a_refresh_stops_the_process_after_the_lock_is_released(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack)
    slack.workspace.faults.append("held")
    command = [*COMMAND, "token", "acme"]
    # A process group whose parent is outside of it, as in a shell. Other groups cannot be stopped.
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=child_environment, process_group=0
    )
    try:
        assert wait_until(lambda: slack.workspace.tokens.refreshed)
        process.send_signal(signal.SIGTSTP)
        slack.workspace.may_respond.set()
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        with locks.acquire(store.home / "locks", "acme", wait_seconds=0):
            assert store.read("acme").generation == 1
    finally:
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=30)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signal_during_the_save_waits_for_its_end(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The event loop of the request is closed by then, so nothing may be scheduled on it."""
    issue_profile(store, slack)
    received: list[int] = []
    number = getattr(signal, name)
    previous = signal.signal(number, lambda *_: received.append(len(list_journals(store))))
    save = LockedProfile.save

    def save_with_signal(*arguments: Any) -> None:
        signal.raise_signal(number)
        save(*arguments)

    monkeypatch.setattr(LockedProfile, "save", save_with_signal)
    try:
        result = refresh_in_process(store, "acme")
    finally:
        signal.signal(number, previous)
    assert result.refreshed and result.problem is None
    assert received == [0], "after the save, when the journal is gone"


@pytest.mark.parametrize("directory", ["journal", "locks"])
def test_valid_token_is_returned_although_a_directory_is_exposed(
    store: ProfileStore, slack: PracticeSlack, directory: str
) -> None:
    issue_profile(store, slack)
    (store.home / directory).mkdir(exist_ok=True)
    (store.home / directory).chmod(0o770)
    result = refresh_in_process(store, "acme")
    assert result.problem and result.problem.code == "store_exposed"
    assert result.tokens == read_tokens(store)


def test_token_that_does_not_expire_has_nothing_to_refresh(store: ProfileStore) -> None:
    saved = store.save_sign_in(*new_sign_in(expires_at=None)).profile
    result = refresh(store, "acme", RefreshPolicy(), refresh_in_process, is_requested=True)
    assert (result.profile, result.refreshed) == (saved, False)
