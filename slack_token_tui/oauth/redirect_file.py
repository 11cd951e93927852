"""A private HTML file that sends the browser on to the authorize URL.

Every user can read command lines, and the first one to open the URL signs in with their own account. Jupyter hands its token
to the browser the same way.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from html import escape
from pathlib import Path

from slack_token_tui.store.atomic_file import StorageError, make_private_directory, write_atomically

_MAX_AGE_SECONDS = 600
"""A browser has read its file long before; what a killed process left is removed after this."""


def write_redirect_file(home: Path, url: str) -> Path | None:
    """Return a new private file below ``home`` that leads to ``url``, or None when it cannot be saved."""
    directory = home / "browser"
    address = escape(url, quote=True)
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0;url={address}"><title>Opening Slack</title></head>'
        f'<body><p><a href="{address}">Continue to Slack</a></p></body></html>'
    )
    path = directory / f"{os.urandom(8).hex()}.html"
    try:
        make_private_directory(directory)
        _remove_stale(directory)
        write_atomically(path, page.encode())
    except StorageError:
        return None
    return path


def _remove_stale(directory: Path) -> None:
    with suppress(OSError):
        for path in directory.iterdir():
            if path.lstat().st_mtime < time.time() - _MAX_AGE_SECONDS:
                path.unlink()
