"""``token``: prints one token, in milliseconds where nothing has to be renewed."""

import sys

from slack_token_tui.keeping import fast_read


def print_token(argument: str | None, min_ttl_seconds: float = fast_read.REFRESH_MARGIN_SECONDS) -> int:
    """Print the access token of the profile that is meant, and a newline. Nothing is printed unless it is good.

    This is the hot path: what it imports at the top and here is counted by a test.
    """
    directory = fast_read.home()
    try:
        name = fast_read.chosen_name(directory, argument)
        path = fast_read.profile_path(directory, name)
        record = fast_read.read_record(path)
        if fast_read.wants_more_than_reading(record, min_ttl_seconds):
            return _print_renewed(name, min_ttl_seconds)
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
    sys.stdout.write(token + "\n")
    return 0


def _print_renewed(name: str, min_ttl_seconds: float) -> int:
    from slack_token_tui.cli.renewal import living_profile

    profile = living_profile(name, min_ttl_seconds)
    if isinstance(profile, int):
        return profile
    assert profile.access_token is not None
    sys.stdout.write(profile.access_token.reveal() + "\n")
    return 0
