"""Files in a directory of profiles: many profiles, copied ones, the app used last, and what a refresh left."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from slack_token_tui.slack.endpoints import EndpointVariant
from slack_token_tui.store.apps import SlackApp, save_app
from slack_token_tui.store.journal import Journal, RefreshIntent, token_digest
from slack_token_tui.store.locked_profile import LockedProfile
from slack_token_tui.store.profile import Profile, Tokens
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import remember_last_app


def save_last_app(store: ProfileStore, app: SlackApp) -> None:
    """Save ``app`` so that the next sign-in offers it."""
    store.check_writable()
    save_app(store.home, app)
    remember_last_app(store.home, app.client_id)


def read_tokens(store: ProfileStore, name: str = "acme") -> Tokens:
    """Return the tokens that are saved for a profile."""
    return store.read_with_tokens(name)[1]


def change_profile(store: ProfileStore, name: str = "acme", tokens: Tokens | None = None, **changes: Any) -> Profile:
    """Save a profile with ``changes`` to its fields, and return it. Without ``tokens`` it keeps those that it has."""
    with store.lock(name, recovers=False) as locked:
        locked.save(replace(locked.profile, **changes), tokens)
        return locked.profile


def recover_refresh(store: ProfileStore, name: str = "acme") -> LockedProfile:
    """Finish the interrupted refresh of a profile, and return the profile with what is known of that refresh."""
    with store.lock(name) as locked:
        return locked


def add_profile_files(store: ProfileStore, template: str, numbers: Iterable[int]) -> None:
    """Write a profile ``w0000`` for each of ``numbers``, like the profile ``template`` but for other users."""
    record = json.loads(store.path(template).read_text())
    for number in numbers:
        path = store.path(f"w{number:04}")
        path.write_text(json.dumps({**record, "id": f"{number:032}", "user_id": f"U{number}"}))
        path.chmod(0o600)


def copy_profile_file(store: ProfileStore, name: str, to: str, *, by_old_version: bool = False) -> None:
    """Copy a profile's file as ``cp -p`` does. Version 0.1.0 did not write the name into the file."""
    if by_old_version:
        remove_name_from_file(store, name)
    store.path(to).write_bytes(store.path(name).read_bytes())
    store.path(to).chmod(0o600)
    status = store.path(name).stat()
    os.utime(store.path(to), ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def remove_name_from_file(store: ProfileStore, name: str) -> None:
    """Leave out the name in a profile's file, as version 0.1.0 did."""
    record = json.loads(store.path(name).read_text())
    del record["name"]
    store.path(name).write_text(json.dumps(record))


def leave_journal(
    store: ProfileStore, saved: Profile, response: bytes | None = None, *, digest: str = "", hours_ago: float = 1
) -> Journal:
    """Write the journal of a refresh that was interrupted after ``response``. Without one, nothing was sent.

    Args:
        digest: digest of the refresh token that was sent, if it was not the one of ``saved``.
        hours_ago: when the request was sent.
    """
    refresh_token = read_tokens(store, saved.name).refresh_token
    assert refresh_token is not None
    journal = Journal(store.home, saved.id, in_keyring=False)
    journal.reserve()
    if response is not None:
        digest = digest or token_digest(refresh_token)
        journal.write_intent(
            RefreshIntent(digest, EndpointVariant.V2_USER, datetime.now(UTC) - timedelta(hours=hours_ago))
        )
        journal.write_response(response)
    journal.close()
    return journal


def list_journals(store: ProfileStore) -> list[Path]:
    """Return the journals of unfinished refreshes."""
    return list((store.home / "journal").glob("*"))


def find_files_with(path: Path, text: str) -> list[Path]:
    """Return the files below ``path``, or ``path`` itself, that contain ``text``."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return [file for file in files if text.encode() in file.read_bytes()]
