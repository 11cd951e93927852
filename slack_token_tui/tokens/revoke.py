"""Revoke the tokens of a profile in Slack, and remove the profile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from slack_token_tui.event_loop import run
from slack_token_tui.problems import Kind, Problem
from slack_token_tui.sanitize import shorten_path
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client import SlackClient
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.errors import AMBIGUOUS_REFUSALS, SlackError, SlackRefused
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.hot_path import REVOKED_CODES
from slack_token_tui.store.profile import Profile, Tokens
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.quarantine import list_quarantined


@dataclass(frozen=True)
class Revocation:
    """The result of revoking one token.

    Attributes:
        kind: ``access token`` or ``refresh token``.
        revoked: whether Slack confirmed that the token no longer works.
        outcome: ``revoked``, ``not revoked``, or the error code.
        error: the error, if there was one.
    """

    kind: str
    revoked: bool
    outcome: str
    error: SlackError | None = None

    @property
    def allows_removal(self) -> bool:
        """Whether the profile may be removed with this token unrevoked: Slack refuses to revoke some refresh tokens."""
        is_refused = isinstance(self.error, SlackRefused) and self.error.code not in AMBIGUOUS_REFUSALS
        return self.kind == "refresh token" and is_refused

    @property
    def sentence(self) -> str:
        """The result as text for the user."""
        kind = self.kind.capitalize()
        if self.revoked and self.outcome == "token_expired":
            return f"{kind} already expired"
        if self.revoked:
            return f"{kind} revoked"
        if self.error is None:
            return f"{kind} not revoked"
        if isinstance(self.error, SlackRefused):
            return f"{kind} not revoked ({self.outcome})"
        return f"{kind} may still work. {self.error.explain().title} ({self.outcome})"


@dataclass(frozen=True)
class Removal:
    """The result of removing a profile.

    Attributes:
        profile: the profile before its removal.
        revocations: one per token, in request order. Empty if no token was to be revoked.
        deleted: whether the file was deleted.
        error: why the file could not be deleted after the tokens were revoked.
        quarantined: files or keyring items with unusable responses from Slack. They may contain a valid token.
    """

    profile: Profile
    revocations: tuple[Revocation, ...]
    deleted: bool
    error: StorageError | None = None
    quarantined: tuple[str, ...] = ()

    @property
    def problem(self) -> Problem | None:
        """Why the profile was not deleted: Slack did not revoke a token. None if it was deleted, or ``error`` says why."""
        if self.deleted or self.error is not None:
            return None
        failed = next(item for item in self.revocations if not item.revoked and not item.allows_removal)
        is_temporary = failed.error is not None and failed.error.kind is Kind.RETRY
        code = "revoke_unreachable" if is_temporary else "not_revoked"
        return Problem(code, name=self.profile.name, detail=failed.outcome)


def remove_profile(
    store: ProfileStore,
    name: str,
    *,
    keep_grant: bool = False,
    unless: Callable[[], bool] | None = None,
    on_start: Callable[[], object] = lambda: None,
) -> Removal:
    """Revoke both tokens of profile ``name`` in Slack, then delete the profile. This can block for a minute.

    The profile is deleted only if Slack confirms that the access token no longer works. The refresh token is revoked
    first, so that no other process can refresh in between.

    Args:
        store: the store that holds the profile.
        name: the profile name.
        keep_grant: delete the profile without sending any request to Slack.
        unless: see :func:`slack_token_tui.store.locks.acquire`.
        on_start: called when the profile is locked. From then on the removal can't be stopped.

    Raises:
        NoLongerNeeded: ``unless()`` returned True.
        ProfileError: the profile does not exist or can't be read.
        StorageError: the profile can't be deleted, or its tokens can't be loaded. No request was sent.
    """
    store.check_removable(name)  # before revoking the tokens, which can't be undone
    with store.lock(name, unless=unless, recovers=not keep_grant) as locked:
        on_start()
        profile = locked.profile
        revocations = () if keep_grant else run(_revoke_both(profile.endpoints, locked.tokens))
        deleted = is_complete(revocations)
        error = None
        if deleted:
            try:
                # A copy of the file still refers to the same keyring tokens.
                copies = [entry for entry in store.entries() if isinstance(entry, Profile) and entry.id == profile.id]
                locked.delete(keeps_keyring_tokens=len(copies) > 1)
            except StorageError as delete_error:
                if not revocations:
                    raise
                deleted, error = False, delete_error
    quarantined = list_quarantined(store.home, profile.id, in_keyring=profile.in_keyring)
    return Removal(profile, revocations, deleted, error, tuple(map(str, quarantined)))


def is_complete(revocations: Sequence[Revocation]) -> bool:
    """Return whether no token works any more, as far as Slack says."""
    return all(revocation.revoked or revocation.allows_removal for revocation in revocations)


def revoke_profile(store: ProfileStore, name: str) -> tuple[Revocation, ...]:
    """Revoke both tokens of profile ``name`` in Slack and record it. The profile stays, to sign in again.

    Args:
        store: the store that holds the profile.
        name: the profile name.

    Returns:
        One result per token, in the order of the requests.

    Raises:
        ProfileError: the profile does not exist or can't be read.
        StorageError: the profile can't be saved, or its tokens can't be loaded. No request was sent.
    """
    with store.lock(name) as locked:
        locked.check_writable()
        profile = locked.profile
        revocations = run(_revoke_both(profile.endpoints, locked.tokens))
        if is_complete(revocations):
            with suppress(StorageError):  # the next request to Slack finds out too
                locked.save(replace(profile, refused="token_revoked"))
    return revocations


def describe_removal(profile: Profile | None, path: Path, *, keep_grant: bool) -> str:
    """Return text for the user that says exactly what removing the profile does.

    Args:
        profile: the profile, or None if its file can't be read.
        path: the profile's file.
        keep_grant: whether the tokens stay valid at Slack.
    """
    file = shorten_path(path)
    if profile is None:
        return f"{file} can't be read. It will be deleted, and nothing is revoked in Slack."
    if profile.is_revoked and (keep_grant or not profile.is_refreshable):
        return f"The token is already revoked. {file} will be deleted."
    if keep_grant:
        return f"{file} will be deleted. The tokens still work in Slack."
    if profile.is_revoked:
        return (
            "The access token is already revoked. "
            f"The refresh token will be revoked at {profile.endpoints.host}, in case it still works. {file} will be deleted."
        )
    tokens, them = ("access token and refresh token", "them") if profile.has_refresh_token else ("access token", "it")
    return (
        f"The {tokens} of {profile.account_label} will be revoked at {profile.endpoints.host}. "
        f"Programs using {them} will stop working. {file} will be deleted."
    )


def authorization_url(profile: Profile) -> str:
    """Return the URL where the user can remove their authorization of the app. Revoking tokens does not remove it."""
    base = (profile.workspace_url or "").rstrip("/") or profile.endpoints.base
    return f"{base}/apps/{profile.app_id}" if profile.app_id else f"{base}/apps/manage"


async def _revoke_both(endpoints: Endpoints, tokens: Tokens) -> tuple[Revocation, ...]:
    pairs = (("refresh token", tokens.refresh_token), ("access token", tokens.access_token))
    return await revoke_tokens(endpoints, [(kind, token) for kind, token in pairs if token is not None])


async def revoke_tokens(endpoints: Endpoints, tokens: Sequence[tuple[str, Secret]]) -> tuple[Revocation, ...]:
    """Revoke ``tokens``, pairs of kind and token, in order, and return one result per token. Slack: auth.revoke."""
    async with SlackClient(endpoints) as slack:
        return tuple([await _revoke(slack, kind, token) for kind, token in tokens])


async def _revoke(slack: SlackClient, kind: str, token: Secret) -> Revocation:
    try:
        revoked = await slack.revoke(token)
    except SlackError as error:
        return Revocation(kind, isinstance(error, SlackRefused) and error.code in REVOKED_CODES, error.code, error)
    return Revocation(kind, revoked, "revoked" if revoked else "not revoked")
