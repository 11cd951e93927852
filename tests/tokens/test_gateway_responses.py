"""A gateway, a portal or a proxy responds to a refresh instead of Slack: no token is lost and none is marked."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from slack_token_tui.cli.main import main
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.profile import UNCONFIRMED_REFUSAL, Profile, Tokens
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from tests.support.practice import issue_profile
from tests.support.profiles import CANARY, make_rotating_token, new_sign_in, time_from_now
from tests.support.servers import StartServer, make_http_response
from tests.support.store import change_profile, leave_journal, list_journals, read_tokens, recover_refresh

GATEWAY_RESPONSES = {
    "empty object": b"{}",
    "message": b'{"message":"Forbidden"}',
    "error without ok": b'{"error":"Not Found","status":404}',
    "portal": b'{"login_url":"https://portal.example.com","session":"1234567890"}',
    "list": b"[]",
    "null": b"null",
    "ok of another kind": b'{"ok":"yes"}',
    "page": b"<html>Sign in to the Wi-Fi</html>",
}
STATUSES = ["200 OK", "400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found"]
STATUSES += ["413 Content Too Large", "451 Unavailable For Legal Reasons", "502 Bad Gateway"]


def save_expired_profile(store: ProfileStore, slack: PracticeSlack, base: str) -> tuple[Profile, Tokens]:
    saved = issue_profile(store, slack, endpoints=Endpoints(base), expires_at=time_from_now(hours=-1))
    return saved, read_tokens(store)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("body", GATEWAY_RESPONSES)
def test_gateway_response_leaves_the_refresh_token_usable(
    store: ProfileStore, slack: PracticeSlack, start_server: StartServer, body: str, status: str
) -> None:
    server = start_server(make_http_response(GATEWAY_RESPONSES[body], status))
    before = save_expired_profile(store, slack, server.url)
    assert main(["token", "acme"]) == 75
    assert store.read_with_tokens("acme") == before, "the profile is not marked"
    assert len(list_journals(store)) == 1, "the doubt stays in the journal"
    assert len(server.requests) == 2, "one immediate retry, then it stops"


def test_next_refresh_after_a_gateway_response_succeeds(
    store: ProfileStore, slack: PracticeSlack, start_server: StartServer
) -> None:
    save_expired_profile(
        store, slack, start_server(make_http_response(b'{"message":"Forbidden"}', "403 Forbidden")).url
    )
    assert main(["refresh", "--all"]) == 75
    change_profile(store, endpoints=Endpoints(slack.base))
    assert main(["refresh", "--all"]) == 0
    assert list_journals(store) == []
    assert slack.workspace.tokens.refreshed == 1


def test_gateway_response_in_a_journal_leaves_the_refresh_unconfirmed(
    store: ProfileStore, slack: PracticeSlack
) -> None:
    before, tokens = issue_profile(store, slack), read_tokens(store)
    leave_journal(store, before, b'{"message":"Forbidden"}')
    found = recover_refresh(store)
    assert found.first_unanswered_at and not found.recovered
    assert (found.profile, found.tokens) == (before, tokens)


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found", "500 Internal Server Error"])
def test_response_with_ok_is_from_slack_regardless_of_http_status(
    store: ProfileStore, slack: PracticeSlack, start_server: StartServer, status: str
) -> None:
    server = start_server(make_http_response(b'{"ok":false,"error":"invalid_refresh_token"}', status))
    save_expired_profile(store, slack, server.url)
    assert main(["token", "acme"]) == 4
    assert store.read("acme").refresh_refused == "invalid_refresh_token"
    assert len(server.requests) == 1


def test_error_codes_used_only_by_this_program_do_not_mark_the_profile(
    store: ProfileStore, slack: PracticeSlack, start_server: StartServer, capsys: pytest.CaptureFixture[str]
) -> None:
    for code in ("token_missing", "other_account", "store_full", "unexpected", "sign_in_timed_out", "ratelimited_"):
        server = start_server(make_http_response(json.dumps({"ok": False, "error": code}).encode()))
        before = save_expired_profile(store, slack, server.url)
        assert main(["token", "acme"]) == 1, code
        assert f"Slack's code is {'' if code == 'ratelimited_' else 'slack:'}{code}" in capsys.readouterr().err
        assert store.read_with_tokens("acme") == before
        store.path("acme").unlink()


# ── profiles that version 0.1.0 marked ──


def save_profile_marked_by_old_version(store: ProfileStore, slack: PracticeSlack, answer: bytes | None) -> Profile:
    profile = issue_profile(
        store,
        slack,
        expires_at=time_from_now(hours=-1),
        refresh_refused=UNCONFIRMED_REFUSAL,
        refresh_refused_at=time_from_now(hours=-1),
    )
    if answer is not None:
        (store.home / "quarantine").mkdir(mode=0o700)
        path = store.home / "quarantine" / f"acme.{profile.id}.20261101T030000Z.answer"
        path.write_bytes(answer)
        path.chmod(0o600)
    return profile


@pytest.mark.parametrize("answer", [b'{"message":"Forbidden"}', b"{}", None])
@pytest.mark.parametrize("command", ["token acme", "refresh acme", "refresh --all"])
def test_profile_marked_by_the_old_version_recovers_on_the_next_refresh(
    store: ProfileStore, slack: PracticeSlack, command: str, answer: bytes | None
) -> None:
    save_profile_marked_by_old_version(store, slack, answer)
    assert main(command.split()) == 0
    after, tokens = store.read_with_tokens("acme")
    assert after.refresh_refused is None
    assert slack.workspace.tokens.authenticate(tokens.access_token.reveal())
    assert slack.workspace.tokens.refreshed == 1


def test_old_mark_caused_by_a_slack_response_stays_without_a_request(store: ProfileStore, slack: PracticeSlack) -> None:
    save_profile_marked_by_old_version(store, slack, b'{"ok":true,"access_token":""}')
    assert main(["token", "acme"]) == 4
    assert store.read("acme").refresh_refused == "refresh_response_unusable"
    assert main(["refresh", "--all"]) == 4
    assert slack.workspace.calls["/api/oauth.v2.user.access"] == 0


# ── responses without an identity ──


@pytest.fixture
def slack_without_identity(slack: PracticeSlack) -> PracticeSlack:
    """Return a practice Slack whose response to a refresh has no user and no workspace."""
    refresh_answer = slack.workspace.refresh

    def refresh_without_identity(*arguments: object) -> dict[str, object]:
        whole = refresh_answer(*arguments)  # type: ignore[arg-type]
        return {key: value for key, value in whole.items() if key not in ("user_id", "team", "authed_user")}

    slack.workspace.refresh = refresh_without_identity  # type: ignore[method-assign]
    return slack


def test_refresh_response_without_an_account_is_verified_with_slack(
    store: ProfileStore, slack_without_identity: PracticeSlack
) -> None:
    before = issue_profile(store, slack_without_identity)
    assert refresh_in_process(store, "acme").refreshed
    assert slack_without_identity.workspace.calls["/api/auth.test"] == 1
    assert store.read("acme").verified_at == before.verified_at


def test_refresh_response_verified_as_another_account_is_quarantined(
    store: ProfileStore, slack_without_identity: PracticeSlack
) -> None:
    before = issue_profile(store, slack_without_identity, user_id="U0OTHER")
    tokens = read_tokens(store)
    assert before.user_id != slack_without_identity.workspace.people[0].id
    problem = refresh_in_process(store, "acme").problem
    assert problem and problem.code == "refresh_response_unusable"
    assert read_tokens(store) == tokens
    assert len(list(Path(store.home / "quarantine").iterdir())) == 1


def test_refresh_response_that_cannot_be_verified_is_saved_as_unverified(
    store: ProfileStore, slack_without_identity: PracticeSlack
) -> None:
    issue_profile(store, slack_without_identity)
    slack_without_identity.workspace.verify_error = "internal_error"
    assert refresh_in_process(store, "acme").refreshed
    after = store.read("acme")
    assert after.verified_at is None and after.generation == 1


# ── without a response from Slack: try again later ──

FAILED_RESPONSES = {
    "a broken connection": b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
    "nothing": b"",
    "a page": make_http_response(b"<html>Sign in to the Wi-Fi</html>"),
    "a gateway": make_http_response(b'{"message":"Forbidden"}', "403 Forbidden"),
    "a redirect": make_http_response(b"", "302 Found", "Location: https://portal.example.com/"),
    "an outage": make_http_response(b"", "503 Service Unavailable"),
    "a limit": make_http_response(b"", "429 Too Many Requests", "Retry-After: 1"),
}


@pytest.mark.parametrize("answer", FAILED_RESPONSES)
def test_verify_without_a_slack_response_exits_75(store: ProfileStore, start_server: StartServer, answer: str) -> None:
    new, tokens = new_sign_in(endpoints=Endpoints(start_server(FAILED_RESPONSES[answer]).url))
    before = store.save_sign_in(new, tokens).profile, tokens
    assert main(["verify", "acme"]) == 75
    assert store.read_with_tokens("acme") == before


@pytest.mark.parametrize("answer", FAILED_RESPONSES)
def test_import_without_a_slack_response_exits_75(
    start_server: StartServer, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(CANARY))
    assert main(["import", "acme", "--slack-url", start_server(FAILED_RESPONSES[answer]).url]) == 75


# ── responses with tokens that cannot be read ──


def read_quarantine(store: ProfileStore) -> str:
    return "".join(path.read_text() for path in (store.home / "quarantine").glob("*"))


def test_truncated_response_with_tokens_is_quarantined_before_the_retry(
    store: ProfileStore, slack: PracticeSlack
) -> None:
    issue_profile(store, slack)
    slack.workspace.tokens.grace_seconds = 0
    slack.workspace.faults.append("half")
    problem = refresh_in_process(store, "acme").problem
    assert problem and problem.code == "refresh_interrupted"
    assert "xoxe.xoxp-" in read_quarantine(store)


def test_unreadable_response_in_a_journal_is_quarantined_before_the_next_request(
    store: ProfileStore, slack: PracticeSlack
) -> None:
    before = issue_profile(store, slack)
    response = json.dumps({"ok": True, "access_token": make_rotating_token("canary-cut-0000")})
    leave_journal(store, before, response.encode()[:-1])
    assert refresh_in_process(store, "acme").refreshed
    assert "canary-cut-0000" in read_quarantine(store)


@pytest.mark.parametrize("status", ["404 Not Found", "503 Service Unavailable", "200 OK"])
def test_large_page_with_an_example_token_does_not_mark_the_profile(
    store: ProfileStore, slack: PracticeSlack, start_server: StartServer, status: str
) -> None:
    page = b"<html>curl -H 'Authorization: Bearer " + CANARY.encode() + b"'" + b" " * 70_000
    before = save_expired_profile(store, slack, start_server(make_http_response(page, status)).url)
    assert main(["token", "acme"]) == 75
    assert store.read_with_tokens("acme") == before
