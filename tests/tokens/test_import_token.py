"""An import never replaces a profile that can be refreshed by a token that can't."""

from __future__ import annotations

import threading

import pytest

from slack_token_tui.event_loop import run
from slack_token_tui.practice.models import CLIENT_ID
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.problems import Problem
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.import_token import import_token, parse_tokens
from tests.support.locks import hold_lock
from tests.support.practice import issue_profile, issue_tokens
from tests.support.store import read_tokens
from tests.support.waiting import wait_until


def test_profile_saved_while_the_import_waits_is_not_replaced(store: ProfileStore, slack: PracticeSlack) -> None:
    token_type, access_token, _ = parse_tokens(issue_tokens(slack.workspace)[0], CLIENT_ID)
    store.check_writable()
    problems: list[Problem] = []

    def run_import() -> None:
        endpoints = Endpoints(slack.base)
        try:
            run(import_token(store, token_type, access_token, None, client_id=CLIENT_ID, endpoints=endpoints))
        except Problem as problem:
            problems.append(problem)

    with hold_lock(store.home / "locks", "acme"):
        issue = threading.Thread(target=issue_profile, args=(store, slack))
        issue.start()  # a sign-in that is about to save this account as acme
        wait_until(lambda: (store.home / "locks" / ".new-profiles.lock").exists())
        importing = threading.Thread(target=run_import)
        importing.start()
        wait_until(lambda: slack.workspace.calls["/api/auth.test"])
    issue.join()
    importing.join()
    assert [problem.code for problem in problems] == ["renewable_already_kept"]
    assert read_tokens(store).refresh_token is not None
    assert read_tokens(store).access_token != access_token


@pytest.mark.parametrize("text", ["", "hello", "Bearer x"])
def test_message_about_an_invalid_token_is_said_once(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_tokens(text, "")
    assert isinstance(caught.value, Problem)
    assert caught.value.explain().summary == str(caught.value)
    assert Secret(text).reveal() not in str(caught.value) or not text
