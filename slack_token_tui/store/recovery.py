"""Recover an interrupted refresh from its journal. The next process to acquire the profile's lock does this first."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

from slack_token_tui.secret import Secret
from slack_token_tui.slack.errors import AMBIGUOUS_REFUSALS, RateLimited, SlackError, SlackRefused, UnusableToken
from slack_token_tui.slack.responses import TokenResponse, parse_body, parse_token_response
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.journal import RefreshIntent, token_digest
from slack_token_tui.store.locked_profile import LockedProfile
from slack_token_tui.store.profile import RESPONSE_UNUSABLE, UNCONFIRMED_REFUSAL, Profile
from slack_token_tui.store.quarantine import list_quarantined, quarantine

SAVE_RETRY_SECONDS = 5.0
_SAVE_PAUSE_SECONDS = 0.25
_NEVER_REACHED_SLACK = frozenset({"ratelimited", "proxy_sign_in_required"})


def recover(locked: LockedProfile) -> None:
    """Finish the interrupted refresh of a profile, if there is one. The result is in the attributes of ``locked``.

    Raises:
        StorageError: the recovered response could not be saved, or the keyring could not be read. The journal is left
            as it is.
    """
    journal = locked.journal
    if not journal.exists:
        _confirm_refusal(locked)
        return
    refresh_token = locked.tokens.refresh_token
    unfinished = journal.read(token_digest(refresh_token)) if refresh_token else None
    if unfinished is None:
        journal.remove()  # nothing was sent, or the refresh token has changed since
        return
    first_sent_at = unfinished.intent.first_unanswered_at or unfinished.intent.sent_at
    if unfinished.response is None:
        locked.first_unanswered_at = first_sent_at
        return
    try:
        token_response = parse_refresh_response(locked.profile, unfinished.response)
    except SlackError as error:
        if isinstance(error, UnusableToken):
            quarantine_and_mark(locked, unfinished.response)
        elif may_have_rotated(error):
            locked.first_unanswered_at = first_sent_at
        elif unfinished.intent.first_unanswered_at is None:
            journal.remove()  # a definite refusal: Slack would refuse the same request again
        else:
            locked.first_unanswered_at = unfinished.intent.first_unanswered_at
        return
    save_refreshed(locked, token_response, unfinished.intent)
    locked.recovered = True


def _confirm_refusal(locked: LockedProfile) -> None:
    """Check a refusal that version 0.1.0 recorded against its response. It counts only if Slack sent that response."""
    profile = locked.profile
    if profile.refresh_refused != UNCONFIRMED_REFUSAL:
        return
    for quarantined in list_quarantined(locked.home, profile.id, in_keyring=profile.in_keyring):
        try:
            parse_refresh_response(profile, quarantined.read())
        except UnusableToken:
            locked.save(replace(profile, refresh_refused=RESPONSE_UNUSABLE))
            return
        except SlackError:
            continue
    locked.first_unanswered_at = profile.refresh_refused_at


def parse_refresh_response(profile: Profile, body: bytes) -> TokenResponse:
    """Return the parsed token response to a refresh of ``profile``.

    Raises:
        SlackRefused: Slack refused the refresh.
        UnusableResponse: the response did not come from Slack.
        UnusableToken: Slack issued a token that can't be used, or one for another account.
    """
    token_response = parse_token_response(parse_body(body))
    if not profile.matches_account(token_response):
        raise UnusableToken("other_account")
    return token_response


def save_refreshed(locked: LockedProfile, token_response: TokenResponse, intent: RefreshIntent) -> None:
    """Save the profile with its new tokens, then delete the journal.

    Args:
        locked: the profile.
        token_response: the response to the refresh.
        intent: the request that it answers.

    Raises:
        StorageError: saving failed for five seconds. The journal still holds the response.
    """
    profile = locked.profile.with_token_response(token_response, intent.sent_at, intent.variant)
    tokens = locked.tokens.refreshed(token_response)
    deadline = time.monotonic() + SAVE_RETRY_SECONDS
    while True:
        try:
            locked.save(profile, tokens)
            break
        except StorageError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_SAVE_PAUSE_SECONDS)
    locked.journal.remove()


def quarantine_and_mark(locked: LockedProfile, body: bytes) -> None:
    """Quarantine an unusable response, which may hold a valid token, and mark the profile.

    Raises:
        StorageError: the response or the profile could not be saved. The journal still holds the response.
    """
    quarantine_response(locked, Secret(body.decode("latin-1")))
    locked.save(locked.profile.with_refresh_refused(RESPONSE_UNUSABLE, datetime.now(UTC)))
    locked.journal.remove()


def quarantine_response(locked: LockedProfile, response: Secret) -> None:
    """Save an unusable response to a refresh. It is found by the ID of the profile, also after a rename.

    Raises:
        StorageError: the response could not be saved anywhere.
    """
    profile = locked.profile
    name = profile.id if profile.in_keyring else f"{profile.name}.{profile.id}"
    quarantine(locked.home, name, response, in_keyring=profile.in_keyring)


def may_have_rotated(error: SlackError) -> bool:
    """Return whether Slack may have rotated the refresh token even though the request failed with ``error``."""
    if isinstance(error, RateLimited) or error.code in _NEVER_REACHED_SLACK:
        return False
    if isinstance(error, SlackRefused):
        return error.code in AMBIGUOUS_REFUSALS
    return not isinstance(error, UnusableToken)
