"""``explain``: explain a Slack error and how to fix it."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from textwrap import fill

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.error_lookup import find_errors
from slack_token_tui.problems import Explanation, InvalidInput, explain, is_known, list_codes
from slack_token_tui.secret import redact

EXAMPLE = "slack-token-tui explain bad_redirect_uri"
_WIDTH = 88
_MAX_OTHERS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``explain``."""
    parser.add_argument(
        "code",
        nargs="?",
        metavar="CODE",
        help="error code, or text that Slack or the browser shows (default: list all)",
    )
    parser.add_argument("--json", action="store_true", help="print the explanation as JSON")


def run(options: argparse.Namespace) -> int:
    """Print the explanation of a code. Without a code, list every code with its title."""
    from difflib import get_close_matches

    if options.code is None:
        entries = [explain(code) for code in list_codes()]
        if options.json:
            output.print_json([asdict(entry) for entry in entries], indent=1)
        else:
            width = max(len(entry.code) for entry in entries)
            for entry in entries:
                print(f"{entry.code:<{width}}  {entry.title}")
        return exit_codes.SUCCESS
    if redact(options.code) != options.code:
        raise InvalidInput("That's a token, not an error code.", "All codes: slack-token-tui explain")
    if not is_known(options.code) and (found := find_errors(options.code)) and len(options.code.split()) > 1:
        return _explain_text(found, as_json=options.json)
    explanation = explain(options.code)
    suggestions = [] if is_known(explanation.code) else get_close_matches(explanation.code, list_codes(), 1, 0.75)
    if suggestions and not options.json:
        output.print_message(f"slack-token-tui: unknown error code: {explanation.code}")
        output.print_message(f"  Did you mean {suggestions[0]}? slack-token-tui explain {suggestions[0]}")
        return exit_codes.REFUSED
    if options.json:
        output.print_json(asdict(explanation), indent=1)
    else:
        print(_format_explanation(explanation))
    if not is_known(explanation.code):
        output.print_message("slack-token-tui: unknown error code")
        output.print_message(
            f"  Did you mean {suggestions[0]}?" if suggestions else "  All codes: slack-token-tui explain"
        )
        return exit_codes.REFUSED
    return exit_codes.SUCCESS


def _explain_text(codes: list[str], *, as_json: bool) -> int:
    """Print the explanation of the error that a text means most likely, and name the others."""
    explanation, others = explain(codes[0]), codes[1 : 1 + _MAX_OTHERS]
    if as_json:
        output.print_json(asdict(explanation), indent=1)
    else:
        print(_format_explanation(explanation))
        if others:
            print(f"Other matches: {', '.join(others)}")
    return exit_codes.SUCCESS


def _format_explanation(explanation: Explanation) -> str:
    """Return the full explanation as text."""
    lines = [f"{explanation.title}  ({explanation.code})", "", fill(explanation.happened, _WIDTH)]
    if explanation.causes:
        lines += ["", "Likely causes", *(_format_item("•", cause) for cause in explanation.causes)]
    lines += ["", "What to do", *(_format_item(f"{n}.", remedy) for n, remedy in enumerate(explanation.remedies, 1))]
    lines += ["", explanation.retry_sentence]
    if explanation.more:
        lines += [f"More: {explanation.more}"]
    return "\n".join(lines)


def _format_item(mark: str, text: str) -> str:
    return fill(text, _WIDTH, initial_indent=f"  {mark} ", subsequent_indent="     ")
