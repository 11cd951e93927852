"""Fixtures of all tests: a clean environment, an empty directory of profiles, and a practice Slack."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from slack_token_tui.desktop import clipboard, clipboard_probe, environment
from slack_token_tui.practice.models import CLIENT_ID, App
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.slack.endpoints import Endpoints, EndpointVariant
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from tests.support.chromium import start_chromium
from tests.support.cli import make_login_arguments
from tests.support.clipboard import run_tmux_server, run_x_server
from tests.support.ports import find_free_ports
from tests.support.practice import DelayedExchange
from tests.support.rounds import Rounds
from tests.support.servers import RawServer, StartServer, run_silent_server

if TYPE_CHECKING:
    from selenium import webdriver

MACHINE_VARIABLES = (
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
"""Environment variables of this machine that would change what a test sees."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--exhaustive", action="store_true", help="run the long tests with their full numbers")


def pytest_configure() -> None:
    # A job that was started in the background, as in CI, ignores signals, and child processes would inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGHUP", "SIGTERM", "SIGQUIT", "SIGTSTP"):
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    # No deadline, because the time of an example depends on the machine. The same examples each time, for CI.
    settings.register_profile(
        "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None, derandomize=True
    )
    settings.load_profile("suite")


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Rounds:
    """Choose how often a long test repeats itself."""
    return Rounds(request)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    lines = [value for report in reports for key, value in report.user_properties if key == "report"]
    skipped = [f"not run: {report.nodeid}: {report.longrepr[2]}" for report in terminalreporter.getreports("skipped")]
    if lines or skipped:
        terminalreporter.section(
            "what the long tests saw" + (", full numbers" if config.getoption("--exhaustive") else "")
        )
        for line in [*sorted(set(lines)), *skipped]:
            terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in MACHINE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLACK_TOKEN_TUI_HOME", str(tmp_path / "home"))
    # Tests expect an ordinary machine, even if they run in a container.
    monkeypatch.setattr(environment, "CONTAINER_FILES", (str(tmp_path / "docker"), str(tmp_path / "podman")))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the directory of profiles, which does not exist yet."""
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> ProfileStore:
    """Return the store of ``home``."""
    return ProfileStore(home)


@pytest.fixture
def redirect_uris() -> tuple[str, ...]:
    """Return redirect URLs on three free ports."""
    return tuple(f"http://localhost:{port}/callback" for port in find_free_ports(3))


@pytest.fixture
def workspace(redirect_uris: tuple[str, ...]) -> Workspace:
    """Return the data of the practice Slack. Its app is registered with ``redirect_uris``."""
    return Workspace(apps=[App(redirect_urls=redirect_uris)])


@pytest.fixture
def slack(workspace: Workspace) -> Iterator[PracticeSlack]:
    """Run a practice Slack with ``workspace``."""
    with PracticeSlack(workspace) as running:
        yield running


@pytest.fixture
def app(slack: PracticeSlack, redirect_uris: tuple[str, ...]) -> SlackApp:
    """Return the app of the practice Slack, ready to sign in with."""
    return SlackApp(
        CLIENT_ID, Endpoints(slack.base, EndpointVariant.V2_USER), redirect_uris, ("users:read", "channels:read")
    )


@pytest.fixture
def child_environment(home: Path) -> dict[str, str]:
    """Return the environment for child processes: ``home``, and nothing of this machine's desktop or network."""
    saved = {name: value for name, value in os.environ.items() if name not in MACHINE_VARIABLES}
    return {**saved, "SLACK_TOKEN_TUI_HOME": str(home)}


@pytest.fixture
def login_arguments(slack: PracticeSlack, redirect_uris: tuple[str, ...]) -> list[str]:
    """Return arguments for a ``login`` at the practice Slack that opens no browser."""
    return [*make_login_arguments(slack.base, redirect_uris), "--no-browser"]


@pytest.fixture
def delayed_exchange(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[DelayedExchange]:
    """Hold the response to a code exchange after Slack has issued the token, until the test lets it go."""
    delayed = DelayedExchange(threading.Event(), threading.Event())
    exchange = workspace.exchange

    def exchange_late(*arguments: Any) -> dict[str, object]:
        response = exchange(*arguments)
        delayed.token_issued.set()
        delayed.may_respond.wait(30)
        return response

    monkeypatch.setattr(workspace, "exchange", exchange_late)
    yield delayed
    delayed.may_respond.set()


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """Start servers that answer every request with the given bytes. They are closed at the end of the test."""
    servers: list[RawServer] = []

    def start(response: bytes) -> RawServer:
        servers.append(RawServer(response))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def silent_server_url() -> Iterator[str]:
    """Run a server that accepts connections and never responds. Return its URL."""
    with run_silent_server() as url:
        yield url


@pytest.fixture
def x_display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run an X server that ``$DISPLAY`` names."""
    if not shutil.which("Xvfb") or not shutil.which("xclip"):
        pytest.skip("LOUD: no Xvfb or xclip here, so no real X11 clipboard")
    # How long the tools take says something about the machine, not about the clipboard.
    monkeypatch.setattr(clipboard, "COPY_TIMEOUT_SECONDS", 60)
    monkeypatch.setattr(clipboard, "CHECK_TIMEOUT_SECONDS", 60)
    monkeypatch.setattr(clipboard_probe, "TIMEOUT_SECONDS", 60)
    with run_x_server() as name:
        monkeypatch.setenv("DISPLAY", name)
        yield name


@pytest.fixture
def tmux(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """Run a tmux server that ``$TMUX`` names. Return the command that talks to it."""
    if not shutil.which("tmux"):
        pytest.skip("LOUD: no tmux here")
    socket = tmp_path / "tmux"
    with run_tmux_server(socket) as command:
        monkeypatch.setenv("TMUX", f"{socket},1,0")
        yield command


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    """Run a headless Chromium. Tests that use it need the mark ``skip_without("chromium", "chromedriver")``."""
    driver = start_chromium(tmp_path / "chromium")
    yield driver
    driver.quit()
