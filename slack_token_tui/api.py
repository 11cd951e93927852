"""Tokens for Python programs: one call, always a living token, errors that say what to do."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

from slack_token_tui.problems import Explanation, error_location, explain
from slack_token_tui.secret import Secret, mask
from slack_token_tui.store import hot_path
from slack_token_tui.store.atomic_file import StorageError
from slack_token_tui.store.hot_path import REFRESH_MARGIN_SECONDS, ProfileChoiceError, ProfileFileError
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore, UnreadableProfile
from slack_token_tui.tokens.refresh_result import NEEDS_SIGN_IN, RefreshResult, recorded_problem

_Result = TypeVar("_Result")


class TokenError(Exception):
    """No token could be given.

    Attributes:
        explanation: what happened, why, and what to do. Its ``code`` is Slack's own, or one of ours.
    """

    def __init__(self, explanation: Explanation, more: str = "") -> None:
        words = f"{explanation.title} ({explanation.code}). {explanation.happened} {explanation.remedies[0]}. {more}"
        super().__init__(words.rstrip())
        self.explanation = explanation

    @property
    def code(self) -> str:
        """Slack's code, or one of ours."""
        return self.explanation.code


class NoSuchProfile(TokenError, LookupError):
    """There is no profile of that name, or none was named and there are several."""


class SignInNeeded(TokenError):
    """The token is dead and cannot be renewed: a person has to sign in again."""


class StoreUnusable(TokenError):
    """A file, the keyring or the disk stands in the way."""


class TryLater(TokenError):
    """The network, Slack or another process stands in the way, and it may pass."""


class WrongHost(TokenError, ValueError):
    """A request with a token would have gone somewhere else than to the token's own Slack."""


class SignInFailed(TokenError):
    """A sign-in ended without a token."""


class Token(str):
    """An access token. It is a ``str`` whose ``repr`` alone is masked.

    As a cell's last expression, in a list and in a traceback it shows ``xoxp-…a1b2``; ``print``, f-strings, headers and
    everything else that takes a string get the real value.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{mask(self)}'"


def token(name: str | None = None, *, min_ttl_seconds: float = REFRESH_MARGIN_SECONDS) -> Token:
    """Return a living access token of profile ``name``, refreshed first when it is about to expire.

    The value is real: ``print`` it and it is on the screen. Only its ``repr`` is masked; see :class:`Token`.

    Args:
        name: the profile; None for the one in ``SLACK_TOKEN_PROFILE``, the default, or the only one.
        min_ttl_seconds: refresh a rotating token first when it has less life left than this.

    Raises:
        NoSuchProfile, SignInNeeded, StoreUnusable, TryLater: see there; all are a :class:`TokenError`.
    """
    outcome = capture_outcome(_fresh_token, name, min_ttl_seconds)
    if isinstance(outcome, BaseException):
        raise outcome
    return Token(outcome.reveal())


def capture_outcome(
    work: Callable[..., _Result], *arguments: object, expected: type[Exception] = TokenError
) -> _Result | BaseException:
    """Return what ``work`` returns or raises, so that its caller can raise it from a frame that has seen no token.

    What it raises beyond ``expected`` is a bug, and comes back as a :class:`TokenError` that says where. Sentry, Rich,
    IPython and loguru show the local variables of every frame of a traceback. The frames below this one may hold tokens,
    so the traceback and the chained exceptions are dropped.
    """
    try:
        return work(*arguments)
    except expected as expected_error:
        error: BaseException = expected_error
    except StorageError as store_error:
        error = StoreUnusable(explain(store_error.code, store_error.facts))
    except Exception as unexpected:
        error = TokenError(explain("unexpected", {"detail": error_location(unexpected)}))
    except BaseException as interrupt:  # Ctrl+C in a cell
        error = interrupt
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error


def _fresh_token(name: str | None, min_ttl_seconds: float, url: str | None = None) -> Secret:
    """Return a valid token, for a request to ``url`` where one is given."""
    chosen, record, path = _read_record(name)
    base = str(record.get("slack", "https://slack.com"))
    if url is not None and not _is_slack_url(url, base):
        raise WrongHost(explain("token_goes_elsewhere", {"name": chosen, "host": base, "detail": _origin(url)}))
    if hot_path.needs_slow_path(record, min_ttl_seconds):
        return _refresh_if_due(chosen, min_ttl_seconds)
    if why := hot_path.unusable_reason(record):
        raise SignInNeeded(explain("sign_in_needed", {"name": chosen, "detail": why}))
    try:
        return Secret(hot_path.access_token(record, path))
    except ProfileFileError as error:
        _raise_storage_error(error)


def _read_record(name: str | None) -> tuple[str, dict[str, object], str]:
    home = hot_path.config_home()
    try:
        chosen = hot_path.resolve_name(home, name)
        path = hot_path.profile_path(home, chosen)
        return chosen, hot_path.read_record(path), path
    except ProfileChoiceError as error:
        facts = {"name": error.name, "detail": ", ".join(error.names)}
        raise NoSuchProfile(explain(error.code, facts)) from None
    except FileNotFoundError:
        raise NoSuchProfile(explain("profile_not_found", {"name": name or ""})) from None
    except ProfileFileError as error:
        _raise_storage_error(error)


def _refresh_if_due(name: str, min_ttl_seconds: float) -> Secret:
    """Refresh in a process of its own when it is due: an interrupted cell must not lose a grant."""
    from slack_token_tui.tokens.refresh_worker import refresh_in_child

    store = ProfileStore()
    try:
        profile = store.read(name)
        if profile.is_due(datetime.now(UTC), min_ttl_seconds):
            if path := os.environ.get("SSLKEYLOGFILE"):
                with suppress(Warning):  # where warnings are errors, a token is still a token
                    warnings.warn(f"SSLKEYLOGFILE is set: TLS keys are written to {path}", stacklevel=2)
            result = refresh_in_child(store, name, min_ttl_seconds=min_ttl_seconds)
        else:
            result = RefreshResult(store.with_tokens(profile))
    except FileNotFoundError:
        raise NoSuchProfile(explain("profile_not_found", {"name": name})) from None
    except (ProfileFileError, StorageError) as error:
        _raise_storage_error(error, name)
    why = result.profile.unusable_reason(datetime.now(UTC))
    if why is None and result.profile.access_token is not None:
        return result.profile.access_token
    problem = result.problem or recorded_problem(result.profile)
    if problem is None:
        raise SignInNeeded(explain("sign_in_needed", {"name": name, "detail": why or ""}))
    if problem.code in NEEDS_SIGN_IN:
        raise SignInNeeded(explain(problem.code, problem.facts))
    explanation = explain(problem.code, problem.facts)
    if explanation.code.startswith(("store_", "keyring_", "profile_")) and explanation.again != "later":
        raise StoreUnusable(explanation)
    raise TryLater(explanation)


def _raise_storage_error(error: ProfileFileError | StorageError, name: str = "") -> NoReturn:
    if isinstance(error, ProfileFileError):
        facts = {"file": error.path, "detail": error.detail or "no more is known"}
    else:
        facts = {"name": name, **error.facts}
    raise StoreUnusable(explain(error.code, facts)) from None


class Bearer:
    """A token that is always fresh: ``auth=`` of httpx and requests, or a callable that returns a token.

    It puts the token on requests to the profile's own Slack and on no others.
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def __call__(self, request: Any = None) -> Any:
        """Return a living token; or ``request`` with it, when there is one.

        Raises:
            WrongHost: the request goes somewhere else than to this profile's Slack.
            TokenError: as :func:`token`.
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
    """Return scheme and host of ``url``, without the user, path and query, which may be secret."""
    try:
        asked = urlsplit(url)
        return f"{asked.scheme}://{asked.netloc.rpartition('@')[2]}"
    except ValueError:
        return "that URL"


def _is_slack_url(url: str, base: str) -> bool:
    """Tell whether ``url`` has the scheme, port and host of ``base``, or the host of a workspace or service below it."""
    try:
        asked, own = urlsplit(url), urlsplit(base)
        ports = [part.port or {"https": 443, "http": 80}.get(part.scheme) for part in (asked, own)]
    except ValueError:
        return False
    hosts = [(part.hostname or "").rstrip(".") for part in (asked, own)]
    return asked.scheme == own.scheme and ports[0] == ports[1] and f".{hosts[0]}".endswith(f".{hosts[1]}")


def bearer(name: str | None = None) -> Bearer:
    """Return something that gives a fresh token every time it is used: for notebooks and services that run for days.

    >>> httpx.get("https://slack.com/api/users.list", auth=stt.bearer("acme"))
    """
    return Bearer(name)


@dataclass(frozen=True)
class ProfileSummary:
    """One profile, without its tokens.

    Attributes:
        name: what :func:`token` takes.
        state: ``good``, ``unverified``, ``expiring``, ``renewal_ends`` (the refresh token is in its last days),
            ``not_renewed`` (Slack refuses to refresh it), ``asleep`` (refreshed on next use), ``expired``, ``revoked`` or
            ``unreadable``.
        expires_at: when the access token dies; None when it does not rotate.
        token: masked.
    """

    name: str
    state: str
    user: str | None = None
    workspace: str | None = None
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    token: str = ""


class Profiles(Sequence[ProfileSummary]):
    """All profiles. A notebook shows them as a table; tokens are masked."""

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


_HEADINGS = ("name", "state", "user", "workspace", "works until", "scopes", "token")


def profiles() -> Profiles:
    """Return all profiles, readable or not, in the order of names.

    Raises:
        StoreUnusable: others can change what is in the directory.
    """
    outcome = capture_outcome(_list_summaries)
    if isinstance(outcome, BaseException):
        raise outcome
    return Profiles(outcome)


def _list_summaries() -> list[ProfileSummary]:
    now = datetime.now(UTC)
    return [summarize(entry, now) for entry in ProfileStore().entries()]


def summarize(entry: Profile | UnreadableProfile, now: datetime) -> ProfileSummary:
    """Return what may be shown of ``entry``."""
    if isinstance(entry, UnreadableProfile):
        return ProfileSummary(entry.name, "unreadable")
    state, token = entry.published_state(now), entry.masked_token
    return ProfileSummary(
        entry.name, state, entry.user_label, entry.workspace_label, entry.expires_at, entry.scopes, token
    )
