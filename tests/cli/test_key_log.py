"""With SSLKEYLOGFILE, TLS keys go to a file that gives tokens away, so every interface warns."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import slack_token_tui as stt
from slack_token_tui.doctor.connectivity import check_slack as look_at_slack
from slack_token_tui.practice.models import CLIENT_ID
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.profiles import ProfileStore
from tests.support.cli import run_command
from tests.support.pilot import run_app, wait_for_text
from tests.support.practice import issue_profile
from tests.support.profiles import CANARY, time_from_now

WARNING = "SSLKEYLOGFILE is set"


@pytest.mark.parametrize(
    "command",
    [
        "token acme",
        "verify acme",
        "refresh --all",
        "remove acme --yes",
        "import other --slack-url SLACK",
        f"login --client-id {CLIENT_ID} --scopes users:read --slack-url SLACK --no-browser --timeout 0.1",
    ],
)
def test_commands_that_call_slack_warn_about_the_key_log(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], tmp_path: Path, command: str
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    words = [slack.base if word == "SLACK" else word for word in command.split()]
    warned = run_command(*words, env={**child_environment, "SSLKEYLOGFILE": str(tmp_path / "keys")}, stdin=CANARY)
    assert f"Warning: {WARNING}" in warned.stderr and str(tmp_path / "keys") in warned.stderr


def test_no_warning_without_a_key_log(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    assert WARNING not in run_command("token", "acme", env=child_environment).stderr


async def test_doctor_reports_the_key_log(
    slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert "key_log" in [finding.id for finding in await look_at_slack(Endpoints(slack.base))]


async def test_tui_warns_about_the_key_log(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    async with run_app(home, size=(120, 30)) as pilot:
        await wait_for_text(pilot, WARNING)


def test_library_warns_about_the_key_log(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    with pytest.warns(UserWarning, match=WARNING):
        stt.token("acme")


def test_library_refreshes_when_warnings_are_errors(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert stt.token("acme")
