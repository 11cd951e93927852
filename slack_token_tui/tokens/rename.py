"""Rename a profile."""

from __future__ import annotations

from collections.abc import Callable

from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.hot_path import is_allowed_new_name
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore


def rename(store: ProfileStore, old: str, new: str, *, unless: Callable[[], bool] | None = None) -> Profile:
    """Rename profile ``old`` to ``new`` and return it. An existing profile is never overwritten.

    If ``old`` is the default profile, ``new`` becomes the default.

    Args:
        store: the store that holds the profile.
        old: the profile name.
        new: the new name.
        unless: see :func:`slack_token_tui.store.locks.acquire`.

    Raises:
        NoLongerNeeded: ``unless()`` returned True.
        ProfileError: ``old`` does not exist, was removed while this call waited for its lock, or its file can't be used.
        StorageError: ``profile_name_invalid``, ``profile_name_taken``, or the error that prevented the rename.
    """
    if not is_allowed_new_name(new):
        raise StorageError("profile_name_invalid", name=new)
    if old == new:
        return store.read(old)
    with store.lock(old, new, unless=unless) as locked:
        locked.rename(new)
        return locked.profile
