"""The demo as a person meets it: tmux, a real Chromium, Allow and Cancel, a copied token."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import title_is
from selenium.webdriver.support.ui import Select, WebDriverWait

MISSING = [name for name in ("chromium", "chromedriver", "tmux") if not shutil.which(name)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"LOUD: not on this machine: {', '.join(MISSING)}")


class Tmux:
    """A terminal of 80x24 with a program in it."""

    def __init__(self, socket: Path, command: str, environment: dict[str, str]) -> None:
        self._tmux = ["tmux", "-S", str(socket)]
        self._run("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", command, env=environment)

    def _run(self, *words: str, env: dict[str, str] | None = None) -> str:
        return subprocess.run([*self._tmux, *words], capture_output=True, text=True, check=True, env=env).stdout

    def press(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def paste(self, text: str) -> None:
        """Paste as a terminal does: bracketed."""
        self._run("set-buffer", "-b", "pasted", text)
        self._run("paste-buffer", "-p", "-b", "pasted")

    def screen(self) -> str:
        return self._run("capture-pane", "-p")

    def shows(self, words: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while words not in " ".join(self.screen().split()):
            assert time.monotonic() < deadline, f"{words!r} never came:\n{self.screen()}"
            time.sleep(0.05)

    def buffer(self) -> str:
        return self._run("show-buffer", "-b", "slack-token-tui")

    def end(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (
        "headless=new",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "disable-dev-shm-usage",
        f"user-data-dir={tmp_path}/chromium",
    ):
        options.add_argument(f"--{flag}")
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver") or ""))
    driver.set_page_load_timeout(60)
    yield driver
    driver.quit()


@pytest.fixture
def demo(tmp_path: Path, child_environment: dict[str, str]) -> Iterator[Tmux]:
    opener = tmp_path / "browser"
    opener.write_text(f'#!/bin/sh\nprintf %s "$1" > "{tmp_path}/url.new" && mv "{tmp_path}/url.new" "{tmp_path}/url"\n')
    opener.chmod(0o755)
    # A proxy of the environment must not come between two programs of one machine.
    environment = {
        **child_environment,
        "BROWSER": str(opener),
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "ALL_PROXY": "socks5://127.0.0.1:1",
        "TERM": "xterm-256color",
    }
    terminal = Tmux(tmp_path / "tmux", f"{sys.executable} -m slack_token_tui demo", environment)
    yield terminal
    terminal.end()


def address(tmp_path: Path) -> str:
    deadline = time.monotonic() + 60
    while not (tmp_path / "url").exists():
        assert time.monotonic() < deadline, "no browser was opened"
        time.sleep(0.05)
    url = (tmp_path / "url").read_text()
    os.unlink(tmp_path / "url")
    return url


def test_allow_and_cancel_in_a_real_browser(demo: Tmux, chromium: webdriver.Chrome, tmp_path: Path) -> None:
    demo.shows("No profiles yet")
    demo.press("a")
    demo.shows("Sign in (Enter)")
    demo.press("Enter")
    chromium.get(address(tmp_path))
    chromium.find_element(By.CSS_SELECTOR, "button[value=cancel]").click()
    WebDriverWait(chromium, 60).until(title_is("The sign-in was cancelled"))
    demo.shows("access_denied")

    demo.press("r")
    chromium.get(address(tmp_path))
    Select(chromium.find_element(By.ID, "team")).select_by_visible_text("Globex Practice")
    Select(chromium.find_element(By.ID, "person")).select_by_visible_text("omar")
    chromium.find_element(By.CSS_SELECTOR, "button.allow").click()
    WebDriverWait(chromium, 60).until(title_is("You are signed in"))
    assert [entry for entry in chromium.get_log("browser") if "Content Security Policy" in str(entry)] == []
    demo.shows("Signed in as omar in Globex Practice")
    chromium.save_screenshot(str(tmp_path / "signed-in.png"))

    demo.press("c")
    demo.shows("Send the token to your terminal?")
    demo.press("y")
    demo.shows("sent to tmux")
    assert demo.buffer().startswith("xoxe.xoxp-practice-")
    demo.press("Escape")
    demo.shows("globex-practice")
    demo.press("q")


def test_an_app_is_made_in_a_real_browser_and_signed_in_with(
    demo: Tmux, chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    demo.shows("make me an app (N)")
    demo.press("N")
    demo.shows("How long its tokens live")
    demo.press("Enter")
    demo.shows("is ready to be made")
    demo.press("o")
    chromium.get(address(tmp_path))
    assert '"pkce_enabled":true' in chromium.find_element(By.ID, "manifest").text
    chromium.find_element(By.CSS_SELECTOR, "button.allow").click()
    WebDriverWait(chromium, 60).until(title_is("Basic Information · Practice Slack"))
    _, client_id, client_secret, _ = (element.text for element in chromium.find_elements(By.TAG_NAME, "dd"))

    demo.paste(client_secret)
    demo.shows("client secret or a signing secret")
    assert client_secret not in demo.screen()
    demo.paste(f"Client ID\n{client_id}\n")
    demo.shows("Sign in (Enter)")
    demo.shows(client_id)
    demo.press("Enter")
    chromium.get(address(tmp_path))
    assert "My Slack Tokens is asking" in chromium.find_element(By.TAG_NAME, "h1").text
    Select(chromium.find_element(By.ID, "team")).select_by_value("E0PRACTICE")
    chromium.find_element(By.CSS_SELECTOR, "button.allow").click()
    WebDriverWait(chromium, 60).until(title_is("You are signed in"))
    demo.shows("Signed in as jane")
    demo.shows("T0PRACTICE1 Acme Practice")
    demo.press("Escape")
    demo.shows("Profiles · 1")
    demo.press("q")


def test_an_app_with_a_secret_signs_in_by_the_address_that_the_browser_ends_on(
    demo: Tmux, chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    demo.shows("No profiles yet")
    demo.press("p")
    demo.shows("by paste from https://tokens.example.com/done")
    demo.press("Down", "Enter")
    demo.shows("with its client secret")
    demo.press("Enter")
    chromium.get(address(tmp_path))
    chromium.find_element(By.CSS_SELECTOR, "button.allow").click()
    WebDriverWait(chromium, 60).until(lambda driver: driver.current_url.startswith("https://tokens.example.com/"))
    demo.paste(chromium.current_url)  # nobody answers there, and the address bar has it all the same
    demo.shows("Signed in as jane in Acme Practice")


def test_a_refusal_on_the_page_is_looked_up_while_the_wait_goes_on(
    demo: Tmux, chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    demo.shows("No profiles yet")
    demo.press("a")
    demo.shows("Sign in (Enter)")
    demo.press("Enter")
    url = address(tmp_path)
    chromium.get(url.replace("%2Fcallback", "%2Felsewhere"))
    words = chromium.find_element(By.TAG_NAME, "code").text
    assert "did not match any configured URIs" in words
    demo.press("b")
    demo.shows("What does the browser say?")
    demo.paste(" ".join(words.split()[:4]))
    demo.shows("bad_redirect_uri")
    demo.shows("http://localhost:28417/callback and")  # the remedy, with the address that was sent
    demo.press("Escape")
    demo.shows("Waiting for you to press Allow")

    # The remedy: the address that was sent is registered where the app's settings are, and the same page works then.
    chromium.get(f"{url.split('/oauth/')[0]}/apps")
    chromium.find_element(By.LINK_TEXT, "Practice App").click()
    WebDriverWait(chromium, 60).until(title_is("OAuth & Permissions · Practice Slack"))
    chromium.find_element(By.ID, "redirects").send_keys("\nhttp://localhost:28417/elsewhere")
    chromium.find_element(By.CSS_SELECTOR, "button.allow").click()
    WebDriverWait(chromium, 60).until(lambda driver: "Saved." in driver.page_source)
    chromium.save_screenshot(str(tmp_path / "permissions.png"))
    chromium.get(url.replace("%2Fcallback", "%2Felsewhere"))
    assert chromium.find_elements(By.CSS_SELECTOR, "button[value=cancel]")
    demo.press("Escape")
    demo.shows("No profiles yet")
    demo.press("q")
