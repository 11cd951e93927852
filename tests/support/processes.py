"""The processes of this machine, read from ``/proc``."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def list_pids() -> list[int]:
    """Return the ID of every process."""
    return [int(directory.name) for directory in Path("/proc").iterdir() if directory.name.isdigit()]


def read_process_file(pid: int, name: str) -> bytes:
    """Return the content of ``/proc/PID/NAME``, or nothing if the process has ended or is hidden."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""
