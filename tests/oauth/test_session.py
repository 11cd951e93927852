"""A whole sign-in at the practice Slack: every shape of response, every error, every way it can end."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest

from slack_token_tui.oauth import events
from slack_token_tui.oauth.events import Event, Step
from slack_token_tui.oauth.session import SignInSession
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.practice.workspace import EXCHANGE_ERRORS, TOKEN_SHAPES, Workspace
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints, EndpointVariant
from slack_token_tui.store.apps import SlackApp, read_app
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.profiles import ProfileStore
from tests.support.browser import issue_callback_url, parse_query
from tests.support.faults import raise_store_full
from tests.support.ports import get_port, is_port_open
from tests.support.sessions import create_session, run_session, run_session_to_page
from tests.support.store import read_tokens


@pytest.mark.parametrize("shape", TOKEN_SHAPES)
@pytest.mark.parametrize("rotation", [True, False])
@pytest.mark.parametrize("pair", EndpointVariant)
async def test_every_token_shape_saves_a_verified_profile(
    app: SlackApp, store: ProfileStore, workspace: Workspace, shape: str, rotation: bool, pair: EndpointVariant
) -> None:
    workspace.apps[0].rotation = rotation
    app = replace(app, endpoints=Endpoints(app.endpoints.base, pair))
    seen, page = await run_session_to_page(create_session(app, store), shape=shape)
    saved = seen[-1]
    assert isinstance(saved, events.Saved)
    profile, tokens = store.read_with_tokens("acme-practice")
    assert profile.scopes == app.scopes
    assert profile.verified_at is not None
    assert (tokens.refresh_token is not None) is rotation
    assert (profile.expires_at is not None) is rotation
    assert stat.S_IMODE(os.stat(saved.saved.path).st_mode) == 0o600
    assert "You are signed in" in page


@pytest.mark.parametrize("shape", TOKEN_SHAPES)
@pytest.mark.parametrize(
    "variant",
    [{"token_type": "Bearer"}, {"scope_separator": " "}, {"leave_out_ok": True}, {"empty_top_scope": True}],
    ids=lambda variant: next(iter(variant)),
)
async def test_known_response_variations_are_accepted(
    app: SlackApp, store: ProfileStore, workspace: Workspace, shape: str, variant: dict[str, object]
) -> None:
    for name, value in variant.items():
        setattr(workspace, name, value)
    saved = (await run_session(create_session(app, store), shape=shape))[-1]
    assert isinstance(saved, events.Saved)
    assert store.read("acme-practice").scopes == app.scopes


@pytest.mark.parametrize("code", EXCHANGE_ERRORS)
async def test_exchange_error_is_explained_and_nothing_is_saved(app: SlackApp, store: ProfileStore, code: str) -> None:
    seen, page = await run_session_to_page(create_session(app, store), wrong=f"exchange:{code}")
    failed = seen[-1]
    assert isinstance(failed, events.Failed)
    assert (failed.step, failed.explanation.code) == (Step.EXCHANGE, code)
    assert store.names() == []
    assert "You are signed in" not in page


async def test_cancel_in_the_browser_is_explained_and_trying_again_works(app: SlackApp, store: ProfileStore) -> None:
    seen, page = await run_session_to_page(create_session(app, store), decision="cancel")
    assert isinstance(seen[-1], events.Failed)
    assert seen[-1].explanation.code == "access_denied"
    assert "cancelled" in page
    assert isinstance((await run_session(create_session(app, store)))[-1], events.Saved)


async def test_same_account_is_updated_and_another_account_never_replaces_it(
    app: SlackApp, store: ProfileStore
) -> None:
    await run_session(create_session(app, store), person="U0JANE")
    first = store.read("acme-practice")
    again = (await run_session(create_session(app, store), person="U0JANE"))[-1]
    assert isinstance(again, events.Saved)
    assert again.saved.replaced
    assert store.read("acme-practice").id == first.id
    other = (await run_session(create_session(app, store, name="acme-practice"), person="U0OMAR"))[-1]
    assert isinstance(other, events.Saved)
    assert other.saved.taken_name == "acme-practice"
    assert other.saved.profile.name == "acme-practice-omar"
    assert store.read("acme-practice").user_name == "jane"


@pytest.mark.parametrize("problem", ["invalid_auth", "internal_error", "ratelimited"])
async def test_token_is_saved_unverified_when_auth_test_fails(
    app: SlackApp, store: ProfileStore, workspace: Workspace, problem: str
) -> None:
    workspace.verify_error = problem
    seen = await run_session(create_session(app, store))
    assert any(isinstance(event, events.Unverified) and event.explanation.code == problem for event in seen)
    assert isinstance(seen[-1], events.Saved)
    assert store.read(seen[-1].saved.profile.name).verified_at is None


async def test_cancel_during_verification_saves_the_token_first(app: SlackApp, store: ProfileStore) -> None:
    sign_in = create_session(app, store)
    async with aclosing(sign_in.events()) as stream:
        async for event in stream:
            if isinstance(event, events.BrowserOpening):
                browser = asyncio.create_task(asyncio.to_thread(simulate_browser, event.url))
            if isinstance(event, events.Verifying):
                break
    await browser
    assert len(store.names()) == 1


async def test_port_is_closed_after_every_outcome(app: SlackApp, store: ProfileStore) -> None:
    port = get_port(app.redirect_uris[0])
    for choice in ({}, {"decision": "cancel"}, {"wrong": "exchange:invalid_code"}):
        await run_session(create_session(app, store), **choice)
        assert not is_port_open(port)
    task = asyncio.create_task(run_session(create_session(app, store), decision="nobody"))
    while not is_port_open(port):
        await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert not is_port_open(port)


async def test_sign_in_without_a_response_times_out(app: SlackApp, store: ProfileStore) -> None:
    seen = await run_session(create_session(app, store, timeout_seconds=0.2), decision="nobody")
    assert isinstance(seen[-1], events.Failed)
    assert seen[-1].explanation.code == "sign_in_timed_out"


async def test_extended_timeout_applies_while_waiting(app: SlackApp, store: ProfileStore) -> None:
    sign_in = create_session(app, store, timeout_seconds=4)
    task = asyncio.create_task(run_session(sign_in, decision="nobody"))
    await asyncio.sleep(0.1)
    sign_in.extend(60)
    assert 50 < sign_in.remaining_seconds <= 60
    await asyncio.sleep(4.5)  # beyond the first limit
    assert not task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_ports_in_use_are_reported_and_pasting_completes_the_sign_in(
    app: SlackApp, store: ProfileStore, slack: PracticeSlack, workspace: Workspace
) -> None:
    held = [socket.create_server(("127.0.0.1", get_port(address))) for address in app.redirect_uris]
    sign_in = create_session(app, store)
    seen: list[Event] = []
    async with aclosing(sign_in.events()) as stream:
        async for event in stream:
            seen.append(event)
            if isinstance(event, events.BrowserOpening):
                address = issue_callback_url(workspace, event.url)
                assert sign_in.paste("http://localhost:1/callback?code=a&state=b") is not None
                assert sign_in.paste(address[:50] + "\n" + address[50:]) is None
    for sock in held:
        sock.close()
    first = seen[0]
    assert isinstance(first, events.PasteRequired)
    assert first.explanation is not None
    assert f"(process {os.getpid()})" in first.explanation.happened
    assert "Your browser will hand Slack's response to that program" in first.explanation.happened, "before it opens"
    assert isinstance(seen[-1], events.Saved)


async def test_confidential_app_signs_in_by_paste_without_pkce(
    app: SlackApp, store: ProfileStore, workspace: Workspace
) -> None:
    workspace.apps[0].redirect_urls = ("https://example.com/cb",)
    workspace.apps[0].pkce_enabled = False
    app = replace(app, redirect_uris=("https://example.com/cb",), client_secret=Secret("practice-client-secret"))
    sign_in = create_session(app, store)
    seen: list[Event] = []
    async with aclosing(sign_in.events()) as stream:
        async for event in stream:
            seen.append(event)
            if isinstance(event, events.BrowserOpening):
                assert workspace.find_problem("v2_user", parse_query(event.url)) is None
                assert sign_in.paste(issue_callback_url(workspace, event.url)) is None
    assert isinstance(seen[-1], events.Saved)
    remembered = read_app(store.home, app.client_id)
    assert remembered is not None
    assert remembered.client_secret == app.client_secret


async def test_unwritable_store_is_reported_before_the_browser_opens(
    app: SlackApp, tmp_path: Any, workspace: Workspace
) -> None:
    (tmp_path / "file").write_text("")
    seen = [event async for event in create_session(app, ProfileStore(tmp_path / "file" / "home")).events()]
    assert len(seen) == 1 and isinstance(seen[0], events.Failed)
    assert (seen[0].step, seen[0].explanation.code) == (Step.SAVE, "store_unwritable")


async def test_save_error_is_shown_in_terminal_and_browser_and_can_be_retried(
    app: SlackApp, store: ProfileStore, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in = create_session(app, store)
    with monkeypatch.context() as broken:
        broken.setattr(ProfileStore, "save_sign_in", raise_store_full)
        seen, page = await run_session_to_page(sign_in)
        assert isinstance(seen[-1], events.Failed)
        assert (seen[-1].step, seen[-1].explanation.code) == (Step.SAVE, "store_full")
        assert "could not be saved" in page
        with pytest.raises(StorageError):
            await sign_in.save_again()
        assert sign_in.has_unsaved_token
    saved = await sign_in.save_again()
    (issued,) = workspace.tokens.access_tokens
    assert read_tokens(store, saved.profile.name).access_token.reveal() == issued
    assert not sign_in.has_unsaved_token


async def test_ignored_callbacks_are_counted_and_reported(app: SlackApp, store: ProfileStore) -> None:
    sign_in = create_session(app, store)
    seen: list[Event] = []
    async with aclosing(sign_in.events()) as stream:
        async for event in stream:
            seen.append(event)
            if isinstance(event, events.BrowserOpening):
                with socket.create_connection(("127.0.0.1", get_port(app.redirect_uris[0]))) as forged:
                    host = urlsplit(app.redirect_uris[0]).netloc
                    forged.sendall(
                        f"GET /callback?error=access_denied&state=x HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
                    )
                    await asyncio.to_thread(forged.recv, 100)
                task = asyncio.create_task(asyncio.to_thread(simulate_browser, event.url))
    await task
    ignored = [event for event in seen if isinstance(event, events.UnexpectedCallback)]
    assert [(ignored.count, ignored.explanation.code) for ignored in ignored] == [(1, "state_mismatch")]
    assert isinstance(seen[-1], events.Saved)


async def test_still_waiting_is_reported_once_and_the_sign_in_continues(app: SlackApp, store: ProfileStore) -> None:
    sign_in, loop = create_session(app, store, hint_seconds=0.2), asyncio.get_running_loop()
    seen: list[Event] = []
    async with aclosing(sign_in.events()) as stream:
        async for event in stream:
            seen.append(event)
            if isinstance(event, events.StillWaiting):
                assert sign_in.request is not None
                allow = partial(simulate_browser, sign_in.request.url)
                # After the time at which a second hint would come.
                loop.call_later(0.6, loop.run_in_executor, None, allow)
    assert sum(isinstance(event, events.StillWaiting) for event in seen) == 1
    assert isinstance(seen[-1], events.Saved)


async def test_over_ssh_no_browser_opens_and_the_tunnel_uses_the_bound_port(
    app: SlackApp, store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "203.0.113.9 51234 198.51.100.7 2222")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", get_port(app.redirect_uris[0])))
        taken.listen()
        sign_in = SignInSession(app, app.scopes, store)
        seen = await run_session(sign_in)
    assert any(isinstance(event, events.BrowserResult) and "SSH" in str(event.outcome) for event in seen)
    elsewhere = next(event for event in seen if isinstance(event, events.RemoteBrowser))
    second = get_port(app.redirect_uris[1])
    assert f"ssh -L {second}:localhost:{second} -p 2222 " in str(elsewhere.tunnel_command)
    assert "198.51.100.7" in str(elsewhere.tunnel_command)
    assert isinstance(seen[-1], events.Saved)


async def test_container_offers_no_tunnel_command(
    app: SlackApp, store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    seen = await run_session(create_session(app, store))
    assert events.RemoteBrowser(None) in seen


async def test_local_sign_in_reports_no_remote_browser(app: SlackApp, store: ProfileStore) -> None:
    seen = await run_session(create_session(app, store))
    assert not any(isinstance(event, events.RemoteBrowser | events.StillWaiting) for event in seen)


async def test_repeated_sign_in_preselects_the_profiles_workspace(app: SlackApp, store: ProfileStore) -> None:
    await run_session(create_session(app, store), team="T0PRACTICE2")
    first = create_session(app, store, name="globex-practice")
    await run_session(first, team="T0PRACTICE2")
    assert first.request is not None
    assert parse_query(first.request.url)["team"] == "T0PRACTICE2"
    fresh = create_session(app, store)
    await run_session(fresh)
    assert fresh.request is not None
    assert "team=" not in fresh.request.url


async def test_identity_scopes_are_requested_without_a_workspace(app: SlackApp, store: ProfileStore) -> None:
    """Slack has refused both together with oauth_authorization_url_mismatch."""
    await run_session(create_session(app, store), team="T0PRACTICE2")
    sign_in = SignInSession(app, ("identity.basic",), store, name="globex-practice", open_browser=None)
    await run_session(sign_in, team="T0PRACTICE2")
    assert sign_in.request is not None
    assert "team=" not in sign_in.request.url


@pytest.mark.parametrize("shape", TOKEN_SHAPES)
async def test_organization_is_saved_with_its_workspaces(app: SlackApp, store: ProfileStore, shape: str) -> None:
    seen = await run_session(create_session(app, store), team="E0PRACTICE", shape=shape)
    assert isinstance(seen[-1], events.Saved)
    profile = store.read(seen[-1].saved.profile.name)
    assert profile.is_enterprise_install
    assert (profile.team_id, profile.enterprise_id) == (None, "E0PRACTICE")
    assert profile.workspaces == ("T0PRACTICE1 Acme Practice", "T0PRACTICE2 Globex Practice")


async def test_scopes_approved_by_slack_are_added_to_the_saved_app(app: SlackApp, store: ProfileStore) -> None:
    app = replace(app, registered_scopes=("users:read",))
    await run_session(SignInSession(app, ("users:read", "chat:write"), store, open_browser=None))
    saved = read_app(store.home, app.client_id)
    assert saved is not None
    assert saved.registered_scopes == ("users:read", "chat:write")


async def test_user_edited_app_settings_survive_a_sign_in(app: SlackApp, store: ProfileStore) -> None:
    app = replace(app, name="Mine", registered_scopes=("users:read", "chat:write"), browser="")
    await run_session(SignInSession(app, ("users:read",), store, open_browser=None))
    saved = read_app(store.home, app.client_id)
    assert saved is not None
    assert (saved.name, saved.registered_scopes, saved.scopes) == ("Mine", app.registered_scopes, ("users:read",))
