"""``demo``: the whole program against a practice Slack, in a directory that is gone afterwards."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from slack_token_tui.keeping.apps import SlackApp
from slack_token_tui.practice.people import CLIENT_ID
from slack_token_tui.practice.server import PracticeSlack, play_browser
from slack_token_tui.slack.endpoints import Endpoints


def run_demo() -> int:
    """Open the TUI against a practice Slack; where no browser can be opened, one key plays the browser."""
    from slack_token_tui.tui.launch import Start, run_app

    async def play(url: str) -> str:
        return await asyncio.to_thread(play_browser, url)

    with tempfile.TemporaryDirectory(prefix="slack-token-tui-demo-") as directory, PracticeSlack() as slack:
        app = SlackApp(CLIENT_ID, Endpoints(slack.base), scopes=("users:read", "channels:read"))
        return run_app(Start(home=Path(directory), app=app, play_browser=play, is_demo=True))
