"""``list`` and ``show``: what is kept, with every token masked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.problems import explain
from slack_token_tui.sanitize import harmless
from slack_token_tui.store.hot_path import ChoiceError, ProfileFileError, chosen_name
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profile_codec import to_record
from slack_token_tui.store.profiles import ProfileStore, Unreadable

_INNER = frozenset({"schema", "id", "generation", "shown_token"})


def list_profiles(as_json: bool) -> int:
    """Print every profile, one a line."""
    store, now = ProfileStore(), datetime.now(UTC)
    entries = list(store.entries())
    if as_json:
        output.print_json([_entry_record(entry, now) for entry in entries], indent=1)
        return exit_codes.DONE
    if not entries:
        output.say("No profiles yet. Sign in: slack-token-tui login, or start slack-token-tui and press a")
    rows = [_row(entry, now) for entry in entries]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip())
    return exit_codes.DONE


def print_names() -> int:
    """Print the names alone, one a line, for completion scripts."""
    for name in ProfileStore().names():
        print(name)
    return exit_codes.DONE


def show_profile(argument: str | None, as_json: bool) -> int:
    """Print all that is known of one profile."""
    store = ProfileStore()
    try:
        name = chosen_name(str(store.home), argument)
        profile = store.read(name)
    except ChoiceError as error:
        return output.no_choice(error, as_json=as_json)
    except FileNotFoundError:
        return output.no_choice(ChoiceError("profile_not_found", argument or "", []), as_json=as_json)
    except ProfileFileError as error:
        return output.unusable_file(error, as_json=as_json)
    record = masked_record(profile, datetime.now(UTC))
    if as_json:
        output.print_json(record, indent=1)
        return exit_codes.DONE
    record["file"] = str(store.path(name))
    for key, value in record.items():
        if value not in (None, [], False, ""):
            text = ", ".join(value) if isinstance(value, list) else str(value)
            print(f"{key.replace('_', ' '):<18} {harmless(str(text))}")
    return exit_codes.DONE


def masked_record(profile: Profile, now: datetime) -> dict[str, Any]:
    """Return ``profile`` for eyes and scripts: its file's keys without unknown ones, and with masked tokens."""
    record = to_record(profile)
    refresh_expires_at = profile.refresh_expires_at
    return {
        "name": profile.name,
        "state": profile.state(now),
        **{key: value for key, value in record.items() if key not in profile.extra and key not in _INNER},
        "access_token": profile.masked_token,
        "refresh_token": str(profile.refresh_token) if profile.refresh_token else None,
        "refresh_expires_at": refresh_expires_at.strftime("%Y-%m-%dT%H:%M:%SZ") if refresh_expires_at else None,
    }


def _entry_record(entry: Profile | Unreadable, now: datetime) -> dict[str, Any]:
    if isinstance(entry, Profile):
        return masked_record(entry, now)
    explanation = explain(entry.error.code, output.file_facts(entry.error))
    return {"name": entry.name, "state": "unreadable", "error": entry.error.code, "remedy": explanation.remedies[0]}


def _row(entry: Profile | Unreadable, now: datetime) -> tuple[str, str, str, str]:
    if isinstance(entry, Unreadable):
        explanation = explain(entry.error.code, output.file_facts(entry.error))
        return entry.name, "unreadable", "", f"{explanation.title}. {explanation.remedies[0]}"
    expiry = f"until {entry.expires_at.astimezone():%Y-%m-%d %H:%M}" if entry.expires_at else "does not expire"
    return entry.name, entry.state(now), entry.whose, expiry
