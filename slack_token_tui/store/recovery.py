"""Recover an interrupted refresh from its journal. The next process to acquire the profile's lock does this first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from slack_token_tui.secret import Secret
from slack_token_tui.slack.errors import RateLimited, SlackError, SlackRefused, UnusableToken
from slack_token_tui.slack.responses import TokenResponse, parse_body, parse_token_response
from slack_token_tui.store import keyring
from slack_token_tui.store.atomic_file import read_own
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.journal import Journal, UnfinishedRefresh, token_digest
from slack_token_tui.store.profile import RESPONSE_UNUSABLE, UNCONFIRMED_REFUSAL, Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.quarantine import QuarantinedResponse, quarantine, quarantine_in_keyring

_MAX_RESPONSE_BYTES = 128 * 1024
_SAVE_RETRY_SECONDS = 5.0
_SAVE_PAUSE_SECONDS = 0.25
AMBIGUOUS_REFUSALS = frozenset({"internal_error", "fatal_error", "request_timeout", "service_unavailable"})
"""Slack errors after which the request may have succeeded, or may succeed if it is sent again."""
_NEVER_REACHED_SLACK = frozenset({"ratelimited", "proxy_sign_in_required"})


@dataclass(frozen=True)
class RecoveredProfile:
    """A profile after its journal was processed.

    Attributes:
        profile: as returned by :meth:`ProfileStore.read`, or with its tokens if recovery had to load them.
        finished: whether a response was found and saved.
        first_unanswered_at: when the first unanswered request was sent. None if there is none, or if its refresh token
            is no longer the current one.
    """

    profile: Profile
    finished: bool = False
    first_unanswered_at: datetime | None = None


def journal_for(store: ProfileStore, profile: Profile) -> Journal:
    """Return the journal of ``profile``."""
    return Journal(store.home, profile.id, in_keyring=profile.in_keyring)


def recover(store: ProfileStore, name: str) -> RecoveredProfile:
    """Read profile ``name`` and finish its interrupted refresh, if any. The caller must hold the profile's lock.

    Raises:
        FileNotFoundError, ProfileError: see :meth:`ProfileStore.read`.
        StorageError: the recovered response could not be saved, or the keyring could not be read. The journal is left
            as it is.
    """
    stored = store.read(name)
    journal = journal_for(store, stored)
    if not journal.exists:
        return _confirm_refusal(store, stored)
    profile = store.with_tokens(stored)
    unfinished = journal.read(token_digest(profile.refresh_token)) if profile.refresh_token else None
    if unfinished is None:
        journal.remove()  # nothing was sent, or the refresh token has changed since
        return RecoveredProfile(profile)
    if unfinished.response is None:
        return RecoveredProfile(
            profile, first_unanswered_at=unfinished.intent.first_unanswered_at or unfinished.intent.sent_at
        )
    try:
        token_response = parse_refresh_response(profile, unfinished.response)
    except SlackError as error:
        if isinstance(error, UnusableToken):
            return RecoveredProfile(quarantine_and_mark(store, profile, unfinished.response, journal))
        if may_have_rotated(error):
            return RecoveredProfile(
                profile, first_unanswered_at=unfinished.intent.first_unanswered_at or unfinished.intent.sent_at
            )
        if unfinished.intent.first_unanswered_at is None:
            journal.remove()  # a definite refusal: Slack would refuse the same request again
        return RecoveredProfile(profile, first_unanswered_at=unfinished.intent.first_unanswered_at)
    return RecoveredProfile(save_refreshed_profile(store, profile, token_response, unfinished, journal), finished=True)


def _confirm_refusal(store: ProfileStore, profile: Profile) -> RecoveredProfile:
    """Check a refusal that version 0.1.0 recorded against its response. It counts only if Slack sent that response."""
    if profile.refresh_refused != UNCONFIRMED_REFUSAL:
        return RecoveredProfile(profile)
    for response in _read_quarantined_responses(store, profile):
        try:
            parse_refresh_response(profile, response)
        except UnusableToken:
            marked = replace(profile, refresh_refused=RESPONSE_UNUSABLE)
            store.write(marked)
            return RecoveredProfile(marked)
        except SlackError:
            continue
    return RecoveredProfile(profile, first_unanswered_at=profile.refresh_refused_at)


def _read_quarantined_responses(store: ProfileStore, profile: Profile) -> Iterator[bytes]:
    for path in sorted((store.home / "quarantine").glob(f"*.{profile.id}.*.answer")):
        with suppress(OSError):
            yield read_own(path, _MAX_RESPONSE_BYTES)
    if profile.in_keyring and (saved := keyring.load_item(_quarantine_item(profile))):
        yield saved.reveal().encode("latin-1")


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


def save_refreshed_profile(
    store: ProfileStore,
    profile: Profile,
    token_response: TokenResponse,
    unfinished: UnfinishedRefresh,
    journal: Journal,
) -> Profile:
    """Save ``profile`` with its new tokens, then delete the journal.

    Raises:
        StorageError: saving failed for five seconds. The journal still holds the response.
    """
    refreshed = profile.with_token_response(token_response, unfinished.intent.sent_at, unfinished.intent.variant)
    deadline = time.monotonic() + _SAVE_RETRY_SECONDS
    while True:
        try:
            store.write(refreshed, profile)
            break
        except StorageError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_SAVE_PAUSE_SECONDS)
    journal.remove()
    return refreshed


def quarantine_and_mark(store: ProfileStore, profile: Profile, body: bytes, journal: Journal) -> Profile:
    """Quarantine an unusable response, which may hold a valid token, and mark the profile.

    Raises:
        StorageError: the response or the profile could not be saved. The journal still holds the response.
    """
    quarantine_response(store, profile, Secret(body.decode("latin-1")))
    marked = profile.with_refresh_refused(RESPONSE_UNUSABLE, datetime.now(UTC))
    store.write(marked)
    journal.remove()
    return marked


def quarantine_response(store: ProfileStore, profile: Profile, response: Secret) -> QuarantinedResponse:
    """Save an unusable response to a refresh of ``profile`` where its tokens are stored: on disk or in the keyring.

    Raises:
        StorageError: the response could not be saved.
    """
    if profile.in_keyring:
        return quarantine_in_keyring(_quarantine_item(profile), response)
    return quarantine(store.home, f"{profile.name}.{profile.id}", response)


def list_quarantined_responses(store: ProfileStore, profile: Profile) -> tuple[str, ...]:
    """Return the files and the keyring item with unusable responses for ``profile``, also from before a rename."""
    files = sorted((store.home / "quarantine").glob(f"*.{profile.id}.*.answer"))
    item = _quarantine_item(profile)
    in_keyring = profile.in_keyring and keyring.has_item(item)
    quarantined = [QuarantinedResponse(path) for path in files] + (
        [QuarantinedResponse(item=item)] if in_keyring else []
    )
    return tuple(map(str, quarantined))


def _quarantine_item(profile: Profile) -> str:
    return f"{profile.id}.unusable"


def may_have_rotated(error: SlackError) -> bool:
    """Return whether Slack may have rotated the refresh token even though the request failed with ``error``."""
    if isinstance(error, RateLimited) or error.code in _NEVER_REACHED_SLACK:
        return False
    if isinstance(error, SlackRefused):
        return error.code in AMBIGUOUS_REFUSALS
    return not isinstance(error, UnusableToken)
