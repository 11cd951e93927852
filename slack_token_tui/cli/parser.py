"""Argument parser, and the table of all commands. Each command's arguments are in its own module."""

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
    "demo": "try everything against a practice Slack on this machine",
    "login": "sign in without the interface and save the profile",
    "token": "print an access token",
    "copy": "put an access token on the clipboard",
    "export": "print an access token in the form that its user takes",
    "exec": "become a command, with the token in one environment variable more",
    "list": "list the profiles",
    "show": "show one profile, its tokens masked",
    "verify": "ask Slack whether tokens work, and whose they are",
    "refresh": "renew rotating tokens; --all is fit for cron",
    "default": "print or set the default profile",
    "rename": "give a profile another name",
    "remove": "revoke both tokens at Slack and delete the profile",
    "import": "keep a token that you already have, from standard input",
    "move": "keep tokens in the operating system’s keyring, or in files",
    "completion": "print a completion script for a shell",
    "manifest": "print the manifest that a Slack app is made from",
    "doctor": "check what a sign-in needs of this machine",
    "explain": "say what a Slack error means and what to do",
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
                remedy = "Put the command after two dashes: slack-token-tui exec acme -- printenv SLACK_TOKEN"
        raise InvalidInput(f"{message}.", remedy)


def create_parser(commands: Container[str]) -> _Parser:
    """Return the parser. It knows every command, but arguments only of ``commands``: their modules are imported."""
    parser = _Parser(
        prog="slack-token-tui",
        description="Sign in to Slack from a terminal, and keep the user tokens you get. "
        "Without a command, the terminal user interface opens.",
        epilog="Try it without Slack: slack-token-tui demo",
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
