"""Refresh and verify profiles while the TUI is open: one, all with progress, or automatically when a token is due.

Every refresh runs in a separate process, so that a closed terminal doesn't stop it. The result is in the profile files.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from slack_token_tui.event_loop import run_in_daemon_thread
from slack_token_tui.problems import Kind, Problem, error_location
from slack_token_tui.tokens.refresh_result import USUAL_POLICY, RefreshPolicy, RefreshResult
from slack_token_tui.tui.profiles_model import ProfilesModel

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
        model: the profiles. Busy profiles and the problems of requests are recorded there.
    """

    model: ProfilesModel
    _pauses: dict[str, tuple[float, float]] = field(default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _requests: dict[tuple[object, ...], asyncio.Future[Any]] = field(default_factory=dict)
    """The requests in progress. The event loop has only weak references to tasks."""
    _waiting: Counter[str] = field(default_factory=Counter)
    """How many requests of a profile are waiting or running."""
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MAX_CONCURRENT))

    def due_names(self, first: str | None = None) -> list[str]:
        """Return the profiles to refresh automatically now: due, not busy, no recent failure, as many as can start.

        Args:
            first: name of the profile to refresh before the others.
        """
        names = [
            name
            for name in self.model.due_names
            if name not in self.model.busy and self._pauses.get(name, (0.0, 0.0))[0] <= time.monotonic()
        ]
        return sorted(names, key=lambda name: name != first)[: max(0, _MAX_CONCURRENT - len(self.model.busy))]

    async def refresh(
        self, name: str, policy: RefreshPolicy = USUAL_POLICY, *, is_requested: bool = False
    ) -> RefreshResult:
        """Refresh profile ``name``.

        Args:
            name: profile name.
            policy: when to refresh.
            is_requested: whether the user asked for it. If so, a refused refresh token is tried again.

        Raises:
            Problem: see :func:`slack_token_tui.tokens.refresh.refresh`. The model has it too.
        """
        from slack_token_tui.tokens.refresh import refresh
        from slack_token_tui.tokens.refresh_worker import refresh_in_child

        store, now = self.model.store, self.model.now
        work = partial(refresh, store, name, policy, refresh_in_child, is_requested=is_requested, now=now)
        try:
            result = await self._run((name, policy, is_requested), work)
        except Problem:
            _, last = self._pauses.get(name, (0.0, _MIN_PAUSE_SECONDS / 2))
            pause = min(last * 2, _MAX_PAUSE_SECONDS)
            self._pauses[name] = (time.monotonic() + pause, pause)
            raise
        self._pauses.pop(name, None)
        return result

    async def refresh_automatically(self, name: str) -> None:
        """Refresh a due profile. If that fails, the profile shows it."""
        with suppress(Problem):
            await self.refresh(name)

    async def verify(self, name: str) -> Verification:
        """Verify the token of profile ``name`` with Slack and save the result.

        Raises:
            Problem: see :func:`slack_token_tui.tokens.verify.verify`. The model has it too.
        """
        from slack_token_tui.tokens.refresh_worker import refresh_in_child
        from slack_token_tui.tokens.verify import verify

        work = partial(verify, self.model.store, name, refresh_in_child, self.model.now)
        verification = await self._run((name, "verify"), work)
        self._record_problem(name, verification.refresh_problem)
        return verification

    async def fresh_token(self, name: str) -> FreshToken:
        """Return a valid token of profile ``name``, refreshed first if it is due.

        If the refresh fails and the token is still valid, the model has the problem.

        Raises:
            Problem: see :func:`slack_token_tui.tokens.fresh_token.fresh_token`. The model has it too.
        """
        from slack_token_tui.tokens.fresh_token import fresh_token
        from slack_token_tui.tokens.refresh_worker import refresh_in_child

        work = partial(fresh_token, self.model.store, name, USUAL_POLICY, refresh_in_child, self.model.now)
        profile = await run_in_daemon_thread(self.model.store.read, name)
        if not USUAL_POLICY.wants(profile, self.model.now()):
            return await run_in_daemon_thread(work)  # Slack is not asked, so the profile is not busy
        fresh = await self._run((name, "token"), work)
        self._record_problem(name, fresh.result.problem)
        return fresh

    def _record_problem(self, name: str, problem: Problem | None) -> None:
        """Show that a refresh failed although the token still works."""
        if problem is not None:
            self.model.problems[name] = problem.with_facts(name=name)
            self.model.load_one(name)

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
                with suppress(Problem):  # the model has it
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
            self.model.problems.pop(name, None)
            if problem is not None and problem.kind is not Kind.NOT_FOUND:  # a removed profile leaves the list
                self.model.problems[name] = problem
            self._set_busy(name)

    def _set_busy(self, name: str) -> None:
        if self._waiting[name]:
            self.model.busy.add(name)
        else:
            self.model.busy.discard(name)
        self.model.load_one(name)
