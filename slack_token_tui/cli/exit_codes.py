"""Exit codes. Scripts can tell an expired token from a network failure."""

from __future__ import annotations

from slack_token_tui.problems import Kind

SUCCESS = 0
REFUSED = 1
USAGE = 2
INTERRUPTED = 130
EXIT_CODES = {
    Kind.REFUSED: REFUSED,
    Kind.DEFECT: 1,
    Kind.USAGE: USAGE,
    Kind.NOT_FOUND: 3,
    Kind.SIGN_IN: 4,
    Kind.STORAGE: 5,
    Kind.RETRY: 75,  # EX_TEMPFAIL of sysexits.h
}
