"""``completion``: shell completion of commands, options and profile names, generated from the argument parser."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass

from slack_token_tui.cli import exit_codes

EXAMPLE = "slack-token-tui completion bash > ~/.local/share/bash-completion/completions/slack-token-tui"
_PROFILE_ARGUMENTS = frozenset({"name", "names", "old"})


@dataclass(frozen=True)
class _Command:
    """What one command accepts.

    Attributes:
        summary: one-line help of the command.
        options: option names with their help.
        values: choices of each option that has choices.
        words: choices of the positional arguments.
        accepts_profiles: whether a positional argument is a profile name.
    """

    summary: str
    options: tuple[tuple[str, str], ...]
    values: dict[str, tuple[str, ...]]
    words: tuple[str, ...]
    accepts_profiles: bool

    @property
    def all_words(self) -> list[str]:
        return [*(option for option, _ in self.options), *self.words]


_CommandTable = dict[str, _Command]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``completion``."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run(options: argparse.Namespace) -> int:
    """Print the completion script for a shell. ``options.parser`` has the arguments of every command."""
    print({"bash": _bash, "zsh": _zsh, "fish": _fish}[options.shell](_read_commands(options.parser)))
    return exit_codes.SUCCESS


def _read_commands(parser: argparse.ArgumentParser) -> _CommandTable:
    """Return the commands of ``parser``. argparse has no public API for this, and a test checks its private names."""
    chooser = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    summaries = {action.dest: action.help or "" for action in chooser._choices_actions}
    commands = {}
    for name, command in chooser.choices.items():
        options = tuple(
            (max(action.option_strings, key=len), action.help or "")
            for action in command._actions
            if action.option_strings
        )
        arguments = [action for action in command._actions if not action.option_strings]
        commands[name] = _Command(
            summaries[name],
            options,
            {
                action.option_strings[-1]: tuple(map(str, action.choices or ()))
                for action in _options_with_choices(command)
            },
            tuple(str(choice) for action in arguments for choice in action.choices or ()),
            any(action.dest in _PROFILE_ARGUMENTS for action in arguments),
        )
    return commands


def _options_with_choices(command: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in command._actions if action.option_strings and action.choices]


def _option_values(commands: _CommandTable) -> dict[str, str]:
    """Return the choices of each option that has choices. An option has the same choices in every command."""
    return {option: " ".join(words) for command in commands.values() for option, words in command.values.items()}


def _bash(commands: _CommandTable) -> str:
    cases = [
        f"        {name}) words={shlex.quote(' '.join(command.all_words))}; "
        f"profiles={'1' if command.accepts_profiles else ''} ;;"
        for name, command in commands.items()
    ]
    return "\n".join(
        [
            "_slack_token_tui() {",
            '    local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" words= profiles=',
            "    COMPREPLY=()",
            '    case "$previous" in',
            *(
                f"        {option}) COMPREPLY=($(compgen -W '{words}' -- \"$current\")); return ;;"
                for option, words in _option_values(commands).items()
            ),
            "    esac",
            # After exec's dashes, complete another command line.
            '    case " ${COMP_WORDS[*]:1:COMP_CWORD-1} " in',
            '        *" exec "*" -- "*) COMPREPLY=($(compgen -c -f -- "$current")); return ;;',
            "    esac",
            '    if [ "$COMP_CWORD" -eq 1 ]; then',
            f"        COMPREPLY=($(compgen -W '{' '.join(commands)} --help --version' -- \"$current\")); return",
            "    fi",
            '    case "${COMP_WORDS[1]}" in',
            *cases,
            "    esac",
            '    case "$current" in -*) profiles= ;; esac',
            '    [ -n "$profiles" ] && words="$words $(slack-token-tui list --names 2>/dev/null)"',
            '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
            "}",
            "complete -F _slack_token_tui slack-token-tui",
        ]
    )


def _zsh(commands: _CommandTable) -> str:
    described = " ".join(shlex.quote(f"{name}:{command.summary}") for name, command in commands.items())
    cases = []
    for name, command in commands.items():
        names = " $(slack-token-tui list --names 2>/dev/null)" if command.accepts_profiles else ""
        cases.append(f"        {name}) compadd -- {' '.join(command.all_words)}{names} ;;")
    return "\n".join(
        [
            "#compdef slack-token-tui",
            "_slack_token_tui() {",
            "    local -a commands",
            f"    commands=({described})",
            "    if (( CURRENT == 2 )); then _describe command commands; return; fi",
            *(
                f"    if [[ ${{words[CURRENT-1]}} == {option} ]]; then compadd {words}; return; fi"
                for option, words in _option_values(commands).items()
            ),
            "    local dashes=${words[(I)--]}",
            "    if [[ ${words[2]} == exec && $dashes -gt 0 && $dashes -lt $CURRENT ]]; then _files; return; fi",
            "    case ${words[2]} in",
            *cases,
            "    esac",
            "}",
            "compdef _slack_token_tui slack-token-tui",
        ]
    )


def _fish(commands: _CommandTable) -> str:
    start = "complete -c slack-token-tui"
    lines = [f"{start} -f"]
    for name, command in commands.items():
        lines.append(f"{start} -n __fish_use_subcommand -a {name} -d {_fish_quote(command.summary)}")
        prefix = f"{start} -n '__fish_seen_subcommand_from {name}'"
        for option, text in command.options:
            values = f" -x -a '{' '.join(command.values[option])}'" if option in command.values else ""
            lines.append(f"{prefix} -l {option.removeprefix('--')}{values} -d {_fish_quote(text)}")
        if command.accepts_profiles:
            lines.append(f"{prefix} -a '(slack-token-tui list --names 2>/dev/null)'")
        if command.words:
            lines.append(f"{prefix} -a '{' '.join(command.words)}'")
    return "\n".join(lines)


def _fish_quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
