"""A clipboard that tells what was put on it."""

from __future__ import annotations

import pytest

from slack_token_tui.desktop import clipboard
from slack_token_tui.secret import Secret


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    got: list[str] = []

    async def copy(value: Secret, *_: object) -> clipboard.Copied:
        got.append(value.reveal())
        return clipboard.Copied("xclip", certain=True, cleared_after_seconds=45)

    monkeypatch.setattr(clipboard, "copy", copy)
    return got
