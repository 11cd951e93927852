"""``help``: list the help topics or print one."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator
from textwrap import wrap

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.problems import InvalidInput

EXAMPLE = "slack-token-tui help ssh"
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_TOPIC_FILE = re.compile(r"([a-z-]+)\.md")
_LIST_ITEM = re.compile(r"(?:-|\d+\.) ")
_CODE_INDENT = "    "
_MAX_WIDTH = 80
_MIN_CELL_WIDTH = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``help``."""
    parser.add_argument("topic", nargs="?", metavar="TOPIC", help="a topic or a command (default: list the topics)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print a topic: as plain text to a terminal, as Markdown to a pipe or a file. Without a topic, list all.

    The parser handles the name of a command: it prints what ``COMMAND --help`` prints.
    """
    from slack_token_tui.docs import list_topics, read_topic

    topics = {topic.name: topic for topic in list_topics()}
    if options.topic is None:
        if options.json:
            records = [
                {"name": topic.name, "title": topic.title, "summary": topic.summary} for topic in topics.values()
            ]
            output.print_json(records, indent=1)
            return exit_codes.SUCCESS
        width = max(map(len, topics))
        for topic in topics.values():
            print(f"{topic.name:<{width}}  {topic.summary}")
        output.print_message("\nRead a topic: slack-token-tui help TOPIC")
        output.print_message("Commands:     slack-token-tui --help")
        return exit_codes.SUCCESS
    if options.topic not in topics:
        raise _unknown_topic(options.topic, list(topics))
    topic, text = topics[options.topic], read_topic(options.topic)
    if options.json:
        output.print_json({"name": topic.name, "title": topic.title, "summary": topic.summary, "text": text}, indent=1)
    elif sys.stdout.isatty():
        print("\n".join(_to_plain_text(text, min(shutil.get_terminal_size().columns, _MAX_WIDTH))))
    else:
        print(text, end="")
    return exit_codes.SUCCESS


def _unknown_topic(given: str, names: list[str]) -> InvalidInput:
    from difflib import get_close_matches

    from slack_token_tui.sanitize import clean

    nearest = get_close_matches(given.lower(), names, 1, 0.5)
    remedy = f"Did you mean {nearest[0]}? slack-token-tui help {nearest[0]}" if nearest else ""
    return InvalidInput(f"There's no topic {clean(given, 40)}.", remedy or "List all topics: slack-token-tui help")


def _to_plain_text(markdown: str, width: int) -> Iterator[str]:
    """Yield the lines of ``markdown`` without its marks, for a terminal of ``width`` columns."""
    in_code, paragraph, rows = False, list[str](), list[list[str]]()
    for line in [*markdown.splitlines(), "\n"]:
        is_row, is_text = line.startswith("|"), not line.startswith(("```", "|", "#", "\n")) and line != ""
        if in_code and not line.startswith("```"):
            yield f"{_CODE_INDENT}{line}".rstrip()
            continue
        if paragraph and (not is_text or _LIST_ITEM.match(line)):
            yield from _wrap(paragraph, width)
            paragraph.clear()
        if rows and not is_row:
            yield from _format_table(rows, width)
            rows.clear()
        if is_text:
            paragraph.append(_format_inline(line.strip()))
        elif is_row:
            rows.append([_format_inline(cell.strip()) for cell in line.strip("|").split(" | ")])
        elif line.startswith("```"):
            in_code = not in_code
        elif line.startswith("#"):
            yield _format_inline(line.lstrip("# ")).upper()
        elif line == "":
            yield ""


def _wrap(paragraph: list[str], width: int) -> list[str]:
    """Return the lines of a paragraph or a list item."""
    mark = _LIST_ITEM.match(paragraph[0])
    indent = " " * len(mark[0]) if mark else ""
    text = " ".join(paragraph)
    return wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _format_table(rows: list[list[str]], width: int) -> Iterator[str]:
    """Yield the lines of a table of two columns. The second row of a Markdown table is only a rule."""
    shown = [row for number, row in enumerate(rows) if number != 1]
    first_width = max(len(first) for first, _ in shown)
    for first, second in shown:
        initial, indent = f"  {first:<{first_width}}  ", " " * (first_width + 4)
        columns = max(width, len(indent) + _MIN_CELL_WIDTH)
        yield from wrap(second, columns, initial_indent=initial, subsequent_indent=indent, break_on_hyphens=False)


def _format_inline(text: str) -> str:
    """Return ``text`` without links and emphasis. Code keeps its backticks: without them, keys get lost in a sentence."""
    return _LINK.sub(_format_link, text).replace("**", "")


def _format_link(match: re.Match[str]) -> str:
    label, target = match.groups()
    if file := _TOPIC_FILE.fullmatch(target):
        return f"{label} (slack-token-tui help {file[1]})"
    return label if label == target else f"{label} ({target})"
