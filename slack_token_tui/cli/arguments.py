"""Arguments that several commands share."""

from slack_token_tui.store.hot_path import REFRESH_MARGIN_SECONDS

TYPE_CHECKING = False  # ``exec`` imports this module before argparse
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

MAX_MIN_TTL_SECONDS = 11 * 3600
"""Upper limit of ``--min-ttl``. A higher value would refresh the token on every call."""
FORMATS = ("token", "header", "env", "dotenv", "curl", "python", "mcp", "json")
"""Must equal the keys of :data:`slack_token_tui.tokens.export_formats.FORMATS`. A test checks this.

Importing that module for every ``--help`` would be too slow.
"""
VARIABLE = "SLACK_TOKEN"


def add_name_argument(parser: "argparse.ArgumentParser") -> None:
    """Add the optional name of the profile to use."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="profile name (default: your default profile)")


def add_names_argument(parser: "argparse.ArgumentParser", all_help: str) -> None:
    """Add names of profiles, ``--all`` with the help text ``all_help``, and ``--json``."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="profile names (default: your default profile)")
    parser.add_argument("--all", action="store_true", help=all_help)
    parser.add_argument("--json", action="store_true", help="print the results as JSON")


def add_min_ttl_option(parser: "argparse.ArgumentParser") -> None:
    """Add ``--min-ttl``, the time that a token must have left."""
    parser.add_argument(
        "--min-ttl",
        metavar="SECONDS",
        type=min_ttl_seconds,
        default=REFRESH_MARGIN_SECONDS,
        help="refresh first if the token expires sooner than this (default: 600)",
    )


def add_format_option(parser: "argparse.ArgumentParser", default: str) -> None:
    """Add ``--as``, the format of the token."""
    parser.add_argument(
        "--as", dest="format", choices=FORMATS, default=default, help=f"output format (default: {default})"
    )


def add_variable_option(parser: "argparse.ArgumentParser") -> None:
    """Add ``--env``, the environment variable that holds the token."""
    parser.add_argument("--env", metavar="VAR", default=VARIABLE, help=f"environment variable (default: {VARIABLE})")


def add_slack_url_option(parser: "argparse.ArgumentParser") -> None:
    """Add ``--slack-url``, for a Slack other than slack.com."""
    parser.add_argument("--slack-url", metavar="URL", help="URL of another Slack, such as https://slack-gov.com")


def seconds_between(minimum: float, maximum: float, message: str) -> "Callable[[str], float]":
    """Return an argument type for a number of seconds from ``minimum`` to ``maximum``. Else the error is ``message``."""

    def parse_seconds(text: str) -> float:
        from argparse import ArgumentTypeError

        try:
            seconds = float(text)
        except ValueError:
            seconds = -1
        if not minimum <= seconds <= maximum:
            raise ArgumentTypeError(message)
        return seconds

    return parse_seconds


min_ttl_seconds = seconds_between(
    0, MAX_MIN_TTL_SECONDS, "must be 0 to 39600 seconds (11 hours), because tokens expire after 12 hours"
)
