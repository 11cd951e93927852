"""Whatever background work raises is shown: a Problem with its explanation, a bug with its place."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NoReturn

import pytest

from slack_token_tui.desktop import browser, clipboard
from slack_token_tui.slack.endpoints import Endpoints, parse_base_url
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens import keyring_migration, rename
from slack_token_tui.tui import app
from slack_token_tui.tui.screens.errors import ErrorDialog
from tests.support.browser import RecordingBrowser
from tests.support.cli import run_command
from tests.support.pilot import WIDE, run_app, wait_for, wait_for_screen, wait_for_text
from tests.support.profiles import new_sign_in, time_from_now
from tests.support.store import save_last_app

SOURCE = Path(__file__).parents[2] / "slack_token_tui" / "tui"


def raise_bug(*_: object, **__: object) -> NoReturn:
    raise ZeroDivisionError("a bug")


def raise_disk_full(*_: object, **__: object) -> NoReturn:
    raise StorageError("store_full", file="the file", detail="no room")


async def test_bug_in_a_copy_is_shown(store: ProfileStore, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clipboard, "copy", raise_bug)
    store.save_sign_in(*new_sign_in())
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("c")
        await wait_for_text(pilot, "ZeroDivisionError in test_background_errors.py")


# Keys on the home screen, each with what they call and the field that the work starts from.
WORK = {
    "make default": ("d", app, "change_settings"),
    "sort": ("S", app, "change_settings"),
    "move tokens": ("k", keyring_migration, "move_tokens"),
}


@pytest.mark.parametrize(("key", "module", "name"), WORK.values(), ids=WORK.keys())
@pytest.mark.parametrize(
    ("failure", "text"), [(raise_bug, "ZeroDivisionError in test_background"), (raise_disk_full, "no space left")]
)
async def test_failed_work_is_shown(
    store: ProfileStore,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    module: object,
    name: str,
    failure: object,
    text: str,
) -> None:
    store.save_sign_in(*new_sign_in())
    monkeypatch.setattr(module, name, failure)
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press(key)
        await wait_for_text(pilot, text)
        await pilot.press("?")
        await wait_for_text(pilot, "Your saved profiles.")


async def test_failed_theme_change_is_shown(home: Path, store: ProfileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save_sign_in(*new_sign_in())
    monkeypatch.setattr(app, "change_settings", raise_disk_full)
    async with run_app(home, size=WIDE) as pilot:
        pilot.app.theme = "textual-light"
        await wait_for_text(pilot, "no space left")


async def test_failed_rename_is_shown_in_its_dialog(
    store: ProfileStore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save_sign_in(*new_sign_in())
    monkeypatch.setattr(rename, "rename", raise_bug)
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("n")
        await wait_for_text(pilot, "Rename acme")
        await pilot.press("x", "enter")
        await wait_for_text(pilot, "✗")
        await wait_for_text(pilot, "ZeroDivisionError in test_background_errors.py")


@pytest.mark.parametrize("base", ["http://127.0.0.2:9999", "http://[::1]:9999", "http://localhost:9999"])
def test_every_slack_that_an_app_may_have_can_be_opened(base: str) -> None:
    url = f"{Endpoints(parse_base_url(base)).apps_url}?x=1"
    assert browser.validate_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://slack.com/",
        "http://127.0.0.1@slack.com/",
        "http://localhost@slack.com/",
        "http://localhost.slack.com/",
        "ftp://localhost/",
    ],
)
def test_plain_http_is_opened_only_on_this_machine(url: str) -> None:
    with pytest.raises(ValueError, match="can't be passed to a browser"):
        browser.validate_url(url)


async def test_app_settings_of_another_loopback_slack_are_opened(
    store: ProfileStore, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = RecordingBrowser(tmp_path)
    monkeypatch.setenv("BROWSER", recording.program)
    app = SlackApp("2141029472.691202649728", Endpoints("http://127.0.0.2:9999"))
    save_last_app(store, app)
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("e")
        await wait_for_text(pilot, "Error lookup")
        await pilot.press("enter")
        await wait_for_screen(pilot, ErrorDialog)
        await pilot.press("o")
        await wait_for(pilot, lambda: recording.was_opened)
    assert recording.take_url() == app.endpoints.apps_url


BAD_PROXY = "http://127.0.0.1:99999"


async def test_unusable_proxy_port_is_explained_on_the_screen(
    store: ProfileStore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save_sign_in(*new_sign_in())
    store.save_sign_in(*new_sign_in(user_id="U2"), "other")
    monkeypatch.setenv("HTTPS_PROXY", BAD_PROXY)
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("v")
        await wait_for_text(pilot, "proxy_unusable")
        await pilot.press("V")
        await wait_for_text(pilot, "0 of 2 work. 2 failed (marked !).")


def test_unusable_proxy_port_is_explained_on_the_command_line(
    store: ProfileStore, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(*new_sign_in())
    due = new_sign_in(user_id="U2", expires_at=time_from_now(minutes=1))
    store.save_sign_in(*due, "due")
    done = run_command("verify", "--all", env={**child_environment, "HTTPS_PROXY": BAD_PROXY})
    assert done.returncode != 0
    assert "proxy_unusable" in done.stderr and "Group" not in done.stderr


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.stem)
def test_every_worker_is_started_by_the_wrapper(path: Path) -> None:
    if path.name == "background.py":
        return
    tree = ast.parse(path.read_text())
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "textual"
        for alias in node.names
    }
    assert "run_worker" not in names and "work" not in imported
