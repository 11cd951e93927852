"""``python -m slack_token_tui.desktop.clipboard_helper``: copy standard input, or check whether a clipboard holds it.

It runs in a separate process because clipboard tools inherit open files: a daemon left behind by xclip or wl-copy would
hold the caller's terminal or pipe open.

``copy WHERE SECONDS NEWEST`` prints the tool's name, or nothing if nothing was copied. WHERE is ``native`` or the name
of a tmux buffer. After SECONDS (0: never), a process that outlives this one clears the clipboard, unless the file
NEWEST identifies a later copy.
``check WHERE`` prints ``same`` if the clipboard holds the text on standard input.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from contextlib import suppress

from slack_token_tui.desktop.clipboard_clearing import NATIVE, fingerprint, read_clipboard, record_newest
from slack_token_tui.desktop.clipboard_concealed import copy_concealed
from slack_token_tui.interpreter import child_environment, module_command


def main(args: list[str]) -> int:
    """Run the command in ``args`` and return the exit code, 0 on success."""
    text = sys.stdin.read()
    output = os.fdopen(os.dup(1), "w")
    devnull = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(devnull, stream)
    match args:
        case ["copy", where, seconds, newest]:
            result = copy_to(where, text)
            if result and int(seconds) > 0:
                # Schedule it now, whatever the read-back shows: a token that may have been copied must not stay there.
                _schedule_clear(where, seconds, newest, text)
        case ["check", where]:
            result = "same" if read_clipboard(where) == text.removesuffix("\n") else "other"
        case _:
            result = None
    output.write(result or "")
    output.close()
    return 0 if result else 1


def copy_to(where: str, text: str) -> str | None:
    """Copy ``text``, and return the name of the tool, or None if nothing was copied.

    Args:
        where: ``native`` or the name of a tmux buffer.
        text: the text to copy.
    """
    return _copy_natively(text) if where == NATIVE else _copy_to_tmux(text, where)


def _copy_natively(text: str) -> str | None:
    import pyperclip

    copy, _ = pyperclip.determine_clipboard()
    name = str(copy.__name__).removeprefix("copy_")
    tool = {"wl": "wl-copy", "osx_pbcopy": "pbcopy"}.get(name, name)
    try:
        if not copy_concealed(tool, text):
            copy(text)
    except (pyperclip.PyperclipException, OSError):
        return None
    return tool


def _copy_to_tmux(text: str, buffer: str) -> str | None:
    """Copy with ``load-buffer -w``, which reaches the terminal even if tmux drops OSC 52 from programs."""
    try:
        subprocess.run(["tmux", "load-buffer", "-w", "-b", buffer, "-"], input=text.encode(), check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return "tmux"


def _schedule_clear(where: str, seconds: str, newest: str, text: str) -> None:
    copy_id, salt = secrets.token_hex(8), secrets.token_hex(8)
    with suppress(OSError):
        record_newest(newest, copy_id)
    arguments = (where, seconds, newest, copy_id, salt, fingerprint(salt, text))
    command = module_command("desktop.clipboard_clearing", *arguments)
    if command is None:
        return
    with suppress(OSError):
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env=child_environment(),
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
