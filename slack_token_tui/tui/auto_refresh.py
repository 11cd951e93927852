"""Verifies and refreshes profiles while the TUI is open: one, many with progress, and by itself when a token is due.

Every refresh runs in a process of its own, so that a closed terminal does not end it; what came of it is in the files.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from slack_token_tui.store.atomic_file import StoreError
from slack_token_tui.store.hot_path import ProfileFileError
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore, Unreadable
from slack_token_tui.tokens.refresh_result import TOO_EARLY_SECONDS, RefreshProblem

_AT_ONCE = 4
"""Slack limits how fast it is asked; four at once are below every limit."""
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 60.0, 1800.0
"""Between refreshes by itself that failed."""


@dataclass
class RefreshScheduler:
    """What is going on with whom.

    Attributes:
        store: where the profiles are.
        tell: called whenever something about a profile has changed; with None when it is gone.
        busy: names that Slack is being asked about.
        troubles: what came of the last attempt, by name, where it failed.
    """

    store: ProfileStore
    tell: Callable[[str, Profile | Unreadable | None], None]
    busy: set[str] = field(default_factory=set)
    troubles: dict[str, RefreshProblem] = field(default_factory=dict)
    _pauses: dict[str, tuple[float, float]] = field(default_factory=dict)
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    def due(self, profiles: Iterable[object], now: datetime) -> list[str]:
        """Return the names that should be refreshed by itself now: not busy, and not failed a moment ago."""
        return [
            one.name
            for one in profiles
            if isinstance(one, Profile)
            and one.is_due(now)
            and one.name not in self.busy
            and self._pauses.get(one.name, (0.0, 0.0))[0] <= time.monotonic()
        ]

    async def refresh(self, name: str, *, insist: bool = False, asked: bool = False) -> bool:
        """Refresh profile ``name``; tell whether all is well with it.

        Args:
            name: which.
            insist: also when its refresh token was refused before.
            asked: whether a person did; a token that is an hour old is renewed then.
        """
        from slack_token_tui.tokens.refresh_worker import refresh_in_child_async

        async def work() -> RefreshProblem | None:
            old = await asyncio.to_thread(self.store.read, name)
            if not old.has_refresh_token:
                return RefreshProblem("not_renewable", {"name": name, "detail": ""})
            life = {"min_ttl_seconds": float(TOO_EARLY_SECONDS)} if asked else {}
            renewal = await refresh_in_child_async(self.store, name, insist=insist, **life)
            return renewal.trouble

        fine = await self._watched(name, work)
        if fine:
            self._pauses.pop(name, None)
        else:
            _, last = self._pauses.get(name, (0.0, _FIRST_PAUSE_SECONDS / 2))
            pause = min(last * 2, _LONGEST_PAUSE_SECONDS)
            self._pauses[name] = (time.monotonic() + pause, pause)
        return fine

    async def verify(self, name: str) -> bool:
        """Ask Slack who the token of profile ``name`` speaks for, and write it down; tell whether it is good."""
        from slack_token_tui.tokens import verify

        async def work() -> RefreshProblem | None:
            profile = await asyncio.to_thread(lambda: self.store.with_tokens(self.store.read(name)))
            said = await verify.ask(profile)
            verification = await asyncio.to_thread(verify.note, self.store, profile, said)
            error = verification.error or verification.unnoted
            return None if error is None else RefreshProblem(error.code, {"name": name, **error.facts})

        return await self._watched(name, work)

    async def all_of(
        self, names: list[str], do: Callable[[str], Awaitable[bool]], progress: Callable[[int], None]
    ) -> int:
        """Do ``do`` for all ``names``, some at once; call ``progress`` with how many are done; return how many went well."""
        gate, done, fine = asyncio.Semaphore(_AT_ONCE), 0, 0

        async def one(name: str) -> None:
            nonlocal done, fine
            async with gate:
                went_well = await do(name)
            fine += went_well  # not in one line with the await: others add meanwhile
            done += 1
            progress(done)

        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(one(name))
        return fine

    async def _watched(self, name: str, work: Callable[[], Awaitable[RefreshProblem | None]]) -> bool:
        """Do ``work`` and tell of its beginning and end; one thing at a time for each profile."""
        async with self._turns.setdefault(name, asyncio.Lock()):
            return await self._alone(name, work)

    async def _alone(self, name: str, work: Callable[[], Awaitable[RefreshProblem | None]]) -> bool:
        self.busy.add(name)
        self._tell(name)
        trouble: RefreshProblem | None = None
        gone = False
        try:
            trouble = await work()
        except FileNotFoundError:
            gone = True
        except ProfileFileError as error:
            trouble = RefreshProblem(error.code, {"file": error.path, "detail": error.detail})
        except StoreError as error:
            trouble = RefreshProblem(error.code, {"name": name, **error.facts})
        finally:
            self.busy.discard(name)
            self.troubles.pop(name, None)
            if trouble is not None:
                self.troubles[name] = trouble
            self._tell(name)
        return trouble is None and not gone

    def _tell(self, name: str) -> None:
        entry: Profile | Unreadable | None
        try:
            entry = self.store.read(name)
        except FileNotFoundError:
            entry = None
        except ProfileFileError as error:
            entry = Unreadable(name, error)
        self.tell(name, entry)
