"""``python -m slack_token_tui.desktop.clipboard_helper``: copies standard input, and reads it back.

It runs as a process of its own because clipboard tools keep what they inherit: a daemon left behind by xclip or wl-copy
would hold the caller's terminal or pipe open. Prints ``{"tool": …, "read_back": …}``, nothing when nothing was copied.

Arguments: ``native`` or a tmux buffer's name; after how many seconds it is cleared (0: never); a file that names the newest
copy. A process that outlives this one clears; it knows a hash of the text and not the text.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from slack_token_tui.desktop.clipboard_clearing import NATIVE, fingerprint, text_of_tmux_buffer
from slack_token_tui.desktop.sensitive import copy_marked


def main(words: list[str]) -> int:
    """Return 0 when the text was copied."""
    where, seconds, newest = words
    text = sys.stdin.read()
    answer = os.fdopen(os.dup(1), "w")
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    copied = _copy_natively(text) if where == NATIVE else _copy_to_tmux(text, where)
    if copied is None:
        return 1
    tool, read_back = copied
    if int(seconds) > 0 and read_back:
        _clear_later(where, seconds, newest, text)
    answer.write(json.dumps({"tool": tool, "read_back": read_back}))
    answer.close()
    return 0


def _copy_natively(text: str) -> tuple[str, bool] | None:
    import pyperclip

    copy, paste = pyperclip.determine_clipboard()
    name = copy.__name__.removeprefix("copy_")
    tool = {"wl": "wl-copy", "osx_pbcopy": "pbcopy"}.get(name, name)
    try:
        if not copy_marked(tool, text):
            copy(text)
        return tool, paste() == text
    except (pyperclip.PyperclipException, OSError):
        return None


def _copy_to_tmux(text: str, buffer: str) -> tuple[str, bool] | None:
    """``load-buffer -w`` passes the text on to the terminal even where tmux drops OSC 52 from programs."""
    try:
        subprocess.run(["tmux", "load-buffer", "-w", "-b", buffer, "-"], input=text.encode(), check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return "tmux", text_of_tmux_buffer(buffer) == text


def _clear_later(where: str, seconds: str, newest: str, text: str) -> None:
    mine, salt = secrets.token_hex(8), secrets.token_hex(8)
    with suppress(OSError):
        Path(newest).write_text(mine)
    command = [sys.executable, "-P", "-m", "slack_token_tui.desktop.clipboard_clearing"]
    with suppress(OSError):
        subprocess.Popen(
            [*command, where, seconds, newest, mine, salt, fingerprint(salt, text)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
