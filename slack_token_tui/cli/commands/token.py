"""``token``: print one token, in milliseconds if no refresh is needed."""

import sys

from slack_token_tui.store import hot_path


def run_token(argument: str | None, min_ttl_seconds: float = hot_path.REFRESH_MARGIN_SECONDS) -> int:
    """Print the access token of the selected profile, followed by a newline. Print nothing unless the token is valid.

    This is the hot path. A test counts its imports, both at module level and in this function.

    Raises:
        Problem: there is no valid token.
    """
    token = hot_path.valid_token(argument, min_ttl_seconds)
    if token is None:
        from slack_token_tui.cli.fresh_token import get_fresh_token

        token = get_fresh_token(argument, min_ttl_seconds).access_token.reveal()
    sys.stdout.write(token + "\n")
    return 0
