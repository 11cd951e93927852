"""Private fallback directories for tokens that can't be saved in the config directory."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from slack_token_tui.sanitize import clean
from slack_token_tui.store.atomic_file import make_private_directory, read_own, to_storage_error, write_atomically
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.hot_path import config_home
from slack_token_tui.store.profile import Profile, Tokens

_HOME_PREFIX = re.compile(r"[0-9a-f]{12}-")


def fallback_dirs() -> list[Path]:
    """Return candidate directories, best first. They are probably on a different disk than the profiles.

    Readers must check all of them and skip those that are not private. For example, cron jobs have no
    runtime directory, but login sessions do.
    """
    runtime_dir = os.environ.get("XDG_RUNTIME_DIR")
    # macOS, cron and containers have no runtime directory. Other users may write to the temp directory: see is_private.
    default_dir = _default_dir()
    extra_dirs = [path for path in default_dir.parent.glob(f"{default_dir.name}.*") if is_private(path)]
    return [*([Path(runtime_dir) / "slack-token-tui"] if runtime_dir else []), default_dir, *extra_dirs]


def _default_dir() -> Path:
    user = os.geteuid() if hasattr(os, "geteuid") else "mine"
    return _temp_dir() / f"slack-token-tui-{user}"


def _temp_dir() -> Path:
    """Return the directory for temporary files, even if nothing can be written to it, as on a full disk."""
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108 - it must be private: see is_private


def is_private(directory: Path) -> bool:
    """Return whether ``directory`` belongs to this user and other users have no access to it."""
    try:
        status = directory.lstat()
    except OSError:
        return False
    is_ours = sys.platform == "win32" or (status.st_uid == os.geteuid() and not status.st_mode & 0o077)
    return is_ours and stat.S_ISDIR(status.st_mode)


def file_names(home: Path, name: str) -> tuple[str, str]:
    """Return the fallback file name for ``name``, and the name that version 0.1.0 used.

    Several config directories share the fallback directories. The file name starts with a hash of its config directory.
    """
    return f"{_home_prefix(home)}{name}", name


def _home_prefix(home: Path) -> str:
    return f"{hashlib.sha256(os.fsencode(home)).hexdigest()[:12]}-"


def save_to_fallback(home: Path, name: str, content: bytes) -> Path:
    """Save ``content`` as ``name`` in the best writable fallback directory and return its path.

    Args:
        home: the config directory that the file belongs to.
        name: the file name, without the prefix of the config directory.
        content: the bytes to write.

    Raises:
        StorageError: no fallback directory is writable.
    """
    name = file_names(home, name)[0]
    for directory in fallback_dirs():
        with suppress(StorageError):
            make_private_directory(directory)
            if is_private(directory):
                write_atomically(directory / name, content)
                return directory / name
    # Another user may have created directories with the default names.
    try:
        directory = Path(tempfile.mkdtemp(prefix=f"{_default_dir().name}.", dir=_temp_dir()))
    except OSError as error:
        raise to_storage_error(error, _temp_dir()) from None
    write_atomically(directory / name, content)
    return directory / name


def save_tokens_to_fallback(home: Path, profile: Profile, tokens: Tokens) -> Path:
    """Save ``tokens`` of ``profile`` in the format of ``slack-token-tui import`` and return the path.

    The first line is a comment with the import command.

    Raises:
        StorageError: no fallback directory is writable.
    """
    command = ["slack-token-tui", "import", "--client-id", profile.client_id, "--slack-url", profile.endpoints.base]
    pair = (tokens.access_token, tokens.refresh_token)
    lines = [f"# {shlex.join(command)}", *(token.reveal() for token in pair if token is not None)]
    return save_to_fallback(home, f"{profile.id}.tokens", "".join(f"{line}\n" for line in lines).encode())


def import_command(path: Path) -> str:
    """Return the shell command that imports the tokens in ``path``."""
    command = "slack-token-tui import"
    with suppress(OSError, UnicodeDecodeError):
        first_line = read_own(path, 4096).partition(b"\n")[0].decode()
        command = clean(first_line[2:], 500) if first_line.startswith("# slack-token-tui import ") else command
    return f"{command} < {shlex.quote(str(path))}"


def list_fallback_files(home: Path) -> list[Path]:
    """Return the fallback files that belong to ``home``.

    Version 0.1.0 wrote files without the hash prefix. They are listed only for the default config directory.
    """
    files = [
        path
        for directory in fallback_dirs()
        if is_private(directory)
        for path in sorted(directory.iterdir())
        if path.is_file()
    ]
    include_unprefixed = str(home) == config_home()
    return [
        path
        for path in files
        if path.name.startswith(_home_prefix(home)) or (include_unprefixed and not _HOME_PREFIX.match(path.name))
    ]


def profile_id_in(path: Path) -> str:
    """Return the profile ID in the name of a fallback file."""
    return _HOME_PREFIX.sub("", path.stem)
