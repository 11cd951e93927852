"""Fixtures of the TUI tests: a clipboard and a browser that record what they get."""

from __future__ import annotations

import pytest

from slack_token_tui.desktop import browser, clipboard
from slack_token_tui.secret import Secret


@pytest.fixture
def copied_texts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the clipboard. Return the list of what is copied."""
    received: list[str] = []

    async def copy(value: Secret, *_: object) -> clipboard.Copied:
        received.append(value.reveal())
        return clipboard.Copied("xclip", is_verified=True, cleared_after_seconds=45)

    monkeypatch.setattr(clipboard, "copy", copy)
    return received


@pytest.fixture
def opened_urls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the browser. Return the list of URLs that are opened."""
    received: list[str] = []

    async def open_url(url: str, *_: object) -> browser.Opened:
        received.append(url)
        return browser.Opened("Firefox")

    monkeypatch.setattr(browser, "open_url", open_url)
    monkeypatch.setattr(browser, "default_browser", lambda: "Firefox")
    return received
