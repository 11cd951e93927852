"""Checks of token storage: keyring, config directory, profiles, apps and leftover files."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from slack_token_tui.doctor.report import Finding, Verdict, finding_about
from slack_token_tui.store.apps import unreadable_apps
from slack_token_tui.store.errors import ProfileError, StorageError
from slack_token_tui.store.fallback_dir import import_command, list_fallback_files, profile_id_in
from slack_token_tui.store.hot_path import check_directory, exists, list_directory
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore, UnreadableProfile
from slack_token_tui.store.settings import KEYRING, load_settings, read_settings

_SYNCED = ("dropbox", "onedrive", "google drive", "googledrive", "mobile documents", "icloud", "nextcloud", "owncloud")
_SYNC_MARKS = (".stfolder", ".stignore")


def check_keyring(home: Path) -> Iterator[Finding]:
    """Yield a finding about the keyring, even if it is not in use."""
    from slack_token_tui.store import keyring

    profiles = [entry for entry in _read_entries(home) if isinstance(entry, Profile)]
    wanted = read_settings(home).get("storage") == KEYRING or any(profile.in_keyring for profile in profiles)
    try:
        message = f"{keyring.backend_name()} is available. In the interface, press m to move tokens into it."
        yield Finding("keyring", Verdict.GOOD, "Keyring", message)
    except StorageError as error:
        title = error.explain().title
        if wanted:
            yield finding_about(error, "keyring", Verdict.BAD, "Keyring", f"{title}.")
        else:
            message = f"Not used. Tokens are saved in files ({title})."
            yield Finding("keyring", Verdict.NOTE, "Keyring", message)


def check_config_directory(home: Path) -> Iterator[Finding]:
    """Yield findings about the config directory, its permissions, the settings file and shared locations."""
    try:
        check_directory(str(home), may_be_link=True)
        list_directory(str(home))
        is_there = exists(str(home))
    except ProfileError as error:
        yield finding_about(error, "directory", Verdict.BAD, "Files")
        return
    if not is_there:
        existing_parent = next(parent for parent in home.parents if parent.exists())
        if os.access(existing_parent, os.W_OK):
            message = f"{home} doesn't exist yet. The first sign-in creates it."
            yield Finding("directory", Verdict.NOTE, "Files", message)
        else:
            remedy = "Make it writable, or set SLACK_TOKEN_TUI_HOME to another directory."
            message = f"{home} can't be created, because {existing_parent} isn't writable."
            yield Finding("directory", Verdict.BAD, "Files", message, remedy)
        return
    status = home.stat()
    problem = ""
    if os.name == "posix" and stat.S_IMODE(status.st_mode) & 0o077:
        problem, remedy = f"Other users can access {home}.", f"chmod 700 {shlex.quote(str(home))}"
    elif not os.access(home, os.W_OK):
        problem, remedy = (
            f"{home} isn't writable.",
            f"chmod 700 {shlex.quote(str(home))}, or remount the disk if it's read-only.",
        )
    if problem:
        yield Finding("directory", Verdict.BAD, "Files", problem, remedy)
    else:
        yield Finding("directory", Verdict.GOOD, "Files", f"{home} is private to you.")
    for name in ("profiles", "apps", "locks", "journal", "quarantine"):
        try:
            check_directory(str(home / name))
            list_directory(str(home / name))
        except ProfileError as error:
            yield finding_about(error, "directory", Verdict.BAD, "Files")
    try:
        load_settings(home)
    except StorageError as error:
        if not error.code.startswith("store_"):  # about the directory, and said above
            yield finding_about(error, "settings", Verdict.BAD, "Settings")
    yield from _check_shared_directory(home)


def _check_shared_directory(home: Path) -> Iterator[Finding]:
    """Yield findings if the files are in a git work tree or in a folder synced to other machines."""
    ancestors = [home, *home.parents]
    git_root = next((place for place in ancestors if (place / ".git").exists()), None)
    if git_root is not None:
        if (home / ".gitignore").exists():
            said = f"The files are in the git work tree {git_root}, but its .gitignore excludes them."
            yield Finding("git", Verdict.NOTE, "Git", said)
        else:
            said = f"The files are in the git work tree {git_root} and could be committed."
            yield Finding("git", Verdict.LOOK, "Git", said, f"Write * to {home / '.gitignore'}")
    parts = [part.lower() for part in home.parts]
    synced_dir = next((place for place in ancestors if any((place / mark).exists() for mark in _SYNC_MARKS)), None)
    if synced_dir is not None or any(part.startswith(name) for part in parts for name in _SYNCED):
        yield Finding(
            "synced",
            Verdict.LOOK,
            "Synced",
            "The files seem to be in a folder that is synced to other machines.",
            "Two machines refreshing the same profile invalidate each other's tokens. "
            "Set SLACK_TOKEN_TUI_HOME to a directory that isn't synced.",
        )


def check_profiles(home: Path) -> Iterator[Finding]:
    """Yield findings about unreadable profile and app files, and the number of readable profiles."""
    entries = _read_entries(home)
    for entry in entries:
        if isinstance(entry, UnreadableProfile):
            yield finding_about(entry.error, "profile", Verdict.BAD, entry.name)
    with suppress(StorageError):  # the directory, which is reported separately
        for error in unreadable_apps(home):
            yield finding_about(error, "app", Verdict.LOOK, "App")
    readable_count = sum(isinstance(entry, Profile) for entry in entries)
    if readable_count:
        yield Finding("profiles", Verdict.GOOD, "Profiles", f"{readable_count} readable.")


def check_leftovers(home: Path) -> Iterator[Finding]:
    """Yield findings about files left by interrupted refreshes, failed saves and unusable responses."""
    journals, quarantine = home / "journal", home / "quarantine"
    names = {entry.id: entry.name for entry in _read_entries(home) if isinstance(entry, Profile)}
    for path in _list_files(journals):
        profile_name = names.get(path.stem)
        message = f"A refresh of {profile_name or 'a removed profile'} is in progress or was interrupted."
        remedy = (
            f"It will be completed automatically on next use: slack-token-tui refresh {profile_name}"
            if profile_name
            else ""
        )
        yield Finding("journal", Verdict.LOOK, "Journal", message, remedy)
    for path in list_fallback_files(home):
        profile_name = names.get(profile_id_in(path))
        remedy = (
            f"It will be completed automatically on next use: slack-token-tui refresh {profile_name}"
            if profile_name
            else "It may hold a valid token."
        )
        if path.suffix == ".tokens":
            remedy = f"Run {import_command(path)}, then delete the file."
        yield Finding(
            "rescued", Verdict.LOOK, "Rescued", f"{path} holds tokens that couldn't be saved elsewhere.", remedy
        )
    for path in _list_files(quarantine):
        message = f"{path} holds an unusable response from Slack."
        remedy = "It may hold a valid token. Delete it when the profile works again."
        yield Finding("quarantine", Verdict.LOOK, "Quarantine", message, remedy)


def _read_entries(home: Path) -> list[Profile | UnreadableProfile]:
    """Return the profiles, or [] if the directory is unusable, which is reported separately."""
    try:
        return list(ProfileStore(home).entries())
    except StorageError:
        return []


def _list_files(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError:
        return []
