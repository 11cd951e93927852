"""Every use case in every situation: the command line, the TUI and the library agree.

Same outcome, same number of requests to Slack, same code. The TUI column is what its keys call; what they show is
tested in ``tests/tui``.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

import slack_token_tui as stt
from slack_token_tui.api import API_ERRORS
from slack_token_tui.cli.exit_codes import EXIT_CODES
from slack_token_tui.cli.main import main
from slack_token_tui.desktop import clipboard
from slack_token_tui.practice.models import App
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.problems import Kind, Problem, explain
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store import locks
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens import refresh_worker
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from slack_token_tui.tokens.refresh_result import YOUNG_TOKEN_TTL_SECONDS, RefreshPolicy
from slack_token_tui.tokens.revoke import remove_profile
from slack_token_tui.tui.auto_refresh import RefreshScheduler
from slack_token_tui.tui.profiles_model import ProfilesModel
from tests.support.locks import hold_lock
from tests.support.practice import issue_profile
from tests.support.profiles import time_from_now
from tests.support.store import read_tokens

SUCCESS = "ok"


@dataclass(frozen=True)
class Outcome:
    """What one column did: its result and what it asked Slack.

    Attributes:
        code: ``ok``, or the code of the problem.
        requests: how often Slack was asked, by method.
        state: what is left: the state of the profile in its file, or "" if there is none.
    """

    code: str
    requests: dict[str, int]
    state: str


class Situation:
    """A directory of profiles and a practice Slack, in the state that a row is about."""

    def __init__(self, home: Path, slack: PracticeSlack) -> None:
        self.store, self.slack = ProfileStore(home), slack
        self.holds_lock = False

    @property
    def workspace(self) -> Workspace:
        """The data of the practice Slack."""
        return self.slack.workspace


# ── situations ──


def make_good(situation: Situation) -> None:
    issue(situation, hours_left=5)


def make_due(situation: Situation) -> None:
    issue(situation, hours_left=0.1)


def make_expired(situation: Situation) -> None:
    issue(situation, hours_left=-1)


def make_revoked_young(situation: Situation) -> None:
    issue(situation, hours_left=11.9, refused="token_revoked")
    revoke_access_token(situation)


def make_refused_refresh(situation: Situation) -> None:
    issue(situation, hours_left=-1, refresh_refused="invalid_refresh_token", refresh_refused_at=time_from_now(hours=-2))
    situation.workspace.tokens.refresh_tokens.clear()
    revoke_access_token(situation)


def make_unusable_response(situation: Situation) -> None:
    issue(situation, hours_left=-1)
    situation.workspace.faults.append("without:access_token")


def make_unreadable_file(situation: Situation) -> None:
    issue(situation, hours_left=5)
    situation.store.path("acme").write_text("{")


def make_keyring_gone(situation: Situation) -> None:
    issue(situation, hours_left=5)
    path = situation.store.path("acme")
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "storage": "keyring", "access_token": None, "refresh_token": None}))


def make_network_gone(situation: Situation) -> None:
    issue(situation, hours_left=-1, endpoints=Endpoints("http://127.0.0.1:9"))


def make_rate_limited(situation: Situation) -> None:
    issue(situation, hours_left=-1)
    situation.workspace.retry_after_seconds = 1
    situation.workspace.faults.extend(["status:429"] * 4)


def make_lock_held(situation: Situation) -> None:
    issue(situation, hours_left=-1)
    situation.holds_lock = True


def issue(situation: Situation, *, hours_left: float, **changes: object) -> None:
    """Save profile ``acme``, whose token Slack issued twelve hours before its end."""
    issue_profile(
        situation.store,
        situation.slack,
        expires_at=time_from_now(hours=hours_left),
        refresh_issued_at=time_from_now(hours=hours_left - 12),
        generation=1,
        **changes,
    )
    if hours_left < 0:
        for token in situation.workspace.tokens.access_tokens.values():
            token.expires_at = 1.0


def revoke_access_token(situation: Situation) -> None:
    token = read_tokens(situation.store).access_token.reveal()
    situation.workspace.tokens.access_tokens[token].revoked = True


SITUATIONS: dict[str, Callable[[Situation], None]] = {
    "good": make_good,
    "due": make_due,
    "expired": make_expired,
    "revoked young": make_revoked_young,
    "refused refresh": make_refused_refresh,
    "unusable response": make_unusable_response,
    "unreadable file": make_unreadable_file,
    "keyring gone": make_keyring_gone,
    "network gone": make_network_gone,
    "rate limited": make_rate_limited,
    "lock held": make_lock_held,
}

# ── use cases, as the columns call them ──

CLI = {
    "token": ["token", "acme"],
    "refresh": ["refresh", "acme"],
    "verify": ["verify", "acme"],
    "copy": ["copy", "acme"],
    "remove": ["remove", "acme", "--yes"],
}


def run_cli(use_case: str, situation: Situation, capsys: pytest.CaptureFixture[str]) -> str:
    """Run the command. Its exit code must be the one of the code that it prints."""
    capsys.readouterr()
    exit_code = main(CLI[use_case])
    messages = capsys.readouterr().err
    if exit_code == 0:
        return SUCCESS
    (code,) = re.findall(r"^(?!  ).*?\((\w+)\)\. ", messages, re.MULTILINE)
    assert exit_code == EXIT_CODES[explain(code).kind]
    return str(code)


def run_tui(use_case: str, situation: Situation, _: pytest.CaptureFixture[str]) -> str:
    """Run what the keys of the home screen and of the dialog to remove a profile run."""
    scheduler = RefreshScheduler(ProfilesModel(situation.store, lambda: datetime.now(UTC)))
    match use_case:
        case "token" | "copy":
            work = scheduler.fresh_token("acme")
        case "refresh":
            work = scheduler.refresh("acme", RefreshPolicy(YOUNG_TOKEN_TTL_SECONDS), is_requested=True)
        case "verify":
            work = scheduler.verify("acme")
        case _:
            work = asyncio.to_thread(remove_and_check, situation.store)
    try:
        asyncio.run(work)
    except Problem as problem:
        return problem.code
    return SUCCESS


def remove_and_check(store: ProfileStore) -> None:
    removal = remove_profile(store, "acme")
    if problem := removal.error or removal.problem:
        raise problem


def run_library(use_case: str, situation: Situation, _: pytest.CaptureFixture[str]) -> str:
    """Call the library. Its exception must be the one of the code."""
    try:
        assert stt.token("acme") == read_tokens(situation.store).access_token.reveal()
    except stt.TokenError as error:
        assert type(error) is API_ERRORS[explain(error.code).kind]
        return error.code
    return SUCCESS


COLUMNS = {"CLI": run_cli, "TUI": run_tui, "library": run_library}
USE_CASES = {
    "token": ["CLI", "TUI", "library"],
    "refresh": ["CLI", "TUI"],
    "verify": ["CLI", "TUI"],
    "copy": ["CLI", "TUI"],
    "remove": ["CLI", "TUI"],
}
EXPECTED = {
    "good": dict.fromkeys(USE_CASES, SUCCESS),
    "due": dict.fromkeys(USE_CASES, SUCCESS),
    "expired": dict.fromkeys(USE_CASES, SUCCESS),
    "revoked young": {
        "token": "sign_in_needed",
        "refresh": SUCCESS,
        "verify": "token_revoked",
        "copy": "sign_in_needed",
        "remove": SUCCESS,
    },
    "refused refresh": {**dict.fromkeys(USE_CASES, "invalid_refresh_token"), "remove": SUCCESS},
    "unusable response": {**dict.fromkeys(USE_CASES, "refresh_response_unusable"), "remove": SUCCESS},
    "unreadable file": dict.fromkeys(USE_CASES, "profile_unreadable"),
    "keyring gone": dict.fromkeys(USE_CASES, "keyring_absent"),
    "network gone": {**dict.fromkeys(USE_CASES, "network_unreachable"), "remove": "revoke_unreachable"},
    "rate limited": {**dict.fromkeys(USE_CASES, "ratelimited"), "remove": SUCCESS},
    "lock held": dict.fromkeys(USE_CASES, "store_busy"),
}


@pytest.mark.parametrize("use_case", USE_CASES)
@pytest.mark.parametrize("name", SITUATIONS)
def test_all_columns_agree(
    name: str,
    use_case: str,
    tmp_path: Path,
    redirect_uris: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def copy(*_: object) -> clipboard.Copied:
        return clipboard.Copied("xclip", is_verified=True)

    monkeypatch.setattr(clipboard, "copy", copy)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    outcomes: dict[str, Outcome] = {}
    for column in USE_CASES[use_case]:
        home = tmp_path / column
        monkeypatch.setenv("SLACK_TOKEN_TUI_HOME", str(home))
        with PracticeSlack(Workspace(apps=[App(redirect_urls=redirect_uris)])) as slack:
            situation = Situation(home, slack)
            SITUATIONS[name](situation)
            if situation.holds_lock:  # nobody waits for long; a child process would, so there is none
                monkeypatch.setattr(locks, "WAIT_SECONDS", 0.1)
                monkeypatch.setattr(refresh_worker, "refresh_in_child", refresh_in_process)
            with hold_lock(home / "locks", "acme") if situation.holds_lock else nullcontext():
                code = COLUMNS[column](use_case, situation, capsys)
            outcomes[column] = Outcome(code, dict(slack.workspace.calls), describe_rest(situation.store))
    assert len(set(map(repr, outcomes.values()))) == 1, outcomes
    assert {outcome.code for outcome in outcomes.values()} == {EXPECTED[name][use_case]}


def describe_rest(store: ProfileStore) -> str:
    """Return what is left of the profile: its state, what was refused, and how often it was refreshed."""
    if not store.path("acme").exists():
        return ""
    try:
        profile = store.read("acme")
    except Problem as problem:
        return problem.code
    return f"{profile.generation} {profile.refused} {profile.refresh_refused} {profile.in_keyring}"


def test_tables_cover_every_kind_that_a_problem_may_have() -> None:
    codes = {code for row in EXPECTED.values() for code in row.values()} - {SUCCESS}
    assert {explain(code).kind for code in codes} == {Kind.SIGN_IN, Kind.STORAGE, Kind.RETRY}
