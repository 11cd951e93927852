"""What a sign-in teaches about its app, written down for next time without undoing what others have changed meanwhile.

All of it is a convenience: what prevents it is not reported.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from slack_token_tui.keeping.apps import SlackApp, change_app
from slack_token_tui.keeping.files import StoreError
from slack_token_tui.keeping.settings import remember_last_app

_USED = ("endpoints", "redirect_uris", "client_secret", "secret_in_keyring")
"""What a sign-in uses of its app, and proves to be right. The rest of what is remembered is the person's own."""


def remember_app(home: Path, used: SlackApp, before: SlackApp | None, scopes: tuple[str, ...]) -> None:
    """Remember an app that Slack has taken, as the one used last.

    Args:
        home: where apps are remembered.
        used: the app as it was signed in with.
        before: what was remembered of it when the sign-in began.
        scopes: asked for.
    """

    def remembered(known: SlackApp | None) -> SlackApp | None:
        if before is None:
            return replace(known or used, scopes=scopes)
        if known is None:
            return None  # it was forgotten meanwhile
        proven = {name: getattr(used, name) for name in _USED if getattr(used, name) != getattr(before, name)}
        return replace(known, scopes=scopes, **proven)

    with suppress(StoreError):
        change_app(home, used.client_id, remembered)
        remember_last_app(home, used.client_id)


def learn_scopes(home: Path, client_id: str, granted: tuple[str, ...]) -> None:
    """Where it is known which scopes the app has, those that Slack has granted belong to them."""

    def learned(known: SlackApp | None) -> SlackApp | None:
        if known is None or not known.registered_scopes:
            return None
        return replace(known, registered_scopes=tuple(dict.fromkeys((*known.registered_scopes, *granted))))

    with suppress(StoreError):
        change_app(home, client_id, learned)
