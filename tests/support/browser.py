"""The browser's side of a sign-in: a program for ``$BROWSER``, a click on the consent page, the callback URL."""

from __future__ import annotations

import threading
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from slack_token_tui.practice.server import simulate_browser
from slack_token_tui.practice.workspace import Workspace
from tests.support.scripts import write_script
from tests.support.waiting import wait_until


class RecordingBrowser:
    """A program for ``$BROWSER`` that opens nothing and writes the URL it is given to a file."""

    def __init__(self, directory: Path) -> None:
        self._url = directory / "url"
        # The URL is renamed into place, so that no reader sees half of it.
        body = f'printf %s "$1" > "{self._url}.new" && mv "{self._url}.new" "{self._url}"'
        self.program = str(write_script(directory / "browser", body))

    @property
    def was_opened(self) -> bool:
        """Whether there is a URL that was not taken yet."""
        return self._url.exists()

    def take_url(self) -> str:
        """Wait for a URL. Return it and forget it, so that the next call waits for the next one."""
        assert wait_until(lambda: self.was_opened), "no browser was opened"
        url = self._url.read_text()
        self._url.unlink()
        return url


def press_consent_button(url: str, *decision: str) -> threading.Thread:
    """Press Allow, or the button named by ``decision``, on the consent page at ``url`` in a thread.

    The callback may meet a process that is gone by then. That is no failure of the test.
    """

    def press() -> None:
        with suppress(OSError, HTTPException):
            simulate_browser(url, *decision)

    thread = threading.Thread(target=press, daemon=True)
    thread.start()
    return thread


def parse_query(url: str) -> dict[str, str]:
    """Return the first value of each parameter of ``url``."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def issue_callback_url(workspace: Workspace, authorize_url: str) -> str:
    """Approve a sign-in at the practice Slack and return the callback URL. Nothing is sent to it."""
    query = parse_query(authorize_url)
    code = workspace.issue_code("v2_user", query, {})
    return f"{query['redirect_uri']}?code={code}&state={query['state']}"
