"""Finishes what an earlier refresh left unfinished: whoever takes a profile's lock next does it first."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from slack_token_tui.keeping.files import StoreError
from slack_token_tui.keeping.journal import Journal, Unfinished, digest_of
from slack_token_tui.keeping.profile import Profile
from slack_token_tui.keeping.store import ProfileStore
from slack_token_tui.slack.answers import Grant, parse_body, parse_grant
from slack_token_tui.slack.errors import AnswerUnusable, SlackRefused

_SAVE_AGAIN_SECONDS = 5.0
_SAVE_PAUSE_SECONDS = 0.25
SPENT_AND_USELESS = frozenset(
    {"token_missing", "token_is_bot", "tokens_differ", "token_malformed", "token_type_unknown", "other_account"}
)
"""Slack said yes, and what came cannot be used: the refresh token is gone all the same."""


@dataclass(frozen=True)
class Recovered:
    """A profile as it stands after its journal was read.

    Attributes:
        profile: with its tokens.
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
        return Recovered(store.with_tokens(stored))
    profile = store.with_tokens(stored)
    unfinished = journal.read()
    if (
        unfinished is None
        or profile.refresh_token is None
        or unfinished.intent.digest != digest_of(profile.refresh_token)
    ):
        journal.remove()  # nothing was sent, or the profile has moved on
        return Recovered(profile)
    if unfinished.answer is None:
        return Recovered(profile, doubted_at=unfinished.intent.doubted_at or unfinished.intent.sent_at)
    try:
        grant = grant_in(profile, unfinished.answer)
    except SlackRefused:
        journal.remove()  # nobody knows what it led to; asking again says it again
        return Recovered(profile)
    except AnswerUnusable as error:
        if error.code in SPENT_AND_USELESS:
            return Recovered(set_aside(store, profile, journal))
        return Recovered(profile, doubted_at=unfinished.intent.doubted_at or unfinished.intent.sent_at)
    return Recovered(conclude(store, profile, grant, unfinished, journal), finished=True)


def grant_in(profile: Profile, answer: bytes) -> Grant:
    """Return the grant in ``answer`` to a refresh of ``profile``.

    Raises:
        SlackRefused: Slack said no.
        AnswerUnusable: it is none, or not this profile's.
    """
    grant = parse_grant(parse_body(answer))
    if not profile.is_same_grant(grant):
        raise AnswerUnusable("other_account")
    return grant


def conclude(store: ProfileStore, profile: Profile, grant: Grant, unfinished: Unfinished, journal: Journal) -> Profile:
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


def set_aside(store: ProfileStore, profile: Profile, journal: Journal) -> Profile:
    """Keep an answer that cannot be used where ``remove`` and ``doctor`` find it, and mark the profile.

    Raises:
        StoreError: it could not be moved; the journal keeps it.
    """
    journal.set_aside(store.home / "quarantine", profile.name)
    marked = profile.not_renewable("refresh_unusable", datetime.now(UTC))
    store.write(marked)
    return marked
