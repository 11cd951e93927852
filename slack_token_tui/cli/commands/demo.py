"""``demo``: the whole program against a practice Slack, in a directory that is gone afterwards."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from slack_token_tui.practice.people import CLIENT_ID, App, app_with_a_secret
from slack_token_tui.practice.server import PracticeSlack, play_browser
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.apps import SlackApp, save_app
from slack_token_tui.store.settings import remember_last_app


def run_demo() -> int:
    """Open the TUI against a practice Slack; where no browser can be opened, one key plays the browser."""
    from slack_token_tui.tui.run import Start, run_app

    async def play(url: str) -> str:
        return await asyncio.to_thread(play_browser, url)

    older = app_with_a_secret()
    workspace = Workspace(apps=[App(), older])
    with tempfile.TemporaryDirectory(prefix="slack-token-tui-demo-") as directory, PracticeSlack(workspace) as slack:
        home, endpoints = Path(directory), Endpoints(slack.base)
        app = SlackApp(CLIENT_ID, endpoints, scopes=("users:read", "channels:read"), name="Practice App")
        secret = Secret(older.client_secret)
        for one in (
            SlackApp(older.client_id, endpoints, older.redirect_urls, app.scopes, secret, name=older.name),
            app,
        ):
            save_app(home, one)
        remember_last_app(home, app.client_id)
        return run_app(Start(home=home, app=app, play_browser=play, is_demo=True))
