"""Fixtures of the tests of the command line."""

from __future__ import annotations

import pytest

from slack_token_tui.practice.server import PracticeSlack
from tests.support.cli import make_login_arguments


@pytest.fixture
def login_arguments(slack: PracticeSlack, redirect_uris: tuple[str, ...]) -> list[str]:
    """Return arguments for a ``login`` at the practice Slack that opens no browser."""
    return [*make_login_arguments(slack.base, redirect_uris), "--no-browser"]
