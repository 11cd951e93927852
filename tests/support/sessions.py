"""Sign-in sessions without an interface: create one, and run it with a simulated browser."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from slack_token_tui.oauth.session import Services, SignInRequest, SignInSession
from slack_token_tui.oauth.state import SignInState
from slack_token_tui.practice.server import simulate_browser
from slack_token_tui.problems import Problem
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore


class RecordingSession(SignInSession):
    """A session that remembers its states, in order."""

    def __init__(self, request: SignInRequest, services: Services) -> None:
        self.states: list[SignInState] = []
        super().__init__(request, services, self.states.append)

    @property
    def code(self) -> str | None:
        """The code of the failure, or None."""
        return self.state.failure.explanation.code if self.state.failure else None


def create_session(
    app: SlackApp,
    store: ProfileStore,
    *,
    name: str | None = None,
    timeout_seconds: float = 300.0,
    scopes: tuple[str, ...] | None = None,
    **services: Any,
) -> RecordingSession:
    """Return a session for the scopes of ``app`` that opens no browser. ``services`` replace those of the program."""
    request = SignInRequest(app, app.scopes if scopes is None else scopes, name, timeout_seconds)
    return RecordingSession(request, Services(store, **{"open_browser": None, **services}))


async def wait_for_state(session: SignInSession, condition: Callable[[SignInState], object]) -> SignInState:
    """Wait until the state of ``session`` fulfills ``condition``, and return it."""
    deadline = time.monotonic() + 30  # a busy machine needs much less
    while not condition(session.state):
        assert time.monotonic() < deadline, session.state
        await asyncio.sleep(0.005)
    return session.state


async def run_session(session: RecordingSession, **choice: Any) -> SignInState:
    """Run a sign-in to its end and return its last state. ``choice`` is what ``simulate_browser`` submits."""
    return (await run_session_to_page(session, **choice))[0]


async def run_session_to_page(session: RecordingSession, **choice: Any) -> tuple[SignInState, str]:
    """Run a sign-in to its end. Return its last state and the last page that the browser showed.

    With ``decision="nobody"`` no browser comes, and the page is empty.
    """
    running = asyncio.create_task(session.run())
    state = await wait_for_state(session, lambda state: state.url or state.is_ended)
    page = ""
    if state.url is not None and choice.get("decision") != "nobody":
        page = await asyncio.to_thread(simulate_browser, state.url, **choice)
    with suppress(Problem):
        await running
    return session.state, page
