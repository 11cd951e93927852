"""``python -m slack_token_tui.desktop.clipboard_clearing``: empties a clipboard later, if it still holds what was copied.

It knows the text by a salted hash alone, lives on when the program that copied has gone, and leaves everything as it is
when somebody has copied something else or the same again meanwhile.
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
    """Return the hash by which ``text`` is known again."""
    return hashlib.sha256((salt + text.removesuffix("\n")).encode()).hexdigest()


def record_newest(newest: str, mine: str) -> None:
    """Write into file ``newest`` that copy ``mine`` is the newest. A link in its place is replaced, not followed.

    Raises:
        OSError: it cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    temporary = f"{newest}.{mine}"
    with os.fdopen(os.open(temporary, flags, 0o600), "w") as file:
        file.write(mine)
    Path(temporary).replace(newest)


def _is_newest(newest: str, mine: str) -> bool:
    """Tell whether no later copy was noted. A file that cannot be read tells of none."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        with os.fdopen(os.open(newest, flags)) as file:
            return file.read(len(mine) + 1) == mine
    except OSError:
        return True


def read_clipboard(where: str) -> str:
    """Return what the native clipboard or a tmux buffer holds, without the line end that some tools add; or nothing."""
    if where == NATIVE:
        import pyperclip

        try:
            return str(pyperclip.paste()).removesuffix("\n")
        except (pyperclip.PyperclipException, OSError):
            return ""
    shown = subprocess.run(["tmux", "show-buffer", "-b", where], capture_output=True, check=False)
    return shown.stdout.decode(errors="replace").removesuffix("\n") if shown.returncode == 0 else ""


def main(args: list[str]) -> int:
    """Wait and clear: where, seconds, the file that names the newest copy, this one's name, salt, hash."""
    where, seconds, newest, mine, salt, expected = args
    time.sleep(float(seconds))
    if not _is_newest(newest, mine):
        return 0  # a later copy has its own time
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
    """Clipboard tools may hang for ever; this process and what it has started shall not."""
    if sys.platform != "win32":
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(0, signal.SIGKILL))
        signal.alarm(_TOOL_TIMEOUT_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
