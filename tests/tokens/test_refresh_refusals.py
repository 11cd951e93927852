"""Slack's refusals of a refresh token: which of them end it, and how they are explained."""

from __future__ import annotations

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.problems import Problem
from slack_token_tui.store.profile import RESPONSE_UNUSABLE
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh import refresh
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from slack_token_tui.tokens.refresh_result import USUAL_POLICY, RefreshPolicy
from tests.support.practice import issue_profile
from tests.support.profiles import time_from_now
from tests.support.store import read_tokens

REFRESH_PATH = "/api/oauth.v2.user.access"


@pytest.mark.parametrize(
    ("code", "recorded"),
    [
        ("invalid_refresh_token", "invalid_refresh_token"),
        ("refresh_token_expired", "refresh_token_expired"),
        ("invalid_grant", "invalid_refresh_token"),
    ],
)
def test_refusal_ends_the_refresh_token_and_not_the_access_token(
    store: ProfileStore, slack: PracticeSlack, code: str, recorded: str
) -> None:
    issue_profile(store, slack)
    tokens = read_tokens(store)
    slack.workspace.faults.append(f"error:{code}")
    result = refresh_in_process(store, "acme")
    assert result.problem is not None and result.problem.code == recorded
    assert "code" not in result.problem.explain().title, "it is about the refresh token, not about a code"
    assert store.read("acme").refresh_refused == recorded and read_tokens(store) == tokens
    for _ in range(2):
        refresh_in_process(store, "acme")
    assert slack.workspace.calls[REFRESH_PATH] == 1, "a refresh token at its end is not sent again"


@pytest.mark.parametrize("code", ["invalid_client_id", "bad_client_secret", "invalid_auth", "unknown_future_code"])
def test_other_refusals_do_not_end_the_refresh_token(store: ProfileStore, slack: PracticeSlack, code: str) -> None:
    issue_profile(store, slack)
    slack.workspace.faults.append(f"error:{code}")
    result = refresh_in_process(store, "acme")
    assert result.problem is not None and result.problem.code == code
    assert store.read("acme").is_refreshable
    assert refresh_in_process(store, "acme").refreshed


LONG = {"expires_at": time_from_now(hours=9), "generation": 1, "refresh_refused_at": time_from_now(hours=-1)}


def test_only_a_person_tries_a_refused_refresh_token_again(store: ProfileStore, slack: PracticeSlack) -> None:
    issue_profile(store, slack, **LONG, refresh_refused="invalid_refresh_token")
    with pytest.raises(Problem):
        refresh(store, "acme", USUAL_POLICY, refresh_in_process, is_requested=False)
    assert slack.workspace.calls[REFRESH_PATH] == 0
    assert refresh(store, "acme", USUAL_POLICY, refresh_in_process, is_requested=True).refreshed


def test_spent_refresh_token_is_not_sent_again(store: ProfileStore, slack: PracticeSlack) -> None:
    issue_profile(store, slack, **LONG, refresh_refused=RESPONSE_UNUSABLE)
    with pytest.raises(Problem) as caught:
        refresh(store, "acme", USUAL_POLICY, refresh_in_process, is_requested=True)
    assert caught.value.code == RESPONSE_UNUSABLE
    assert slack.workspace.calls[REFRESH_PATH] == 0


@pytest.mark.parametrize(
    ("policy", "hours_left", "is_refreshed"),
    [
        (RefreshPolicy(), 5.0, False),
        (RefreshPolicy(), 0.1, True),
        (RefreshPolicy(6 * 3600), 5.0, True),
        (RefreshPolicy(insist=True), 5.0, True),
        (RefreshPolicy(11 * 3600), 11.9, False),
        (RefreshPolicy(11 * 3600, insist=True), 11.9, True),
    ],
)
def test_policy_decides_when_to_refresh(
    store: ProfileStore, slack: PracticeSlack, policy: RefreshPolicy, hours_left: float, is_refreshed: bool
) -> None:
    issued_at = time_from_now(hours=hours_left - 12)
    issue_profile(store, slack, expires_at=time_from_now(hours=hours_left), refresh_issued_at=issued_at, generation=1)
    assert refresh_in_process(store, "acme", policy).refreshed is is_refreshed
