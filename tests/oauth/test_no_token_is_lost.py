"""A token that Slack has issued is saved, rescued, quarantined, or discarded by the person, whatever happens when."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slack_token_tui.oauth import session as sessions
from slack_token_tui.oauth.session import Services, SignInRequest, StopResult
from slack_token_tui.oauth.state import Command, Phase, allowed
from slack_token_tui.problems import Problem
from slack_token_tui.secret import Secret
from slack_token_tui.slack.errors import RateLimited, SlackRefused, SlackUnreachable, UnusableToken
from slack_token_tui.slack.responses import Identity, TokenResponse
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.fallback_dir import list_fallback_files
from slack_token_tui.store.profiles import ProfileStore, SavedProfile
from tests.support.profiles import make_rotating_token
from tests.support.sessions import RecordingSession

APP = SlackApp("2141029472.691202649728", redirect_uris=("https://tokens.example.com/done",))
EXCHANGES = ("ok", "ok", "not sent", "rate limited", "long rate limit", "refused", "unusable")
VERIFICATIONS = ("ok", "refused", "never")
SAVES = ("ok", "ok", "full")
TURNS_UNTIL_ALLOW = 8
"""Turns of the event loop after which a sign-in waits for the user."""
COMMANDS = ("allow", "cancel run", "stop", "discard", "retry", "save again", "save in file", "extend")


class FakeSlack:
    """Slack with one outcome after the other. Each request takes some turns of the event loop."""

    def __init__(self, exchanges: list[str], verification: str, turns: int) -> None:
        self.issued: list[str] = []
        self._exchanges = iter(exchanges)
        self._verification = verification
        self._turns = turns

    async def __aenter__(self) -> FakeSlack:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0)

    async def prepare(self) -> None:
        pass

    async def exchange(self, *_: object) -> TokenResponse:
        await take_turns(self._turns)
        outcome = next(self._exchanges, "ok")
        if outcome == "not sent":
            error = SlackUnreachable("name_not_found", host="slack.com")
            error.was_sent = False
            raise error
        if outcome.endswith("limited") or outcome == "long rate limit":
            raise RateLimited(31 if outcome == "long rate limit" else 1)
        if outcome == "refused":
            raise SlackRefused("invalid_code")
        token = make_rotating_token(f"canary-{len(self.issued):04}")
        self.issued.append(token)
        await take_turns(self._turns)  # the response is on its way
        if outcome == "unusable":
            unusable = UnusableToken("token_type_unknown")
            unusable.response = Secret(f'{{"access_token": "{token}"}}')
            raise unusable
        return TokenResponse(Secret(token), user_id="U1", team_id="T1")

    async def verify(self, _: Secret) -> Identity:
        await take_turns(self._turns)
        if self._verification == "refused":
            raise SlackRefused("invalid_auth")
        if self._verification == "never":
            await asyncio.Event().wait()
        return Identity("U1", "jane", "T1", "Acme")


class FullStore(ProfileStore):
    """A store that cannot always save."""

    saves: list[str]

    def save_sign_in(self, *arguments: Any, **options: Any) -> SavedProfile:
        if self.saves and self.saves.pop(0) == "full":
            raise StorageError("store_full", file="x", detail="no room")
        return super().save_sign_in(*arguments, **options)


async def take_turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def run_commands(
    session: RecordingSession, commands: list[tuple[str, int]], allow: Callable[[], None]
) -> StopResult:
    """Run ``commands`` against ``session``, each after some turns of the event loop, and stop it in the end."""
    running = [asyncio.ensure_future(session.run())]
    for command, turns in commands:
        await take_turns(turns)
        match command:
            case "allow":
                allow()
            case "cancel run":
                running[0].cancel()
            case "stop" | "discard":
                running.append(asyncio.ensure_future(session.stop(discard=command == "discard")))
            case "extend":
                session.extend()
            case "retry" if Command.RETRY_EXCHANGE in allowed(session.state):
                running.append(asyncio.ensure_future(session.retry_exchange()))
            case "save again" | "save in file" if Command.SAVE_AGAIN in allowed(session.state):
                storage = "file" if command == "save in file" else None
                running.append(asyncio.ensure_future(session.save_again(storage)))
    await take_turns(3)
    result = await session.stop()
    for task in running:
        with suppress(Problem, asyncio.CancelledError):
            await task
    return result


_COMMAND_LISTS = st.lists(st.tuples(st.sampled_from(COMMANDS), st.integers(0, 12)), max_size=8)
_AFTER_ALLOW = _COMMAND_LISTS.map(lambda commands: [("allow", TURNS_UNTIL_ALLOW), *commands])
"""Most lists begin with Allow, because little can be lost before it."""


@settings(max_examples=300)
@given(
    exchanges=st.lists(st.sampled_from(EXCHANGES), max_size=4),
    verification=st.sampled_from(VERIFICATIONS),
    saves=st.lists(st.sampled_from(SAVES), max_size=3),
    turns=st.integers(0, 3),
    commands=st.one_of(_COMMAND_LISTS, _AFTER_ALLOW, _AFTER_ALLOW),
)
def test_token_is_never_lost(
    exchanges: list[str], verification: str, saves: list[str], turns: int, commands: list[tuple[str, int]]
) -> None:
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", directory)
        patch.setattr(
            sessions, "automatic_retry_pause", lambda error, *_: 0.0 if "31" not in str(error.facts) else None
        )
        store, slack = FullStore(Path(directory) / "home"), FakeSlack(exchanges, verification, turns)
        store.saves = list(saves)
        session, result = asyncio.run(sign_in_and_stop(store, slack, commands))
        kept = {store.read_with_tokens(name)[1].access_token.reveal() for name in store.names()}
        rescued = "".join(path.read_text() for path in list_fallback_files(store.home))
        quarantined = session.state.unusable.tokens if session.state.unusable else ()
        for token in slack.issued:
            is_quarantined = token in {secret.reveal() for secret in quarantined}
            assert token in kept or token in rescued or is_quarantined or result.discarded, session.states
        assert not result.unsaved and not session.state.unsaved
        assert session.state.phase in (Phase.SAVED, Phase.FAILED)
        assert len(slack.issued) <= 1


@pytest.mark.parametrize("turns", range(4))
def test_simulated_sign_in_gets_a_token(turns: int, tmp_path: Path) -> None:
    """Otherwise the test above would prove nothing."""
    store, slack = FullStore(tmp_path / "home"), FakeSlack([], "ok", turns)
    store.saves = []
    _, result = asyncio.run(sign_in_and_stop(store, slack, [("allow", TURNS_UNTIL_ALLOW)]))
    assert len(slack.issued) == 1 and result.saved is not None


async def sign_in_and_stop(
    store: ProfileStore, slack: FakeSlack, commands: list[tuple[str, int]]
) -> tuple[RecordingSession, StopResult]:
    def use_fake_slack(_: object) -> Any:
        return slack

    services = Services(store, open_browser=None, slack=use_fake_slack)
    session = RecordingSession(SignInRequest(APP, ("users:read",)), services)

    def allow() -> None:
        if session.state.url is not None:
            state = dict(part.split("=", 1) for part in session.state.url.partition("?")[2].split("&"))["state"]
            session.paste(f"https://tokens.example.com/done?code=practice12345&state={state}")

    # Threads would make the number of turns until the sign-in waits depend on the machine.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "to_thread", run_at_once)
        result = await run_commands(session, commands, allow)
    return session, result


async def run_at_once(work: Callable[..., Any], *arguments: Any) -> Any:
    return work(*arguments)
