"""A whole sign-in at the practice Slack: every shape of response, every error, every way it can end."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from slack_token_tui.desktop import browser
from slack_token_tui.desktop.browser import NotOpened, Opened
from slack_token_tui.oauth import session
from slack_token_tui.oauth.callback import CallbackRejected
from slack_token_tui.oauth.state import Command, Phase, Tunnel, allowed
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.practice.workspace import EXCHANGE_ERRORS, TOKEN_SHAPES, Workspace
from slack_token_tui.problems import Problem
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints, EndpointVariant
from slack_token_tui.store.apps import SlackApp, read_app
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.hot_path import valid_token
from slack_token_tui.store.profiles import ProfileStore
from tests.support.browser import issue_callback_url, parse_query
from tests.support.faults import raise_store_full
from tests.support.ports import get_port, is_port_open
from tests.support.sessions import create_session, run_session, run_session_to_page, wait_for_state
from tests.support.store import read_tokens


@pytest.mark.parametrize("shape", TOKEN_SHAPES)
@pytest.mark.parametrize("rotation", [True, False])
@pytest.mark.parametrize("pair", EndpointVariant)
async def test_every_token_shape_saves_a_verified_profile(
    app: SlackApp, store: ProfileStore, workspace: Workspace, shape: str, rotation: bool, pair: EndpointVariant
) -> None:
    workspace.apps[0].rotation = rotation
    app = replace(app, endpoints=Endpoints(app.endpoints.base, pair))
    state, page = await run_session_to_page(create_session(app, store), shape=shape)
    assert state.phase is Phase.SAVED and state.result is not None
    profile, tokens = store.read_with_tokens("acme-practice")
    assert profile.scopes == app.scopes
    assert profile.verified_at is not None
    assert (tokens.refresh_token is not None) is rotation
    assert (profile.expires_at is not None) is rotation
    assert stat.S_IMODE(os.stat(state.result.path).st_mode) == 0o600
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
    assert (await run_session(create_session(app, store), shape=shape)).phase is Phase.SAVED
    assert store.read("acme-practice").scopes == app.scopes


@pytest.mark.parametrize("code", sorted({*EXCHANGE_ERRORS} - {"ratelimited"}))
async def test_exchange_error_is_explained_and_nothing_is_saved(app: SlackApp, store: ProfileStore, code: str) -> None:
    state, page = await run_session_to_page(create_session(app, store), wrong=f"exchange:{code}")
    assert state.failure is not None
    assert (state.failure.phase, state.failure.explanation.code) == (Phase.EXCHANGING, code)
    assert store.names() == []
    assert "You are signed in" not in page


async def test_cancel_in_the_browser_is_explained_and_trying_again_works(app: SlackApp, store: ProfileStore) -> None:
    sign_in = create_session(app, store)
    state, page = await run_session_to_page(sign_in, decision="cancel")
    assert sign_in.code == "access_denied"
    assert state.failure is not None and state.failure.phase is Phase.WAITING
    assert "canceled" in page
    assert (await run_session(create_session(app, store))).phase is Phase.SAVED


async def test_same_account_is_updated_and_another_account_never_replaces_it(
    app: SlackApp, store: ProfileStore
) -> None:
    await run_session(create_session(app, store), person="U0JANE")
    first = store.read("acme-practice")
    again = (await run_session(create_session(app, store), person="U0JANE")).result
    assert again is not None and again.replaced
    assert store.read("acme-practice").id == first.id
    other = (await run_session(create_session(app, store, name="acme-practice"), person="U0OMAR")).result
    assert other is not None and other.taken_name == "acme-practice"
    assert other.profile.name == "acme-practice-omar"
    assert store.read("acme-practice").user_name == "jane"


@pytest.mark.parametrize("problem", ["invalid_auth", "internal_error", "ratelimited"])
async def test_token_is_saved_unverified_when_auth_test_fails(
    app: SlackApp, store: ProfileStore, workspace: Workspace, problem: str
) -> None:
    workspace.verify_error = problem
    state = await run_session(create_session(app, store))
    assert state.unverified is not None and state.unverified.code == problem
    assert state.result is not None
    assert store.read(state.result.profile.name).verified_at is None


@pytest.mark.parametrize("code", ["token_revoked", "account_inactive", "token_expired"])
async def test_token_that_slack_refuses_at_once_is_saved_and_never_handed_out(
    app: SlackApp, store: ProfileStore, workspace: Workspace, code: str
) -> None:
    workspace.verify_error = code
    session = create_session(app, store)
    state, page = await run_session_to_page(session)
    assert state.phase is Phase.FAILED and state.failure is not None and state.result is not None
    assert state.failure.explanation.code == "new_token_refused" and not state.unsaved
    assert "Slack rejected the new token" in page
    name = state.result.profile.name
    assert f"It's saved as {name}" in state.failure.explanation.happened
    assert store.read(name).refused == code
    assert valid_token(name) is None, "the token is never handed out"
    assert Command.START_AGAIN in allowed(state) and Command.USE_TOKEN not in allowed(state)
    assert (await session.stop()).saved == state.result


async def test_error_description_of_the_authorize_page_is_shown(app: SlackApp, store: ProfileStore) -> None:
    session = create_session(app, store)
    running = asyncio.create_task(session.run())
    state = await wait_for_state(session, lambda state: state.url)
    query = parse_query(str(state.url))
    url = f"{query['redirect_uri']}?error=temporarily_unavailable&error_description=Back+at+noon&state={query['state']}"
    session.paste(url)
    with pytest.raises(Problem, match="temporarily_unavailable") as caught:
        await running
    assert "Slack says: “Back at noon”" in caught.value.explain().happened


async def test_port_is_closed_after_every_outcome(app: SlackApp, store: ProfileStore) -> None:
    port = get_port(app.redirect_uris[0])
    for choice in ({}, {"decision": "cancel"}, {"wrong": "exchange:invalid_code"}):
        await run_session(create_session(app, store), **choice)
        assert not is_port_open(port)
    session = create_session(app, store)
    task = asyncio.create_task(session.run())
    await wait_for_state(session, lambda state: state.url)
    assert is_port_open(port)
    task.cancel()
    await asyncio.wait({task})
    assert not is_port_open(port)


async def test_sign_in_without_a_response_times_out(app: SlackApp, store: ProfileStore) -> None:
    sign_in = create_session(app, store, timeout_seconds=0.2)
    await run_session(sign_in, decision="nobody")
    assert sign_in.code == "sign_in_timed_out"


async def test_extended_timeout_applies_while_waiting(app: SlackApp, store: ProfileStore) -> None:
    time = 1000.0
    sign_in = create_session(app, store, timeout_seconds=0.5, clock=lambda: time)
    task = asyncio.create_task(run_session(sign_in, decision="nobody"))
    await wait_for_state(sign_in, lambda state: state.phase is Phase.WAITING)
    sign_in.extend(60)
    assert sign_in.state.deadline == 1060
    time = 1001.0  # beyond the first limit
    await asyncio.sleep(1)
    assert not task.done()
    time = 1061.0
    sign_in.extend(0)
    await sign_in.stop()
    await task


async def test_ports_in_use_are_reported_and_pasting_completes_the_sign_in(
    app: SlackApp, store: ProfileStore, slack: PracticeSlack, workspace: Workspace
) -> None:
    held = [socket.create_server(("127.0.0.1", get_port(address))) for address in app.redirect_uris]
    sign_in = create_session(app, store)
    running = asyncio.create_task(sign_in.run())
    state = await wait_for_state(sign_in, lambda state: state.url)
    address = issue_callback_url(workspace, str(state.url))
    with pytest.raises(CallbackRejected):
        sign_in.paste("http://localhost:1/callback?code=a&state=b")
    sign_in.paste(address[:50] + "\n" + address[50:])
    await running
    for sock in held:
        sock.close()
    assert state.port is None and state.paste_reason is not None
    assert f"(process {os.getpid()})" in state.paste_reason.happened
    assert "your browser sends it Slack's response" in state.paste_reason.happened, "before it opens"
    assert sign_in.state.phase is Phase.SAVED


async def test_confidential_app_signs_in_by_paste_without_pkce(
    app: SlackApp, store: ProfileStore, workspace: Workspace
) -> None:
    workspace.apps[0].redirect_urls = ("https://example.com/cb",)
    workspace.apps[0].pkce_enabled = False
    app = replace(app, redirect_uris=("https://example.com/cb",), client_secret=Secret("practice-client-secret"))
    sign_in = create_session(app, store)
    running = asyncio.create_task(sign_in.run())
    url = str((await wait_for_state(sign_in, lambda state: state.url)).url)
    assert workspace.find_problem("v2_user", parse_query(url)) is None
    sign_in.paste(issue_callback_url(workspace, url))
    await running
    remembered = read_app(store.home, app.client_id)
    assert remembered is not None
    assert remembered.client_secret == app.client_secret


async def test_unwritable_store_is_reported_before_the_browser_opens(
    app: SlackApp, tmp_path: Any, workspace: Workspace
) -> None:
    (tmp_path / "file").write_text("")
    sign_in = create_session(app, ProfileStore(tmp_path / "file" / "home"))
    with pytest.raises(StorageError, match="store_not_a_directory"):
        await sign_in.run()
    (state,) = sign_in.states
    assert state.failure is not None and state.failure.phase is Phase.SAVING and state.url is None


async def test_save_error_is_shown_in_terminal_and_browser_and_can_be_retried(
    app: SlackApp, store: ProfileStore, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in = create_session(app, store)
    with monkeypatch.context() as broken:
        broken.setattr(ProfileStore, "save_sign_in", raise_store_full)
        state, page = await run_session_to_page(sign_in)
        assert state.failure is not None
        assert (state.failure.phase, sign_in.code) == (Phase.SAVING, "store_full")
        assert "couldn't be saved" in page
        with pytest.raises(StorageError):
            await sign_in.save_again()
        assert sign_in.state.unsaved
    saved, again = await asyncio.gather(sign_in.save_again(), sign_in.save_again())
    assert again == saved
    (issued,) = workspace.tokens.access_tokens
    assert read_tokens(store, saved.profile.name).access_token.reveal() == issued
    assert not sign_in.state.unsaved and sign_in.state.failure is None


async def test_ignored_callbacks_are_counted_and_reported(app: SlackApp, store: ProfileStore) -> None:
    sign_in = create_session(app, store)
    running = asyncio.create_task(sign_in.run())
    url = str((await wait_for_state(sign_in, lambda state: state.url)).url)
    host = urlsplit(app.redirect_uris[0]).netloc
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", get_port(app.redirect_uris[0]))) as forged:
            forged.sendall(f"GET /callback?error=access_denied&state=x HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            await asyncio.to_thread(forged.recv, 100)
    state = await wait_for_state(sign_in, lambda state: state.ignored and state.ignored.count == 3)
    assert state.ignored is not None and state.ignored.explanation.code == "state_mismatch"
    await asyncio.to_thread(simulate_browser, url)
    await running


async def test_hint_appears_once_and_the_sign_in_continues(
    app: SlackApp, store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "HINT_DELAY_SECONDS", 0.1)
    sign_in = create_session(app, store)
    running = asyncio.create_task(sign_in.run())
    state = await wait_for_state(sign_in, lambda state: state.hint)
    await asyncio.to_thread(simulate_browser, str(state.url))
    await running
    hints = [state.hint for state in sign_in.states]
    assert hints == sorted(hints)


async def test_over_ssh_no_browser_opens_and_the_tunnel_uses_the_bound_port(
    app: SlackApp, store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "203.0.113.9 51234 198.51.100.7 2222")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", get_port(app.redirect_uris[0])))
        taken.listen()
        state = await run_session(create_session(app, store, open_browser=browser.open_url))
    assert "SSH" in str(state.browser)
    second, command = get_port(app.redirect_uris[1]), state.tunnel.command if state.tunnel else ""
    assert f"ssh -L {second}:localhost:{second} -p 2222 " in str(command)
    assert "198.51.100.7" in str(command)
    assert state.phase is Phase.SAVED


async def test_container_offers_no_tunnel_command(
    app: SlackApp, store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert (await run_session(create_session(app, store))).tunnel == Tunnel(None)


async def test_machine_without_a_display_gets_the_steps_for_another_browser(app: SlackApp, store: ProfileStore) -> None:
    """After ``su -``, or in ``kubectl exec``, no variable says that the person is elsewhere."""
    assert (await run_session(create_session(app, store))).tunnel == Tunnel(None)


async def test_local_sign_in_reports_no_remote_browser(
    app: SlackApp, store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    state = await run_session(create_session(app, store))
    assert state.tunnel is None and not state.hint


async def test_repeated_sign_in_preselects_the_profiles_workspace(app: SlackApp, store: ProfileStore) -> None:
    await run_session(create_session(app, store), team="T0PRACTICE2")
    first = create_session(app, store, name="globex-practice")
    await run_session(first, team="T0PRACTICE2")
    assert parse_query(str(first.state.url))["team"] == "T0PRACTICE2"
    fresh = create_session(app, store)
    await run_session(fresh)
    assert "team=" not in str(fresh.state.url)


async def test_identity_scopes_are_requested_without_a_workspace(app: SlackApp, store: ProfileStore) -> None:
    """Slack has refused both together with oauth_authorization_url_mismatch."""
    await run_session(create_session(app, store), team="T0PRACTICE2")
    sign_in = create_session(app, store, scopes=("identity.basic",), name="globex-practice")
    await run_session(sign_in, team="T0PRACTICE2")
    assert "team=" not in str(sign_in.state.url)


@pytest.mark.parametrize("shape", TOKEN_SHAPES)
async def test_organization_is_saved_with_its_workspaces(app: SlackApp, store: ProfileStore, shape: str) -> None:
    state = await run_session(create_session(app, store), team="E0PRACTICE", shape=shape)
    assert state.result is not None
    profile = store.read(state.result.profile.name)
    assert profile.is_enterprise_install
    assert (profile.team_id, profile.enterprise_id) == (None, "E0PRACTICE")
    assert profile.workspaces == ("T0PRACTICE1 Acme Practice", "T0PRACTICE2 Globex Practice")


async def test_scopes_approved_by_slack_are_added_to_the_saved_app(app: SlackApp, store: ProfileStore) -> None:
    app = replace(app, registered_scopes=("users:read",))
    await run_session(create_session(app, store, scopes=("users:read", "chat:write")))
    saved = read_app(store.home, app.client_id)
    assert saved is not None
    assert saved.registered_scopes == ("users:read", "chat:write")


async def test_user_edited_app_settings_survive_a_sign_in(app: SlackApp, store: ProfileStore) -> None:
    app = replace(app, name="Mine", registered_scopes=("users:read", "chat:write"), browser="")
    await run_session(create_session(app, store, scopes=("users:read",)))
    saved = read_app(store.home, app.client_id)
    assert saved is not None
    assert (saved.name, saved.registered_scopes, saved.scopes) == ("Mine", app.registered_scopes, ("users:read",))


@pytest.mark.parametrize("important", ["out_of_files", "port_lost", "browser_insists_on_https"])
async def test_important_reason_is_shown_even_if_others_come_at_the_same_time(
    app: SlackApp, store: ProfileStore, slack: PracticeSlack, important: str
) -> None:
    session = create_session(app, store)
    running = asyncio.create_task(session.run())
    await wait_for_state(session, lambda state: state.url)
    for code in ("state_mismatch", important, "state_mismatch"):
        session.ignore(code)
    state = await wait_for_state(session, lambda state: state.ignored and state.ignored.count == 3)
    await session.stop()
    with pytest.raises(Problem):
        await running
    assert state.ignored is not None and state.ignored.explanation.code == important


async def test_browser_that_cannot_be_started_does_not_end_the_sign_in(
    app: SlackApp, store: ProfileStore, slack: PracticeSlack
) -> None:
    async def fail(*_: object) -> Opened:
        raise OSError("no such program")

    session = create_session(app, store, open_browser=fail)
    state = await run_session(session)
    assert state.phase is Phase.SAVED and isinstance(state.browser, NotOpened)


async def test_full_disk_leaves_the_runtime_directory_for_the_token(
    app: SlackApp, store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a full disk, Python finds no directory for temporary files."""

    def fail() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "gettempdir", fail)
    monkeypatch.setattr(ProfileStore, "save_sign_in", raise_store_full)
    session = create_session(app, store)
    assert (await run_session(session)).unsaved
    result = await session.stop()
    assert result.rescued_path is not None and result.rescued_path.parent.parent == tmp_path


async def test_response_of_another_issuer_is_explained_and_the_sign_in_still_waits(
    app: SlackApp, store: ProfileStore, workspace: Workspace
) -> None:
    session = create_session(app, store)
    running = asyncio.create_task(session.run())
    state = await wait_for_state(session, lambda state: state.url)
    url = issue_callback_url(workspace, str(state.url))
    with pytest.raises(CallbackRejected, match="issuer_mismatch") as caught:
        session.paste(f"{url}&iss=https://evil.example")
    assert caught.value.explain().happened.startswith("The response isn't from 127.0.0.1")
    session.paste(url)
    await running
    assert session.state.phase is Phase.SAVED


async def test_thousands_of_important_requests_change_the_state_a_few_times(app: SlackApp, store: ProfileStore) -> None:
    session = create_session(app, store)
    running = asyncio.create_task(session.run())
    await wait_for_state(session, lambda state: state.url)
    before = len(session.states)
    for _ in range(1000):
        session.ignore("browser_insists_on_https")
    assert len(session.states) - before < 10
    await session.stop()
    with pytest.raises(Problem, match="sign_in_stopped"):
        await running
