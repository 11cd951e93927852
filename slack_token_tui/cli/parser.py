"""Argument parser, and the table of all commands. The module of each command adds its arguments."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Container, Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from slack_token_tui import __version__

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

COMMANDS = {
    "demo": "try everything with a practice Slack on this machine",
    "login": "sign in from the command line and save the token",
    "token": "print an access token",
    "copy": "copy an access token to the clipboard",
    "export": "print an access token in a chosen format",
    "exec": "run a command with the token in its environment",
    "list": "list the profiles",
    "show": "show a profile with masked tokens",
    "verify": "check with Slack that tokens work",
    "refresh": "refresh tokens (use --all in cron)",
    "default": "print or set the default profile",
    "rename": "rename a profile",
    "remove": "revoke the tokens of a profile and remove it",
    "import": "save an existing token, read from standard input",
    "move": "move tokens to the system keyring or to files",
    "completion": "print a shell completion script",
    "manifest": "print the manifest for creating a Slack app",
    "doctor": "check this machine for sign-in problems",
    "explain": "explain a Slack error and how to fix it",
    "help": "list the help topics, or print one",
}
"""Every command with its summary, in the order of ``--help``."""


def run(arguments: Sequence[str], exec_command: Sequence[str], core_limit: int | None) -> int:
    """Parse ``arguments``, run the command and return its exit code. Without a command, open the TUI.

    Args:
        arguments: those of the process, for ``exec`` only up to ``--``.
        exec_command: the command that ``exec`` runs, from the arguments after ``--``.
        core_limit: the soft limit of core dumps before this program set its own, for that command.

    Raises:
        Problem: the command failed, or its arguments are wrong.
    """
    if len(arguments) == 2 and arguments[0] == "help" and arguments[1] in COMMANDS:
        arguments = [arguments[1], "--help"]
    # No option before the command has a value, so the first word that is not an option is the command.
    typed = next((word for word in arguments if not word.startswith("-")), "")
    parser = create_parser(COMMANDS if typed == "completion" else {typed})
    parser.typed_command = typed
    options = parser.parse_args(arguments)
    if options.command is None:
        from slack_token_tui.tui.options import LaunchOptions
        from slack_token_tui.tui.run import run_app

        return run_app(LaunchOptions())

    from slack_token_tui.problems import InvalidInput

    options.parser, options.exec_command, options.core_limit = parser, exec_command, core_limit
    try:
        exit_code: int = load_command(options.command).run(options)
    except InvalidInput as problem:
        if problem.remedy:
            raise
        raise InvalidInput(str(problem), f"See: slack-token-tui {options.command} --help") from None
    return exit_code


class _Parser(argparse.ArgumentParser):
    """Raises a Problem for invalid arguments instead of exiting the process. Options can't be abbreviated.

    Otherwise ``remove acme --k --y`` would delete a profile, and a new option could break a script's abbreviation.
    """

    typed_command = ""
    """The first word on the command line. The main parser reports what the parser of the command left over."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Print the help. argparse would ignore that it can't be written."""
        (sys.stdout if file is None else file).write(self.format_help())

    def error(self, message: str) -> NoReturn:
        from slack_token_tui.problems import InvalidInput

        remedy = f"See: {self.prog} --help"
        if message.startswith("unrecognized arguments") and self.typed_command in COMMANDS:
            remedy = f"See: slack-token-tui {self.typed_command} --help"
            if self.typed_command == "exec":
                remedy = "Put the command after two dashes: slack-token-tui exec acme -- python report.py"
        raise InvalidInput(f"{message}.", remedy)


def create_parser(commands: Container[str]) -> _Parser:
    """Return the parser. It knows every command, but arguments only of ``commands``: their modules are imported."""
    parser = _Parser(
        prog="slack-token-tui",
        description="Sign in to Slack from a terminal and save your user tokens. "
        "Without a command, the terminal user interface opens.",
        epilog="Try it without Slack: slack-token-tui demo. Read more: slack-token-tui help",
    )
    parser.add_argument("--version", action="version", version=f"slack-token-tui {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name in commands:
            command = load_command(name)
            subparser.epilog = f"example:\n  {command.EXAMPLE}"
            command.add_arguments(subparser)
    return parser


def load_command(name: str) -> ModuleType:
    """Return the module of command ``name``. It has ``EXAMPLE``, ``add_arguments(parser)`` and ``run(options)``."""
    return import_module(f"slack_token_tui.cli.commands.{'import_' if name == 'import' else name}")
