"""Command-line messages: one line with the problem and one with the fix. With ``--json``, also JSON on stdout."""

from __future__ import annotations

import re
import sys
from contextlib import suppress

from slack_token_tui.cli.exit_codes import EXIT_CODES
from slack_token_tui.problems import Explanation, Problem
from slack_token_tui.sanitize import escape_unprintable


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
    import json  # deferred: ``--help`` prints none

    is_utf8 = (sys.stdout.encoding or "utf-8").lower() in ("utf-8", "utf8")
    text = json.dumps(value, ensure_ascii=not is_utf8, indent=indent)
    # Outside strings, JSON has only printable ASCII and line breaks. Inside strings, line breaks are already escaped.
    print(re.sub(r"[^ -~\n]", _escape, text))


def _escape(match: re.Match[str]) -> str:
    import json

    character = match.group()
    return character if escape_unprintable(character) == character else json.dumps(character)[1:-1]


def report(problem: Problem, *, as_json: bool = False) -> int:
    """Print what happened and what to do about it. Return the exit code."""
    exit_code = report_explanation(problem.explain(), as_json=as_json)
    if variable := problem.facts.get("variable"):
        print_message(f"  (profile name set by {variable})")
    return exit_code


def print_explanation(explanation: Explanation, subject: str = "slack-token-tui") -> None:
    """Print what happened to ``subject`` and what to do about it, one line each."""
    title, code = explanation.title, explanation.code
    words = title if explanation.is_sentence else f"{title} ({code}). {explanation.happened}"
    print_message(f"{subject}: {words}")
    for remedy in explanation.remedies[:1]:
        print_message(f"  {remedy}")


def report_explanation(explanation: Explanation, *, as_json: bool = False) -> int:
    """Print what happened and what to do about it. Return the exit code."""
    print_explanation(explanation)
    if as_json:
        print_json(explanation_record(explanation))
    return EXIT_CODES[explanation.kind]


def explanation_record(explanation: Explanation) -> dict[str, object]:
    """Return what ``--json`` prints for a failure."""
    remedy = "".join(explanation.remedies) if explanation.is_sentence else explanation.remedy
    return {"ok": False, "error": explanation.code, "message": explanation.happened, "remedy": remedy}
