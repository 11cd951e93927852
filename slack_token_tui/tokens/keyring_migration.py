"""Moves a profile's tokens between its file and the operating system's keyring."""

from __future__ import annotations

from dataclasses import replace

from slack_token_tui.store import locks
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.recovery import recover


def move_tokens(store: ProfileStore, name: str, *, to_keyring: bool) -> Profile:
    """Keep the tokens of profile ``name`` in the keyring, or in its file again, and return it.

    There is no moment without them: they are written to the new place and read back, then the file is replaced, then the old
    place is emptied.

    Raises:
        FileNotFoundError, ProfileFileError: there is none that can be read.
        StorageError: nothing was changed.
    """
    with locks.acquire(store.home / "locks", name):
        profile = recover(store, name).profile
        if profile.in_keyring == to_keyring:
            return profile
        store.check_not_copied(profile)  # the copy would point at what is taken away here
        profile = store.with_tokens(profile)
        moved = replace(
            profile,
            in_keyring=to_keyring,
            generation=profile.generation + 1,
            shown_token=profile.masked_token if to_keyring else None,
        )
        store.write(moved, profile)
    return moved
