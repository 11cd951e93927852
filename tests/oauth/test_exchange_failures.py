"""Whatever Slack sends and whatever fails after the exchange, an issued token is saved or can be found again."""

from __future__ import annotations

import asyncio
import json
import stat
import threading
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from slack_token_tui.desktop import browser
from slack_token_tui.oauth import session
from slack_token_tui.oauth.session import describe_stop
from slack_token_tui.oauth.state import Phase
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.problems import Problem
from slack_token_tui.slack import client
from slack_token_tui.slack.client import SlackClient, parse_date
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.fallback_dir import list_fallback_files
from slack_token_tui.store.profiles import ProfileStore
from tests.support.locks import hold_lock
from tests.support.practice import DelayedExchange
from tests.support.profiles import new_sign_in
from tests.support.sessions import create_session, run_session, wait_for_state
from tests.support.store import read_tokens

USER_TOKEN = "-".join(("xoxp", "canary", "issued", "00000000"))


def change_exchange_response(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], object]
) -> None:
    """Let the practice Slack change its response to the exchange."""
    exchange = workspace.exchange

    def change_response(*arguments: Any) -> dict[str, Any]:
        answer = exchange(*arguments)
        change(answer)
        return answer

    monkeypatch.setattr(workspace, "exchange", change_response)


# ── values of auth.test that a parser can fail on ──


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "https://[acme.slack.com/"},
        {"url": "https://acme.slack.com:99999/"},
        {"url": "//["},
        {"url": 5},
        {"url": ["x"]},
        {"user_id": "U1", "user": {"name": "jane"}},
        {"team": 1e400},
        {"team": "\ud800"},
    ],
    ids=str,
)
async def test_invalid_auth_test_values_do_not_lose_the_token(
    app: SlackApp,
    store: ProfileStore,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, object],
) -> None:
    test = workspace.auth_test
    monkeypatch.setattr(workspace, "auth_test", lambda bearer: ({**test(bearer)[0], **changed}, test(bearer)[1]))
    saved = (await run_session(create_session(app, store))).result
    assert saved is not None
    (issued,) = workspace.tokens.access_tokens
    assert read_tokens(store, saved.profile.name).access_token.reveal() == issued


@pytest.mark.parametrize("expires_in", [1e400, "9" * 5000, -1e400, [], "\ud800"], ids=repr)
async def test_invalid_token_lifetime_does_not_lose_the_token(
    app: SlackApp, store: ProfileStore, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, expires_in: object
) -> None:
    change_exchange_response(workspace, monkeypatch, lambda answer: answer.update(expires_in=expires_in))
    assert (await run_session(create_session(app, store), shape="top")).phase is Phase.SAVED


@pytest.mark.parametrize("url", ["https://[acme.slack.com/", "http://[", "\x1b]52"])
def test_invalid_workspace_url_does_not_prevent_naming_a_profile(store: ProfileStore, url: str) -> None:
    assert store.save_sign_in(*new_sign_in(workspace_url=url)).profile.name == "acme"


@pytest.mark.parametrize(
    "date",
    ["", "x", "Thu, 99 Foo 2026", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "1 Jan 2026 99:99:99 +999999999999"],
)
def test_invalid_date_header_is_ignored(date: str) -> None:
    assert parse_date(date) is None


# ── unexpected exceptions ──


class Broken(Exception):
    pass


def raise_broken(*_: object, **__: object) -> Any:
    raise Broken("xoxp-canary-in-the-message")


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (SlackClient, "verify"),
        (session, "add_registered_scopes"),
    ],
)
async def test_exception_outside_the_save_does_not_lose_the_token(
    app: SlackApp, store: ProfileStore, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    monkeypatch.setattr(owner, name, raise_broken)
    assert (await run_session(create_session(app, store))).phase is Phase.SAVED
    assert len(store.names()) == 1


async def test_exception_after_verification_does_not_lose_the_token(
    app: SlackApp, store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile_of = session.new_profile

    def raise_if_identified(**values: Any) -> Any:
        return raise_broken() if values["identity"] else profile_of(**values)

    monkeypatch.setattr(session, "new_profile", raise_if_identified)
    assert (await run_session(create_session(app, store))).phase is Phase.SAVED
    assert len(store.names()) == 1


@pytest.mark.parametrize("how", ["retry", "fallback"])
async def test_exception_during_save_allows_a_retry_or_a_fallback_file(
    app: SlackApp, store: ProfileStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    sign_in = create_session(app, store)
    with monkeypatch.context() as broken:
        broken.setattr(ProfileStore, "save_sign_in", raise_broken)
        failure = (await run_session(sign_in)).failure
        assert failure is not None and failure.phase is Phase.SAVING
        assert failure.explanation.code == "unexpected"
        assert "canary" not in failure.explanation.happened
        with pytest.raises(StorageError) as caught:
            await sign_in.save_again()
        assert caught.value.code == "unexpected"
    if how == "retry":
        assert (await sign_in.save_again()).profile.name in store.names()
    result = await sign_in.stop()
    assert len(list_fallback_files(store.home)) == (how == "fallback")
    assert ("slack-token-tui import" in describe_stop(result, "")) is (how == "fallback")
    assert not sign_in.state.unsaved


@pytest.mark.parametrize(("owner", "name"), [(client, "parse_token_response"), (session, "new_profile")])
async def test_exception_right_after_the_exchange_quarantines_the_token(
    app: SlackApp,
    store: ProfileStore,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
) -> None:
    monkeypatch.setattr(owner, name, raise_broken)
    sign_in = create_session(app, store)
    state = await run_session(sign_in)
    assert state.failure is not None and state.failure.phase is Phase.EXCHANGING
    assert sign_in.code == "unexpected" and "Broken in" in state.failure.explanation.happened
    (issued,) = workspace.tokens.access_tokens
    assert state.unusable is not None and issued in {token.reveal() for token in state.unusable.tokens}
    assert state.unusable.quarantined is not None
    await sign_in.revoke_unusable()
    assert workspace.tokens.access_tokens[issued].revoked and sign_in.state.unusable is None


BROKEN_BODIES: dict[str, Callable[[bytes], bytes]] = {
    "a warning before it": lambda body: b"Warning: mysql in line 3\n" + body,
    "garbage after it": lambda body: body + b"</html>",
    "two objects": lambda body: body + body,
    "a list": lambda body: b"[" + body + b"]",
    "a byte that is not UTF-8": lambda body: body[:-1] + b', "x": "\xff"}',
    "cut in the middle": lambda body: body[:-20],
    "ok as text": lambda body: body.replace(b'"ok": true', b'"ok": "true"'),
    "ok false": lambda body: body.replace(b'"ok": true', b'"ok": false, "error": "internal_error"'),
    "an escaped token": lambda body: body.replace(b"xoxe.xoxp-", b"xoxe.xoxp\\u002d").replace(b'"user"', b'"mac"'),
}


@pytest.mark.parametrize("status", [200, 302, 403, 429, 500])
@pytest.mark.parametrize("case", BROKEN_BODIES)
async def test_token_in_an_unreadable_response_is_quarantined(
    app: SlackApp, store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, case: str, status: int
) -> None:
    handler = slack.server.RequestHandlerClass
    send = handler.send

    def send_broken_body(self: Any, before: HTTPStatus, kind: str, body: bytes, headers: Any = None) -> None:
        is_exchange = self.path.startswith("/api/oauth")
        changed = BROKEN_BODIES[case](body) if is_exchange else body
        send(self, HTTPStatus(status) if is_exchange else before, kind, changed, headers)

    monkeypatch.setattr(handler, "send", send_broken_body)
    sign_in = create_session(app, store)
    state = await run_session(sign_in, shape="top")
    assert state.result is None, "a response that cannot be read was used"
    (issued,) = slack.workspace.tokens.access_tokens
    assert state.unusable and issued in {token.reveal() for token in state.unusable.tokens}
    assert state.unusable.quarantined is not None


# ── responses with a token that cannot be used ──

UNUSABLE_RESPONSES: dict[str, tuple[str, dict[str, Any]]] = {
    "an unknown token type": ("token_type_unknown", {"token_type": "mac"}),
    "two different tokens": ("tokens_differ", {"authed_user": {"id": "U1", "access_token": USER_TOKEN}}),
    "a malformed refresh token": ("token_malformed", {"refresh_token": "x\n"}),
    "ok of another kind": ("answer_unreadable", {"ok": 1}),
    "more than 64 KiB": ("answer_too_large", {"padding": "x" * 70_000}),
}


@pytest.mark.parametrize("case", UNUSABLE_RESPONSES)
async def test_unusable_response_is_quarantined_and_its_token_can_be_revoked(
    app: SlackApp, store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    code, change = UNUSABLE_RESPONSES[case]
    workspace, issued = slack.workspace, []

    def change_response(answer: dict[str, Any]) -> None:
        issued.append(answer["access_token"])
        answer.update(change)

    change_exchange_response(workspace, monkeypatch, change_response)
    sign_in = create_session(app, store)
    state = await run_session(sign_in, shape="top")
    assert sign_in.code == code
    assert store.names() == []
    assert state.unusable is not None and state.unusable.quarantined is not None
    path = state.unusable.quarantined.path
    assert path is not None and path.parent == store.home / "quarantine"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert issued[0] in path.read_text()
    assert str(path) in state.unusable.sentence
    assert not workspace.tokens.access_tokens[issued[0]].revoked
    answers = await sign_in.revoke_unusable()
    assert workspace.tokens.access_tokens[issued[0]].revoked
    assert {answer.kind for answer in answers} <= {"access token", "refresh token"}
    assert path.exists() is (case == "two different tokens"), "one of them is no token of this Slack"


async def test_unusable_response_goes_to_a_fallback_file_if_quarantine_fails(
    app: SlackApp, store: ProfileStore, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    def change_response(answer: dict[str, Any]) -> None:
        answer.update(token_type="mac")
        (store.home / "quarantine").write_text("in the way")

    change_exchange_response(workspace, monkeypatch, change_response)
    state = await run_session(create_session(app, store), shape="top")
    assert state.unusable and state.unusable.quarantined
    assert state.unusable.quarantined.path in list_fallback_files(store.home)


async def test_cancel_during_the_exchange_still_quarantines_an_unusable_response(
    app: SlackApp,
    store: ProfileStore,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    delayed_exchange: DelayedExchange,
) -> None:
    token_issued, may_respond = delayed_exchange
    change_exchange_response(workspace, monkeypatch, lambda answer: answer.update(token_type="mac"))
    sign_in = create_session(app, store)
    task = asyncio.create_task(run_session(sign_in, shape="top"))
    await asyncio.to_thread(token_issued.wait, 30)
    stopping = asyncio.create_task(sign_in.stop())
    may_respond.set()
    await stopping
    await task
    unusable = sign_in.state.unusable
    assert unusable and unusable.quarantined and unusable.quarantined.path


async def test_exchange_error_without_a_token_quarantines_nothing(app: SlackApp, store: ProfileStore) -> None:
    assert (await run_session(create_session(app, store), wrong="exchange:invalid_code")).unusable is None
    assert not (store.home / "quarantine").exists()


def test_tokens_are_found_anywhere_in_a_response() -> None:
    from slack_token_tui.secret import Secret
    from slack_token_tui.slack.responses import find_tokens

    rotating, refresh = ("-".join((prefix, "1", "canary", "0000")) for prefix in ("xoxe.xoxp", "xoxe"))
    body = json.dumps({"a": [USER_TOKEN, {"b": rotating}], "refresh_token": refresh, "again": USER_TOKEN})
    assert [token.reveal() for token in find_tokens(Secret(body))] == [refresh, USER_TOKEN, rotating]
    assert find_tokens(Secret('{"message":"Forbidden"}')) == ()


async def test_user_token_with_a_bot_identity_is_saved(
    app: SlackApp, store: ProfileStore, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = workspace.auth_test
    monkeypatch.setattr(workspace, "auth_test", lambda bearer: ({**test(bearer)[0], "bot_id": "B1"}, test(bearer)[1]))
    assert (await run_session(create_session(app, store))).phase is Phase.SAVED


async def test_cancel_while_writing_the_redirect_file_leaves_no_file(
    app: SlackApp, store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, may_write = threading.Event(), threading.Event()
    write = session.write_redirect_file

    def write_late(*arguments: Any) -> Path | None:
        writing.set()
        may_write.wait(30)
        return write(*arguments)

    async def open_nothing(*_: object) -> browser.NotOpened:
        return browser.NotOpened("It is not tried.")

    monkeypatch.setattr(session, "write_redirect_file", write_late)
    sign_in = create_session(app, store, open_browser=open_nothing)
    task = asyncio.create_task(sign_in.run())
    await asyncio.to_thread(writing.wait, 30)
    await sign_in.stop()
    with pytest.raises(Problem, match="sign_in_stopped"):
        await task
    may_write.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    await asyncio.sleep(0)
    assert list((store.home / "browser").iterdir()) == []


async def test_stop_tells_of_a_token_that_cannot_be_used(
    app: SlackApp,
    store: ProfileStore,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    delayed_exchange: DelayedExchange,
) -> None:
    change_exchange_response(workspace, monkeypatch, lambda answer: answer.update(token_type="mac"))
    sign_in = create_session(app, store)
    task = asyncio.create_task(run_session(sign_in, shape="top"))
    await asyncio.to_thread(delayed_exchange.token_issued.wait, 30)
    stopping = asyncio.create_task(sign_in.stop())
    delayed_exchange.may_respond.set()
    assert "Its response is saved in" in describe_stop(await stopping, "")
    await task


async def test_bug_after_the_code_was_sent_does_not_offer_to_send_it_again(
    app: SlackApp, store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SlackClient, "exchange", raise_broken)
    state = await run_session(create_session(app, store))
    assert state.failure is not None and state.code_expires_at is None


async def test_failure_is_shown_and_can_be_repaired_while_another_program_holds_the_app(
    app: SlackApp, store: ProfileStore, workspace: Workspace
) -> None:
    """Remembering the app waits for a lock, and nothing else does."""
    store.check_writable()
    workspace.retry_after_seconds = 31
    sign_in = create_session(app, store)
    with hold_lock(store.home / "locks", f"app-{app.client_id}"):
        task = asyncio.create_task(run_session(sign_in, wrong="exchange:ratelimited"))
        await wait_for_state(sign_in, lambda state: state.phase is Phase.FAILED)
        assert (await sign_in.retry_exchange()).profile.name in store.names()
    await task
