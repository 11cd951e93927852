"""Python API: one call that returns a valid token, and errors that say what to do."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any, TypeVar
from urllib.parse import urlsplit

from slack_token_tui.problems import Explanation, InvalidInput, Kind, Problem, error_location
from slack_token_tui.secret import Secret, mask
from slack_token_tui.slack.limits import MAX_TOKEN_SECONDS
from slack_token_tui.store import hot_path
from slack_token_tui.store.errors import ProfileError
from slack_token_tui.store.hot_path import REFRESH_MARGIN_SECONDS
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore, UnreadableProfile
from slack_token_tui.tokens.fresh_token import fresh_token
from slack_token_tui.tokens.refresh_result import RefreshPolicy, RefreshResult

_Result = TypeVar("_Result")


class TokenError(Exception):
    """No token is available. This is the base class of the errors in this module.

    Attributes:
        explanation: what happened, why, and what to do. Its ``code`` is Slack's error code or one of slack-token-tui.
    """

    def __init__(self, explanation: Explanation, more: str = "") -> None:
        super().__init__(f"{explanation.sentences} {more}".rstrip())
        self.explanation = explanation
        self._more = more

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.explanation, self._more)

    @property
    def code(self) -> str:
        """The error code: one from Slack, or one of slack-token-tui."""
        return self.explanation.code


class NoSuchProfile(TokenError, LookupError):
    """The profile does not exist, or no name was given and there is no single profile to use."""


class SignInNeeded(TokenError):
    """The token is expired or revoked and can't be refreshed. The user must sign in again."""


class StoreUnusable(TokenError):
    """The token can't be read or saved because of a file, the keyring or the disk."""


class TryLater(TokenError):
    """A problem with the network, Slack or another process, which may be temporary."""


class RequestRefused(TokenError):
    """Slack or this program refuses the request. A retry does not help: the app or its settings must change."""


class WrongHost(TokenError, ValueError):
    """A request would have sent the token to a host that does not belong to the token's Slack."""


class SignInFailed(TokenError):
    """A sign-in ended without a token."""


API_ERRORS: dict[Kind, type[TokenError]] = {
    Kind.NOT_FOUND: NoSuchProfile,
    Kind.USAGE: NoSuchProfile,
    Kind.SIGN_IN: SignInNeeded,
    Kind.STORAGE: StoreUnusable,
    Kind.RETRY: TryLater,
    Kind.REFUSED: RequestRefused,
    Kind.DEFECT: TokenError,
}


class Token(str):
    """An access token. It is a ``str`` with a masked ``repr``.

    It shows as ``xoxp-…a1b2`` in a list, in a traceback, and as the last expression of a notebook cell. ``print``,
    f-strings, headers and everything else that accepts a string get the real value.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{mask(self)}'"


def token(name: str | None = None, *, min_ttl_seconds: float = REFRESH_MARGIN_SECONDS) -> Token:
    """Return a valid access token of profile ``name``, refreshed first if it is about to expire.

    The value is the real token, so ``print`` shows it. Only its ``repr`` is masked. See :class:`Token`.

    Args:
        name: the profile name. None uses ``SLACK_TOKEN_PROFILE``, the default profile, or the only profile.
        min_ttl_seconds: refresh a rotating token first if it expires sooner than this.

    Raises:
        NoSuchProfile, SignInNeeded, StoreUnusable, TryLater, RequestRefused: see each class. All are subclasses of
            :class:`TokenError`, which is raised itself for an impossible ``min_ttl_seconds``.
    """
    outcome = capture_outcome(_fresh_token, name, min_ttl_seconds)
    if isinstance(outcome, BaseException):
        raise outcome
    return Token(outcome.reveal())


def capture_outcome(
    work: Callable[..., _Result], *arguments: object, expected: type[Exception] = TokenError
) -> _Result | BaseException:
    """Return what ``work`` returns or raises, so that the caller can raise it from a frame that never held a token.

    A Problem is returned as the exception of its kind. Any other exception is a bug, and is returned as a
    :class:`TokenError` that says where it happened.

    Sentry, Rich, IPython and loguru show the local variables of every frame of a traceback. The frames below this one
    may hold tokens, so the traceback and the chained exceptions are dropped.
    """
    try:
        return work(*arguments)
    except expected as expected_error:
        error: BaseException = expected_error
    except Problem as problem:
        error = API_ERRORS[problem.kind](problem.explain())
    except Exception as unexpected:
        error = TokenError(Problem("unexpected", detail=error_location(unexpected)).explain())
    except BaseException as interrupt:  # Ctrl+C in a notebook cell
        error = interrupt
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error


def _fresh_token(name: str | None, min_ttl_seconds: float, url: str | None = None) -> Secret:
    """Return a valid token, for a request to ``url`` if it is given."""
    if not 0 <= min_ttl_seconds <= MAX_TOKEN_SECONDS:
        raise TokenError(InvalidInput(f"min_ttl_seconds must be between 0 and {MAX_TOKEN_SECONDS}.").explain())
    home = hot_path.config_home()
    profile_name = hot_path.resolve_name(home, name)
    path = hot_path.profile_path(home, profile_name)
    store = ProfileStore()
    try:
        record = hot_path.read_record(path)
    except FileNotFoundError:
        raise ProfileError("profile_not_found", name=profile_name) from None
    base = str(record.get("slack", "https://slack.com"))
    _check_host(profile_name, base, url)
    if (token := hot_path.valid_token_in(record, profile_name, path, min_ttl_seconds)) is not None:
        return Secret(token)
    fresh = fresh_token(store, profile_name, RefreshPolicy(min_ttl_seconds), _refresh_in_child)
    _check_host(profile_name, fresh.profile.endpoints.base, url)  # another profile may have got the name meanwhile
    if fresh.result.problem is not None:
        _warn(fresh.result.problem.explain().summary)
    return fresh.access_token


def _check_host(name: str, base: str, url: str | None) -> None:
    """Raise WrongHost if ``url`` does not belong to the Slack at ``base``."""
    if url is not None and not _is_slack_url(url, base):
        raise WrongHost(Problem("token_goes_elsewhere", name=name, host=base, detail=_origin(url)).explain())


def _warn(message: str) -> None:
    with suppress(Warning):  # a token is still a token where warnings are errors
        warnings.warn(message, stacklevel=2)


def _refresh_in_child(store: ProfileStore, name: str, policy: RefreshPolicy) -> RefreshResult:
    """Refresh in a child process: an interrupted cell must not lose the new token."""
    from slack_token_tui.tokens.refresh_worker import refresh_in_child

    if path := os.environ.get("SSLKEYLOGFILE"):
        _warn(f"SSLKEYLOGFILE is set: TLS keys are written to {path}")
    return refresh_in_child(store, name, policy)


class Bearer:
    """A token that is always fresh. Use it as ``auth=`` in httpx and requests, or call it to get a token.

    It adds the token only to requests to the profile's Slack.
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def __call__(self, request: Any = None) -> Any:
        """Return a valid token, or ``request`` with the token added if a request is given.

        Raises:
            WrongHost: the request goes to a host that does not belong to this profile's Slack.
            TokenError: see :func:`token`.
        """
        url = None if request is None else str(request.url)
        outcome = capture_outcome(_fresh_token, self.name, REFRESH_MARGIN_SECONDS, url)
        if isinstance(outcome, BaseException):
            raise outcome
        if request is None:
            return Token(outcome.reveal())
        request.headers["Authorization"] = f"Bearer {outcome.reveal()}"
        return request

    def __repr__(self) -> str:
        return f"Bearer({self.name!r})"


def _origin(url: str) -> str:
    """Return the scheme and host of ``url``, without the user, path and query, which may be secret."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    except ValueError:
        return "that URL"


def _is_slack_url(url: str, base: str) -> bool:
    """Return whether ``url`` has the scheme, port and host of ``base``. Subdomains also match."""
    try:
        url_parts, base_parts = urlsplit(url), urlsplit(base)
        ports = [part.port or {"https": 443, "http": 80}.get(part.scheme) for part in (url_parts, base_parts)]
    except ValueError:
        return False
    hosts = [(part.hostname or "").rstrip(".") for part in (url_parts, base_parts)]
    return url_parts.scheme == base_parts.scheme and ports[0] == ports[1] and f".{hosts[0]}".endswith(f".{hosts[1]}")


def bearer(name: str | None = None) -> Bearer:
    """Return a :class:`Bearer`, which provides a fresh token on every use, for long-running notebooks and services.

    >>> httpx.get("https://slack.com/api/users.list", auth=stt.bearer("acme"))
    """
    return Bearer(name)


@dataclass(frozen=True)
class ProfileSummary:
    """One profile, without its tokens.

    Attributes:
        name: the name to pass to :func:`token`.
        state: ``good``, ``unverified``, ``expiring``, ``renewal_ends`` (the refresh token expires soon),
            ``not_renewed`` (Slack refuses to refresh it), ``asleep`` (expired, refreshed on next use), ``expired``,
            ``revoked`` or ``unreadable``.
        expires_at: when the access token expires. None if it does not rotate.
        token: the masked access token.
    """

    name: str
    state: str
    user: str | None = None
    workspace: str | None = None
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    token: str = ""


class Profiles(Sequence[ProfileSummary]):
    """All profiles, with masked tokens. A notebook shows them as a table."""

    def __init__(self, summaries: Sequence[ProfileSummary]) -> None:
        self._summaries = tuple(summaries)

    def __getitem__(self, index: Any) -> Any:
        return self._summaries[index]

    def __len__(self) -> int:
        return len(self._summaries)

    def __iter__(self) -> Iterator[ProfileSummary]:
        return iter(self._summaries)

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                summary.name,
                summary.state,
                summary.user or "",
                summary.workspace or "",
                f"{summary.expires_at.astimezone():%Y-%m-%d %H:%M}" if summary.expires_at else "",
                ", ".join(summary.scopes),
                summary.token,
            )
            for summary in self
        ]

    def __repr__(self) -> str:
        rows = [_HEADINGS, *self._rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th style='text-align:left'>{heading}</th>" for heading in _HEADINGS)
        body = "".join(
            "<tr>" + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self._rows()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


_HEADINGS = ("name", "state", "user", "workspace", "expires", "scopes", "token")


def profiles() -> Profiles:
    """Return all profiles, readable or not, sorted by name.

    Raises:
        StoreUnusable: other users can change the files in the directory.
    """
    outcome = capture_outcome(_list_summaries)
    if isinstance(outcome, BaseException):
        raise outcome
    return Profiles(outcome)


def _list_summaries() -> list[ProfileSummary]:
    now = datetime.now(UTC)
    return [summarize(entry, now) for entry in ProfileStore().entries()]


def summarize(entry: Profile | UnreadableProfile, now: datetime) -> ProfileSummary:
    """Return a summary of ``entry`` that contains no tokens."""
    if isinstance(entry, UnreadableProfile):
        return ProfileSummary(entry.name, "unreadable")
    state, token = entry.published_state(now), entry.masked_token
    return ProfileSummary(
        entry.name, state, entry.user_label, entry.workspace_label, entry.expires_at, entry.scopes, token
    )
