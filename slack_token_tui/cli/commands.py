"""Every command with its options, help and example."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from slack_token_tui import __version__

TIME_LIMIT_SECONDS = 300.0
Command = Callable[[argparse.Namespace], int]


def run(arguments: Sequence[str]) -> int:
    """Parse ``arguments`` and run the command; without one, open the TUI. Usage errors leave with exit code 2."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    return command(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="slack-token-tui",
        description="Sign in to Slack from a terminal, and keep the user tokens you get. "
        "Without a command, the terminal user interface opens.",
        epilog="Try it without Slack: slack-token-tui demo",
    )
    parser.set_defaults(command=_tui)
    parser.add_argument("--version", action="version", version=f"slack-token-tui {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def add(name: str, command: Command, summary: str, example: str) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(command=command)
        return added

    add("demo", _demo, "try everything against a practice Slack on this machine", "slack-token-tui demo")
    login = add(
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
        type=_seconds,
        default=TIME_LIMIT_SECONDS,
        help="how long to wait for the browser (default: 300)",
    )
    login.add_argument("--json", action="store_true", help="print one result object on standard output")
    token = add(
        "token",
        _token,
        "print an access token",
        'curl -H "Authorization: Bearer $(slack-token-tui token acme)" https://slack.com/api/auth.test',
    )
    token.add_argument("name", nargs="?", metavar="NAME")
    copy = add("copy", _copy, "put an access token on the clipboard", "slack-token-tui copy acme")
    copy.add_argument("name", nargs="?", metavar="NAME")
    lister = add("list", _list, "list the profiles", "slack-token-tui list --json")
    lister.add_argument("--json", action="store_true", help="as JSON, tokens masked")
    show = add("show", _show, "show one profile, its tokens masked", "slack-token-tui show acme")
    show.add_argument("name", nargs="?", metavar="NAME")
    show.add_argument("--json", action="store_true", help="as JSON, tokens masked")
    explain = add(
        "explain", _explain, "say what a Slack error means and what to do", "slack-token-tui explain bad_redirect_uri"
    )
    explain.add_argument("code", nargs="?", metavar="CODE", help="without one, all codes are listed")
    explain.add_argument("--json", action="store_true", help="as JSON")
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 86_400:
        raise argparse.ArgumentTypeError("give a number of seconds between 0 and 86400")
    return seconds


def _tui(_: argparse.Namespace) -> int:
    from slack_token_tui.tui.launch import Start, run_app

    return run_app(Start())


def _demo(_: argparse.Namespace) -> int:
    from slack_token_tui.cli.demo import run_demo

    return run_demo()


def _login(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.login import LoginOptions, login

    return login(
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
    from slack_token_tui.cli.tokens import print_token

    return print_token(options.name)


def _copy(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.tokens import copy_token

    return copy_token(options.name)


def _list(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.profiles import list_profiles

    return list_profiles(options.json)


def _show(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.profiles import show_profile

    return show_profile(options.name, options.json)


def _explain(options: argparse.Namespace) -> int:
    from slack_token_tui.cli.explain import explain_code

    return explain_code(options.code, options.json)
