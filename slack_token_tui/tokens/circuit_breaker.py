"""Circuit breaker for one Slack: limits how many requests are in flight.

A refresh token that was sent without a response may be spent. So only one is sent at a time until Slack has responded
to a refresh, and again after a lost response.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slack_token_tui.slack.endpoints import Endpoints

MAX_REFRESHES = 4
"""Maximum number of refreshes in flight to one Slack that responds."""
MAX_REQUESTS = 8
"""Maximum number of requests in flight to one Slack."""
PROBE_DEADLINE_SECONDS = 10.0


class CircuitBreaker:
    """Limits the requests to one Slack. All code that may send many requests shares one instance.

    Attributes:
        endpoints: the endpoints of that Slack.
        answered_at: when it last responded to a probe, on the event loop's clock. 0 if there was no probe.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self.endpoints = endpoints
        self.answered_at = 0.0
        self._answers = False
        self._is_probing = False
        self._active = {True: 0, False: 0}
        """Number of requests in flight, by whether they spend a refresh token."""
        self._waiting: deque[tuple[bool, asyncio.Future[None]]] = deque()

    @property
    def free_refreshes(self) -> int:
        """How many more refresh tokens may be sent now."""
        limit = MAX_REFRESHES if self._answers else 1
        free = min(limit - self._active[True], MAX_REQUESTS - sum(self._active.values()))
        return 0 if self._is_probing else max(0, free)

    @asynccontextmanager
    async def slot(self, *, spends: bool) -> AsyncIterator[None]:
        """Wait until a request may be sent.

        Args:
            spends: whether it spends a refresh token.
        """
        while not self._has_room(spends=spends):
            turn = asyncio.get_running_loop().create_future()
            waiter = (spends, turn)
            self._waiting.append(waiter)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():  # it was this one's turn
                    self._wake()
                raise
            finally:
                with suppress(ValueError):
                    self._waiting.remove(waiter)
        self._active[spends] += 1
        try:
            yield
        finally:
            self._active[spends] -= 1
            self._wake()

    def succeeded(self, began_at: float) -> None:
        """Allow more refreshes at once, because Slack responded to one that began at ``began_at``."""
        if not self._is_probing and began_at >= self.answered_at:
            self._answers = True

    def failed(self) -> None:
        """Allow one refresh at a time, because a response was lost."""
        self._answers = False

    async def probe(self) -> bool:
        """Return whether Slack responds to a request without a token. No other request starts then. Slack: auth.test."""
        from slack_token_tui.slack.client import SlackClient  # deferred: the interface loads no network code
        from slack_token_tui.slack.errors import SlackError

        self._is_probing = True
        try:
            async with SlackClient(self.endpoints, PROBE_DEADLINE_SECONDS) as client:
                await client.check_connectivity()
        except SlackError:
            return False
        else:
            self.answered_at = asyncio.get_running_loop().time()
            return True
        finally:
            self._is_probing = False
            self._wake()

    def _has_room(self, *, spends: bool) -> bool:
        if spends:
            return self.free_refreshes > 0
        return not self._is_probing and sum(self._active.values()) < MAX_REQUESTS

    def _wake(self) -> None:
        """Wake waiting requests for which there is room, in order. Each checks again, because another may be faster."""
        room = {True: self.free_refreshes, False: MAX_REQUESTS - sum(self._active.values())}
        for spends, turn in self._waiting:
            if room[spends] > 0 and not turn.done():
                room[spends] -= 1
                turn.set_result(None)


class CircuitBreakers:
    """The circuit breaker of each Slack, by its base URL."""

    def __init__(self) -> None:
        self._breakers: dict[str, CircuitBreaker] = {}

    def get(self, endpoints: Endpoints) -> CircuitBreaker:
        """Return the circuit breaker of the Slack at ``endpoints``."""
        if endpoints.base not in self._breakers:
            self._breakers[endpoints.base] = CircuitBreaker(endpoints)
        return self._breakers[endpoints.base]
