"""Events of a sign-in, as frozen dataclasses. :func:`slack_token_tui.oauth.state.reduce` applies them to its state.

They are listed in the order in which they happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from slack_token_tui.desktop.browser import NotOpened, Opened
from slack_token_tui.desktop.port_holders import PortHolder
from slack_token_tui.oauth.unusable_response import UnusableTokenResponse
from slack_token_tui.problems import Explanation
from slack_token_tui.slack.responses import Identity
from slack_token_tui.store.profiles import SavedProfile


class Phase(StrEnum):
    """What a sign-in is doing. ``SAVED`` and ``FAILED`` are final, but a failure can often be fixed."""

    PREPARING = "preparing"
    """Check that a token can be saved, and open the callback port."""
    WAITING = "waiting"
    """Wait for the user to click Allow in the browser."""
    EXCHANGING = "exchanging"
    RETRYING = "retrying"
    """Wait before the code, which is not spent, is sent again."""
    VERIFYING = "verifying"
    SAVING = "saving"
    SAVED = "saved"
    FAILED = "failed"


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
class DeadlineExtended:
    """The user asked for more time. ``deadline`` is on the clock of the sign-in, in seconds."""

    deadline: float


@dataclass(frozen=True)
class CallbacksIgnored:
    """Callbacks that are not the response were ignored. ``count`` is their number so far."""

    count: int
    explanation: Explanation


@dataclass(frozen=True)
class Exchanging:
    """The user clicked Allow, and the code is being exchanged for a token."""


@dataclass(frozen=True)
class ExchangeDelayed:
    """Slack did not accept the request, so the code is not spent. It is sent again at ``retry_at``."""

    retry_at: float
    explanation: Explanation


@dataclass(frozen=True)
class CodeExpired:
    """Slack no longer accepts the code, which was not spent."""


@dataclass(frozen=True)
class TokenReceived:
    """Slack issued a token, which exists only in memory. It is being verified."""


@dataclass(frozen=True)
class Verified:
    """Slack confirmed who the token belongs to. The profile is being saved."""

    identity: Identity


@dataclass(frozen=True)
class Unverified:
    """The token was not verified. The profile is being saved anyway.

    ``explanation`` is the reason. It is None if the user did not want to wait.
    """

    explanation: Explanation | None


@dataclass(frozen=True)
class SavingAgain:
    """The profile that could not be saved is being saved again."""


@dataclass(frozen=True)
class Saved:
    """The profile is saved."""

    saved: SavedProfile


@dataclass(frozen=True)
class SavedRefusedToken:
    """The profile is saved, but its token can't be used: Slack rejected it right after issuing it."""

    saved: SavedProfile
    explanation: Explanation


@dataclass(frozen=True)
class Failed:
    """No profile was saved.

    Attributes:
        phase: the phase that failed, or that could not succeed.
        explanation: what happened.
        code_expires_at: until when the code, which is not spent, can be sent again. None if it can't.
        unusable: the token that Slack issued and that can't be used, or None.
    """

    phase: Phase
    explanation: Explanation
    code_expires_at: float | None = None
    unusable: UnusableTokenResponse | None = None


@dataclass(frozen=True)
class TokenRescued:
    """The token that could not be saved is in a file of the fallback directory."""

    path: Path


@dataclass(frozen=True)
class TokenDiscarded:
    """The user chose to discard the token that could not be saved."""


@dataclass(frozen=True)
class UnusableTokenRevoked:
    """Every token in the unusable response is revoked, and the response is deleted."""


Event = (
    Listening
    | PasteRequired
    | BrowserOpening
    | BrowserResult
    | RemoteBrowser
    | StillWaiting
    | DeadlineExtended
    | CallbacksIgnored
    | Exchanging
    | ExchangeDelayed
    | CodeExpired
    | TokenReceived
    | Verified
    | Unverified
    | SavingAgain
    | Saved
    | SavedRefusedToken
    | Failed
    | TokenRescued
    | TokenDiscarded
    | UnusableTokenRevoked
)
