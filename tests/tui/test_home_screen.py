"""Home: everything that can be done with profiles, by keys, against the practice Slack."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import read_settings
from slack_token_tui.tokens.refresh import refresh
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen
from slack_token_tui.tui.widgets.profile_list import ProfileList
from tests.support.pilot import WIDE, running, says, shows, text, until
from tests.support.profiles import CANARY, in_, profile
from tests.support.refreshable import granted


@pytest.fixture
def silent() -> Iterator[Endpoints]:
    """Slack that takes calls and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield Endpoints(f"http://127.0.0.1:{listening.getsockname()[1]}")


# ── renewed by itself ──


async def test_a_token_that_comes_due_is_renewed_by_itself(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    old = granted(store, slack)
    async with running(home, size=WIDE) as pilot:
        await until(pilot, lambda: store.read("acme").generation > old.generation)
        await shows(pilot, "for 11 h 59 min, then renews itself")
        await shows(pilot, "for 29 days, counted from its last renewal")
    assert slack.workspace.tokens.refreshed == 1


async def test_a_refresh_by_itself_that_fails_is_explained_and_not_repeated_at_once(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    granted(store, slack)
    slack.workspace.tokens.grace_seconds = 0
    slack.workspace.faults.append("lost")
    async with running(home, size=WIDE) as pilot:
        await shows(pilot, "refresh_interrupted")
        await shows(pilot, "no longer: sign in again before it expires")
        calls = slack.workspace.calls["/api/oauth.v2.user.access"]
        await pilot.pause(2.2)
        assert slack.workspace.calls["/api/oauth.v2.user.access"] == calls


async def test_what_another_program_saves_is_seen(store: ProfileStore, slack: PracticeSlack, home: Path) -> None:
    granted(store, slack, expires_at=in_(hours=2))
    async with running(home, size=WIDE) as pilot:
        await shows(pilot, "for 1 h 59 min")
        await asyncio.to_thread(refresh, store, "acme", insist=True)
        await shows(pilot, "for 11 h 59 min")
        store.save_sign_in(profile(user_id="U9", name="new"), "new")
        await shows(pilot, "Profiles · 2")


# ── copy ──


async def test_copying_says_until_when_it_works_and_when_it_is_cleared(
    store: ProfileStore, slack: PracticeSlack, home: Path, copied: list[str]
) -> None:
    saved = granted(store, slack, expires_at=in_(hours=2))
    async with running(home, size=WIDE) as pilot:
        await pilot.press("c")
        await until(pilot, lambda: copied)
        await shows(pilot, "It works for 1 h 59 min")
        await shows(pilot, "cleared in 45 s")
    assert saved.access_token and copied == [saved.access_token.reveal()]


async def test_copying_a_due_token_renews_it_first(
    store: ProfileStore, slack: PracticeSlack, home: Path, copied: list[str]
) -> None:
    granted(store, slack, expires_at=in_(hours=-1))
    async with running(home, size=WIDE) as pilot:
        await pilot.press("c")
        await until(pilot, lambda: copied)
    assert slack.workspace.tokens.authenticate(copied[0])
    assert slack.workspace.tokens.refreshed == 1


async def test_copy_as_previews_with_a_mask_and_copies_the_real_text(
    store: ProfileStore, home: Path, copied: list[str]
) -> None:
    store.save_sign_in(profile())
    async with running(home, size=WIDE) as pilot:
        await pilot.press("C")
        await shows(pilot, "Copy acme as")
        for _ in range(2):
            await pilot.press("down")
        await shows(pilot, "export SLACK_TOKEN='xoxp-…cdef'")
        assert CANARY not in text(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: copied)
        await shows(pilot, "acme as env copied with xclip")
    assert copied == [f"export SLACK_TOKEN={CANARY}"]


async def test_without_a_clipboard_it_asks_before_a_token_goes_to_the_terminal(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(profile())
    async with running(home, size=WIDE) as pilot:
        sent: list[str] = []
        pilot.app.copy_to_clipboard = sent.append  # type: ignore[method-assign]
        await pilot.press("c")
        await shows(pilot, "Send the token to your terminal?")
        await shows(pilot, "cannot be cleared from here")
        assert sent == []
        await pilot.press("escape")
        await shows(pilot, "Not copied")
        await pilot.press("c")
        await shows(pilot, "Send the token to your terminal?")
        await pilot.press("y")
        await until(pilot, lambda: sent)
        await pilot.press("c")  # asked once a session
        await until(pilot, lambda: len(sent) == 2)


async def test_a_revealed_token_hides_itself(store: ProfileStore, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slack_token_tui.tui.screens.home_commands._REVEAL_SECONDS", 3)
    store.save_sign_in(profile())
    async with running(home, size=WIDE) as pilot:
        await pilot.press("t")
        await until(pilot, lambda: CANARY in text(pilot))
        await until(pilot, lambda: CANARY not in text(pilot))
        await pilot.press("t")
        await until(pilot, lambda: CANARY in text(pilot))
        await pilot.press("t")
        await until(pilot, lambda: CANARY not in text(pilot))


# ── asking Slack ──


async def test_verify_renew_and_their_errors_stand_beside_the_profile(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    saved = granted(store, slack, expires_at=in_(hours=3))
    async with running(home, size=WIDE) as pilot:
        await pilot.press("v")
        await shows(pilot, "acme is good")
        await pilot.press("r")
        await shows(pilot, "acme renewed")
        await pilot.press("r")
        await shows(pilot, "was left alone")
        slack.workspace.verify_error = "account_inactive"
        await pilot.press("v")
        await shows(pilot, "account_inactive")
        await shows(pilot, "revoked")
        await shows(pilot, "What to do")
    assert store.read("acme").refused == "account_inactive"
    assert store.read("acme").generation == saved.generation + 1


async def test_all_are_verified_with_progress_and_can_be_stopped(
    store: ProfileStore, slack: PracticeSlack, home: Path, monkeypatch: pytest.MonkeyPatch, silent: Endpoints
) -> None:
    saved = granted(store, slack, expires_at=in_(hours=3))
    for number in range(12):
        store.save_sign_in(replace(saved, user_id=None, name=""), f"p{number}")
    store.save_sign_in(profile(user_id="U5", endpoints=Endpoints("http://127.0.0.1:9")), "away")
    test, progress_was_seen = slack.workspace.auth_test, threading.Event()

    def held(bearer: str | None) -> tuple[dict[str, object], tuple[str, ...]]:
        progress_was_seen.wait(30)
        return test(bearer)

    monkeypatch.setattr(slack.workspace, "auth_test", held)
    async with running(home, size=WIDE) as pilot:
        await pilot.press("V")
        await shows(pilot, "of 14 · Esc stops")
        progress_was_seen.set()
        await shows(pilot, "13 good, 1 with trouble")
        assert slack.workspace.calls["/api/auth.test"] == 13
        await pilot.press("o")
        await until(pilot, lambda: pilot.app.screen.query_one(ProfileList).order == "state")
        await pilot.press("g")
        await until(pilot, lambda: pilot.app.screen.query_one(ProfileList).current.name == "away")
        store.save_sign_in(profile(user_id="U6", endpoints=silent), "silent")
        await shows(pilot, "Profiles · 15")
        await pilot.press("V")
        await shows(pilot, "of 15 · Esc stops")
        await pilot.press("escape")
        await shows(pilot, "was stopped")


async def test_all_that_rotate_are_renewed(store: ProfileStore, slack: PracticeSlack, home: Path) -> None:
    granted(store, slack, "one", expires_at=in_(hours=3))
    slack.workspace.people = slack.workspace.people[::-1]
    granted(store, slack, "two", expires_at=in_(hours=3))
    store.save_sign_in(profile(), "plain")
    async with running(home, size=WIDE) as pilot:
        await pilot.press("R")
        await shows(pilot, "Renewing 2: 2 renewed")
    assert slack.workspace.tokens.refreshed == 2


# ── keeping house ──


async def test_rename_until_a_name_works(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(profile())
    store.save_sign_in(profile(user_id="U2"), "other")
    async with running(home, size=WIDE) as pilot:
        await pilot.press("n")
        await shows(pilot, "Rename acme")
        for name, words in (("other", "belongs to another profile"), ("Not A Name", "cannot be a")):
            pilot.app.screen.query_one(Input).value = name
            await pilot.press("enter")
            await until(pilot, lambda words=words: says(pilot, words) or says(pilot, "Names"))
        pilot.app.screen.query_one(Input).value = "work"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        await until(pilot, lambda: pilot.app.screen.query_one(ProfileList).current.name == "work")
    assert store.names() == ["other", "work"]


async def test_default_and_back(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(profile())
    async with running(home, size=WIDE) as pilot:
        await pilot.press("d")
        await shows(pilot, "acme · default")
        assert read_settings(home)["default_profile"] == "acme"
        await pilot.press("d")
        await until(pilot, lambda: not says(pilot, "acme · default"))
    assert "default_profile" not in read_settings(home)


async def test_remove_says_what_ends_and_what_stays(store: ProfileStore, slack: PracticeSlack, home: Path) -> None:
    granted(store, slack, app_id="A0PRACTICE", workspace_url="https://acme-practice.slack.com/")
    async with running(home, size=(100, 30)) as pilot:
        await pilot.press("x")
        await shows(pilot, "The access token and the refresh token")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        assert store.names() == ["acme"]
        await pilot.press("x")
        await shows(pilot, "Remove acme?")
        await pilot.press("y")
        await shows(pilot, "What stays at Slack")
        await shows(pilot, "refresh token: ended. Slack says revoked")
        await shows(pilot, "https://acme-practice.slack.com/apps/A0PRACTICE")
        await pilot.press("escape")
        await shows(pilot, "No profiles yet")


async def test_remove_keeps_the_profile_when_slack_is_away(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(profile(endpoints=Endpoints("http://127.0.0.1:9")))
    async with running(home, size=WIDE) as pilot:
        await pilot.press("x")
        await shows(pilot, "Remove acme?")
        await pilot.press("y")
        await shows(pilot, "its token may still work")
        await pilot.press("escape")
        assert store.names() == ["acme"]
        await pilot.press("x")
        await shows(pilot, "Remove acme?")
        await pilot.press("d")
        await shows(pilot, "acme is deleted here")


async def test_import_names_the_kind_and_keeps_the_token(store: ProfileStore, slack: PracticeSlack, home: Path) -> None:
    from slack_token_tui.practice.models import CLIENT_ID
    from slack_token_tui.store.apps import SlackApp

    workspace = slack.workspace
    access, _, _ = workspace.tokens.issue(workspace.apps[0], workspace.teams[0], workspace.people[0], ("a:read",))
    async with running(home, SlackApp(CLIENT_ID, Endpoints(slack.base)), WIDE) as pilot:
        await pilot.press("i")
        await shows(pilot, "Import a token")
        pilot.app.screen.query_one("#access", Input).value = "xoxb-canary-0000"
        await shows(pilot, "That is a bot token")
        pilot.app.screen.query_one("#access", Input).value = access
        await shows(pilot, "✓ rotating user token")
        assert access not in text(pilot)
        pilot.app.screen.query_one("#access", Input).focus()
        await pilot.press("enter")
        await shows(pilot, "Saved as acme-practice")
    assert store.names() == ["acme-practice"]


async def test_signing_in_again_says_what_the_scopes_change(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(profile(scopes=("users:read", "channels:read"), requested_scopes=("users:read",)))
    async with running(home, size=WIDE) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen))
        await shows(pilot, "Kept all the same: channels:read")
        await shows(pilot, "remove the profile first")
        pilot.app.screen.query_one("#scopes", Input).value = "users:read, channels:read, chat:write"
        await shows(pilot, "New: chat:write. acme keeps its name")


# ── many ──


async def test_filter_and_order(store: ProfileStore, home: Path) -> None:
    for number in range(30):
        store.save_sign_in(
            profile(user_id=f"U{number}", team_name=f"Team {number}", expires_at=in_(hours=40 - number)),
            f"p{number:02}",
        )
    async with running(home, size=WIDE) as pilot:
        profiles = pilot.app.screen.query_one(ProfileList)
        await pilot.press("slash")
        for key in "team 7 p07":
            await pilot.press("space" if key == " " else key)
        await shows(pilot, "1 of 30")
        assert profiles.current and profiles.current.name == "p07"
        await pilot.press("enter")
        assert isinstance(pilot.app.focused, OptionList)
        await pilot.press("escape")
        await shows(pilot, "Profiles · 30")
        assert profiles.current.name == "p07"
        await pilot.press("o", "o", "g")
        await until(pilot, lambda: profiles.current and profiles.current.name == "p29")
    assert read_settings(home)["order"] == "expiry"


async def test_a_thousand_profiles_scroll_and_filter(store: ProfileStore, home: Path) -> None:
    saved = store.save_sign_in(profile()).path
    record = json.loads(saved.read_text())
    for number in range(1000):
        path = store.path(f"w{number:04}")
        path.write_text(json.dumps({**record, "id": f"{number:032}", "user_id": f"U{number}"}))
        path.chmod(0o600)
    async with running(home, size=WIDE) as pilot:
        profiles = pilot.app.screen.query_one(ProfileList)
        await until(pilot, lambda: profiles.option_count == 1001)
        await pilot.press("G")
        await until(pilot, lambda: profiles.current and profiles.current.name == "w0999")
        await pilot.press("slash", *"w0500")
        await until(pilot, lambda: profiles.option_count == 1)
        await pilot.press("escape")
        await until(pilot, lambda: profiles.option_count == 1001)
        await asyncio.sleep(0)
