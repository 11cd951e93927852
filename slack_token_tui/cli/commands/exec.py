"""``exec``: run a command with the token in its environment."""

import os
import sys

from slack_token_tui.cli.arguments import add_min_ttl_option, add_name_argument, add_variable_option
from slack_token_tui.store.hot_path import valid_token

TYPE_CHECKING = False  # ``cli/main.py`` imports this module before argparse
if TYPE_CHECKING:
    import argparse

EXAMPLE = "slack-token-tui exec acme -- python report.py"
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
"""Exit codes, as in a shell."""


def add_arguments(parser: "argparse.ArgumentParser") -> None:
    """Add the arguments of ``exec``. The command is split off before the parser sees it."""
    add_name_argument(parser)
    add_min_ttl_option(parser)
    add_variable_option(parser)
    parser.usage = "slack-token-tui exec [NAME] [--env VAR] [--min-ttl SECONDS] -- COMMAND …"


def run(options: "argparse.Namespace") -> int:
    """Get a token, refreshed first if it is due, and run the command with it."""
    from slack_token_tui.problems import InvalidInput
    from slack_token_tui.tokens import export_formats

    if not options.exec_command:
        raise InvalidInput(
            "No command was given.", "Put it after two dashes: slack-token-tui exec acme -- python report.py"
        )
    if not export_formats.is_variable_name(options.env):
        raise InvalidInput(f"{options.env!r} isn't a valid variable name.", "Use letters, digits and _")
    token = valid_token(options.name, options.min_ttl)
    if token is None:
        from slack_token_tui.cli.fresh_token import get_fresh_token

        token = get_fresh_token(options.name, options.min_ttl).access_token.reveal()
    return run_command(options.exec_command, options.env, token, options.core_limit)


def run_command(command: list[str], variable: str, token: str, core_limit: int | None) -> int:
    """Run ``command`` with ``token`` in environment variable ``variable``. On POSIX this returns only on failure."""
    environment = {**os.environ, variable: token}
    if sys.platform == "win32":
        import subprocess

        return subprocess.run(command, env=environment, check=False).returncode
    _restore_process_state(core_limit)
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606 - replacing this process is intended
    except (FileNotFoundError, ValueError):  # ValueError for an empty name, as of a variable that is not set
        _print_failure(f"command not found: {command[0] or repr('')}", "Check its name and your PATH")
        return _NOT_FOUND
    except OSError as error:
        _print_failure(f"can't run {command[0]}: {error.strerror}", "Check that it's executable (chmod +x)")
        return _NOT_EXECUTABLE


def _print_failure(what: str, remedy: str) -> None:
    from slack_token_tui.cli import output

    output.print_message(f"slack-token-tui: {what}.")
    output.print_message(f"  {remedy}")


def _restore_process_state(core_limit: int | None) -> None:
    """Give the command the core limit that this process started with, and no signal that Python ignores.

    Output is flushed, because the buffers end with this process.
    """
    import _signal  # type: ignore[import-not-found]  # signal itself imports enum
    import resource

    _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
    _signal.signal(_signal.SIGXFSZ, _signal.SIG_DFL)
    if core_limit is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (core_limit, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except OSError:  # full or closed: the command will get the same error
                continue
