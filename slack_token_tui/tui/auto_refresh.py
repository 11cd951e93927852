"""Refresh and verify profiles while the TUI is open: one, all with progress, or automatically when a token is due.

Every refresh runs in a separate process, so that a closed terminal doesn't stop it. The result is in the profile files.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from slack_token_tui.event_loop import run_in_daemon_thread
from slack_token_tui.problems import Kind, Problem, error_location
from slack_token_tui.store.errors import ProfileError
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore, UnreadableProfile
from slack_token_tui.tokens.refresh_result import (
    USUAL_POLICY,
    YOUNG_TOKEN_TTL_SECONDS,
    RefreshPolicy,
    requested_refresh_policy,
)

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
        busy: names of the profiles with a request in progress.
        problems: error of the last attempt, by profile name. Successful attempts are left out.
    """

    store: ProfileStore
    on_change: Callable[[str, Profile | UnreadableProfile | None], None]
    busy: set[str] = field(default_factory=set)
    problems: dict[str, Problem] = field(default_factory=dict)
    _pauses: dict[str, tuple[float, float]] = field(default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MAX_CONCURRENT))

    def due_names(self, profiles: Iterable[object], now: datetime) -> list[str]:
        """Return the profiles to refresh automatically now: due, not busy, and no recent failure."""
        return [
            profile.name
            for profile in profiles
            if isinstance(profile, Profile)
            and profile.is_due(now)
            and profile.name not in self.busy
            and self._pauses.get(profile.name, (0.0, 0.0))[0] <= time.monotonic()
        ]

    async def refresh(self, name: str, *, user_requested: bool = False) -> bool:
        """Refresh profile ``name`` and return whether it succeeded.

        Args:
            name: profile name.
            user_requested: whether the user asked for it. If so, a token that is over an hour old is refreshed too, and a
                refresh token that Slack refused before is tried again.
        """
        from slack_token_tui.tokens.refresh_worker import refresh_in_child

        def work() -> None:
            profile = self.store.read(name)
            if not profile.has_refresh_token:
                raise Problem("not_renewable", name=name)
            policy = USUAL_POLICY
            if user_requested:
                policy = requested_refresh_policy(profile, RefreshPolicy(YOUNG_TOKEN_TTL_SECONDS))
            result = refresh_in_child(self.store, name, policy)
            if result.problem is not None:
                raise result.problem

        succeeded = await self._run_exclusively(name, work)
        if succeeded:
            self._pauses.pop(name, None)
        else:
            _, last = self._pauses.get(name, (0.0, _MIN_PAUSE_SECONDS / 2))
            pause = min(last * 2, _MAX_PAUSE_SECONDS)
            self._pauses[name] = (time.monotonic() + pause, pause)
        return succeeded

    async def verify(self, name: str) -> bool:
        """Verify the token of profile ``name`` with Slack, save the result, and return whether it is valid."""
        from slack_token_tui.tokens.refresh_worker import refresh_in_child
        from slack_token_tui.tokens.verify import verify

        def work() -> None:
            verification = verify(self.store, name, refresh_in_child)
            if verification.save_error is not None:
                raise verification.save_error

        return await self._run_exclusively(name, work)

    async def run_for_all(
        self, names: list[str], do: Callable[[str], Awaitable[bool]], progress: Callable[[int], None]
    ) -> int:
        """Run ``do`` for all ``names``, a few at a time, and return how many succeeded.

        Args:
            names: profile names.
            do: called with each name. Returns whether it succeeded.
            progress: called with the number of names that are done.
        """
        semaphore, done, succeeded_count = asyncio.Semaphore(_MAX_CONCURRENT), 0, 0

        async def run_one(name: str) -> None:
            nonlocal done, succeeded_count
            async with semaphore:
                succeeded = await do(name)
            succeeded_count += succeeded  # separate from the await, because other tasks add to it meanwhile
            done += 1
            progress(done)

        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(run_one(name))
        return succeeded_count

    async def _run_exclusively(self, name: str, work: Callable[[], None]) -> bool:
        """Run ``work`` in a thread and report its start and end. One runs at a time for a profile, at most four in all."""
        async with self._locks.setdefault(name, asyncio.Lock()), self._slots:
            return await self._run(name, work)

    async def _run(self, name: str, work: Callable[[], None]) -> bool:
        self.busy.add(name)
        self._notify_change(name)
        problem: Problem | None = None
        try:
            await run_in_daemon_thread(work)
        except Problem as error:
            problem = error.with_facts(name=name)
        except Exception as error:  # a bug is shown like any other problem
            problem = Problem("unexpected", detail=error_location(error))
        finally:
            self.busy.discard(name)
            self.problems.pop(name, None)
            if problem is not None and problem.kind is not Kind.NOT_FOUND:  # a removed profile leaves the list
                self.problems[name] = problem
            self._notify_change(name)
        return problem is None

    def _notify_change(self, name: str) -> None:
        entry: Profile | UnreadableProfile | None
        try:
            entry = self.store.read(name)
        except ProfileError as error:
            entry = None if error.kind is Kind.NOT_FOUND else UnreadableProfile(name, error)
        self.on_change(name, entry)
