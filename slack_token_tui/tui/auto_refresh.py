"""Refresh and verify profiles while the TUI is open: one, all with progress, or automatically when a token is due.

Every refresh runs in a separate process, so that a closed terminal doesn't stop it. The result is in the profile files.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from slack_token_tui.event_loop import run_in_daemon_thread
from slack_token_tui.problems import Kind, Problem, error_location
from slack_token_tui.tokens.circuit_breaker import MAX_REFRESHES, CircuitBreakers
from slack_token_tui.tokens.refresh_result import (
    UNANSWERED,
    USUAL_POLICY,
    RefreshPolicy,
    RefreshResult,
    is_about_profile,
    requested_refresh_policy,
)
from slack_token_tui.tui.profiles_model import ProfilesModel

if TYPE_CHECKING:
    from slack_token_tui.slack.client import SlackClients
    from slack_token_tui.slack.endpoints import Endpoints
    from slack_token_tui.store.profile import Profile
    from slack_token_tui.tokens.fresh_token import FreshToken
    from slack_token_tui.tokens.verify import Verification

_Result = TypeVar("_Result")

_MIN_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 60.0, 1800.0
"""Bounds of the pause between failed automatic refreshes."""


@dataclass
class _Pause:
    """The time after a failure in which nothing is tried unasked. It doubles with each one."""

    seconds: float = _MIN_PAUSE_SECONDS / 2
    until: float = 0.0

    def extend(self) -> None:
        self.seconds = min(self.seconds * 2, _MAX_PAUSE_SECONDS)
        self.until = time.monotonic() + self.seconds


@dataclass(frozen=True)
class BatchResult:
    """The result of a batch.

    Attributes:
        succeeded: number of profiles that succeeded.
        failed: number of profiles with a problem.
        unreached: problems of the others, for which Slack was not reached.
    """

    succeeded: int
    failed: int
    unreached: Sequence[Problem]


@dataclass
class RefreshScheduler:
    """Scheduler of the refreshes and verifications of all profiles.

    Attributes:
        model: the profiles. Busy profiles and the problems of requests are recorded there.
    """

    model: ProfilesModel
    _pauses: dict[str, _Pause] = field(default_factory=lambda: defaultdict(_Pause))
    _slack_pauses: dict[str, _Pause] = field(default_factory=lambda: defaultdict(_Pause))
    """The same, by the base URL of a Slack that does not answer or has limited the rate."""
    _breakers: CircuitBreakers = field(default_factory=CircuitBreakers)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _requests: dict[tuple[object, ...], asyncio.Future[Any]] = field(default_factory=dict)
    """The requests in progress. The event loop has only weak references to tasks."""
    _waiting: Counter[str] = field(default_factory=Counter)
    """How many requests of a profile are waiting or running."""
    _clients: SlackClients | None = None

    def due_names(self, first: str | None = None) -> list[str]:
        """Return the profiles to refresh automatically now: due, not busy, no recent failure, as many as can start.

        Args:
            first: name of the profile to refresh before the others.
        """
        now, chosen = time.monotonic(), []
        slacks = {profile.name: profile.endpoints for profile in self.model.profiles}
        free = {one.base: self._breakers.get(one).free_refreshes for one in slacks.values()}
        for name in sorted(self.model.due_names, key=lambda name: name != first):
            base = slacks[name].base
            is_paused = max(self._pauses[name].until, self._slack_pauses[base].until) > now
            if name not in self.model.busy and not is_paused and free[base] > 0:
                chosen.append(name)
                free[base] -= 1
        return chosen[: max(0, MAX_REFRESHES - len(self.model.busy))]

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
        return await self._refresh(name, policy, self._slot(name, spends=True), is_requested=is_requested)

    async def _refresh(
        self, name: str, policy: RefreshPolicy, slot: AbstractAsyncContextManager[None], *, is_requested: bool
    ) -> RefreshResult:
        from slack_token_tui.tokens.refresh import refresh
        from slack_token_tui.tokens.refresh_worker import refresh_in_child

        store, now = self.model.store, self.model.now
        work = partial(refresh, store, name, policy, refresh_in_child, is_requested=is_requested, now=now)
        try:
            result = await self._run((name, policy, is_requested), partial(run_in_daemon_thread, work), slot)
        except Problem as problem:
            self._pauses[name].extend()
            if endpoints := self._endpoints_of(name):
                pause = self._slack_pauses[endpoints.base]
                if problem.code in UNANSWERED:
                    pause.extend()
                elif problem.code == "ratelimited":
                    pause.until = time.monotonic() + float(problem.facts.get("retry_after", _MIN_PAUSE_SECONDS))
            raise
        self._pauses.pop(name, None)
        self._slack_pauses.pop(result.profile.endpoints.base, None)
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
        return await self._verify(name, self._slot(name, spends=self._is_due(name)))

    async def _verify(self, name: str, slot: AbstractAsyncContextManager[None]) -> Verification:
        from slack_token_tui.tokens.refresh_worker import refresh_in_child
        from slack_token_tui.tokens.verify import verify

        work = partial(verify, self.model.store, name, refresh_in_child, self.model.now, clients=self._get_clients())
        verification = await self._run((name, "verify"), work, slot)
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
        slot = self._slot(name, spends=True)
        fresh = await self._run((name, "token"), partial(run_in_daemon_thread, work), slot)
        self._record_problem(name, fresh.result.problem)
        return fresh

    def _record_problem(self, name: str, problem: Problem | None) -> None:
        """Show that a refresh failed although the token still works."""
        if problem is not None:
            self.model.record_problem(name, problem.with_facts(name=name))
            self.model.load_one(name)

    async def verify_all(self, names: Sequence[str], progress: Callable[[int], None]) -> BatchResult:
        """Verify many profiles. See :class:`slack_token_tui.tokens.batch.Batch`.

        Args:
            names: profile names.
            progress: called with the number of names that are done.
        """
        return await self._run_batch(
            names,
            lambda name: self._verify(name, nullcontext()),
            lambda profile: USUAL_POLICY.wants(profile, self.model.now()),
            progress,
        )

    async def refresh_all(
        self, names: Sequence[str], policy: RefreshPolicy, progress: Callable[[int], None]
    ) -> BatchResult:
        """Refresh many profiles because the user asked for it. See :class:`slack_token_tui.tokens.batch.Batch`.

        Args:
            names: profile names.
            policy: when to refresh one.
            progress: called with the number of names that are done.
        """
        return await self._run_batch(
            names,
            lambda name: self._refresh(name, policy, nullcontext(), is_requested=True),
            lambda profile: requested_refresh_policy(profile, policy).wants(profile, self.model.now()),
            progress,
        )

    async def _run_batch(
        self,
        names: Sequence[str],
        do: Callable[[str], Awaitable[object]],
        spends: Callable[[Profile], bool],
        progress: Callable[[int], None],
    ) -> BatchResult:
        from slack_token_tui.tokens.batch import Batch

        outcomes: dict[str, object] = {}

        def report(name: str, outcome: object) -> None:
            outcomes[name] = outcome
            progress(len(outcomes))

        def problem_of(result: object) -> Problem | None:
            return getattr(result, "refresh_problem", None)

        batch = Batch(self.model.store, do, report, spends=spends, breakers=self._breakers, problem_of=problem_of)
        await batch.run(names)
        problems = [outcome for outcome in outcomes.values() if isinstance(outcome, Problem)]
        unreached = [problem for problem in problems if not is_about_profile(problem)]
        return BatchResult(len(outcomes) - len(problems), len(problems) - len(unreached), unreached)

    def _endpoints_of(self, name: str) -> Endpoints | None:
        return next((profile.endpoints for profile in self.model.profiles if profile.name == name), None)

    def _is_due(self, name: str) -> bool:
        now = self.model.now()
        return any(profile.name == name and USUAL_POLICY.wants(profile, now) for profile in self.model.profiles)

    @asynccontextmanager
    async def _slot(self, name: str, *, spends: bool) -> AsyncIterator[None]:
        """Wait until a request about profile ``name`` may be sent, and learn from its end whether Slack answers."""
        endpoints = self._endpoints_of(name)
        if endpoints is None:
            yield
            return
        breaker = self._breakers.get(endpoints)
        async with breaker.slot(spends=spends):
            began_at = asyncio.get_running_loop().time()
            try:
                yield
            except Problem as problem:
                if problem.code in UNANSWERED:
                    breaker.failed()
                raise
            if spends:
                breaker.succeeded(began_at)

    async def close(self) -> None:
        """Close the connections to Slack."""
        if self._clients is not None:
            await self._clients.aclose()

    def _get_clients(self) -> SlackClients:
        from slack_token_tui.slack.client import SlackClients

        self._clients = self._clients or SlackClients()
        return self._clients

    async def _run(
        self,
        request: tuple[str, *tuple[object, ...]],
        work: Callable[[], Awaitable[_Result]],
        slot: AbstractAsyncContextManager[None],
    ) -> _Result:
        """Run ``work`` in ``slot`` and return its result. One runs at a time for a profile.

        Cancellation stops the wait only. The work continues, and its result is reported.

        Args:
            request: the profile name and what tells one kind of request from another. If the same request is in
                progress, its result is returned.
            work: called when it may run.
            slot: waits until the request may be sent.

        Raises:
            Problem: ``work`` raised it, or raised something unexpected.
        """
        task: asyncio.Future[_Result] | None = self._requests.get(request)
        if task is None:
            self._requests[request] = task = asyncio.ensure_future(self._run_in_slot(request[0], work, slot))
            task.add_done_callback(lambda done: self._requests.pop(request))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # the caller may be gone
        return await asyncio.shield(task)

    async def _run_in_slot(
        self, name: str, work: Callable[[], Awaitable[_Result]], slot: AbstractAsyncContextManager[None]
    ) -> _Result:
        self._waiting[name] += 1
        self._set_busy(name)
        problem: Problem | None = None
        try:
            async with self._locks.setdefault(name, asyncio.Lock()), slot:
                return await work()
        except Problem as error:
            problem = error.with_facts(name=name)
            raise problem from None
        except Exception as error:  # a bug is shown like any other problem
            problem = Problem("unexpected", detail=error_location(error))
            raise problem from None
        finally:
            self._waiting[name] -= 1
            if problem is None or problem.kind is not Kind.NOT_FOUND:  # a removed profile leaves the list
                self.model.record_problem(name, problem)
            self._set_busy(name)

    def _set_busy(self, name: str) -> None:
        if self._waiting[name]:
            self.model.busy.add(name)
        else:
            self.model.busy.discard(name)
        self.model.load_one(name)
