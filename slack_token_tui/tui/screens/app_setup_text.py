"""Text of the app setup screen: the first of its steps, and the details with the link and the manifest."""

from __future__ import annotations

import shlex

from textual.content import Content
from textual.style import Style

from slack_token_tui.slack.endpoints import SLACK, Endpoints
from slack_token_tui.slack.manifest import Manifest
from slack_token_tui.tui.widgets.field import MUTED


def first_step(manifest: Manifest, endpoints: Endpoints, *, can_open_browser: bool) -> tuple[str, str]:
    """Return the first step to a new app, and the id of the action that does it.

    Args:
        manifest: manifest of the app.
        endpoints: the Slack on which the app is created.
        can_open_browser: whether this machine has a browser.
    """
    if manifest.prefilled_url(endpoints) is None:
        action = "open_page" if can_open_browser else "copy_manifest"
        return "Click From a manifest, choose your workspace, and paste the manifest", action
    return "Open Slack's page and choose your workspace", "open_page" if can_open_browser else "copy_page"


def format_details(manifest: Manifest, endpoints: Endpoints) -> Content:
    """Return the link to Slack's page, the manifest, and the command that prints the request for an admin."""
    page = manifest.page_url(endpoints)
    return Content.assemble(
        ("Slack's page doesn't open filled in?\n", "bold"),
        "Click Create New App, then From a manifest, and paste the manifest.\n\n",
        ("Link\n", MUTED),
        Content.styled(page, Style(link=page)),
        ("\n\nRequest for your admin, in a shell\n", MUTED),
        _manifest_command(manifest, endpoints),
        ("\n\nManifest\n", MUTED),
        manifest.to_json(),
    )


def _manifest_command(manifest: Manifest, endpoints: Endpoints) -> str:
    words = ["slack-token-tui", "manifest", "--message", "--name", manifest.name, "--scopes", ",".join(manifest.scopes)]
    if not manifest.rotation:
        words.append("--no-rotation")
    if endpoints.base != SLACK:
        words += ["--slack-url", endpoints.base]
    return shlex.join(words)
