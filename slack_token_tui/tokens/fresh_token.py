"""Get a valid access token of a profile, refreshed first if it is due. An invalid one is never returned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from slack_token_tui.secret import Secret
from slack_token_tui.store.errors import ProfileError
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh_result import Refresher, RefreshPolicy, RefreshResult, sign_in_needed


@dataclass(frozen=True)
class FreshToken:
    """A valid access token.

    Attributes:
        profile: the profile that it belongs to.
        access_token: the token.
        result: the result of the refresh. Its ``problem`` is the reason if the token is due but was not refreshed.
    """

    profile: Profile
    access_token: Secret
    result: RefreshResult


def fresh_token(
    store: ProfileStore,
    name: str,
    policy: RefreshPolicy,
    refresher: Refresher,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FreshToken:
    """Return a valid access token of profile ``name``.

    Args:
        store: the store that holds the profile.
        name: the profile name.
        policy: when to refresh first.
        refresher: called only if the token is due.
        now: returns the current time in UTC.

    Raises:
        Problem: the profile can't be read, or its token is invalid and could not be refreshed.
    """
    result = refresh_if_due(store, name, policy, refresher, now)
    invalid = sign_in_needed(result.profile, now())
    if invalid is not None:
        raise result.problem or invalid
    return FreshToken(result.profile, result.tokens.access_token, result)


def refresh_if_due(
    store: ProfileStore, name: str, policy: RefreshPolicy, refresher: Refresher, now: Callable[[], datetime]
) -> RefreshResult:
    """Call ``refresher`` if profile ``name`` is due, and return the result. Otherwise return the saved tokens.

    Raises:
        Problem: the profile can't be read, or was replaced by another profile with the same name meanwhile.
    """
    profile = store.read(name)
    if not policy.wants(profile, now()):
        return RefreshResult(*store.read_with_tokens(name))
    result = refresher(store, name, policy)
    if result.profile.id != profile.id:
        raise ProfileError("profile_not_found", name=name)
    return result
