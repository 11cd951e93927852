"""The file of one profile, with its tokens or their items in the keyring. Writers hold the lock of the profile."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from slack_token_tui.store import hot_path, keyring
from slack_token_tui.store.atomic_file import (
    remove_stale_temp_files,
    sync_directory,
    to_storage_error,
    write_atomically,
)
from slack_token_tui.store.errors import ProfileError, StorageError
from slack_token_tui.store.profile import Profile, Tokens
from slack_token_tui.store.profile_codec import from_dict, to_dict
from slack_token_tui.store.settings import change_settings, read_settings


def profile_path(home: Path, name: str) -> Path:
    """Return the file path of profile ``name``."""
    return Path(hot_path.profile_path(str(home), name))


def read_profile_file(home: Path, name: str) -> tuple[Profile, Tokens | None]:
    """Return profile ``name`` and its tokens, or None for tokens in the keyring.

    Raises:
        ProfileError: the profile does not exist, its file can't be used, or it is a copy of another profile's file.
    """
    path = str(profile_path(home, name))
    try:
        record = hot_path.read_record(path)
    except FileNotFoundError:
        raise ProfileError("profile_not_found", name=name) from None
    profile, tokens = from_dict(name, record, path)
    recorded_name = record.get("name")
    if isinstance(recorded_name, str) and recorded_name != name and read_profile_id(home, recorded_name) == profile.id:
        raise ProfileError("profile_copied", file=path, detail=recorded_name)
    return profile, tokens


def read_profile_id(home: Path, name: str) -> object:
    """Return the ID in the file of profile ``name``, or None if it can't be read."""
    if not hot_path.is_valid_name(name):
        return None
    with suppress(OSError, ProfileError):
        return hot_path.read_record(str(profile_path(home, name))).get("id")
    return None


def load_keyring_tokens(profile: Profile) -> Tokens:
    """Return the tokens of ``profile`` from the keyring.

    Raises:
        StorageError: ``keyring_…``: the keyring can't be used, or does not have the tokens.
    """
    try:
        return keyring.load_tokens(profile.id, profile.generation, with_refresh=profile.has_refresh_token)
    except StorageError as error:
        raise error.with_facts(name=profile.name) from None


def write_profile_file(home: Path, profile: Profile, tokens: Tokens | None, previous: Profile | None) -> Profile:
    """Save ``profile`` and return it as saved, with masked tokens. See ``LockedProfile.save()``.

    Args:
        home: the config directory.
        profile: the profile to save.
        tokens: its tokens. None keeps those in the keyring.
        previous: the saved profile that it replaces, or None if there is none.

    Raises:
        StorageError: the profile could not be saved. An existing file and its tokens are unchanged.
    """
    path = profile_path(home, profile.name)
    if tokens is not None:
        profile = profile.with_masks(tokens)
    remove_stale_temp_files(path)
    record = to_dict(profile, None if profile.in_keyring else tokens)
    keeps_items = previous is not None and (previous.in_keyring, previous.generation) == (True, profile.generation)
    try:
        if profile.in_keyring and tokens is not None:
            keyring.save_tokens(profile.id, profile.generation, tokens)
        write_atomically(path, json.dumps(record, indent=1, ensure_ascii=False).encode())
    except StorageError:
        if profile.in_keyring and tokens is not None and not keeps_items:
            keyring.delete_tokens(profile.id, profile.generation)  # no file refers to them
        raise
    if previous is not None and previous.in_keyring and not (profile.in_keyring and keeps_items):
        keyring.delete_tokens(previous.id, previous.generation)
    return profile


def delete_profile_file(home: Path, name: str) -> None:
    """Delete the file of profile ``name``, and its place as the default. Its lock must be held.

    Raises:
        ProfileError: the profile does not exist.
        StorageError: the file could not be deleted.
    """
    path = profile_path(home, name)
    remove_stale_temp_files(path)
    try:
        path.unlink()
        sync_directory(path.parent)
    except FileNotFoundError:
        raise ProfileError("profile_not_found", name=name) from None
    except OSError as error:
        raise to_storage_error(error, path) from None
    if read_settings(home).get("default_profile") == name:
        with suppress(StorageError):  # a default profile that does not exist is ignored anyway
            change_settings(home, default_profile=None)
