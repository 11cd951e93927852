"""Copying text with a marker that tells clipboard managers not to store it, where the system supports one."""

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
"""JavaScript for Automation. ``org.nspasteboard.ConcealedType`` is a convention of clipboard managers on macOS."""
_WINDOWS_MARKS = {
    "ExcludeClipboardContentFromMonitorProcessing": b"",
    "CanIncludeInClipboardHistory": b"\0\0\0\0",
    "CanUploadToCloudClipboard": b"\0\0\0\0",
}
"""Windows clipboard formats that exclude the text from clipboard history and the cloud clipboard."""


def copy_concealed(tool: str, text: str) -> bool:
    """Copy ``text`` with a marker. Return False if nothing was copied.

    Args:
        tool: the tool that pyperclip would use. X11 tools offer only one format, so they can't add a marker.
        text: the text to copy.
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
    """Copy the text and its markers in one step, so that no other program sees the text without them."""
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
