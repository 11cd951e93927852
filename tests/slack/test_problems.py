"""The catalog of errors is complete: every documented code has an entry, and every entry says what to do."""

from __future__ import annotations

import re

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
    "invalid_cursor",
    "invalid_limit",
    "missing_resource",
    "unknown_error",
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
ACTIONS = {"again", "change_app", "copy_redirect", "open_settings", "other_pair", "paste"}
AVOIDED = re.compile(
    r"""(?ix)
    \b( renew\w* | keeps? (?<!--keep) | kept | (?<!ip\ )address(es)? (?!\ bar) | die[sd]? | dead | living | works\ until
      | go(es)?\ on | somebody | nobody | someone | whoever | anew | once\ more | all\ the\ same | mend | misspelt | cancelled  # codespell:ignore cancelled
      | administrators? | \w*organis\w* | \w*authoris\w* | small\ letters | press(ed)?\ allow | (on|in|of)\ its\ own
      | known\ here | distribution )\b
    | [;“”‘’]
    """
)
"""Words that the catalog doesn't use, mostly because another word has the same meaning. Some have a good use elsewhere."""


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


@pytest.mark.parametrize("code", list_codes())
def test_every_entry_is_short_and_in_plain_english(code: str) -> None:
    names = "client_id detail file holders host lacking name needed provided proxy proxy_variable scopes token_location"
    explanation = explain(code, dict.fromkeys(names.split(), "X"))
    assert len(explanation.title.split()) <= 8
    assert re.search(r"[\w)]$", explanation.title), "a title has no final period"
    sentences = re.split(r"(?<=[.?]) ", explanation.happened.removesuffix(" X"))
    assert explanation.happened.removesuffix(" X").endswith((".", "?"))
    assert len(sentences) <= 2 and all(len(sentence.split()) <= 20 for sentence in sentences)
    assert len(explanation.causes) <= 3
    assert all(len(step.split()) <= 16 for step in explanation.remedies)
    parts = [explanation.title, explanation.happened, *explanation.remedies, *explanation.causes]
    assert not [(part, found.group()) for part in parts if (found := AVOIDED.search(part))]
    assert not [part for part in (*explanation.remedies, *explanation.causes) if part.endswith(".")]


@pytest.mark.parametrize("code", list_codes())
def test_an_action_belongs_to_one_step(code: str) -> None:
    explanation = explain(code)
    keys = [step.action for step in explanation.steps if step.action is not None]
    assert set(explanation.actions) <= ACTIONS
    assert len(keys) == len(set(keys))
    assert keys == list(explanation.actions[: len(keys)]), "actions of steps come first"


def test_real_texts_of_pages_and_browsers_are_recorded() -> None:
    recorded = " ".join(explain(code).browser_says or "" for code in list_codes())
    for text in (
        "redirect_uri did not match any configured URIs. Passed URI:",
        "Invalid client_id parameter",
        "Please specify client_id",
        "This app is requesting more permissions than what your Org Admin has granted",
        "Only workspace owners can install",
        "localhost refused to connect.",
        "ERR_CONNECTION_REFUSED",
        "ERR_SSL_PROTOCOL_ERROR",
        "Safari can’t connect to the server",
        "App is not enabled for Slack MCP server access",
    ):
        assert text in recorded


def test_facts_are_filled_into_the_explanation() -> None:
    explanation = explain("bad_redirect_uri", {"redirect_uri": "http://localhost:28418/callback"})
    assert any("http://localhost:28418/callback" in remedy for remedy in explanation.remedies)


def test_unknown_code_is_shown_sanitized() -> None:
    assert "brand_new" in explain("brand_new").happened
    assert "\x1b" not in explain("bad\x1b[2J").happened


def test_browser_errors_start_with_the_most_common() -> None:
    assert list_codes(in_order=True)[0] == "bad_redirect_uri"
    assert explain("bad_redirect_uri").browser_says
