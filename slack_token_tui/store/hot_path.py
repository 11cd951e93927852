"""Fast path of ``slack-token-tui token``: find the config directory, resolve the profile, and read it with all checks.

Scripts may ask for a token a thousand times a day. This module therefore avoids slow imports such as platformdirs,
pathlib and dataclasses. The store also reads through it, so the checks exist only once.
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
"""Larger than any profile that can be saved, so that every saved profile can be read."""
REFRESH_MARGIN_SECONDS = 600
"""Tokens that expire sooner than this are refreshed before they are returned."""
REVOKED_CODES = frozenset({"token_revoked", "token_expired", "account_inactive"})
"""Slack error codes for a token that is permanently invalid. ``invalid_auth`` may just mean the wrong network."""

_APPLICATION = "slack-token-tui"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TOKEN_PREFIX = re.compile(r"xox[a-z][.-]|xapp-|xwfp-")
_WINDOWS_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_WRITABLE_BY_OTHERS = 0o022
TOKEN = re.compile(r"[\x21-\x7e]{8,4096}")


class ProfileFileError(Exception):
    """A file or directory exists but can't be used.

    Attributes:
        code: a code from the problem catalog: ``profile_…`` for a file, ``store_…`` for a directory.
        path: the path of the file or directory.
        detail: the exact problem. It never includes file contents.
    """

    def __init__(self, code: str, path: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.path = path
        self.detail = detail

    @property
    def facts(self) -> dict[str, str]:
        """The values for the placeholders in the explanation."""
        return {"file": self.path, "detail": self.detail or "no more is known"}


class ProfileChoiceError(Exception):
    """No profile could be selected.

    Attributes:
        code: a code from the problem catalog: ``no_profiles``, ``profile_not_chosen``, ``profile_not_found`` or
            ``profile_name_invalid``.
        name: the requested name, or "".
        names: the names of the existing profiles, or empty for ``profile_name_invalid``.
    """

    def __init__(self, code: str, name: str, names: list[str]) -> None:
        super().__init__(code)
        self.code = code
        self.name = name
        self.names = names


def config_home() -> str:
    """Return the directory for profiles and settings. It may not exist.

    This is ``SLACK_TOKEN_TUI_HOME``, or else the user's config directory. A test checks that the result equals
    ``platformdirs.user_config_dir()``.
    """
    override = os.environ.get("SLACK_TOKEN_TUI_HOME")
    if override:
        return os.path.abspath(override)
    if sys.platform == "win32":
        from platformdirs import user_config_dir  # it reads the registry, which is not worth duplicating

        return user_config_dir(_APPLICATION)
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if not base.startswith("/"):
        base = _user_home() + ("/Library/Application Support" if sys.platform == "darwin" else "/.config")
    return os.path.join(base, _APPLICATION)


def _user_home() -> str:
    home = os.environ.get("HOME", "")
    if home.startswith("/"):
        return home.rstrip("/")
    import pwd

    return pwd.getpwuid(os.getuid()).pw_dir.rstrip("/")


def is_valid_name(name: str) -> bool:
    """Return whether ``name`` is a valid profile name, and so a valid file name on every operating system."""
    return _NAME.fullmatch(name) is not None and _WINDOWS_DEVICE.fullmatch(name) is None


def is_allowed_new_name(name: str) -> bool:
    """Return whether a new profile may use ``name``. Names are displayed, so they must not start like a token."""
    return is_valid_name(name) and _TOKEN_PREFIX.match(name) is None


def check_directory(path: str, *, may_be_link: bool = False) -> None:
    """Reject a directory where other users can create, replace or delete files. A missing directory passes.

    Args:
        path: the directory.
        may_be_link: whether to allow a symbolic link. Its parent must be writable only by this user or root.

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
        return  # the caller gets the same error when it reads the directory
    if not stat.S_ISDIR(status.st_mode):
        raise ProfileFileError("store_not_a_directory", path)
    if status.st_uid != os.geteuid():
        raise ProfileFileError("store_not_ours", path)
    if status.st_mode & _WRITABLE_BY_OTHERS:
        raise ProfileFileError("store_exposed", path)


def check_directories(home: str, *below: str) -> None:
    """Check directory ``home`` and its subdirectories ``below`` with :func:`check_directory`."""
    check_directory(home, may_be_link=True)
    for name in below:
        check_directory(os.path.join(home, name))


def list_names(home: str) -> list[str]:
    """Return the sorted names of all profiles in config directory ``home``, including unreadable ones.

    Raises:
        ProfileFileError: other users can change the contents of the directory.
    """
    check_directories(home, "profiles")
    try:
        files = os.listdir(os.path.join(home, "profiles"))
    except OSError:
        return []
    return sorted(file[:-5] for file in files if file.endswith(".json") and is_valid_name(file[:-5]))


def profile_path(home: str, name: str) -> str:
    """Return the file path of profile ``name`` in config directory ``home``."""
    return os.path.join(home, "profiles", name + ".json")


def resolve_name(home: str, argument: str | None) -> str:
    """Return the name of the profile to use.

    This is the argument, else ``SLACK_TOKEN_PROFILE``, else the default profile, else the only profile.

    Raises:
        ProfileChoiceError: no profile is selected, or the selected profile does not exist.
        ProfileFileError: other users can change the contents of the directory.
    """
    check_directories(home, "profiles")
    # An empty argument is a script error, such as an unset variable. It must not select the default.
    requested_name = argument if argument is not None else os.environ.get("SLACK_TOKEN_PROFILE") or default_name(home)
    if requested_name is not None:
        if not is_valid_name(requested_name):
            raise ProfileChoiceError("profile_name_invalid", requested_name, [])
        if not os.path.lexists(profile_path(home, requested_name)):
            if not is_allowed_new_name(requested_name):
                raise ProfileChoiceError("profile_name_invalid", requested_name, [])
            raise ProfileChoiceError("profile_not_found", requested_name, list_names(home))
        return requested_name
    names = list_names(home)
    if len(names) == 1:
        return names[0]
    raise ProfileChoiceError("profile_not_chosen" if names else "no_profiles", "", names)


def default_name(home: str) -> str | None:
    """Return the default profile, or None if none is set, it no longer exists, or the settings can't be read."""
    try:
        check_directories(home)
        name = read_record(os.path.join(home, "settings.json")).get("default_profile")
    except (OSError, ProfileFileError):
        return None
    if isinstance(name, str) and is_valid_name(name) and os.path.lexists(profile_path(home, name)):
        return name
    return None


def read_record(path: str) -> dict[str, object]:
    """Check the private file at ``path`` and return the JSON object in it.

    Raises:
        FileNotFoundError: there is no such file.
        ProfileFileError: the file is a link or not a regular file, belongs to another user, is accessible to other
            users, is too large, is damaged, or has a newer schema.
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
    """Return why the access token in ``record`` can't be used, or None if it is valid. The text completes "it …".

    Args:
        record: a profile from :func:`read_record`.
        now: the time in seconds since the epoch, or None for the current time.
    """
    refused = record.get("refused")
    if isinstance(refused, str) and refused in REVOKED_CODES:
        return f"was refused by Slack ({refused})"
    expires_at = record.get("expires_at")
    if expires_at is not None:
        # All timestamps have the same format (UTC, to the second), so they sort as text.
        now_text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        if not isinstance(expires_at, str) or not _TIMESTAMP.fullmatch(expires_at):
            return "has an unreadable expiry"
        if expires_at <= now_text:
            return f"expired at {expires_at}"
    return None


def needs_slow_path(record: dict[str, object], min_ttl_seconds: float = REFRESH_MARGIN_SECONDS) -> bool:
    """Return whether the token in ``record`` may need a refresh first or is stored in the keyring.

    False positives are harmless because the slow path checks again. False negatives are not allowed.

    Args:
        record: a profile from :func:`read_record`.
        min_ttl_seconds: the minimum time until the token expires.
    """
    if record.get("storage") is not None:
        return True
    if record.get("expires_at") is None or not record.get("refresh_token"):
        return False
    now = time.time()
    earliest, latest = (
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + seconds))
        for seconds in (min_ttl_seconds, MAX_TOKEN_SECONDS)
    )
    return record.get("refused") is not None or not earliest <= str(record["expires_at"]) <= latest


def access_token(record: dict[str, object], path: str) -> str:
    """Return the access token in ``record``.

    Raises:
        ProfileFileError: the token is missing or malformed.
    """
    token = record.get("access_token")
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        raise ProfileFileError("profile_unreadable", path, "it holds no token")
    return token
