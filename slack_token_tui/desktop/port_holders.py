"""Lookup of the program that uses a local port, or at least its user."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slack_token_tui.sanitize import clean

_LISTEN = "0A"
_LSOF_TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True)
class PortHolder:
    """A program that listens on ``port``. Fields that the system hides are None."""

    port: int
    program: str | None = None
    pid: int | None = None
    user: str | None = None

    def __str__(self) -> str:
        if self.program:
            return f"{self.program} (process {self.pid}) on {self.port}"
        if self.user:
            return f"a program of user {self.user} on {self.port}"
        return f"an unknown program on {self.port}"


def find_holder(port: int) -> PortHolder:
    """Return the program that listens on ``port``, with the details that this user can see."""
    if sys.platform == "linux":
        return _from_proc(port)
    return _from_lsof(port)


def _from_proc(port: int) -> PortHolder:
    user = None
    for uid, inode in _listening_sockets(port):
        user = _user_name(uid)
        if pid := _pid_of_socket(inode):
            return PortHolder(port, _program_name(pid), pid, user)
    return PortHolder(port, user=user)


def _listening_sockets(port: int) -> Iterator[tuple[int, str]]:
    """Yield the user ID and inode of every socket that listens on ``port`` (proc(5): /proc/net/tcp)."""
    for table in ("tcp", "tcp6"):
        try:
            lines = Path("/proc/net", table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                yield int(fields[7]), fields[9]


def _pid_of_socket(inode: str) -> int | None:
    wanted = f"socket:[{inode}]"
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if any(str(link.readlink()) == wanted for link in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:  # it has exited, or belongs to another user
            continue
    return None


def _program_name(pid: int) -> str | None:
    try:
        return clean(Path("/proc", str(pid), "comm").read_text(errors="replace").strip(), 40)
    except OSError:
        return None


def _user_name(uid: int) -> str:
    import pwd

    try:
        return clean(pwd.getpwuid(uid).pw_name, 40)
    except KeyError:
        return str(uid)


def _from_lsof(port: int) -> PortHolder:
    lsof = shutil.which("lsof")
    if lsof is None:
        return PortHolder(port)
    try:
        output = subprocess.run(
            [lsof, "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpcu"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LSOF_TIMEOUT_SECONDS,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return PortHolder(port)
    fields = {line[0]: line[1:] for line in reversed(output.splitlines()) if line}
    pid = fields.get("p", "")
    if not pid.isdigit():
        return PortHolder(port)
    uid = fields.get("u", "")
    return PortHolder(port, clean(fields.get("c", "?"), 40), int(pid), _user_name(int(uid)) if uid.isdigit() else None)
