"""``asyncio.run()`` whose DNS lookups use daemon threads, so that a hung resolver cannot delay exit."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

_Result = TypeVar("_Result")


def run(coroutine: Coroutine[Any, Any, _Result]) -> _Result:
    """Run ``coroutine`` like :func:`asyncio.run`, but do not wait for unfinished DNS lookups.

    :func:`asyncio.run` waits for its resolver thread, which neither a timeout nor Ctrl+C can stop. If a name server
    does not respond, a lock would be held for all that time.
    """
    with asyncio.Runner(loop_factory=_DaemonResolverLoop) as runner:
        return runner.run(coroutine)


class _DaemonResolverLoop(asyncio.SelectorEventLoop):
    """An event loop that runs DNS lookups in daemon threads, which it does not wait for."""

    async def getaddrinfo(self, *args: Any, **kwargs: Any) -> Any:
        future: asyncio.Future[Any] = self.create_future()

        def resolve() -> None:
            try:
                addresses, error = socket.getaddrinfo(*args, **kwargs), None
            except OSError as failure:
                addresses, error = None, failure
            with suppress(RuntimeError):  # the loop has been closed in the meantime
                self.call_soon_threadsafe(set_result, addresses, error)

        def set_result(addresses: Any, error: OSError | None) -> None:
            if not future.done():
                future.set_exception(error) if error else future.set_result(addresses)

        threading.Thread(target=resolve, daemon=True).start()
        return await future


async def run_in_daemon_thread(work: Callable[..., _Result], *arguments: object) -> _Result:
    """Run ``work`` in a daemon thread and return its result. Cancellation leaves the thread running.

    Not :func:`asyncio.to_thread`: threads of an executor hold up the exit of the program until they are done.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_Result] = loop.create_future()

    def run_work() -> None:
        try:
            result, error = work(*arguments), None
        except BaseException as failure:
            result, error = None, failure
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(set_result, result, error)

    def set_result(result: Any, error: BaseException | None) -> None:
        if not future.done():
            future.set_exception(error) if error is not None else future.set_result(result)

    threading.Thread(target=run_work, daemon=True).start()
    return await future
