"""What the TUI is started with."""

from __future__ import annotations

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
    """What the TUI begins with.

    Attributes:
        home: where profiles are kept; this user's own directory when None.
        app: the Slack app that the sign-in form starts with; the one used last when None.
        simulate_browser: does what a person would in a browser at an address, and returns the last page. The demo
            alone has one.
        is_demo: whether everything is gone afterwards.
        now: the clock, UTC.
    """

    home: Path | None = None
    slack_app: SlackApp | None = None
    simulate_browser: Callable[[str], Awaitable[str]] | None = None
    is_demo: bool = False
    now: Callable[[], datetime] = field(default=_now)

    @property
    def endpoints(self) -> Endpoints:
        """The Slack that new apps live on, to begin with."""
        from slack_token_tui.slack.endpoints import Endpoints

        return self.slack_app.endpoints if self.slack_app else Endpoints()
