"""Run a use case for many profiles, a few at a time for each Slack. Stop when continuing could lose tokens.

A refresh token that was sent without a response may be spent. After a lost response, a probe that uses no token decides
whether to continue. A second lost response stops the batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from slack_token_tui.problems import Problem, error_location
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.circuit_breaker import CircuitBreaker, CircuitBreakers
from slack_token_tui.tokens.refresh_result import UNANSWERED

_Result = TypeVar("_Result")
Report = Callable[[str, Any], object]
"""Callback for each finished profile: its name, and its result or Problem."""

_PATIENCE_SECONDS = 90.0
"""How long to retry rate-limited requests without any success. Slack's limits are per minute."""
_USUAL_LIMIT_SECONDS = 60.0
"""Assumed duration of a rate limit without ``Retry-After``."""


@dataclass(frozen=True)
class _Item:
    """A profile of the batch, its circuit breaker, and whether its request spends a refresh token."""

    profile: Profile
    breaker: CircuitBreaker
    spends: bool

    @property
    def rate_limit(self) -> tuple[str, ...]:
        """Key of the rate limit: Slack limits each method per team and app."""
        profile = self.profile
        method = profile.endpoints.exchange_method if self.spends else "auth.test"
        return profile.endpoints.base, profile.team_id or profile.enterprise_id or "", profile.client_id, method


class Batch(Generic[_Result]):
    """Run ``do`` for many profiles.

    Rate limits are respected for each Slack, team, app and method. A profile waits as long as Slack asks and is then
    retried, until nothing has succeeded for 90 seconds. Other profiles do not wait.
    """

    def __init__(
        self,
        store: ProfileStore,
        do: Callable[[str], Awaitable[_Result]],
        report: Report,
        *,
        spends: Callable[[Profile], bool],
        breakers: CircuitBreakers,
        problem_of: Callable[[_Result], Problem | None] = lambda _: None,
    ) -> None:
        """
        Args:
            store: the store that holds the profiles.
            do: called with the name of a profile. Raises a Problem if it failed.
            report: called with the name and the result or problem when a profile is finished.
                ``batch_left_alone`` is the problem of a skipped profile.
            spends: returns whether ``do`` would spend the refresh token of a profile.
            breakers: the circuit breakers, which limit the requests to each Slack.
            problem_of: returns why the token was not refreshed in a successful result, or None.
        """
        self._store = store
        self._do = do
        self._report = report
        self._spends = spends
        self._breakers = breakers
        self._problem_of = problem_of
        self._checking = asyncio.Lock()
        self._probed: set[CircuitBreaker] = set()
        self._given_up: dict[CircuitBreaker, Problem] = {}
        self._limits: dict[tuple[str, ...], tuple[float, Problem]] = {}
        """Maps each rate limit to its end time and the problem that reported it."""
        self._patience_seconds = self._give_up_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopped = False

    async def run(self, names: Sequence[str]) -> None:
        """Run the batch for ``names``. After :meth:`stop`, this returns once the started work is finished."""
        # For a single profile, report at once when to try again.
        self._patience_seconds = _PATIENCE_SECONDS if len(names) > 1 else 0.0
        self._give_up_at = asyncio.get_running_loop().time() + self._patience_seconds
        items, unreadable = await asyncio.to_thread(self._read, names)
        async with asyncio.TaskGroup() as group:
            for name in unreadable:
                self._start(group, partial(self._run_unreadable, name))
            # Requests that spend nothing come first: they detect an unreachable Slack without risk.
            for item in sorted(items, key=lambda item: item.spends):
                self._start(group, partial(self._run_one, item))

    def stop(self) -> None:
        """Start no more work, and cancel what can be canceled."""
        self._is_stopped = True
        for task in self._tasks:
            task.cancel()

    def _read(self, names: Iterable[str]) -> tuple[list[_Item], list[str]]:
        items, unreadable = [], []
        for name in dict.fromkeys(names):
            try:
                profile = self._store.read(name)
            except Problem:  # ``do`` will report why
                unreadable.append(name)
            else:
                items.append(_Item(profile, self._breakers.get(profile.endpoints), self._spends(profile)))
        return items, unreadable

    def _start(self, group: asyncio.TaskGroup, work: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            try:
                await work()
            except asyncio.CancelledError:
                if not self._is_stopped:
                    raise

        task = group.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._is_stopped:
            task.cancel()

    async def _run_unreadable(self, name: str) -> None:
        self._report(name, await self._try(name))

    async def _try(self, name: str) -> _Result | Problem:
        try:
            return await self._do(name)
        except Problem as problem:
            return problem
        except Exception as error:  # a bug with one profile must not stop the others
            return Problem("unexpected", detail=error_location(error))

    async def _run_one(self, item: _Item) -> None:
        name, clock = item.profile.name, asyncio.get_running_loop().time
        while True:
            limited_until, limit = self._limits.get(item.rate_limit, (0.0, None))
            if limit is not None and limited_until > self._give_up_at:
                self._report(name, limit)  # it would be rate limited too
                return
            await asyncio.sleep(max(0.0, limited_until - clock()))
            async with item.breaker.slot(spends=item.spends):
                if self._limits.get(item.rate_limit, (0.0, None))[0] > clock():  # another one was limited meanwhile
                    continue
                if (reason := self._given_up.get(item.breaker)) is not None:
                    host = item.breaker.endpoints.host
                    self._report(name, Problem("batch_left_alone", name=name, host=host, detail=reason.code))
                    return
                began_at = clock()
                outcome = await self._try(name)
                problem = outcome if isinstance(outcome, Problem) else self._problem_of(outcome)
                if self._is_stopped and problem is not None and problem.code == "refresh_stopped":
                    return
                if not self._is_stopped:
                    await self._react(item, problem, began_at)
            is_limited = isinstance(outcome, Problem) and outcome.code == "ratelimited"
            if not is_limited or self._is_stopped or self._limits[item.rate_limit][0] > self._give_up_at:
                self._report(name, outcome)
                return

    async def _react(self, item: _Item, problem: Problem | None, began_at: float) -> None:
        """Update the limits and circuit breakers for the other profiles."""
        clock = asyncio.get_running_loop().time
        if problem is None:
            self._give_up_at = clock() + self._patience_seconds
            if item.spends:
                item.breaker.succeeded(began_at)
        elif problem.code in UNANSWERED:
            await self._check(item.breaker, problem, began_at)
        elif problem.code == "ratelimited":
            self._limits[item.rate_limit] = (
                clock() + float(problem.facts.get("retry_after", _USUAL_LIMIT_SECONDS)),
                problem,
            )

    async def _check(self, breaker: CircuitBreaker, problem: Problem, began_at: float) -> None:
        """Check whether Slack still responds. If not, or after a second lost response, skip the rest."""
        async with self._checking:
            if breaker in self._given_up or began_at < breaker.answered_at:
                return
            breaker.failed()
            is_second = breaker in self._probed
            self._probed.add(breaker)
            if is_second or not await breaker.probe():
                self._given_up[breaker] = problem
