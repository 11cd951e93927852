"""What every test starts from: a clean environment, an empty home, and a practice Slack where one is asked for."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slack_token_tui.desktop import surroundings
from slack_token_tui.keeping.apps import SlackApp
from slack_token_tui.keeping.store import ProfileStore
from slack_token_tui.practice.people import CLIENT_ID, App
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.slack.endpoints import Endpoints, Pair

FOREIGN = (
    "NO_COLOR",
    "TEXTUAL_THEME",
    "BROWSER",
    "SSH_CONNECTION",
    "SSH_TTY",
    "TMUX",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SLACK_TOKEN_PROFILE",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "CODESPACES",
    "REMOTE_CONTAINERS",
    "KUBERNETES_SERVICE_HOST",
    "container",
    "WSL_DISTRO_NAME",
    "WSL_INTEROP",
    "STY",
    "TERM_PROGRAM",
    "VSCODE_INJECTION",
    "JUPYTER_SERVER_ROOT",
    "JUPYTERHUB_USER",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--exhaustive", action="store_true", help="run the long tests with their full numbers")


def pytest_configure() -> None:
    """Started in the background, as CI may do, Ctrl+C is ignored, and every child would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Rounds:
    """How often a long test repeats itself, and what it says at the end."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        self.exhaustive: bool = request.config.getoption("--exhaustive")

    def __call__(self, usual: int, exhaustive: int) -> int:
        return exhaustive if self.exhaustive else usual

    def closing(self, line: str) -> None:
        """Say what was seen, below the tests' own summary."""
        self._request.node.user_properties.append(("closing", line))


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Rounds:
    return Rounds(request)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    lines = [value for report in reports for key, value in report.user_properties if key == "closing"]
    skipped = [f"not run: {report.nodeid}: {report.longrepr[2]}" for report in terminalreporter.getreports("skipped")]
    if lines or skipped:
        terminalreporter.section(
            "what the long tests saw" + (", full numbers" if config.getoption("--exhaustive") else "")
        )
        for line in [*sorted(set(lines)), *skipped]:
            terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLACK_TOKEN_TUI_HOME", str(tmp_path / "home"))
    # Tests run in containers too, and mean an ordinary machine.
    monkeypatch.setattr(surroundings, "_CONTAINER_MARKS", (str(tmp_path / "docker"), str(tmp_path / "podman")))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> ProfileStore:
    return ProfileStore(home)


def free_ports(count: int) -> list[int]:
    held = []
    for _ in range(count):
        one = socket.socket()
        one.bind(("127.0.0.1", 0))
        held.append(one)
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


@pytest.fixture
def redirect_uris() -> tuple[str, ...]:
    return tuple(f"http://localhost:{port}/callback" for port in free_ports(3))


@pytest.fixture
def workspace(redirect_uris: tuple[str, ...]) -> Workspace:
    return Workspace(apps=[App(redirect_urls=redirect_uris)])


@pytest.fixture
def slack(workspace: Workspace) -> Iterator[PracticeSlack]:
    with PracticeSlack(workspace) as running:
        yield running


@pytest.fixture
def app(slack: PracticeSlack, redirect_uris: tuple[str, ...]) -> SlackApp:
    return SlackApp(CLIENT_ID, Endpoints(slack.base, Pair.V2_USER), redirect_uris, ("users:read", "channels:read"))


@pytest.fixture
def child_environment(home: Path) -> dict[str, str]:
    """The environment for a process of its own: nothing of this machine's desktop or network."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return {**kept, "SLACK_TOKEN_TUI_HOME": str(home)}


@pytest.fixture
def exchanging(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Slack has given the token, and its answer is on the way: set then. It arrives when the second one is set."""
    given, arrives = threading.Event(), threading.Event()
    exchange = workspace.exchange

    def late(*arguments: Any) -> dict[str, object]:
        answer = exchange(*arguments)
        given.set()
        arrives.wait(30)
        return answer

    monkeypatch.setattr(workspace, "exchange", late)
    yield given, arrives
    arrives.set()
