"""Launch options of the TUI."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
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
class PracticeChoice:
    """What the practice browser can do with Slack's consent page.

    Attributes:
        key: key that chooses it.
        label: what it does, as a command.
        form: fields of the consent form.
    """

    key: str
    label: str
    form: Mapping[str, str]


@dataclass(frozen=True)
class Practice:
    """What practice mode adds to the TUI.

    Attributes:
        choices: what the practice browser can do with a consent page.
        visit: opens a URL, submits its form with the given fields, and returns the last page.
        add_examples: saves example profiles. Called after the first sign-in.
    """

    choices: tuple[PracticeChoice, ...]
    visit: Callable[[str, Mapping[str, str]], Awaitable[str]]
    add_examples: Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class LaunchOptions:
    """Options that the TUI is started with.

    Attributes:
        home: directory of the profiles. None means the user's default directory.
        slack_app: Slack app that the sign-in form starts with. None means the most recently used one.
        practice: what practice mode adds, or None. In practice mode all data is deleted on exit.
        now: clock that returns the current time in UTC.
        clock: clock of the sign-ins, in seconds.
    """

    home: Path | None = None
    slack_app: SlackApp | None = None
    practice: Practice | None = None
    now: Callable[[], datetime] = field(default=_now)
    clock: Callable[[], float] = field(default=time.monotonic)

    @property
    def is_demo(self) -> bool:
        """Whether this is practice mode."""
        return self.practice is not None

    @property
    def endpoints(self) -> Endpoints:
        """The Slack on which new apps are created by default."""
        from slack_token_tui.slack.endpoints import Endpoints

        return self.slack_app.endpoints if self.slack_app else Endpoints()
