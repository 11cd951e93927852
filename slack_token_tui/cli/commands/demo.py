"""``demo``: run the TUI against a practice Slack, with a temporary directory that is deleted on exit."""

from __future__ import annotations

import argparse

EXAMPLE = "slack-token-tui demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: ``demo`` has no arguments."""


def run(_: argparse.Namespace) -> int:
    """Open the TUI against a practice Slack. If no browser can be opened, one key simulates it."""
    import asyncio
    import tempfile
    from pathlib import Path

    from slack_token_tui.practice.models import CLIENT_ID, App, confidential_app
    from slack_token_tui.practice.server import PracticeSlack, simulate_browser
    from slack_token_tui.practice.workspace import Workspace
    from slack_token_tui.secret import Secret
    from slack_token_tui.slack.endpoints import Endpoints
    from slack_token_tui.store.apps import SlackApp, save_app
    from slack_token_tui.store.settings import remember_last_app
    from slack_token_tui.tui.options import LaunchOptions
    from slack_token_tui.tui.run import run_app

    async def simulate(url: str) -> str:
        return await asyncio.to_thread(simulate_browser, url)

    confidential = confidential_app()
    workspace = Workspace(apps=[App(), confidential])
    with tempfile.TemporaryDirectory(prefix="slack-token-tui-demo-") as directory, PracticeSlack(workspace) as slack:
        home, endpoints = Path(directory), Endpoints(slack.base)
        app = SlackApp(CLIENT_ID, endpoints, scopes=("users:read", "channels:read"), name="Practice App")
        secret = Secret(confidential.client_secret)
        for slack_app in (
            SlackApp(
                confidential.client_id,
                endpoints,
                confidential.redirect_urls,
                app.scopes,
                secret,
                name=confidential.name,
            ),
            app,
        ):
            save_app(home, slack_app)
        remember_last_app(home, app.client_id)
        return run_app(LaunchOptions(home=home, slack_app=app, simulate_browser=simulate, is_demo=True))
