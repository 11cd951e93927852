"""Argument parser: every command with its options, help and example."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from slack_token_tui import __version__
from slack_token_tui.store.hot_path import REFRESH_MARGIN_SECONDS

SIGN_IN_TIMEOUT_SECONDS = 300.0
MAX_MIN_TTL_SECONDS = 11 * 3600
"""Upper limit of ``--min-ttl``. A higher value would refresh the token on every call."""
FORMATS = ("token", "header", "env", "dotenv", "curl", "python", "mcp", "json")
"""Must equal the keys of :data:`slack_token_tui.tokens.export_formats.FORMATS`. A test checks this.

Importing that module for every ``--help`` would be too slow.
"""
VARIABLE = "SLACK_TOKEN"
Command = Callable[[argparse.Namespace], int]


def run(arguments: Sequence[str], core_limit: int | None = None) -> int:
    """Parse ``arguments``, run the command and return its exit code. Without a command, open the TUI.

    Args:
        arguments: those of the process.
        core_limit: the soft limit of core dumps before this program set its own, for the command that ``exec`` runs.

    Raises:
        Problem: the command failed, or its arguments are wrong.
    """
    from slack_token_tui.problems import InvalidInput

    arguments, exec_command = _split_at_dashes(list(arguments))
    options = create_parser().parse_args(arguments)
    options.exec_command, options.core_limit = exec_command, core_limit
    command: Command = options.command
    try:
        return command(options)
    except InvalidInput as problem:
        if problem.remedy:
            raise
        raise InvalidInput(str(problem), f"See: slack-token-tui {options.name_of_command} --help") from None


class _Parser(argparse.ArgumentParser):
    """Raises a Problem for invalid arguments instead of exiting the process."""

    def error(self, message: str) -> NoReturn:
        from slack_token_tui.problems import InvalidInput

        remedy = f"See: {self.prog} --help"
        command = " ".join(sys.argv[1:2])
        if message.startswith("unrecognized arguments") and command.isalpha():
            remedy = f"See: slack-token-tui {command} --help"
            if command == "exec":
                remedy = "Put the command after two dashes: slack-token-tui exec acme -- printenv SLACK_TOKEN"
        raise InvalidInput(f"{message}.", remedy)


def _split_at_dashes(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Split the arguments of ``exec`` at ``--``. Options after it belong to the command that ``exec`` runs."""
    if arguments[:1] == ["exec"] and "--" in arguments:
        at = arguments.index("--")
        return arguments[:at], arguments[at + 1 :]
    return arguments, []


def create_parser() -> argparse.ArgumentParser:
    """Return the parser for all commands."""
    parser = _Parser(
        prog="slack-token-tui",
        description="Sign in to Slack from a terminal, and keep the user tokens you get. "
        "Without a command, the terminal user interface opens.",
        epilog="Try it without Slack: slack-token-tui demo",
    )
    parser.set_defaults(command=_tui)
    parser.add_argument("--version", action="version", version=f"slack-token-tui {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def add_command(name: str, command: Command, summary: str, example: str) -> argparse.ArgumentParser:
        subparser = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        subparser.set_defaults(command=command, name_of_command=name)
        return subparser

    add_command("demo", _demo, "try everything against a practice Slack on this machine", "slack-token-tui demo")
    login = add_command(
        "login",
        _login,
        "sign in without the interface and save the profile",
        "slack-token-tui login acme --client-id 2141029472.691202649728 --scopes users:read,channels:read",
    )
    login.add_argument("name", nargs="?", metavar="NAME", help="name of the profile; the workspace’s own by default")
    login.add_argument("--client-id", metavar="ID", help="your app’s Client ID; the one used last by default")
    login.add_argument(
        "--client-secret-stdin",
        action="store_true",
        help="read a client secret from the first line of standard input (apps without PKCE only)",
    )
    login.add_argument(
        "--scopes", metavar="LIST", help="user scopes, separated by commas (default: those of last time)"
    )
    login.add_argument(
        "--redirect-uri",
        metavar="URI",
        action="append",
        default=[],
        help="a redirect address registered with the app; may be given several times",
    )
    login.add_argument("--slack-url", metavar="URL", help="another Slack, for example https://slack-gov.com")
    login.add_argument("--oauth", choices=("v2_user", "v2"), help="the endpoint pair (default: v2_user)")
    login.add_argument("--no-browser", action="store_true", help="only print the address")
    login.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_timeout_seconds,
        default=SIGN_IN_TIMEOUT_SECONDS,
        help="how long to wait for the browser (default: 300)",
    )
    login.add_argument("--json", action="store_true", help="print one result object on standard output")
    token = add_command(
        "token",
        _token,
        "print an access token",
        'curl -H "Authorization: Bearer $(slack-token-tui token acme)" https://slack.com/api/auth.test',
    )
    _add_name_argument(token)
    _add_min_ttl_option(token)
    copy = add_command("copy", _copy, "put an access token on the clipboard", "slack-token-tui copy acme --as header")
    _add_name_argument(copy)
    _add_min_ttl_option(copy)
    copy.add_argument("--as", dest="format", choices=FORMATS, default="token", help="in which form (default: token)")
    export = add_command(
        "export",
        _export,
        "print an access token in the form that its user takes",
        'eval "$(slack-token-tui export acme --as env)"',
    )
    _add_name_argument(export)
    _add_min_ttl_option(export)
    export.add_argument("--as", dest="format", choices=FORMATS, default="env", help="in which form (default: env)")
    export.add_argument("--env", metavar="VAR", default=VARIABLE, help=f"name of the variable (default: {VARIABLE})")
    exec_command = add_command(
        "exec",
        _exec,
        "become a command, with the token in one environment variable more",
        "slack-token-tui exec acme -- python report.py",
    )
    _add_name_argument(exec_command)
    _add_min_ttl_option(exec_command)
    exec_command.add_argument(
        "--env", metavar="VAR", default=VARIABLE, help=f"name of the variable (default: {VARIABLE})"
    )
    exec_command.usage = "slack-token-tui exec [NAME] [--env VAR] [--min-ttl SECONDS] -- COMMAND …"
    list_command = add_command("list", _list, "list the profiles", "slack-token-tui list --json")
    list_command.add_argument("--json", action="store_true", help="as JSON, tokens masked")
    list_command.add_argument("--names", action="store_true", help="the names alone")
    show = add_command("show", _show, "show one profile, its tokens masked", "slack-token-tui show acme")
    show.add_argument("name", nargs="?", metavar="NAME")
    show.add_argument("--json", action="store_true", help="as JSON, tokens masked")
    verify = add_command(
        "verify", _verify, "ask Slack whether tokens work, and whose they are", "slack-token-tui verify --all"
    )
    _add_names_argument(verify, "ask about every profile")
    refresh = add_command(
        "refresh",
        _refresh,
        "renew rotating tokens; --all is fit for cron",
        "slack-token-tui refresh --all",
    )
    _add_names_argument(refresh, "every profile whose token is about to expire or has expired")
    refresh.add_argument("--force", action="store_true", help="also a fresh one; Slack keeps only two tokens alive")
    refresh.add_argument(
        "--min-ttl", metavar="SECONDS", type=_min_ttl_seconds, help="renew what has less life left than this"
    )
    default = add_command("default", _default, "print or set the default profile", "slack-token-tui default acme")
    default.add_argument("name", nargs="?", metavar="NAME")
    default.add_argument("--none", action="store_true", help="have no default")
    default.add_argument("--json", action="store_true", help="the answer as JSON")
    rename = add_command(
        "rename", _rename, "give a profile another name", "slack-token-tui rename acme-2 acme-bot-admin"
    )
    rename.add_argument("old", metavar="OLD")
    rename.add_argument("new", metavar="NEW")
    rename.add_argument("--json", action="store_true", help="the answer as JSON")
    remove = add_command(
        "remove", _remove, "revoke both tokens at Slack and delete the profile", "slack-token-tui remove acme"
    )
    remove.add_argument("name", metavar="NAME")
    remove.add_argument("--keep-grant", action="store_true", help="delete only; revoke nothing at Slack")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    remove.add_argument("--json", action="store_true", help="Slack’s answers as JSON")
    import_command = add_command(
        "import",
        _import,
        "keep a token that you already have, from standard input",
        "pass show slack/acme | slack-token-tui import acme",
    )
    import_command.add_argument(
        "name", nargs="?", metavar="NAME", help="name of the profile; the workspace’s own by default"
    )
    import_command.add_argument("--client-id", metavar="ID", help="of the token’s app; needed with a refresh token")
    import_command.add_argument("--slack-url", metavar="URL", help="another Slack, for example https://slack-gov.com")
    import_command.add_argument("--json", action="store_true", help="the profile as JSON, masked")
    move = add_command(
        "move",
        _move,
        "keep tokens in the operating system’s keyring, or in files",
        "slack-token-tui move --all --to keyring --from-now-on",
    )
    move.add_argument("names", nargs="*", metavar="NAME")
    move.add_argument("--to", choices=("keyring", "file"), required=True)
    move.add_argument("--all", action="store_true", help="every profile, and the client secrets of apps")
    move.add_argument("--from-now-on", action="store_true", help="new sign-ins too")
    move.add_argument("--json", action="store_true", help="the answer as JSON")
    completion = add_command(
        "completion",
        _completion,
        "print a completion script for a shell",
        "slack-token-tui completion bash > ~/.local/share/bash-completion/completions/slack-token-tui",
    )
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    manifest = add_command(
        "manifest",
        _manifest,
        "print the manifest that a Slack app is made from",
        'slack-token-tui manifest --name "My Slack Tokens" --scopes users:read,channels:read --open',
    )
    manifest.add_argument("--name", metavar="NAME", help="of the app (default: My Slack Tokens)")
    manifest.add_argument("--scopes", metavar="LIST", help="user scopes, separated by commas (default: users:read)")
    manifest.add_argument(
        "--redirect-uri",
        metavar="URI",
        action="append",
        default=[],
        help="a redirect address (default: the three on localhost); may be given several times",
    )
    manifest.add_argument("--slack-url", metavar="URL", help="another Slack, for example https://slack-gov.com")
    manifest.add_argument(
        "--no-rotation", action="store_true", help="tokens that work until they are revoked, instead of for 12 hours"
    )
    manifest.add_argument(
        "--message", action="store_true", help="print a message to an administrator, with the manifest in it"
    )
    manifest.add_argument("--open", action="store_true", help="open Slack’s page with it filled in")
    doctor = add_command(
        "doctor",
        _doctor,
        "check what a sign-in needs of this machine",
        "slack-token-tui doctor --json",
    )
    doctor.add_argument("--json", action="store_true", help="the findings as JSON")
    explain = add_command(
        "explain", _explain, "say what a Slack error means and what to do", "slack-token-tui explain bad_redirect_uri"
    )
    explain.add_argument("code", nargs="?", metavar="CODE", help="without one, all codes are listed")
    explain.add_argument("--json", action="store_true", help="as JSON")
    return parser


def _add_name_argument(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", nargs="?", metavar="NAME", help="the profile; the default, or the only one, otherwise")


def _add_min_ttl_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--min-ttl",
        metavar="SECONDS",
        type=_min_ttl_seconds,
        default=REFRESH_MARGIN_SECONDS,
        help="renew a rotating token first when it has less life left (default: 600)",
    )


def _add_names_argument(command: argparse.ArgumentParser, all_help: str) -> None:
    command.add_argument(
        "names", nargs="*", metavar="NAME", help="the profiles; the default, or the only one, otherwise"
    )
    command.add_argument("--all", action="store_true", help=all_help)
    command.add_argument("--json", action="store_true", help="a list of outcomes as JSON")


def _min_ttl_seconds(text: str) -> float:
    return _parse_number(
        text, 0, MAX_MIN_TTL_SECONDS, "give seconds between 0 and 39600 (11 hours): a token lives 12 hours"
    )


def _timeout_seconds(text: str) -> float:
    return _parse_number(text, 0.1, 86_400, "give a number of seconds between 0.1 and 86400")


def _parse_number(text: str, minimum: float, maximum: float, message: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not minimum <= number <= maximum:
        raise argparse.ArgumentTypeError(message)
    return number


def _tui(_: argparse.Namespace) -> int:
    from slack_token_tui.tui.options import LaunchOptions
    from slack_token_tui.tui.run import run_app

    return run_app(LaunchOptions())


def _demo(_: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.demo import run_demo

    return run_demo()


def _login(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.login import LoginOptions, run_login

    return run_login(
        LoginOptions(
            name=options.name,
            client_id=options.client_id,
            client_secret_stdin=options.client_secret_stdin,
            scopes=options.scopes,
            redirect_uris=tuple(options.redirect_uri),
            slack_url=options.slack_url,
            oauth=options.oauth,
            no_browser=options.no_browser,
            timeout_seconds=options.timeout,
            as_json=options.json,
        )
    )


def _token(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.token import run_token

    return run_token(options.name, options.min_ttl)


def _copy(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.copy import run_copy

    return run_copy(options.name, options.format, options.min_ttl)


def _export(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.export import run_export

    return run_export(options.name, options.format, options.env, options.min_ttl)


def _exec(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.exec import run_exec

    return run_exec(options.name, options.env, options.exec_command, options.min_ttl, options.core_limit)


def _verify(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.verify import run_verify

    return run_verify(options.names, options.all, options.json)


def _refresh(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.refresh import run_refresh

    return run_refresh(options.names, options.all, options.force, options.min_ttl, options.json)


def _default(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.default import run_default

    return run_default(options.name, options.none, options.json)


def _rename(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.rename import run_rename

    return run_rename(options.old, options.new, options.json)


def _remove(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.remove import run_remove

    return run_remove(options.name, options.keep_grant, options.yes, options.json)


def _import(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.import_ import run_import

    return run_import(options.name, options.client_id, options.slack_url, options.json)


def _move(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.move import run_move

    return run_move(options.names, options.all, options.to == "keyring", options.from_now_on, options.json)


def _completion(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.completion import run_completion

    return run_completion(options.shell, create_parser())


def _manifest(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.manifest import ManifestOptions, run_manifest

    return run_manifest(
        ManifestOptions(
            name=options.name,
            scopes=options.scopes,
            redirect_uris=tuple(options.redirect_uri),
            slack_url=options.slack_url,
            no_rotation=options.no_rotation,
            as_message=options.message,
            open_page=options.open,
        )
    )


def _doctor(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.doctor import run_doctor

    return run_doctor(options.json)


def _list(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.list import print_names, run_list

    return print_names() if options.names else run_list(options.json)


def _show(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.show import run_show

    return run_show(options.name, options.json)


def _explain(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.commands.explain import run_explain

    return run_explain(options.code, options.json)
