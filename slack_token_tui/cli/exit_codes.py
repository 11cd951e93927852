"""Exit codes. They let a script tell an expired token from a network problem."""

SUCCESS = 0
REFUSED = 1
"""Refused by Slack, by the user or by a check."""
USAGE = 2
NOT_FOUND = 3
SIGN_IN = 4
STORAGE = 5
RETRY = 75
"""Network error, rate limit, lock or sign-in timeout (``EX_TEMPFAIL`` in sysexits.h)."""
INTERRUPTED = 130
