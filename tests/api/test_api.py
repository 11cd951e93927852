"""``import slack_token_tui as stt``: valid tokens, masked in every repr, and errors that say what to do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import Any

import httpx
import pytest

import slack_token_tui as stt
from slack_token_tui.practice.models import CLIENT_ID
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.secret import Secret
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from tests.support.browser import issue_callback_url, press_consent_button
from tests.support.cli import run_python
from tests.support.ports import get_port, is_port_open
from tests.support.practice import issue_profile
from tests.support.profiles import CANARY, new_sign_in, time_from_now
from tests.support.store import change_profile, read_tokens
from tests.support.waiting import wait_until


def test_token_is_a_string_with_only_its_repr_masked(store: ProfileStore) -> None:
    store.save_sign_in(*new_sign_in())
    token = stt.token("acme")
    assert isinstance(token, str) and token == CANARY
    assert (f"{token}", str(token), token + "", "".join([token])) == (CANARY,) * 4
    assert repr(token) == "'xoxp-…cdef'"
    assert CANARY not in repr([token]) + repr({"token": token}) + f"{token!r}"
    assert httpx.Headers({"Authorization": f"Bearer {token}"})["authorization"] == f"Bearer {CANARY}"


def test_expiring_token_is_refreshed_before_it_is_returned(store: ProfileStore, slack: PracticeSlack) -> None:
    issue_profile(store, slack)
    old = read_tokens(store)
    token = stt.token("acme")
    assert slack.workspace.tokens.authenticate(token)
    assert Secret(token) != old.access_token
    assert stt.token() == token
    assert slack.workspace.tokens.refreshed == 1
    assert stt.token(min_ttl_seconds=39_600) == token


def test_many_threads_get_one_refreshed_token(store: ProfileStore, slack: PracticeSlack) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    slack.workspace.tokens.grace_seconds = 0
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(stt.token("acme"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(got)) == 1 and len(got) == 4
    assert slack.workspace.tokens.refreshed == 1


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"refused": "token_revoked"}, stt.SignInNeeded, "sign_in_needed"),
        ({"expires_at": time_from_now(hours=-1)}, stt.SignInNeeded, "sign_in_needed"),
        (
            {
                "expires_at": time_from_now(hours=-1),
                "refresh_issued_at": time_from_now(days=-2),
                "refresh_refused": "refresh_interrupted",
                "refresh_token": Secret("xoxe-1-canary-000000"),
            },
            stt.SignInNeeded,
            "refresh_interrupted",
        ),
    ],
)
def test_sign_in_errors_have_a_type_a_code_and_a_fix(
    store: ProfileStore, changes: dict[str, Any], error: type[stt.TokenError], code: str
) -> None:
    store.save_sign_in(*new_sign_in(**changes))
    with pytest.raises(error) as raised:
        stt.token("acme")
    assert raised.value.code == code
    assert "Sign in again" in str(raised.value)
    assert "canary" not in str(raised.value)


def test_missing_profile_retry_and_storage_errors_are_typed(store: ProfileStore, slack: PracticeSlack) -> None:
    with pytest.raises(stt.NoSuchProfile):
        stt.token()
    with pytest.raises(LookupError):
        stt.token("nobody")
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    slack.workspace.faults.append("status:429")
    slack.workspace.faults.append("status:429")
    slack.workspace.faults.extend(["status:503"] * 4)
    with pytest.raises(stt.TryLater):
        stt.token("acme")
    store.path("acme").chmod(0o644)
    with pytest.raises(stt.StoreUnusable, match="chmod 600"):
        stt.token("acme")


def test_profiles_table_masks_tokens_and_escapes_html(store: ProfileStore) -> None:
    store.save_sign_in(*new_sign_in(team_name="<script>alert(1)</script>"))
    (store.home / "profiles" / "bad.json").write_text("{")
    table = stt.profiles()
    assert [row.name for row in table] == ["acme", "bad"]
    assert table[0].state == "good" and table[1].state == "unreadable"
    assert CANARY not in repr(table) + table._repr_html_() + repr(list(table))
    assert "xoxp-…cdef" in repr(table)
    assert "<script>" not in table._repr_html_()


# ── bearer ──


def test_bearer_adds_a_fresh_token_to_each_httpx_request(store: ProfileStore, slack: PracticeSlack) -> None:
    issue_profile(store, slack)
    auth = stt.bearer("acme")
    assert auth() == stt.token("acme")
    url = f"{slack.base}/api/auth.test"
    assert httpx.post(url, auth=auth, trust_env=False).json()["user"] == "jane"
    change_profile(store, expires_at=time_from_now(seconds=5))
    assert httpx.post(url, auth=auth, trust_env=False).json()["ok"] is True
    assert slack.workspace.tokens.refreshed == 2
    assert "practice" not in repr(auth)


async def test_bearer_works_with_the_httpx_async_client(store: ProfileStore, slack: PracticeSlack) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=5))
    async with httpx.AsyncClient(auth=stt.bearer("acme"), trust_env=False) as client:
        assert (await client.post(f"{slack.base}/api/auth.test")).json()["ok"] is True


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://slack.com.evil.example/",
        "http://slack.com/api/x",
        "https://notslack.com/",
        "https://slack.com:8443/api/x",
    ],
)
def test_bearer_is_not_sent_to_other_hosts(store: ProfileStore, url: str) -> None:
    store.save_sign_in(*new_sign_in())
    request = httpx.Request("GET", url)
    with pytest.raises(ValueError, match=r"sent only to https://slack\.com"):
        stt.bearer("acme")(request)
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    "url", ["https://slack.com/api/x", "https://files.slack.com/x", "https://acme.slack.com/api/x"]
)
def test_bearer_is_sent_to_slack_hosts(store: ProfileStore, url: str) -> None:
    store.save_sign_in(*new_sign_in())
    assert stt.bearer("acme")(httpx.Request("GET", url)).headers["authorization"] == f"Bearer {CANARY}"


# ── sign-in ──


def press_button(pending: stt.PendingSignIn, decision: str = "allow") -> None:
    assert pending.url is not None
    press_consent_button(pending.url, decision)


async def test_awaited_sign_in_does_not_block_the_event_loop(app: SlackApp, slack: PracticeSlack) -> None:
    import asyncio

    pending = stt.sign_in(
        "mine",
        client_id=CLIENT_ID,
        scopes="users:read",
        slack_url=slack.base,
        redirect_uris=app.redirect_uris,
        open_browser=False,
    )
    # A task of this loop presses Allow. It would never run if the await blocked the loop.
    pressing = asyncio.ensure_future(asyncio.to_thread(press_button, pending))
    summary = await pending
    await pressing
    assert (summary.name, summary.user) == ("mine", "jane")
    assert slack.workspace.tokens.authenticate(stt.token("mine"))
    assert "practice-" not in repr(pending) + repr(summary)


def start_sign_in(app: SlackApp, slack: PracticeSlack, **more: Any) -> stt.PendingSignIn:
    return stt.sign_in(
        client_id=CLIENT_ID,
        scopes="users:read",
        slack_url=slack.base,
        redirect_uris=app.redirect_uris,
        open_browser=False,
        **more,
    )


def test_wait_returns_the_profile_or_raises_timeout_error(app: SlackApp, slack: PracticeSlack) -> None:
    pending = start_sign_in(app, slack)
    with pytest.raises(TimeoutError):
        pending.wait(0.05)
    press_button(pending)
    assert pending.wait(20).name == "acme-practice"
    assert pending.done


def test_cancel_in_the_browser_raises_sign_in_failed_with_a_code(app: SlackApp, slack: PracticeSlack) -> None:
    pending = start_sign_in(app, slack)
    press_button(pending, "cancel")
    with pytest.raises(stt.SignInFailed) as raised:
        pending.wait(20)
    assert raised.value.code == "access_denied"


def test_callback_url_can_be_pasted_or_prompted_for(
    app: SlackApp, slack: PracticeSlack, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = start_sign_in(app, slack)
    assert pending.url is not None
    with pytest.raises(ValueError, match=r"\."):
        pending.paste("https://example.com/")
    typed = iter(["nonsense", issue_callback_url(workspace, pending.url)])
    monkeypatch.setattr("builtins.input", lambda _: next(typed))
    assert pending.ask().name == "acme-practice"


def test_canceled_sign_in_closes_its_port(app: SlackApp, slack: PracticeSlack) -> None:
    pending = start_sign_in(app, slack)
    assert is_port_open(get_port(app.redirect_uris[0]))
    pending.cancel()
    assert not is_port_open(get_port(app.redirect_uris[0]))
    with pytest.raises(stt.SignInFailed, match="sign_in_stopped"):
        pending.wait(5)


def test_import_is_lazy_and_a_valid_token_loads_few_modules(
    store: ProfileStore, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(*new_sign_in())
    program = (
        "import sys, slack_token_tui as stt\n"
        "assert {n for n in sys.modules if n.startswith('slack_token_tui.')} == set()\n"
        "stt.token('acme')\n"
        "assert not {'httpx', 'textual', 'asyncio', 'ssl', 'filelock', 'IPython'} & set(sys.modules)\n"
        "assert 'sign_in' in dir(stt)\n"
    )
    done = run_python(program, env=child_environment)
    assert done.returncode == 0, done.stderr


INTERRUPTED_PROGRAM = """
import os, signal, sys, threading, time
import slack_token_tui as stt
threading.Thread(target=lambda: (sys.stdin.readline(), os.kill(os.getpid(), signal.SIGINT)), daemon=True).start()
try:
    stt.token("acme")
except KeyboardInterrupt:
    print("interrupted")
"""


def test_keyboard_interrupt_does_not_stop_a_running_refresh(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    slack.workspace.tokens.grace_seconds = 0
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    slack.workspace.faults.append("late:5")
    cell = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED_PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_environment,
        text=True,
    )
    assert cell.stdin is not None
    assert wait_until(lambda: slack.workspace.tokens.refreshed)
    said, _ = cell.communicate("now\n", timeout=30)
    assert said == "interrupted\n"
    assert slack.workspace.tokens.authenticate(stt.token("acme"))
    assert (slack.workspace.tokens.refreshed, slack.workspace.tokens.reused) == (1, 0)


def test_empty_profile_name_does_not_select_the_default(store: ProfileStore) -> None:
    """``token(os.environ.get("TEAM", ""))`` must not give the token of another workspace."""
    store.save_sign_in(*new_sign_in())
    assert stt.token() == CANARY
    with pytest.raises(stt.NoSuchProfile):
        stt.token("")


async def test_canceled_await_ends_the_sign_in_and_frees_the_port(store: ProfileStore, app: SlackApp) -> None:
    pending = stt.sign_in(
        client_id=CLIENT_ID, slack_url=app.endpoints.base, redirect_uris=app.redirect_uris, open_browser=False
    )
    assert pending.url is not None
    port = get_port(app.redirect_uris[0])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pending, 0.05)
    assert await asyncio.to_thread(wait_until, lambda: not is_port_open(port))


def test_script_is_told_the_link_and_the_saved_profile_name(
    store: ProfileStore, app: SlackApp, slack: PracticeSlack, capsys: pytest.CaptureFixture[str]
) -> None:
    for wished in ("mine", "other"):
        pending = stt.sign_in(
            wished, client_id=CLIENT_ID, slack_url=slack.base, redirect_uris=app.redirect_uris, open_browser=False
        )
        assert f"Open this link and click Allow: {pending.url}" in capsys.readouterr().err
        simulate_browser(str(pending.url))
        assert pending.wait(30).name == "mine"
    assert "saved as mine, not as other, because this account was already saved" in repr(pending)


def test_ask_waits_for_the_browser_when_input_is_closed(
    store: ProfileStore, app: SlackApp, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end_input(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", end_input)
    pending = stt.sign_in(
        client_id=CLIENT_ID, slack_url=slack.base, redirect_uris=app.redirect_uris, open_browser=False
    )
    press_consent_button(pending.url)
    assert pending.ask().name == "acme-practice"
