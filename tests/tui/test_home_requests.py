"""Keys on the home screen that ask Slack or wait for a lock, pressed at the wrong moment."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.widgets import Static

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.profile import RESPONSE_UNUSABLE
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import read_settings
from slack_token_tui.tokens import refresh_worker
from slack_token_tui.tokens.refresh_result import RefreshPolicy, RefreshResult
from slack_token_tui.tui.actions import HOME, actions_for
from tests.support.locks import hold_lock
from tests.support.pilot import WIDE, has_text, run_app, wait_for, wait_for_text, wait_until_stable
from tests.support.practice import issue_profile, issue_profiles
from tests.support.profiles import new_sign_in, time_from_now
from tests.support.servers import reserve_refusing_port
from tests.support.store import read_tokens

REFRESH_PATH = "/api/oauth.v2.user.access"


async def test_revoked_young_token_is_refreshed(store: ProfileStore, slack: PracticeSlack, home: Path) -> None:
    young = {"expires_at": time_from_now(hours=11, minutes=55), "refresh_issued_at": time_from_now(minutes=-5)}
    issue_profile(store, slack, **young, generation=1, refused="token_revoked")
    async with run_app(home, size=WIDE) as pilot:
        await wait_for_text(pilot, "✗ Revoked")
        await pilot.press("r")
        await wait_for_text(pilot, "Refreshed acme.")
    assert store.read("acme").generation == 2


async def test_young_token_is_refreshed_at_the_second_request(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    young = {"expires_at": time_from_now(hours=11, minutes=55), "refresh_issued_at": time_from_now(minutes=-5)}
    issue_profile(store, slack, **young, generation=1)
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("r")
        await wait_for_text(pilot, "under an hour old, so it wasn't refreshed")
        await wait_for_text(pilot, "Press r again to refresh it")
        assert slack.workspace.calls[REFRESH_PATH] == 0
        await pilot.press("r")
        await wait_for_text(pilot, "Refreshed acme.")
        await pilot.press("r")
        await wait_for_text(pilot, "under an hour old, so it wasn't refreshed")
    assert slack.workspace.calls[REFRESH_PATH] == 1


async def test_spent_refresh_token_is_not_sent_again(store: ProfileStore, slack: PracticeSlack, home: Path) -> None:
    refused = {"refresh_refused": RESPONSE_UNUSABLE, "refresh_refused_at": time_from_now(hours=-1)}
    issue_profile(store, slack, expires_at=time_from_now(hours=5), generation=1, **refused)
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("r")
        await wait_for_text(pilot, "Press s to sign in again.")
    assert slack.workspace.calls[REFRESH_PATH] == 0


async def test_verify_refreshes_a_due_token_first(store: ProfileStore, slack: PracticeSlack, home: Path) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    slack.workspace.faults.extend(["error:internal_error", "error:internal_error"])
    async with run_app(home, size=WIDE) as pilot:
        await wait_for_text(pilot, "refresh_lost")
        await pilot.press("v")
        await wait_for_text(pilot, "acme works.")
    assert store.read("acme").generation == 1


async def test_profile_saved_by_another_program_during_a_request_is_shown(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=5), generation=1)
    slack.workspace.faults.extend(["held", "error:internal_error"])
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("r")
        await wait_for_text(pilot, "working…")
        await asyncio.to_thread(store.save_sign_in, *new_sign_in(user_id="U9"), "new")
        await pilot.pause(2.2)  # two looks at the directory
        slack.workspace.may_respond.set()
        await wait_for(pilot, lambda: not has_text(pilot, "working…"))
        await wait_for_text(pilot, "2 profiles")


async def test_enter_pressed_twice_renames_once(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in())
    with hold_lock(home / "locks", "acme") as release:
        async with run_app(home, size=WIDE) as pilot:
            await pilot.press("n")
            await wait_for_text(pilot, "Rename acme")
            await pilot.press(*["backspace"] * 4, *"beta", "enter")
            await wait_for_text(pilot, "Renaming …")
            await pilot.press("enter")
            await pilot.pause(0.3)
            release.set()
            await wait_for(pilot, lambda: not has_text(pilot, "Rename acme"))
            await wait_for_text(pilot, "beta")
            assert not has_text(pilot, "✗")
    assert store.names() == ["beta"]


async def test_default_is_the_last_profile_chosen(store: ProfileStore, home: Path) -> None:
    for number in range(4):
        store.save_sign_in(*new_sign_in(user_id=f"U{number}"), f"p{number}")
    with hold_lock(home, "settings") as release:
        async with run_app(home, size=WIDE) as pilot:
            await pilot.press("d", "down", "d", "down", "d", "S")
            release.set()
            await wait_for_text(pilot, "p2 is now the default profile.")
            await wait_for(pilot, lambda: read_settings(home).get("order") == "state")
    assert read_settings(home)["default_profile"] == "p2"


async def test_failed_refresh_stays_visible_after_the_token_is_verified(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    issue_profile(store, slack)
    slack.workspace.faults.extend(["error:internal_error"] * 50)
    async with run_app(home, size=WIDE) as pilot:
        await wait_for_text(pilot, "refresh_lost")
        await pilot.press("v")
        await wait_for_text(pilot, "acme works. The refresh failed.")
        await wait_for_text(pilot, "refresh_lost")


@pytest.mark.parametrize("key", ["c", "t"])
@pytest.mark.parametrize("way_out", ["escape", "ctrl+c"])
async def test_wait_for_a_token_can_be_left(
    store: ProfileStore, slack: PracticeSlack, home: Path, copied_texts: list[str], key: str, way_out: str
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    with hold_lock(home / "locks", "acme") as release:
        async with run_app(home, size=WIDE) as pilot:
            await pilot.press(key)
            await wait_for_text(pilot, "Esc stops")
            await pilot.press(way_out)
            await wait_for_text(pilot, "Stopped waiting for acme. Slack's response is still saved.")
            assert not has_text(pilot, "Nothing is running")
            release.set()
            await wait_for(pilot, lambda: store.read("acme").generation == 1 and not has_text(pilot, "working…"))
            token = read_tokens(store).access_token.reveal()
            assert not has_text(pilot, token)
    assert copied_texts == []


async def test_second_press_does_not_send_a_second_request(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=5), generation=1)
    slack.workspace.faults.append("held")
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("r", "r", "r")
        await wait_for(pilot, lambda: slack.workspace.calls[REFRESH_PATH] == 1)
        slack.workspace.may_respond.set()
        await wait_for_text(pilot, "Refreshed acme.")
        await wait_for(pilot, lambda: not has_text(pilot, "working…"))
    assert slack.workspace.calls[REFRESH_PATH] == 1


async def test_esc_ends_a_rename_that_waits_for_another_program(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in())
    with hold_lock(home / "locks", "acme"):
        async with run_app(home, size=WIDE) as pilot:
            await pilot.press("n")
            await wait_for_text(pilot, "Rename acme")
            await pilot.press("x", "enter")
            await wait_for_text(pilot, "Renaming … Esc stops")
            await pilot.press("escape")
            await wait_for(pilot, lambda: not has_text(pilot, "Rename acme"))
    assert store.names() == ["acme"], "also later"


async def test_esc_ends_a_removal_that_waits_for_another_program(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in())
    with hold_lock(home / "locks", "acme"):
        async with run_app(home, size=WIDE) as pilot:
            await pilot.press("x")
            await wait_for_text(pilot, "Remove acme?")
            await pilot.press("d")
            await wait_for_text(pilot, "Removing… Esc stops")
            await pilot.press("escape")
            await wait_for(pilot, lambda: not has_text(pilot, "Removing acme"))
            assert not has_text(pilot, "This can't be stopped anymore")
    assert store.names() == ["acme"]


async def test_move_that_fails_says_so_although_a_dialog_was_open_meanwhile(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in())
    with hold_lock(home / "locks", "acme") as release:
        async with run_app(home, size=WIDE) as pilot:
            await pilot.press("k")
            await wait_for_text(pilot, "Moving the tokens of acme")
            await pilot.press("n")
            await wait_for_text(pilot, "Rename acme")
            await pilot.press("escape")
            release.set()
            await wait_for(pilot, lambda: not has_text(pilot, "Moving the tokens"))
            await wait_for_text(pilot, "keyring")


async def test_esc_during_a_request_also_hides_a_revealed_token(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=11))
    token = read_tokens(store).access_token.reveal()
    async with run_app(home, size=WIDE) as pilot:
        with hold_lock(home / "locks", "acme"):
            await pilot.press("t")
            await wait_for_text(pilot, token[:30])
            await pilot.press("r")
            await wait_for_text(pilot, "working…")
            await pilot.press("escape")
            await wait_for_text(pilot, "Stopped waiting")
            await wait_for(pilot, lambda: not has_text(pilot, token[:30]))


async def test_one_dead_network_is_asked_once_and_the_rest_is_left_alone(
    store: ProfileStore, workspace: Workspace, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    refresh = refresh_worker.refresh_in_child

    def record(store: ProfileStore, name: str, policy: RefreshPolicy) -> RefreshResult:
        asked.append(name)
        return refresh(store, name, policy)

    monkeypatch.setattr(refresh_worker, "refresh_in_child", record)
    with reserve_refusing_port() as url:
        issue_profiles(store, workspace, url, 30, hours_left=-1)
        async with run_app(home, size=(300, 40)) as pilot:
            await wait_for_text(pilot, f"Couldn't reach {url.removeprefix('http://')}")  # what is refreshed unasked
            await wait_until_stable(pilot)
            assert asked == ["p00"]
            await pilot.press("R")
            await wait_for_text(pilot, "Refreshed 0. 30 not checked. Couldn't reach")
            assert len(asked) == 2
            assert not pilot.app.screen.model.problems, "no profile is marked"
            assert not has_text(pilot, "!")


@pytest.mark.parametrize("is_rotating", [True, False])
async def test_verify_without_a_network_leaves_a_revoked_profile_revoked(
    store: ProfileStore, home: Path, is_rotating: bool
) -> None:
    rotating = {
        "refresh_token": Secret("xoxe-1-canary-refresh-0000"),
        "refresh_issued_at": time_from_now(hours=-1),
        "expires_at": time_from_now(hours=11),
    }
    with reserve_refusing_port() as url:
        revoked = new_sign_in(refused="token_revoked", endpoints=Endpoints(url), **(rotating if is_rotating else {}))
        store.save_sign_in(*revoked)
        async with run_app(home, size=WIDE) as pilot:
            screen = pilot.app.screen
            await wait_for_text(pilot, "✗ Revoked")
            await pilot.press("v")
            await wait_for_text(pilot, "Couldn't reach 127.0.0.1")
            await wait_for_text(pilot, "acme is still marked as revoked.")
            await pilot.pause(1.5)  # a look at the clock
            notice = str(screen.query_one("#notice", Static).content)
            assert "acme is still marked as revoked." in notice
            assert has_text(pilot, "✗ Revoked")
            offered = [action for action in actions_for(HOME) if f"ress {action.key_label} " in notice]
            assert all(screen.is_available(action.id) for action in offered)
            assert screen.is_available("refresh") == is_rotating
    assert store.read("acme").is_revoked
