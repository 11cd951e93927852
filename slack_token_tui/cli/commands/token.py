"""``token``: print one token, in milliseconds if no refresh is needed."""

import sys

from slack_token_tui.store import hot_path


def run_token(argument: str | None, min_ttl_seconds: float = hot_path.REFRESH_MARGIN_SECONDS) -> int:
    """Print the access token of the selected profile, followed by a newline. Print nothing unless the token is valid.

    This is the hot path. A test counts its imports, both at module level and in this function.
    """
    home = hot_path.config_home()
    try:
        name = hot_path.resolve_name(home, argument)
        path = hot_path.profile_path(home, name)
        record = hot_path.read_record(path)
        if hot_path.needs_slow_path(record, min_ttl_seconds):
            return _print_refreshed(name, min_ttl_seconds)
        token = hot_path.access_token(record, path)
    except hot_path.ProfileChoiceError as error:
        from slack_token_tui.cli import output

        return output.report_choice_error(error)
    except FileNotFoundError:
        from slack_token_tui.cli import output

        return output.report_choice_error(hot_path.ProfileChoiceError("profile_not_found", argument or "", []))
    except hot_path.ProfileFileError as error:
        from slack_token_tui.cli import output

        return output.report_file_error(error)
    if reason := hot_path.unusable_reason(record):
        from slack_token_tui.cli import output

        return output.report_unusable_token(name, reason)
    sys.stdout.write(token + "\n")
    return 0


def _print_refreshed(name: str, min_ttl_seconds: float) -> int:
    from slack_token_tui.cli.fresh_token import get_fresh_profile

    profile = get_fresh_profile(name, min_ttl_seconds)
    if isinstance(profile, int):
        return profile
    assert profile.access_token is not None
    sys.stdout.write(profile.access_token.reveal() + "\n")
    return 0
