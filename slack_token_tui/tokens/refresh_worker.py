"""Refresh in a child process, for programs that must not block or whose terminal may close.

``python -m slack_token_tui.tokens.refresh_worker`` runs in a separate session, so closing a terminal or interrupting a
notebook does not reach it. The parent never kills it. It prints its result when it exits, and the parent then reads
the profile again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

from slack_token_tui.interpreter import child_environment, module_command
from slack_token_tui.problems import Problem
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh_result import USUAL_POLICY, RefreshPolicy, RefreshResult

_TIMEOUT_SECONDS = 180
"""Longer than the lock timeout, two request deadlines and the pauses between them."""
_STARTED = b"started\n"
"""Written by the child before it does anything. Without it, nothing was sent, and the refresh can run elsewhere."""


def refresh_in_child(store: ProfileStore, name: str, policy: RefreshPolicy = USUAL_POLICY) -> RefreshResult:
    """Refresh in a child process, or in a thread if no child can be started. This works from any thread.

    Raises:
        StorageError: see :func:`slack_token_tui.tokens.refresh_in_process.refresh_in_process`.
    """
    output = _run_child(store, name, policy)
    if output.startswith(_STARTED):
        return _parse_output(store, name, output.removeprefix(_STARTED))
    return _refresh_in_thread(store, name, policy)


def _run_child(store: ProfileStore, name: str, policy: RefreshPolicy) -> bytes:
    """Start a child process and return its output, or nothing if it could not be started.

    It is never killed. After the timeout, the output is that of a child that has started but not finished.
    """
    insist = "insist" if policy.insist else ""
    arguments = (str(store.home), name, str(policy.min_ttl_seconds), insist)
    command = module_command("tokens.refresh_worker", *arguments)
    if command is None:
        return b""
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=child_environment(),
        )
        # subprocess.run() would kill the child on an interrupt or a timeout, and the new tokens would be lost.
        return child.communicate(timeout=_TIMEOUT_SECONDS)[0]
    except OSError:
        return b""
    except subprocess.TimeoutExpired:
        return _STARTED


def _refresh_in_thread(store: ProfileStore, name: str, policy: RefreshPolicy) -> RefreshResult:
    """Refresh in a thread that interrupts do not reach and that the program waits for at exit.

    Raises:
        Problem: ``refresh_not_started``; see also :func:`refresh_in_child`.
    """
    from slack_token_tui.event_loop import complete
    from slack_token_tui.tokens.refresh_in_process import refresh_in_process

    try:
        return complete(partial(refresh_in_process, store, name, policy))
    except OSError as error:  # the process limit also counts threads
        raise Problem("refresh_not_started", name=name, detail=error.strerror or "") from None


def _parse_output(store: ProfileStore, name: str, output: bytes) -> RefreshResult:
    profile, tokens = store.read_with_tokens(name)
    try:
        record = json.loads(output)
        problem = Problem(record["code"], **record["facts"]) if record["code"] else None
        return RefreshResult(profile, tokens, record["renewed"], record["recovered"], problem)
    except (ValueError, KeyError, TypeError):
        return RefreshResult(profile, tokens, problem=Problem("refresh_child_failed", name=name))


def main(arguments: list[str]) -> int:
    """Refresh with the given arguments: home, name, seconds, ``insist`` or "". Print the result, but never a token."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    from slack_token_tui.tokens.refresh_in_process import (
        refresh_in_process,  # deferred: the parent process must not load the network code
    )

    with suppress(OSError):
        os.write(1, _STARTED)
    home, name, min_ttl_seconds, insist = arguments
    record: dict[str, object] = {"renewed": False, "recovered": False, "code": None, "facts": {}}
    try:
        policy = RefreshPolicy(float(min_ttl_seconds), insist=bool(insist))
        result = refresh_in_process(ProfileStore(Path(home)), name, policy)
        record |= {"renewed": result.refreshed, "recovered": result.recovered}
        if result.problem:
            record |= {"code": result.problem.code, "facts": result.problem.facts}
    except Problem as error:
        record |= {"code": error.code, "facts": error.facts}
    # The parent may have exited by now. The new tokens are saved anyway.
    with suppress(OSError):
        os.write(1, json.dumps(record).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
