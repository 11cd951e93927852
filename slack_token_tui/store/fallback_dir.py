"""A last place for tokens that cannot be written where they belong: a private directory outside of the profiles' own."""

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
from slack_token_tui.store.atomic_file import (
    StorageError,
    make_private_directory,
    read_own,
    to_storage_error,
    write_atomically,
)
from slack_token_tui.store.hot_path import config_home as user_home
from slack_token_tui.store.profile import Profile

_MARKED = re.compile(r"[0-9a-f]{12}-")


def fallback_dirs() -> list[Path]:
    """Return directories that are hardly on the disk of the profiles, the best first.

    All are looked into: cron has no runtime directory where a login session has one.
    """
    given = os.environ.get("XDG_RUNTIME_DIR")
    # macOS, cron and containers have none. The directory for temporary files may be everybody's: see is_private.
    everywhere, usual = Path(tempfile.gettempdir()), _default_dir()
    made = [path for path in everywhere.glob(f"{usual.name}.*") if is_private(path)]
    return [*([Path(given) / "slack-token-tui"] if given else []), usual, *made]


def _default_dir() -> Path:
    user = os.geteuid() if hasattr(os, "geteuid") else "mine"
    return Path(tempfile.gettempdir()) / f"slack-token-tui-{user}"


def is_private(directory: Path) -> bool:
    """Tell whether nobody else can write in ``directory`` or has put it there."""
    try:
        status = directory.lstat()
    except OSError:
        return False
    mine = sys.platform == "win32" or (status.st_uid == os.geteuid() and not status.st_mode & 0o077)
    return mine and stat.S_ISDIR(status.st_mode)


def file_names(home: Path, name: str) -> tuple[str, str]:
    """Return what file ``name`` is called here, and what version 0.1.0 called it.

    Several directories of profiles share these places, so each file name starts with a mark of its directory.
    """
    return f"{_home_prefix(home)}{name}", name


def _home_prefix(home: Path) -> str:
    return f"{hashlib.sha256(os.fsencode(home)).hexdigest()[:12]}-"


def save_to_fallback(home: Path, name: str, content: bytes) -> Path:
    """Write ``content`` into file ``name`` of the best place that takes it, and return its path.

    Args:
        home: the directory of profiles that it belongs to.
        name: the file's name.
        content: what is written.

    Raises:
        StorageError: it cannot be written there either.
    """
    name = file_names(home, name)[0]
    for place in fallback_dirs():
        with suppress(StorageError):
            make_private_directory(place)
            if is_private(place):
                write_atomically(place / name, content)
                return place / name
    # Another user has taken the usual names.
    try:
        place = Path(tempfile.mkdtemp(prefix=f"{_default_dir().name}."))
    except OSError as error:
        raise to_storage_error(error, Path(tempfile.gettempdir())) from None
    write_atomically(place / name, content)
    return place / name


def save_tokens_to_fallback(home: Path, profile: Profile) -> Path:
    """Write the tokens of ``profile`` as ``import`` reads them, below a comment that says how, and return the file's path.

    Raises:
        StorageError: it cannot be written there either.
    """
    words = ["slack-token-tui", "import", "--client-id", profile.client_id, "--slack-url", profile.endpoints.base]
    tokens = (profile.access_token, profile.refresh_token)
    lines = [f"# {shlex.join(words)}", *(token.reveal() for token in tokens if token is not None)]
    return save_to_fallback(home, f"{profile.id}.tokens", "".join(f"{line}\n" for line in lines).encode())


def import_command(path: Path) -> str:
    """Return the line for a shell that imports the tokens in ``path``."""
    command = "slack-token-tui import"
    with suppress(OSError, UnicodeDecodeError):
        first = read_own(path, 4096).partition(b"\n")[0].decode()
        command = clean(first[2:], 500) if first.startswith("# slack-token-tui import ") else command
    return f"{command} < {shlex.quote(str(path))}"


def list_fallback_files(home: Path) -> list[Path]:
    """Return what was rescued for the profiles in ``home`` and is still there.

    What version 0.1.0 rescued has no mark. It is shown where this user's own profiles are.
    """
    found = [
        path for place in fallback_dirs() if is_private(place) for path in sorted(place.iterdir()) if path.is_file()
    ]
    shows_unmarked = str(home) == user_home()
    return [
        path
        for path in found
        if path.name.startswith(_home_prefix(home)) or (shows_unmarked and not _MARKED.match(path.name))
    ]


def profile_id_in(path: Path) -> str:
    """Return the profile id in the name of a rescued file."""
    return _MARKED.sub("", path.stem)
