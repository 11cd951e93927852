"""A profile whose lock is held, so that it can be changed."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path

from slack_token_tui.store import keyring
from slack_token_tui.store.atomic_file import (
    check_directory_writable,
    remove_stale_temp_files,
    sync_directory,
    to_storage_error,
)
from slack_token_tui.store.errors import ProfileError, StorageError
from slack_token_tui.store.hot_path import exists
from slack_token_tui.store.journal import Journal
from slack_token_tui.store.profile import Profile, Tokens
from slack_token_tui.store.profile_file import (
    delete_profile_file,
    load_keyring_tokens,
    profile_path,
    read_profile_file,
    write_profile_file,
)
from slack_token_tui.store.settings import change_settings, load_settings


class LockedProfile:
    """A profile that no other process changes while this object is in use. See ``ProfileStore.lock()``.

    Attributes:
        home: the config directory.
        profile: the saved profile.
        journal: the journal of its refresh.
        recovered: whether an interrupted refresh was finished when the lock was acquired.
        first_unanswered_at: when the first request without a response was sent with the current refresh token, or None.
    """

    def __init__(self, home: Path, name: str) -> None:
        """
        Raises:
            ProfileError: the profile does not exist, or its file can't be used.
        """
        self.recovered = False
        self.first_unanswered_at: datetime | None = None
        self.home = home
        self.profile, self._tokens = read_profile_file(home, name)
        self.journal = Journal(home, self.profile.id, in_keyring=self.profile.in_keyring)

    @property
    def tokens(self) -> Tokens:
        """The tokens of the profile, loaded from the keyring if they are stored there.

        Raises:
            StorageError: ``keyring_…``: the keyring can't be used, or does not have the tokens.
        """
        if self._tokens is None:
            self._tokens = load_keyring_tokens(self.profile)
        return self._tokens

    def reload(self) -> None:
        """Read the file again. A lock does not stop a program that synchronizes directories.

        Raises:
            ProfileError: see :func:`slack_token_tui.store.profile_file.read_profile_file`.
        """
        self.profile, self._tokens = read_profile_file(self.home, self.profile.name)

    def check_writable(self) -> None:
        """Check that :meth:`save` is allowed to replace the file, before a refresh token is spent.

        Raises:
            StorageError: it is not.
        """
        check_directory_writable(profile_path(self.home, self.profile.name).parent)

    def save(self, profile: Profile, tokens: Tokens | None = None) -> None:
        """Replace the saved profile by ``profile``.

        Keyring tokens are saved first, under ``profile.generation``. Then the file is replaced. The keyring tokens of
        the earlier generation are deleted last. If the process is killed at any point, the file refers to existing
        tokens.

        Args:
            profile: the profile, with the same name.
            tokens: its new tokens, or None if they have not changed.

        Raises:
            StorageError: the profile could not be saved. The existing file and its tokens are unchanged.
        """
        previous = self.profile
        in_file = tokens or (None if profile.in_keyring else self.tokens)
        self.profile = write_profile_file(self.home, profile, in_file, previous)
        self._tokens = in_file or self._tokens

    def rename(self, new: str) -> None:
        """Rename the file. The caller must hold its lock and that of ``new``, so that no other process uses the name.

        If the profile is the default, it stays the default.

        Raises:
            StorageError: ``profile_name_taken``, or the file could not be renamed. Nothing was changed.
        """
        old = self.profile.name
        source, target = profile_path(self.home, old), profile_path(self.home, new)
        if exists(str(target)):
            raise StorageError("profile_name_taken", name=new)
        is_default = load_settings(self.home).get("default_profile") == old
        if is_default:  # first, so that a failure here leaves the file with its old name
            change_settings(self.home, default_profile=new)
        try:
            for path in (source, target):
                remove_stale_temp_files(path)
            source.rename(target)
            sync_directory(target.parent)
        except OSError as error:
            if is_default:
                with suppress(StorageError):
                    change_settings(self.home, default_profile=old)
            raise to_storage_error(error, target) from None
        renamed = self.profile.with_name(new)
        with suppress(StorageError):  # the name in the file identifies copies, and a stale one is harmless
            self.save(renamed)
        self.profile = renamed

    def delete(self, *, keeps_keyring_tokens: bool = False) -> None:
        """Delete the profile, its journal and its keyring tokens.

        Args:
            keeps_keyring_tokens: whether another file refers to the same keyring tokens.

        A file that another program has deleted meanwhile counts as deleted.

        Raises:
            StorageError: the file could not be deleted.
        """
        with suppress(ProfileError):
            delete_profile_file(self.home, self.profile.name)
        with suppress(OSError):  # partial quarantine files left by a killed process
            for path in (self.home / "quarantine").glob(f".*.{self.profile.id}.*.tmp"):
                path.unlink()
        if self.journal.exists:
            self.journal.remove()
        if self.profile.in_keyring and not keeps_keyring_tokens:
            keyring.delete_tokens(self.profile.id, self.profile.generation)
