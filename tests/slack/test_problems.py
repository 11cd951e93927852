"""The catalog of errors is complete: every documented code has an entry, and every entry says what to do."""

from __future__ import annotations

import pytest

from slack_token_tui.practice.workspace import CALLBACK_ERRORS, EXCHANGE_ERRORS, PAGE_ERRORS
from slack_token_tui.problems import explain, is_known, list_codes
from slack_token_tui.tui.actions import find_action

USER_ACCESS = [
    "bad_client_secret",
    "bad_redirect_uri",
    "cannot_install_an_org_installed_app",
    "invalid_client_id",
    "invalid_code",
    "invalid_grant_type",
    "invalid_refresh_token",
    "no_scopes",
    "no_user_scopes",
    "not_implemented",
    "oauth_authorization_url_mismatch",
    "preview_feature_not_available",
    "user_email_unverified",
]
V2_ACCESS = ["pkce_not_allowed", "invalid_code_verifier", "code_already_used"]
RFC_6749 = [
    "invalid_request",
    "unauthorized_client",
    "access_denied",
    "unsupported_response_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
    "invalid_client",
    "invalid_grant",
    "unsupported_grant_type",
]
COMMON = [
    "not_authed",
    "invalid_auth",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "missing_scope",
    "not_allowed_token_type",
    "no_permission",
    "team_access_not_granted",
    "access_denied",
    "accesslimited",
    "ratelimited",
    "org_login_required",
    "team_added_to_org",
    "ekm_access_denied",
    "enterprise_is_restricted",
    "two_factor_setup_required",
    "is_bot",
    "missing_post_type",
    "invalid_post_type",
    "invalid_form_data",
    "invalid_charset",
    "invalid_arguments",
    "invalid_arg_name",
    "invalid_array_arg",
    "request_timeout",
    "service_unavailable",
    "fatal_error",
    "internal_error",
    "deprecated_endpoint",
    "method_deprecated",
    "unknown_method",
    "invalid_json",
    "json_not_object",
]
OTHERS = [
    "not_bearer_token",
    "authorization_not_found",
    "invalid_token",
    "token_already_exchanged",
    "token_rotation_not_enabled",
    "team_not_found",
    "org_not_found",
    "enterprise_not_found",
    "missing_user",
    "user_not_found",
    "team_not_on_enterprise",
    "fail_to_get_teams_for_restricted_user",
]
CALLBACK = [
    "invalid_scope",
    "invalid_scope_requested",
    "unapproved_scope",
    "scope_not_allowed_on_enterprise",
    "invalid_team_for_non_distributed_app",
    "invalid_browser",
    "no_bot_scopes_requested",
    "app_approval_request_pending",
    "app_approval_request_denied",
    "app_approval_request_eligible",
]


@pytest.mark.parametrize(
    "code",
    sorted(
        {
            *USER_ACCESS,
            *V2_ACCESS,
            *RFC_6749,
            *COMMON,
            *OTHERS,
            *CALLBACK,
            *PAGE_ERRORS,
            *CALLBACK_ERRORS,
            *EXCHANGE_ERRORS,
        }
    ),
)
def test_every_documented_code_has_an_entry(code: str) -> None:
    assert is_known(code)


@pytest.mark.parametrize("code", list_codes())
def test_every_entry_says_what_happened_and_what_to_do(code: str) -> None:
    explanation = explain(code, {"redirect_uri": "http://localhost:1/x"})
    assert explanation.title
    assert explanation.happened
    assert explanation.remedies
    assert explanation.retry_sentence
    assert all(action == "paste" or find_action(action) for action in explanation.actions)
    assert "{" not in " ".join([explanation.title, explanation.happened, *explanation.remedies])


def test_facts_are_filled_into_the_explanation() -> None:
    explanation = explain("bad_redirect_uri", {"redirect_uri": "http://localhost:28418/callback"})
    assert any("http://localhost:28418/callback" in remedy for remedy in explanation.remedies)


def test_unknown_code_is_shown_sanitized() -> None:
    assert "brand_new" in explain("brand_new").happened
    assert "\x1b" not in explain("bad\x1b[2J").happened


def test_browser_errors_start_with_the_most_common() -> None:
    assert list_codes(in_order=True)[0] == "bad_redirect_uri"
    assert explain("bad_redirect_uri").browser_says
