"""Finishes what an earlier refresh left unfinished: whoever takes a profile's lock next does it first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from slack_token_tui.secret import Secret
from slack_token_tui.slack.errors import RateLimited, SlackError, SlackRefused, TokenUnusable
from slack_token_tui.slack.responses import TokenResponse, parse_body, parse_grant
from slack_token_tui.store import keyring
from slack_token_tui.store.atomic_file import StoreError, read_own
from slack_token_tui.store.profile import MARKED_UNCHECKED, RESPONSE_UNUSABLE, Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.quarantine import Quarantined, quarantine, quarantine_in_keyring
from slack_token_tui.tokens.journal import Journal, Unfinished, digest_of

_LARGEST_RESPONSE_BYTES = 128 * 1024
_SAVE_AGAIN_SECONDS = 5.0
_SAVE_PAUSE_SECONDS = 0.25
MAY_BE_DONE_ALL_THE_SAME = frozenset({"internal_error", "fatal_error", "request_timeout", "service_unavailable"})
"""Refusals after which Slack may have done what it was asked for, or may do it another time."""
_NEVER_REACHED_SLACK = frozenset({"ratelimited", "proxy_sign_in_required"})


@dataclass(frozen=True)
class Recovered:
    """A profile as it stands after its journal was read.

    Attributes:
        profile: as :meth:`ProfileStore.read` gives it, or with its tokens where they were needed.
        finished: whether an answer was found and saved.
        doubted_at: when a request went out whose answer never came, if its refresh token is still the current one.
    """

    profile: Profile
    finished: bool = False
    doubted_at: datetime | None = None


def journal_of(store: ProfileStore, profile: Profile) -> Journal:
    """Return the journal of ``profile``."""
    return Journal(store.home, profile.id, in_keyring=profile.in_keyring)


def recover(store: ProfileStore, name: str) -> Recovered:
    """Read profile ``name`` and finish its unfinished refresh. The caller holds its lock.

    Raises:
        FileNotFoundError, ProfileFileError: as :meth:`ProfileStore.read`.
        StoreError: the answer that was found could not be saved, or the keyring could not be asked. It is kept.
    """
    stored = store.read(name)
    journal = journal_of(store, stored)
    if not journal.is_there:
        return _checked_mark(store, stored)
    profile = store.with_tokens(stored)
    unfinished = journal.read(digest_of(profile.refresh_token)) if profile.refresh_token else None
    if unfinished is None:
        journal.remove()  # nothing was sent, or the profile has moved on
        return Recovered(profile)
    if unfinished.answer is None:
        return Recovered(profile, doubted_at=unfinished.intent.doubted_at or unfinished.intent.sent_at)
    try:
        grant = grant_in(profile, unfinished.answer)
    except SlackError as error:
        if isinstance(error, TokenUnusable):
            return Recovered(set_aside(store, profile, unfinished.answer, journal))
        if may_have_rotated(error):
            return Recovered(profile, doubted_at=unfinished.intent.doubted_at or unfinished.intent.sent_at)
        if unfinished.intent.doubted_at is None:
            journal.remove()  # a plain no, and asking again says it again
        return Recovered(profile, doubted_at=unfinished.intent.doubted_at)
    return Recovered(conclude(store, profile, grant, unfinished, journal), finished=True)


def _checked_mark(store: ProfileStore, profile: Profile) -> Recovered:
    """Judge a mark of version 0.1.0 by the response it was set for: it counts only if Slack sent that response."""
    if profile.refresh_refused != MARKED_UNCHECKED:
        return Recovered(profile)
    for response in _responses_set_aside(store, profile):
        try:
            grant_in(profile, response)
        except TokenUnusable:
            marked = replace(profile, refresh_refused=RESPONSE_UNUSABLE)
            store.write(marked)
            return Recovered(marked)
        except SlackError:
            continue
    return Recovered(profile, doubted_at=profile.refresh_refused_at)


def _responses_set_aside(store: ProfileStore, profile: Profile) -> Iterator[bytes]:
    for path in sorted((store.home / "quarantine").glob(f"*.{profile.id}.*.answer")):
        with suppress(OSError):
            yield read_own(path, _LARGEST_RESPONSE_BYTES)
    if profile.in_keyring and (kept := keyring.get_text(_unusable_item(profile))):
        yield kept.reveal().encode("latin-1")


def grant_in(profile: Profile, answer: bytes) -> TokenResponse:
    """Return the grant in ``answer`` to a refresh of ``profile``.

    Raises:
        SlackRefused: Slack said no.
        AnswerUnusable: Slack did not send it.
        TokenUnusable: Slack issued a token that cannot be used, or another account's.
    """
    grant = parse_grant(parse_body(answer))
    if not profile.is_same_grant(grant):
        raise TokenUnusable("other_account")
    return grant


def conclude(
    store: ProfileStore, profile: Profile, grant: TokenResponse, unfinished: Unfinished, journal: Journal
) -> Profile:
    """Save ``profile`` with its new tokens, then forget the journal.

    Raises:
        StoreError: it could not be saved for five seconds. The journal keeps the answer.
    """
    renewed = profile.refreshed(grant, unfinished.intent.sent_at, unfinished.intent.pair)
    deadline = time.monotonic() + _SAVE_AGAIN_SECONDS
    while True:
        try:
            store.write(renewed, profile)
            break
        except StoreError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_SAVE_PAUSE_SECONDS)
    journal.remove()
    return renewed


def set_aside(store: ProfileStore, profile: Profile, answer: bytes, journal: Journal) -> Profile:
    """Keep an answer that cannot be used: it may hold a living token. Mark the profile.

    Raises:
        StoreError: it could not be kept there; the journal keeps it.
    """
    quarantine_response(store, profile, Secret(answer.decode("latin-1")))
    marked = profile.not_renewable(RESPONSE_UNUSABLE, datetime.now(UTC))
    store.write(marked)
    journal.remove()
    return marked


def quarantine_response(store: ProfileStore, profile: Profile, response: Secret) -> Quarantined:
    """Save a response to a refresh of ``profile`` that cannot be used, where its tokens are saved.

    Raises:
        StoreError: it cannot be saved.
    """
    if profile.in_keyring:
        return quarantine_in_keyring(_unusable_item(profile), response)
    return quarantine(store.home, f"{profile.name}.{profile.id}", response)


def answers_set_aside(store: ProfileStore, profile: Profile) -> tuple[str, ...]:
    """Return where unusable answers for ``profile`` are, under whatever name it had: files, or an item of the keyring."""
    files = sorted((store.home / "quarantine").glob(f"*.{profile.id}.*.answer"))
    item = _unusable_item(profile)
    in_keyring = profile.in_keyring and keyring.has_text(item)
    found = [Quarantined(path) for path in files] + ([Quarantined(item=item)] if in_keyring else [])
    return tuple(map(str, found))


def _unusable_item(profile: Profile) -> str:
    return f"{profile.id}.unusable"


def may_have_rotated(error: SlackError) -> bool:
    """Tell whether Slack may have rotated although ``error`` came back to a refresh that was sent."""
    if isinstance(error, RateLimited) or error.code in _NEVER_REACHED_SLACK:
        return False
    if isinstance(error, SlackRefused):
        return error.code in MAY_BE_DONE_ALL_THE_SAME
    return not isinstance(error, TokenUnusable)
