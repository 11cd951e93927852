"""Refresh in a child process, for programs that must not block or whose terminal may close.

``python -m slack_token_tui.tokens.refresh_worker`` runs in its own session, so closing a terminal or interrupting a
notebook does not reach it. The parent never kills it. It prints its result when it exits, and the parent then reads
the profile again.
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
"""Longer than the lock timeout, two request deadlines and the pauses between them."""


def refresh_in_child(
    store: ProfileStore, name: str, *, min_ttl_seconds: float = REFRESH_MARGIN_SECONDS, insist: bool = False
) -> RefreshResult:
    """Run :func:`slack_token_tui.tokens.refresh.refresh` in a child process. This works from any thread.

    Raises:
        FileNotFoundError, ProfileFileError, StorageError: see :func:`slack_token_tui.tokens.refresh.refresh`.
    """
    return _parse_output(store, name, _run_child(store, name, min_ttl_seconds, insist))


async def refresh_in_child_async(
    store: ProfileStore, name: str, *, min_ttl_seconds: float = REFRESH_MARGIN_SECONDS, insist: bool = False
) -> RefreshResult:
    """Run :func:`refresh_in_child` without blocking. On cancellation or loop shutdown, the child still finishes."""
    loop = asyncio.get_running_loop()
    output_future: asyncio.Future[bytes] = loop.create_future()

    def run_child() -> None:
        output = _run_child(store, name, min_ttl_seconds, insist)
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(set_output, output)

    def set_output(output: bytes) -> None:
        if not output_future.done():
            output_future.set_result(output)

    # Not an asyncio subprocess: its transport kills the child when the loop is closed. Not an executor thread either:
    # it would delay the exit of the program.
    threading.Thread(target=run_child, daemon=True).start()
    output = await output_future
    return await asyncio.to_thread(_parse_output, store, name, output)


def _run_child(store: ProfileStore, name: str, min_ttl_seconds: float, insist: bool) -> bytes:
    """Start a child process and return its output, or nothing after a timeout. The child is never killed."""
    # -P: do not import from the current directory.
    command = [sys.executable, "-P", "-m", "slack_token_tui.tokens.refresh_worker"]
    with suppress(OSError, subprocess.TimeoutExpired):
        child = subprocess.Popen(
            [*command, str(store.home), name, str(min_ttl_seconds), "insist" if insist else ""],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # subprocess.run() would kill the child on an interrupt or a timeout, and the new tokens would be lost.
        return child.communicate(timeout=_TIMEOUT_SECONDS)[0]
    return b""


def _parse_output(store: ProfileStore, name: str, output: bytes) -> RefreshResult:
    profile = store.with_tokens(store.read(name))
    try:
        record = json.loads(output)
        problem = RefreshProblem(record["code"], record["facts"]) if record["code"] else None
        return RefreshResult(profile, record["renewed"], record["recovered"], problem)
    except (ValueError, KeyError, TypeError):
        return RefreshResult(profile, problem=RefreshProblem("refresh_child_failed", {"name": name}))


def main(arguments: list[str]) -> int:
    """Refresh with the given arguments: home, name, seconds, ``insist`` or "". Print the result, but never a token."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    home, name, min_ttl_seconds, insist = arguments
    record: dict[str, object] = {"renewed": False, "recovered": False, "code": None, "facts": {}}
    try:
        result = refresh(ProfileStore(Path(home)), name, min_ttl_seconds=float(min_ttl_seconds), insist=bool(insist))
        record |= {"renewed": result.refreshed, "recovered": result.recovered}
        if result.problem:
            record |= {"code": result.problem.code, "facts": result.problem.facts}
    except FileNotFoundError:
        record["code"] = "profile_not_found"
    except (ProfileFileError, StorageError) as error:
        record |= {"code": error.code, "facts": error.facts}
    # The parent may have exited by now. The new tokens are saved anyway.
    with suppress(OSError):
        os.write(1, json.dumps(record).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
