"""Rename a profile."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress

from slack_token_tui.store import locks
from slack_token_tui.store.atomic_file import remove_stale_temp_files, sync_directory, to_storage_error
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.hot_path import is_allowed_new_name
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.recovery import recover
from slack_token_tui.store.settings import change_settings, read_settings


def rename(store: ProfileStore, old: str, new: str) -> Profile:
    """Rename profile ``old`` to ``new`` and return it. An existing profile is never overwritten.

    If ``old`` is the default profile, ``new`` becomes the default.

    Raises:
        FileNotFoundError: ``old`` does not exist, or was removed while this call waited for its lock.
        ProfileError: the file of ``old`` can't be used.
        StorageError: ``profile_name_invalid``, ``profile_name_taken``, or the error that prevented the rename.
    """
    if not is_allowed_new_name(new):
        raise StorageError("profile_name_invalid", name=new)
    if old == new:
        return store.read(old)
    with ExitStack() as stack:
        for name in sorted((old, new)):  # always in the same order, so that two renames can't deadlock
            stack.enter_context(locks.acquire(store.home / "locks", name))
        profile = recover(store, old).profile
        source, target = store.path(old), store.path(new)
        # Both locks are held, so no other slack-token-tui process can take the name between this check and the rename.
        if os.path.lexists(target):
            raise StorageError("profile_name_taken", name=new)
        is_default = read_settings(store.home).get("default_profile") == old
        if is_default:  # first, so that a failure here leaves the file with its old name
            change_settings(store.home, default_profile=new)
        try:
            for path in (source, target):
                remove_stale_temp_files(path)
            source.rename(target)
            sync_directory(target.parent)
        except OSError as error:
            if is_default:
                with suppress(StorageError):
                    change_settings(store.home, default_profile=old)
            raise to_storage_error(error, target) from None
        renamed = profile.with_name(new)
        with suppress(StorageError):  # the name in the file identifies copies, and a stale one is harmless
            store.write(renamed)
    return renamed
