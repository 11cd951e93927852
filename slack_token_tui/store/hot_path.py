"""Where profiles are, which one is meant, and one file read with every check: the hot path of ``token``.

A script may ask for a token a thousand times a day, so this module imports nothing that costs more than the work: no
platformdirs, pathlib or dataclasses. The store reads through it, so the checks exist once.
"""

import errno
import json
import os
import re
import stat
import sys
import time

from slack_token_tui.slack.limits import MAX_TOKEN_SECONDS

SCHEMA = 1
MAX_FILE_BYTES = 128 * 1024
"""More than the largest profile that can be saved, so that what was saved can be read."""
REFRESH_MARGIN_SECONDS = 600
"""A token with less life than this is refreshed before it is handed out."""
REVOKED_CODES = frozenset({"token_revoked", "token_expired", "account_inactive"})
"""Slack's final words on a token. ``invalid_auth`` is not among them: it may mean the wrong network."""

_APPLICATION = "slack-token-tui"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LIKE_A_TOKEN = re.compile(r"xox[a-z][.-]|xapp-|xwfp-")
_WINDOWS_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_WRITABLE_BY_OTHERS = 0o022
TOKEN = re.compile(r"[\x21-\x7e]{8,4096}")


class ProfileFileError(Exception):
    """A file that is there and cannot be used.

    Attributes:
        code: the catalogue's, ``profile_unreadable`` and its sisters.
        path: the file.
        detail: what exactly, never the content.
    """

    def __init__(self, code: str, path: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.path = path
        self.detail = detail

    @property
    def facts(self) -> dict[str, str]:
        """The values that the explanation fills in."""
        return {"file": self.path, "detail": self.detail or "no more is known"}


class ProfileChoiceError(Exception):
    """No profile, or none in particular, is meant.

    Attributes:
        code: the catalogue's: ``no_profiles``, ``profile_not_chosen``, ``profile_not_found`` or ``profile_name_invalid``.
        name: what was asked for, or "".
        names: the profiles there are.
    """

    def __init__(self, code: str, name: str, names: list[str]) -> None:
        super().__init__(code)
        self.code = code
        self.name = name
        self.names = names


def config_home() -> str:
    """Return the directory of profiles and settings, whether it exists or not.

    ``SLACK_TOKEN_TUI_HOME``, else what platformdirs calls the user's config directory; a test holds the two equal.
    """
    given = os.environ.get("SLACK_TOKEN_TUI_HOME")
    if given:
        return os.path.abspath(given)
    if sys.platform == "win32":
        from platformdirs import user_config_dir  # the registry knows; reading it by hand is not worth it here

        return user_config_dir(_APPLICATION)
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if not base.startswith("/"):
        base = _user_home() + ("/Library/Application Support" if sys.platform == "darwin" else "/.config")
    return os.path.join(base, _APPLICATION)


def _user_home() -> str:
    given = os.environ.get("HOME", "")
    if given.startswith("/"):
        return given.rstrip("/")
    import pwd

    return pwd.getpwuid(os.getuid()).pw_dir.rstrip("/")


def is_valid_name(name: str) -> bool:
    """Tell whether ``name`` can be a profile's name, and so a file's, on any system."""
    return _NAME.fullmatch(name) is not None and _WINDOWS_DEVICE.fullmatch(name) is None


def is_allowed_new_name(name: str) -> bool:
    """Tell whether a person may call a profile ``name``: not what begins as a token. Names are shown."""
    return is_valid_name(name) and _LIKE_A_TOKEN.match(name) is None


def check_directory(path: str, *, may_be_link: bool = False) -> None:
    """Refuse a directory in which others can put, replace or remove files. One that does not exist is fine.

    Args:
        path: the directory.
        may_be_link: whether it may be a symbolic link that only this user or root can have put there.

    Raises:
        ProfileFileError: ``store_not_a_directory``, ``store_not_ours`` or ``store_exposed``.
    """
    if sys.platform == "win32":
        return
    try:
        status = os.lstat(path)
        if may_be_link and stat.S_ISLNK(status.st_mode):
            parent = os.stat(os.path.dirname(path) or ".")
            if parent.st_uid not in (os.geteuid(), 0):
                raise ProfileFileError("store_not_ours", os.path.dirname(path))
            if parent.st_mode & _WRITABLE_BY_OTHERS:
                raise ProfileFileError("store_exposed", os.path.dirname(path))
            status = os.stat(path)
    except OSError:
        return  # whatever is about to be read there fails by itself
    if not stat.S_ISDIR(status.st_mode):
        raise ProfileFileError("store_not_a_directory", path)
    if status.st_uid != os.geteuid():
        raise ProfileFileError("store_not_ours", path)
    if status.st_mode & _WRITABLE_BY_OTHERS:
        raise ProfileFileError("store_exposed", path)


def check_directories(home: str, *below: str) -> None:
    """Refuse home directory ``home``, or one of those ``below`` it, as :func:`check_directory` does."""
    check_directory(home, may_be_link=True)
    for name in below:
        check_directory(os.path.join(home, name))


def list_names(directory: str) -> list[str]:
    """Return the names of the profiles below home ``directory``, sorted; readable or not.

    Raises:
        ProfileFileError: others can change what is there.
    """
    check_directories(directory, "profiles")
    try:
        files = os.listdir(os.path.join(directory, "profiles"))
    except OSError:
        return []
    return sorted(file[:-5] for file in files if file.endswith(".json") and is_valid_name(file[:-5]))


def profile_path(directory: str, name: str) -> str:
    """Return the file of profile ``name`` below home ``directory``."""
    return os.path.join(directory, "profiles", name + ".json")


def resolve_name(directory: str, argument: str | None) -> str:
    """Return the profile that is meant: the argument, else ``SLACK_TOKEN_PROFILE``, else the default, else the only one.

    Raises:
        ProfileChoiceError: none is, or there is none of that name.
        ProfileFileError: others can change what is there.
    """
    check_directories(directory, "profiles")
    # An empty argument is a mistake of a script (an unset variable), and never means the default.
    wanted = argument if argument is not None else os.environ.get("SLACK_TOKEN_PROFILE") or default_name(directory)
    if wanted is not None:
        if not is_valid_name(wanted):
            raise ProfileChoiceError("profile_name_invalid", wanted, [])
        if not os.path.lexists(profile_path(directory, wanted)):
            if not is_allowed_new_name(wanted):
                raise ProfileChoiceError("profile_name_invalid", wanted, [])
            raise ProfileChoiceError("profile_not_found", wanted, list_names(directory))
        return wanted
    there = list_names(directory)
    if len(there) == 1:
        return there[0]
    raise ProfileChoiceError("profile_not_chosen" if there else "no_profiles", "", there)


def default_name(directory: str) -> str | None:
    """Return the default profile; settings that cannot be read set none, and a default that is gone counts for nothing."""
    try:
        check_directories(directory)
        name = read_record(os.path.join(directory, "settings.json")).get("default_profile")
    except (OSError, ProfileFileError):
        return None
    if isinstance(name, str) and is_valid_name(name) and os.path.lexists(profile_path(directory, name)):
        return name
    return None


def read_record(path: str) -> dict[str, object]:
    """Return the JSON object in the private file at ``path``, after every check.

    Raises:
        FileNotFoundError: there is no such file.
        ProfileFileError: it is a link or no plain file, somebody else's, open to others, too large, damaged, or of a newer
            schema.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO) or os.path.isdir(path):
            raise ProfileFileError("profile_not_a_file", path) from None
        raise ProfileFileError("profile_unreadable", path, os.strerror(error.errno or 0)) from None
    try:
        content = _read_checked(descriptor, path)
    finally:
        os.close(descriptor)
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        raise ProfileFileError("profile_unreadable", path, "it is not JSON") from None
    if not isinstance(record, dict):
        raise ProfileFileError("profile_unreadable", path, "it is not a JSON object")
    schema = record.get("schema", SCHEMA)
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        raise ProfileFileError("profile_unreadable", path, "its schema is not a number")
    if schema > SCHEMA:
        raise ProfileFileError("profile_too_new", path)
    return record


def _read_checked(descriptor: int, path: str) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise ProfileFileError("profile_not_a_file", path)
    if sys.platform != "win32":
        if status.st_uid != os.geteuid():
            raise ProfileFileError("profile_not_ours", path)
        if status.st_mode & 0o077:
            raise ProfileFileError("profile_exposed", path)
    if status.st_size > MAX_FILE_BYTES:
        raise ProfileFileError("profile_unreadable", path, "it is too large")
    content = b""
    while chunk := os.read(descriptor, MAX_FILE_BYTES + 1 - len(content)):
        content += chunk
    return content


def unusable_reason(record: dict[str, object], now: float | None = None) -> str | None:
    """Return why the access token in ``record`` must not be handed out, as the end of "it …", or None while it is good.

    Args:
        record: a profile as :func:`read_record` returns it.
        now: seconds since the epoch; the clock's when None.
    """
    refused = record.get("refused")
    if isinstance(refused, str) and refused in REVOKED_CODES:
        return f"was refused by Slack ({refused})"
    expires_at = record.get("expires_at")
    if expires_at is not None:
        # Instants are written in one form (UTC, to the second), so that their order is that of their text.
        this_instant = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        if not isinstance(expires_at, str) or not _INSTANT.fullmatch(expires_at):
            return "has an unreadable expiry"
        if expires_at <= this_instant:
            return f"expired at {expires_at}"
    return None


def needs_slow_path(record: dict[str, object], min_ttl_seconds: float = REFRESH_MARGIN_SECONDS) -> bool:
    """Tell whether the token in ``record`` cannot simply be handed out: it is to be refreshed first, or is in the keyring.

    It may say yes too often, never too seldom: the store decides, at leisure.
    """
    if record.get("storage") is not None:
        return True
    if record.get("expires_at") is None or not record.get("refresh_token"):
        return False
    now = time.time()
    soon, never = (
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + seconds))
        for seconds in (min_ttl_seconds, MAX_TOKEN_SECONDS)
    )
    return record.get("refused") is not None or not soon <= str(record["expires_at"]) <= never


def access_token(record: dict[str, object], path: str) -> str:
    """Return the access token in ``record``.

    Raises:
        ProfileFileError: there is none, or what is there cannot be one.
    """
    token = record.get("access_token")
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        raise ProfileFileError("profile_unreadable", path, "it holds no token")
    return token
