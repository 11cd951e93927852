"""Tokens in other text, such as a line of a shell."""

from __future__ import annotations

import pytest

from slack_token_tui.slack.token_types import find_tokens
from tests.support.profiles import CANARY

REFRESH = "xoxe-1-canary-refresh"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (CANARY, (CANARY, "")),
        (f"  {CANARY}\n", (CANARY, "")),
        (f'export SLACK_TOKEN="{CANARY}"', (CANARY, "")),
        (f"Authorization: Bearer {CANARY}", (CANARY, "")),
        (f"{CANARY[:14]}\n{CANARY[14:]}", (CANARY, "")),
        (f"{CANARY}\n{REFRESH}", (CANARY, REFRESH)),
        (f"A={CANARY}\nB={REFRESH}\n", (CANARY, REFRESH)),
        (f"{REFRESH} {CANARY}", (CANARY, REFRESH)),
        (REFRESH, (REFRESH, "")),
        ("no token", ("", "")),
    ],
)
def test_tokens_are_found(text: str, found: tuple[str, str]) -> None:
    assert find_tokens(text) == found
