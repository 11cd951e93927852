"""States of a sign-in that look the same each time, and the screen that shows one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.pilot import Pilot

from slack_token_tui.desktop.browser import NotOpened, Opened
from slack_token_tui.oauth.request import AuthorizationRequest, Pkce
from slack_token_tui.oauth.state import Failure, Phase, Port, SignInState, Tunnel
from slack_token_tui.problems import explain
from slack_token_tui.secret import Secret
from slack_token_tui.slack.responses import Identity
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import SavedProfile
from slack_token_tui.tui.screens.sign_in import SignInScreen
from tests.support.pilot import wait_for_focus
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
SECONDS_LEFT = 252.0
"""How long the states wait for the user, on a clock that stands at zero."""
WAITING = SignInState(
    Phase.WAITING,
    SECONDS_LEFT,
    APP.redirect_uris[0],
    Port(("IPv4", "IPv6")),
    url=REQUEST.url,
    browser=Opened("Firefox"),
)
REMOTE = replace(
    WAITING,
    browser=NotOpened("This is an SSH session, so the browser won't open automatically."),
    tunnel=Tunnel("ssh -L 28417:localhost:28417 jane@198.51.100.7"),
    hint=True,
)
FAILED = replace(
    WAITING,
    phase=Phase.FAILED,
    failure=Failure(Phase.EXCHANGING, explain("bad_redirect_uri", {"redirect_uri": APP.redirect_uris[0]})),
)
RETRYING = replace(
    WAITING, phase=Phase.RETRYING, retry_at=8.0, retry_reason=explain("name_not_found", {"host": "slack.com"})
)
UNSPENT = replace(
    WAITING,
    phase=Phase.FAILED,
    failure=Failure(Phase.EXCHANGING, explain("name_not_found", {"host": "slack.com"})),
    code_expires_at=600.0,
)
SAVED = replace(
    WAITING,
    phase=Phase.SAVED,
    identity=Identity("U1", "jane", "T1", "Acme"),
    result=SavedProfile(
        profile(scopes=("users:read", "chat:write"), requested_scopes=("users:read", "channels:read")),
        Path("home/profiles/acme.json"),
    ),
)


async def show_state(pilot: Pilot[None], state: SignInState) -> SignInScreen:
    """Open the sign-in screen from the home screen, show ``state`` on it, and return it."""
    await pilot.press("a")
    await wait_for_focus(pilot, SignInScreen)
    screen = pilot.app.screen
    assert isinstance(screen, SignInScreen)
    screen.show_progress()
    screen.state = state
    return screen
