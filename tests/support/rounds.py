"""How often a long test repeats itself: a few times, or often with ``--exhaustive``."""

from __future__ import annotations

import pytest


class Rounds:
    """The value of the ``rounds`` fixture. Call it with both numbers to get the one that counts."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        self.exhaustive: bool = request.config.getoption("--exhaustive")

    def __call__(self, usual: int, exhaustive: int) -> int:
        return exhaustive if self.exhaustive else usual

    def report(self, line: str) -> None:
        """Show ``line`` below the summary of the tests."""
        self._request.node.user_properties.append(("report", line))
