"""Compares how long things take with the least that could do the same, in turns on the same machine."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from slack_token_tui.oauth.session import Services, SignInRequest, SignInSession
from slack_token_tui.oauth.state import Phase, SignInState
from slack_token_tui.practice.models import CLIENT_ID, App
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.slack import client
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.circuit_breaker import MAX_REQUESTS
from tests.support.ports import find_free_ports
from tests.support.practice import issue_profiles
from tests.support.profiles import new_sign_in, time_from_now
from tests.support.store import add_profile_files
from tests.support.terminal import Terminal

Measure = Callable[[], float]
MINIMAL_APP = """
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    def compose(self):
        yield Static("the first frame")
Minimal().run()
"""


def measure_in_turns(rounds: int, *measures: Measure) -> list[float]:
    """Take the measures in turns. Return the median of each in milliseconds."""
    taken: list[list[float]] = [[] for _ in measures]
    for measure in measures:
        measure()  # fills the file cache and writes bytecode
    for _ in range(rounds):
        for times, measure in zip(taken, measures, strict=True):
            times.append(measure())
    return [statistics.median(times) * 1000 for times in taken]


def print_result(what: str, ours: float, theirs: float, against: str, aim: float | None = None) -> None:
    ratio = ours / theirs
    verdict = "" if aim is None else f"   aim {aim:.2f}: {'met' if ratio <= aim else 'MISSED'}"
    print(f"{what:<46}{ours:8.1f} ms  {ratio:6.2f} × {against} ({theirs:.1f} ms){verdict}", flush=True)


def time_process(*command: str, home: Path) -> Measure:
    environment = {**os.environ, "SLACK_TOKEN_TUI_HOME": str(home), "GH_TOKEN": "practice"}

    def measure() -> float:
        begin = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, check=True)
        return time.perf_counter() - begin

    return measure


def create_home(directory: Path, count: int) -> Path:
    store = ProfileStore(directory / f"home-{count}")
    store.save_sign_in(*new_sign_in(expires_at=time_from_now(hours=5)))
    add_profile_files(store, "acme", range(1, count))
    return store.home


def time_first_frame(words: str, *command: str, home: Path) -> Measure:
    environment = {**os.environ, "SLACK_TOKEN_TUI_HOME": str(home)}

    def measure() -> float:
        begin = time.perf_counter()
        terminal = Terminal(environment, *command)
        terminal.wait_until(lambda seen: words.encode() in seen)
        taken = time.perf_counter() - begin
        os.kill(terminal.pid, 9)
        terminal.hang_up()
        return taken

    return measure


def measure_commands(directory: Path, rounds: int) -> None:
    program = str(Path(sys.executable).with_name("slack-token-tui"))
    one = create_home(directory, 1)
    measures = [time_process(program, "token", "acme", home=one), time_process(sys.executable, "-c", "pass", home=one)]
    if gh := shutil.which("gh"):
        measures.append(time_process(gh, "auth", "token", home=one))
    ours, bare, *other = measure_in_turns(rounds, *measures)
    print_result("token", ours, bare, "python -c pass", 2.5)
    if other:
        print_result("token", ours, other[0], "gh auth token")
    lists = [time_process(program, "list", home=create_home(directory, count)) for count in (1, 100, 1000)]
    *listed, bare = measure_in_turns(max(5, rounds // 2), *lists, time_process(sys.executable, "-c", "pass", home=one))
    for count, taken in zip((1, 100, 1000), listed, strict=True):
        print_result(f"list with {count} profiles", taken, bare, "python -c pass")


def measure_first_frames(directory: Path, rounds: int) -> None:
    few, many = create_home(directory, 10), create_home(directory, 1000)
    module = ("-m", "slack_token_tui")
    minimal, ours, crowded = measure_in_turns(
        rounds,
        time_first_frame("the first frame", "-c", MINIMAL_APP, home=few),
        time_first_frame("acme", *module, home=few),
        time_first_frame("acme", *module, home=many),
    )
    print_result("first frame with 10 profiles", ours, minimal, "a minimal Textual app", 1.15)
    print_result("first frame with 1,000 profiles", crowded, minimal, "a minimal Textual app", 1.7)


def measure_sign_ins(directory: Path, rounds: int) -> None:
    """Compare the time from the callback to the saved profile with two plain httpx requests to the same server."""
    redirects = tuple(f"http://localhost:{port}/callback" for port in find_free_ports(3))
    with PracticeSlack(Workspace(apps=[App(redirect_urls=redirects)])) as slack:
        store = ProfileStore(directory / "signed-in")
        app = SlackApp(CLIENT_ID, Endpoints(slack.base), redirects, ("users:read",))

        async def sign_in() -> float:
            client._ssl_contexts.clear()  # so that it reads certificates, as the two plain requests do
            times: dict[Phase, float] = {}

            def record(state: SignInState) -> None:
                if state.url is not None and Phase.WAITING not in times:
                    threading.Thread(target=simulate_browser, args=(state.url,), daemon=True).start()
                times.setdefault(state.phase, time.perf_counter())

            request = SignInRequest(app, app.scopes)
            await SignInSession(request, Services(store, open_browser=None), record).run()
            return times[Phase.SAVED] - times[Phase.EXCHANGING]

        async def send_plain_requests() -> float:
            begin = time.perf_counter()
            async with httpx.AsyncClient(trust_env=False) as http:
                await http.post(f"{slack.base}/api/oauth.v2.user.access", data={"code": "x"})
                await http.post(f"{slack.base}/api/auth.test")
            return time.perf_counter() - begin

        ours, theirs = measure_in_turns(
            rounds, lambda: asyncio.run(sign_in()), lambda: asyncio.run(send_plain_requests())
        )
    print_result("callback to saved profile", ours, theirs, "two plain httpx requests", 1.5)


def measure_batch(directory: Path, count: int = 100, seconds: float = 0.2) -> None:
    """Compare ``verify --all`` at a Slack that takes a while with the time of its requests, eight at once."""
    workspace, store = Workspace(), ProfileStore(directory / "batch")
    ask = workspace.auth_test

    def answer_late(bearer: str | None) -> tuple[dict[str, object], tuple[str, ...]]:
        time.sleep(seconds)
        return ask(bearer)

    workspace.auth_test = answer_late  # type: ignore[method-assign]
    with PracticeSlack(workspace) as slack:
        issue_profiles(store, workspace, slack.base, count, hours_left=5)
        command = (sys.executable, "-m", "slack_token_tui", "verify", "--all")
        (ours,) = measure_in_turns(1, time_process(*command, home=store.home))
    ideal = count / MAX_REQUESTS * seconds * 1000
    print_result(f"verify --all, {count} profiles", ours, ideal, "the requests, 8 at once", 2.0)


def measure_idle(directory: Path, seconds: int) -> None:
    """Measure how much of a core an interface takes that nobody touches."""
    module, ticks = ("-m", "slack_token_tui"), os.sysconf("SC_CLK_TCK")
    programs = {
        "a minimal Textual app": (b"the first frame", ("-c", MINIMAL_APP), directory),
        "10 profiles": (b"acme", module, create_home(directory / "idle", 10)),
        "1,000 profiles": (b"acme", module, create_home(directory / "idle", 1000)),
    }
    running = {}
    for name, (words, command, home) in programs.items():
        terminal = Terminal({**os.environ, "SLACK_TOKEN_TUI_HOME": str(home)}, *command)
        terminal.wait_until(lambda seen, wanted=words: wanted in seen)
        running[name] = terminal
    time.sleep(5)  # what follows the first frame
    before = {name: read_cpu_ticks(terminal.pid) for name, terminal in running.items()}
    time.sleep(seconds)
    for name, terminal in running.items():
        share = (read_cpu_ticks(terminal.pid) - before[name]) / ticks / seconds * 100
        verdict = "" if name.startswith("a ") else f"   aim 0.40 %: {'met' if share <= 0.4 else 'MISSED'}"
        print(f"idle for {seconds} s with {name:<24}{share:8.2f} % of a core{verdict}", flush=True)
        os.kill(terminal.pid, 9)
        terminal.hang_up()


def read_cpu_ticks(pid: int) -> int:
    """Return the processor time of a process and its threads, from /proc/PID/stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="how often each is measured (default: 20)")
    parser.add_argument("--idle", type=int, default=60, help="seconds to measure the idle interface (default: 60)")
    options = parser.parse_args()
    rounds, idle_seconds = options.rounds, options.idle
    # An installed program has its bytecode on disk. Without it, the program would be compiled at each start, and Textual
    # would not.
    for name in ("SLACK_TOKEN_PROFILE", "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory() as directory:
        measure_commands(Path(directory), rounds)
        measure_first_frames(Path(directory), rounds)
        measure_sign_ins(Path(directory), rounds)
        measure_batch(Path(directory))
        if Path("/proc/self/stat").exists():
            measure_idle(Path(directory), idle_seconds)


if __name__ == "__main__":
    main()
