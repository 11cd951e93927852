"""The page of a practice Slack where apps are made from a manifest, and the one that shows a new app's credentials."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from slack_token_tui.practice.page import page
from slack_token_tui.practice.people import App
from slack_token_tui.practice.workspace import Workspace


def apps_page(workspace: Workspace, manifest: str | None, wrong: Sequence[str] = ()) -> str:
    """Return the list of apps, with the form that makes one from ``manifest``, and what was wrong with it."""
    apps = "".join(f"<li>{escape(app.name)} · <code>{escape(app.client_id)}</code></li>" for app in workspace.apps)
    trouble = "".join(f"<li>{escape(one)}</li>" for one in wrong)
    return page(
        "Your apps",
        f"<h1>Your apps</h1><ul>{apps}</ul><h1>Create an app from a manifest</h1>"
        + (f"<p>We can’t make an app from this manifest:</p><ul>{trouble}</ul>" if wrong else "")
        + f'<form method="post" action="/apps"><label for="manifest">Manifest (JSON)</label>'
        f'<textarea id="manifest" name="manifest" rows="18">{escape(manifest or "")}</textarea>'
        '<div class="buttons"><button class="allow">Create</button></div></form>',
    )


def credentials_page(app: App) -> str:
    """Return what Slack shows of a new app: Basic Information → App Credentials."""
    rows = (
        ("App ID", app.app_id),
        ("Client ID", app.client_id),
        ("Client Secret", app.client_secret),
        ("Signing Secret", app.signing_secret),
    )
    listed = "".join(f"<dt>{label}</dt><dd><code>{escape(value)}</code></dd>" for label, value in rows)
    return page("Basic Information", f"<h1>{escape(app.name)}</h1><h2>App Credentials</h2><dl>{listed}</dl>")
