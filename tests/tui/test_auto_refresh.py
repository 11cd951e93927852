"""Refreshes that the TUI starts: a few at a time, the selected profile first, and no failure hidden."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.problems import Problem
from slack_token_tui.secret import Secret
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens import refresh_worker
from slack_token_tui.tokens.refresh_result import RefreshPolicy, RefreshResult
from slack_token_tui.tui.auto_refresh import RefreshScheduler
from slack_token_tui.tui.profiles_model import ProfilesModel
from tests.support.pilot import WIDE, has_text, run_app, wait_for, wait_for_text
from tests.support.practice import issue_profile, issue_profiles
from tests.support.profiles import new_sign_in, time_from_now
from tests.support.servers import reserve_refusing_port
from tests.support.store import read_tokens

PROFILE_COUNT = 24


class HeldRefreshes:
    """Stands in for the child processes. Each refresh but the first waits until the test lets it go."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.holds_first = False
        self.may_end = threading.Event()

    def refresh(self, store: ProfileStore, name: str, policy: RefreshPolicy) -> RefreshResult:
        """Record ``name`` and wait."""
        self.started.append(name)
        if len(self.started) > 1 or self.holds_first:
            self.may_end.wait(60)
        with store.lock(name) as locked:
            locked.save(profile_with_hours_left(locked.profile))
            return RefreshResult(locked.profile, locked.tokens, refreshed=True)


def profile_with_hours_left(saved: Profile) -> Profile:
    """Return ``saved`` as if it had just been refreshed."""
    from dataclasses import replace

    return replace(saved, expires_at=time_from_now(hours=12), generation=saved.generation + 1)


@pytest.fixture
def held_refreshes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replace the child processes that refresh."""
    held = HeldRefreshes()
    monkeypatch.setattr(refresh_worker, "refresh_in_child", held.refresh)
    yield held
    held.may_end.set()


def save_due_profiles(store: ProfileStore) -> None:
    """Save profiles ``p00``, ``p01`` … whose tokens have expired."""
    for number in range(PROFILE_COUNT):
        new = new_sign_in(
            user_id=f"U{number}",
            refresh_token=Secret(f"xoxe-1-canary-refresh-{number:04}"),
            refresh_issued_at=time_from_now(hours=-13),
            expires_at=time_from_now(hours=-1),
        )
        store.save_sign_in(*new, f"p{number:02}")


async def test_at_most_four_due_profiles_are_refreshed_at_once_and_the_selected_one_first(
    store: ProfileStore, home: Path, held_refreshes: HeldRefreshes
) -> None:
    save_due_profiles(store)
    async with run_app(home, size=WIDE) as pilot:
        await wait_for(pilot, lambda: len(held_refreshes.started) == 5)
        assert held_refreshes.started[0] == "p00", "it is selected"
        await pilot.press("end")
        await pilot.pause(2.5)  # two more looks at the clock
        assert len(held_refreshes.started) == 5, "no more are started while four run"
        held_refreshes.may_end.set()
        await wait_for(pilot, lambda: len(held_refreshes.started) >= 9)
        assert "p23" in held_refreshes.started[5:9], "selected meanwhile"  # they are threads, so the order may vary
        await wait_for(pilot, lambda: len(held_refreshes.started) == PROFILE_COUNT)
    assert len(set(held_refreshes.started)) == PROFILE_COUNT


async def test_due_profiles_are_chosen_one_by_one_until_slack_answers_and_then_up_to_four(
    store: ProfileStore, held_refreshes: HeldRefreshes
) -> None:
    save_due_profiles(store)
    model = ProfilesModel(store, lambda: datetime.now(UTC))
    model.load()
    model.tick()
    scheduler = RefreshScheduler(model)
    assert scheduler.due_names("p05") == ["p05"], "a lost answer costs a refresh token"
    await scheduler.refresh("p05")
    model.tick()
    assert scheduler.due_names("p06") == ["p06", "p00", "p01", "p02"]
    model.busy |= {"p00", "p03"}
    assert scheduler.due_names() == ["p01", "p02"]
    model.busy |= {"p01", "p02"}
    assert scheduler.due_names() == []


async def test_lost_answer_stops_the_automatic_refreshes_at_that_slack_only(
    store: ProfileStore, workspace: Workspace, slack: PracticeSlack
) -> None:
    with reserve_refusing_port() as url:
        issue_profiles(store, workspace, url, 3)
        issue_profiles(store, workspace, slack.base, 3)
        model = ProfilesModel(store, lambda: datetime.now(UTC))
        model.load()
        model.tick()
        scheduler = RefreshScheduler(model)
        assert scheduler.due_names() == ["p00", "p03"]
        await scheduler.refresh_automatically("p00")
        assert model.network_problem is not None and model.network_problem.code == "network_unreachable"
        assert not model.problems, "the network is not a problem of the profile"
        assert scheduler.due_names() == ["p03"], "its neighbors wait too"


async def test_cancelled_wait_keeps_the_profile_busy_until_the_work_ends(
    store: ProfileStore, home: Path, held_refreshes: HeldRefreshes
) -> None:
    """Otherwise a second request for it would start, and more than four would run."""
    new = new_sign_in(
        refresh_token=Secret("xoxe-1-canary-refresh-0000"),
        refresh_issued_at=time_from_now(hours=-3),
        expires_at=time_from_now(hours=9),
        generation=1,
    )
    store.save_sign_in(*new)
    held_refreshes.holds_first = True
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("r")
        await wait_for(pilot, lambda: held_refreshes.started)
        await pilot.press("escape")
        await wait_for_text(pilot, "Stopped waiting for acme")
        await wait_for_text(pilot, "working…")
        held_refreshes.may_end.set()
        await wait_for(pilot, lambda: not has_text(pilot, "working…"))
        await wait_for_text(pilot, "in 11 h 59 min")


async def test_unexpected_error_in_a_batch_counts_as_a_failure(
    store: ProfileStore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        store.save_sign_in(*new_sign_in(user_id=f"U{number}"), f"p{number}")
    from slack_token_tui.tokens import verify

    async def break_second(store: ProfileStore, name: str, *_: object, **__: object) -> verify.Verification:
        if name == "p1":
            raise ZeroDivisionError("a bug")
        return verify.Verification(store.read(name))

    monkeypatch.setattr(verify, "verify", break_second)
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("V")
        await wait_for_text(pilot, "2 of 3 work. 1 failed (marked !).")
        await pilot.press("down")
        await wait_for_text(pilot, "ZeroDivisionError in")


async def test_scheduler_raises_what_the_use_case_raises_and_remembers_it(
    store: ProfileStore, slack: PracticeSlack
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=3), generation=1)
    store.save_sign_in(*new_sign_in(user_id="U9", expires_at=time_from_now(hours=3)), "plain")
    model = ProfilesModel(store, lambda: datetime.now(UTC))
    scheduler = RefreshScheduler(model)
    result = await scheduler.refresh("acme", RefreshPolicy(insist=True))
    assert result.refreshed and result.tokens == read_tokens(store)
    with pytest.raises(Problem) as caught:
        await scheduler.refresh("plain")
    assert caught.value.code == model.problems["plain"].code == "not_renewable"
    assert not model.busy and "acme" not in model.problems
