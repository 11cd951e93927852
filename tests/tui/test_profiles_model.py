"""The profiles of the home screen, without a screen: order, filter, changes by other programs, and time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from slack_token_tui.problems import Problem
from slack_token_tui.secret import Secret
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tui.profiles_model import ORDERS, ProfilesModel
from tests.support.profiles import NOW, new_sign_in
from tests.support.store import change_profile


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def model(store: ProfileStore, clock: Clock) -> ProfilesModel:
    """Return the model of three profiles: one for ever, one for an hour, one that expired yesterday."""
    for name, expires_at in (("for-ever", None), ("hour", NOW + timedelta(hours=1)), ("over", NOW - timedelta(days=1))):
        store.save_sign_in(*new_sign_in(user_id=f"U{name}", user_name=name, expires_at=expires_at), name)
    model = ProfilesModel(store, clock)
    model.load()
    return model


def shown_names(model: ProfilesModel) -> list[str]:
    return [entry.name for entry in model.shown()]


def test_orders(model: ProfilesModel) -> None:
    assert shown_names(model) == ["for-ever", "hour", "over"]
    model.order = "state"
    assert shown_names(model)[0] == "over", "what needs the user comes first"
    model.problems["for-ever"] = Problem("network_timeout")
    assert shown_names(model)[0] == "for-ever"
    model.order = "expiry"
    assert shown_names(model) == ["over", "hour", "for-ever"]


def test_orders_are_cycled_through(model: ProfilesModel) -> None:
    seen = []
    for _ in ORDERS:
        seen.append(model.order)
        model.order = model.next_order()
    assert tuple(seen) == ORDERS and model.order == ORDERS[0]


@pytest.mark.parametrize(("words", "names"), [("HOUR", ["hour"]), ("acme o", ["for-ever", "hour", "over"]), ("x", [])])
def test_filter_matches_all_words_in_any_field(model: ProfilesModel, words: str, names: list[str]) -> None:
    model.filter_text = words
    assert shown_names(model) == names


def test_first_load_may_be_partial(model: ProfilesModel) -> None:
    model.load(only_first=2)
    assert model.is_partial and len(model.entries) == 2
    model.load()
    assert not model.is_partial and len(model.entries) == 3


def test_damaged_file_is_an_entry_with_its_problem(model: ProfilesModel, store: ProfileStore) -> None:
    store.path("hour").write_text("{")
    model.load()
    (entry,) = (entry for entry in model.entries if entry.name == "hour")
    assert model.state_of(entry) == "unreadable"
    explanation = model.explain(entry)
    assert explanation is not None and explanation.code == "profile_unreadable"


def test_exposed_directory_is_a_problem_and_not_an_empty_list(model: ProfilesModel, store: ProfileStore) -> None:
    (store.home / "profiles").chmod(0o777)
    model.load()
    assert model.entries == []
    assert model.directory_problem is not None and model.directory_problem.code == "store_exposed"


def test_changes_by_other_programs_are_noticed_once(model: ProfilesModel, store: ProfileStore) -> None:
    assert not model.have_files_changed()
    change_profile(store, "hour", user_name="new")
    assert model.have_files_changed()
    assert not model.have_files_changed()


def test_one_changed_profile_is_reported_by_name(model: ProfilesModel, store: ProfileStore) -> None:
    changed: list[str | None] = []
    model.on_change = changed.append
    change_profile(store, "hour", user_name="new")
    model.load_one("hour")
    assert changed == ["hour"] and model.profiles[1].user_name == "new"
    store.path("hour").unlink()
    model.load_one("hour")
    assert changed == ["hour", None] and len(model.entries) == 2


def test_clock_is_looked_at_only_when_something_may_have_changed(model: ProfilesModel, clock: Clock) -> None:
    assert model.tick(), "the entries were read"
    assert not model.tick()
    clock.time += timedelta(minutes=49)
    assert not model.tick()
    clock.time += timedelta(minutes=2)
    assert model.tick(), "it expires within ten minutes"
    clock.time += timedelta(minutes=8)
    assert not model.tick()
    clock.time += timedelta(minutes=2)
    assert model.tick(), "it has expired"
    clock.time += timedelta(days=300)
    assert not model.tick()


def test_due_profiles_are_found_when_their_time_comes(store: ProfileStore, clock: Clock) -> None:
    store.save_sign_in(
        *new_sign_in(
            expires_at=NOW + timedelta(hours=12),
            refresh_token=Secret("xoxe-1-canary-refresh-0000"),
            refresh_issued_at=NOW,
        )
    )
    model = ProfilesModel(store, clock)
    model.load()
    assert model.tick() and model.due_names == []
    clock.time += timedelta(hours=11, minutes=49)
    assert not model.tick()
    clock.time += timedelta(minutes=2)
    assert model.tick() and model.due_names == ["acme"]


def test_problem_of_a_request_comes_before_the_state_of_the_token(model: ProfilesModel) -> None:
    over = model.entries[2]
    explanation = model.explain(over)
    assert explanation is not None and explanation.code == "sign_in_needed"
    model.problems["over"] = Problem("network_timeout")
    explanation = model.explain(over)
    assert explanation is not None and explanation.code == "network_timeout"


def test_clock_that_is_set_back_is_noticed(model: ProfilesModel, clock: Clock) -> None:
    clock.time += timedelta(days=1)
    assert model.tick()
    clock.time -= timedelta(days=1)
    assert model.tick(), "what had expired is valid again"


def test_profile_is_due_at_the_first_look_after_its_time(store: ProfileStore, clock: Clock) -> None:
    expires_at = NOW + timedelta(hours=12)
    refresh = {"refresh_token": Secret("xoxe-1-canary-refresh-0000"), "refresh_issued_at": NOW}
    store.save_sign_in(*new_sign_in(expires_at=expires_at, **refresh))
    model = ProfilesModel(store, clock)
    model.load()
    clock.time = expires_at - timedelta(minutes=10)
    model.tick()
    clock.time += timedelta(seconds=1)
    model.tick()
    assert model.due_names == ["acme"]


def test_problem_does_not_outlive_the_tokens_it_is_about(model: ProfilesModel, store: ProfileStore) -> None:
    for name in ("hour", "over", "for-ever"):
        model.problems[name] = Problem("network_timeout")
    change_profile(store, "hour", generation=1)
    store.path("over").unlink()
    model.load()
    assert list(model.problems) == ["for-ever"]
