"""Copies a text with the mark that tells clipboard managers to forget it, where the system has such a mark."""

from __future__ import annotations

import subprocess
import sys

_MACOS = """
ObjC.import("AppKit");
const read = $.NSFileHandle.fileHandleWithStandardInput.readDataToEndOfFile;
const board = $.NSPasteboard.generalPasteboard;
board.clearContents;
board.setStringForType($.NSString.alloc.initWithDataEncoding(read, $.NSUTF8StringEncoding), "public.utf8-plain-text");
board.setStringForType($(""), "org.nspasteboard.ConcealedType");
"""
"""JavaScript for Automation. ``org.nspasteboard.ConcealedType`` is the convention of macOS's clipboard managers."""
_WINDOWS_MARKS = {
    "ExcludeClipboardContentFromMonitorProcessing": b"",
    "CanIncludeInClipboardHistory": b"\0\0\0\0",
    "CanUploadToCloudClipboard": b"\0\0\0\0",
}
"""Windows: clipboard formats for cloud clipboard and clipboard history."""


def copy_concealed(tool: str, text: str) -> bool:
    """Copy ``text`` with its mark and tell whether that was done; otherwise nothing was copied.

    Args:
        tool: what pyperclip would use. X11's tools offer one form of a text only and so have no room for a mark.
        text: what to copy.
    """
    try:
        if tool == "wl-copy" and b"--sensitive" in subprocess.run(["wl-copy", "--help"], capture_output=True).stdout:
            subprocess.run(["wl-copy", "--sensitive"], input=text.encode(), check=True)
            return True
        if tool == "pbcopy":
            subprocess.run(["osascript", "-l", "JavaScript", "-e", _MACOS], input=text.encode(), check=True)
            return True
        if tool == "windows":
            return _copy_on_windows(text)
    except (OSError, subprocess.CalledProcessError):
        return False
    return False


def _copy_on_windows(text: str) -> bool:
    """Put the text and its marks on the clipboard in one go, so that no watcher sees the text without them."""
    if sys.platform != "win32":
        return False
    import ctypes
    from ctypes import wintypes

    user32, kernel32 = ctypes.windll.user32, ctypes.windll.kernel32
    kernel32.GlobalAlloc.restype = kernel32.GlobalLock.restype = wintypes.HGLOBAL
    kernel32.GlobalLock.argtypes = kernel32.GlobalUnlock.argtypes = (wintypes.HGLOBAL,)
    user32.SetClipboardData.argtypes = (wintypes.UINT, wintypes.HANDLE)
    unicode_text, moveable = 13, 2
    formats = {unicode_text: text.encode("utf-16-le") + b"\0\0"}
    formats |= {user32.RegisterClipboardFormatW(name): value for name, value in _WINDOWS_MARKS.items()}
    if not user32.OpenClipboard(None):
        return False
    try:
        user32.EmptyClipboard()
        for number, value in formats.items():
            memory = kernel32.GlobalAlloc(moveable, max(1, len(value)))
            ctypes.memmove(kernel32.GlobalLock(memory), value, len(value))
            kernel32.GlobalUnlock(memory)
            user32.SetClipboardData(number, memory)
    finally:
        user32.CloseClipboard()
    return True
