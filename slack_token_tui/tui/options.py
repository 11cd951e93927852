"""Launch options of the TUI."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slack_token_tui.slack.endpoints import Endpoints
    from slack_token_tui.store.apps import SlackApp


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class LaunchOptions:
    """Options that the TUI is started with.

    Attributes:
        home: directory of the profiles. None means the user's default directory.
        slack_app: Slack app that the sign-in form starts with. None means the most recently used one.
        simulate_browser: opens a URL, acts as the user would, and returns the last page. Only set in practice mode.
        is_demo: practice mode, where all data is deleted on exit.
        now: clock that returns the current time in UTC.
        clock: clock of the sign-ins, in seconds.
    """

    home: Path | None = None
    slack_app: SlackApp | None = None
    simulate_browser: Callable[[str], Awaitable[str]] | None = None
    is_demo: bool = False
    now: Callable[[], datetime] = field(default=_now)
    clock: Callable[[], float] = field(default=time.monotonic)

    @property
    def endpoints(self) -> Endpoints:
        """The Slack on which new apps are created by default."""
        from slack_token_tui.slack.endpoints import Endpoints

        return self.slack_app.endpoints if self.slack_app else Endpoints()
