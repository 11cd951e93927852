"""Whatever Slack sends and whatever breaks between exchange and save, a token that Slack issued is saved or found again."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slack_token_tui.keeping.apps import SlackApp
from slack_token_tui.keeping.files import StoreError
from slack_token_tui.keeping.rescue import left_behind
from slack_token_tui.keeping.store import ProfileStore
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.signing_in import events, finishing
from slack_token_tui.signing_in.events import Step
from slack_token_tui.slack.client import SlackClient, _date
from tests.accounts import profile
from tests.signing_in.test_flow import new, run

USER_TOKEN = "-".join(("xoxp", "canary", "issued", "00000000"))


def answering(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], object]
) -> None:
    """Let the practice Slack change its response to the exchange."""
    exchange = workspace.exchange

    def changed(*arguments: Any) -> dict[str, Any]:
        answer = exchange(*arguments)
        change(answer)
        return answer

    monkeypatch.setattr(workspace, "exchange", changed)


# ── values of auth.test that a parser chokes on ──


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
        {"expires_in": 1e400},
        {"expires_in": "9" * 5000},
    ],
    ids=str,
)
async def test_a_strange_value_of_auth_test_never_costs_the_token(
    app: SlackApp,
    store: ProfileStore,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, object],
) -> None:
    test = workspace.test
    monkeypatch.setattr(workspace, "test", lambda bearer: ({**test(bearer)[0], **changed}, test(bearer)[1]))
    saved = (await run(new(app, store)))[-1]
    assert isinstance(saved, events.Saved)
    assert store.read(saved.kept.profile.name).access_token == saved.kept.profile.access_token


@pytest.mark.parametrize("url", ["https://[acme.slack.com/", "http://[", "\x1b]52"])
def test_a_profile_file_with_a_strange_workspace_url_still_gets_a_name(store: ProfileStore, url: str) -> None:
    assert store.keep(profile(workspace_url=url)).profile.name == "acme"


@pytest.mark.parametrize(
    "date",
    ["", "x", "Thu, 99 Foo 2026", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "1 Jan 2026 99:99:99 +999999999999"],
)
def test_an_odd_date_header_is_no_date(date: str) -> None:
    assert _date(date) is None


# ── unexpected exceptions ──


class Broken(Exception):
    pass


def boom(*_: object, **__: object) -> Any:
    raise Broken("xoxp-canary-in-the-message")


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (SlackClient, "verify"),
        (finishing, "learn_scopes"),
    ],
)
async def test_an_exception_beside_the_save_never_costs_the_token(
    app: SlackApp, store: ProfileStore, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    monkeypatch.setattr(owner, name, boom)
    assert isinstance((await run(new(app, store)))[-1], events.Saved)
    assert len(store.names()) == 1


async def test_an_exception_after_the_verification_never_costs_the_token(
    app: SlackApp, store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile_of = finishing.profile_of

    def breaks_with_an_identity(**values: Any) -> Any:
        return boom() if values["identity"] else profile_of(**values)

    monkeypatch.setattr(finishing, "profile_of", breaks_with_an_identity)
    assert isinstance((await run(new(app, store)))[-1], events.Saved)
    assert len(store.names()) == 1


async def test_an_exception_in_the_save_is_reported_and_the_token_can_be_saved_again_or_rescued(
    app: SlackApp, store: ProfileStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    sign_in = new(app, store)
    with monkeypatch.context() as broken:
        broken.setattr(ProfileStore, "keep", boom)
        failed = (await run(sign_in))[-1]
        assert isinstance(failed, events.Failed) and failed.step is Step.SAVE
        assert failed.explanation.code == "unexpected"
        assert "canary" not in failed.explanation.happened
        with pytest.raises(StoreError) as caught:
            await sign_in.save_again()
        assert caught.value.code == "unexpected"
        assert "slack-token-tui import" in sign_in.rescue()
        assert len(left_behind(store.home)) == 1
    assert (await sign_in.save_again()).profile.name in store.names()


async def test_an_exception_in_the_exchange_ends_the_sign_in_with_its_place(
    app: SlackApp, store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: object) -> None:
        boom()

    monkeypatch.setattr(SlackClient, "exchange", breaks)
    failed = (await run(new(app, store)))[-1]
    assert isinstance(failed, events.Failed) and failed.step is Step.EXCHANGE
    assert failed.explanation.code == "unexpected" and "Broken in" in failed.explanation.happened


# ── responses that hold a token and cannot be used ──

UNUSABLE: dict[str, tuple[str, dict[str, Any]]] = {
    "an unknown token type": ("token_type_unknown", {"token_type": "mac"}),
    "two different tokens": ("tokens_differ", {"authed_user": {"id": "U1", "access_token": USER_TOKEN}}),
    "a malformed refresh token": ("token_malformed", {"refresh_token": "x\n"}),
    "ok of another kind": ("answer_unreadable", {"ok": 1}),
    "more than 64 KiB": ("answer_too_large", {"padding": "x" * 70_000}),
}


@pytest.mark.parametrize("case", UNUSABLE)
async def test_an_unusable_response_is_quarantined_and_its_token_can_be_revoked(
    app: SlackApp, store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    code, change = UNUSABLE[case]
    workspace, issued = slack.workspace, []

    def changed(answer: dict[str, Any]) -> None:
        issued.append(answer["access_token"])
        answer.update(change)

    answering(workspace, monkeypatch, changed)
    sign_in = new(app, store)
    failed = (await run(sign_in, shape="top"))[-1]
    assert isinstance(failed, events.Failed) and failed.explanation.code == code
    assert store.names() == []
    assert sign_in.unusable is not None and sign_in.unusable.quarantined is not None
    path = sign_in.unusable.quarantined.path
    assert path is not None and path.parent == store.home / "quarantine"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert issued[0] in path.read_text()
    assert str(path) in sign_in.about_unusable()
    assert not workspace.grants.access_tokens[issued[0]].revoked
    answers = await sign_in.revoke_unusable()
    assert workspace.grants.access_tokens[issued[0]].revoked
    assert any(answer.ended for answer in answers)
    assert path.exists() != all(answer.ended for answer in answers)


async def test_an_unusable_response_goes_to_the_rescue_place_when_the_disk_is_full(
    app: SlackApp, store: ProfileStore, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    answering(workspace, monkeypatch, lambda answer: answer.update(token_type="mac"))
    store.make_ready()
    (store.home / "quarantine").write_text("in the way")
    sign_in = new(app, store)
    await run(sign_in, shape="top")
    assert sign_in.unusable and sign_in.unusable.quarantined
    assert sign_in.unusable.quarantined.path in left_behind(store.home)


async def test_leaving_while_an_unusable_response_is_on_its_way_quarantines_it_too(
    app: SlackApp, store: ProfileStore, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, exchanging: Any
) -> None:
    given, arrives = exchanging
    answering(workspace, monkeypatch, lambda answer: answer.update(token_type="mac"))
    sign_in = new(app, store)
    task = asyncio.create_task(run(sign_in, shape="top"))
    await asyncio.to_thread(given.wait, 30)
    task.cancel()
    arrives.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sign_in.unusable and sign_in.unusable.quarantined and sign_in.unusable.quarantined.path


async def test_a_plain_refusal_quarantines_nothing(app: SlackApp, store: ProfileStore) -> None:
    sign_in = new(app, store)
    await run(sign_in, wrong="exchange:invalid_code")
    assert sign_in.unusable is None and sign_in.about_unusable() == ""
    assert not (store.home / "quarantine").exists()


def test_tokens_are_found_wherever_they_are_in_a_response() -> None:
    from slack_token_tui.secret import Secret
    from slack_token_tui.slack.answers import tokens_in

    rotating, refresh = ("-".join((prefix, "1", "canary", "0000")) for prefix in ("xoxe.xoxp", "xoxe"))
    body = json.dumps({"a": [USER_TOKEN, {"b": rotating}], "refresh_token": refresh, "again": USER_TOKEN})
    assert [token.reveal() for token in tokens_in(Secret(body))] == [refresh, USER_TOKEN, rotating]
    assert tokens_in(Secret('{"message":"Forbidden"}')) == ()
