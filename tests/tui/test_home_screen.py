"""The home screen: everything that keys do with profiles, at a practice Slack."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from textual.events import Paste
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from slack_token_tui.practice.models import CLIENT_ID
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import change_settings, read_settings
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from slack_token_tui.tokens.refresh_result import RefreshPolicy
from slack_token_tui.tokens.revoke import Removal, Revocation
from slack_token_tui.tui.screens.dialogs import ImportDialog, MenuDialog
from slack_token_tui.tui.screens.errors import ErrorsScreen
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen
from slack_token_tui.tui.widgets.profile_list import ProfileList
from slack_token_tui.tui.widgets.time_format import STATUS_MARKS
from tests.support.pilot import (
    WIDE,
    click_text,
    has_text,
    read_screen,
    run_app,
    wait_for,
    wait_for_screen,
    wait_for_text,
    wait_until_stable,
)
from tests.support.practice import issue_profile, issue_profiles, issue_tokens
from tests.support.profiles import CANARY, new_sign_in, time_from_now
from tests.support.servers import reserve_refusing_port
from tests.support.store import add_profile_files, read_tokens


def notice_text(pilot: Pilot[None]) -> str:
    """Return the text of the notice line, or "" if it is hidden."""
    notice = pilot.app.screen.query_one("#notice", Static)
    return str(notice.content) if notice.display else ""


async def choose_in_menu(pilot: Pilot[None], label: str) -> None:
    """Open the menu of the highlighted profile and choose a row."""
    await pilot.press("enter")
    await wait_for_screen(pilot, MenuDialog)
    menu = pilot.app.screen.query_one("#menu", OptionList)
    labels = [str(menu.get_option_at_index(row).prompt) for row in range(menu.option_count)]
    menu.highlighted = next(row for row, text in enumerate(labels) if label in text)
    await pilot.press("enter")
    await wait_for(pilot, lambda: not isinstance(pilot.app.screen, MenuDialog))


def row_texts(pilot: Pilot[None]) -> list[str]:
    """Return the text of each row of the list of profiles."""
    profiles = pilot.app.screen.query_one(ProfileList)
    return [str(profiles.get_option_at_index(row).prompt) for row in range(profiles.option_count)]


async def wait_for_notice(pilot: Pilot[None], text: str, severity: str) -> None:
    """Wait until the notice begins with ``text``, and check its severity."""
    await wait_for(pilot, lambda: notice_text(pilot).startswith(text))
    classes = pilot.app.screen.query_one("#notice").classes
    assert [name for name in sorted(classes) if name != "-shown"] == [severity]


def regions(pilot: Pilot[None]) -> dict[str, Region]:
    """Return where the parts of the home screen are."""
    parts = ("Header", "#left", "#profiles", "ProfileDetail", "#identity", "#status", "#field_token", "Footer")
    return {part: pilot.app.screen.query_one(part).region for part in parts}


# ── automatic refresh ──


async def test_expiring_token_is_refreshed_automatically(store: ProfileStore, slack: PracticeSlack, home: Path) -> None:
    old = issue_profile(store, slack)
    async with run_app(home, size=WIDE) as pilot:
        await wait_for(pilot, lambda: store.read("acme").generation > old.generation)
        await wait_for_text(pilot, "in 11 h 59 min")
        await wait_for_text(pilot, "for 29 days")
    assert slack.workspace.tokens.refreshed == 1


async def test_ending_refresh_token_is_noted_with_the_key_that_signs_in_again(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    ending = {"expires_at": time_from_now(hours=5), "refresh_issued_at": time_from_now(days=-26)}
    issue_profile(store, slack, "ending", **ending)
    later = {"expires_at": time_from_now(hours=5), "refresh_issued_at": time_from_now(days=-24)}
    store.save_sign_in(*new_sign_in(user_id="U2", refresh_token=Secret("xoxe-1-canary-refresh"), **later), "later")
    async with run_app(home, size=WIDE) as pilot:
        await wait_for_text(pilot, "Expiring soon")
        await wait_for_text(pilot, "for 3 days s sign in again to keep access")
        assert "3 days" in row_texts(pilot)[0]
        await pilot.press("down")
        await wait_for_text(pilot, "for 5 days")
        assert not has_text(pilot, "sign in again to keep access")
        await pilot.press("up")
        await click_text(pilot, "s\N{NO-BREAK SPACE}sign\N{NO-BREAK SPACE}in")
        await wait_for_text(pilot, "Sign in again: ending")


async def test_ending_refresh_token_is_noted_also_when_the_access_token_has_expired(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    with reserve_refusing_port() as url:
        ending = {"expires_at": time_from_now(hours=-1), "refresh_issued_at": time_from_now(days=-26)}
        issue_profile(store, slack, endpoints=Endpoints(url), **ending)
        async with run_app(home, size=WIDE) as pilot:
            await wait_for_text(pilot, "Expired (refreshes on next use)")
            await wait_for_text(pilot, "for 3 days s sign in again to keep access")


async def test_failed_automatic_refresh_is_explained_and_not_retried_immediately(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    issue_profile(store, slack)
    slack.workspace.tokens.grace_seconds = 0
    slack.workspace.faults.append("lost")
    async with run_app(home, size=WIDE) as pilot:
        await wait_for_text(pilot, "refresh_interrupted")
        await wait_for_text(pilot, "Expiring soon")
        await wait_for_text(pilot, "Refreshes not anymore")
        calls = slack.workspace.calls["/api/oauth.v2.user.access"]
        await pilot.pause(2.2)
        assert slack.workspace.calls["/api/oauth.v2.user.access"] == calls


async def test_changes_by_another_program_are_shown(store: ProfileStore, slack: PracticeSlack, home: Path) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=2))
    async with run_app(home, size=WIDE) as pilot:
        await wait_for_text(pilot, "in 1 h 59 min")
        await asyncio.to_thread(refresh_in_process, store, "acme", RefreshPolicy(insist=True))
        await wait_for_text(pilot, "in 11 h 59 min")
        store.save_sign_in(*new_sign_in(user_id="U9", name="new"), "new")
        await wait_for_text(pilot, "2 profiles")


# ── copy ──


async def test_copy_reports_the_expiry_and_the_clear_time(
    store: ProfileStore, slack: PracticeSlack, home: Path, copied_texts: list[str]
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=2))
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("c")
        await wait_for(pilot, lambda: copied_texts)
        await wait_for_text(pilot, "cleared in 45 s")
        await wait_for_text(pilot, "in 1 h 59 min")
    assert copied_texts == [read_tokens(store).access_token.reveal()]
    assert slack.workspace.tokens.refreshed == 0


async def test_copy_refreshes_an_expired_token_first(
    store: ProfileStore, slack: PracticeSlack, home: Path, copied_texts: list[str]
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("c")
        await wait_for(pilot, lambda: copied_texts)
    assert slack.workspace.tokens.authenticate(copied_texts[0])
    assert slack.workspace.tokens.refreshed == 1


async def test_copy_as_previews_a_masked_token_and_copies_the_real_one(
    store: ProfileStore, home: Path, copied_texts: list[str]
) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("C")
        await wait_for_text(pilot, "Copy acme as…")
        for _ in range(2):
            await pilot.press("down")
        await wait_for_text(pilot, "export SLACK_TOKEN='xoxp-…cdef'")
        assert CANARY not in read_screen(pilot)
        await pilot.press("enter")
        await wait_for(pilot, lambda: copied_texts)
        await wait_for_text(pilot, "Copied acme as env with xclip")
    assert copied_texts == [f"export SLACK_TOKEN={CANARY}"]


async def test_copy_without_a_clipboard_asks_before_using_the_terminal(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        sent: list[str] = []
        pilot.app.copy_to_clipboard = sent.append  # type: ignore[method-assign]
        await pilot.press("c")
        await wait_for_text(pilot, "Send the token of acme to")
        await wait_for_text(pilot, "It can't be cleared automatically")
        assert sent == []
        await pilot.press("escape")
        await wait_for_text(pilot, "Not copied")
        await pilot.press("c")
        await wait_for_text(pilot, "Send the token of acme to")
        await pilot.press("y")
        await wait_for(pilot, lambda: sent)
        await pilot.press("c")  # it asks once per session
        await wait_for(pilot, lambda: len(sent) == 2)


async def test_revealed_token_is_hidden_automatically(
    store: ProfileStore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slack_token_tui.tui.screens.home_commands.REVEAL_SECONDS", 3)
    store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("t")
        await wait_for(pilot, lambda: CANARY in read_screen(pilot))
        await wait_for(pilot, lambda: CANARY not in read_screen(pilot))
        await pilot.press("t")
        await wait_for(pilot, lambda: CANARY in read_screen(pilot))
        await pilot.press("t")
        await wait_for(pilot, lambda: CANARY not in read_screen(pilot))


# ── verify, refresh ──


async def test_verify_and_refresh_results_are_shown_with_the_profile(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    saved = issue_profile(store, slack, expires_at=time_from_now(hours=3))
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("v")
        await wait_for_text(pilot, "acme works.")
        await pilot.press("r")
        await wait_for_text(pilot, "Refreshed acme. It expires in 11 h 59 min.")
        await pilot.press("r")
        await wait_for_text(pilot, "under an hour old, so it wasn't refreshed")
        slack.workspace.verify_error = "account_inactive"
        await pilot.press("v")
        await wait_for_text(pilot, "account_inactive")
        await wait_for_text(pilot, "✗ Revoked")
        await wait_for_text(pilot, "✗ The account was deactivated account_inactive")
        await wait_for_text(pilot, "Press s to sign in again.")
    assert store.read("acme").refused == "account_inactive"
    assert store.read("acme").generation == saved.generation + 1


async def test_verify_all_shows_progress_and_can_be_stopped(
    store: ProfileStore, slack: PracticeSlack, home: Path, monkeypatch: pytest.MonkeyPatch, silent_server_url: str
) -> None:
    saved, tokens = issue_profile(store, slack, expires_at=time_from_now(hours=3)), read_tokens(store)
    for number in range(12):
        store.save_sign_in(replace(saved, user_id=None, name=""), tokens, f"p{number}")
    store.save_sign_in(*new_sign_in(user_id="U5", endpoints=Endpoints("http://127.0.0.1:9")), "away")
    store.save_sign_in(*new_sign_in(user_id="U7", endpoints=Endpoints(slack.base)), "rejected")
    test, progress_was_seen = slack.workspace.auth_test, threading.Event()

    def answer_late(bearer: str | None) -> tuple[dict[str, object], tuple[str, ...]]:
        progress_was_seen.wait(30)
        return test(bearer)

    monkeypatch.setattr(slack.workspace, "auth_test", answer_late)
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("V")
        await wait_for_text(pilot, "of 15… Esc stops")
        progress_was_seen.set()
        await wait_for_text(pilot, "13 of 15 work. 1 failed (marked !). Press S to sort them first. 1 not checked.")
        assert slack.workspace.calls["/api/auth.test"] == 14
        await pilot.press("S")
        await wait_for(pilot, lambda: pilot.app.screen.model.order == "state")
        await pilot.press("home")
        await wait_for(pilot, lambda: pilot.app.screen.query_one(ProfileList).highlighted_entry.name == "rejected")
        store.save_sign_in(*new_sign_in(user_id="U6", endpoints=Endpoints(silent_server_url)), "silent")
        await wait_for_text(pilot, "16 profiles")
        await pilot.press("V")
        await wait_for_text(pilot, "of 16… Esc stops")
        await pilot.press("escape")
        await wait_for_text(pilot, "Verifying stopped. The results so far are saved.")


async def test_refresh_all_refreshes_only_rotating_tokens(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    issue_profile(store, slack, "one", expires_at=time_from_now(hours=3))
    slack.workspace.people = slack.workspace.people[::-1]
    issue_profile(store, slack, "two", expires_at=time_from_now(hours=3))
    store.save_sign_in(*new_sign_in(), "plain")
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("R")
        await wait_for_text(pilot, "Refreshed 2.")
    assert slack.workspace.tokens.refreshed == 2


async def test_batches_act_only_on_the_profiles_shown(
    store: ProfileStore, slack: PracticeSlack, workspace: Workspace, home: Path
) -> None:
    issue_profiles(store, workspace, slack.base, 12, hours_left=3)
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("slash", *"p0", "enter")
        await wait_for_text(pilot, "10 of 12 profiles")
        await pilot.press("V")
        await wait_for_text(pilot, "All 10 work.")
        assert workspace.calls["/api/auth.test"] == 10
        await pilot.press("R")
        await wait_for_text(pilot, "Refreshed 10.")
    assert workspace.tokens.refreshed == 10
    assert [name for name in store.names() if store.read(name).generation == 0] == ["p10", "p11"]


@pytest.mark.parametrize("key", ["V", "R"])
async def test_dead_network_is_one_notice_and_marks_no_profile(
    store: ProfileStore, workspace: Workspace, home: Path, key: str
) -> None:
    with reserve_refusing_port() as url:
        issue_profiles(store, workspace, url, 6, hours_left=3)
        async with run_app(home, size=WIDE) as pilot:
            screen = pilot.app.screen
            assert isinstance(screen, HomeScreen)
            before = row_texts(pilot)
            await pilot.press(key)
            await wait_for_text(pilot, "6 not checked. Couldn't reach 127.0.0.1")
            shown = notice_text(pilot)
            await pilot.pause(2.5)  # two looks at the clock
            assert notice_text(pilot) == shown, "it is not said again"
            assert read_screen(pilot).count("Couldn't reach") == 1
            assert not screen.model.problems
            assert row_texts(pilot) == before
            assert not screen.query_one("#problem").display
            assert not list(pilot.app._notifications), "nor as a notification"


# ── rename, default, remove, import ──


async def test_rename_asks_until_the_name_is_valid(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in())
    store.save_sign_in(*new_sign_in(user_id="U2"), "other")
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("n")
        await wait_for_text(pilot, "Rename acme")
        for name, words in (("other", "other"), ("…", "name")):
            pilot.app.screen.query_one(Input).value = name
            await pilot.press("enter")
            await wait_for(
                pilot, lambda words=words: words in str(pilot.app.screen.query_one("#problem", Static).content)
            )
        pilot.app.screen.query_one(Input).value = "work"
        await pilot.press("enter")
        await wait_for_screen(pilot, HomeScreen)
        await wait_for(pilot, lambda: pilot.app.screen.query_one(ProfileList).highlighted_entry.name == "work")
    assert store.names() == ["other", "work"]


async def test_rename_offers_a_valid_form_of_the_name(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("n")
        await wait_for_text(pilot, "Rename acme")
        pilot.app.screen.query_one(Input).value = "My Work"
        await pilot.press("enter")
        await wait_for_text(pilot, "Press Enter to use my-work")
        assert pilot.app.screen.query_one(Input).value == "my-work"
        await pilot.press("enter")
        await wait_for_screen(pilot, HomeScreen)
    assert store.names() == ["my-work"]


async def test_default_profile_can_be_set_and_cleared(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("d")
        await wait_for_text(pilot, "acme is now the default profile.")
        await wait_for_text(pilot, "acme ★")
        assert read_settings(home)["default_profile"] == "acme"
        await pilot.press("d")
        await wait_for_text(pilot, "There is no default profile now.")
        await wait_for(pilot, lambda: not has_text(pilot, "★"))
    assert "default_profile" not in read_settings(home)


async def test_remove_shows_what_is_revoked_and_what_stays(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    issue_profile(store, slack, app_id="A0PRACTICE", workspace_url="https://acme-practice.slack.com/")
    async with run_app(home, size=(100, 30)) as pilot:
        await pilot.press("x")
        await wait_for_text(pilot, "The access token and refresh token of jane in Acme will be")
        await pilot.press("escape")
        await wait_for_screen(pilot, HomeScreen)
        assert store.names() == ["acme"]
        await pilot.press("x")
        await wait_for_text(pilot, "Remove acme?")
        await pilot.press("y")
        await wait_for_text(pilot, "✓ Refresh token revoked")
        await wait_for_text(pilot, "✓ Access token revoked")
        await wait_for_text(pilot, "✓ Removed acme")
        assert not has_text(pilot, "still lists this app"), "the practice Slack has no such page"
        await pilot.press("escape")
        await wait_for_text(pilot, "Get your first Slack token")


async def test_remove_says_where_slack_still_lists_the_app(
    store: ProfileStore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save_sign_in(*new_sign_in(app_id="A0PRACTICE"))

    def revoke(_: ProfileStore, name: str, **__: object) -> Removal:
        return Removal(store.read(name), (Revocation("access token", revoked=True, outcome="revoked"),), deleted=True)

    monkeypatch.setattr("slack_token_tui.tui.screens.remove.remove_profile", revoke)
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("x")
        await wait_for_text(pilot, "Remove acme?")
        await pilot.press("y")
        await wait_for_text(pilot, "Slack still lists this app as authorized.")
        await wait_for_text(pilot, "https://acme.slack.com/apps/A0PRACTICE")


async def test_leaked_token_is_revoked_and_its_sign_in_opens(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=3))
    tokens = read_tokens(store)
    assert tokens.refresh_token is not None
    access, refresh = tokens.access_token.reveal(), tokens.refresh_token.reveal()
    async with run_app(home, size=WIDE) as pilot:
        for key in ("escape", "enter", "n"):  # Cancel has the focus
            await choose_in_menu(pilot, "Replace a leaked token")
            await wait_for_text(pilot, "Replace the token of acme?")
            await pilot.press(key)
            await wait_for_screen(pilot, HomeScreen)
        assert slack.workspace.tokens.authenticate(access)
        assert refresh in slack.workspace.tokens.refresh_tokens
        assert not slack.workspace.calls["/api/auth.revoke"]
        await choose_in_menu(pilot, "Replace a leaked token")
        await wait_for_text(pilot, "programs using it stop working")
        await pilot.press("y")
        await wait_for_screen(pilot, SignInScreen)
        await wait_for_text(pilot, "Sign in again: acme")
        assert pilot.app.screen.query_one("#client_id", Input).value == CLIENT_ID
        assert slack.workspace.tokens.access_tokens[access].revoked
        assert refresh not in slack.workspace.tokens.refresh_tokens
        await pilot.press("escape")
        await wait_for_screen(pilot, HomeScreen)
        await wait_for_text(pilot, "✗ Revoked")
    assert store.read("acme").is_revoked


async def test_leaked_token_that_cannot_be_revoked_is_reported(store: ProfileStore, home: Path) -> None:
    with reserve_refusing_port() as url:
        store.save_sign_in(*new_sign_in(endpoints=Endpoints(url)))
        async with run_app(home, size=WIDE) as pilot:
            await choose_in_menu(pilot, "Replace a leaked token")
            await pilot.press("y")
            await wait_for_text(pilot, "Access token may still work")
            await wait_for_text(pilot, "Try again, or revoke it in Slack")
            assert isinstance(pilot.app.screen, HomeScreen)
    assert not store.read("acme").is_revoked


async def test_menu_of_a_profile_runs_what_its_keys_run(
    store: ProfileStore, home: Path, copied_texts: list[str]
) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("enter")
        await wait_for_screen(pilot, MenuDialog)
        assert not has_text(pilot, "r Refresh"), "this token can't be refreshed"
        await pilot.press("escape")
        await wait_for_screen(pilot, HomeScreen)
        assert copied_texts == []
        await pilot.press("enter")
        await wait_for_screen(pilot, MenuDialog)
        await pilot.press("enter")  # the first row is Copy
        await wait_for(pilot, lambda: copied_texts)
        await pilot.press("enter")
        await wait_for_screen(pilot, MenuDialog)
        await pilot.press("n")
        await wait_for_text(pilot, "Rename acme")
    assert copied_texts == [CANARY]


async def test_unreachable_slack_blocks_revoking_but_local_removal_works(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in(endpoints=Endpoints("http://127.0.0.1:9")))
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("x")
        await wait_for_text(pilot, "Remove acme?")
        await pilot.press("y")
        await wait_for_text(pilot, "Try again later, or remove it here only")
        await pilot.press("escape")
        assert store.names() == ["acme"]
        await pilot.press("x")
        await wait_for_text(pilot, "Remove acme?")
        await pilot.press("d")
        await wait_for_text(pilot, "Its tokens still work in Slack")


async def test_import_shows_the_token_type_and_saves_the_token(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    access, _ = issue_tokens(slack.workspace, "a:read")
    async with run_app(home, SlackApp(CLIENT_ID, Endpoints(slack.base)), WIDE) as pilot:
        await pilot.press("i")
        await wait_for_text(pilot, "Import a token")
        pilot.app.screen.query_one("#access", Input).value = "xoxb-canary-0000"
        await wait_for_text(pilot, "That's a bot token. Bot tokens aren't supported.")
        pilot.app.screen.query_one("#access", Input).value = access
        await wait_for_text(pilot, "✓ rotating user token")
        assert access not in read_screen(pilot)
        pilot.app.screen.query_one("#access", Input).focus()
        await pilot.press("enter")
        await wait_for_text(pilot, "Saved as acme-practice")
    assert store.names() == ["acme-practice"]


async def test_repeated_sign_in_shows_scope_changes(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in(scopes=("users:read", "channels:read"), requested_scopes=("users:read",)))
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("s")
        await wait_for_screen(pilot, SignInScreen)
        await wait_for_text(pilot, "Stays granted: channels:read.")
        await wait_for_text(pilot, "To lose a scope, remove")
        pilot.app.post_message(Paste("users:read, channels:read, chat:write"))
        await wait_for_text(pilot, "New: chat:write.")
        assert not has_text(pilot, "Stays granted")


# ── paste ──


@pytest.mark.parametrize("has_profile", [True, False])
async def test_pasted_client_id_opens_the_form_with_it(store: ProfileStore, home: Path, has_profile: bool) -> None:
    if has_profile:
        store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        pilot.app.post_message(Paste("Client ID\n2141029472.691202649728\n"))
        await wait_for_screen(pilot, SignInScreen)
        assert pilot.app.screen.query_one("#client_id", Input).value == "2141029472.691202649728"
        assert not has_text(pilot, "Sign in again"), "it is not about the highlighted profile"


@pytest.mark.parametrize("has_profile", [True, False])
async def test_pasted_token_opens_the_import_and_is_never_shown(
    store: ProfileStore, home: Path, has_profile: bool
) -> None:
    if has_profile:
        store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        pilot.app.post_message(Paste(f"{CANARY}\n"))
        await wait_for_screen(pilot, ImportDialog)
        await wait_for_text(pilot, "✓ user token")
        field = pilot.app.screen.query_one("#access", Input)
        assert field.value == CANARY and field.password
        assert "practice-01" not in read_screen(pilot) + pilot.app.export_screenshot()
        await pilot.press("escape")
        await wait_for_screen(pilot, HomeScreen)
        assert "practice-01" not in read_screen(pilot)


@pytest.mark.parametrize("pasted", [CANARY, "practice-0123456789abcdef0123456789abcdef"])
async def test_secret_pasted_into_the_filter_is_never_shown(store: ProfileStore, home: Path, pasted: str) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        home_screen = pilot.app.screen
        await pilot.press("slash")
        await wait_for(pilot, lambda: isinstance(pilot.app.focused, Input))
        pilot.app.post_message(Paste("jane"))
        await wait_for(pilot, lambda: home_screen.query_one("#filter", Input).value == "jane")
        pilot.app.post_message(Paste(pasted))
        await wait_for_text(pilot, "✓ user token" if pasted.startswith("xoxp") else "You don't need either one.")
        assert home_screen.query_one("#filter", Input).value == "jane"
        assert "practice-01" not in read_screen(pilot)


@pytest.mark.parametrize("has_profile", [True, False])
@pytest.mark.parametrize("answer", ["code=1.2.canary&state=canary", "error=access_denied&state=canary"])
async def test_pasted_callback_url_is_explained(
    store: ProfileStore, home: Path, has_profile: bool, answer: str
) -> None:
    if has_profile:
        store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        pilot.app.post_message(Paste(f"http://localhost:28417/callback?{answer}"))
        await wait_for_text(pilot, "No sign-in is waiting for this URL")
        await wait_for_text(pilot, "paste the new URL on that screen")
        assert isinstance(pilot.app.screen, HomeScreen)
        assert not has_text(pilot, "canary")


@pytest.mark.parametrize("has_profile", [True, False])
async def test_pasted_words_of_slacks_page_open_the_error_lookup(
    store: ProfileStore, home: Path, has_profile: bool
) -> None:
    if has_profile:
        store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        pilot.app.post_message(Paste("redirect_uri did not match any\nconfigured URIs."))
        await wait_for_screen(pilot, ErrorsScreen)
        await wait_for_text(pilot, "Slack rejected the redirect URL")
        search = pilot.app.screen.query_one("#search", Input)
        assert search.value == "redirect_uri did not match any configured URIs."
        highlighted = pilot.app.screen.highlighted
        assert highlighted is not None and highlighted.code == "bad_redirect_uri"


@pytest.mark.parametrize(
    ("pasted", "words"),
    [("A0PRACTICE1", "That's the App ID."), ("ab12" * 8, "You don't need either one.")],
)
async def test_other_pasted_values_are_explained_and_not_shown(
    store: ProfileStore, home: Path, pasted: str, words: str
) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        pilot.app.post_message(Paste(pasted))
        await wait_for_text(pilot, words)
        assert not has_text(pilot, pasted)


# ── the notice ──


@pytest.mark.parametrize("size", [(80, 24), (40, 20), (120, 36)])
async def test_notice_shows_its_severity_and_moves_nothing(
    store: ProfileStore, slack: PracticeSlack, home: Path, size: tuple[int, int]
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=3))
    with reserve_refusing_port() as url:
        store.save_sign_in(*new_sign_in(user_id="U2", endpoints=Endpoints(url)), "offline")
        async with run_app(home, size=size) as pilot:
            await pilot.press("v")
            await wait_for_notice(pilot, "acme works.", "-success")
            await pilot.press("escape")
            await wait_for(pilot, lambda: not notice_text(pilot))
            before = regions(pilot)  # Slack has told the URL of the workspace, which is shown too
            await pilot.press("v")
            await wait_for_notice(pilot, "acme works.", "-success")
            assert regions(pilot) == before
            await pilot.press("r", "r")
            await wait_for_notice(pilot, "Refreshed acme.", "-success")
            await pilot.press("V")
            await wait_for_notice(pilot, "1 of 2 work. 1 not checked.", "-warning")
            assert regions(pilot) == before
            slack.workspace.verify_error = "account_inactive"
            await pilot.press("v")
            await wait_for_notice(pilot, "The account was deactivated.", "-error")
            panes = ("#left", "#profiles", "ProfileDetail", "Footer")  # the details have a problem now, and scroll
            assert [regions(pilot)[pane] for pane in panes] == [before[pane] for pane in panes]
            await pilot.press("escape")
            await wait_for(pilot, lambda: not notice_text(pilot))
            assert [regions(pilot)[pane] for pane in panes] == [before[pane] for pane in panes]


# ── many profiles ──


@pytest.mark.parametrize("is_default", [False, True])
@pytest.mark.parametrize("count", [1, 8, 9, 30])
async def test_no_row_is_cut_at_80_columns(store: ProfileStore, home: Path, count: int, is_default: bool) -> None:
    times = [
        {},
        {"expires_at": time_from_now(hours=11, minutes=59)},
        {"expires_at": time_from_now(hours=-1)},
        {"refused": "token_revoked"},
        {"expires_at": time_from_now(hours=-1), "refresh_issued_at": time_from_now(hours=-13)},
    ]
    names = [f"n{number:02}".ljust(26 - number // len(times), "x") for number in range(count)]
    for number, name in enumerate(names):
        changes = {"user_name": "jane", "team_name": "Acme Practice Inc", "user_id": f"U{number}"}
        token = Secret("xoxe-1-canary-refresh") if "refresh_issued_at" in times[number % len(times)] else None
        store.save_sign_in(*new_sign_in(**changes, **times[number % len(times)], refresh_token=token), name)
    (home / "profiles" / "zzdamaged.json").write_text("{")
    if is_default:
        change_settings(home, default_profile=names[0])
    async with run_app(home) as pilot:
        await wait_for(pilot, lambda: len(row_texts(pilot)) == count + 1)
        await wait_until_stable(pilot)
        profiles = pilot.app.screen.query_one(ProfileList)
        width = profiles.scrollable_content_region.width - 2
        for name, row in zip(names, row_texts(pilot), strict=False):
            lines = row.split("\n")
            assert len(lines) == (1 if count + 1 > 8 else 2)
            assert name in lines[0] and "…" not in row.replace("working…", "")
            assert all(cell_len(line) <= width for line in lines)
            assert len(lines) == 1 or "jane in Acme Practice Inc" in lines[1]
            assert any(mark in row for mark, _ in STATUS_MARKS.values()), "the status is always there"
        assert ("★" in row_texts(pilot)[0]) == is_default
        assert names[0] in read_screen(pilot)


async def test_filter_without_a_match_keeps_both_panes_and_says_how_to_show_all(
    store: ProfileStore, home: Path
) -> None:
    for number in range(3):
        store.save_sign_in(*new_sign_in(user_id=f"U{number}"), f"p{number}")
    async with run_app(home) as pilot:
        screen = pilot.app.screen
        panes = {pane: screen.query_one(pane).region for pane in ("#left", "ProfileDetail")}
        await pilot.press("slash", "p")
        await wait_for_text(pilot, "3 of 3 profiles")
        profiles = screen.query_one("#profiles").region
        await pilot.press("x")
        await wait_for_text(pilot, "0 of 3 profiles")
        words = str(screen.query_one("#identity", Static).content)
        assert words == "No profile matches. Press Esc to show all."
        assert has_text(pilot, "No profile matches. Press Esc to show")
        assert {pane: screen.query_one(pane).region for pane in panes} == panes
        assert screen.query_one("#profiles").region == profiles
        assert not has_text(pilot, "users:read"), "nothing of the profile shown before"
        await pilot.press("escape")
        await wait_for_text(pilot, "users:read")
        assert len(row_texts(pilot)) == 3
        assert {pane: screen.query_one(pane).region for pane in panes} == panes


async def test_profiles_can_be_filtered_and_sorted(store: ProfileStore, home: Path) -> None:
    for number in range(30):
        store.save_sign_in(
            *new_sign_in(user_id=f"U{number}", team_name=f"Team {number}", expires_at=time_from_now(hours=40 - number)),
            f"p{number:02}",
        )
    async with run_app(home, size=WIDE) as pilot:
        profiles = pilot.app.screen.query_one(ProfileList)
        await pilot.press("slash")
        for key in "team 7 p07":
            await pilot.press("space" if key == " " else key)
        await wait_for_text(pilot, "1 of 30 profiles")
        assert profiles.highlighted_entry and profiles.highlighted_entry.name == "p07"
        await pilot.press("enter")
        assert isinstance(pilot.app.focused, OptionList)
        await pilot.press("escape")
        await wait_for(pilot, lambda: profiles.option_count == 30)
        assert profiles.highlighted_entry.name == "p07"
        await pilot.press("S", "S", "home")
        await wait_for(pilot, lambda: profiles.highlighted_entry and profiles.highlighted_entry.name == "p29")
    assert read_settings(home)["order"] == "expiry"


async def test_thousand_profiles_can_be_scrolled_and_filtered(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in())
    add_profile_files(store, "acme", range(1000))
    async with run_app(home, size=WIDE) as pilot:
        profiles = pilot.app.screen.query_one(ProfileList)
        await wait_for(pilot, lambda: profiles.option_count == 1001)
        await pilot.press("end")
        await wait_for(pilot, lambda: profiles.highlighted_entry and profiles.highlighted_entry.name == "w0999")
        await pilot.press("slash", *"w0500")
        await wait_for(pilot, lambda: profiles.option_count == 1)
        await pilot.press("escape")
        await wait_for(pilot, lambda: profiles.option_count == 1001)
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "The token is already revoked."),
        (
            {"refresh_token": Secret("xoxe-1-practice-refresh"), "refresh_issued_at": time_from_now(days=-1)},
            "in case it still works.",
        ),
    ],
)
async def test_removing_a_revoked_profile_says_what_is_so(
    store: ProfileStore, home: Path, changes: dict[str, Any], words: str
) -> None:
    store.save_sign_in(*new_sign_in(refused="token_revoked", **changes))
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("x")
        await wait_for_text(pilot, words)
        assert not has_text(pilot, "still work in Slack")
        assert not has_text(pilot, "Programs using")
