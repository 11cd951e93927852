"""The event loop of the program: none of its threads delays the exit, and everything runs on it."""

from __future__ import annotations

import ast
import asyncio
import socket
import threading
from pathlib import Path

import pytest

from slack_token_tui.event_loop import EventLoop, run, run_in_daemon_thread
from tests.support.cli import run_python

SOURCE = Path(__file__).parents[1] / "slack_token_tui"

# Each of them starts a thread that never ends. If the exit waited for it, the program would not end either.
HANGING_CALLS = {
    "to_thread": "asyncio.to_thread(threading.Event().wait)",
    "executor": "loop.run_in_executor(None, threading.Event().wait)",
    "name server": "loop.getaddrinfo('slack.com', 443)",
    "reverse lookup": "loop.getnameinfo(('127.0.0.1', 443))",
    "own": "run_in_daemon_thread(threading.Event().wait)",
}


@pytest.mark.parametrize("call", HANGING_CALLS.values(), ids=HANGING_CALLS.keys())
def test_hanging_thread_does_not_delay_the_exit(call: str) -> None:
    program = (
        "import asyncio, socket, threading\n"
        "from slack_token_tui.event_loop import run, run_in_daemon_thread\n"
        "socket.getaddrinfo = socket.getnameinfo = lambda *_, **__: threading.Event().wait()\n"
        "async def main():\n"
        "    loop = asyncio.get_running_loop()\n"
        f"    task = asyncio.ensure_future({call})\n"
        "    await asyncio.sleep(0.05)\n"
        "    return task.done()\n"
        "print(run(main()))"
    )
    assert run_python(program, check=True).stdout == "False\n"


def test_result_and_error_of_a_thread_reach_the_caller() -> None:
    async def main() -> tuple[int, str, bool]:
        loop = asyncio.get_running_loop()
        with pytest.raises(ValueError, match="invalid literal") as caught:
            await asyncio.to_thread(int, "x")
        is_daemon = await run_in_daemon_thread(lambda: threading.current_thread().daemon)
        addresses = await loop.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)
        return await loop.run_in_executor(None, int, "5"), str(caught.value), is_daemon and bool(addresses)

    assert run(main()) == (5, "invalid literal for int() with base 10: 'x'", True)


def test_daemon_thread_works_on_any_event_loop() -> None:
    assert asyncio.run(run_in_daemon_thread(len, "abc")) == 3


def test_child_processes_work() -> None:
    async def main() -> int:
        process = await asyncio.create_subprocess_exec("true")
        return await process.wait()

    assert run(main()) == 0


def test_result_after_the_loop_has_closed_is_dropped() -> None:
    loop, may_end, ended = EventLoop(), threading.Event(), threading.Event()

    def work() -> None:
        may_end.wait()
        ended.set()

    async def main() -> None:
        asyncio.ensure_future(asyncio.to_thread(work))  # noqa: RUF006 - canceled when the loop closes
        await asyncio.sleep(0)

    loop.run_until_complete(main())
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    may_end.set()
    assert ended.wait(30)


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_everything_runs_on_the_same_kind_of_event_loop(path: Path) -> None:
    if path.name == "event_loop.py" or "practice" in path.parts:
        return
    calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert not {"asyncio.run", "asyncio.new_event_loop", "app.run"} & set(calls)
