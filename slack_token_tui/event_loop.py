"""Runs what asks Slack from a program without a loop of its own, and ends when its deadline says so."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

_Result = TypeVar("_Result")


def run(coroutine: Coroutine[Any, Any, _Result]) -> _Result:
    """Do what :func:`asyncio.run` does, but leave a name that is looked up for too long behind.

    asyncio.run waits for its resolver's thread, which no deadline and no Ctrl+C ends: with a name server that does not
    answer, a lock would be held for as long as that takes.
    """
    with asyncio.Runner(loop_factory=_DaemonResolverLoop) as runner:
        return runner.run(coroutine)


class _DaemonResolverLoop(asyncio.SelectorEventLoop):
    """Looks names up in threads that nobody waits for."""

    async def getaddrinfo(self, *args: Any, **kwargs: Any) -> Any:
        future: asyncio.Future[Any] = self.create_future()

        def resolve() -> None:
            try:
                found, error = socket.getaddrinfo(*args, **kwargs), None
            except OSError as failure:
                found, error = None, failure
            with suppress(RuntimeError):  # the loop has ended meanwhile
                self.call_soon_threadsafe(set_result, found, error)

        def set_result(found: Any, error: OSError | None) -> None:
            if not future.done():
                future.set_exception(error) if error else future.set_result(found)

        threading.Thread(target=resolve, daemon=True).start()
        return await future
