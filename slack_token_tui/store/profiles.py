"""The profiles of one home directory: read, listed, and saved without ever overwriting another account's."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from slack_token_tui.secret import Secret
from slack_token_tui.store import hot_path, locks
from slack_token_tui.store.atomic_file import (
    StorageError,
    make_private_directory,
    remove_stale_temp_files,
    remove_temp_files_of_dead_processes,
    write_atomically,
)
from slack_token_tui.store.hot_path import ProfileFileError
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profile_codec import from_dict, to_dict
from slack_token_tui.store.settings import KEYRING, read_settings


@dataclass(frozen=True)
class UnreadableProfile:
    """A profile whose file cannot be used: it is shown with its remedy and left alone."""

    name: str
    error: ProfileFileError


@dataclass(frozen=True)
class SavedProfile:
    """What became of a sign-in.

    Attributes:
        profile: as it was saved, with its name.
        path: the file.
        replaced: whether an older sign-in of the same account was renewed.
        taken_name: the wished name, when it belongs to another account and a free one was used.
    """

    profile: Profile
    path: Path
    replaced: bool = False
    taken_name: str | None = None


class ProfileStore:
    """The profiles below one home directory, this user's when None is given."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = Path(hot_path.config_home()) if home is None else home

    def path(self, name: str) -> Path:
        """Return the file of profile ``name``."""
        return Path(hot_path.profile_path(str(self.home), name))

    def names(self) -> list[str]:
        """Return the names of all profiles, readable or not, sorted.

        Raises:
            StorageError: others can change what is in the directory.
        """
        try:
            return hot_path.list_names(str(self.home))
        except ProfileFileError as error:
            raise StorageError(error.code, file=error.path) from None

    def read(self, name: str) -> Profile:
        """Return profile ``name``. No lock is taken: a file is replaced as a whole.

        Raises:
            FileNotFoundError: there is none.
            ProfileFileError: its file cannot be used, or is a copy of another profile's.
        """
        hot_path.check_directories(str(self.home), "profiles")
        return self._read(name)

    def _read(self, name: str) -> Profile:
        path = str(self.path(name))
        record = hot_path.read_record(path)
        profile = from_dict(name, record, path)
        recorded_name = record.get("name")
        if isinstance(recorded_name, str) and recorded_name != name and self._id_of(recorded_name) == profile.id:
            raise ProfileFileError("profile_copied", path, recorded_name)
        return profile

    def _id_of(self, name: str) -> object:
        """Return the id in the file of profile ``name``, or None when it cannot be read."""
        if not hot_path.is_valid_name(name):
            return None
        with suppress(OSError, ProfileFileError):
            return hot_path.read_record(str(self.path(name))).get("id")
        return None

    def check_not_copied(self, profile: Profile) -> None:
        """Refuse a profile whose file is a copy of another one's: both would spend one refresh token.

        Files that version 0.1.0 wrote do not say their name. Of two with one id the one that was refreshed more often counts
        as the original, then the older one.

        Raises:
            ProfileFileError: ``profile_copied``.
        """
        matches = [name for name in self.names() if name == profile.name or self._id_of(name) == profile.id]
        original = min(matches, key=self._copy_sort_key, default=profile.name)
        if original != profile.name:
            raise ProfileFileError("profile_copied", str(self.path(profile.name)), original)

    def _copy_sort_key(self, name: str) -> tuple[bool, int, int, str]:
        """Return a sort key, the original first: its own name in the file, most refreshes, oldest."""
        try:
            record, status = hot_path.read_record(str(self.path(name))), self.path(name).stat()
        except (OSError, ProfileFileError):
            return True, 0, 0, name
        generation = record.get("generation")
        count = generation if isinstance(generation, int) else 0
        return record.get("name") != name, -count, status.st_mtime_ns, name

    def with_tokens(self, profile: Profile) -> Profile:
        """Return ``profile`` with its tokens, fetched from the keyring where they are kept there.

        Raises:
            FileNotFoundError, ProfileFileError: the profile went while its tokens were fetched.
            StorageError: ``keyring_…``: it cannot be asked, or has lost them.
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
                # Whoever has refreshed or moved it since it was read has taken away what the file pointed at then.
                current = self.read(profile.name)
                if (current.generation, current.in_keyring) != (profile.generation, profile.in_keyring):
                    return self.with_tokens(current)
            raise StorageError(error.code, **{**error.facts, "name": profile.name}) from None
        return replace(profile, access_token=access_token, refresh_token=refresh_token)

    def entries(self) -> Iterator[Profile | UnreadableProfile]:
        """Yield every profile in the order of names; one that cannot be read does not stop the others.

        Raises:
            StorageError: others can change what is in the directory.
        """
        for name in self.names():
            try:
                yield self._read(name)
            except FileNotFoundError:  # removed since it was listed
                continue
            except ProfileFileError as error:
                yield UnreadableProfile(name, error)

    def find_same_account(self, profile: Profile) -> list[Profile]:
        """Return the readable profiles of the same account as ``profile``."""
        if profile.account is None:
            return []
        return [entry for entry in self.entries() if isinstance(entry, Profile) and entry.account == profile.account]

    def check_writable(self, name: str | None = None) -> None:
        """See to it that a sign-in can be saved, before a person is asked to make one.

        Args:
            name: of the profile that is signed in again, if one is.

        Raises:
            StorageError: it could not be, and why.
        """
        self._prepare_directories()
        probe = self.home / "profiles" / ".ready"
        write_atomically(probe, b"")
        probe.unlink(missing_ok=True)
        in_keyring = read_settings(self.home).get("storage") == KEYRING
        if name is not None:
            with suppress(FileNotFoundError, ProfileFileError):
                in_keyring = self.read(name).in_keyring
        if in_keyring:
            from slack_token_tui.store import keyring

            item = f"probe.{os.getpid()}"  # another sign-in may begin at the same moment
            keyring.save_item(item, Secret("x" * 256))  # as long as a token: some keyrings cut
            keyring.try_delete_item(item)

    def save_sign_in(
        self, profile: Profile, wanted_name: str | None = None, *, in_keyring: bool | None = None
    ) -> SavedProfile:
        """Save a fresh sign-in: in the place of the same account's older one, else under a free name.

        A sign-in that comes back as somebody else never replaces a profile.

        Args:
            profile: with its tokens; its own name does not count.
            wanted_name: taken when it is free, or the account's own already.
            in_keyring: where its tokens go; None for where the older ones are, and a new profile's as the settings say.

        Raises:
            StorageError: nothing was saved and nothing changed.
        """
        from slack_token_tui.store.names import candidate_names

        self._prepare_directories()
        by_default = read_settings(self.home).get("storage") == KEYRING
        profile = replace(profile, in_keyring=by_default if in_keyring is None else in_keyring)
        existing = self.find_same_account(profile)
        for match in sorted(existing, key=lambda twin: twin.name != wanted_name):
            with locks.acquire(self.home / "locks", match.name):
                try:
                    current = self.read(match.name)
                except (FileNotFoundError, ProfileFileError):
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
                    named = profile.with_name(name)
                    taken = wanted_name if wanted_name not in (None, name) else None
                    return SavedProfile(named, self.write(named), taken_name=taken)
            if self.find_same_account(profile):  # somebody else has just finished a sign-in of the same account
                return self.save_sign_in(profile, wanted_name, in_keyring=in_keyring)
        raise AssertionError("proposals never end")

    def _prepare_directories(self) -> None:
        make_private_directory(self.home, may_be_link=True)
        for name in ("profiles", "locks"):
            make_private_directory(self.home / name)
        try:
            hot_path.check_directories(str(self.home), "apps", "journal", "quarantine")
        except ProfileFileError as error:
            raise StorageError(error.code, file=error.path) from None
        for name in ("profiles", "apps", "quarantine"):
            remove_temp_files_of_dead_processes(self.home / name)
        ignore = self.home / ".gitignore"
        if not os.path.lexists(ignore):
            write_atomically(ignore, b"*\n")

    def write(self, profile: Profile, previous: Profile | None = None) -> Path:
        """Save ``profile`` and return its file. The caller holds the lock of its name.

        Tokens for the keyring go there first, under a generation of their own; the file then points at them, and what it
        pointed at before (``older``) is deleted last. Whenever this is cut off, the file points at tokens that are there.

        Raises:
            StorageError: what was there before is untouched.
        """
        path = self.path(profile.name)
        if profile.in_keyring and profile.access_token is not None:
            from slack_token_tui.store import keyring

            keyring.save_tokens(profile.id, profile.generation, profile.access_token, profile.refresh_token)
        remove_stale_temp_files(path)
        is_there = os.path.lexists(path)
        try:
            write_atomically(path, json.dumps(to_dict(profile), indent=1, ensure_ascii=False).encode())
        except StorageError:
            points_at = (previous.in_keyring, previous.generation) if previous else (is_there, profile.generation)
            if profile.in_keyring and profile.access_token is not None and points_at != (True, profile.generation):
                from slack_token_tui.store import keyring

                keyring.delete_tokens(profile.id, profile.generation)  # nothing points at them
            raise
        if (
            previous is not None
            and previous.in_keyring
            and (not profile.in_keyring or previous.generation != profile.generation)
        ):
            from slack_token_tui.store import keyring

            keyring.delete_tokens(previous.id, previous.generation)
        return path
