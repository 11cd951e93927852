"""HTML layout of the practice Slack's pages, with the notice that nothing there is real."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape

FORM_TOKEN = "form_token"
"""Name of the hidden field in every form."""
MAX_ECHO_LENGTH = 500
"""Maximum length of request text on an error page."""

_STYLE = """
:root{color-scheme:light dark}*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,sans-serif;background:#f4f1f5;color:#1d1c1d}
header{background:#4a154b;color:#fff;padding:.8rem 1.5rem;font-weight:600}header small{font-weight:400;opacity:.85}
main{max-width:34rem;margin:2rem auto;background:#fff;border-radius:12px;padding:1.8rem 2rem;box-shadow:0 1px 4px rgba(0,0,0,.15)}
h1{font-size:1.4rem;line-height:1.3;margin:0 0 1rem}h2{font-size:1.1rem;margin:0 0 .6rem}dt{font-weight:600}label{display:block;margin:.7rem 0 .2rem;font-weight:600;font-size:.9rem}
input[type=checkbox]{width:auto}select,textarea{width:100%;padding:.5rem;font:inherit;border-radius:6px;border:1px solid #999}ul{margin:.3rem 0 1rem;padding-left:1.2rem}
.buttons{display:flex;gap:.8rem;justify-content:flex-end;margin-top:1.6rem}
button{font:inherit;font-weight:700;padding:.6rem 1.6rem;border-radius:6px;border:1px solid #999;background:#fff;color:#1d1c1d}
button.allow{background:#007a5a;border-color:#007a5a;color:#fff}details{margin-top:1rem}summary{cursor:pointer}
code{font-size:.9em;overflow-wrap:anywhere}
@media(prefers-color-scheme:dark){body{background:#1a1d21;color:#e8e8e8}main{background:#222529}select,textarea{background:#1a1d21;color:inherit}}
"""
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; img-src data:; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of every page, without ``form-action``."""


def page(title: str, body: str) -> str:
    """Return a complete HTML page."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} · Practice Slack</title>'
        f'<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><style>{_STYLE}</style></head>'
        "<body><header>Practice Slack <small>· runs on this machine, nothing here is real</small></header>"
        f"<main>{body}</main></body></html>"
    )


def form_token_field(form_token: str) -> str:
    """Return the hidden field that distinguishes this server's forms from those of other sites."""
    return f'<input type="hidden" name="{FORM_TOKEN}" value="{escape(form_token)}">'


def shorten(text: str) -> str:
    """Return ``text``, cut to :data:`MAX_ECHO_LENGTH` characters."""
    return text if len(text) <= MAX_ECHO_LENGTH else f"{text[:MAX_ECHO_LENGTH]}…"
