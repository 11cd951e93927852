"""Run a use case for many profiles: a few at a time for each Slack, and no further where that would do harm.

A refresh token that was sent and not answered may be spent. So profiles that are due are refreshed one at a time until
Slack has answered once, and none is sent after an answer was lost, unless Slack answers a request that costs nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, TypeVarTuple

from slack_token_tui.problems import Problem
from slack_token_tui.slack.client import SlackClient
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.errors import SlackError
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh_result import MAX_REFRESHES, UNANSWERED

_Result = TypeVar("_Result")
_Arguments = TypeVarTuple("_Arguments")
Report = Callable[[str, Any], object]
"""Called with the name of a profile that is done, and its result or Problem."""

MAX_REQUESTS = 8
"""How many requests that cost nothing may be on their way to one Slack."""
_MAX_RETRY_AFTER_SECONDS = 60
"""The longest ``Retry-After`` to wait for. Slack's limits are per minute."""
_PATIENCE_SECONDS = 60.0
"""How long limited requests are sent again without any success."""
_PROBE_DEADLINE_SECONDS = 10.0


@dataclass
class _Slots:
    """How many may run at once. Like a semaphore, but ``width`` can change."""

    width: int
    _active: int = 0
    _waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    async def __aenter__(self) -> None:
        while self._active >= self.width:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                self.wake()  # it may have been this one's turn
                raise
            finally:
                with suppress(ValueError):
                    self._waiting.remove(turn)
        self._active += 1

    async def __aexit__(self, *_: object) -> None:
        self._active -= 1
        self.wake()

    def wake(self) -> None:
        """Let as many continue as there are free slots."""
        for turn in list(self._waiting)[: max(0, self.width - self._active)]:
            if not turn.done():
                turn.set_result(None)


@dataclass
class _Slack:
    """One Slack, and whether it answers.

    Attributes:
        endpoints: where it is.
        slots: how many profiles may be worked on at once.
        problem: why the rest is left alone, or None.
        answered_at: when it answered a probe after a lost answer, on the event loop's clock. 0 if there was none.
    """

    endpoints: Endpoints
    slots: _Slots = field(default_factory=lambda: _Slots(1))
    problem: Problem | None = None
    answered_at: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def check(self, problem: Problem, began_at: float) -> None:
        """Find out whether to go on after ``problem`` with a request that began at ``began_at``.

        Only one profile is worked on after a probe, until one succeeds. A second lost answer ends it for good.
        """
        async with self._lock:
            if self.problem is not None or began_at < self.answered_at:
                return
            self.slots.width = 1  # the caller has it, so that nothing starts meanwhile
            if self.answered_at or not await self._answers():
                self.problem = problem
            self.answered_at = asyncio.get_running_loop().time()

    async def _answers(self) -> bool:
        """Return whether Slack answers a request without a token. Slack: auth.test."""
        try:
            async with SlackClient(self.endpoints, _PROBE_DEADLINE_SECONDS) as client:
                await client.check_connectivity()
        except SlackError:
            return False
        return True


class Batch(Generic[_Result]):
    """Run ``do`` for many profiles.

    Rate limits are respected for each Slack, team, app and method: a profile waits as long as Slack asks and is tried
    again, until nothing has succeeded for a minute. Others do not wait.
    """

    def __init__(
        self,
        store: ProfileStore,
        do: Callable[[str], Awaitable[_Result]],
        report: Report,
        *,
        spends: Callable[[Profile], bool],
    ) -> None:
        """
        Args:
            store: the store that holds the profiles.
            do: called with the name of a profile. Raises a Problem if it failed.
            report: called with the name and the result or problem, when a profile is done.
                ``batch_left_alone`` is the problem of one that was not tried.
            spends: whether ``do`` would spend the refresh token of a profile.
        """
        self._store = store
        self._do = do
        self._report = report
        self._spends = spends
        self._paused_until: dict[tuple[str, ...], float] = {}
        self._patience_seconds = self._give_up_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopped = False

    async def run(self, names: Sequence[str]) -> None:
        """Run it for ``names``. After :meth:`stop`, this returns when what had begun has ended."""
        # A person who asks about one profile rather reads at once when to try again.
        self._patience_seconds = _PATIENCE_SECONDS if len(names) > 1 else 0.0
        self._give_up_at = asyncio.get_running_loop().time() + self._patience_seconds
        groups: dict[str, tuple[_Slack, list[Profile], list[Profile]]] = {}
        readable, unreadable = await asyncio.to_thread(self._read, names)
        for profile in readable:
            endpoints = profile.endpoints
            _, free, spending = groups.setdefault(endpoints.base, (_Slack(endpoints), [], []))
            (spending if self._spends(profile) else free).append(profile)
        async with asyncio.TaskGroup() as group:
            for name in unreadable:
                self._start(group, self._run_without_slack, name)
            for slack, free, spending in groups.values():
                group.create_task(self._run_group(slack, free, spending))

    def stop(self) -> None:
        """Start nothing more. ``do`` is cancelled where it may be."""
        self._is_stopped = True
        for task in self._tasks:
            task.cancel()

    def _read(self, names: Iterable[str]) -> tuple[list[Profile], list[str]]:
        readable, unreadable = [], []
        for name in dict.fromkeys(names):
            try:
                readable.append(self._store.read(name))
            except Problem:  # ``do`` will say why
                unreadable.append(name)
        return readable, unreadable

    async def _run_group(self, slack: _Slack, free: list[Profile], spending: list[Profile]) -> None:
        for profiles, first_width, width in ((free, MAX_REQUESTS, MAX_REQUESTS), (spending, 1, MAX_REFRESHES)):
            slack.slots.width = first_width
            async with asyncio.TaskGroup() as group:
                for profile in profiles:
                    self._start(group, self._run_one, slack, profile, width)

    def _start(
        self, group: asyncio.TaskGroup, work: Callable[[*_Arguments], Awaitable[None]], *arguments: *_Arguments
    ) -> None:
        async def run() -> None:
            try:
                if not self._is_stopped:
                    await work(*arguments)
            except asyncio.CancelledError:
                if not self._is_stopped:
                    raise

        task = group.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_without_slack(self, name: str) -> None:
        try:
            outcome: _Result | Problem = await self._do(name)
        except Problem as problem:
            outcome = problem
        self._report(name, outcome)

    async def _run_one(self, slack: _Slack, profile: Profile, width: int) -> None:
        clock = asyncio.get_running_loop().time
        method = "oauth.v2.user.access" if self._spends(profile) else "auth.test"
        limit = (slack.endpoints.base, profile.team_id or profile.enterprise_id or "", profile.client_id, method)
        while True:
            await asyncio.sleep(max(0.0, self._paused_until.get(limit, 0.0) - clock()))
            async with slack.slots:
                if self._is_stopped:
                    return
                if self._paused_until.get(limit, 0.0) > clock():  # another profile was limited meanwhile
                    continue
                if slack.problem is not None:
                    host, code = slack.endpoints.host, slack.problem.code
                    left = Problem("batch_left_alone", name=profile.name, host=host, detail=code)
                    self._report(profile.name, left)
                    return
                began_at = clock()
                try:
                    outcome: _Result | Problem = await self._do(profile.name)
                    slack.slots.width = width
                    self._give_up_at = clock() + self._patience_seconds
                except Problem as problem:
                    outcome = problem
                    if problem.code in UNANSWERED:
                        await slack.check(problem, began_at)
            pause = _retry_after_seconds(outcome) if isinstance(outcome, Problem) else None
            if pause is None or clock() + pause > self._give_up_at:
                self._report(profile.name, outcome)
                return
            self._paused_until[limit] = clock() + pause


def _retry_after_seconds(problem: Problem) -> float | None:
    """Return how long to wait before the request that was limited is sent again, or None if it is not."""
    if problem.code != "ratelimited":
        return None
    seconds = float(problem.facts.get("retry_after", _MAX_RETRY_AFTER_SECONDS))
    return seconds if seconds <= _MAX_RETRY_AFTER_SECONDS else None
