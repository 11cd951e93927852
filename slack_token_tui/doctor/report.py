"""What a look at one thing has found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from slack_token_tui.sanitize import escape_unprintable


class Verdict(StrEnum):
    """What a finding means for a sign-in."""

    GOOD = "good"
    NOTE = "note"
    LOOK = "look"
    BAD = "bad"

    @property
    def mark(self) -> str:
        """A sign for the beginning of a line."""
        return {"good": "✓", "note": "·", "look": "!", "bad": "✗"}[self]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. A path or a program's name in it may hold anything, so its texts are made harmless.

    Attributes:
        id: for scripts: ``port_28417``, ``loopback``, ``browser`` …
        verdict: ``good``; ``note``, nothing to do; ``look``, something to know of; ``bad``, something that is in the way.
        about: what was looked at, in a word or two.
        said: what was found, as a sentence. It holds no secret.
        remedy: what to do, or "".
    """

    id: str
    verdict: Verdict
    about: str
    said: str
    remedy: str = ""

    def __post_init__(self) -> None:
        for name in ("about", "said", "remedy"):
            object.__setattr__(self, name, escape_unprintable(getattr(self, name)))


def format_report(findings: list[Finding]) -> str:
    """Return the findings as lines to send to somebody."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.verdict:<5} {finding.about}: {finding.said}")
        if finding.remedy:
            lines.append(f"      {finding.remedy}")
    return "\n".join(lines)
