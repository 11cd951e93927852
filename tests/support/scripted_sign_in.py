"""Sign-ins with fixed events, so that their screens look the same each time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from slack_token_tui.desktop.browser import NotOpened, Opened
from slack_token_tui.oauth import events
from slack_token_tui.oauth.events import Event, Step
from slack_token_tui.oauth.request import AuthorizationRequest, Pkce
from slack_token_tui.oauth.session import SignInSession
from slack_token_tui.problems import explain
from slack_token_tui.secret import Secret
from slack_token_tui.slack.responses import Identity
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import SavedProfile
from tests.support.profiles import profile

APP = SlackApp("2141029472.691202649728", scopes=("users:read", "channels:read"), name="My Slack Tokens")
REQUEST = AuthorizationRequest(
    APP.client_id,
    APP.endpoints,
    APP.scopes,
    APP.redirect_uris[0],
    Secret("practice-state-practice-state-practice-state"),
    Pkce(Secret("practice-verifier"), "practice-challenge-practice-challenge-pract"),
)
LISTENING = events.Listening(APP.redirect_uris[0], ("IPv4", "IPv6"))
WAITING: tuple[Event, ...] = (
    LISTENING,
    events.BrowserOpening(REQUEST.url),
    events.BrowserResult(Opened("Firefox")),
)
REMOTE: tuple[Event, ...] = (
    LISTENING,
    events.BrowserOpening(REQUEST.url),
    events.BrowserResult(NotOpened("This is an SSH session, so no browser is opened on this machine.")),
    events.RemoteBrowser("ssh -L 28417:localhost:28417 jane@198.51.100.7"),
)
FAILED: tuple[Event, ...] = (
    *WAITING,
    events.Approved(),
    events.Exchanging(),
    events.Failed(Step.EXCHANGE, explain("bad_redirect_uri", {"redirect_uri": APP.redirect_uris[0]})),
)
SAVED: tuple[Event, ...] = (
    *WAITING,
    events.Approved(),
    events.Exchanging(),
    events.Verifying(),
    events.Verified(Identity("U1", "jane", "T1", "Acme")),
    events.Saved(
        SavedProfile(
            profile(scopes=("users:read", "chat:write"), requested_scopes=("users:read", "channels:read")),
            Path("home/profiles/acme.json"),
        )
    ),
)


def make_scripted_session(*script: Event) -> type[SignInSession]:
    """Return a class of sessions that yield the events ``script`` and then wait forever."""

    class Scripted(SignInSession):
        @property
        def remaining_seconds(self) -> float:
            return 252.0

        async def events(self) -> AsyncGenerator[Event, None]:
            self.request = REQUEST
            for event in script:
                yield event
            await asyncio.Event().wait()

    return Scripted
