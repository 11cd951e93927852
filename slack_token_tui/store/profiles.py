"""Profile store: read, list and save the profiles of one config directory. Another account is never overwritten."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from slack_token_tui.problems import Kind
from slack_token_tui.secret import Secret
from slack_token_tui.store import hot_path, keyring, locks
from slack_token_tui.store.atomic_file import (
    check_directory_writable,
    make_private_directory,
    remove_temp_files_of_dead_processes,
    write_atomically,
)
from slack_token_tui.store.errors import ProfileError, StorageError
from slack_token_tui.store.profile import Profile, Tokens
from slack_token_tui.store.profile_file import (
    delete_profile_file,
    load_keyring_tokens,
    profile_path,
    read_profile_file,
    read_profile_id,
    write_profile_file,
)
from slack_token_tui.store.settings import stores_in_keyring

if TYPE_CHECKING:
    from slack_token_tui.store.locked_profile import LockedProfile

_NEW_PROFILES_LOCK = ".new-profiles"
"""Lock held while a new profile is created. No profile has this name. It is acquired before the lock of a profile."""

_PROBE = ".ready"
"""Name of a file and a lock that show whether a profile can be saved. No profile has this name."""


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
        return profile_path(self.home, name)

    def names(self) -> list[str]:
        """Return the sorted names of all profiles, including unreadable ones.

        Raises:
            ProfileError: the directory can't be read, or other users can change its contents.
        """
        return hot_path.list_names(str(self.home))

    def read(self, name: str) -> Profile:
        """Return profile ``name``. No lock is needed because files are replaced atomically.

        Raises:
            ProfileError: the profile does not exist, its file can't be used, or it is a copy of another one's file.
        """
        hot_path.check_directories(str(self.home), "profiles")
        return read_profile_file(self.home, name)[0]

    def read_with_tokens(self, name: str) -> tuple[Profile, Tokens]:
        """Return profile ``name`` and its tokens, which belong to the same generation.

        Raises:
            ProfileError: see :meth:`read`.
            StorageError: ``keyring_…``: the keyring can't be used, or does not have the tokens.
        """
        hot_path.check_directories(str(self.home), "profiles")
        profile, tokens = read_profile_file(self.home, name)
        if tokens is not None:
            return profile, tokens
        try:
            return profile, load_keyring_tokens(profile)
        except StorageError as error:
            if error.code == "keyring_empty":
                # Another process may have refreshed or moved the profile and deleted the tokens we looked for.
                current = self.read(name)
                if (current.generation, current.in_keyring) != (profile.generation, profile.in_keyring):
                    return self.read_with_tokens(name)
            raise

    def entries(self) -> Iterator[Profile | UnreadableProfile]:
        """Yield all profiles, sorted by name. Unreadable ones are yielded as :class:`UnreadableProfile`.

        Raises:
            ProfileError: the directory can't be read, or other users can change its contents.
        """
        for name in self.names():
            try:
                yield read_profile_file(self.home, name)[0]
            except ProfileError as error:
                if error.kind is Kind.NOT_FOUND:  # removed after the listing
                    continue
                yield UnreadableProfile(name, error)

    def find_same_account(self, profile: Profile) -> list[Profile]:
        """Return the readable profiles of the same account as ``profile``."""
        if profile.account is None:
            return []
        return [entry for entry in self.entries() if isinstance(entry, Profile) and entry.account == profile.account]

    def check_not_copied(self, profile: Profile) -> None:
        """Reject a profile whose file is a copy of another one, because both would use the same refresh token.

        Files from version 0.1.0 do not contain their name. Of these, the one with the most refreshes counts as the
        original, then the oldest.

        Raises:
            ProfileError: ``profile_copied``.
        """
        matches = [
            name for name in self.names() if name == profile.name or read_profile_id(self.home, name) == profile.id
        ]
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

    def check_writable(self, name: str | None = None) -> None:
        """Check that a sign-in can be saved, before the user is sent to Slack. Missing directories are created.

        Args:
            name: the profile to sign in to again, or None for a new one.

        Raises:
            StorageError: a sign-in could not be saved.
        """
        self._check_name(name)
        self._prepare_directories()
        with locks.acquire(self.home / "locks", _PROBE):  # what saving does: create, chmod, fsync, rename, lock
            probe = self.home / "profiles" / _PROBE
            write_atomically(probe, b"")
            probe.unlink(missing_ok=True)
        for needed in filter(None, (name, _NEW_PROFILES_LOCK)):
            try:
                with locks.acquire(self.home / "locks", needed, wait_seconds=0):
                    pass
            except StorageError as error:
                if error.code != "store_busy":
                    raise
        in_keyring = stores_in_keyring(self.home)
        if name is not None:
            with suppress(ProfileError):
                in_keyring = self.read(name).in_keyring
        if in_keyring:
            item = f"probe.{os.getpid()}"  # unique, because another sign-in may start at the same time
            keyring.save_item(item, Secret("x" * 256))  # as long as a token, because some keyrings truncate values
            keyring.try_delete_item(item)

    def check_removable(self, name: str) -> None:
        """Check that the file of profile ``name`` can be deleted, as far as that can be told without doing so.

        Raises:
            ProfileError: the directory can't be read, or other users can change its contents.
            StorageError: the directory is not writable.
        """
        hot_path.check_directories(str(self.home), "profiles")
        check_directory_writable(self.path(name).parent)

    # ── changes ──

    @contextmanager
    def lock(
        self, name: str, *others: str, unless: Callable[[], bool] | None = None, recovers: bool = True
    ) -> Iterator[LockedProfile]:
        """Lock profile ``name``, finish its interrupted refresh, and yield it. Nothing else changes a saved profile.

        Args:
            name: the profile.
            others: more names to lock, such as a new name for the profile.
            unless: see :func:`slack_token_tui.store.locks.acquire`.
            recovers: whether to finish an interrupted refresh. Only a caller that discards the tokens does not.

        Raises:
            NoLongerNeeded: ``unless()`` returned True.
            ProfileError: the profile can't be read.
            StorageError: the lock is busy, or the interrupted refresh could not be finished.
        """
        # Deferred: reading, which is more frequent, needs neither the journal nor the parser of responses.
        from slack_token_tui.store.locked_profile import LockedProfile
        from slack_token_tui.store.recovery import recover

        with ExitStack() as stack:
            for each in sorted((name, *others)):  # always in the same order, so that two processes can't deadlock
                stack.enter_context(locks.acquire(self.home / "locks", each, unless=unless))
            hot_path.check_directories(str(self.home), "profiles")
            locked = LockedProfile(self.home, name)
            if recovers:
                recover(locked)
            yield locked

    def update(self, name: str, generation: int, change: Callable[[Profile], Profile]) -> Profile:
        """Save ``change(profile)`` unless the profile has new tokens meanwhile, and return the saved profile.

        Args:
            name: the profile.
            generation: the generation of the tokens that the change is about.
            change: returns the changed profile. It is called with the profile as it is saved now.

        Raises:
            ProfileError: the profile can't be read.
            StorageError: the change could not be saved.
        """
        with self.lock(name) as locked:
            if locked.profile.generation == generation:
                changed = change(locked.profile)
                if changed != locked.profile:
                    locked.save(changed)
            return locked.profile

    def save_sign_in(
        self,
        profile: Profile,
        tokens: Tokens,
        wanted_name: str | None = None,
        *,
        in_keyring: bool | None = None,
        check_replaced: Callable[[Profile], None] = lambda _: None,
    ) -> SavedProfile:
        """Save a new sign-in. It replaces the profile of the same account, or else gets an unused name.

        A sign-in never replaces the profile of another account.

        Args:
            profile: the profile. Its name is ignored.
            tokens: its tokens.
            wanted_name: the preferred name. It is used if it is free or already belongs to the account.
            in_keyring: whether to store the tokens in the keyring. None uses the same place as the existing profile, or
                the ``storage`` setting for a new one.
            check_replaced: called with a profile that would be replaced, while it is locked. An exception that it
                raises prevents that.

        Raises:
            StorageError: the sign-in could not be saved. Nothing was changed.
        """
        self._check_name(wanted_name)
        self._prepare_directories()
        replace_saved = partial(self._replace_same_account, profile, tokens, wanted_name, in_keyring, check_replaced)
        if saved := replace_saved():
            return saved
        with locks.acquire(self.home / "locks", _NEW_PROFILES_LOCK):
            # Another process may have saved the same account meanwhile.
            return replace_saved() or self._save_new(profile, tokens, wanted_name, in_keyring)

    def _check_name(self, wanted_name: str | None) -> None:
        if wanted_name is not None and not hot_path.is_valid_name(wanted_name):
            raise StorageError("profile_name_invalid", name=wanted_name)

    def _replace_same_account(
        self,
        profile: Profile,
        tokens: Tokens,
        wanted_name: str | None,
        in_keyring: bool | None,
        check_replaced: Callable[[Profile], None],
    ) -> SavedProfile | None:
        """Save a sign-in as the profile of the same account. Return None if there is none."""
        matches = self.find_same_account(profile)
        for match in sorted(matches, key=lambda entry: entry.name != wanted_name):
            with suppress(ProfileError), self.lock(match.name, recovers=False) as locked:
                current = locked.profile
                if current.account != profile.account:
                    continue
                if profile.refused and not current.refused:  # a rejected token must not replace a valid one
                    continue
                check_replaced(current)
                updated = replace(
                    profile,
                    name=match.name,
                    id=current.id,
                    generation=current.generation + 1,
                    in_keyring=current.in_keyring if in_keyring is None else in_keyring,
                    extra=current.extra,
                )
                locked.save(updated, tokens)
                return SavedProfile(locked.profile, self.path(match.name), replaced=True)
        return None

    def _save_new(
        self, profile: Profile, tokens: Tokens, wanted_name: str | None, in_keyring: bool | None
    ) -> SavedProfile:
        """Save a sign-in under an unused name."""
        from slack_token_tui.store.names import candidate_names

        if in_keyring is None:
            in_keyring = stores_in_keyring(self.home)
        for name in chain([wanted_name] if wanted_name else [], candidate_names(profile)):
            with locks.acquire(self.home / "locks", name):
                if not hot_path.exists(str(self.path(name))):
                    new = replace(profile, name=name, in_keyring=in_keyring)
                    saved = write_profile_file(self.home, new, tokens, None)
                    taken_name = wanted_name if wanted_name not in (None, name) else None
                    return SavedProfile(saved, self.path(name), taken_name=taken_name)
        raise AssertionError("candidate_names() never ends")

    def delete_unreadable(self, name: str) -> None:
        """Delete the file of profile ``name`` without reading it. The file is damaged, and the user has confirmed this.

        Raises:
            ProfileError: the file does not exist.
            StorageError: the file could not be deleted.
        """
        with locks.acquire(self.home / "locks", name):
            delete_profile_file(self.home, name)

    def _prepare_directories(self) -> None:
        make_private_directory(self.home, may_be_link=True)
        for name in ("profiles", "locks"):
            make_private_directory(self.home / name)
        hot_path.check_directories(str(self.home), "apps", "journal", "quarantine")
        for name in ("profiles", "apps", "quarantine"):
            remove_temp_files_of_dead_processes(self.home / name)
        ignore = self.home / ".gitignore"
        if not hot_path.exists(str(ignore)):
            write_atomically(ignore, b"*\n")
