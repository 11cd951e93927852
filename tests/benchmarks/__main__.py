"""Prints how long things take against the least that could do the same, taking turns so that both meet the same machine."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import httpx

from slack_token_tui.oauth import events
from slack_token_tui.oauth.session import SignInSession
from slack_token_tui.practice.models import CLIENT_ID, App
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.slack import client
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from tests.support.ports import free_ports
from tests.support.profiles import in_, profile
from tests.support.terminal import Terminal

Measure = Callable[[], float]
MINIMAL = """
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    def compose(self):
        yield Static("the first frame")
Minimal().run()
"""


def side_by_side(rounds: int, *measures: Measure) -> list[float]:
    """Return the median of each measure in milliseconds; they take turns."""
    taken: list[list[float]] = [[] for _ in measures]
    for measure in measures:
        measure()  # files into the cache, bytecode onto the disk
    for _ in range(rounds):
        for times, measure in zip(taken, measures, strict=True):
            times.append(measure())
    return [statistics.median(times) * 1000 for times in taken]


def say(what: str, ours: float, theirs: float, against: str, aim: float | None = None) -> None:
    ratio = ours / theirs
    verdict = "" if aim is None else f"   aim {aim:.2f}: {'met' if ratio <= aim else 'MISSED'}"
    print(f"{what:<46}{ours:8.1f} ms  {ratio:6.2f} × {against} ({theirs:.1f} ms){verdict}", flush=True)


def process(*command: str, home: Path) -> Measure:
    environment = {**os.environ, "SLACK_TOKEN_TUI_HOME": str(home), "GH_TOKEN": "practice"}

    def measure() -> float:
        begin = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, env=environment, check=True)
        return time.perf_counter() - begin

    return measure


def home_with(directory: Path, count: int) -> Path:
    store = ProfileStore(directory / f"home-{count}")
    record = json.loads(store.save_sign_in(profile(expires_at=in_(hours=5))).path.read_text())
    for number in range(1, count):
        path = store.path(f"w{number:04}")
        path.write_text(json.dumps({**record, "id": f"{number:032}", "user_id": f"U{number}"}))
        path.chmod(0o600)
    return store.home


def first_frame(words: str, *command: str, home: Path) -> Measure:
    environment = {**os.environ, "SLACK_TOKEN_TUI_HOME": str(home)}

    def measure() -> float:
        begin = time.perf_counter()
        terminal = Terminal(environment, *command)
        terminal.until(lambda seen: words.encode() in seen)
        taken = time.perf_counter() - begin
        os.kill(terminal.pid, 9)
        terminal.hang_up()
        return taken

    return measure


def commands(directory: Path, rounds: int) -> None:
    program = str(Path(sys.executable).with_name("slack-token-tui"))
    one = home_with(directory, 1)
    measures = [process(program, "token", "acme", home=one), process(sys.executable, "-c", "pass", home=one)]
    if gh := shutil.which("gh"):
        measures.append(process(gh, "auth", "token", home=one))
    ours, bare, *other = side_by_side(rounds, *measures)
    say("token", ours, bare, "python -c pass", 2.5)
    if other:
        say("token", ours, other[0], "gh auth token")
    lists = [process(program, "list", home=home_with(directory, count)) for count in (1, 100, 1000)]
    *listed, bare = side_by_side(max(5, rounds // 2), *lists, process(sys.executable, "-c", "pass", home=one))
    for count, taken in zip((1, 100, 1000), listed, strict=True):
        say(f"list with {count} profiles", taken, bare, "python -c pass")


def frames(directory: Path, rounds: int) -> None:
    few, many = home_with(directory, 10), home_with(directory, 1000)
    module = ("-m", "slack_token_tui")
    minimal, ours, crowded = side_by_side(
        rounds,
        first_frame("the first frame", "-c", MINIMAL, home=few),
        first_frame("acme", *module, home=few),
        first_frame("acme", *module, home=many),
    )
    say("first frame with 10 profiles", ours, minimal, "a minimal Textual app", 1.15)
    say("first frame with 1,000 profiles", crowded, minimal, "a minimal Textual app", 1.7)


def sign_ins(directory: Path, rounds: int) -> None:
    """From the callback to the saved profile, against two requests of httpx alone to the same server."""
    redirects = tuple(f"http://localhost:{port}/callback" for port in free_ports(3))
    with PracticeSlack(Workspace(apps=[App(redirect_urls=redirects)])) as slack:
        store = ProfileStore(directory / "signed-in")
        app = SlackApp(CLIENT_ID, Endpoints(slack.base), redirects, ("users:read",))

        async def sign_in() -> float:
            begin = 0.0
            client._ssl_contexts.clear()  # a first sign-in reads its certificates too, as the two bare requests do
            async with aclosing(SignInSession(app, app.scopes, store, open_browser=None).events()) as stream:
                async for event in stream:
                    if isinstance(event, events.BrowserOpening):
                        threading.Thread(target=simulate_browser, args=(event.url,), daemon=True).start()
                    elif isinstance(event, events.Approved):
                        begin = time.perf_counter()
                    elif isinstance(event, events.Saved):
                        return time.perf_counter() - begin
            raise AssertionError("it failed")

        async def bare() -> float:
            begin = time.perf_counter()
            async with httpx.AsyncClient(trust_env=False) as http:
                await http.post(f"{slack.base}/api/oauth.v2.user.access", data={"code": "x"})
                await http.post(f"{slack.base}/api/auth.test")
            return time.perf_counter() - begin

        ours, theirs = side_by_side(rounds, lambda: asyncio.run(sign_in()), lambda: asyncio.run(bare()))
    say("callback to saved profile", ours, theirs, "two bare httpx requests", 1.5)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="how often each is measured (default: 20)")
    rounds = parser.parse_args().rounds
    # An installed program has its bytecode on the disk; compiled anew at each start, it would be measured against a
    # Textual that is not.
    for name in ("SLACK_TOKEN_PROFILE", "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory() as directory:
        commands(Path(directory), rounds)
        frames(Path(directory), rounds)
        sign_ins(Path(directory), rounds)


if __name__ == "__main__":
    main()
