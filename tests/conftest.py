"""What every test starts from: a clean environment, an empty home, and a practice Slack where one is asked for."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from slack_token_tui.desktop import environment
from slack_token_tui.practice.models import CLIENT_ID, App
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.slack.endpoints import Endpoints, EndpointVariant
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from tests.support.ports import free_ports

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
    "PYTHON_KEYRING_BACKEND",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SSH_CLIENT",
    "SSLKEYLOGFILE",
    "COLUMNS",
    "LINES",
    "FORCE_COLOR",
    "XDG_SESSION_TYPE",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--exhaustive", action="store_true", help="run the long tests with their full numbers")


def pytest_configure() -> None:
    """Started in the background, as CI may do, signals are ignored, and every child would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGHUP", "SIGTERM", "SIGQUIT", "SIGTSTP"):
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    # How long an example takes says something about the machine; and the same ones each time make CI repeatable.
    settings.register_profile(
        "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None, derandomize=True
    )
    settings.load_profile("suite")


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
    monkeypatch.setattr(environment, "_CONTAINER_FILES", (str(tmp_path / "docker"), str(tmp_path / "podman")))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> ProfileStore:
    return ProfileStore(home)


def becomes(condition: Callable[[], object], seconds: float = 60) -> bool:
    """Wait for ``condition``; the time limit is only there so that a broken program does not hang the tests."""
    deadline = time.monotonic() + seconds
    while not (is_so := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)  # a poll: files and processes have no event to wait for
    return bool(is_so)


def pressing(url: str, *decision: str) -> threading.Thread:
    """Let somebody press a button on the consent page at ``url``; what became of the browser afterwards is nobody's concern."""

    def press() -> None:
        with suppress(OSError, HTTPException):
            simulate_browser(url, *decision)

    thread = threading.Thread(target=press, daemon=True)
    thread.start()
    return thread


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
    return SlackApp(
        CLIENT_ID, Endpoints(slack.base, EndpointVariant.V2_USER), redirect_uris, ("users:read", "channels:read")
    )


@pytest.fixture
def child_environment(home: Path) -> dict[str, str]:
    """The environment for a process of its own: nothing of this machine's desktop or network."""
    saved = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return {**saved, "SLACK_TOKEN_TUI_HOME": str(home)}


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
