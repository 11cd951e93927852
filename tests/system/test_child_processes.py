"""Child processes of a program that has this package in an unusual place, or that is not a Python interpreter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import threading
import venv
import zipapp
import zipfile
from pathlib import Path

import pytest

import slack_token_tui
from slack_token_tui import interpreter
from slack_token_tui.desktop import clipboard
from slack_token_tui.desktop.clipboard_clearing import read_clipboard
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.problems import Problem
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.refresh_worker import refresh_in_child
from tests.support.clipboard import CLIPBOARD_TOKEN, RecordingTerminal, make_clear_policy
from tests.support.practice import issue_profile
from tests.support.profiles import time_from_now
from tests.support.scripts import write_script
from tests.support.waiting import wait_until

PACKAGE = Path(slack_token_tui.__file__).parent
USES_THE_LIBRARY = "import slack_token_tui; print(slack_token_tui.token('acme'))"
NO_INTERPRETER = "sys.executable = None; sys.prefix = sys.exec_prefix = sys.base_prefix = '/nonexistent'"


@pytest.fixture(scope="module")
def foreign_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an interpreter that has what this package needs, and not this package."""
    root = tmp_path_factory.mktemp("foreign")
    venv.create(root, symlinks=True)
    site_packages = next(root.glob("lib/python*/site-packages"))
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "slack_token_tui" not in entry.name and entry.suffix != ".pth" and not (site_packages / entry.name).exists():
            (site_packages / entry.name).symlink_to(entry)
    python = root / "bin" / "python"
    done = run([python, "-P", "-c", "import httpx, slack_token_tui"], dict(os.environ), root)
    assert "No module named 'slack_token_tui'" in done.stderr
    return python


def make_archive(path: Path, main: str) -> Path:
    """Write a zip archive that has this package and runs ``main``."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in PACKAGE.rglob("*"):
            if file.suffix != ".pyc" and file.is_file():
                archive.write(file, file.relative_to(PACKAGE.parent))
        archive.writestr("__main__.py", main)
    assert zipapp.get_interpreter(path) is None
    return path


def run(command: list[object], environment: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run ``command`` without a ``PYTHONPATH`` that might name this package."""
    words = [str(word) for word in command]
    variables = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    return subprocess.run(words, capture_output=True, text=True, env=variables, cwd=cwd, timeout=100, check=False)


@pytest.mark.parametrize(
    "first",
    [
        "pass",
        "sys.executable = None",
        "sys.executable = ''",
        "sys.executable = UWSGI",
        "sys.executable = FAILING",
        NO_INTERPRETER,
    ],
)
@pytest.mark.parametrize("place", ["archive", "sys.path"])
def test_library_refreshes_wherever_the_package_is_and_whatever_runs_it(
    store: ProfileStore,
    slack: PracticeSlack,
    child_environment: dict[str, str],
    foreign_python: Path,
    tmp_path: Path,
    place: str,
    first: str,
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    uwsgi = write_script(tmp_path / "uwsgi", f"touch {tmp_path}/uwsgi-ran")
    failing = write_script(tmp_path / "python3", "exit 1")
    first = first.replace("UWSGI", repr(str(uwsgi))).replace("FAILING", repr(str(failing)))
    program = f"import sys; {first}; {USES_THE_LIBRARY}"
    if place == "archive":
        make_archive(tmp_path / "app.pyz", program)
        command: list[object] = [foreign_python, "app.pyz"]
    else:
        command = [foreign_python, "-c", f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); {program}"]
    done = run(command, child_environment, tmp_path)
    assert done.returncode == 0, done.stderr
    assert slack.workspace.tokens.authenticate(done.stdout.strip())
    assert slack.workspace.tokens.refreshed == 1
    assert not (tmp_path / "uwsgi-ran").exists()


def test_child_that_is_killed_is_told_apart_from_one_that_never_started(
    store: ProfileStore, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    killed = write_script(tmp_path / "python3", "echo started; kill -9 $$")
    monkeypatch.setattr(sys, "executable", str(killed))
    result = refresh_in_child(store, "acme")
    assert result.problem is not None and result.problem.code == "refresh_child_failed"
    assert slack.workspace.tokens.refreshed == 0, "it may have been sent already, so it is not sent again"

    for name in ("prefix", "exec_prefix", "base_prefix"):
        monkeypatch.setattr(sys, name, "/nonexistent")
    monkeypatch.setattr(sys, "executable", None)

    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(Problem, match="refresh_not_started"):
            refresh_in_child(store, "acme")
    assert refresh_in_child(store, "acme").refreshed


def test_interrupt_does_not_stop_a_refresh_in_a_thread(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str], tmp_path: Path
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    program = (
        f"import os, sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); {NO_INTERPRETER}\n"
        "from slack_token_tui.slack import client\n"
        "send = client.SlackClient.refresh\n"
        "async def interrupt(*arguments, **options):\n"
        f"    os.kill(os.getpid(), {int(signal.SIGINT)})\n"
        "    return await send(*arguments, **options)\n"
        "client.SlackClient.refresh = interrupt\n"
        f"{USES_THE_LIBRARY}"
    )
    done = run([sys.executable, "-c", program], child_environment, tmp_path)
    assert "KeyboardInterrupt" in done.stderr
    assert slack.workspace.tokens.refreshed == 1
    assert slack.workspace.tokens.authenticate(store.read_with_tokens("acme")[1].access_token.reveal())


@pytest.mark.parametrize("format_id", ["python", "mcp"])
def test_exported_command_of_an_archive_is_the_archive(
    store: ProfileStore,
    slack: PracticeSlack,
    child_environment: dict[str, str],
    foreign_python: Path,
    tmp_path: Path,
    format_id: str,
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=5))
    if format_id == "mcp":  # it supports no practice Slack
        (store.home / "profiles" / "acme.json").write_text(
            (store.home / "profiles" / "acme.json").read_text().replace(slack.base, "https://slack.com")
        )
    archive = make_archive(
        tmp_path / "stt.pyz", "import sys; from slack_token_tui.cli.main import main; sys.exit(main())"
    )
    environment = {**child_environment, "PATH": "/usr/bin:/bin"}
    done = run([foreign_python, "stt.pyz", "export", "acme", "--as", format_id], environment, tmp_path)
    assert done.returncode == 0, done.stderr
    if format_id == "mcp":
        server = json.loads(done.stdout)["mcpServers"]["slack"]
        assert [server["command"], server["args"][0]] == [str(foreign_python), str(archive)]
        return
    (tmp_path / "elsewhere").mkdir()
    used = run([sys.executable, "-c", done.stdout], environment, tmp_path / "elsewhere")
    assert "'user': 'jane'" in used.stdout, used.stderr


def test_export_from_a_path_that_only_this_process_has_says_so(
    store: ProfileStore,
    slack: PracticeSlack,
    child_environment: dict[str, str],
    foreign_python: Path,
    tmp_path: Path,
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=5))
    program = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); from slack_token_tui.cli.main import main; sys.exit(main(['export', 'acme', '--as', 'python']))"
    environment = {**child_environment, "PATH": "/usr/bin:/bin"}
    done = run([foreign_python, "-c", program], environment, tmp_path)
    assert done.returncode == 1 and "own_command_unknown" in done.stderr, "a command that works only here is no use"


async def test_copy_without_an_interpreter_works_and_promises_no_clearing(
    x_display: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("prefix", "exec_prefix", "base_prefix"):
        monkeypatch.setattr(sys, name, "/nonexistent")
    monkeypatch.setattr(sys, "executable", None)
    assert interpreter.find_interpreter() is None
    copied = await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal(), make_clear_policy(tmp_path))
    assert copied == clipboard.Copied("xclip", is_verified=True)
    assert read_clipboard("native") == CLIPBOARD_TOKEN.reveal()


async def test_copy_runs_the_interpreter_that_belongs_to_an_embedding_program(
    x_display: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(write_script(tmp_path / "uwsgi", f"touch {tmp_path}/ran")))
    copied = await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal(), make_clear_policy(tmp_path))
    assert isinstance(copied, clipboard.Copied) and copied.is_verified and copied.cleared_after_seconds
    assert not (tmp_path / "ran").exists()


def test_children_import_nothing_from_the_current_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", ".", str(tmp_path), "lib", *sys.path])
    entries = interpreter.child_environment()["PYTHONPATH"].split(os.pathsep)
    assert str(tmp_path / "lib") in entries and str(PACKAGE.parent) in entries
    assert str(tmp_path) not in entries and "" not in entries
    tmp_path.rmdir()
    assert str(PACKAGE.parent) in interpreter.child_environment()["PYTHONPATH"].split(os.pathsep)


def test_second_interrupt_does_not_lose_a_refresh_in_a_thread(
    store: ProfileStore, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=-1))
    slack.workspace.faults.append("held")
    program = f"import sys; {NO_INTERPRETER}\n{USES_THE_LIBRARY}"
    environment = {**child_environment, "PYTHONPATH": str(PACKAGE.parent)}
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=environment)
    assert wait_until(lambda: slack.workspace.tokens.refreshed == 1)
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    while "KeyboardInterrupt" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    assert "threading" in process.stderr.readline() + process.stderr.readline(), "the interpreter no longer waits"
    process.send_signal(signal.SIGINT)
    slack.workspace.may_respond.set()
    process.communicate(timeout=60)
    assert slack.workspace.tokens.authenticate(store.read_with_tokens("acme")[1].access_token.reveal())
