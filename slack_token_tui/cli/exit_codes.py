"""Exit codes, so that a script can tell a dead token from a busy network."""

DONE = 0
SAID_NO = 1
"""Slack, a person or a check said no."""
USAGE = 2
NO_SUCH_PROFILE = 3
SIGN_IN_NEEDED = 4
STORE_UNUSABLE = 5
TRY_LATER = 75
"""Network, rate limit, lock, sign-in time-out (sysexits.h: EX_TEMPFAIL)."""
INTERRUPTED = 130
