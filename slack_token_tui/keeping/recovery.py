"""Finishes what an earlier refresh left unfinished: whoever takes a profile's lock next does it first."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from slack_token_tui.keeping import keyring_tokens
from slack_token_tui.keeping.files import StoreError, private_directory, save
from slack_token_tui.keeping.journal import Journal, Unfinished, digest_of
from slack_token_tui.keeping.profile import Profile
from slack_token_tui.keeping.store import ProfileStore
from slack_token_tui.secret import Secret
from slack_token_tui.slack.answers import Grant, parse_body, parse_grant
from slack_token_tui.slack.errors import AnswerUnusable, RateLimited, SlackError, SlackRefused, SlackUnreachable

_SAVE_AGAIN_SECONDS = 5.0
_SAVE_PAUSE_SECONDS = 0.25
SPENT_AND_USELESS = frozenset(
    {"token_missing", "token_is_bot", "tokens_differ", "token_malformed", "token_type_unknown", "other_account"}
)
"""Slack said yes, and what came cannot be used: the refresh token is gone all the same."""
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
        return Recovered(stored)
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
        if error.code in SPENT_AND_USELESS:
            return Recovered(set_aside(store, profile, unfinished.answer, journal))
        if leaves_doubt(error):
            return Recovered(profile, doubted_at=unfinished.intent.doubted_at or unfinished.intent.sent_at)
        if unfinished.intent.doubted_at is None:
            journal.remove()  # a plain no, and asking again says it again
        return Recovered(profile, doubted_at=unfinished.intent.doubted_at)
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


def set_aside(store: ProfileStore, profile: Profile, answer: bytes, journal: Journal) -> Profile:
    """Keep an answer that cannot be used: it may hold a living token. Mark the profile.

    Raises:
        StoreError: it could not be kept there; the journal keeps it.
    """
    now = datetime.now(UTC)
    if profile.in_keyring:
        keyring_tokens.put_text(_unusable_item(profile), Secret(answer.decode("latin-1")))
    else:
        private_directory(store.home / "quarantine")
        save(store.home / "quarantine" / f"{profile.name}.{profile.id}.{now:%Y%m%dT%H%M%SZ}.answer", answer)
    marked = profile.not_renewable("refresh_unusable", now)
    store.write(marked)
    journal.remove()
    return marked


def answers_set_aside(store: ProfileStore, profile: Profile) -> tuple[str, ...]:
    """Return where unusable answers for ``profile`` are, under whatever name it had: files, or an item of the keyring."""
    files = sorted((store.home / "quarantine").glob(f"*.{profile.id}.*.answer"))
    item = _unusable_item(profile)
    in_keyring = profile.in_keyring and keyring_tokens.has_text(item)
    return (
        *map(str, files),
        *([f"item {item} of service {keyring_tokens.SERVICE} in the keyring"] if in_keyring else []),
    )


def _unusable_item(profile: Profile) -> str:
    return f"{profile.id}.unusable"


def leaves_doubt(error: SlackError) -> bool:
    """Tell whether Slack may have rotated although ``error`` came back to a refresh that was sent."""
    if isinstance(error, RateLimited) or error.code in _NEVER_REACHED_SLACK:
        return False
    if isinstance(error, SlackRefused):
        return error.code in MAY_BE_DONE_ALL_THE_SAME
    return isinstance(error, SlackUnreachable) or error.code not in SPENT_AND_USELESS
