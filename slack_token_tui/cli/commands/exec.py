"""``exec``: run a command with the token in its environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress

from slack_token_tui.cli import output
from slack_token_tui.cli.fresh_token import get_fresh_token
from slack_token_tui.problems import InvalidInput
from slack_token_tui.tokens import export_formats

_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
"""Exit codes, as in a shell."""


def run_exec(
    argument: str | None, variable: str, command: list[str], min_ttl_seconds: float, core_limit: int | None
) -> int:
    """Run ``command`` with the token in environment variable ``variable``. On POSIX this returns only on failure."""
    if not command:
        raise InvalidInput("No command was given.", "Put it after two dashes: slack-token-tui exec acme -- env")
    if not export_formats.is_variable_name(variable):
        raise InvalidInput(f"{variable!r} cannot be the name of a variable.", "Use letters, digits and _.")
    fresh = get_fresh_token(argument, min_ttl_seconds)
    environment = {**os.environ, variable: fresh.access_token.reveal()}
    if sys.platform == "win32":
        return subprocess.run(command, env=environment, check=False).returncode
    _restore_process_state(core_limit)
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606 - replacing this process is intended
    except FileNotFoundError:
        output.print_message(f"slack-token-tui: there is no program called {command[0]}.")
        output.print_message("  Check its name, and that its directory is in PATH")
        return _NOT_FOUND
    except OSError as error:
        output.print_message(f"slack-token-tui: {command[0]} cannot be run: {error.strerror}.")
        output.print_message("  Check that it may be executed (chmod +x)")
        return _NOT_EXECUTABLE


def _restore_process_state(core_limit: int | None) -> None:
    """Restore the signal handlers and core limit, so that the command inherits what this process started with."""
    import resource

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    if core_limit is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (core_limit, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # full or closed: the command will get the same error
            if stream is not None:
                stream.flush()
