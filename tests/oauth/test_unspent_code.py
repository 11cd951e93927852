"""A code that Slack has not seen, or has only rate limited, is sent again without another consent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest

from slack_token_tui.oauth import session as sessions
from slack_token_tui.oauth.session import CODE_LIFETIME_SECONDS, automatic_retry_pause, is_unspent
from slack_token_tui.oauth.state import Command, Phase, allowed
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.problems import Problem
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client import OAuthClient, SlackClient
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.errors import RateLimited, SlackError, SlackUnreachable
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from tests.support.servers import StartServer, reserve_refusing_port
from tests.support.sessions import RecordingSession, create_session, run_session, wait_for_state

EXCHANGE_PATH = "/api/oauth.v2.user.access"


def unsent(code: str = "name_not_found") -> SlackUnreachable:
    error = SlackUnreachable(code, host="slack.com")
    error.was_sent = False
    return error


def phases(session: RecordingSession) -> list[Phase]:
    """Return the phases of a session without repetitions."""
    return [phase for phase, _ in groupby(state.phase for state in session.states)]


@pytest.fixture
def refusing_base() -> Iterator[str]:
    """Return the base URL of a port on which nobody listens."""
    with reserve_refusing_port() as base:
        yield base


# ── decisions ──


def test_rate_limited_and_unsent_codes_are_unspent() -> None:
    assert is_unspent(RateLimited(5)) and is_unspent(unsent())
    sent = SlackUnreachable("connection_lost", host="slack.com")
    assert not is_unspent(sent)
    with_token = RateLimited(5)
    with_token.response = Secret("xoxp-canary-in-it")
    assert not is_unspent(with_token), "Slack has answered"


@pytest.mark.parametrize(
    ("error", "attempt", "elapsed", "pause"),
    [
        (RateLimited(1), 0, 0.0, 1.0),
        (RateLimited(30), 0, 0.0, 30.0),
        (RateLimited(31), 0, 0.0, None),
        (RateLimited(1), 4, 500.0, 16.0),
        (RateLimited(1), 5, 500.0, None),
        (unsent(), 0, 0.0, 1.0),
        (unsent(), 3, 7.0, 8.0),
        (unsent(), 4, 15.0, None),
        (unsent("proxy_unusable"), 0, 0.0, None),
    ],
)
def test_pause_before_the_code_is_sent_again(
    error: SlackError, attempt: int, elapsed: float, pause: float | None
) -> None:
    assert automatic_retry_pause(error, attempt, elapsed) == pause


# ── what the client knows ──


async def request_token(base: str) -> SlackError:
    """Return the error of an exchange at ``base``."""
    with pytest.raises(SlackError) as caught:
        async with SlackClient(Endpoints(base), 2) as slack:
            await slack.exchange(OAuthClient("1.2"), Secret("practice-code"), None, "http://localhost:1/callback")
    return caught.value


async def test_refused_connection_is_unsent(refusing_base: str) -> None:
    assert not (await request_token(refusing_base)).was_sent


async def test_unknown_host_is_unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    error = await request_token("https://slack.invalid")
    assert error.code == "name_not_found" and not error.was_sent


async def test_dead_proxy_is_unsent(monkeypatch: pytest.MonkeyPatch, refusing_base: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", refusing_base)
    error = await request_token("https://slack.invalid")
    assert error.code == "proxy_unreachable" and not error.was_sent


async def test_lost_response_may_have_been_sent(start_server: StartServer) -> None:
    assert (await request_token(start_server(b"").url)).was_sent


# ── a whole sign-in ──


async def test_rate_limited_code_is_sent_again_automatically(
    app: SlackApp, store: ProfileStore, workspace: Workspace
) -> None:
    workspace.retry_after_seconds = 1
    session = create_session(app, store)
    state = await run_session(session, wrong="exchange:ratelimited")
    assert state.phase is Phase.SAVED and workspace.calls[EXCHANGE_PATH] == 2
    assert phases(session)[2:5] == [Phase.EXCHANGING, Phase.RETRYING, Phase.EXCHANGING]
    assert len(workspace.codes) == 1, "no second consent"


async def test_long_rate_limit_keeps_the_code_for_the_user(
    app: SlackApp, store: ProfileStore, workspace: Workspace
) -> None:
    workspace.retry_after_seconds = 31
    session = create_session(app, store)
    state = await run_session(session, wrong="exchange:ratelimited")
    assert state.phase is Phase.FAILED and session.code == "ratelimited"
    assert Command.RETRY_EXCHANGE in allowed(state)
    saved = await session.retry_exchange()
    assert saved.profile.name in store.names() and session.state.phase is Phase.SAVED
    assert len(workspace.codes) == 1


async def test_user_can_send_the_code_before_the_pause_is_over(
    app: SlackApp, store: ProfileStore, workspace: Workspace
) -> None:
    workspace.retry_after_seconds = 30
    session = create_session(app, store)
    running = asyncio.create_task(run_session(session, wrong="exchange:ratelimited"))
    await wait_for_state(session, lambda state: state.phase is Phase.RETRYING)
    assert (await session.retry_exchange()).profile.name in store.names()
    await running


async def test_unreachable_slack_is_tried_again_and_then_left_to_the_user(
    app: SlackApp, store: ProfileStore, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MAX_AUTOMATIC_RETRY_SECONDS", 1.5)
    send = SlackClient.exchange
    is_offline = True

    async def exchange(*arguments: Any) -> Any:
        if is_offline:
            raise unsent()
        return await send(*arguments)

    monkeypatch.setattr(SlackClient, "exchange", exchange)
    session = create_session(app, store)
    state = await run_session(session)
    assert phases(session).count(Phase.RETRYING) == 1
    assert session.code == "name_not_found" and state.code_expires_at is not None
    is_offline = False
    assert (await session.retry_exchange()).profile.name in store.names()


async def test_code_is_not_sent_after_it_has_expired(app: SlackApp, store: ProfileStore, workspace: Workspace) -> None:
    time = 1000.0
    workspace.retry_after_seconds = 31
    session = create_session(app, store, clock=lambda: time)
    await run_session(session, wrong="exchange:ratelimited")
    time += 601
    with pytest.raises(Problem, match="invalid_code"):
        await session.retry_exchange()
    assert workspace.calls[EXCHANGE_PATH] == 1
    assert Command.RETRY_EXCHANGE not in allowed(session.state)


async def test_expired_code_is_no_longer_offered(app: SlackApp, store: ProfileStore, workspace: Workspace) -> None:
    """The time goes by while nobody presses a key."""
    workspace.retry_after_seconds = 31
    age_when_sent = CODE_LIFETIME_SECONDS - 0.01
    session = create_session(app, store, clock=lambda: age_when_sent if workspace.calls[EXCHANGE_PATH] else 0.0)
    await run_session(session, wrong="exchange:ratelimited")
    assert any(state.phase is Phase.FAILED and Command.RETRY_EXCHANGE in allowed(state) for state in session.states)
    state = await wait_for_state(session, lambda state: state.code_expires_at is None)
    assert Command.RETRY_EXCHANGE not in allowed(state)


async def test_second_request_at_once_joins_the_first(app: SlackApp, store: ProfileStore, workspace: Workspace) -> None:
    workspace.retry_after_seconds = 31
    session = create_session(app, store)
    await run_session(session, wrong="exchange:ratelimited")
    first, second = await asyncio.gather(session.retry_exchange(), session.retry_exchange())
    assert first == second
    assert workspace.calls[EXCHANGE_PATH] == 2


async def test_spent_code_is_never_sent_again(app: SlackApp, store: ProfileStore, workspace: Workspace) -> None:
    session = create_session(app, store)
    await run_session(session, wrong="exchange:invalid_code")
    with pytest.raises(Problem, match="invalid_code"):
        await session.retry_exchange()
    assert workspace.calls[EXCHANGE_PATH] == 1


async def test_stop_during_the_pause_gives_up_the_code(
    app: SlackApp, store: ProfileStore, workspace: Workspace
) -> None:
    workspace.retry_after_seconds = 30
    session = create_session(app, store)
    running = asyncio.create_task(run_session(session, wrong="exchange:ratelimited"))
    await wait_for_state(session, lambda state: state.phase is Phase.RETRYING)
    await session.stop()
    state = await running
    assert session.code == "sign_in_stopped" and Command.RETRY_EXCHANGE not in allowed(state)
