"""Move a profile's tokens between its file and the system keyring."""

from __future__ import annotations

from dataclasses import replace

from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore


def move_tokens(store: ProfileStore, name: str, *, to_keyring: bool) -> Profile:
    """Move the tokens of profile ``name`` to the keyring or back to its file, and return the profile.

    The tokens stay available throughout. They are written to the new location and read back, and the file is replaced.
    Only then are they deleted from the old location.

    Raises:
        ProfileError: the profile does not exist or can't be read.
        StorageError: the tokens could not be moved. Nothing was changed.
    """
    with store.lock(name) as locked:
        profile = locked.profile
        if profile.in_keyring != to_keyring:
            store.check_not_copied(profile)  # the copy would point at tokens that are deleted here
            moved = replace(profile, in_keyring=to_keyring, generation=profile.generation + 1)
            locked.save(moved, locked.tokens)
        return locked.profile
