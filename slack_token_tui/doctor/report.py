"""Findings of the checks and their text report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from slack_token_tui.problems import Problem
from slack_token_tui.sanitize import escape_unprintable


class Verdict(StrEnum):
    """What a finding means for a sign-in."""

    GOOD = "good"
    NOTE = "note"
    LOOK = "look"
    BAD = "bad"

    @property
    def mark(self) -> str:
        """The symbol for the start of a line."""
        return {"good": "✓", "note": "·", "look": "!", "bad": "✗"}[self]


@dataclass(frozen=True)
class Finding:
    """The result of one check. Paths and program names may contain any character, so unprintable ones are escaped.

    Attributes:
        id: identifier for scripts: ``port_28417``, ``loopback``, ``browser`` …
        verdict: ``good``, ``note`` (nothing to do), ``look`` (worth knowing) or ``bad`` (prevents a sign-in).
        about: what was checked, in a word or two.
        said: what was found, as a sentence. It contains no secrets.
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


def finding_about(problem: Problem, id: str, verdict: Verdict, about: str, said: str = "") -> Finding:  # noqa: A002
    """Return a finding that says what happened in ``problem``, after the sentence ``said``, and its first remedy."""
    explanation = problem.explain()
    return Finding(id, verdict, about, f"{said} {explanation.happened}".lstrip(), f"{explanation.remedies[0]}.")


def format_report(findings: list[Finding]) -> str:
    """Return the findings as plain text that can be shared."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.verdict:<5} {finding.about}: {finding.said}")
        if finding.remedy:
            lines.append(f"      {finding.remedy}")
    return "\n".join(lines)
