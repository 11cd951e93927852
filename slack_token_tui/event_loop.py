"""Runs what asks Slack from a program without a loop of its own, and ends when its deadline says so."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

_Answer = TypeVar("_Answer")


def run(asking: Coroutine[Any, Any, _Answer]) -> _Answer:
    """Do what :func:`asyncio.run` does, but leave a name that is looked up for too long behind.

    asyncio.run waits for its resolver's thread, which no deadline and no Ctrl+C ends: with a name server that does not
    answer, a lock would be held for as long as that takes.
    """
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(asking)


class _Loop(asyncio.SelectorEventLoop):
    """Looks names up in threads that nobody waits for."""

    async def getaddrinfo(self, *question: Any, **details: Any) -> Any:
        answer: asyncio.Future[Any] = self.create_future()

        def look_up() -> None:
            try:
                found, error = socket.getaddrinfo(*question, **details), None
            except OSError as refused:
                found, error = None, refused
            with suppress(RuntimeError):  # the loop has ended meanwhile
                self.call_soon_threadsafe(tell, found, error)

        def tell(found: Any, error: OSError | None) -> None:
            if not answer.done():
                answer.set_exception(error) if error else answer.set_result(found)

        threading.Thread(target=look_up, daemon=True).start()
        return await answer
