"""A last place for tokens that cannot be written where they belong: a private directory outside of the profiles' own."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path

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
    """Write ``content`` into file ``name`` of the best place, and return its path.

    Raises:
        StoreError: it cannot be written there either.
    """
    path = places()[0] / name
    private_directory(path.parent)
    if not is_ours(path.parent):
        raise StoreError("store_unwritable", file=str(path.parent), detail="others can write there")
    save(path, content)
    return path


def rescue_tokens(profile: Profile) -> Path:
    """Write the tokens of ``profile`` as ``import`` reads them, one a line, and return the file's path.

    Raises:
        StoreError: it cannot be written there either.
    """
    tokens = (profile.access_token, profile.refresh_token)
    lines = "".join(f"{token.reveal()}\n" for token in tokens if token is not None)
    return rescue(f"{profile.id}.tokens", lines.encode())


def left_behind() -> list[Path]:
    """Return what was rescued and is still there."""
    return [path for place in places() if is_ours(place) for path in sorted(place.iterdir()) if path.is_file()]
