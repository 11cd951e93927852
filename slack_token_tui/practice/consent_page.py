"""The pages of a practice Slack: consent, and the errors that Slack shows only in the browser."""

from __future__ import annotations

from html import escape

from slack_token_tui.practice.people import App
from slack_token_tui.practice.workspace import CALLBACK_ERRORS, EXCHANGE_ERRORS, PAGE_ERRORS, SHAPES, Workspace

_STYLE = """
:root{color-scheme:light dark}*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,sans-serif;background:#f4f1f5;color:#1d1c1d}
header{background:#4a154b;color:#fff;padding:.8rem 1.5rem;font-weight:600}header small{font-weight:400;opacity:.85}
main{max-width:34rem;margin:2rem auto;background:#fff;border-radius:12px;padding:1.8rem 2rem;box-shadow:0 1px 4px rgba(0,0,0,.15)}
h1{font-size:1.4rem;line-height:1.3;margin:0 0 1rem}label{display:block;margin:.7rem 0 .2rem;font-weight:600;font-size:.9rem}
select{width:100%;padding:.5rem;font:inherit;border-radius:6px;border:1px solid #999}ul{margin:.3rem 0 1rem;padding-left:1.2rem}
.buttons{display:flex;gap:.8rem;justify-content:flex-end;margin-top:1.6rem}
button{font:inherit;font-weight:700;padding:.6rem 1.6rem;border-radius:6px;border:1px solid #999;background:#fff;color:#1d1c1d}
button.allow{background:#007a5a;border-color:#007a5a;color:#fff}details{margin-top:1rem}summary{cursor:pointer}
code{font-size:.9em;overflow-wrap:anywhere}
@media(prefers-color-scheme:dark){body{background:#1a1d21;color:#e8e8e8}main{background:#222529}select{background:#1a1d21;color:inherit}}
"""

_SAYS = {
    "bad_redirect_uri": "redirect_uri did not match any configured URIs. Passed URI: {redirect_uri}",
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
    """Return the page that Slack shows instead of calling back."""
    words = _SAYS.get(code, code).format(redirect_uri=redirect_uri)
    return _page("Something went wrong", f"<h1>Something went wrong</h1><p><code>{escape(words)}</code></p>")


def consent_page(workspace: Workspace, app: App, scopes: tuple[str, ...], redirect_uri: str) -> str:
    """Return the page with Allow and Cancel. The form posts to the address it stands at."""
    wrong = [("", "Nothing, let it work")]
    wrong += [(f"page:{code}", f"Slack’s page: {code}") for code in PAGE_ERRORS]
    wrong += [(f"callback:{code}", f"Callback: {code}") for code in CALLBACK_ERRORS]
    wrong += [(f"exchange:{code}", f"Exchange: {code}") for code in EXCHANGE_ERRORS]
    body = f"""
<h1>{escape(app.name)} is asking for permission to act for you</h1>
<form method="post">
<label for="team">Workspace</label>{_select("team", [(team.id, team.name) for team in workspace.teams])}
<label for="person">You are</label>{_select("person", [(who.id, who.name) for who in workspace.people])}
<label>What will {escape(app.name)} be able to do?</label><ul>{"".join(f"<li><code>{escape(s)}</code></li>" for s in scopes)}</ul>
<p>Afterwards you go back to <code>{escape(redirect_uri)}</code></p>
<details><summary>Practise an error</summary>
<label for="wrong">What shall go wrong?</label>{_select("wrong", wrong)}
<label for="shape">Where shall the token stand in the answer?</label>
{_select("shape", [("", "As set"), *((shape, shape) for shape in SHAPES)])}
</details>
<div class="buttons"><button name="decision" value="cancel">Cancel</button>
<button class="allow" name="decision" value="allow">Allow</button></div>
</form>"""
    return _page("Permission request", body)


def _select(name: str, options: list[tuple[str, str]]) -> str:
    items = "".join(f'<option value="{escape(value)}">{escape(label)}</option>' for value, label in options)
    return f'<select id="{name}" name="{name}">{items}</select>'


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} · Practice Slack</title>'
        f'<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><style>{_STYLE}</style></head>'
        "<body><header>Practice Slack <small>· runs on this machine, nothing here is real</small></header>"
        f"<main>{body}</main></body></html>"
    )
