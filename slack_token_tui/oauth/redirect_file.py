"""A private HTML file that redirects the browser to the authorize URL.

Every user of the machine can read command lines. Another user who opens the URL first could sign in with their own
account. Jupyter passes its token to the browser in the same way.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from html import escape
from pathlib import Path

from slack_token_tui.store.atomic_file import make_private_directory, write_atomically
from slack_token_tui.store.errors import StorageError

_MAX_AGE_SECONDS = 600
"""Older files are removed: they were left by a killed process, and any browser has read its file by now."""


def write_redirect_file(home: Path, url: str) -> Path | None:
    """Create a private file below ``home`` that redirects to ``url``. Return None if it cannot be saved."""
    directory = home / "browser"
    escaped_url = escape(url, quote=True)
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0;url={escaped_url}"><title>Opening Slack</title></head>'
        f'<body><p><a href="{escaped_url}">Continue to Slack</a></p></body></html>'
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
