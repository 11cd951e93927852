"""The profiles of the home screen: which ones, in which order, and what is known about them. It knows no Textual."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from slack_token_tui.problems import Explanation, Kind, Problem
from slack_token_tui.store.errors import ProfileError, StorageError
from slack_token_tui.store.hot_path import REFRESH_MARGIN_SECONDS
from slack_token_tui.store.profile import REFRESH_TOKEN_WARNING, Profile
from slack_token_tui.store.profiles import ProfileStore, UnreadableProfile
from slack_token_tui.store.settings import load_settings
from slack_token_tui.tokens.refresh_result import is_about_profile, recorded_problem, sign_in_needed

Entry = Profile | UnreadableProfile
ORDERS = ("name", "state", "expiry")
"""Sort orders that ``S`` cycles through. ``state`` lists problems first, ``expiry`` what expires next."""
ORDER_LABELS = {"name": "name", "state": "status", "expiry": "expiry"}
_URGENCY_ORDER = (
    "unreadable",
    "revoked",
    "expired",
    "refresh_refused",
    "expiring",
    "refresh_expiring",
    "refreshable",
    "unverified",
    "good",
)
STATUS_LABELS = {
    "good": "Active",
    "unverified": "Unverified",
    "expiring": "Expiring soon",
    "refresh_expiring": "Expiring soon",
    "refresh_refused": "Expiring soon",
    "refreshable": "Expired (refreshes on next use)",
    "expired": "Sign in again",
    "revoked": "Revoked",
    "unreadable": "File problem",
}
_COMMON_HOSTS = (".enterprise.slack.com", ".slack.com", ".enterprise.slack-gov.com", ".slack-gov.com")
"""Parts of workspace URLs that a filter must not match, because most of them have one."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_MOMENT = timedelta(microseconds=1)


@dataclass
class ProfilesModel:
    """The profiles of one config directory, as the home screen shows them.

    Attributes:
        store: profile store.
        now: returns the current time in UTC.
        on_change: called with the name of an entry that has changed, or None if the list has.
        entries: all entries, sorted by name.
        default: name of the default profile, or None.
        order: one of :data:`ORDERS`.
        filter_text: words that a shown entry must contain.
        busy: names of the profiles with a request that waits or is in progress.
        problems: error of the last request that is about the profile, by its name. A network error is about all of them, so
            it isn't here.
        network_problem: why Slack could not be reached the last time, or None.
        directory_problem: why the directory can't be listed, or None.
        settings_problem: why the settings can't be used, or None.
        is_partial: whether :meth:`load` has left out entries.
        due_names: names of the profiles whose token should be refreshed. See :meth:`tick`.
    """

    store: ProfileStore
    now: Callable[[], datetime]
    on_change: Callable[[str | None], None] = lambda _: None
    entries: list[Entry] = field(default_factory=list)
    default: str | None = None
    order: str = ORDERS[0]
    filter_text: str = ""
    busy: set[str] = field(default_factory=set)
    problems: dict[str, Problem] = field(default_factory=dict)
    network_problem: Problem | None = None
    directory_problem: Problem | None = None
    settings_problem: Problem | None = None
    is_partial: bool = False
    due_names: list[str] = field(default_factory=list)
    _seen_times: tuple[tuple[int, int], ...] | None = None
    _next_change: datetime | None = None
    _last_look: datetime | None = None

    # ── reading ──

    def load(self, *, only_first: int | None = None) -> None:
        """Read the profiles again.

        Args:
            only_first: maximum number of profiles to read.
        """
        self.have_files_changed()
        self.default, self.directory_problem, self.settings_problem = None, None, None
        try:
            self.default = load_settings(self.store.home).get("default_profile")
        except StorageError as error:
            self.settings_problem = error
        before = self.entries
        try:
            self.entries = list(islice(self.store.entries(), only_first))
        except StorageError as error:
            self.entries, self.directory_problem = [], error
        self._forget_problems_of(before)
        self.is_partial = len(self.entries) == only_first
        self._next_change = None

    def load_one(self, name: str) -> None:
        """Read profile ``name`` again, after a request about it, and report the change."""
        entry: Entry
        try:
            entry = self.store.read(name)
        except ProfileError as error:
            if error.kind is Kind.NOT_FOUND:
                self.load()
                self.on_change(None)
                return
            entry = UnreadableProfile(name, error)
        before = self.entries
        self.entries = [entry if old.name == name else old for old in before]
        self._forget_problems_of([old for old in before if old.name == name])
        self._next_change = None
        self.on_change(name)

    def record_problem(self, name: str, problem: Problem | None) -> None:
        """Record the end of a request about profile ``name``. None means success.

        A network problem does not mark the profile, and leaves what is known about it.
        """
        if problem is not None and not is_about_profile(problem):
            self.network_problem = problem
            return
        self.network_problem = None
        self.problems.pop(name, None)
        if problem is not None:
            self.problems[name] = problem

    def _forget_problems_of(self, before: list[Entry]) -> None:
        """Forget the problems of entries that are gone, or whose tokens are others now."""
        versions = {entry.name: version_of(entry) for entry in self.entries}
        for entry in before:
            if versions.get(entry.name) != version_of(entry):
                self.problems.pop(entry.name, None)

    def have_files_changed(self) -> bool:
        """Return whether files have changed since the last call, for example by another program.

        Every save replaces a file and thus changes its directory, so the time of the directory is enough.
        """
        seen = _change_times(self.store.home / "profiles"), _change_times(self.store.home)
        changed = seen != self._seen_times
        self._seen_times = seen
        return changed

    # ── what is shown ──

    @property
    def profiles(self) -> list[Profile]:
        """The readable profiles, shown or not."""
        return [entry for entry in self.entries if isinstance(entry, Profile)]

    def shown(self) -> list[Entry]:
        """Return the entries that match the filter, in order."""
        now = self.now()
        return sorted(filter(self._matches, self.entries), key=lambda entry: self._sort_key(entry, now))

    def shown_profiles(self) -> list[Profile]:
        """Return the readable profiles that match the filter. Batches act on them."""
        return [entry for entry in self.shown() if isinstance(entry, Profile)]

    def state_of(self, entry: Entry) -> str:
        """Return the state of ``entry``, which is ``unreadable`` for an unreadable profile."""
        return _state(entry, self.now())

    def explain(self, entry: Entry) -> Explanation | None:
        """Return what is wrong with ``entry``, or None."""
        if isinstance(entry, UnreadableProfile):
            return entry.error.explain()
        problem = self.problems.get(entry.name) or recorded_problem(entry)
        if problem is None and (entry.is_revoked or not entry.is_refreshable):
            problem = sign_in_needed(entry, self.now())
        return None if problem is None else problem.explain()

    def next_order(self) -> str:
        """Return the order after the current one."""
        return ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)]

    # ── time ──

    def tick(self) -> bool:
        """Find the due profiles, and return whether time has changed a state or an entry was read since the last call.

        Most calls only compare two times, because they come every second.
        """
        now, last_look, self._last_look = self.now(), self._last_look, self.now()
        is_set_back = last_look is not None and now < last_look
        if self._next_change is not None and now < self._next_change and not is_set_back:
            return False
        self._next_change = min(self._changes_after(now), default=_NEVER)
        self.due_names = [profile.name for profile in self.profiles if profile.is_due(now)]
        return True

    def _changes_after(self, now: datetime) -> list[datetime]:
        """Return the times after ``now`` at which a state changes or a token becomes due."""
        margin = timedelta(seconds=REFRESH_MARGIN_SECONDS)
        times: list[datetime | None] = []
        for profile in self.profiles:
            if profile.expires_at is not None:
                times += [profile.expires_at, profile.expires_at - margin, profile.due_at]
            if profile.refresh_expires_at is not None:
                times += [profile.refresh_expires_at, profile.refresh_expires_at - REFRESH_TOKEN_WARNING]
        # A state changes after its time, and not at it.
        return [time + _MOMENT for time in times if time is not None and time + _MOMENT > now]

    def _matches(self, entry: Entry) -> bool:
        words = [entry.name, STATUS_LABELS[self.state_of(entry)]]
        if isinstance(entry, Profile):
            words += [entry.user_name or "", entry.team_name or "", entry.enterprise_name or "", _own_host(entry)]
        text = " ".join(words).lower()
        return all(word in text for word in self.filter_text.lower().split())

    def _sort_key(self, entry: Entry, now: datetime) -> tuple[object, ...]:
        if self.order == "state":
            return (entry.name not in self.problems, _URGENCY_ORDER.index(_state(entry, now)), entry.name)
        if self.order == "expiry":
            expires_at = entry.expires_at if isinstance(entry, Profile) else None
            return (expires_at or _NEVER, entry.name)
        return (entry.name,)


def _own_host(profile: Profile) -> str:
    """Return the part of the workspace URL that is not common to many workspaces."""
    host = (profile.workspace_url or "").partition("://")[2].partition("/")[0]
    for common in _COMMON_HOSTS:
        host = host.removesuffix(common)
    return host


def _state(entry: Entry, now: datetime) -> str:
    return entry.state(now) if isinstance(entry, Profile) else "unreadable"


def version_of(entry: Entry) -> tuple[str, int] | None:
    """Return what tells the tokens of ``entry`` from those before and after, or None if it is unreadable."""
    return (entry.id, entry.generation) if isinstance(entry, Profile) else None


def _change_times(path: Path) -> tuple[int, int]:
    """Return when the directory's entries, and when its mode or owner, have changed."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_ctime_ns
