"""Command-line messages: one line with the problem and one with the fix. With ``--json``, also JSON on stdout."""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import suppress

from slack_token_tui.cli import exit_codes
from slack_token_tui.problems import Explanation, explain
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.secret import redact
from slack_token_tui.store.atomic_file import StorageError
from slack_token_tui.store.hot_path import ProfileChoiceError, ProfileFileError

_RETRY_CODES = frozenset({"sign_in_timed_out", "store_busy"})
_USAGE_CODES = frozenset({"profile_name_invalid", "profile_name_taken"})
CHOICE_EXIT_CODES = {
    "no_profiles": exit_codes.NOT_FOUND,
    "profile_not_found": exit_codes.NOT_FOUND,
    "profile_not_chosen": exit_codes.USAGE,
    "profile_name_invalid": exit_codes.USAGE,
}


def print_message(line: str) -> None:
    """Print a line to stderr. Errors are ignored: if stderr is closed or full, there is no way to report them."""
    with suppress(OSError):
        if sys.stderr is not None:
            print(escape_unprintable(line), file=sys.stderr, flush=True)  # a path can contain control characters


def warn_about_key_log() -> None:
    """Warn if TLS keys are written to a file. Call this before any request to Slack."""
    from slack_token_tui.slack.client import tls_key_log_path  # slow import: it loads the network code

    if path := tls_key_log_path():
        print_message(f"Warning: SSLKEYLOGFILE is set. The keys of this TLS connection are written to {path}")


def print_json(value: object, *, indent: int | None = None) -> None:
    """Print ``value`` as JSON on standard output, with every control and invisible character escaped.

    Args:
        value: any value that ``json.dumps`` accepts. ``json.loads`` returns the same strings.
        indent: spaces per level, or None for one line.
    """
    is_utf8 = (sys.stdout.encoding or "utf-8").lower() in ("utf-8", "utf8")
    text = json.dumps(value, ensure_ascii=not is_utf8, indent=indent)
    # Outside strings, JSON has only printable ASCII and line breaks. Inside strings, line breaks are already escaped.
    print(re.sub(r"[^ -~\n]", _escape, text))


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    return character if escape_unprintable(character) == character else json.dumps(character)[1:-1]


def report(explanation: Explanation, exit_code: int, *, as_json: bool = False) -> int:
    """Report ``explanation`` and return ``exit_code``."""
    print_message(f"slack-token-tui: {explanation.title} ({explanation.code}). {explanation.happened}")
    print_message(f"  {explanation.remedies[0]}")
    if as_json:
        answer = {
            "ok": False,
            "error": explanation.code,
            "message": explanation.happened,
            "remedy": explanation.remedy,
        }
        print_json(answer)
    return exit_code


def report_usage(message: str, remedy: str, *, as_json: bool = False) -> int:
    """Report a usage error and return exit code 2. Tokens in ``message`` are redacted."""
    message = redact(message)
    print_message(f"slack-token-tui: {message}")
    print_message(f"  {remedy}")
    if as_json:
        print_json({"ok": False, "error": "usage", "message": message, "remedy": remedy})
    return exit_codes.USAGE


def report_choice_error(error: ProfileChoiceError, *, as_json: bool = False) -> int:
    """Report that the profile was not found or is ambiguous, and return the exit code."""
    # A token may have been typed in place of a name.
    facts = {"name": redact(error.name), "detail": ", ".join(error.names)}
    code = report(explain(error.code, facts), CHOICE_EXIT_CODES[error.code], as_json=as_json)
    if error.name and error.name == os.environ.get("SLACK_TOKEN_PROFILE"):
        print_message("  That name stands in SLACK_TOKEN_PROFILE")
    return code


def report_file_error(error: ProfileFileError, *, as_json: bool = False) -> int:
    """Report a profile file that can't be used, and return the exit code."""
    return report(explain(error.code, file_facts(error)), exit_codes.STORAGE, as_json=as_json)


def report_storage_error(error: StorageError, *, as_json: bool = False) -> int:
    """Report a failure to read from the keyring or to write, and return the exit code."""
    explanation = explain(error.code, error.facts)
    return report(explanation, exit_code_for(explanation), as_json=as_json)


def file_facts(error: ProfileFileError) -> dict[str, str]:
    """Return the placeholder values for the explanation of ``error``."""
    return {"file": error.path, "detail": error.detail or "no more is known"}


def report_unusable_token(name: str, reason: str, *, as_json: bool = False) -> int:
    """Report that a token no longer works, and return the exit code."""
    return report(explain("sign_in_needed", {"name": name, "detail": reason}), exit_codes.SIGN_IN, as_json=as_json)


def exit_code_for(explanation: Explanation) -> int:
    """Return the exit code for ``explanation``."""
    if explanation.code in _USAGE_CODES:
        return exit_codes.USAGE
    if explanation.code.startswith(("store_", "profile_", "keyring_")) and explanation.code not in _RETRY_CODES:
        return exit_codes.STORAGE
    if explanation.code in _RETRY_CODES or explanation.again == "later":
        return exit_codes.RETRY
    return exit_codes.REFUSED


def report_error(
    error: ProfileChoiceError | FileNotFoundError | ProfileFileError | StorageError, name: str | None, *, as_json: bool
) -> int:
    """Report why a command on profile ``name`` failed, and return the exit code."""
    if isinstance(error, ProfileChoiceError):
        return report_choice_error(error, as_json=as_json)
    if isinstance(error, ProfileFileError):
        return report_file_error(error, as_json=as_json)
    if isinstance(error, StorageError):
        return report_storage_error(error, as_json=as_json)
    return report_choice_error(ProfileChoiceError("profile_not_found", name or "", []), as_json=as_json)
