"""Sign-in sessions without an interface: create one, and run it with a simulated browser."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

from slack_token_tui.oauth import events
from slack_token_tui.oauth.events import Event
from slack_token_tui.oauth.session import SignInSession
from slack_token_tui.practice.server import simulate_browser
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore


def create_session(app: SlackApp, store: ProfileStore, **options: Any) -> SignInSession:
    """Return a session for the scopes of ``app`` that opens no browser."""
    return SignInSession(app, app.scopes, store, open_browser=None, **options)


async def run_session(session: SignInSession, **choice: Any) -> list[Event]:
    """Run a sign-in to its end and return its events. ``choice`` is what ``simulate_browser`` submits."""
    return (await run_session_to_page(session, **choice))[0]


async def run_session_to_page(session: SignInSession, **choice: Any) -> tuple[list[Event], str]:
    """Run a sign-in to its end. Return its events and the last page that the browser showed.

    With ``decision="nobody"`` no browser comes, and the page is empty.
    """
    seen: list[Event] = []
    browser: asyncio.Task[str] | None = None
    async with aclosing(session.events()) as stream:
        async for event in stream:
            seen.append(event)
            if isinstance(event, events.BrowserOpening) and choice.get("decision") != "nobody":
                browser = asyncio.create_task(asyncio.to_thread(simulate_browser, event.url, **choice))
    return seen, await browser if browser else ""
