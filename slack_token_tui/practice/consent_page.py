"""The consent page, and the errors that Slack shows only in the browser."""

from __future__ import annotations

from html import escape

from slack_token_tui.practice.models import App
from slack_token_tui.practice.page import form_token_field, page, shorten
from slack_token_tui.practice.workspace import CALLBACK_ERRORS, EXCHANGE_ERRORS, PAGE_ERRORS, TOKEN_SHAPES, Workspace

_PAGE_MESSAGES = {
    "bad_redirect_uri": "redirect_uri did not match any configured URIs. Passed URI: ",
    "invalid_client_id": "This app could not be found (invalid_client_id).",
    "invalid_scope": "Invalid permissions requested (invalid_scope).",
    "no_scopes": "No scopes requested (no_scopes).",
    "no_user_scopes": "No user scopes requested (no_user_scopes).",
    "pkce_not_allowed": "redirect_uri must use https (pkce_not_allowed).",
    "invalid_team_for_non_distributed_app": "The app is not distributed (invalid_team_for_non_distributed_app).",
    "approval_required": "Request to install: an administrator must approve this app.",
    "bot_scopes_on_desktop_redirect": "Bot scopes are not allowed with a desktop redirect.",
}


def error_page(code: str, redirect_uri: str) -> str:
    """Return the page that Slack shows instead of redirecting to the app."""
    message = _PAGE_MESSAGES.get(code, code) + (redirect_uri if code == "bad_redirect_uri" else "")
    return page("Something went wrong", f"<h1>Something went wrong</h1><p><code>{escape(shorten(message))}</code></p>")


def consent_page(
    workspace: Workspace, app: App, scopes: tuple[str, ...], redirect_uri: str, form_token: str, team: str = ""
) -> str:
    """Return the page with Allow and Cancel, with workspace ``team`` selected.

    The form posts to the page's own URL.
    """
    wrong = [("", "None")]
    wrong += [(f"page:{code}", f"Page: {code}") for code in PAGE_ERRORS]
    wrong += [(f"callback:{code}", f"Callback: {code}") for code in CALLBACK_ERRORS]
    wrong += [(f"exchange:{code}", f"Exchange: {code}") for code in EXCHANGE_ERRORS]
    body = f"""
<h1>{escape(app.name)} is requesting permission to access a Slack workspace</h1>
<form method="post">{form_token_field(form_token)}
<label for="team">Workspace</label>{_select("team", [(team.id, team.name) for team in workspace.teams], team)}
<label for="person">Signed in as</label>{_select("person", [(who.id, who.name) for who in workspace.people])}
<label>What will {escape(app.name)} be able to do?</label><ul>{"".join(f"<li><code>{escape(s)}</code></li>" for s in scopes)}</ul>
<p>You will be redirected to <code>{escape(redirect_uri)}</code></p>
<details><summary>Simulate an error</summary>
<label for="wrong">Error</label>{_select("wrong", wrong)}
<label for="shape">Where the response contains the token</label>
{_select("shape", [("", "Default"), *((shape, shape) for shape in TOKEN_SHAPES)])}
</details>
<div class="buttons"><button name="decision" value="cancel">Cancel</button>
<button class="allow" name="decision" value="allow">Allow</button></div>
</form>"""
    return page("Permission request", body)


def _select(name: str, options: list[tuple[str, str]], chosen: str = "") -> str:
    items = "".join(
        f'<option value="{escape(value)}"{" selected" if chosen and value == chosen else ""}>{escape(label)}</option>'
        for value, label in options
    )
    return f'<select id="{name}" name="{name}">{items}</select>'
