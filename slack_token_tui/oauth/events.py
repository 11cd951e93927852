"""Events of a sign-in, as frozen dataclasses. The TUI and the command line read the same stream."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from slack_token_tui.desktop.browser import NotOpened, Opened
from slack_token_tui.desktop.port_holders import PortHolder
from slack_token_tui.problems import Explanation
from slack_token_tui.slack.responses import Identity
from slack_token_tui.store.profiles import SavedProfile


class Step(StrEnum):
    """The steps of a sign-in, in order."""

    LISTEN = "listen"
    BROWSER = "browser"
    APPROVE = "approve"
    EXCHANGE = "exchange"
    VERIFY = "verify"
    SAVE = "save"


@dataclass(frozen=True)
class Listening:
    """The callback port is open. ``skipped`` lists the programs that hold the ports tried before it."""

    redirect_uri: str
    families: tuple[str, ...]
    skipped: tuple[PortHolder, ...] = ()


@dataclass(frozen=True)
class PasteRequired:
    """No port is open, so the user has to paste the URL of the page they land on.

    ``explanation`` is the reason. It is None when the app's redirect URL is not on this machine.
    """

    redirect_uri: str
    explanation: Explanation | None


@dataclass(frozen=True)
class BrowserOpening:
    """The authorize URL is about to be opened. The user can also open it in any other browser."""

    url: str


@dataclass(frozen=True)
class BrowserResult:
    """Whether a browser was opened."""

    outcome: Opened | NotOpened


@dataclass(frozen=True)
class RemoteBrowser:
    """The user's browser runs on another machine, so its ``localhost`` is not this machine.

    ``tunnel_command`` forwards the port when run on that machine. It is None if the user can only paste the URL.
    """

    tunnel_command: str | None


@dataclass(frozen=True)
class StillWaiting:
    """No response for a while. The browser may show an error that Slack does not send to the redirect URL."""


@dataclass(frozen=True)
class UnexpectedCallback:
    """A callback that is not the response was ignored. ``count`` is the number of ignored callbacks so far."""

    count: int
    explanation: Explanation


@dataclass(frozen=True)
class Approved:
    """The user clicked Allow, and the code was received."""


@dataclass(frozen=True)
class Exchanging:
    """The code is being exchanged for a token."""


@dataclass(frozen=True)
class Verifying:
    """The token was received and is being verified with Slack."""


@dataclass(frozen=True)
class Verified:
    """Slack confirmed who the token belongs to."""

    identity: Identity


@dataclass(frozen=True)
class Unverified:
    """The token could not be verified. It is saved anyway."""

    explanation: Explanation


@dataclass(frozen=True)
class Saved:
    """Final event: the profile is saved."""

    saved: SavedProfile


@dataclass(frozen=True)
class Failed:
    """Final event: no profile was saved. ``step`` is the step that failed."""

    step: Step
    explanation: Explanation


Event = (
    Listening
    | PasteRequired
    | BrowserOpening
    | BrowserResult
    | RemoteBrowser
    | StillWaiting
    | UnexpectedCallback
    | Approved
    | Exchanging
    | Verifying
    | Verified
    | Unverified
    | Saved
    | Failed
)
