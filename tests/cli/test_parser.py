"""The table of commands, and how their arguments are parsed."""

from __future__ import annotations

import pkgutil

from slack_token_tui.cli import commands
from slack_token_tui.cli.parser import COMMANDS, load_command


def test_table_lists_every_command_module() -> None:
    modules = {module.name for module in pkgutil.iter_modules(commands.__path__)}
    assert {load_command(name).__name__.rpartition(".")[2] for name in COMMANDS} == modules
