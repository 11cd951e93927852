"""What happens during a sign-in, as small frozen events. The TUI and the command line are readers of the same stream."""

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
    """The port is open. ``skipped`` were taken, by these programs."""

    redirect_uri: str
    families: tuple[str, ...]
    skipped: tuple[PortHolder, ...] = ()


@dataclass(frozen=True)
class PasteRequired:
    """No port is open, so the address that the browser ends on has to be pasted.

    ``explanation`` says why, or is None when the app's own redirect address is not on this machine.
    """

    redirect_uri: str
    explanation: Explanation | None


@dataclass(frozen=True)
class BrowserOpening:
    """This address is about to be opened; a person can open it anywhere."""

    url: str


@dataclass(frozen=True)
class BrowserResult:
    """A browser was started, or not."""

    outcome: Opened | NotOpened


@dataclass(frozen=True)
class RemoteBrowser:
    """The person's browser runs on another machine, whose ``localhost`` is not this one.

    ``tunnel`` is the line that, typed over there, leads it here; None where only pasting the address helps.
    """

    tunnel_command: str | None


@dataclass(frozen=True)
class StillWaiting:
    """Some time without an answer: the browser may be showing something that never comes here."""


@dataclass(frozen=True)
class UnexpectedCallback:
    """Something came that is not the answer, and was ignored. ``count`` of them so far."""

    count: int
    explanation: Explanation


@dataclass(frozen=True)
class Approved:
    """The person said yes, and the code is here."""


@dataclass(frozen=True)
class Exchanging:
    """The code goes to Slack."""


@dataclass(frozen=True)
class Verifying:
    """The token is in hand; Slack is asked who it speaks for."""


@dataclass(frozen=True)
class Verified:
    """Slack has said who the token speaks for."""

    identity: Identity


@dataclass(frozen=True)
class Unverified:
    """Slack could not say who the token speaks for. It is saved all the same."""

    explanation: Explanation


@dataclass(frozen=True)
class Saved:
    """The end: the profile is on disk."""

    saved: SavedProfile


@dataclass(frozen=True)
class Failed:
    """The end: no token. ``step`` is where it happened."""

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
