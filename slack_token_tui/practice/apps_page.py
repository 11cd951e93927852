"""Pages for app developers: create an app from a manifest, App Credentials, OAuth & Permissions."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from slack_token_tui.practice.models import App
from slack_token_tui.practice.page import form_token_field, page, shorten
from slack_token_tui.practice.workspace import Workspace

_MAX_LISTED = 20


def apps_page(workspace: Workspace, manifest: str, form_token: str, wrong: Sequence[str] = ()) -> str:
    """Return the list of apps, with the form that creates one from ``manifest``, and the problems of that manifest."""
    apps = "".join(
        f'<li><a href="/apps/{app.app_id}/oauth">{escape(app.name)}</a> · <code>{escape(app.client_id)}</code></li>'
        for app in workspace.apps
    )
    problem = "".join(f"<li>{escape(shorten(item))}</li>" for item in wrong[:_MAX_LISTED])
    return page(
        "Your Apps",
        f"<h1>Your Apps</h1><ul>{apps}</ul><h1>Create an app from a manifest</h1>"
        + (f"<p>This manifest can't be used to create an app:</p><ul>{problem}</ul>" if wrong else "")
        + f'<form method="post" action="/apps">{form_token_field(form_token)}<label for="manifest">App manifest (JSON)</label>'
        f'<textarea id="manifest" name="manifest" rows="18">{escape(manifest)}</textarea>'
        '<div class="buttons"><button class="allow">Create</button></div></form>',
    )


def credentials_page(app: App) -> str:
    """Return the page that Slack shows for a new app: Basic Information → App Credentials."""
    rows = (
        ("App ID", app.app_id),
        ("Client ID", app.client_id),
        ("Client Secret", app.client_secret),
        ("Signing Secret", app.signing_secret),
    )
    listed = "".join(f"<dt>{label}</dt><dd><code>{escape(value)}</code></dd>" for label, value in rows)
    more = f'<p><a href="/apps/{app.app_id}/oauth">OAuth &amp; Permissions</a></p>'
    return page("Basic Information", f"<h1>{escape(app.name)}</h1><h2>App Credentials</h2><dl>{listed}</dl>{more}")


def permissions_page(app: App, form_token: str, message: str = "") -> str:
    """Return an app's OAuth & Permissions page, with its redirect URLs and scopes and the result of the last save."""
    scopes = "" if app.scopes is None else "\n".join(sorted(app.scopes))
    pkce = "checked disabled" if app.pkce_enabled else ""
    return page(
        "OAuth & Permissions",
        f"<h1>{escape(app.name)}</h1><h2>OAuth &amp; Permissions</h2>"
        + (f"<p>{escape(shorten(message))}</p>" if message else "")
        + f'<form method="post" action="/apps/{app.app_id}/oauth">{form_token_field(form_token)}'
        f'<label for="pkce"><input type="checkbox" id="pkce" name="pkce" value="on" {pkce}> PKCE (permanent)</label>'
        '<label for="redirects">Redirect URLs (one per line)</label>'
        f'<textarea id="redirects" name="redirects" rows="5">{escape(chr(10).join(app.redirect_urls))}</textarea>'
        f'<label for="scopes">User Token Scopes (one per line, or leave empty to allow all)</label>'
        f'<textarea id="scopes" name="scopes" rows="8">{escape(scopes)}</textarea>'
        '<div class="buttons"><button class="allow">Save Changes</button></div></form>'
        '<p><a href="/apps">Your Apps</a></p>',
    )
