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
from slack_token_tui.store.atomic_file import StoreError, private_directory, read_own, save, store_error
from slack_token_tui.store.hot_path import home as user_home
from slack_token_tui.store.profile import Profile

_MARKED = re.compile(r"[0-9a-f]{12}-")


def places() -> list[Path]:
    """Return directories that are hardly on the disk of the profiles, the best first.

    All are looked into: cron has no runtime directory where a login session has one.
    """
    given = os.environ.get("XDG_RUNTIME_DIR")
    # macOS, cron and containers have none. The directory for temporary files may be everybody's: see is_ours.
    everywhere, usual = Path(tempfile.gettempdir()), _usual_place()
    made = [path for path in everywhere.glob(f"{usual.name}.*") if is_ours(path)]
    return [*([Path(given) / "slack-token-tui"] if given else []), usual, *made]


def _usual_place() -> Path:
    user = os.geteuid() if hasattr(os, "geteuid") else "mine"
    return Path(tempfile.gettempdir()) / f"slack-token-tui-{user}"


def is_ours(directory: Path) -> bool:
    """Tell whether nobody else can write in ``directory`` or has put it there."""
    try:
        status = directory.lstat()
    except OSError:
        return False
    mine = sys.platform == "win32" or (status.st_uid == os.geteuid() and not status.st_mode & 0o077)
    return mine and stat.S_ISDIR(status.st_mode)


def names_of(home: Path, name: str) -> tuple[str, str]:
    """Return what file ``name`` is called here, and what version 0.1.0 called it.

    Several directories of profiles share these places, so each file name starts with a mark of its directory.
    """
    return f"{_mark(home)}{name}", name


def _mark(home: Path) -> str:
    return f"{hashlib.sha256(os.fsencode(home)).hexdigest()[:12]}-"


def rescue(home: Path, name: str, content: bytes) -> Path:
    """Write ``content`` into file ``name`` of the best place that takes it, and return its path.

    Args:
        home: the directory of profiles that it belongs to.
        name: the file's name.
        content: what is written.

    Raises:
        StoreError: it cannot be written there either.
    """
    name = names_of(home, name)[0]
    for place in places():
        with suppress(StoreError):
            private_directory(place)
            if is_ours(place):
                save(place / name, content)
                return place / name
    # Another user has taken the usual names.
    try:
        place = Path(tempfile.mkdtemp(prefix=f"{_usual_place().name}."))
    except OSError as error:
        raise store_error(error, Path(tempfile.gettempdir())) from None
    save(place / name, content)
    return place / name


def rescue_tokens(home: Path, profile: Profile) -> Path:
    """Write the tokens of ``profile`` as ``import`` reads them, below a comment that says how, and return the file's path.

    Raises:
        StoreError: it cannot be written there either.
    """
    words = ["slack-token-tui", "import", "--client-id", profile.client_id, "--slack-url", profile.endpoints.base]
    tokens = (profile.access_token, profile.refresh_token)
    lines = [f"# {shlex.join(words)}", *(token.reveal() for token in tokens if token is not None)]
    return rescue(home, f"{profile.id}.tokens", "".join(f"{line}\n" for line in lines).encode())


def how_to_import(path: Path) -> str:
    """Return the line for a shell that imports the tokens in ``path``."""
    command = "slack-token-tui import"
    with suppress(OSError, UnicodeDecodeError):
        first = read_own(path, 4096).partition(b"\n")[0].decode()
        command = clean(first[2:], 500) if first.startswith("# slack-token-tui import ") else command
    return f"{command} < {shlex.quote(str(path))}"


def left_behind(home: Path) -> list[Path]:
    """Return what was rescued for the profiles in ``home`` and is still there.

    What version 0.1.0 rescued has no mark. It is shown where this user's own profiles are.
    """
    found = [path for place in places() if is_ours(place) for path in sorted(place.iterdir()) if path.is_file()]
    shows_unmarked = str(home) == user_home()
    return [
        path for path in found if path.name.startswith(_mark(home)) or (shows_unmarked and not _MARKED.match(path.name))
    ]


def id_in(path: Path) -> str:
    """Return the profile id in the name of a rescued file."""
    return _MARKED.sub("", path.stem)
