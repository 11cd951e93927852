"""``python -m slack_token_tui.desktop.clipboard_clearing``: clear a clipboard later if it still holds the copied text.

This process gets only a salted hash of the text and outlives the program that copied it. It clears nothing if something
else, or the same text again, has been copied in the meantime.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

NATIVE = "native"
_TOOL_TIMEOUT_SECONDS = 10


def fingerprint(salt: str, text: str) -> str:
    """Return a salted hash that identifies ``text``."""
    return hashlib.sha256((salt + text.removesuffix("\n")).encode()).hexdigest()


def record_newest(newest: str, copy_id: str) -> None:
    """Record copy ``copy_id`` as the newest copy in file ``newest``. A symlink in its place is replaced, not followed.

    Raises:
        OSError: the file cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    temporary = f"{newest}.{copy_id}"
    with os.fdopen(os.open(temporary, flags, 0o600), "w") as file:
        file.write(copy_id)
    Path(temporary).replace(newest)


def _is_newest(newest: str, copy_id: str) -> bool:
    """Return whether ``copy_id`` is still the newest copy. If the file can't be read, assume that it is."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        with os.fdopen(os.open(newest, flags)) as file:
            return file.read(len(copy_id) + 1) == copy_id
    except OSError:
        return True


def read_clipboard(where: str) -> str:
    """Return the text of the native clipboard or a tmux buffer, or "" if it can't be read.

    Some tools add a newline at the end, which is removed.
    """
    if where == NATIVE:
        import pyperclip

        try:
            return str(pyperclip.paste()).removesuffix("\n")
        except (pyperclip.PyperclipException, OSError):
            return ""
    result = subprocess.run(["tmux", "show-buffer", "-b", where], capture_output=True, check=False)
    return result.stdout.decode(errors="replace").removesuffix("\n") if result.returncode == 0 else ""


def main(args: list[str]) -> int:
    """Wait, then clear the clipboard if it still holds the copied text.

    Args:
        args: the clipboard, the delay in seconds, the file that identifies the newest copy, this copy's ID, salt, hash.
    """
    where, seconds, newest, copy_id, salt, expected = args
    time.sleep(float(seconds))
    if not _is_newest(newest, copy_id):
        return 0  # a later copy has its own timer
    _limit_tool_time()
    if fingerprint(salt, read_clipboard(where)) == expected:
        if where == NATIVE:
            import pyperclip

            pyperclip.copy("")
        else:
            subprocess.run(["tmux", "delete-buffer", "-b", where], capture_output=True, check=False)
    with suppress(OSError):
        Path(newest).unlink()
    return 0


def _limit_tool_time() -> None:
    """Kill this process and its children after a timeout, because clipboard tools may hang forever."""
    if sys.platform != "win32":
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(0, signal.SIGKILL))
        signal.alarm(_TOOL_TIMEOUT_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
