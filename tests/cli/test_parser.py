"""The table of commands, and how their arguments are parsed."""

from __future__ import annotations

import argparse
import pkgutil
import re

import pytest

from slack_token_tui.cli import commands
from slack_token_tui.cli.parser import COMMANDS, create_parser, load_command
from slack_token_tui.problems import InvalidInput, explain, list_codes
from slack_token_tui.store.profiles import ProfileStore
from tests.support.cli import run_command
from tests.support.profiles import new_sign_in


def test_table_lists_every_command_module() -> None:
    modules = {module.name for module in pkgutil.iter_modules(commands.__path__)}
    assert {load_command(name).__name__.rpartition(".")[2] for name in COMMANDS} == modules


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_put_no_token_into_a_process_list(command: str) -> None:
    """Only ``export`` and an assignment are shell builtins. Arguments of any other command are visible to all users."""
    example = load_command(command).EXAMPLE
    assert "Bearer" not in example
    assert example.startswith("export ") or "$(" not in example


def make_words(action: argparse.Action, option: str = "") -> list[str]:
    """Return valid words for ``action``, which is spelled ``option`` if it is an option."""
    value = str(next(iter(action.choices or ["60"])))
    return [*([option] if option else []), *([] if action.nargs == 0 else [value])]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_options_cannot_be_abbreviated(command: str) -> None:
    parser = create_parser({command})
    subparsers = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    actions = (subparsers.choices[command] if command else parser)._actions
    words = [command] if command else []
    for action in actions:
        if action.required and action is not subparsers:
            words += make_words(action, *action.option_strings)
    options = {option: action for action in actions for option in action.option_strings if option.startswith("--")}
    assert "--help" in options
    for option, action in options.items():
        if option not in ("--help", "--version"):  # they exit
            parser.parse_args([*words, *make_words(action, option)])
        for abbreviation in {option[:length] for length in range(len("--x"), len(option))} - set(options):
            for given in (make_words(action, abbreviation), [f"{abbreviation}=60"]):
                with pytest.raises(InvalidInput, match="unrecognized arguments"):
                    parser.parse_args([*words, *given])


def test_abbreviated_options_do_not_remove_a_profile(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.save_sign_in(*new_sign_in(), "ws0008")
    done = run_command("remove", "ws0008", "--k", "--y", env=child_environment)
    assert done.returncode == 2
    assert store.names() == ["ws0008"]


COMMAND_IN_TEXT = re.compile(
    rf"slack-token-tui ((?:{'|'.join(COMMANDS)})(?: (?:--[a-z-]+|[A-Z]+\b|acme|file|python|env|the profile|My App|xoxp-\\S+))*)"
)


@pytest.mark.parametrize("facts", [{}, {"name": ""}, {"name": "the profile"}, {"name": "My App"}, {"name": "acme"}])
@pytest.mark.parametrize("code", list_codes())
def test_command_in_a_fix_can_be_typed_as_it_is(code: str, facts: dict[str, str]) -> None:
    """It never has a placeholder such as "the profile", or the name of something that is no profile."""
    for command in COMMAND_IN_TEXT.findall("\n".join(explain(code, facts).remedies)):
        words = command.split()
        options = create_parser({words[0]}).parse_args(words)
        names = [getattr(options, key, None) for key in ("name", "old")]
        several = getattr(options, "names", ()) or ()  # ``list --names`` is a switch
        assert {*names, *several} <= {None, "NAME", "acme"}, command
