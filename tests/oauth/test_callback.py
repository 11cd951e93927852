"""Checking callback URLs that a listener received or a person pasted."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slack_token_tui.oauth.callback import (
    AuthorizationCode,
    AuthorizationError,
    CallbackRejected,
    check_callback,
    check_pasted,
)
from slack_token_tui.oauth.request import AuthorizationRequest, Pkce
from slack_token_tui.problems import Problem
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.apps import SlackApp

REDIRECT = "http://localhost:28417/callback"
STATE = "canary-state-0123456789-0123456789-0123456789"
REQUEST = AuthorizationRequest(
    "1.2", Endpoints(), ("users:read",), REDIRECT, Secret(STATE), Pkce(Secret("canary"), "c")
)
CONFIDENTIAL = AuthorizationRequest.create(
    SlackApp("1.2", client_secret=Secret("canary")), ("users:read",), "https://example.com/cb"
)


def get_rejection(query: str, **kwargs: bool) -> str:
    with pytest.raises(CallbackRejected) as caught:
        check_callback(query, REQUEST)
    return caught.value.code


def test_matching_state_and_code_are_accepted() -> None:
    assert check_callback(f"code=canary-code&state={STATE}&unknown=1", REQUEST) == AuthorizationCode(
        Secret("canary-code")
    )


def test_error_requires_a_matching_state() -> None:
    assert check_callback(f"error=access_denied&state={STATE}", REQUEST) == AuthorizationError("access_denied")
    assert get_rejection("error=access_denied") == "state_missing"
    assert get_rejection("error=access_denied&state=wrong") == "state_mismatch"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "state_missing"),
        ("code=a", "state_missing"),
        ("code=a&state=", "state_missing"),
        ("code=a&state=wrong", "state_mismatch"),
        (f"code=a&code=b&state={STATE}", "parameter_doubled"),
        (f"code=a&state={STATE}&state={STATE}", "parameter_doubled"),
        (f"code=a&error=b&state={STATE}", "parameter_doubled"),
        (f"state={STATE}", "callback_empty"),
        (f"code=&state={STATE}", "callback_empty"),
        (f"code=%ff&state={STATE}", "callback_unreadable"),
        ("&".join(f"a{n}=1" for n in range(30)), "callback_unreadable"),
        (f"code=a&state={STATE[:-1]}é", "state_mismatch"),
        (f"code=a&state={STATE}&iss=https://evil.example", "issuer_mismatch"),
        (f"code=a&state={STATE}&iss=http://slack.com", "issuer_mismatch"),
        (f"code=a&state={STATE}&iss=https://slack.com.evil.example", "issuer_mismatch"),
        (f"code=a&state={STATE}&iss=https://slack.com/x", "issuer_mismatch"),
        (f"error=access_denied&state={STATE}&iss=https://evil.example", "issuer_mismatch"),
        (f"code=a&state={STATE}&iss=https://slack.com&iss=https://evil.example", "parameter_doubled"),
    ],
)
def test_invalid_callback_is_rejected_with_a_code(query: str, code: str) -> None:
    assert get_rejection(query) == code


@pytest.mark.parametrize("issuer", ["", "https://slack.com", "https://slack.com/", "https://mcp.slack.com"])
def test_issuer_is_the_slack_of_the_request_or_its_mcp_server(issuer: str) -> None:
    query = f"code=canary-code&state={STATE}&iss={issuer}"
    assert check_callback(query, REQUEST) == AuthorizationCode(Secret("canary-code"))


def test_description_of_an_error_is_cleaned_and_shown() -> None:
    query = f"error=server_error&error_description=Try+%1b[2Jlater{'x' * 500}&state={STATE}"
    response = check_callback(query, REQUEST)
    assert isinstance(response, AuthorizationError) and response.code == "server_error"
    assert response.description.startswith("Try") and len(response.description) <= 200
    assert "\x1b" not in response.description
    happened = Problem("server_error", description="Try later").explain().happened
    assert happened.endswith("Slack says: “Try later”")


VALID_URL = f"{REDIRECT}?code=canary-code&state={STATE}"


@pytest.mark.parametrize(
    "text",
    [
        VALID_URL,
        f"  {VALID_URL}\n",
        f"<{VALID_URL}>",
        f'"{VALID_URL}"',
        "\n".join(VALID_URL[at : at + 40] for at in range(0, len(VALID_URL), 40)),
        VALID_URL.replace("localhost", "127.0.0.1"),
        VALID_URL.replace("?", "\\?").replace("&", "\\&"),
        f"?code=canary-code&state={STATE}",
        f"code=canary-code&state={STATE}",
        VALID_URL + "#_",
        f"Safari can’t open the page “{VALID_URL}” because Safari can’t connect to the server “localhost”.",
    ],
)
def test_pasted_url_is_accepted_with_common_formatting(text: str) -> None:
    assert check_pasted(text, REQUEST) == AuthorizationCode(Secret("canary-code"))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (VALID_URL.replace("28417", "28418"), "pasted_elsewhere"),
        (VALID_URL.replace("/callback", "/other"), "pasted_elsewhere"),
        (VALID_URL.replace("localhost", "evil.example"), "pasted_elsewhere"),
        (REQUEST.url, "pasted_authorize_address"),
        (f"{REDIRECT}?code=canary-code", "state_missing"),
        ("hello there", "pasted_bare_code"),
        ("?!", "callback_unreadable"),
        ("x" * 20_000, "callback_unreadable"),
        ("canary-code", "pasted_bare_code"),
    ],
)
def test_invalid_paste_is_rejected_with_a_code(text: str, code: str) -> None:
    with pytest.raises(CallbackRejected) as caught:
        check_pasted(text, REQUEST)
    assert caught.value.code == code


def test_bare_code_needs_confirmation_and_pkce() -> None:
    assert check_pasted("canary-code", REQUEST, accept_bare_code=True) == AuthorizationCode(Secret("canary-code"))
    with pytest.raises(CallbackRejected) as caught:
        check_pasted("canary-code", CONFIDENTIAL, accept_bare_code=True)
    assert caught.value.code == "bare_code_refused"


@given(st.text(max_size=300))
def test_arbitrary_text_is_always_rejected(text: str) -> None:
    with pytest.raises(CallbackRejected):
        check_pasted(text, REQUEST)


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=20), max_size=5))
def test_query_without_the_state_is_always_rejected(fields: dict[str, str]) -> None:
    with pytest.raises(CallbackRejected):
        check_callback(urlencode(fields), REQUEST)


@pytest.mark.parametrize(
    "text",
    ["xoxp-canary-0123456789", "xoxe-1-canary", "0123456789abcdef" * 2, "2141029472.691202649728", "A012ABCD0A0"],
)
def test_token_secret_or_id_is_not_accepted_as_a_code(text: str) -> None:
    with pytest.raises(CallbackRejected) as rejected:
        check_pasted(text, REQUEST, accept_bare_code=True)
    assert rejected.value.code == "pasted_something_else"
