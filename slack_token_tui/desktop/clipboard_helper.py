"""``python -m slack_token_tui.desktop.clipboard_helper``: copies standard input with pyperclip and reads it back.

It runs as a process of its own because clipboard tools keep what they inherit: a daemon left behind by xclip or wl-copy
would hold the caller's terminal or pipe open. Prints ``{"tool": …, "read_back": …}``, nothing when nothing was copied.
"""

from __future__ import annotations

import json
import os
import sys


def main() -> int:
    """Return 0 when the text was copied."""
    text = sys.stdin.read()
    answer = os.fdopen(os.dup(1), "w")
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)

    import pyperclip

    copy, paste = pyperclip.determine_clipboard()
    try:
        copy(text)
        read_back = paste() == text
    except (pyperclip.PyperclipException, OSError):
        return 1
    tool = {"wl": "wl-copy", "osx_pbcopy": "pbcopy"}.get(copy.__name__.removeprefix("copy_"), "")
    answer.write(json.dumps({"tool": tool or copy.__name__.removeprefix("copy_"), "read_back": read_back}))
    answer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
