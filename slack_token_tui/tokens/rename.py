"""Gives a profile another name."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress

from slack_token_tui.store import locks
from slack_token_tui.store.atomic_file import StorageError, remove_stale_temp_files, sync_directory, to_storage_error
from slack_token_tui.store.hot_path import ProfileFileError, is_allowed_new_name
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import change_settings, read_settings
from slack_token_tui.tokens.recovery import recover


def rename(store: ProfileStore, old: str, new: str) -> Profile:
    """Rename profile ``old`` to ``new`` and return it; the default follows. Nothing is ever overwritten.

    Raises:
        FileNotFoundError: there is no ``old``, or it went while this waited for its lock.
        ProfileFileError: its file cannot be used.
        StorageError: ``profile_name_invalid``, ``profile_name_taken``, or what prevented the change.
    """
    if not is_allowed_new_name(new):
        raise StorageError("profile_name_invalid", name=new)
    if old == new:
        return store.read(old)
    with ExitStack() as stack:
        for name in sorted((old, new)):  # in one order everywhere, so that two renames cannot wait for each other
            stack.enter_context(locks.acquire(store.home / "locks", name))
        profile = recover(store, old).profile
        source, target = store.path(old), store.path(new)
        # Both locks are held, so nobody of ours can take the name between these two.
        if os.path.lexists(target):
            raise StorageError("profile_name_taken", name=new)
        is_default = read_settings(store.home).get("default_profile") == old
        if is_default:  # first: what may fail here shall not fail when the file has its new name already
            change_settings(store.home, default_profile=new)
        try:
            for path in (source, target):
                remove_stale_temp_files(path)
            source.rename(target)
            sync_directory(target.parent)
        except OSError as error:
            if is_default:
                with suppress(StorageError, ProfileFileError):
                    change_settings(store.home, default_profile=old)
            raise to_storage_error(error, target) from None
        renamed = profile.with_name(new)
        with suppress(StorageError):  # the file says its name, so that a copy can be told; a stale one does no harm
            store.write(renamed)
    return renamed
