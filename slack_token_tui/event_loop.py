"""The event loop of every command, notebook and screen. Its threads never delay the end of the program.

An executor's threads would: the interpreter waits for them at exit, and neither a timeout nor Ctrl+C can stop a thread
that waits for a lock, a keyring or a name server.
"""

from __future__ import annotations

import asyncio
import atexit
import errno
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

_COMPLETION_THREAD_NAME = "slack-token-tui: to completion"
_Result = TypeVar("_Result")
_Arguments = TypeVarTuple("_Arguments")

if sys.platform == "win32" and not TYPE_CHECKING:
    _PlatformEventLoop = asyncio.ProactorEventLoop  # the other one has no child processes
else:
    _PlatformEventLoop = asyncio.SelectorEventLoop


class EventLoop(_PlatformEventLoop):
    """An event loop whose default executor, and so ``asyncio.to_thread()`` and DNS lookups, uses daemon threads."""

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Arguments], _Result], *args: *_Arguments
    ) -> asyncio.Future[_Result]:
        """Run ``func`` in a daemon thread, unless an executor is given."""
        if executor is not None:
            return super().run_in_executor(executor, func, *args)
        return _start_thread(self, func, args, daemon=True)


def run(coroutine: Coroutine[Any, Any, _Result]) -> _Result:
    """Run ``coroutine`` like :func:`asyncio.run`, but do not wait for threads when it has ended."""
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        return runner.run(coroutine)


async def run_to_completion(work: Callable[..., _Result], *arguments: object) -> _Result:
    """Run ``work`` in a thread that the end of the program waits for, because stopping halfway would do damage.

    Cancellation leaves the thread running.
    """
    result: _Result = await _start_thread(asyncio.get_running_loop(), work, arguments, daemon=False)
    return result


def complete(work: Callable[[], _Result]) -> _Result:
    """Run ``work`` in a thread that the end of the program waits for, and return its result.

    An interrupt ends this call, but ``work`` continues. This works with and without an event loop.

    Raises:
        OSError: the machine can't start another thread.
    """
    future: Future[_Result] = Future()

    def run_work() -> None:
        try:
            future.set_result(work())
        except BaseException as failure:
            future.set_exception(failure)

    _start_completion_thread(run_work)
    return future.result()


async def run_in_daemon_thread(work: Callable[..., _Result], *arguments: object) -> _Result:
    """Run ``work`` in a daemon thread and return its result. Cancellation leaves the thread running.

    This works on any event loop. On ours, :func:`asyncio.to_thread` does the same.
    """
    result: _Result = await _start_thread(asyncio.get_running_loop(), work, arguments, daemon=True)
    return result


async def run_uninterrupted(work: Callable[..., _Result], *arguments: object) -> _Result:
    """Run ``work`` in a daemon thread and return its result, also if this is canceled meanwhile."""
    return await wait_until_done(asyncio.ensure_future(run_in_daemon_thread(work, *arguments)))


async def wait_until_done(future: asyncio.Future[_Result]) -> _Result:
    """Await ``future`` to completion, swallowing cancellation: its result must not be lost."""
    while True:
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if future.cancelled():  # the event loop is shutting down
                raise


def has_unfinished_work() -> bool:
    """Return whether the program's end waits for a thread of :func:`run_to_completion`."""
    return any(thread.name == _COMPLETION_THREAD_NAME for thread in threading.enumerate())


def _start_thread(
    loop: asyncio.AbstractEventLoop, work: Callable[..., Any], arguments: tuple[Any, ...], *, daemon: bool
) -> asyncio.Future[Any]:
    """Start a thread and return the future of its result."""
    future: asyncio.Future[Any] = loop.create_future()

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

    if daemon:
        threading.Thread(target=run_work, daemon=True).start()
    else:
        _start_completion_thread(run_work)
    return future


def _start_completion_thread(work: Callable[[], None]) -> None:
    """Start a thread that the end of the program waits for, also after a second Ctrl+C."""

    def wait() -> None:
        # The interpreter has stopped waiting for its threads by now: a second Ctrl+C ends that.
        if thread.is_alive():
            with suppress(ValueError):  # not the main thread
                signal.signal(signal.SIGINT, signal.SIG_IGN)
            thread.join()

    def run_work() -> None:
        try:
            work()
        finally:
            atexit.unregister(wait)

    thread = threading.Thread(target=run_work, name=_COMPLETION_THREAD_NAME)
    try:
        thread.start()
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, str(error)) from None
    atexit.register(wait)
