"""``demo``: run the TUI against a practice Slack, with a temporary directory that is deleted on exit."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from slack_token_tui.practice.workspace import Workspace
    from slack_token_tui.store.apps import SlackApp

EXAMPLE = "slack-token-tui demo"
_SECONDS_BEFORE_REFRESH = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: ``demo`` has no arguments."""


def run(_: argparse.Namespace) -> int:
    """Open the TUI against a practice Slack. If no browser can be opened, one key simulates it."""
    import asyncio
    import tempfile
    from collections.abc import Mapping
    from pathlib import Path

    from slack_token_tui.practice.models import CLIENT_ID, App, confidential_app
    from slack_token_tui.practice.server import PracticeSlack, simulate_browser
    from slack_token_tui.practice.workspace import Workspace
    from slack_token_tui.secret import Secret
    from slack_token_tui.slack.endpoints import Endpoints
    from slack_token_tui.store.apps import SlackApp, save_app
    from slack_token_tui.store.settings import remember_last_app
    from slack_token_tui.tui.options import LaunchOptions, Practice, PracticeChoice
    from slack_token_tui.tui.run import run_app

    confidential = confidential_app()
    workspace = Workspace(apps=[App(), confidential])
    acme, globex, group = workspace.teams
    jane, omar = workspace.people
    choices = (
        PracticeChoice("a", f"Click Allow as {jane.name} in {acme.name}", {"team": acme.id, "person": jane.id}),
        PracticeChoice("o", f"Click Allow as {omar.name} in {globex.name}", {"team": globex.id, "person": omar.id}),
        PracticeChoice("g", f"Click Allow as {jane.name} in {group.name}", {"team": group.id, "person": jane.id}),
        PracticeChoice("c", "Click Cancel", {"decision": "cancel"}),
        PracticeChoice("s", "Show an error on Slack's page", {"wrong": "page:invalid_scope"}),
        PracticeChoice("r", "Reject the code", {"wrong": "exchange:invalid_code"}),
    )
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

        async def visit(url: str, form: Mapping[str, str]) -> str:
            return await asyncio.to_thread(simulate_browser, url, **form)

        async def add_examples() -> None:
            await asyncio.to_thread(_add_examples, home, workspace, app)

        return run_app(LaunchOptions(home=home, slack_app=app, practice=Practice(choices, visit, add_examples)))


def _add_examples(home: Path, workspace: Workspace, app: SlackApp) -> None:
    """Save two example profiles. The token of the second is due in a few seconds, so that a refresh can be watched."""
    from datetime import UTC, datetime, timedelta

    from slack_token_tui.secret import Secret
    from slack_token_tui.store.hot_path import REFRESH_MARGIN_SECONDS
    from slack_token_tui.store.profile import Profile, Tokens
    from slack_token_tui.store.profiles import ProfileStore

    now = datetime.now(UTC).replace(microsecond=0)
    omar = workspace.people[1]
    for team, hours, seconds in (
        (workspace.teams[1], 9, 0),
        (workspace.teams[0], 0, REFRESH_MARGIN_SECONDS + _SECONDS_BEFORE_REFRESH),
    ):
        access, refresh, _ = workspace.tokens.issue(workspace.apps[0], team, omar, app.scopes)
        profile = Profile(
            name=team.domain,
            client_id=app.client_id,
            endpoints=app.endpoints,
            app_name=app.name,
            team_id=team.id,
            team_name=team.name,
            workspace_url=f"https://{team.domain}.slack.com/",
            user_id=omar.id,
            user_name=omar.name,
            scopes=app.scopes,
            requested_scopes=app.scopes,
            expires_at=now + timedelta(hours=hours, seconds=seconds),
            refresh_issued_at=now,
            signed_in_at=now,
            verified_at=now,
        )
        tokens = Tokens(Secret(access), None if refresh is None else Secret(refresh))
        ProfileStore(home).save_sign_in(profile, tokens, f"example-{team.domain.partition('-')[0]}")
