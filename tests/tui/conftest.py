"""A clipboard that tells what was put on it."""

from __future__ import annotations

import pytest

from slack_token_tui.desktop import browser, clipboard
from slack_token_tui.secret import Secret


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    got: list[str] = []

    async def copy(value: Secret, *_: object) -> clipboard.Copied:
        got.append(value.reveal())
        return clipboard.Copied("xclip", is_verified=True, cleared_after_seconds=45)

    monkeypatch.setattr(clipboard, "copy", copy)
    return got


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A browser that tells what was opened in it."""
    got: list[str] = []

    async def open_url(url: str, *_: object) -> browser.Opened:
        got.append(url)
        return browser.Opened("Firefox")

    monkeypatch.setattr(browser, "open_url", open_url)
    monkeypatch.setattr(browser, "default_browser", lambda: "Firefox")
    return got
