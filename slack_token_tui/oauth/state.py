"""The state of a sign-in: its phases, how events change it, and the commands that each phase allows.

This module does no I/O and reads no clock, so that every interface shows the same state in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from slack_token_tui.desktop.browser import NotOpened, Opened
from slack_token_tui.desktop.port_holders import PortHolder
from slack_token_tui.oauth import events
from slack_token_tui.oauth.events import Event
from slack_token_tui.oauth.events import Phase as Phase
from slack_token_tui.oauth.unusable_response import UnusableTokenResponse
from slack_token_tui.problems import Explanation
from slack_token_tui.slack.responses import Identity
from slack_token_tui.store.profiles import SavedProfile


class Command(StrEnum):
    """What the user can do with a sign-in. The interfaces offer it with their own keys and labels."""

    STOP = "stop"
    PASTE = "paste"
    EXTEND = "extend"
    OPEN_URL = "open_url"
    """Open or copy the authorize URL."""
    LOOK_UP_ERROR = "look_up_error"
    """Look up what Slack's page shows when no response arrives."""
    RETRY_EXCHANGE = "retry_exchange"
    SAVE_AGAIN = "save_again"
    REVOKE_UNUSABLE = "revoke_unusable"
    START_AGAIN = "start_again"
    """Start a new sign-in. This one has failed."""
    USE_TOKEN = "use_token"  # noqa: S105 - the name of a command
    """Copy, rename or undo the new token."""


@dataclass(frozen=True)
class Port:
    """The open callback port.

    Attributes:
        families: ``IPv4``, ``IPv6`` or both.
        skipped: the programs that hold the ports that were tried before it.
    """

    families: tuple[str, ...]
    skipped: tuple[PortHolder, ...] = ()


@dataclass(frozen=True)
class Tunnel:
    """How a browser on another machine reaches this one. ``command`` is None if the user can only paste the URL."""

    command: str | None


@dataclass(frozen=True)
class IgnoredCallbacks:
    """Callbacks that were not the response: how many, and why the latest or most important one was ignored."""

    count: int
    explanation: Explanation

    @property
    def is_about_port(self) -> bool:
        """Whether the port itself has a problem, which the user should know about."""
        return self.explanation.code in ("out_of_files", "port_lost")

    @property
    def is_about_browser(self) -> bool:
        """Whether the user's browser can't reach this program the way it tries to."""
        return self.explanation.code in ("browser_insists_on_https", "too_many_cookies")

    @property
    def is_important(self) -> bool:
        """Whether the user has to do something about it. Later ones do not replace it."""
        return self.is_about_port or self.is_about_browser


@dataclass(frozen=True)
class Failure:
    """Why a sign-in failed, and the phase that failed."""

    phase: Phase
    explanation: Explanation


@dataclass(frozen=True)
class SignInState:
    """A sign-in at one moment. The times are on the clock of the sign-in, in seconds.

    Attributes:
        phase: what it is doing.
        deadline: until when it waits for the user.
        redirect_uri: the redirect URL sent to Slack, or "" before that.
        port: the open callback port. None means that the response has to be pasted.
        paste_reason: why there is no port, or None.
        url: the authorize URL, or None before it is opened.
        browser: whether a browser was opened, or None before that.
        tunnel: set if the browser runs on another machine.
        hint: whether the user has waited so long that the browser probably shows an error.
        ignored: callbacks that were not the response, or None.
        retry_at: when the code is sent again, or None.
        retry_reason: why it has to be sent again, or None.
        code_expires_at: until when a code that is not spent can be sent again, or None.
        identity: who the token belongs to, as confirmed by Slack, or None.
        unverified: why the token is not verified, or None.
        result: the saved profile, or None. If there is a failure too, Slack has refused its token.
        failure: why it failed, or None.
        unsaved: whether a token exists only in memory.
        unusable: the token that Slack issued and that can't be used, or None.
        rescued_path: the fallback file with the token, or None.
        discarded: whether the user has discarded the token.
    """

    phase: Phase = Phase.PREPARING
    deadline: float = 0.0
    redirect_uri: str = ""
    port: Port | None = None
    paste_reason: Explanation | None = None
    url: str | None = None
    browser: Opened | NotOpened | None = None
    tunnel: Tunnel | None = None
    hint: bool = False
    ignored: IgnoredCallbacks | None = None
    retry_at: float | None = None
    retry_reason: Explanation | None = None
    code_expires_at: float | None = None
    identity: Identity | None = None
    unverified: Explanation | None = None
    result: SavedProfile | None = None
    failure: Failure | None = None
    unsaved: bool = False
    unusable: UnusableTokenResponse | None = None
    rescued_path: Path | None = None
    discarded: bool = False

    @property
    def is_ended(self) -> bool:
        """Whether the sign-in does nothing until the user decides."""
        return self.phase in (Phase.SAVED, Phase.FAILED)


_RUNNING = frozenset(Phase) - {Phase.SAVED, Phase.FAILED}
_ACCEPTED_IN: dict[type[Event], frozenset[Phase]] = {
    events.Listening: frozenset({Phase.PREPARING}),
    events.PasteRequired: frozenset({Phase.PREPARING}),
    events.BrowserOpening: frozenset({Phase.PREPARING}),
    events.BrowserResult: frozenset({Phase.WAITING}),
    events.RemoteBrowser: frozenset({Phase.WAITING}),
    events.StillWaiting: frozenset({Phase.WAITING}),
    events.DeadlineExtended: frozenset({Phase.WAITING}),
    events.CallbacksIgnored: frozenset({Phase.PREPARING, Phase.WAITING}),
    events.Exchanging: frozenset({Phase.WAITING, Phase.RETRYING, Phase.FAILED}),
    events.ExchangeDelayed: frozenset({Phase.EXCHANGING}),
    events.CodeExpired: frozenset({Phase.FAILED}),
    events.TokenReceived: frozenset({Phase.EXCHANGING}),
    events.Verified: frozenset({Phase.VERIFYING}),
    events.Unverified: frozenset({Phase.VERIFYING}),
    events.SavingAgain: frozenset({Phase.FAILED}),
    events.Saved: frozenset({Phase.SAVING}),
    events.SavedRefusedToken: frozenset({Phase.SAVING}),
    events.Failed: _RUNNING,
    events.TokenRescued: frozenset({Phase.FAILED}),
    events.TokenDiscarded: frozenset({Phase.FAILED}),
    events.UnusableTokenRevoked: frozenset({Phase.FAILED}),
}
"""The phases in which an event has an effect. An event that comes too late is ignored."""


def reduce(state: SignInState, event: Event) -> SignInState:
    """Return ``state`` after ``event``. An event that has no effect in this phase returns the same object."""
    if state.phase not in _ACCEPTED_IN[type(event)]:
        return state
    match event:
        case events.Listening(redirect_uri, families, skipped):
            return replace(state, redirect_uri=redirect_uri, port=Port(families, skipped))
        case events.PasteRequired(redirect_uri, explanation):
            return replace(state, redirect_uri=redirect_uri, paste_reason=explanation)
        case events.BrowserOpening(url):
            return replace(state, phase=Phase.WAITING, url=url)
        case events.BrowserResult(outcome):
            return replace(state, browser=outcome)
        case events.RemoteBrowser(command):
            return replace(state, tunnel=Tunnel(command))
        case events.StillWaiting():
            return replace(state, hint=True)
        case events.DeadlineExtended(deadline):
            return replace(state, deadline=deadline)
        case events.CallbacksIgnored(count, explanation):
            ignored = IgnoredCallbacks(count, explanation)
            return state if state.ignored == ignored else replace(state, ignored=ignored)
        case events.Exchanging():
            return _without_failure(state, phase=Phase.EXCHANGING)
        case events.ExchangeDelayed(retry_at, explanation):
            return replace(state, phase=Phase.RETRYING, retry_at=retry_at, retry_reason=explanation)
        case events.CodeExpired():
            return replace(state, code_expires_at=None)
        case events.TokenReceived():
            return replace(state, phase=Phase.VERIFYING, unsaved=True)
        case events.Verified(identity):
            return replace(state, phase=Phase.SAVING, identity=identity)
        case events.Unverified(explanation):
            return replace(state, phase=Phase.SAVING, unverified=explanation)
        case events.SavingAgain():
            return _without_failure(state, phase=Phase.SAVING)
        case events.Saved(saved):
            return replace(state, phase=Phase.SAVED, result=saved, unsaved=False)
        case events.SavedRefusedToken(saved, explanation):
            failure = Failure(Phase.VERIFYING, explanation)
            return replace(state, phase=Phase.FAILED, result=saved, unsaved=False, failure=failure)
        case events.Failed(phase, explanation, code_expires_at, unusable):
            return replace(
                state,
                phase=Phase.FAILED,
                failure=Failure(phase, explanation),
                code_expires_at=code_expires_at,
                unusable=unusable,
            )
        case events.TokenRescued(path):
            return replace(state, unsaved=False, rescued_path=path)
        case events.TokenDiscarded():
            return replace(state, unsaved=False, discarded=True)
        case events.UnusableTokenRevoked():
            return replace(state, unusable=None)


def _without_failure(state: SignInState, *, phase: Phase) -> SignInState:
    return replace(state, phase=phase, failure=None, retry_at=None, retry_reason=None, code_expires_at=None)


_COMMANDS: dict[Phase, frozenset[Command]] = {
    Phase.PREPARING: frozenset({Command.STOP}),
    Phase.WAITING: frozenset(
        {Command.STOP, Command.PASTE, Command.EXTEND, Command.OPEN_URL, Command.LOOK_UP_ERROR},
    ),
    Phase.EXCHANGING: frozenset({Command.STOP}),
    Phase.RETRYING: frozenset({Command.STOP, Command.RETRY_EXCHANGE}),
    Phase.VERIFYING: frozenset({Command.STOP}),
    Phase.SAVING: frozenset({Command.STOP}),
    Phase.SAVED: frozenset({Command.STOP, Command.USE_TOKEN}),
    Phase.FAILED: frozenset(
        {Command.STOP, Command.START_AGAIN, Command.RETRY_EXCHANGE, Command.SAVE_AGAIN, Command.REVOKE_UNUSABLE}
    ),
}


def allowed(state: SignInState) -> frozenset[Command]:
    """Return the commands that make sense now. An interface offers those of them that it knows how to run."""
    commands = _COMMANDS[state.phase]
    if state.phase is Phase.FAILED:
        unavailable = {
            Command.RETRY_EXCHANGE: state.code_expires_at is None,
            Command.SAVE_AGAIN: not state.unsaved,
            Command.REVOKE_UNUSABLE: state.unusable is None,
        }
        return commands - {command for command, missing in unavailable.items() if missing}
    return commands
