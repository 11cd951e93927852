"""Ends a profile: both tokens revoked at Slack, then the file deleted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from slack_token_tui.event_loop import run
from slack_token_tui.problems import explain
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client import SlackClient
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.errors import SlackError, SlackRefused
from slack_token_tui.store import keyring, locks
from slack_token_tui.store.atomic_file import StorageError, remove_stale_temp_files, sync_directory, to_storage_error
from slack_token_tui.store.hot_path import REVOKED_CODES, ProfileFileError
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import change_settings, read_settings
from slack_token_tui.tokens.recovery import AMBIGUOUS_REFUSALS, journal_for, list_quarantined_responses, recover


@dataclass(frozen=True)
class Revocation:
    """What Slack said of one token.

    Attributes:
        kind: ``access token`` or ``refresh token``.
        ended: whether it is certain that the token no longer works.
        answer: Slack's word: ``revoked``, or a code.
        error: what stood in the way, where something did.
    """

    kind: str
    revoked: bool
    answer: str
    error: SlackError | None = None

    @property
    def allows_removal(self) -> bool:
        """Whether the profile may go all the same: Slack does not revoke every refresh token, and said so for good."""
        refused = isinstance(self.error, SlackRefused) and self.error.code not in AMBIGUOUS_REFUSALS
        return self.kind == "refresh token" and refused

    @property
    def sentence(self) -> str:
        """What is known of the token now."""
        if self.error is not None and not isinstance(self.error, SlackRefused):
            reason = explain(self.error.code, self.error.facts).title
            return f"{self.kind}: not known to have ended. {reason} ({self.answer})"
        return f"{self.kind}: {'ended' if self.revoked else 'not ended'}. Slack says {self.answer}"


@dataclass(frozen=True)
class Removal:
    """What became of a profile.

    Attributes:
        profile: as it was.
        revocations: one a token, in order; none when the grant was kept.
        deleted: whether the file is gone.
        error: why it could not be deleted, when Slack had ended the tokens already.
        set_aside: files, or items of the keyring, with answers of Slack that could not be used; a living token may be in
            them.
    """

    profile: Profile
    revocations: tuple[Revocation, ...]
    deleted: bool
    error: StorageError | None = None
    quarantined: tuple[str, ...] = ()


def remove_profile(store: ProfileStore, name: str, *, keep_grant: bool = False) -> Removal:
    """Revoke both tokens of profile ``name`` at Slack, then delete it. It may block for a minute.

    The profile stays while its access token may still work and Slack was not heard to end it; the refresh token goes first,
    so that nothing is renewed in between.

    Args:
        store: where the profile is.
        name: which.
        keep_grant: delete only, and ask Slack nothing.

    Raises:
        FileNotFoundError, ProfileFileError: there is none that can be read.
        StorageError: it cannot be deleted, or its tokens not be fetched; Slack was not asked.
    """
    profiles = store.path(name).parent
    if profiles.is_dir() and not os.access(profiles, os.W_OK | os.X_OK):
        # Found out before the tokens are ended, which nothing takes back.
        raise StorageError("store_unwritable", file=str(profiles), detail="it is not writable")
    with locks.acquire(store.home / "locks", name):
        profile = store.read(name) if keep_grant else store.with_tokens(recover(store, name).profile)
        revocations = () if keep_grant else run(_revoke_profile(profile))
        deleted = all(revocation.revoked or revocation.allows_removal for revocation in revocations)
        error = None
        if deleted:
            try:
                _delete(store, profile)
            except StorageError as refused:
                if not revocations:
                    raise
                deleted, error = False, refused
    return Removal(profile, revocations, deleted, error, list_quarantined_responses(store, profile))


def describe_removal(profile: Profile | None, path: Path, *, keep_grant: bool) -> str:
    """Return what removing does, exactly.

    Args:
        profile: None when its file cannot be read.
        path: the file.
        keep_grant: whether Slack is asked nothing.
    """
    if profile is None:
        return f"{path} cannot be read. It is deleted as it is; Slack is asked nothing."
    if keep_grant:
        return f"{path} is deleted, and the tokens go on working at Slack: nothing is revoked there."
    tokens = "The access token and the refresh token" if profile.has_refresh_token else "The access token"
    return (
        f"{tokens} of {profile.account_label} will be revoked at {profile.endpoints.host}: "
        f"every program that uses them stops. Then {path} is deleted."
    )


def authorization_url(profile: Profile) -> str:
    """Return the page where the person's authorization of the app ends: revoking tokens leaves it standing."""
    base = (profile.workspace_url or "").rstrip("/") or profile.endpoints.base
    return f"{base}/apps/{profile.app_id}" if profile.app_id else f"{base}/apps/manage"


def delete_unreadable(store: ProfileStore, name: str) -> None:
    """Delete the file of profile ``name`` without reading it: it is damaged, and the person said so.

    Raises:
        FileNotFoundError: there is none.
        StorageError: it could not be deleted.
    """
    with locks.acquire(store.home / "locks", name):
        _unlink(store, name)


async def _revoke_profile(profile: Profile) -> tuple[Revocation, ...]:
    tokens = (("refresh token", profile.refresh_token), ("access token", profile.access_token))
    return await revoke_tokens(profile.endpoints, [(kind, token) for kind, token in tokens if token is not None])


async def revoke_tokens(endpoints: Endpoints, tokens: Sequence[tuple[str, Secret]]) -> tuple[Revocation, ...]:
    """Revoke ``tokens``, each with its kind, in order, and return what Slack said of each. Slack: auth.revoke."""
    async with SlackClient(endpoints) as slack:
        return tuple([await _revoke(slack, kind, token) for kind, token in tokens])


async def _revoke(slack: SlackClient, kind: str, token: Secret) -> Revocation:
    try:
        ended = await slack.revoke(token)
    except SlackError as error:
        return Revocation(kind, isinstance(error, SlackRefused) and error.code in REVOKED_CODES, error.code, error)
    return Revocation(kind, ended, "revoked" if ended else "not revoked")


def _delete(store: ProfileStore, profile: Profile) -> None:
    _unlink(store, profile.name)
    with suppress(OSError):  # what a killed process left of a quarantined response
        for path in (store.home / "quarantine").glob(f".*.{profile.id}.*.tmp"):
            path.unlink()
    journal = journal_for(store, profile)
    if journal.exists:
        journal.remove()
    is_copied = any(isinstance(entry, Profile) and entry.id == profile.id for entry in store.entries())
    if profile.in_keyring and not is_copied:  # somebody has copied the file: the copy still points at these tokens
        keyring.delete_tokens(profile.id, profile.generation)


def _unlink(store: ProfileStore, name: str) -> None:
    path = store.path(name)
    remove_stale_temp_files(path)
    try:
        path.unlink()
        sync_directory(path.parent)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise to_storage_error(error, path) from None
    if read_settings(store.home).get("default_profile") == name:
        with suppress(StorageError, ProfileFileError):  # a default that is gone counts for nothing in any case
            change_settings(store.home, default_profile=None)
