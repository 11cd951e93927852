"""The TUI as a person uses it: keys in, screen out, against the practice Slack."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from textual.widgets import Input, OptionList

from slack_token_tui.desktop import clipboard
from slack_token_tui.keeping.apps import SlackApp
from slack_token_tui.keeping.store import ProfileStore
from slack_token_tui.practice.server import PracticeSlack, play_browser
from slack_token_tui.practice.workspace import EXCHANGE_ERRORS, Workspace
from slack_token_tui.secret import Secret
from slack_token_tui.slack.explanations import explain
from slack_token_tui.tui.actions import ACTIONS
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen
from slack_token_tui.tui.widgets.error_card import ErrorCard
from tests.accounts import CANARY, in_, profile
from tests.tui.pilots import begin, port_closes, running, says, shows, text, until


async def test_the_empty_home_says_the_one_next_step(home: Path) -> None:
    async with running(home) as pilot:
        await shows(pilot, "No profiles yet")
        await shows(pilot, "I have a Client ID: sign in (a)")
        await shows(pilot, "I have none: make me an app (N)")


async def test_from_nothing_to_a_saved_and_copied_token(
    home: Path, app: SlackApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []

    async def copy(value: Secret, *_: object) -> clipboard.Copied:
        copied.append(value.reveal())
        return clipboard.Copied("xclip", certain=True)

    monkeypatch.setattr(clipboard, "copy", copy)
    async with running(home, app) as pilot:
        url = await begin(pilot)
        await asyncio.to_thread(play_browser, url)
        await shows(pilot, "Signed in as jane in Acme Practice")
        await shows(pilot, "Saved as acme-practice")
        await pilot.press("c")
        await until(pilot, lambda: copied)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        await shows(pilot, "acme-practice")
        await pilot.press("c")
        await until(pilot, lambda: len(copied) == 2)
    token = ProfileStore(home).read("acme-practice").access_token.reveal()
    assert copied == [token, token]


async def test_a_cancel_is_explained_and_try_again_works_without_restart(home: Path, app: SlackApp) -> None:
    async with running(home, app) as pilot:
        await asyncio.to_thread(play_browser, await begin(pilot), "cancel")
        await shows(pilot, "access_denied")
        await shows(pilot, "The sign-in was cancelled in the browser")
        await pilot.press("r")
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        await until(pilot, lambda: screen._url and says(pilot, "Waiting for you"))
        await asyncio.to_thread(play_browser, str(screen._url))
        await shows(pilot, "Signed in as jane")
        assert not pilot.app.screen.query(ErrorCard)


@pytest.mark.parametrize("code", EXCHANGE_ERRORS)
async def test_every_refusal_is_explained_under_its_step(home: Path, app: SlackApp, code: str) -> None:
    async with running(home, app, (100, 40)) as pilot:
        await asyncio.to_thread(play_browser, await begin(pilot), wrong=f"exchange:{code}")
        await until(pilot, lambda: pilot.app.screen.query(ErrorCard) and says(pilot, code))
        await shows(pilot, explain(code).title)
        await shows(pilot, "Esc leave")


async def test_the_other_pair_is_one_key_away(home: Path, app: SlackApp) -> None:
    async with running(home, app) as pilot:
        await asyncio.to_thread(play_browser, await begin(pilot), wrong="exchange:not_implemented")
        await shows(pilot, "not_implemented")
        await pilot.press("o")
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        await until(pilot, lambda: screen._url and "/oauth/v2/authorize" in screen._url)
        await asyncio.to_thread(play_browser, str(screen._url))
        await shows(pilot, "Signed in as jane")


@pytest.mark.parametrize("wrapped", [False, True])
async def test_a_paste_anywhere_finishes_the_sign_in(
    home: Path, app: SlackApp, workspace: Workspace, wrapped: bool
) -> None:
    from textual import events

    async with running(home, app) as pilot:
        query = {key: values[0] for key, values in parse_qs(urlsplit(await begin(pilot)).query).items()}
        assert not isinstance(pilot.app.screen.focused, Input), "the paste box never takes the focus by itself"
        pilot.app.screen.post_message(events.Paste("http://localhost:1/callback?code=a&state=b"))
        await shows(pilot, "That address belongs somewhere else")
        assert pilot.app.screen.query_one("#client_id", Input).value == app.client_id, "the box that is meant"
        code = workspace.allow("v2_user", query, {})
        address = f"{query['redirect_uri']}?code={code}&state={query['state']}"
        pilot.app.screen.post_message(events.Paste(f"{address[:60]}\n{address[60:]}\n" if wrapped else address))
        await shows(pilot, "Signed in as jane")


async def test_a_bare_code_is_used_only_after_a_yes(home: Path, app: SlackApp, workspace: Workspace) -> None:
    from textual import events

    async with running(home, app) as pilot:
        query = {key: values[0] for key, values in parse_qs(urlsplit(await begin(pilot)).query).items()}
        code = workspace.allow("v2_user", query, {})
        pilot.app.screen.post_message(events.Paste(code))
        await until(pilot, lambda: says(pilot, "Paste the whole address (Esc)"))
        await pilot.press("y")
        await shows(pilot, "Signed in as jane")


async def test_letters_are_keys_only_outside_of_fields_and_the_footer_shows_it(home: Path, app: SlackApp) -> None:
    async with running(home, app) as pilot:
        await begin(pilot)
        await shows(pilot, "e More time")
        await pilot.click("#paste")
        await until(pilot, lambda: not says(pilot, "e More time"))
        await pilot.press("e", "u")
        assert pilot.app.screen.query_one("#paste", Input).value == "eu"
        await pilot.press("escape")
        await shows(pilot, "e More time")


async def test_more_time_is_given_and_leaving_closes_the_port(
    home: Path, app: SlackApp, redirect_uris: tuple[str, ...]
) -> None:
    async with running(home, app) as pilot:
        await begin(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        assert screen._sign_in is not None
        screen._sign_in._deadline -= 100
        await pilot.press("e")
        assert screen._sign_in.seconds_left > 290
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        await port_closes(pilot, redirect_uris[0])


async def test_what_the_browser_says_is_found_while_the_wait_goes_on(home: Path, app: SlackApp) -> None:
    async with running(home, app, (100, 40)) as pilot:
        await begin(pilot)
        await pilot.press("b")
        await shows(pilot, "What does the browser say?")
        await shows(pilot, "The page says: redirect_uri did not match")
        await shows(pilot, "Slack refused the redirect address")
        await pilot.press("escape")
        await shows(pilot, "Waiting for you")


@pytest.mark.parametrize(
    ("field", "value", "words"), [("client_id", "x", "A Client ID is digits"), ("scopes", "", "at least one scope")]
)
async def test_the_form_says_what_is_wrong(home: Path, app: SlackApp, field: str, value: str, words: str) -> None:
    async with running(home, app, (80, 30)) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen))
        pilot.app.screen.query_one(f"#{field}", Input).value = value
        await pilot.press("enter")
        await shows(pilot, words)


async def test_another_slack_is_always_named(home: Path, app: SlackApp, slack: PracticeSlack) -> None:
    async with running(home, app) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: says(pilot, f"not slack.com: {slack.base.removeprefix('http://')}"))


async def test_home_moves_with_vi_keys_and_shows_the_highlighted_one(home: Path, store: ProfileStore) -> None:
    for number, name in enumerate(("one", "two", "three")):
        store.keep(profile(user_id=f"U{number}", team_name=f"Team {name}"), name)
    async with running(home) as pilot:
        for key, name in (("j", "three"), ("j", "two"), ("k", "three"), ("G", "two"), ("g", "one"), ("down", "three")):
            await pilot.press(key)
            await until(pilot, lambda name=name: pilot.app.screen.query_one("ProfileDetail").border_title == name)


async def test_a_dead_token_is_not_copied_and_a_damaged_file_is_explained(home: Path, store: ProfileStore) -> None:
    store.keep(profile(expires_at=in_(hours=-1)))
    (home / "profiles" / "bad.json").write_text("{")
    async with running(home) as pilot:
        await pilot.press("c")
        await shows(pilot, "Press s to sign in again")
        await pilot.press("j")
        await until(pilot, lambda: says(pilot, "A profile file cannot be read") or says(pilot, "Others can read"))


@pytest.mark.parametrize("size", [(40, 20), (80, 24), (120, 36)])
async def test_no_token_is_ever_on_the_screen(home: Path, store: ProfileStore, size: tuple[int, int]) -> None:
    store.keep(profile(refresh_token=Secret("xoxe-1-canary-refresh-0123")))
    async with running(home, size=size) as pilot:
        await shows(pilot, "acme")
        for key in ("question_mark", "escape", "ctrl+p", "escape"):
            await pilot.press(key)
            await pilot.pause(0.1)
            assert "canary" not in pilot.app.export_screenshot()
            assert CANARY not in text(pilot)


async def test_the_palette_has_every_action_and_no_screenshot(home: Path, store: ProfileStore) -> None:
    store.keep(profile(refresh_token=Secret("xoxe-1-canary-refresh-0123"), refresh_issued_at=in_(hours=-1)))
    async with running(home) as pilot:
        commands = {command.title for command in pilot.app.get_system_commands(pilot.app.screen)}
        assert "Screenshot" not in commands
        assert {
            f"{action.label} ({action.shown_key})" for action in ACTIONS if "home" in action.screens
        } - commands <= {"Quit (q)", "More (F1)"}, "there is nothing to explain yet"


async def test_hostile_names_are_shown_as_harmless_text(home: Path, store: ProfileStore) -> None:
    hostile = "[/red]\x1b]52;c;eA==\x07[@click=app.quit]x[/] \u202eevil"
    store.keep(profile(team_name=hostile, user_name=hostile))
    async with running(home) as pilot:
        assert "[/red]" in text(pilot)
        assert "\x1b" not in text(pilot)
        assert "\u202e" not in text(pilot)
        assert pilot.app.screen.query_one("#profiles", OptionList).option_count == 1


async def test_ctrl_c_twice_quits(home: Path) -> None:
    async with running(home) as pilot:
        await pilot.press("ctrl+c")
        assert pilot.app._exit is False
        await pilot.press("ctrl+c")
        assert pilot.app._exit is True


async def test_over_ssh_the_screen_says_what_to_do_step_by_step(
    home: Path, app: SlackApp, monkeypatch: pytest.MonkeyPatch, copied: list[str]
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "203.0.113.9 51234 198.51.100.7 22")
    async with running(home, app, (100, 40)) as pilot:
        await begin(pilot)
        await shows(pilot, "Your browser is on another machine")
        await shows(pilot, "This is an SSH session")
        screen = pilot.app.screen
        paste, address = screen.query_one("#paste_row").region, screen.query_one("#address").region
        assert paste.y < address.y, "what ends the wait comes first"
        await pilot.press("l")
        await until(pilot, lambda: copied)
        port = app.redirect_uris[0].split(":")[2].split("/")[0]
        assert copied[0].startswith(f"ssh -L {port}:localhost:{port} ")


async def test_a_long_silence_is_explained_by_itself(
    home: Path, app: SlackApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functools import partial

    from slack_token_tui.signing_in.flow import SignIn
    from slack_token_tui.tui.screens.sign_in import screen as sign_in

    monkeypatch.setattr(sign_in, "SignIn", partial(SignIn, hint_seconds=0.2))
    async with running(home, app, (100, 40)) as pilot:
        await begin(pilot)
        await shows(pilot, "Nothing yet. If the browser shows an error")


async def test_a_browser_that_insists_on_https_is_recognised_and_explained(home: Path, app: SlackApp) -> None:
    from urllib.parse import urlsplit as split

    async with running(home, app, (100, 40)) as pilot:
        await begin(pilot)
        _, writer = await asyncio.open_connection("127.0.0.1", split(app.redirect_uris[0]).port)
        writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        await shows(pilot, "The browser tried https on localhost")
        await shows(pilot, "Or change https to http in the address that it ended on")
        writer.close()


async def test_a_token_that_could_not_be_saved_is_never_thrown_away_unasked(
    home: Path, app: SlackApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slack_token_tui.keeping.files import StoreError

    def full(*_: object, **__: object) -> object:
        raise StoreError("store_full", file="x", detail="no room")

    async with running(home, app, (100, 40)) as pilot:
        url = await begin(pilot)
        with monkeypatch.context() as broken:
            broken.setattr(ProfileStore, "keep", full)
            await asyncio.to_thread(play_browser, url)
            await shows(pilot, "store_full")
        screen = pilot.app.screen
        assert isinstance(screen, SignInScreen)
        for key in ("r", "a", "escape"):
            await pilot.press(key)
            await shows(pilot, "Throw the new token away?")
            await pilot.press("n")
            await until(pilot, lambda: pilot.app.screen is screen)
        await pilot.press("ctrl+q")
        await shows(pilot, "Throw the new token away?")
        await pilot.press("ctrl+q")  # the question stands
        await pilot.press("n")
        await until(pilot, lambda: pilot.app.screen is screen)
        await pilot.press("w")
        await shows(pilot, "Signed in as jane")
    assert ProfileStore(home).names() == ["acme-practice"]


async def test_ctrl_c_ends_the_wait_also_from_the_paste_box(home: Path, app: SlackApp) -> None:
    async with running(home, app) as pilot:
        await begin(pilot)
        pilot.app.screen.query_one("#paste", Input).focus()
        await pilot.press("ctrl+c")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))


async def test_scopes_that_the_app_is_known_to_lack_are_named_before_slack_refuses(home: Path, app: SlackApp) -> None:
    from dataclasses import replace

    app = replace(app, registered_scopes=("users:read",), scopes=("users:read", "chat:write"), name="Mine")
    async with running(home, app, (100, 40)) as pilot:
        await pilot.press("a")
        await shows(pilot, "! Mine is not known to have chat:write")
        await pilot.press("enter")
        await shows(pilot, "Waiting for you to press Allow")
        await pilot.press("b")
        await shows(pilot, "What does the browser say?")
        pilot.app.screen.query_one("#search", Input).value = "invalid permissions"
        await shows(pilot, "The app is not known to have chat:write.")


async def test_a_wrong_paste_is_not_added_to_but_replaced(home: Path) -> None:
    from textual import events

    async with running(home, size=(100, 40)) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen) and pilot.app.screen.focused is not None)
        box = pilot.app.screen.query_one("#client_id", Input)
        for pasted, words in (
            ("https://api.slack.com/apps/A012ABCD0A0/general", "settings page"),
            ("A012ABCDEF", "App ID"),
            ("xoxp-canary-0123456", "a user token"),
            ("1234567890.1234567890123", "No secret is needed"),
        ):
            box.post_message(events.Paste(pasted))
            await shows(pilot, words)
        assert box.value == "1234567890.1234567890123"


async def test_an_organisation_is_shown_with_its_workspaces(home: Path, app: SlackApp) -> None:
    async with running(home, app, (120, 40)) as pilot:
        await asyncio.to_thread(play_browser, await begin(pilot), team="E0PRACTICE")
        await shows(pilot, "T0PRACTICE1 Acme Practice")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        await shows(pilot, "T0PRACTICE2 Globex Practice")


async def test_a_paste_beside_the_fields_is_taken_for_the_client_id(home: Path, app: SlackApp) -> None:
    from textual import events

    async with running(home, app, (100, 40)) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen) and pilot.app.screen.focused is not None)
        assert not isinstance(pilot.app.screen.focused, Input)
        pilot.app.screen.post_message(events.Paste("Client ID\n9999999999.8888888888888"))
        await until(pilot, lambda: pilot.app.screen.query_one("#client_id", Input).value == "9999999999.8888888888888")


async def test_what_was_typed_is_there_again_after_leaving_the_wait(home: Path, app: SlackApp) -> None:
    async with running(home, app, (100, 40)) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen) and pilot.app.screen.focused is not None)
        pilot.app.screen.query_one("#scopes", Input).value = "files:read"
        await pilot.press("enter")
        await shows(pilot, "Waiting for you to press Allow")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen) and pilot.app.screen.focused is not None)
        assert pilot.app.screen.query_one("#scopes", Input).value == "files:read"


async def test_a_token_among_the_scopes_leaves_the_screen_and_is_never_sent(home: Path, app: SlackApp) -> None:
    from textual import events

    async with running(home, app, (100, 40)) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen) and pilot.app.screen.focused is not None)
        box = pilot.app.screen.query_one("#scopes", Input)
        box.value = "users:read"
        box.focus()
        await pilot.press("end")
        box.post_message(events.Paste("xoxp-canary-0123456"))
        await shows(pilot, "That was a token")
        assert "canary" not in text(pilot)
        assert box.value == "users:read"
