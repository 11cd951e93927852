"""The profiles of the home screen, without a screen: order, filter, changes by other programs, and time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from slack_token_tui.problems import Problem
from slack_token_tui.secret import Secret
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tui.profiles_model import ORDERS, STATUS_LABELS, ProfilesModel
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
    model.problems["for-ever"] = Problem("refresh_lost")
    assert shown_names(model)[0] == "for-ever"
    model.order = "expiry"
    assert shown_names(model) == ["over", "hour", "for-ever"]


def test_orders_are_cycled_through(model: ProfilesModel) -> None:
    seen = []
    for _ in ORDERS:
        seen.append(model.order)
        model.order = model.next_order()
    assert tuple(seen) == ORDERS and model.order == ORDERS[0]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("HOUR", ["hour"]),
        ("acme o", ["for-ever", "hour", "over"]),
        ("active", ["for-ever", "hour"]),
        ("sign in again", ["over"]),
        ("over active", []),
        ("x", []),
    ],
)
def test_filter_matches_all_words_in_any_field(model: ProfilesModel, words: str, names: list[str]) -> None:
    model.filter_text = words
    assert shown_names(model) == names


@pytest.mark.parametrize(
    "url",
    [
        "https://{}.slack.com/",
        "https://{}.enterprise.slack.com/",
        "https://{}.slack-gov.com/",
        "https://{}.enterprise.slack-gov.com",
    ],
)
def test_filter_never_matches_the_common_part_of_urls(store: ProfileStore, clock: Clock, url: str) -> None:
    for number in range(20):
        own = {"user_id": f"U{number}", "user_name": "jane", "team_name": f"Team {number}"}
        store.save_sign_in(*new_sign_in(workspace_url=url.format(f"t{number}"), **own), f"p{number:02}")
    store.save_sign_in(*new_sign_in(user_id="A", user_name="jane", workspace_url=url.format("a")), "home")
    store.save_sign_in(*new_sign_in(user_id="B", user_name="tom", workspace_url=url.format("b")), "person")
    store.save_sign_in(*new_sign_in(user_id="C", team_name="Comet", workspace_url=url.format("c")), "team")
    store.save_sign_in(*new_sign_in(user_id="D", workspace_url=url.format("omega")), "url")
    model = ProfilesModel(store, clock)
    model.load()
    model.filter_text = "om"
    assert shown_names(model) == ["home", "person", "team", "url"]
    for words in ("slack", "com", "https", "://", "gov", "enterprise"):
        model.filter_text = words
        assert shown_names(model) == (["team"] if words == "com" else [])
    model.filter_text = "t7"
    assert shown_names(model) == ["p07"], "the own part of the URL"


def test_filter_matches_every_status_word(store: ProfileStore, clock: Clock) -> None:
    rotating = {"refresh_token": Secret("xoxe-1-canary-refresh-0000"), "refresh_issued_at": NOW - timedelta(hours=13)}
    ending = {"refresh_token": Secret("xoxe-1-canary-refresh-0001"), "refresh_issued_at": NOW - timedelta(days=27)}
    changes: dict[str, dict[str, Any]] = {
        "Active": {},
        "Expired (refreshes on next use)": {**rotating, "expires_at": NOW - timedelta(hours=1)},
        "Expiring soon": {**ending, "expires_at": NOW + timedelta(hours=5)},
        "File problem": {},
        "Revoked": {"refused": "token_revoked"},
        "Sign in again": {"expires_at": NOW - timedelta(days=1)},
        "Unverified": {"verified_at": None},
    }
    assert set(changes) == set(STATUS_LABELS.values())
    for number, values in enumerate(changes.values()):
        store.save_sign_in(*new_sign_in(user_id=f"X{number}", user_name="jane", **values), f"p{number}")
    store.path("p3").write_text("{")
    model = ProfilesModel(store, clock)
    model.load()
    for number, words in enumerate(changes):
        model.filter_text = words.lower()
        assert shown_names(model) == [f"p{number}"]


def test_batches_get_the_readable_profiles_that_are_shown(model: ProfilesModel, store: ProfileStore) -> None:
    store.path("hour").write_text("{")
    model.load()
    model.filter_text = "o"
    assert [profile.name for profile in model.shown_profiles()] == ["for-ever", "over"]
    model.filter_text = "over"
    assert [profile.name for profile in model.shown_profiles()] == ["over"]


@pytest.mark.parametrize("code", ["network_unreachable", "name_not_found", "tls_failed", "slack_outage", "ratelimited"])
def test_network_problem_marks_no_profile_and_hides_nothing_known_about_it(model: ProfilesModel, code: str) -> None:
    model.record_problem("hour", Problem("token_revoked"))
    for name in ("for-ever", "hour", "over"):
        model.record_problem(name, Problem(code))
    assert model.network_problem is not None and model.network_problem.code == code
    assert {name: problem.code for name, problem in model.problems.items()} == {"hour": "token_revoked"}
    model.record_problem("hour", None)
    assert model.network_problem is None and not model.problems


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
    model.problems["over"] = Problem("invalid_auth")
    explanation = model.explain(over)
    assert explanation is not None and explanation.code == "invalid_auth"


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
        model.problems[name] = Problem("invalid_auth")
    change_profile(store, "hour", generation=1)
    store.path("over").unlink()
    model.load()
    assert list(model.problems) == ["for-ever"]
