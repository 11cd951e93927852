"""Fast path of ``token``, ``exec`` and ``list --names``: find the config directory and read a profile with all checks.

Scripts may ask for a token a thousand times a day. This module therefore avoids slow imports such as platformdirs,
pathlib and dataclasses. The store also reads through it, so the checks exist only once.
"""

import errno
import os
import stat
import sys
import time

from slack_token_tui.slack.limits import MAX_TOKEN_SECONDS

SCHEMA = 1
MAX_FILE_BYTES = 128 * 1024
"""Larger than any profile that can be saved, so that every saved profile can be read."""
REFRESH_MARGIN_SECONDS = 600
"""Tokens that expire sooner than this are refreshed before they are returned."""
TEXT_KEYS = (
    "redirect_uri",
    "app_id",
    "app_name",
    "team_id",
    "team_name",
    "workspace_url",
    "enterprise_id",
    "enterprise_name",
    "user_id",
    "user_name",
)
"""Keys of a profile whose values are texts for display."""
TIMESTAMP_KEYS = ("expires_at", "refresh_issued_at", "refresh_refused_at", "signed_in_at", "verified_at")
REVOKED_CODES = frozenset({"token_revoked", "token_expired", "account_inactive"})
"""Slack error codes for a token that is permanently invalid. ``invalid_auth`` may just mean the wrong network."""

_APPLICATION = "slack-token-tui"
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_WINDOWS_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"com{number}" for number in range(10)), *(f"lpt{number}" for number in range(10))]
)
_WRITABLE_BY_OTHERS = 0o022


def _problem(code: str, **facts: str) -> Exception:
    """Return the error to raise. Its class is imported here because a token that can be printed does not need it."""
    from slack_token_tui.secret import redact
    from slack_token_tui.store.errors import ProfileError

    # A token may have been typed in place of a name.
    return ProfileError(code, **{key: redact(value) for key, value in facts.items() if value})


def access_problem(path: str, error: OSError, *, writing: bool = False) -> Exception:
    """Return the ProfileError to raise if ``path`` can't be opened. It may or may not exist.

    It names the file or directory that has the wrong permissions, and its owner.

    Args:
        path: what was opened.
        error: why that failed.
        writing: whether it was opened or created to be written.
    """
    place, parent = path, os.path.dirname(path)
    if error.errno == errno.ENOTDIR:
        while not os.path.lexists(place) and place != os.path.dirname(place):
            place = os.path.dirname(place)
        return _problem("store_not_a_directory", file=place)
    while error.errno in (errno.EACCES, errno.EPERM):
        try:
            status = os.stat(place)
        except OSError:
            pass  # it does not exist, or a directory above it can't be entered
        else:
            is_directory = stat.S_ISDIR(status.st_mode)
            needed = os.X_OK if place not in (path, parent) else os.R_OK | (os.W_OK if writing else 0)
            if not os.access(place, needed | (os.X_OK if is_directory else 0)):
                if sys.platform == "win32" or status.st_uid == os.geteuid():
                    return _problem("store_no_permission", file=place)
                return _problem("store_no_access", file=place, detail=_user_name(status.st_uid))
        if place == os.path.dirname(place):
            break
        place = os.path.dirname(place)
    code = "store_unwritable" if writing else "store_read_failed"
    return _problem(code, file=path, detail=error.strerror or type(error).__name__)


def _user_name(uid: int) -> str:
    """Return the name of a user, as part of a sentence."""
    if sys.platform != "win32":
        try:
            import pwd

            return pwd.getpwuid(uid).pw_name
        except (KeyError, ImportError):
            pass
    return f"user {uid}"


def config_home() -> str:
    """Return the directory for profiles and settings. It may not exist.

    This is ``SLACK_TOKEN_TUI_HOME``, or else the user's config directory. A test checks that the result equals
    ``platformdirs.user_config_dir()``.

    Raises:
        ProfileError: ``home_relative`` if the variable is a relative path, ``home_unknown`` if the user has no home
            directory.
    """
    override = os.environ.get("SLACK_TOKEN_TUI_HOME")
    if override:
        # It may come from a file that no shell expands, such as a .env file or a systemd unit.
        path = _user_home() + override[1:] if override == "~" or override.startswith("~/") else override
        path = os.path.expanduser(path)  # of another user
        if not os.path.isabs(path):
            example = f"{_user_home()}/{path.partition('/')[2]}" if path.startswith("~") else os.path.abspath(path)
            raise _problem("home_relative", file=override, detail=example)
        return os.path.normpath(path)
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

    try:
        return pwd.getpwuid(os.getuid()).pw_dir.rstrip("/")
    except KeyError:  # common in containers that run as a user without an account
        raise _problem("home_unknown", detail=str(os.getuid())) from None


def is_valid_name(name: str) -> bool:
    """Return whether ``name`` is a valid profile name, and so a valid file name on every operating system."""
    return (
        0 < len(name) <= 64
        and _NAME_CHARACTERS.issuperset(name)
        and name[0] not in "._-"
        and name.partition(".")[0] not in _WINDOWS_DEVICES
    )


def is_allowed_new_name(name: str) -> bool:
    """Return whether a new profile may use ``name``. Names are displayed, so they must not start like a token."""
    is_like_a_token = (name[:3] == "xox" and name[3:4].isalpha() and name[4:5] in (".", "-")) or (
        name.startswith(("xapp-", "xwfp-"))
    )
    return is_valid_name(name) and not is_like_a_token


def is_token(text: object) -> bool:
    """Return whether ``text`` can be a token: 8 to 4096 visible ASCII characters."""
    return (
        isinstance(text, str) and 8 <= len(text) <= 4096 and text.isascii() and text.isprintable() and " " not in text
    )


def is_timestamp(text: object) -> bool:
    """Return whether ``text`` is a time between 2000 and 2199 in the form ``2026-11-24T12:00:00Z``.

    Other years are errors, and adding 30 days or a time zone to them may overflow.
    """
    if not isinstance(text, str) or len(text) != 20 or not text.isascii():
        return False
    separators = text[4] + text[7] + text[10] + text[13] + text[16] + text[19]
    digits = text[:4] + text[5:7] + text[8:10] + text[11:13] + text[14:16] + text[17:19]
    if separators != "--T::Z" or not digits.isdigit():
        return False
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    is_leap_year = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = 29 if month == 2 and is_leap_year else 28 if month == 2 else 30 if month in (4, 6, 9, 11) else 31
    is_date = 2000 <= year < 2200 and 1 <= month <= 12 and 1 <= day <= days
    return is_date and digits[8:10] < "24" and digits[10:12] < "60" and digits[12:] < "60"


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_list_of_texts(value: object) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(item, str) for item in value))


def is_id(value: object) -> bool:
    """Return whether ``value`` can be the ID of a profile: no path, because it is part of file names."""
    return isinstance(value, str) and value[:1].isalnum() and len(value) <= 128 and not set(value) - _ID_CHARACTERS


def _is_base_url(value: object) -> bool:
    if value is None or value == "https://slack.com":
        return True
    if not isinstance(value, str):
        return False
    from slack_token_tui.slack.endpoints import parse_base_url  # deferred: slow, and few need it

    try:
        return bool(parse_base_url(value) if value else True)
    except ValueError:
        return False


_ID_CHARACTERS = frozenset("0123456789abcdefghijklmnopqrstuvwxyz._-")
_KEYS = {
    "schema": lambda _: True,  # checked by read_record()
    "access_token": lambda _: True,  # checked by access_token()
    "is_enterprise_install": lambda _: True,
    "id": lambda value: value is None or is_id(value),
    "slack": _is_base_url,
    "oauth": lambda value: value in (None, "", "v2_user", "v2"),
    "refresh_oauth": lambda value: value in (None, "", "v2_user", "v2"),
    "refresh_token": lambda value: value in (None, "") or is_token(value),
    "generation": lambda value: value is None or (type(value) is int and value >= 0),
    **dict.fromkeys(("scopes", "scopes_asked", "workspaces"), _is_list_of_texts),
    **dict.fromkeys(TIMESTAMP_KEYS, lambda value: value is None or is_timestamp(value)),
    **dict.fromkeys(TEXT_KEYS, _is_text),
    **dict.fromkeys(("name", "client_id", "refused", "refresh_refused", "storage", "shown_token"), _is_text),
}
"""Whether the value of a key is valid, by key."""


def is_well_formed(record: dict[str, object]) -> bool:
    """Return whether every value in ``record`` is valid, so that the store would not report the file as damaged.

    False positives are not allowed. False negatives are harmless, because the store then checks the file. Unknown keys
    are left to the store too.
    """
    return all(key in _KEYS and _KEYS[key](value) for key, value in record.items())


def check_directory(path: str, *, may_be_link: bool = False) -> None:
    """Reject a directory where other users can create, replace or delete files. A missing directory passes.

    Args:
        path: the directory.
        may_be_link: whether to allow a symbolic link. Its parent must be writable only by this user or root.

    Raises:
        ProfileError: ``store_not_a_directory``, ``store_link_broken``, ``store_not_ours``, ``store_exposed`` or
            ``store_ignores_permissions``; see also :func:`access_problem`.
    """
    if sys.platform == "win32":
        return
    try:
        status = os.lstat(path)
        if may_be_link and stat.S_ISLNK(status.st_mode):
            parent = os.stat(os.path.dirname(path) or ".")
            if parent.st_uid not in (os.geteuid(), 0):
                raise _problem("store_not_ours", file=os.path.dirname(path), detail=_user_name(parent.st_uid))
            if parent.st_mode & _WRITABLE_BY_OTHERS:
                raise _exposed_problem(os.path.dirname(path))
            if not os.path.lexists(os.path.realpath(path)):
                raise _problem("store_link_broken", file=path, detail=os.readlink(path))
            status = os.stat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise access_problem(path, error) from None
    if not stat.S_ISDIR(status.st_mode):
        raise _problem("store_not_a_directory", file=path)
    if status.st_uid != os.geteuid():
        raise _problem("store_not_ours", file=path, detail=_user_name(status.st_uid))
    if status.st_mode & _WRITABLE_BY_OTHERS:
        raise _exposed_problem(path)


def _exposed_problem(directory: str) -> Exception:
    ignores = _ignores_permissions(directory)
    return _problem("store_ignores_permissions" if ignores else "store_exposed", file=directory)


def _ignores_permissions(directory: str) -> bool:
    """Return whether a new file in ``directory`` is accessible to others although it was created for this user only.

    A Windows drive in WSL, for example, has no permissions that chmod could change.
    """
    probe = os.path.join(directory, f".permissions.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError:
        return False
    try:
        return bool(os.fstat(descriptor).st_mode & 0o077)
    finally:
        os.close(descriptor)
        try:  # noqa: SIM105 - contextlib is slow to import
            os.unlink(probe)
        except OSError:  # others can delete files here too
            pass


def check_directories(home: str, *below: str) -> None:
    """Check directory ``home`` and its subdirectories ``below`` with :func:`check_directory`."""
    check_directory(home, may_be_link=True)
    for name in below:
        check_directory(os.path.join(home, name))


def list_names(home: str) -> list[str]:
    """Return the sorted names of all profiles in config directory ``home``, including unreadable ones.

    Raises:
        ProfileError: the directory can't be read, or other users can change its contents.
    """
    check_directories(home, "profiles")
    files = list_directory(os.path.join(home, "profiles"))
    return sorted(file[:-5] for file in files if file.endswith(".json") and is_valid_name(file[:-5]))


def list_directory(path: str) -> list[str]:
    """Return the names of the files in directory ``path``, in no order. A missing directory is empty.

    Raises:
        ProfileError: it can't be read.
    """
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise access_problem(path, error) from None


def exists(path: str) -> bool:
    """Return whether there is anything at ``path``, such as a file or a link without a target.

    Raises:
        ProfileError: that can't be told.
    """
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise access_problem(path, error) from None
    return True


def profile_path(home: str, name: str) -> str:
    """Return the file path of profile ``name`` in config directory ``home``."""
    return os.path.join(home, "profiles", name + ".json")


def resolve_name(home: str, argument: str | None) -> str:
    """Return the name of the profile to use.

    This is the argument, else ``SLACK_TOKEN_PROFILE``, else the default profile, else the only profile.

    Raises:
        ProfileError: no profile is selected, or the selected profile does not exist.
        ProfileError: the directory can't be read, or other users can change its contents.
        StorageError: it depends on the default profile, and the settings can't be read.
    """
    check_directories(home, "profiles")
    # An empty argument is a script error, such as an unset variable. It must not select the default.
    variable = os.environ.get("SLACK_TOKEN_PROFILE") if argument is None else None
    requested_name, settings_error = argument if argument is not None else variable, None
    if not requested_name and argument is None:
        try:
            requested_name = default_name(home)
        except Exception as error:
            settings_error = error  # with only one profile, the default does not matter
    if requested_name is not None:
        facts = {"name": requested_name, **({"variable": "SLACK_TOKEN_PROFILE"} if variable else {})}
        if not is_valid_name(requested_name):
            raise _problem("profile_name_invalid", **facts)
        if not exists(profile_path(home, requested_name)):
            if not is_allowed_new_name(requested_name):
                raise _problem("profile_name_invalid", **facts)
            raise _problem("profile_not_found", detail=", ".join(list_names(home)), **facts)
        return requested_name
    names = list_names(home)
    if len(names) == 1:
        return names[0]
    if settings_error is not None:
        raise settings_error
    raise _problem("profile_not_chosen" if names else "no_profiles", detail=", ".join(names))


def default_name(home: str) -> str | None:
    """Return the default profile, or None if none is set or it no longer exists.

    Raises:
        ProfileError: the directory can't be read, or other users can change its contents.
        StorageError: see :func:`read_settings_record`.
    """
    name = read_settings_record(home).get("default_profile")
    if isinstance(name, str) and is_valid_name(name) and exists(profile_path(home, name)):
        return name
    return None


def read_settings_record(home: str) -> dict[str, object]:
    """Return the contents of ``settings.json``, or an empty object if there is no such file.

    Raises:
        ProfileError: the directory can't be read, or other users can change its contents.
        StorageError: ``settings_exposed``, ``settings_too_new`` or ``settings_unusable``: the file can't be used.
    """
    check_directories(home)
    path = os.path.join(home, "settings.json")
    try:
        return read_record(path)
    except FileNotFoundError:
        return {}
    except Exception as error:
        from slack_token_tui.store.errors import ProfileError, StorageError  # deferred: a good file needs no error

        if not isinstance(error, ProfileError) or error.code.startswith("store_"):
            raise
        codes = {"profile_exposed": "settings_exposed", "profile_too_new": "settings_too_new"}
        detail = error.explain().happened
        raise StorageError(codes.get(error.code, "settings_unusable"), file=path, detail=detail) from None


def read_record(path: str) -> dict[str, object]:
    """Check the private file at ``path`` and return the JSON object in it.

    Raises:
        FileNotFoundError: there is no such file.
        ProfileError: the file is a link or not a regular file, belongs to another user, is accessible to other
            users, is too large, is damaged, or has a newer schema.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO) or os.path.isdir(path):
            raise _problem("profile_not_a_file", file=path) from None
        raise access_problem(path, error) from None
    try:
        content = _read_checked(descriptor, path)
    finally:
        os.close(descriptor)
    try:
        record = _parse_json(content.decode())
    except (ValueError, RecursionError):
        raise _problem("profile_unreadable", file=path, detail="it isn't valid JSON") from None
    if not isinstance(record, dict):
        raise _problem("profile_unreadable", file=path, detail="it isn't a JSON object")
    schema = record.get("schema", SCHEMA)
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        raise _problem("profile_unreadable", file=path, detail="its schema isn't a number")
    if schema > SCHEMA:
        raise _problem("profile_too_new", file=path)
    return record


def _parse_json(text: str) -> object:
    """Return the value in ``text`` as :func:`json.loads` does, without importing json, which imports re and enum.

    The scanner is CPython's own and private. Without it, and for text that is not JSON, json does the work.
    """
    try:
        from _json import make_scanner

        value, end = make_scanner(_ScannerOptions())(text, 0)  # type: ignore[arg-type]  # typeshed names the result
        if not text[end:].strip(" \t\n\r"):
            return value
    except Exception:  # noqa: S110 - CPython 3.11 even raises SystemError for text that is not JSON
        pass
    from json import loads

    return loads(text)


class _ScannerOptions:
    """What ``_json.make_scanner`` reads from a :class:`json.JSONDecoder`."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int = float, int
    memo: dict[str, str] = {}  # noqa: RUF012 - the scanner empties it after each use

    @staticmethod
    def parse_constant(name: str) -> float:
        return float(name)


def _read_checked(descriptor: int, path: str) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise _problem("profile_not_a_file", file=path)
    if sys.platform != "win32":
        if status.st_uid != os.geteuid():
            raise _problem("profile_not_ours", file=path)
        if status.st_mode & 0o077:
            raise _problem("profile_exposed", file=path)
    if status.st_size > MAX_FILE_BYTES:
        raise _problem("profile_unreadable", file=path, detail="it's too large")
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
        return f"was rejected by Slack ({refused})"
    expires_at = record.get("expires_at")
    if expires_at is not None:
        # All timestamps have the same format (UTC, to the second), so they sort as text.
        now_text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        if not isinstance(expires_at, str) or not is_timestamp(expires_at):
            return "has an invalid expiry time"
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
        ProfileError: the token is missing or malformed.
    """
    token = record.get("access_token")
    if not isinstance(token, str) or not is_token(token):
        raise _problem("profile_unreadable", file=path, detail="it contains no token")
    return token


def valid_token_in(
    record: dict[str, object], name: str, path: str, min_ttl_seconds: float = REFRESH_MARGIN_SECONDS
) -> str | None:
    """Return the access token in ``record`` if it can be used without the store, or None.

    Args:
        record: a profile from :func:`read_record`.
        name: the name of its file. The file of another name may be a copy, which only the store can tell.
        path: the file.
        min_ttl_seconds: the minimum time until the token expires.

    Raises:
        ProfileError: the token is missing or malformed.
    """
    is_named = record.get("name") in (None, name)
    if (
        not is_named
        or record.get("refused")  # only the store tells which refusals are final
        or not is_well_formed(record)
        or needs_slow_path(record, min_ttl_seconds)
        or unusable_reason(record)
    ):
        return None
    return access_token(record, path)


def valid_token(argument: str | None, min_ttl_seconds: float = REFRESH_MARGIN_SECONDS) -> str | None:
    """Return the access token of the chosen profile, or None if it takes more than reading one file to get it.

    It raises nothing. The caller then does all of the work again with the store, which refreshes the token or raises
    the error.

    Args:
        argument: the profile name, or None; see :func:`resolve_name`.
        min_ttl_seconds: the minimum time until the token expires.
    """
    try:
        directory = config_home()
        name = resolve_name(directory, argument)
        path = profile_path(directory, name)
        return valid_token_in(read_record(path), name, path, min_ttl_seconds)
    except Exception:
        return None
