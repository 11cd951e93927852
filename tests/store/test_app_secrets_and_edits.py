"""An app belongs to one Slack: its secret goes nowhere else, and no sign-in undoes what a person changed in it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from slack_token_tui.oauth.resolve_app import resolve_app
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import SLACK, Endpoints
from slack_token_tui.store.apps import SlackApp, forget_app, list_apps, parse_redirect_uri, read_app, save_app
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from tests.support.practice import issue_profile
from tests.support.profiles import URL_CREDENTIALS, new_sign_in, time_from_now
from tests.support.sessions import create_session, wait_for_state

SECRET = Secret("canary-client-secret")
HTTPS_REDIRECTS = ("https://tokens.example/done",)


def test_client_secret_is_never_sent_to_another_slack(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = issue_profile(store, slack)
    save_app(store.home, SlackApp(old.client_id, Endpoints(SLACK), HTTPS_REDIRECTS, client_secret=SECRET))
    sent: list[object] = []
    answer = slack.workspace.refresh

    def record_credentials(pair: str, form: dict[str, str], basic: tuple[str, str] | None) -> dict[str, object]:
        sent.append(basic)
        return answer(pair, form, basic)

    monkeypatch.setattr(slack.workspace, "refresh", record_credentials)
    assert refresh_in_process(store, "acme").refreshed
    assert sent == [None]


def test_sign_in_at_another_slack_omits_the_client_secret(store: ProfileStore, slack: PracticeSlack) -> None:
    store.check_writable()
    save_app(store.home, SlackApp("1.1", Endpoints(SLACK), HTTPS_REDIRECTS, client_secret=SECRET))
    app, _ = resolve_app(store, client_id="1.1", slack_url=slack.base)
    assert (app.endpoints.base, app.is_confidential) == (slack.base, False)
    app, _ = resolve_app(store, client_id="1.1")
    assert app.is_confidential


def test_repeated_sign_in_uses_the_slack_url_of_the_profile(store: ProfileStore, slack: PracticeSlack) -> None:
    store.save_sign_in(*new_sign_in(client_id="1.1", endpoints=Endpoints(slack.base)))
    save_app(store.home, SlackApp("1.1", Endpoints(SLACK)))
    app, _ = resolve_app(store, name="acme")
    assert app.endpoints.base == slack.base


async def test_app_edits_during_a_sign_in_are_preserved(app: SlackApp, store: ProfileStore) -> None:
    store.check_writable()
    save_app(store.home, replace(app, name="old"))
    session = create_session(app, store, scopes=("users:read",))
    running = asyncio.create_task(session.run())
    url = str((await wait_for_state(session, lambda state: state.url)).url)
    edited = replace(app, name="new", browser="firefox %s", registered_scopes=("users:read", "chat:write"))
    save_app(store.home, edited)
    await asyncio.to_thread(simulate_browser, url)
    await running
    saved = read_app(store.home, app.client_id)
    assert saved == replace(edited, scopes=("users:read",))


async def test_app_forgotten_during_a_sign_in_is_not_restored(app: SlackApp, store: ProfileStore) -> None:
    store.check_writable()
    save_app(store.home, app)
    session = create_session(app, store)
    running = asyncio.create_task(session.run())
    url = str((await wait_for_state(session, lambda state: state.url)).url)
    forget_app(store.home, app)
    await asyncio.to_thread(simulate_browser, url)
    await running
    assert read_app(store.home, app.client_id) is None


@pytest.mark.parametrize(
    "address",
    [
        "https://a.example/\x1b]0;pwned\x07",
        "https://a.example/\u202ecb",
        "http://localhost:28417/call back",
        f"http://{URL_CREDENTIALS}@localhost:28417/callback",
        "http://127.0.0.2:28417/callback",
        "http://localhost:0/callback",
    ],
)
def test_unsafe_redirect_url_is_rejected(address: str) -> None:
    with pytest.raises(ValueError, match=r"\."):
        parse_redirect_uri(address)


def test_app_file_with_a_different_client_id_is_ignored(store: ProfileStore) -> None:
    store.check_writable()
    save_app(store.home, SlackApp("1.1", redirect_uris=HTTPS_REDIRECTS, client_secret=SECRET))
    copy = store.home / "apps" / "2.2.json"
    copy.write_bytes((store.home / "apps" / "1.1.json").read_bytes())
    copy.chmod(0o600)
    assert read_app(store.home, "2.2") is None
    assert [app.client_id for app in list_apps(store.home)] == ["1.1"]


def test_refresh_reports_an_unusable_app_file_when_it_needs_the_secret(
    store: ProfileStore, slack: PracticeSlack
) -> None:
    slack.workspace.apps[0].pkce_enabled = False
    old = issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    save_app(store.home, SlackApp(old.client_id, old.endpoints, HTTPS_REDIRECTS, client_secret=SECRET))
    path = store.home / "apps" / f"{old.client_id}.json"
    path.chmod(0o644)
    problem = refresh_in_process(store, "acme").problem
    assert problem is not None
    assert (problem.code, problem.facts["file"]) == ("app_unreadable", str(path))
    assert json.loads(path.read_text())["client_secret"] == SECRET.reveal()
