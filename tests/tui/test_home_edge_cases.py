"""A key acts on the profile it was pressed for, and the home screen tells the truth about each profile."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from textual.widgets import OptionList

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import read_settings
from slack_token_tui.tokens.export_formats import FORMATS
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.widgets.profile_list import ProfileList
from tests.support.pilot import WIDE, has_text, read_screen, run_app, wait_for, wait_for_text
from tests.support.practice import issue_profile
from tests.support.profiles import CANARY, new_sign_in, time_from_now
from tests.support.servers import reserve_refusing_port


async def test_key_acts_on_the_profile_highlighted_when_it_was_pressed(
    store: ProfileStore, home: Path, copied_texts: list[str]
) -> None:
    """On a slow line, the cursor has moved on before the worker of the first key runs."""
    store.save_sign_in(*new_sign_in(access_token=Secret("xoxp-canary-of-a")), "a")
    store.save_sign_in(*new_sign_in(access_token=Secret("xoxp-canary-of-b"), user_id="U2"), "b")
    async with run_app(home, size=WIDE) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, HomeScreen)
        profiles = screen.query_one(ProfileList)
        screen.action_copy()
        profiles.action_cursor_down()
        await wait_for(pilot, lambda: copied_texts)
        assert copied_texts == ["xoxp-canary-of-a"]
        screen.action_reveal()
        profiles.action_cursor_up()
        await pilot.pause(0.3)
        assert not has_text(pilot, "canary")


async def test_profile_removed_while_its_menu_is_open_is_not_replaced_by_another(
    store: ProfileStore, home: Path, copied_texts: list[str]
) -> None:
    store.save_sign_in(*new_sign_in(), "a")
    store.save_sign_in(*new_sign_in(user_id="U2"), "b")
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("C")
        await wait_for_text(pilot, "a curl command")
        store.path("a").unlink()
        await pilot.press("enter")
        await wait_for_text(pilot, "Another program removed or renamed a.")
    assert copied_texts == []


async def test_format_without_a_token_can_be_copied_for_an_expired_profile(
    store: ProfileStore, home: Path, copied_texts: list[str]
) -> None:
    store.save_sign_in(*new_sign_in(expires_at=time_from_now(hours=-1)))
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("C")
        await wait_for_text(pilot, "a curl command")
        pilot.app.screen.query_one(OptionList).highlighted = list(FORMATS).index("mcp")
        await pilot.press("enter")
        await wait_for(pilot, lambda: copied_texts)
    assert "mcpServers" in copied_texts[0]


async def test_failed_refresh_of_an_expired_token_suggests_trying_again(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    with reserve_refusing_port() as url:
        issue_profile(store, slack, endpoints=Endpoints(url), expires_at=time_from_now(hours=-1))
        async with run_app(home, size=WIDE) as pilot:
            await pilot.press("c")
            await wait_for(
                pilot,
                lambda: (
                    has_text(pilot, "Couldn't refresh acme. Couldn't reach") and has_text(pilot, "Press r to try again")
                ),
            )


async def test_pressing_verify_twice_never_reports_an_invalid_token_as_valid(
    store: ProfileStore, slack: PracticeSlack, home: Path
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=5))
    slack.workspace.verify_error = "account_inactive"
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("v", "v")
        await wait_for(pilot, lambda: has_text(pilot, "Press s to sign in again.") and not pilot.app.screen.model.busy)
        assert not has_text(pilot, "acme works")


async def test_notice_disappears_when_another_profile_is_highlighted(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in(expires_at=time_from_now(hours=-1)), "a")
    store.save_sign_in(*new_sign_in(user_id="U2"), "b")
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("c")
        await wait_for_text(pilot, "Press s to sign in again")
        await pilot.press("down")
        await wait_for(pilot, lambda: not has_text(pilot, "Press s to sign in again"))


async def test_removal_in_progress_cannot_be_canceled(
    store: ProfileStore, slack: PracticeSlack, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue_profile(store, slack)
    revoke, may_answer = slack.workspace.tokens.revoke, threading.Event()

    def answer_late(bearer: str | None) -> object:
        may_answer.wait(30)
        return revoke(bearer)

    monkeypatch.setattr(slack.workspace.tokens, "revoke", answer_late)
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("x")
        await wait_for(pilot, lambda: has_text(pilot, "Remove acme?") and has_text(pilot, "Remove here only (d)"))
        await pilot.press("y", "escape")
        await wait_for_text(pilot, "This can't be stopped anymore")
        may_answer.set()
        await wait_for_text(pilot, "✓ Removed acme")
        await pilot.press("escape")
        await wait_for_text(pilot, "Get your first Slack token")


async def test_cursor_moves_to_the_next_profile_after_a_removal(store: ProfileStore, home: Path) -> None:
    for number, name in enumerate("abcd"):
        store.save_sign_in(*new_sign_in(user_id=f"U{number}"), name)
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("down", "down")
        await wait_for(pilot, lambda: pilot.app.screen.highlighted.name == "c")
        await pilot.press("x")
        await wait_for_text(pilot, "Remove c?")
        await pilot.press("d")
        await wait_for_text(pilot, "Its tokens still work in Slack")
        await pilot.press("escape")
        await wait_for(pilot, lambda: pilot.app.screen.highlighted and pilot.app.screen.highlighted.name == "d")


async def test_help_scrolls_and_ctrl_c_quits_from_every_dialog(
    store: ProfileStore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save_sign_in(*new_sign_in())
    for key, words in (
        ("question_mark", "Your saved profiles."),
        ("i", "Import a token"),
        ("n", "Rename acme"),
        ("C", "Copy acme as"),
    ):
        async with run_app(home, size=(80, 24)) as pilot:
            await pilot.press(key)
            await wait_for_text(pilot, words)
            if key == "question_mark":
                await pilot.press("end")
                await wait_for_text(pilot, "Copy the mouse selection, or stop.")
            monkeypatch.setattr("slack_token_tui.tui.app.DOUBLE_PRESS_SECONDS", 60)
            await pilot.press("ctrl+c", "ctrl+c")
            await wait_for(pilot, lambda: not pilot.app.is_running)


async def test_escape_stops_waiting_for_a_response(
    store: ProfileStore, slack: PracticeSlack, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=5))
    test, may_answer = slack.workspace.auth_test, threading.Event()

    def answer_late(bearer: str | None) -> object:
        may_answer.wait(30)
        return test(bearer)

    monkeypatch.setattr(slack.workspace, "auth_test", answer_late)
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("v")
        await wait_for_text(pilot, "working…")
        await pilot.press("escape")
        await wait_for_text(pilot, "Stopped waiting for acme.")
        may_answer.set()
        await wait_for(pilot, lambda: not has_text(pilot, "working…"))


async def test_theme_is_saved(home: Path) -> None:
    async with run_app(home) as pilot:
        pilot.app.theme = "textual-light"
        await wait_for(pilot, lambda: read_settings(home).get("theme") == "textual-light")


async def test_expired_token_is_not_copied_and_a_damaged_file_is_explained(home: Path, store: ProfileStore) -> None:
    store.save_sign_in(*new_sign_in(expires_at=time_from_now(hours=-1)))
    (home / "profiles" / "bad.json").write_text("{")
    async with run_app(home) as pilot:
        await pilot.press("c")
        await wait_for_text(pilot, "Press s to sign in again")
        await pilot.press("down")
        await wait_for(
            pilot, lambda: has_text(pilot, "A profile file can't be read") or has_text(pilot, "Other users can read")
        )


@pytest.mark.parametrize("size", [(40, 20), (80, 24), (120, 36)])
async def test_no_token_appears_on_the_screen(home: Path, store: ProfileStore, size: tuple[int, int]) -> None:
    store.save_sign_in(*new_sign_in(refresh_token=Secret("xoxe-1-canary-refresh-0123")))
    async with run_app(home, size=size) as pilot:
        await wait_for_text(pilot, "acme")
        for key in ("question_mark", "escape", "ctrl+p", "escape"):
            await pilot.press(key)
            await pilot.pause(0.1)
            assert "canary" not in pilot.app.export_screenshot()
            assert CANARY not in read_screen(pilot)


async def test_hostile_names_are_shown_as_plain_text(home: Path, store: ProfileStore) -> None:
    hostile = "[/red]\x1b]52;c;eA==\x07[@click=app.quit]x[/] \u202eevil"
    store.save_sign_in(*new_sign_in(team_name=hostile, user_name=hostile))
    async with run_app(home) as pilot:
        assert "[/red]" in read_screen(pilot)
        assert "\x1b" not in read_screen(pilot)
        assert "\u202e" not in read_screen(pilot)
        assert pilot.app.screen.query_one("#profiles", OptionList).option_count == 1


async def test_escape_sequences_in_the_directory_name_are_not_shown(tmp_path: Path) -> None:
    home = tmp_path / "e\x1b]0;pwned\x07"
    async with run_app(home, size=(120, 40)) as pilot:
        assert not set("\x1b\x07") & set(read_screen(pilot))
        await pilot.press("a")
        await wait_for_text(pilot, "Only you can read them.")
        await wait_for_text(pilot, "pwned")
        assert not set("\x1b\x07") & set(read_screen(pilot))
    ProfileStore(home).save_sign_in(*new_sign_in())
    async with run_app(home, size=(120, 40)) as pilot:
        await wait_for_text(pilot, "Stored in")
        assert not set("\x1b\x07") & set(read_screen(pilot))
        await pilot.press("x")
        await wait_for_text(pilot, "Remove acme?")
        assert not set("\x1b\x07") & set(read_screen(pilot))


@pytest.mark.parametrize("is_secret", [False, True])
async def test_ctrl_c_copies_a_mouse_selection_and_interrupts_only_without_one(
    store: ProfileStore, home: Path, copied_texts: list[str], is_secret: bool
) -> None:
    store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        if is_secret:
            await pilot.press("t")
            await wait_for_text(pilot, CANARY)
        words = CANARY if is_secret else "acme.slack.com"
        lines = read_screen(pilot).split("\n")
        row = next(number for number, line in enumerate(lines) if words in line)
        column = lines[row].index(words)
        await pilot.mouse_down(offset=(column, row))
        await pilot.hover(offset=(column + len(words), row))
        await pilot.mouse_up(offset=(column + len(words), row))
        await pilot.press("ctrl+c")
        await wait_for(pilot, lambda: copied_texts)
        assert words[:-1] in copied_texts[0]
        await wait_for_text(pilot, "Copied the selection")
        assert pilot.app.is_running
        await pilot.press("ctrl+c")
        await wait_for_text(pilot, "Ctrl+C again quits")
