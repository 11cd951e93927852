"""Exit codes, so that a script can tell a dead token from a busy network."""

DONE = 0
REFUSED = 1
"""Slack, a person or a check said no."""
USAGE = 2
NOT_FOUND = 3
SIGN_IN = 4
STORAGE = 5
RETRY = 75
"""Network, rate limit, lock, sign-in time-out (sysexits.h: EX_TEMPFAIL)."""
INTERRUPTED = 130
