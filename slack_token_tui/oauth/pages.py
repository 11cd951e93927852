"""Pages that the browser shows after a sign-in. They are constants, with no data from the request or from Slack."""

from __future__ import annotations

from base64 import b64encode
from enum import Enum
from hashlib import sha256

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;font:17px/1.5 system-ui,sans-serif;"
    "background:#f6f7f9;color:#1b1f24}"
    "main{max-width:26rem;margin:2rem;padding:2.2rem 2.4rem;background:#fff;border-radius:14px;"
    "box-shadow:0 1px 3px rgba(0,0,0,.12)}"
    "p{margin:.7rem 0 0}.mark{font-size:2rem;line-height:1;margin:0}.yes{color:#177a4b}.no{color:#b3261e}.go{color:#8a5a00}"
    "h1{font-size:1.35rem;line-height:1.3;margin:.8rem 0 0}footer{margin-top:1.4rem;font-size:.85rem;opacity:.75}"
    "@media(prefers-color-scheme:dark){body{background:#14171a;color:#e8eaed}main{background:#1e2226;box-shadow:none}"
    ".yes{color:#58c98b}.no{color:#ff8a80}.go{color:#f0b95a}}"
)
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()

HEADERS = (
    ("Cache-Control", "no-store"),
    ("Connection", "close"),
    (
        "Content-Security-Policy",
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)
"""Headers of every listener response. They must never include a CORS header or ``Server``."""


def _page(mark: str, css_class: str, title: str, *sentences: str) -> bytes:
    paragraphs = "".join(f"<p>{sentence}</p>" for sentence in sentences)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width">'
        f'<style>{_STYLE}</style></head><body><main><p class="mark {css_class}" aria-hidden="true">{mark}</p>'
        f"<h1>{title}</h1>{paragraphs}<footer>slack-token-tui on this machine</footer></main></body></html>"
    ).encode()


class Page(Enum):
    """The page for each outcome of a sign-in."""

    SAVED = _page("✓", "yes", "You are signed in", "The token is saved on this machine. You can close this tab.")
    DENIED = _page("✗", "no", "The sign-in was canceled", "No token was issued. You can close this tab.")
    REFUSED = _page(
        "✗", "no", "Slack rejected the sign-in", "Your terminal shows how to fix it. You can close this tab."
    )
    UNREACHABLE = _page(
        "✗", "no", "This machine couldn't reach Slack", "Your terminal shows how to fix it. You can close this tab."
    )
    NOT_SAVED = _page(
        "✗", "no", "The token couldn't be saved", "Your terminal shows how to fix it. You can close this tab."
    )
    TOKEN_REFUSED = _page(
        "✗", "no", "Slack rejected the new token", "Your terminal shows how to fix it. You can close this tab."
    )
    STOPPED = _page("✗", "no", "The sign-in was stopped", "No token was saved. You can close this tab.")
    CONTINUE_IN_TERMINAL = _page(
        "→", "go", "Continue in your terminal", "Slack's response has arrived. You can close this tab."
    )
    ALREADY_RECEIVED = _page(
        "→", "go", "Slack already responded to this sign-in", "Your terminal shows the result. You can close this tab."
    )
    TOO_MANY_COOKIES = _page(
        "✗",
        "no",
        "Your browser has too many cookies for localhost",
        "Open the link from your terminal in a private window. Or delete the cookies for localhost and try again.",
    )
    """Sent before the request is read, so it says nothing about the sign-in."""


NOT_A_CALLBACK = b"This is not a response to a waiting sign-in.\n"
"""Short constant response to every other request."""
