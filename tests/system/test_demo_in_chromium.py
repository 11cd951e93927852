"""The demo as a person uses it: tmux, a real Chromium, Allow and Cancel, a copied token."""

from __future__ import annotations

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

from tests.support.browser import RecordingBrowser
from tests.support.chromium import skip_without

pytestmark = skip_without("chromium", "chromedriver", "tmux")


class TmuxTerminal:
    """A program in a tmux terminal of 80x24."""

    def __init__(self, socket: Path, command: str, environment: dict[str, str]) -> None:
        self._tmux = ["tmux", "-S", str(socket)]
        self._run("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", command, env=environment)

    def _run(self, *words: str, env: dict[str, str] | None = None) -> str:
        return subprocess.run([*self._tmux, *words], capture_output=True, text=True, check=True, env=env).stdout

    def press(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def paste(self, text: str) -> None:
        """Paste as a terminal does, with brackets around the text."""
        self._run("set-buffer", "-b", "pasted", text)
        self._run("paste-buffer", "-p", "-b", "pasted")

    def read_screen(self) -> str:
        return self._run("capture-pane", "-p")

    def wait_for_text(self, text: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while text not in " ".join(self.read_screen().split()):
            assert time.monotonic() < deadline, f"{text!r} never came:\n{self.read_screen()}"
            time.sleep(0.05)

    def read_buffer(self) -> str:
        return self._run("show-buffer", "-b", "slack-token-tui")

    def stop(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)


@pytest.fixture
def browser(tmp_path: Path) -> RecordingBrowser:
    return RecordingBrowser(tmp_path)


@pytest.fixture
def demo(tmp_path: Path, child_environment: dict[str, str], browser: RecordingBrowser) -> Iterator[TmuxTerminal]:
    """Run the demo, which gives its URLs to ``browser``."""
    # A proxy must not come between two programs on one machine.
    environment = {
        **child_environment,
        "BROWSER": browser.program,
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "ALL_PROXY": "socks5://127.0.0.1:1",
        "TERM": "xterm-256color",
    }
    terminal = TmuxTerminal(tmp_path / "tmux", f"{sys.executable} -m slack_token_tui demo", environment)
    yield terminal
    terminal.stop()


def test_allow_and_cancel_in_a_real_browser(
    demo: TmuxTerminal, browser: RecordingBrowser, chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    demo.wait_for_text("Get your first Slack token")
    demo.press("a")
    demo.wait_for_text("What can the token do?")
    demo.press("Enter")
    chromium.get(browser.take_url())
    chromium.find_element(By.CSS_SELECTOR, "button[value=cancel]").click()
    WebDriverWait(chromium, 60).until(title_is("The sign-in was canceled"))
    demo.wait_for_text("access_denied")

    demo.press("Enter")
    chromium.get(browser.take_url())
    Select(chromium.find_element(By.ID, "team")).select_by_visible_text("Globex Practice")
    Select(chromium.find_element(By.ID, "person")).select_by_visible_text("omar")
    chromium.find_element(By.CSS_SELECTOR, "button.allow").click()
    WebDriverWait(chromium, 60).until(title_is("You are signed in"))
    assert [entry for entry in chromium.get_log("browser") if "Content Security Policy" in str(entry)] == []
    demo.wait_for_text("Signed in")
    demo.wait_for_text("omar")
    chromium.save_screenshot(str(tmp_path / "signed-in.png"))

    demo.press("c")
    demo.wait_for_text("Send the token of globex-practice")
    demo.press("y")
    demo.wait_for_text("via tmux")
    assert demo.read_buffer().startswith("xoxe.xoxp-practice-")
    demo.press("Enter")
    demo.wait_for_text("example-acme")
    demo.press("q")


def test_app_is_created_in_a_real_browser_and_used_to_sign_in(
    demo: TmuxTerminal, browser: RecordingBrowser, chromium: webdriver.Chrome
) -> None:
    demo.wait_for_text("Create a Slack app")
    demo.press("N")
    demo.wait_for_text("Token lifetime")
    demo.press("Enter")
    demo.wait_for_text("Create 'My Slack Tokens' in Slack")
    demo.press("o")
    chromium.get(browser.take_url())
    assert '"pkce_enabled":true' in chromium.find_element(By.ID, "manifest").text
    chromium.find_element(By.CSS_SELECTOR, "button.allow").click()
    WebDriverWait(chromium, 60).until(title_is("Basic Information · Practice Slack"))
    _, client_id, client_secret, _ = (element.text for element in chromium.find_elements(By.TAG_NAME, "dd"))

    demo.paste(client_secret)
    demo.wait_for_text("client secret or a signing secret")
    assert client_secret not in demo.read_screen()
    demo.paste(f"Client ID\n{client_id}\n")
    demo.wait_for_text("What can the token do?")
    demo.wait_for_text(client_id)
    demo.press("Enter")
    chromium.get(browser.take_url())
    assert "My Slack Tokens is requesting permission" in chromium.find_element(By.TAG_NAME, "h1").text
    Select(chromium.find_element(By.ID, "team")).select_by_value("E0PRACTICE")
    chromium.find_element(By.CSS_SELECTOR, "button.allow").click()
    WebDriverWait(chromium, 60).until(title_is("You are signed in"))
    demo.wait_for_text("Signed in")
    demo.wait_for_text("T0PRACTICE1 Acme Practice")
    demo.press("Enter")
    demo.wait_for_text("example-globex")
    demo.press("q")


def test_app_with_a_client_secret_signs_in_by_pasting_the_callback_url(
    demo: TmuxTerminal, browser: RecordingBrowser, chromium: webdriver.Chrome
) -> None:
    demo.wait_for_text("Get your first Slack token")
    demo.press("A")
    demo.wait_for_text("finishes by pasting a URL")
    demo.press("Down", "Enter")
    demo.wait_for_text("with a client secret")
    demo.press("Enter")
    chromium.get(browser.take_url())
    chromium.find_element(By.CSS_SELECTOR, "button.allow").click()
    WebDriverWait(chromium, 60).until(lambda driver: driver.current_url.startswith("https://tokens.example.com/"))
    demo.paste(chromium.current_url)  # no server is there, and the URL is in the address bar anyway
    demo.wait_for_text("Signed in")
    demo.wait_for_text("Acme Practice")


def test_browser_error_is_looked_up_while_the_sign_in_waits(
    demo: TmuxTerminal, browser: RecordingBrowser, chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    demo.wait_for_text("Get your first Slack token")
    demo.press("a")
    demo.wait_for_text("What can the token do?")
    demo.press("Enter")
    url = browser.take_url()
    chromium.get(url.replace("%2Fcallback", "%2Felsewhere"))
    words = chromium.find_element(By.TAG_NAME, "code").text
    assert "did not match any configured URIs" in words
    demo.press("e")
    demo.wait_for_text("Error lookup")
    demo.paste(" ".join(words.split()[:4]))
    demo.wait_for_text("bad_redirect_uri")
    demo.wait_for_text("http://localhost:28417/callback")  # the fix, with the URL that was sent
    demo.press("Escape")
    demo.wait_for_text("Click Allow in your browser")

    # The fix: add the URL that was sent to the settings of the app. Then the same page works.
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
    demo.wait_for_text("Get your first Slack token")
    demo.press("q")
