"""The library's exceptions are a table over the kinds of problems, and errors survive copying and other processes."""

from __future__ import annotations

import copy
import math
import multiprocessing
import pickle

import pytest

import slack_token_tui as stt
from slack_token_tui.api import API_ERRORS
from slack_token_tui.cli.exit_codes import EXIT_CODES
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.problems import InvalidInput, Kind, Problem, explain, list_codes
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.errors import RateLimited, SlackRefused, UnusableToken
from slack_token_tui.store.errors import ProfileError, StorageError
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens import refresh_worker
from slack_token_tui.tokens.refresh_result import RefreshResult
from slack_token_tui.tokens.rename import rename
from tests.support.cli import run_command, run_python
from tests.support.practice import issue_profile
from tests.support.profiles import new_sign_in, time_from_now


def test_tables_have_an_entry_for_every_kind() -> None:
    assert set(EXIT_CODES) == set(API_ERRORS) == set(Kind)
    assert all(explain(code).kind in Kind for code in list_codes())


@pytest.mark.parametrize(
    ("code", "error", "exit_code"),
    [
        ("bad_client_secret", stt.RequestRefused, 1),
        ("invalid_client_id", stt.RequestRefused, 1),
        ("pkce_not_allowed", stt.RequestRefused, 1),
        ("app_blocked", stt.RequestRefused, 1),
        ("cannot_install_an_org_installed_app", stt.RequestRefused, 1),
        ("invalid_refresh_token", stt.SignInNeeded, 4),
        ("refresh_token_expired", stt.SignInNeeded, 4),
        ("invalid_grant", stt.SignInNeeded, 4),
        ("service_unavailable", stt.TryLater, 75),
    ],
)
def test_refusal_of_a_refresh_means_the_same_everywhere(
    store: ProfileStore,
    slack: PracticeSlack,
    child_environment: dict[str, str],
    code: str,
    error: type[stt.TokenError],
    exit_code: int,
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    slack.workspace.faults.extend([f"error:{code}"] * 2)
    with pytest.raises(stt.TokenError) as caught:
        stt.token("acme")
    assert type(caught.value) is error
    slack.workspace.faults.extend([f"error:{code}"] * 2)
    done = run_command("token", "acme", env=child_environment)
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert f"({caught.value.code})" in done.stderr


def test_missing_client_secret_is_a_problem_of_storage(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert API_ERRORS[explain("client_secret_gone").kind] is stt.StoreUnusable
    assert API_ERRORS[explain("app_unreadable").kind] is stt.StoreUnusable


@pytest.mark.parametrize("seconds", [math.inf, -math.inf, math.nan, -1, 1e30])
def test_impossible_lifetime_is_refused_with_a_sentence(store: ProfileStore, seconds: float) -> None:
    with pytest.raises(stt.TokenError, match="min_ttl_seconds must be between 0 and") as caught:
        stt.token("acme", min_ttl_seconds=seconds)
    assert caught.value.code == "usage"
    assert str(caught.value).count("min_ttl_seconds") == 1


def test_refresh_of_a_due_token_loads_no_network_code_into_the_caller(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    program = (
        "import sys, slack_token_tui as stt; token = stt.token('acme');"
        "print(sorted({'httpx', 'asyncio', 'ssl', 'h11', 'filelock', 'anyio'} & set(sys.modules)))"
    )
    assert run_python(program, env=child_environment, check=True).stdout == "[]\n"
    assert slack.workspace.tokens.refreshed == 1


ERRORS = [
    Problem("unexpected", detail="here"),
    InvalidInput("That isn't a URL.", "Enter another one"),
    SlackRefused("invalid_auth", host="slack.com"),
    RateLimited(17),
    UnusableToken("other_account"),
    StorageError("store_full", file="x"),
    ProfileError("profile_copied", file="x", detail="acme"),
    stt.SignInNeeded(explain("sign_in_needed", {"name": "acme"}), "More."),
    stt.TryLater(explain("network_timeout")),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_error_survives_copying_and_pickling(error: Exception, duplicate: object) -> None:
    twin = duplicate(error)  # type: ignore[operator]
    assert type(twin) is type(error) and str(twin) == str(error)
    assert vars(twin) == vars(error)


def raise_for_profile(name: str) -> str:
    """Ask for a token of a profile that does not exist."""
    return stt.token(name)


def test_error_in_a_process_pool_reaches_the_caller(store: ProfileStore) -> None:
    """Without pickling, the pool would never return."""
    with multiprocessing.get_context("spawn").Pool(1) as pool, pytest.raises(stt.NoSuchProfile) as caught:
        pool.map(raise_for_profile, ["nobody"])
    assert caught.value.code == "profile_not_found"


class Request:
    """A request as requests and httpx pass it to ``auth``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.headers: dict[str, str] = {}


def test_bearer_sends_no_token_of_a_profile_that_got_the_name_meanwhile(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue_profile(store, slack)
    store.save_sign_in(*new_sign_in(user_id="U9", endpoints=Endpoints("https://other.example.com")), "other")

    def rename_during_refresh(*_: object) -> RefreshResult:
        rename(store, "acme", "old")
        rename(store, "other", "acme")
        return RefreshResult(*store.read_with_tokens("acme"))

    monkeypatch.setattr(refresh_worker, "refresh_in_child", rename_during_refresh)
    request = Request(f"{slack.base}/api/auth.test")
    with pytest.raises(stt.NoSuchProfile):
        stt.bearer("acme")(request)
    assert request.headers == {}


def test_refresh_that_could_not_be_saved_is_a_warning(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue_profile(store, slack)

    def fail(*_: object) -> RefreshResult:
        return RefreshResult(*store.read_with_tokens("acme"), problem=Problem("refresh_not_saved", name="acme"))

    monkeypatch.setattr(refresh_worker, "refresh_in_child", fail)
    with pytest.warns(UserWarning, match="acme was refreshed but not saved"):
        assert stt.token("acme")
