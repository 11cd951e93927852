"""The state of a profile, and the name of that state in scripts and notebooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import slack_token_tui as stt
from slack_token_tui.cli.main import main
from slack_token_tui.secret import Secret
from slack_token_tui.store.profiles import ProfileStore
from tests.support.profiles import new_sign_in

NOW = datetime.now(UTC).replace(microsecond=0)
REFRESH_TOKEN = {"refresh_token": Secret("xoxe-1-canary-state"), "refresh_issued_at": NOW}
HOURS_LEFT = {"expires_at": NOW + timedelta(hours=5)}
EXPIRED = {"expires_at": NOW - timedelta(hours=5)}
LAST_DAYS = {**REFRESH_TOKEN, "refresh_issued_at": NOW - timedelta(days=27)}

STATES = [
    ({}, "good", "good"),
    ({"verified_at": None}, "unverified", "unverified"),
    ({**HOURS_LEFT, **REFRESH_TOKEN}, "good", "good"),
    ({"expires_at": NOW + timedelta(minutes=5)}, "expiring", "expiring"),
    ({**HOURS_LEFT, **LAST_DAYS}, "refresh_expiring", "renewal_ends"),
    ({**HOURS_LEFT, **REFRESH_TOKEN, "refresh_refused": "invalid_refresh_token"}, "refresh_refused", "not_renewed"),
    ({**EXPIRED, **REFRESH_TOKEN}, "refreshable", "asleep"),
    (EXPIRED, "expired", "expired"),
    ({"refused": "token_revoked"}, "revoked", "revoked"),
]


@pytest.mark.parametrize(
    ("refused", "is_revoked"),
    [(None, False), ("token_expired", False), ("token_revoked", True), ("account_inactive", True)],
)
def test_profile_is_revoked_if_slack_has_said_so(refused: str | None, is_revoked: bool) -> None:
    profile = new_sign_in(refused=refused)[0]
    assert profile.is_revoked is is_revoked
    assert (profile.state(NOW) == "revoked") is is_revoked


@pytest.mark.parametrize(("changes", "state", "published"), STATES)
def test_each_state_has_its_published_name(
    changes: dict[str, Any], state: str, published: str, store: ProfileStore, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = store.save_sign_in(*new_sign_in(**changes)).profile
    assert saved.state(NOW) == state
    assert main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["state"] == published
    assert main(["show", "acme", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == published
    assert main(["list"]) == 0
    assert f"  {published}  " in capsys.readouterr().out
    assert [summary.state for summary in stt.profiles()] == [published]
