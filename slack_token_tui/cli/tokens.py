"""``token``: prints one token, in milliseconds. ``copy``: puts one on the clipboard."""

import sys

from slack_token_tui.profiles import fast_read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slack_token_tui.desktop.clipboard import Copied, NotCopied
    from slack_token_tui.secret import Secret


def print_token(argument: str | None) -> int:
    """Print the access token of the profile that is meant, and a newline. Nothing is printed unless it is good.

    This is the hot path: what it imports at the top and here is counted by a test.
    """
    found = _living_token(argument)
    if isinstance(found, int):
        return found
    sys.stdout.write(found[1] + "\n")
    return 0


def copy_token(argument: str | None) -> int:
    """Put the access token of the profile that is meant on the clipboard, and say how surely it is there."""
    found = _living_token(argument)
    if isinstance(found, int):
        return found
    name, token = found

    import asyncio

    from slack_token_tui.cli import exit_codes, report
    from slack_token_tui.desktop.clipboard import Copied
    from slack_token_tui.secret import Secret

    outcome = asyncio.run(_copied(Secret(token)))
    if isinstance(outcome, Copied):
        report.say(outcome.sentence(name))
        return exit_codes.DONE
    report.say(f"slack-token-tui: {name} was not copied. {outcome.reason}")
    report.say(f"  Print it instead: slack-token-tui token {name}")
    return exit_codes.SAID_NO


def _living_token(argument: str | None) -> tuple[str, str] | int:
    """Return name and token of the profile that is meant; where none can be given, report it and return the exit code."""
    directory = fast_read.home()
    try:
        name = fast_read.chosen_name(directory, argument)
        path = fast_read.profile_path(directory, name)
        record = fast_read.read_record(path)
        token = fast_read.access_token(record, path)
    except fast_read.ChoiceError as error:
        from slack_token_tui.cli import report

        return report.no_choice(error)
    except FileNotFoundError:
        from slack_token_tui.cli import report

        return report.no_choice(fast_read.ChoiceError("profile_not_found", argument or "", []))
    except fast_read.ProfileFileError as error:
        from slack_token_tui.cli import report

        return report.unusable_file(error)
    if why := fast_read.why_dead(record):
        from slack_token_tui.cli import report

        return report.dead_token(name, why)
    return name, token


async def _copied(token: "Secret") -> "Copied | NotCopied":
    from slack_token_tui.desktop.clipboard import copy

    return await copy(token, _to_terminal)


def _to_terminal(text: str) -> bool:
    """Send ``text`` to the controlling terminal's clipboard, wherever standard output goes."""
    from slack_token_tui.desktop.clipboard import osc52

    try:
        with open("/dev/tty", "w") as terminal:  # noqa: PTH123 - pathlib is not worth loading for this
            terminal.write(osc52(text))
    except OSError:
        return False
    return True
