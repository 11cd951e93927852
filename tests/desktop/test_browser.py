"""Opening a browser: real programs, real arguments, and no output on the terminal."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from slack_token_tui.desktop import browser
from slack_token_tui.desktop.browser import NotOpened, Opened
from slack_token_tui.oauth.redirect_file import write_redirect_file
from tests.support.scripts import write_script
from tests.support.waiting import wait_until

URL = "https://slack.com/oauth/v2_user/authorize?client_id=1.2&scope=users%3Aread"


@pytest.fixture
def browser_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only directory in PATH, for browsers that write their arguments to a file of their name."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    return directory


@pytest.fixture(autouse=True)
def _wait_long_for_browsers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may start a program late. Only browsers that stay in the foreground use up this time."""
    monkeypatch.setattr(browser, "SETTLE_SECONDS", 60)


def write_browser(directory: Path, name: str, body: str = "") -> Path:
    return write_script(directory / name, f"printf '%s\\n' \"$@\" > {directory}/{name}.args\n{body}")


def read_arguments(directory: Path, name: str) -> list[str]:
    return (directory / f"{name}.args").read_text().splitlines()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("{}", [URL]), ("{} --new %s --x", ["--new", URL, "--x"]), ("{} --private", ["--private", URL])],
)
async def test_browser_variable_works_with_and_without_a_placeholder(
    browser_directory: Path, monkeypatch: pytest.MonkeyPatch, value: str, expected: list[str]
) -> None:
    monkeypatch.setenv("BROWSER", value.format(write_browser(browser_directory, "mine")))
    assert await browser.open_url(URL) == Opened("mine")
    assert read_arguments(browser_directory, "mine") == expected


async def test_next_browser_entry_is_tried_when_one_fails(
    browser_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = write_browser(browser_directory, "bad", "exit 3"), write_browser(browser_directory, "good")
    monkeypatch.setenv("BROWSER", f"/nonexistent:{bad}:{good}")
    assert await browser.open_url(URL) == Opened("good")


@pytest.mark.parametrize("name", ["lynx", "w3m", "links", "www-browser", "elinks"])
async def test_text_browser_is_not_started(browser_directory: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("BROWSER", str(write_browser(browser_directory, name)))
    outcome = await browser.open_url(URL)
    assert isinstance(outcome, NotOpened)
    assert name in outcome.reason
    assert not (browser_directory / f"{name}.args").exists()


@pytest.mark.parametrize("variable", ["SSH_CONNECTION", "KUBERNETES_SERVICE_HOST", "no display"])
async def test_text_browser_is_not_started_by_way_of_xdg_open(
    browser_directory: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """xdg-open starts what ``BROWSER`` names, and its own success was reported as "your default browser"."""
    write_browser(browser_directory, "xdg-open", "exec $BROWSER")
    monkeypatch.setenv("BROWSER", str(write_browser(browser_directory, "lynx")))
    monkeypatch.setenv(variable.replace(" ", "_"), "198.51.100.9 51234 198.51.100.7 22")
    outcome = await browser.open_url(URL)
    assert isinstance(outcome, NotOpened) and outcome == browser.default_browser()
    assert "lynx" not in outcome.reason, "the reason is the place, whatever BROWSER says"
    assert not list(browser_directory.glob("*.args"))


TEXT_BROWSERS = ("lynx", "w3m", "links", "links2", "elinks", "www-browser")


@pytest.mark.parametrize("value", ["", "lynx", "lynx -x:w3m", "env lynx", "sh -c 'w3m %s'"])
async def test_xdg_open_is_not_led_to_a_text_browser(
    browser_directory: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """Without ``BROWSER`` and a default browser, the real xdg-open ends with a list of text browsers."""
    monkeypatch.setenv("DISPLAY", ":0")
    seen = browser_directory / "seen"
    write_browser(browser_directory, "xdg-open", f'echo "$BROWSER" > {seen}')
    for program in ("lynx", "env", "sh"):
        write_browser(browser_directory, program)
    monkeypatch.setenv("BROWSER", value)
    assert await browser.open_url(URL) == Opened("your default browser")
    assert "firefox" in seen.read_text() and not set(seen.read_text().strip().split(":")) & set(TEXT_BROWSERS)
    assert {path.name for path in browser_directory.glob("*.args")} == {"xdg-open.args"}


async def test_graphical_browser_beside_a_text_browser_is_used(
    browser_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("BROWSER", f"lynx:{write_browser(browser_directory, 'fox')} --new")
    assert await browser.open_url(URL) == Opened("fox")


async def test_link_to_a_text_browser_is_not_started(browser_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    (browser_directory / "sensible").symlink_to(write_browser(browser_directory, "w3m"))
    monkeypatch.setenv("BROWSER", "sensible")
    assert isinstance(await browser.open_url(URL), NotOpened)


async def test_xdg_open_is_not_started_if_its_default_is_a_text_browser(
    browser_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    write_browser(browser_directory, "xdg-open")
    write_script(browser_directory / "xdg-mime", "echo lynx.desktop")
    assert isinstance(await browser.open_url(URL), NotOpened)
    write_browser(browser_directory, "firefox")
    assert await browser.open_url(URL) == Opened("Firefox") and browser.default_browser() == "Firefox"


async def test_remote_editors_browser_is_used_without_a_display(
    browser_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "198.51.100.9 51234 198.51.100.7 22")
    monkeypatch.setenv("BROWSER", f"lynx:{write_browser(browser_directory, 'browser.sh')}")
    assert await browser.open_url(URL) == Opened("browser.sh")


async def test_no_browser_is_started_without_a_display_or_over_ssh(
    browser_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_browser(browser_directory, "xdg-open")
    assert isinstance(await browser.open_url(URL), NotOpened)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("SSH_CONNECTION", "x")
    assert isinstance(await browser.open_url(URL), NotOpened)
    monkeypatch.delenv("SSH_CONNECTION")
    assert await browser.open_url(URL) == Opened("your default browser")


async def test_foreground_browser_does_not_block_and_is_not_killed(
    browser_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "SETTLE_SECONDS", 1.5)
    body = f"while [ ! -e {browser_directory}/enough ]; do read _ < {browser_directory}/slow.args; done; echo > {browser_directory}/lived"
    monkeypatch.setenv("BROWSER", str(write_browser(browser_directory, "slow", body)))
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
    assert not (browser_directory / "lived").exists()
    (browser_directory / "enough").touch()
    assert wait_until((browser_directory / "lived").exists), "the browser was killed"


async def test_browser_output_is_discarded(
    browser_directory: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    body = "i=0; while [ $i -lt 10000 ]; do echo loud; i=$((i+1)); done; echo loud >&2"
    monkeypatch.setenv("BROWSER", str(write_browser(browser_directory, "loud", body)))
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
async def test_unsafe_urls_are_not_passed_to_a_program(url: str) -> None:
    with pytest.raises(ValueError):
        await browser.open_url(url)


async def test_app_specific_browser_has_priority_and_no_fallback(
    browser_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("BROWSER", str(write_browser(browser_directory, "usual")))
    write_browser(browser_directory, "mine")
    assert await browser.open_url(URL, "mine --private-window %s") == Opened("mine")
    assert read_arguments(browser_directory, "mine") == ["--private-window", URL]
    (browser_directory / "mine").unlink()
    outcome = await browser.open_url(URL, "mine --private-window %s")
    assert isinstance(outcome, NotOpened), "another browser may be signed in as somebody else"
    assert not (browser_directory / "usual.args").exists()


async def test_wsl_tries_wslview_then_powershell_then_explorer(
    browser_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WSL_DISTRO_NAME", "Debian")
    for name, code in (("wslview", 0), ("powershell.exe", 0), ("explorer.exe", 1)):
        write_browser(browser_directory, name, f"exit {code}")
    for name in ("wslview", "powershell.exe", "explorer.exe"):
        assert browser.default_browser() == "your Windows browser"
        assert await browser.open_url(URL) == Opened("your Windows browser"), "explorer’s exit code is always 1"
        assert URL in read_arguments(browser_directory, name)[-1]
        (browser_directory / name).unlink()
    assert isinstance(await browser.open_url(URL), NotOpened)
    assert f"Start-Process '{URL}'" == read_arguments(browser_directory, "powershell.exe")[-1]


@pytest.mark.parametrize(
    ("command", "words"), [("lynx", "text browser"), ("nowhere-at-all", "was not found"), ("'", "quot")]
)
def test_unusable_browser_command_is_rejected(command: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        browser.parse_command(command)


# ── the redirect file, which keeps a URL out of the process list ──


@pytest.fixture
def redirect_file(tmp_path: Path) -> Path:
    path = write_redirect_file(tmp_path / "home", URL)
    assert path is not None
    return path


@pytest.mark.parametrize("name", ["firefox", "chromium", "google-chrome", "brave-browser", "microsoft-edge"])
async def test_browser_that_opens_files_gets_the_redirect_file_not_the_url(
    browser_directory: Path, monkeypatch: pytest.MonkeyPatch, redirect_file: Path, name: str
) -> None:
    monkeypatch.setenv("BROWSER", f"{write_browser(browser_directory, name)} --private-window %s")
    assert isinstance(await browser.open_url(URL, "", redirect_file), Opened)
    assert read_arguments(browser_directory, name) == ["--private-window", redirect_file.as_uri()]


def test_redirect_file_is_private_and_redirects_to_the_url(redirect_file: Path) -> None:
    assert redirect_file.stat().st_mode & 0o777 == 0o600
    assert redirect_file.parent.stat().st_mode & 0o777 == 0o700
    assert f'content="0;url={URL.replace("&", "&amp;")}"' in redirect_file.read_text()


def test_stale_redirect_files_are_removed(redirect_file: Path) -> None:
    os.utime(redirect_file, (0, 0))
    newer = write_redirect_file(redirect_file.parent.parent, URL)
    assert list(redirect_file.parent.iterdir()) == [newer]


@pytest.mark.parametrize("why", ["unknown program", "a script that starts a snap", "a link into a snap", "wsl"])
async def test_browser_that_may_not_read_the_file_gets_the_url(
    browser_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redirect_file: Path, why: str
) -> None:
    name = "firefox"
    if why == "unknown program":
        name = "browser.sh"
        write_browser(browser_directory, name)
    elif why == "a script that starts a snap":
        write_browser(browser_directory, name, "# exec /snap/bin/firefox")
    elif why == "a link into a snap":
        (tmp_path / "snap" / "firefox").mkdir(parents=True)
        target = write_browser(browser_directory, name).rename(tmp_path / "snap" / "firefox" / "firefox")
        (browser_directory / name).symlink_to(target)
    else:
        monkeypatch.setenv("WSL_DISTRO_NAME", "Debian")
        name = "wslview"
        write_browser(browser_directory, name)
    monkeypatch.setenv("BROWSER", name)
    assert isinstance(await browser.open_url(URL, "", redirect_file), Opened)
    assert read_arguments(browser_directory, name) == [URL]


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
async def test_xdg_open_gets_the_file_only_for_a_known_default_browser(
    browser_directory: Path, monkeypatch: pytest.MonkeyPatch, redirect_file: Path, https: str, html: str, is_file: bool
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    write_browser(browser_directory, "firefox")
    write_browser(browser_directory, "xdg-open")
    answer = f'case "$3" in text/html) echo "{html}";; *) echo "{https}";; esac'
    write_browser(browser_directory, "xdg-mime", answer)
    assert await browser.open_url(URL, "", redirect_file) == Opened("your default browser")
    assert read_arguments(browser_directory, "xdg-open") == [redirect_file.as_uri() if is_file else URL]
