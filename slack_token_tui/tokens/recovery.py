"""Finishes what an earlier refresh left unfinished: whoever takes a profile's lock next does it first."""

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
from slack_token_tui.store.atomic_file import StorageError, read_own
from slack_token_tui.store.profile import RESPONSE_UNUSABLE, UNCONFIRMED_REFUSAL, Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.quarantine import QuarantinedResponse, quarantine, quarantine_in_keyring
from slack_token_tui.tokens.journal import Journal, UnfinishedRefresh, token_digest

_MAX_RESPONSE_BYTES = 128 * 1024
_SAVE_RETRY_SECONDS = 5.0
_SAVE_PAUSE_SECONDS = 0.25
AMBIGUOUS_REFUSALS = frozenset({"internal_error", "fatal_error", "request_timeout", "service_unavailable"})
"""Refusals after which Slack may have done what it was asked for, or may do it another time."""
_NEVER_REACHED_SLACK = frozenset({"ratelimited", "proxy_sign_in_required"})


@dataclass(frozen=True)
class RecoveredProfile:
    """A profile as it stands after its journal was read.

    Attributes:
        profile: as :meth:`ProfileStore.read` gives it, or with its tokens where they were needed.
        finished: whether an answer was found and saved.
        first_unanswered_at: when a request went out whose answer never came, if its refresh token is still the current one.
    """

    profile: Profile
    finished: bool = False
    first_unanswered_at: datetime | None = None


def journal_for(store: ProfileStore, profile: Profile) -> Journal:
    """Return the journal of ``profile``."""
    return Journal(store.home, profile.id, in_keyring=profile.in_keyring)


def recover(store: ProfileStore, name: str) -> RecoveredProfile:
    """Read profile ``name`` and finish its unfinished refresh. The caller holds its lock.

    Raises:
        FileNotFoundError, ProfileFileError: as :meth:`ProfileStore.read`.
        StorageError: the answer that was found could not be saved, or the keyring could not be asked. It is kept.
    """
    stored = store.read(name)
    journal = journal_for(store, stored)
    if not journal.exists:
        return _confirm_refusal(store, stored)
    profile = store.with_tokens(stored)
    unfinished = journal.read(token_digest(profile.refresh_token)) if profile.refresh_token else None
    if unfinished is None:
        journal.remove()  # nothing was sent, or the profile has moved on
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
            journal.remove()  # a plain no, and asking again says it again
        return RecoveredProfile(profile, first_unanswered_at=unfinished.intent.first_unanswered_at)
    return RecoveredProfile(save_refreshed_profile(store, profile, token_response, unfinished, journal), finished=True)


def _confirm_refusal(store: ProfileStore, profile: Profile) -> RecoveredProfile:
    """Judge a mark of version 0.1.0 by the response it was set for: it counts only if Slack sent that response."""
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


def parse_refresh_response(profile: Profile, answer: bytes) -> TokenResponse:
    """Return the grant in ``answer`` to a refresh of ``profile``.

    Raises:
        SlackRefused: Slack said no.
        UnusableTokenResponse: Slack did not send it.
        UnusableToken: Slack issued a token that cannot be used, or another account's.
    """
    token_response = parse_token_response(parse_body(answer))
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
    """Save ``profile`` with its new tokens, then forget the journal.

    Raises:
        StorageError: it could not be saved for five seconds. The journal keeps the answer.
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


def quarantine_and_mark(store: ProfileStore, profile: Profile, answer: bytes, journal: Journal) -> Profile:
    """Keep an answer that cannot be used: it may hold a living token. Mark the profile.

    Raises:
        StorageError: it could not be kept there; the journal keeps it.
    """
    quarantine_response(store, profile, Secret(answer.decode("latin-1")))
    marked = profile.with_refresh_refused(RESPONSE_UNUSABLE, datetime.now(UTC))
    store.write(marked)
    journal.remove()
    return marked


def quarantine_response(store: ProfileStore, profile: Profile, response: Secret) -> QuarantinedResponse:
    """Save a response to a refresh of ``profile`` that cannot be used, where its tokens are saved.

    Raises:
        StorageError: it cannot be saved.
    """
    if profile.in_keyring:
        return quarantine_in_keyring(_quarantine_item(profile), response)
    return quarantine(store.home, f"{profile.name}.{profile.id}", response)


def list_quarantined_responses(store: ProfileStore, profile: Profile) -> tuple[str, ...]:
    """Return where unusable answers for ``profile`` are, under whatever name it had: files, or an item of the keyring."""
    files = sorted((store.home / "quarantine").glob(f"*.{profile.id}.*.answer"))
    item = _quarantine_item(profile)
    in_keyring = profile.in_keyring and keyring.has_item(item)
    found = [QuarantinedResponse(path) for path in files] + ([QuarantinedResponse(item=item)] if in_keyring else [])
    return tuple(map(str, found))


def _quarantine_item(profile: Profile) -> str:
    return f"{profile.id}.unusable"


def may_have_rotated(error: SlackError) -> bool:
    """Tell whether Slack may have rotated although ``error`` came back to a refresh that was sent."""
    if isinstance(error, RateLimited) or error.code in _NEVER_REACHED_SLACK:
        return False
    if isinstance(error, SlackRefused):
        return error.code in AMBIGUOUS_REFUSALS
    return not isinstance(error, UnusableToken)
