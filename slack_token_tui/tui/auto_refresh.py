"""Refresh and verify profiles while the TUI is open: one, all with progress, or automatically when a token is due.

Every refresh runs in a separate process, so that a closed terminal doesn't stop it. The result is in the profile files.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from slack_token_tui.event_loop import run_in_daemon_thread
from slack_token_tui.problems import Kind, Problem, error_location
from slack_token_tui.store.errors import ProfileError
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore, UnreadableProfile
from slack_token_tui.tokens.refresh_result import USUAL_POLICY, RefreshPolicy, RefreshResult

if TYPE_CHECKING:
    from slack_token_tui.tokens.fresh_token import FreshToken
    from slack_token_tui.tokens.verify import Verification

_Result = TypeVar("_Result")

_MAX_CONCURRENT = 4
"""Slack limits the request rate. Four concurrent requests stay below every limit."""
_MIN_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 60.0, 1800.0
"""Bounds of the pause between failed automatic refreshes."""


@dataclass
class RefreshScheduler:
    """Scheduler of the refreshes and verifications of all profiles.

    Attributes:
        store: profile store.
        on_change: called with the name and the entry of a profile that has changed. The entry is None if it is gone.
        now: returns the current time in UTC.
        busy: names of the profiles with a request that waits or is in progress.
        problems: error of the last attempt, by profile name. Successful attempts are left out.
    """

    store: ProfileStore
    on_change: Callable[[str, Profile | UnreadableProfile | None], None]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    busy: set[str] = field(default_factory=set)
    problems: dict[str, Problem] = field(default_factory=dict)
    _pauses: dict[str, tuple[float, float]] = field(default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _requests: dict[tuple[object, ...], asyncio.Future[Any]] = field(default_factory=dict)
    """The requests in progress. The event loop has only weak references to tasks."""
    _waiting: Counter[str] = field(default_factory=Counter)
    """How many requests of a profile are waiting or running."""
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MAX_CONCURRENT))

    def due_names(self, entries: Iterable[object], now: datetime, first: str | None = None) -> list[str]:
        """Return the profiles to refresh automatically now: due, not busy, no recent failure, as many as can start.

        Args:
            entries: entries of the profile list.
            now: the current time.
            first: name of the profile to refresh before the others.
        """
        names = [
            entry.name
            for entry in entries
            if isinstance(entry, Profile)
            and entry.is_due(now)
            and entry.name not in self.busy
            and self._pauses.get(entry.name, (0.0, 0.0))[0] <= time.monotonic()
        ]
        return sorted(names, key=lambda name: name != first)[: max(0, _MAX_CONCURRENT - len(self.busy))]

    async def refresh(
        self, name: str, policy: RefreshPolicy = USUAL_POLICY, *, is_requested: bool = False
    ) -> RefreshResult:
        """Refresh profile ``name``.

        Args:
            name: profile name.
            policy: when to refresh.
            is_requested: whether the user asked for it. If so, a refused refresh token is tried again.

        Raises:
            Problem: see :func:`slack_token_tui.tokens.refresh.refresh`. It is in ``problems`` too.
        """
        from slack_token_tui.tokens.refresh import refresh
        from slack_token_tui.tokens.refresh_worker import refresh_in_child

        work = partial(refresh, self.store, name, policy, refresh_in_child, is_requested=is_requested, now=self.now)
        try:
            result = await self._run((name, policy, is_requested), work)
        except Problem:
            _, last = self._pauses.get(name, (0.0, _MIN_PAUSE_SECONDS / 2))
            pause = min(last * 2, _MAX_PAUSE_SECONDS)
            self._pauses[name] = (time.monotonic() + pause, pause)
            raise
        self._pauses.pop(name, None)
        return result

    async def verify(self, name: str) -> Verification:
        """Verify the token of profile ``name`` with Slack and save the result.

        Raises:
            Problem: see :func:`slack_token_tui.tokens.verify.verify`. It is in ``problems`` too.
        """
        from slack_token_tui.tokens.refresh_worker import refresh_in_child
        from slack_token_tui.tokens.verify import verify

        verification = await self._run((name, "verify"), partial(verify, self.store, name, refresh_in_child, self.now))
        self._record_problem(name, verification.refresh_problem)
        return verification

    async def fresh_token(self, name: str) -> FreshToken:
        """Return a valid token of profile ``name``, refreshed first if it is due.

        If the refresh fails and the token is still valid, the problem is in ``problems``.

        Raises:
            Problem: see :func:`slack_token_tui.tokens.fresh_token.fresh_token`. It is in ``problems`` too.
        """
        from slack_token_tui.tokens.fresh_token import fresh_token
        from slack_token_tui.tokens.refresh_worker import refresh_in_child

        work = partial(fresh_token, self.store, name, USUAL_POLICY, refresh_in_child, self.now)
        profile = await run_in_daemon_thread(self.store.read, name)
        if not USUAL_POLICY.wants(profile, self.now()):
            return await run_in_daemon_thread(work)  # Slack is not asked, so the profile is not busy
        fresh = await self._run((name, "token"), work)
        self._record_problem(name, fresh.result.problem)
        return fresh

    def _record_problem(self, name: str, problem: Problem | None) -> None:
        """Show that a refresh failed although the token still works."""
        if problem is not None:
            self.problems[name] = problem.with_facts(name=name)
            self._notify_change(name)

    async def run_for_all(
        self, names: list[str], do: Callable[[str], Awaitable[object]], progress: Callable[[int], None]
    ) -> int:
        """Run ``do`` for all ``names``, a few at a time, and return how many succeeded.

        Args:
            names: profile names.
            do: called with each name. Raises a Problem if it failed.
            progress: called with the number of names that are done.
        """
        semaphore, done, succeeded_count = asyncio.Semaphore(_MAX_CONCURRENT), 0, 0

        async def run_one(name: str) -> None:
            nonlocal done, succeeded_count
            async with semaphore:
                with suppress(Problem):  # it is in ``problems``
                    await do(name)
                    succeeded_count += 1
            done += 1
            progress(done)

        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(run_one(name))
        return succeeded_count

    async def _run(self, request: tuple[str, *tuple[object, ...]], work: Callable[[], _Result]) -> _Result:
        """Run ``work`` in a thread and return its result. One runs at a time for a profile, at most four in all.

        Cancellation stops the wait only. The work goes on, and its end is reported.

        Args:
            request: the profile name and what tells one kind of request from another. If the same request is in
                progress, its result is returned.
            work: called in a thread.

        Raises:
            Problem: ``work`` raised it, or raised something unexpected.
        """
        task: asyncio.Future[_Result] | None = self._requests.get(request)
        if task is None:
            self._requests[request] = task = asyncio.ensure_future(self._run_in_slot(request[0], work))
            task.add_done_callback(lambda done: self._requests.pop(request))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # the caller may be gone
        return await asyncio.shield(task)

    async def _run_in_slot(self, name: str, work: Callable[[], _Result]) -> _Result:
        self._waiting[name] += 1
        self._set_busy(name)
        problem: Problem | None = None
        try:
            async with self._locks.setdefault(name, asyncio.Lock()), self._slots:
                return await run_in_daemon_thread(work)
        except Problem as error:
            problem = error.with_facts(name=name)
            raise problem from None
        except Exception as error:  # a bug is shown like any other problem
            problem = Problem("unexpected", detail=error_location(error))
            raise problem from None
        finally:
            self._waiting[name] -= 1
            self.problems.pop(name, None)
            if problem is not None and problem.kind is not Kind.NOT_FOUND:  # a removed profile leaves the list
                self.problems[name] = problem
            self._set_busy(name)

    def _set_busy(self, name: str) -> None:
        if self._waiting[name]:
            self.busy.add(name)
        else:
            self.busy.discard(name)
        self._notify_change(name)

    def _notify_change(self, name: str) -> None:
        entry: Profile | UnreadableProfile | None
        try:
            entry = self.store.read(name)
        except ProfileError as error:
            entry = None if error.kind is Kind.NOT_FOUND else UnreadableProfile(name, error)
        self.on_change(name, entry)
