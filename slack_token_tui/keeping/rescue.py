"""A last place for tokens that cannot be written where they belong: a private directory outside of the profiles' own."""

from __future__ import annotations

import os
import shlex
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from slack_token_tui.foreign_text import clean
from slack_token_tui.keeping.files import StoreError, private_directory, save
from slack_token_tui.keeping.profile import Profile


def places() -> list[Path]:
    """Return directories that are hardly on the disk of the profiles, the best first.

    All are looked into: cron has no runtime directory where a login session has one.
    """
    given = os.environ.get("XDG_RUNTIME_DIR")
    # macOS, cron and containers have none. The directory for temporary files may be everybody's: see is_ours.
    everywhere = Path(tempfile.gettempdir()) / f"slack-token-tui-{os.geteuid() if hasattr(os, 'geteuid') else 'mine'}"
    return [Path(given) / "slack-token-tui", everywhere] if given else [everywhere]


def is_ours(directory: Path) -> bool:
    """Tell whether nobody else can write in ``directory`` or has put it there."""
    try:
        status = directory.lstat()
    except OSError:
        return False
    mine = sys.platform == "win32" or (status.st_uid == os.geteuid() and not status.st_mode & 0o077)
    return mine and stat.S_ISDIR(status.st_mode)


def rescue(name: str, content: bytes) -> Path:
    """Write ``content`` into file ``name`` of the best place that takes it, and return its path.

    Raises:
        StoreError: it cannot be written there either.
    """
    trouble = StoreError("store_unwritable", file=str(places()[0]), detail="others can write there")
    for place in places():
        try:
            private_directory(place)
            if is_ours(place):
                save(place / name, content)
                return place / name
        except StoreError as error:
            trouble = error
    raise trouble


def rescue_tokens(profile: Profile) -> Path:
    """Write the tokens of ``profile`` as ``import`` reads them, below a comment that says how, and return the file's path.

    Raises:
        StoreError: it cannot be written there either.
    """
    words = ["slack-token-tui", "import", "--client-id", profile.client_id, "--slack-url", profile.endpoints.base]
    tokens = (profile.access_token, profile.refresh_token)
    lines = [f"# {shlex.join(words)}", *(token.reveal() for token in tokens if token is not None)]
    return rescue(f"{profile.id}.tokens", "".join(f"{line}\n" for line in lines).encode())


def how_to_import(path: Path) -> str:
    """Return the line for a shell that imports the tokens in ``path``."""
    command = "slack-token-tui import"
    with suppress(OSError, UnicodeDecodeError):
        first = path.read_text().partition("\n")[0]
        command = clean(first[2:], 500) if first.startswith("# slack-token-tui import ") else command
    return f"{command} < {shlex.quote(str(path))}"


def left_behind() -> list[Path]:
    """Return what was rescued and is still there."""
    return [path for place in places() if is_ours(place) for path in sorted(place.iterdir()) if path.is_file()]
