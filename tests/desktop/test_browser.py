"""Opening a browser: real programs, real arguments, nothing on the terminal."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from slack_token_tui.desktop import browser
from slack_token_tui.desktop.browser import NotOpened, Opened
from slack_token_tui.oauth.redirect_file import write_redirect_file
from tests.conftest import becomes

URL = "https://slack.com/oauth/v2_user/authorize?client_id=1.2&scope=users%3Aread"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH to put fake browsers on; each writes its arguments to a file of its name."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    return directory


@pytest.fixture(autouse=True)
def settle_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may start a program late; only the one that stays in the foreground is not waited for to its end."""
    monkeypatch.setattr(browser, "_SETTLE_SECONDS", 60)


def program(directory: Path, name: str, body: str = "") -> Path:
    path = directory / name
    path.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {directory}/{name}.args\n{body}\n")
    path.chmod(0o755)
    return path


def arguments(directory: Path, name: str) -> list[str]:
    return (directory / f"{name}.args").read_text().splitlines()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("{}", [URL]), ("{} --new %s --x", ["--new", URL, "--x"]), ("{} --private", ["--private", URL])],
)
async def test_browser_is_respected_with_and_without_a_placeholder(
    programs: Path, monkeypatch: pytest.MonkeyPatch, value: str, expected: list[str]
) -> None:
    monkeypatch.setenv("BROWSER", value.format(program(programs, "mine")))
    assert await browser.open_url(URL) == Opened("mine")
    assert arguments(programs, "mine") == expected


async def test_the_next_entry_is_tried_when_one_fails(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = program(programs, "bad", "exit 3"), program(programs, "good")
    monkeypatch.setenv("BROWSER", f"/nonexistent:{bad}:{good}")
    assert await browser.open_url(URL) == Opened("good")


@pytest.mark.parametrize("name", ["lynx", "w3m", "links", "www-browser", "elinks"])
async def test_a_text_browser_never_gets_the_terminal(
    programs: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("BROWSER", str(program(programs, name)))
    outcome = await browser.open_url(URL)
    assert isinstance(outcome, NotOpened)
    assert name in outcome.reason
    assert not (programs / f"{name}.args").exists()


async def test_without_a_display_and_over_ssh_none_is_tried(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(programs, "xdg-open")
    assert isinstance(await browser.open_url(URL), NotOpened)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("SSH_CONNECTION", "x")
    assert isinstance(await browser.open_url(URL), NotOpened)
    monkeypatch.delenv("SSH_CONNECTION")
    assert await browser.open_url(URL) == Opened("your default browser")


async def test_a_browser_in_the_foreground_blocks_nothing_and_outlives_us(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "_SETTLE_SECONDS", 1.5)
    body = f"while [ ! -e {programs}/enough ]; do read _ < {programs}/slow.args; done; echo > {programs}/lived"
    monkeypatch.setenv("BROWSER", str(program(programs, "slow", body)))
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    assert await browser.open_url(URL) == Opened("slow")
    ticking.cancel()
    assert ticks > 50
    assert not (programs / "lived").exists()
    (programs / "enough").touch()
    assert becomes((programs / "lived").exists), "the browser was killed"


async def test_what_a_browser_prints_goes_nowhere(
    programs: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    body = "i=0; while [ $i -lt 10000 ]; do echo loud; i=$((i+1)); done; echo loud >&2"
    monkeypatch.setenv("BROWSER", str(program(programs, "loud", body)))
    assert await browser.open_url(URL) == Opened("loud")
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


@pytest.mark.parametrize(
    "url",
    [
        "-x",
        "--flag",
        "http://slack.com/",
        "file:///etc/passwd",
        "https://x/ y",
        "https://x/\n",
        "https://x/'",
        'https://x/"',
        "https://é/",
        "javascript:1",
        "https://x/`id`",
        "%action--x",
        "ms-calc:",
    ],
)
async def test_only_addresses_built_here_are_given_to_a_program(url: str) -> None:
    with pytest.raises(ValueError):
        await browser.open_url(url)


async def test_an_apps_own_browser_comes_first_and_stands_alone(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("BROWSER", str(program(programs, "usual")))
    program(programs, "mine")
    assert await browser.open_url(URL, "mine --private-window %s") == Opened("mine")
    assert arguments(programs, "mine") == ["--private-window", URL]
    (programs / "mine").unlink()
    outcome = await browser.open_url(URL, "mine --private-window %s")
    assert isinstance(outcome, NotOpened), "another browser may be signed in as somebody else"
    assert not (programs / "usual.args").exists()


async def test_in_wsl_wslview_then_powershell_then_explorer(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSL_DISTRO_NAME", "Debian")
    for name, code in (("wslview", 0), ("powershell.exe", 0), ("explorer.exe", 1)):
        program(programs, name, f"exit {code}")
    for name in ("wslview", "powershell.exe", "explorer.exe"):
        assert browser.default_browser() == "your Windows browser"
        assert await browser.open_url(URL) == Opened("your Windows browser"), "explorer’s exit code is always 1"
        assert URL in arguments(programs, name)[-1]
        (programs / name).unlink()
    assert isinstance(await browser.open_url(URL), NotOpened)
    assert f"Start-Process '{URL}'" == arguments(programs, "powershell.exe")[-1]


@pytest.mark.parametrize(
    ("command", "words"), [("lynx", "text browser"), ("nowhere-at-all", "no program"), ("'", "quot")]
)
def test_a_browser_that_cannot_work_is_refused_when_it_is_chosen(command: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        browser.parse_command(command)


# ── the file that keeps a URL out of the list of processes ──


@pytest.fixture
def redirect_file(tmp_path: Path) -> Path:
    path = write_redirect_file(tmp_path / "home", URL)
    assert path is not None
    return path


@pytest.mark.parametrize("name", ["firefox", "chromium", "google-chrome", "brave-browser", "microsoft-edge"])
async def test_a_browser_that_opens_files_never_has_the_url_in_its_arguments(
    programs: Path, monkeypatch: pytest.MonkeyPatch, redirect_file: Path, name: str
) -> None:
    monkeypatch.setenv("BROWSER", f"{program(programs, name)} --private-window %s")
    assert isinstance(await browser.open_url(URL, "", redirect_file), Opened)
    assert arguments(programs, name) == ["--private-window", redirect_file.as_uri()]


def test_the_redirect_file_is_private_and_leads_to_the_url(redirect_file: Path) -> None:
    assert redirect_file.stat().st_mode & 0o777 == 0o600
    assert redirect_file.parent.stat().st_mode & 0o777 == 0o700
    assert f'content="0;url={URL.replace("&", "&amp;")}"' in redirect_file.read_text()


def test_redirect_files_that_a_killed_process_left_are_removed(redirect_file: Path) -> None:
    os.utime(redirect_file, (0, 0))
    newer = write_redirect_file(redirect_file.parent.parent, URL)
    assert list(redirect_file.parent.iterdir()) == [newer]


@pytest.mark.parametrize("why", ["unknown program", "a script that starts a snap", "a link into a snap", "wsl"])
async def test_a_browser_that_may_not_see_the_file_gets_the_url(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redirect_file: Path, why: str
) -> None:
    name = "firefox"
    if why == "unknown program":
        name = "browser.sh"
        program(programs, name)
    elif why == "a script that starts a snap":
        program(programs, name, "# exec /snap/bin/firefox")
    elif why == "a link into a snap":
        (tmp_path / "snap" / "firefox").mkdir(parents=True)
        target = program(programs, name).rename(tmp_path / "snap" / "firefox" / "firefox")
        (programs / name).symlink_to(target)
    else:
        monkeypatch.setenv("WSL_DISTRO_NAME", "Debian")
        name = "wslview"
        program(programs, name)
    monkeypatch.setenv("BROWSER", name)
    assert isinstance(await browser.open_url(URL, "", redirect_file), Opened)
    assert arguments(programs, name) == [URL]


@pytest.mark.parametrize(
    ("https", "html", "is_file"),
    [
        ("firefox.desktop", "firefox.desktop", True),
        ("firefox.desktop", "code.desktop", False),
        ("firefox_firefox.desktop", "firefox_firefox.desktop", False),
        ("org.mozilla.firefox.desktop", "org.mozilla.firefox.desktop", False),
        ("", "", False),
    ],
)
async def test_xdg_open_gets_the_file_when_it_is_known_what_opens_it(
    programs: Path, monkeypatch: pytest.MonkeyPatch, redirect_file: Path, https: str, html: str, is_file: bool
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    program(programs, "firefox")
    program(programs, "xdg-open")
    answer = f'case "$3" in text/html) echo "{html}";; *) echo "{https}";; esac'
    program(programs, "xdg-mime", answer)
    assert await browser.open_url(URL, "", redirect_file) == Opened("your default browser")
    assert arguments(programs, "xdg-open") == [redirect_file.as_uri() if is_file else URL]
