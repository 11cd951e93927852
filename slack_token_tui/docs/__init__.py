"""Help topics: one Markdown file each, beside this module. The command ``help`` and the TUI show them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TOPIC_NAMES = (
    "sign-in",
    "apps",
    "scopes",
    "ssh",
    "tokens",
    "scripts",
    "python",
    "notebooks",
    "storage",
    "network",
    "keys",
    "troubleshooting",
)
"""Names of all topics, in the order of the list. None is the name of a command."""
_DIRECTORY = Path(__file__).parent


@dataclass(frozen=True)
class Topic:
    """A help topic.

    Attributes:
        name: what to type after ``slack-token-tui help``.
        title: its first heading.
        summary: its first paragraph, one sentence.
    """

    name: str
    title: str
    summary: str


def list_topics() -> tuple[Topic, ...]:
    """Return all topics, in reading order."""
    return tuple(map(_load_topic, TOPIC_NAMES))


def read_topic(name: str) -> str:
    """Return the text of topic ``name``, in Markdown.

    Raises:
        LookupError: there is no such topic.
    """
    if name not in TOPIC_NAMES:
        raise LookupError(name)
    return (_DIRECTORY / f"{name}.md").read_text(encoding="utf-8")


def _load_topic(name: str) -> Topic:
    title, summary, *_ = read_topic(name).split("\n\n", 2)
    return Topic(name, title.removeprefix("# ").strip(), " ".join(summary.split()))
