"""Profile store: read, list and save the profiles of one config directory. Another account is never overwritten."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from slack_token_tui.problems import Kind
from slack_token_tui.secret import Secret
from slack_token_tui.store import hot_path, locks
from slack_token_tui.store.atomic_file import (
    make_private_directory,
    remove_stale_temp_files,
    remove_temp_files_of_dead_processes,
    write_atomically,
)
from slack_token_tui.store.errors import ProfileError, StorageError
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profile_codec import from_dict, to_dict
from slack_token_tui.store.settings import KEYRING, read_settings


@dataclass(frozen=True)
class UnreadableProfile:
    """A profile whose file can't be used. It is listed with its error, and the file is not changed."""

    name: str
    error: ProfileError


@dataclass(frozen=True)
class SavedProfile:
    """The result of saving a sign-in.

    Attributes:
        profile: the saved profile, with its name.
        path: the profile file.
        replaced: whether it replaced an earlier sign-in of the same account.
        taken_name: the requested name if another account already uses it, or None.
    """

    profile: Profile
    path: Path
    replaced: bool = False
    taken_name: str | None = None


class ProfileStore:
    """The profiles in one config directory. The default is :func:`slack_token_tui.store.hot_path.config_home`."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = Path(hot_path.config_home()) if home is None else home

    def path(self, name: str) -> Path:
        """Return the file path of profile ``name``."""
        return Path(hot_path.profile_path(str(self.home), name))

    def names(self) -> list[str]:
        """Return the sorted names of all profiles, including unreadable ones.

        Raises:
            StorageError: other users can change the contents of the directory.
        """
        return hot_path.list_names(str(self.home))

    def read(self, name: str) -> Profile:
        """Return profile ``name``. No lock is needed because files are replaced atomically.

        Raises:
            FileNotFoundError: the profile does not exist.
            ProfileError: its file can't be used, or is a copy of another profile's file.
        """
        hot_path.check_directories(str(self.home), "profiles")
        return self._read(name)

    def _read(self, name: str) -> Profile:
        path = str(self.path(name))
        try:
            record = hot_path.read_record(path)
        except FileNotFoundError:
            raise ProfileError("profile_not_found", name=name) from None
        profile = from_dict(name, record, path)
        recorded_name = record.get("name")
        if isinstance(recorded_name, str) and recorded_name != name and self._read_id(recorded_name) == profile.id:
            raise ProfileError("profile_copied", file=path, detail=recorded_name)
        return profile

    def _read_id(self, name: str) -> object:
        """Return the ID in the file of profile ``name``, or None if it can't be read."""
        if not hot_path.is_valid_name(name):
            return None
        with suppress(OSError, ProfileError):
            return hot_path.read_record(str(self.path(name))).get("id")
        return None

    def check_not_copied(self, profile: Profile) -> None:
        """Reject a profile whose file is a copy of another one, because both would use the same refresh token.

        Files from version 0.1.0 do not contain their name. Of these, the one with the most refreshes counts as the
        original, then the oldest.

        Raises:
            ProfileError: ``profile_copied``.
        """
        matches = [name for name in self.names() if name == profile.name or self._read_id(name) == profile.id]
        original = min(matches, key=self._copy_sort_key, default=profile.name)
        if original != profile.name:
            raise ProfileError("profile_copied", file=str(self.path(profile.name)), detail=original)

    def _copy_sort_key(self, name: str) -> tuple[bool, int, int, str]:
        """Return a sort key that puts the original first: file contains its own name, most refreshes, oldest file."""
        try:
            record, status = hot_path.read_record(str(self.path(name))), self.path(name).stat()
        except (OSError, ProfileError):
            return True, 0, 0, name
        generation = record.get("generation")
        count = generation if isinstance(generation, int) else 0
        return record.get("name") != name, -count, status.st_mtime_ns, name

    def with_tokens(self, profile: Profile) -> Profile:
        """Return ``profile`` with its tokens, loaded from the keyring if they are stored there.

        Raises:
            FileNotFoundError: the profile was removed at the same time.
            ProfileError: the profile became unreadable at the same time.
            StorageError: ``keyring_…``: the keyring can't be used, or no longer has the tokens.
        """
        if not profile.in_keyring:
            return profile
        from slack_token_tui.store import keyring

        try:
            access_token, refresh_token = keyring.load_tokens(
                profile.id, profile.generation, with_refresh=profile.has_refresh_token
            )
        except StorageError as error:
            if error.code == "keyring_empty":
                # Another process may have refreshed or moved the profile and deleted the tokens we looked for.
                current = self.read(profile.name)
                if (current.generation, current.in_keyring) != (profile.generation, profile.in_keyring):
                    return self.with_tokens(current)
            raise error.with_facts(name=profile.name) from None
        return replace(profile, access_token=access_token, refresh_token=refresh_token)

    def entries(self) -> Iterator[Profile | UnreadableProfile]:
        """Yield all profiles, sorted by name. Unreadable ones are yielded as :class:`UnreadableProfile`.

        Raises:
            StorageError: other users can change the contents of the directory.
        """
        for name in self.names():
            try:
                yield self._read(name)
            except ProfileError as error:
                if error.kind is Kind.NOT_FOUND:  # removed after the listing
                    continue
                yield UnreadableProfile(name, error)

    def find_same_account(self, profile: Profile) -> list[Profile]:
        """Return the readable profiles of the same account as ``profile``."""
        if profile.account is None:
            return []
        return [entry for entry in self.entries() if isinstance(entry, Profile) and entry.account == profile.account]

    def check_writable(self, name: str | None = None) -> None:
        """Check that a sign-in can be saved, before the user is sent to Slack. Missing directories are created.

        Args:
            name: the profile to sign in to again, or None for a new one.

        Raises:
            StorageError: a sign-in could not be saved.
        """
        self._prepare_directories()
        probe = self.home / "profiles" / ".ready"
        write_atomically(probe, b"")
        probe.unlink(missing_ok=True)
        in_keyring = read_settings(self.home).get("storage") == KEYRING
        if name is not None:
            with suppress(ProfileError):
                in_keyring = self.read(name).in_keyring
        if in_keyring:
            from slack_token_tui.store import keyring

            item = f"probe.{os.getpid()}"  # unique, because another sign-in may start at the same time
            keyring.save_item(item, Secret("x" * 256))  # as long as a token, because some keyrings truncate values
            keyring.try_delete_item(item)

    def save_sign_in(
        self, profile: Profile, wanted_name: str | None = None, *, in_keyring: bool | None = None
    ) -> SavedProfile:
        """Save a new sign-in. It replaces the profile of the same account, or else gets an unused name.

        A sign-in never replaces the profile of another account.

        Args:
            profile: the profile with its tokens. Its name is ignored.
            wanted_name: the preferred name. It is used if it is free or already belongs to the account.
            in_keyring: whether to store the tokens in the keyring. None uses the same place as the existing profile, or
                the ``storage`` setting for a new one.

        Raises:
            StorageError: the sign-in could not be saved. Nothing was changed.
        """
        from slack_token_tui.store.names import candidate_names

        self._prepare_directories()
        keyring_by_default = read_settings(self.home).get("storage") == KEYRING
        profile = replace(profile, in_keyring=keyring_by_default if in_keyring is None else in_keyring)
        existing = self.find_same_account(profile)
        for match in sorted(existing, key=lambda twin: twin.name != wanted_name):
            with locks.acquire(self.home / "locks", match.name):
                try:
                    current = self.read(match.name)
                except ProfileError:
                    continue
                if current.account != profile.account:
                    continue
                updated = replace(
                    profile,
                    name=match.name,
                    id=current.id,
                    generation=current.generation + 1,
                    in_keyring=current.in_keyring if in_keyring is None else in_keyring,
                    extra=current.extra,
                )
                return SavedProfile(updated, self.write(updated, current), replaced=True)
        for name in chain([wanted_name] if wanted_name else [], candidate_names(profile)):
            with locks.acquire(self.home / "locks", name):
                if not os.path.lexists(self.path(name)):
                    named_profile = profile.with_name(name)
                    taken_name = wanted_name if wanted_name not in (None, name) else None
                    return SavedProfile(named_profile, self.write(named_profile), taken_name=taken_name)
            if self.find_same_account(profile):  # another process just saved the same account
                return self.save_sign_in(profile, wanted_name, in_keyring=in_keyring)
        raise AssertionError("candidate_names() never ends")

    def _prepare_directories(self) -> None:
        make_private_directory(self.home, may_be_link=True)
        for name in ("profiles", "locks"):
            make_private_directory(self.home / name)
        hot_path.check_directories(str(self.home), "apps", "journal", "quarantine")
        for name in ("profiles", "apps", "quarantine"):
            remove_temp_files_of_dead_processes(self.home / name)
        ignore = self.home / ".gitignore"
        if not os.path.lexists(ignore):
            write_atomically(ignore, b"*\n")

    def write(self, profile: Profile, previous: Profile | None = None) -> Path:
        """Save ``profile`` and return its file path. The caller must hold the lock of its name.

        Keyring tokens are saved first, under ``profile.generation``. Then the file is replaced. The keyring tokens of
        ``previous`` are deleted last. If the process is killed at any point, the file still refers to existing tokens.

        Args:
            profile: the profile to save.
            previous: the profile that is replaced, or None if its keyring tokens need not be deleted.

        Raises:
            StorageError: the profile could not be saved. The existing file and its tokens are unchanged.
        """
        path = self.path(profile.name)
        if profile.in_keyring and profile.access_token is not None:
            from slack_token_tui.store import keyring

            keyring.save_tokens(profile.id, profile.generation, profile.access_token, profile.refresh_token)
        remove_stale_temp_files(path)
        exists = os.path.lexists(path)
        try:
            write_atomically(path, json.dumps(to_dict(profile), indent=1, ensure_ascii=False).encode())
        except StorageError:
            stored_tokens = (previous.in_keyring, previous.generation) if previous else (exists, profile.generation)
            if profile.in_keyring and profile.access_token is not None and stored_tokens != (True, profile.generation):
                from slack_token_tui.store import keyring

                keyring.delete_tokens(profile.id, profile.generation)  # no file refers to them
            raise
        if (
            previous is not None
            and previous.in_keyring
            and (not profile.in_keyring or previous.generation != profile.generation)
        ):
            from slack_token_tui.store import keyring

            keyring.delete_tokens(previous.id, previous.generation)
        return path
