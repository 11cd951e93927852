"""Refreshes in a process of its own, for programs that must not wait or whose terminal may go.

``python -m slack_token_tui.tokens.refresh_worker`` has its own session: closing a terminal or interrupting a notebook does
not reach it, and nobody here ever kills it. It says at its end what came of it; whoever asked reads the profile again.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from slack_token_tui.store.atomic_file import StorageError
from slack_token_tui.store.hot_path import REFRESH_MARGIN_SECONDS, ProfileFileError
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh import refresh
from slack_token_tui.tokens.refresh_result import RefreshProblem, RefreshResult

_TIMEOUT_SECONDS = 180
"""A lock, two deadlines and the pauses between are less."""


def refresh_in_child(
    store: ProfileStore, name: str, *, min_ttl_seconds: float = REFRESH_MARGIN_SECONDS, insist: bool = False
) -> RefreshResult:
    """Do what :func:`slack_token_tui.tokens.refresh.refresh` does, from any thread.

    Raises:
        FileNotFoundError, ProfileFileError, StorageError: as there.
    """
    return _parse_output(store, name, _run_child(store, name, min_ttl_seconds, insist))


async def refresh_in_child_async(
    store: ProfileStore, name: str, *, min_ttl_seconds: float = REFRESH_MARGIN_SECONDS, insist: bool = False
) -> RefreshResult:
    """The same without blocking. When it is cancelled, or the loop ends, the child goes on to its end."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[bytes] = loop.create_future()

    def run_child() -> None:
        said = _run_child(store, name, min_ttl_seconds, insist)
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(set_output, said)

    def set_output(said: bytes) -> None:
        if not answered.done():
            answered.set_result(said)

    # Not asyncio's own subprocess, whose transport kills the child when the loop is closed; and not a thread of the
    # executor, which would hold the end of the program.
    threading.Thread(target=run_child, daemon=True).start()
    said = await answered
    return await asyncio.to_thread(_parse_output, store, name, said)


def _run_child(store: ProfileStore, name: str, min_ttl_seconds: float, insist: bool) -> bytes:
    """Start a child and return what it says at its end; nothing when it takes too long. However this ends, it lives on."""
    # -P: what lies in the current directory is not imported.
    command = [sys.executable, "-P", "-m", "slack_token_tui.tokens.refresh_worker"]
    with suppress(OSError, subprocess.TimeoutExpired):
        child = subprocess.Popen(
            [*command, str(store.home), name, str(min_ttl_seconds), "insist" if insist else ""],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # subprocess.run() would kill it on an interrupt or a time-out, and with it the grant.
        return child.communicate(timeout=_TIMEOUT_SECONDS)[0]
    return b""


def _parse_output(store: ProfileStore, name: str, said: bytes) -> RefreshResult:
    profile = store.with_tokens(store.read(name))
    try:
        answer = json.loads(said)
        problem = RefreshProblem(answer["code"], answer["facts"]) if answer["code"] else None
        return RefreshResult(profile, answer["renewed"], answer["recovered"], problem)
    except (ValueError, KeyError, TypeError):
        return RefreshResult(profile, problem=RefreshProblem("refresh_child_failed", {"name": name}))


def main(words: list[str]) -> int:
    """Refresh as ``words`` say: home, name, seconds, ``insist`` or nothing. Print what came of it; never a token."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    home, name, min_ttl_seconds, insist = words
    said: dict[str, object] = {"renewed": False, "recovered": False, "code": None, "facts": {}}
    try:
        result = refresh(ProfileStore(Path(home)), name, min_ttl_seconds=float(min_ttl_seconds), insist=bool(insist))
        said |= {"renewed": result.refreshed, "recovered": result.recovered}
        if result.problem:
            said |= {"code": result.problem.code, "facts": result.problem.facts}
    except FileNotFoundError:
        said["code"] = "profile_not_found"
    except (ProfileFileError, StorageError) as error:
        said |= {"code": error.code, "facts": error.facts}
    # Whoever asked may be gone by now; what was got is saved.
    with suppress(OSError):
        os.write(1, json.dumps(said).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
