"""Verify: Slack is asked about every token that has not expired, and the answer is about the profile that is there."""

from __future__ import annotations

import pytest

from slack_token_tui import event_loop
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.problems import Problem
from slack_token_tui.slack.client import SlackClients
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from slack_token_tui.tokens.revoke import remove_profile
from slack_token_tui.tokens.verify import Verification, verify
from tests.support.practice import issue_profile
from tests.support.profiles import time_from_now
from tests.support.store import change_profile


def verify_one(store: ProfileStore) -> Verification:
    async def run_verify() -> Verification:
        async with SlackClients() as clients:
            return await verify(store, "acme", refresh_in_process, clients=clients)

    return event_loop.run(run_verify())


@pytest.mark.parametrize("code", ["account_inactive", "token_revoked", "token_expired"])
def test_token_that_slack_accepts_again_is_unmarked(store: ProfileStore, slack: PracticeSlack, code: str) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=5), refused=code)
    assert verify_one(store).profile.refused is None
    assert store.read("acme").refused is None


def test_profile_removed_during_the_request_is_not_reported_as_verified(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=5))
    ask = slack.workspace.auth_test

    def remove_after_answer(bearer: str | None) -> object:
        answer = ask(bearer)
        remove_profile(store, "acme", keep_grant=True)
        return answer

    monkeypatch.setattr(slack.workspace, "auth_test", remove_after_answer)
    with pytest.raises(Problem, match="profile_not_found"):
        verify_one(store)


def test_expired_token_is_not_sent(store: ProfileStore, slack: PracticeSlack) -> None:
    issue_profile(store, slack)
    change_profile(store, expires_at=time_from_now(hours=-1), refresh_refused="invalid_refresh_token")
    with pytest.raises(Problem, match="invalid_refresh_token"):
        verify_one(store)
    assert slack.workspace.calls["/api/auth.test"] == 0
