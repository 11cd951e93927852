"""``login``: what it narrates, what it takes, how it ends, and that no token is lost on the way out."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from slack_token_tui.practice.models import CLIENT_ID
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.store.profiles import ProfileStore
from tests.cli.test_commands import COMMAND, run
from tests.conftest import pressing


class Login:
    """A ``login`` in a process of its own, and somebody to read what it says."""

    def __init__(self, env: dict[str, str], *words: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "login", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )
        self.said: list[str] = []

    def until(self, start: str) -> str:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if line.startswith(start):
                return line
        raise AssertionError(f"{start!r} was never said: {self.said}")

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, "".join(self.said) + err


@pytest.fixture
def words(slack: PracticeSlack, redirect_uris: tuple[str, ...]) -> list[str]:
    redirects = [word for address in redirect_uris for word in ("--redirect-uri", address)]
    return ["--client-id", CLIENT_ID, "--slack-url", slack.base, "--no-browser", *redirects]


def test_login_narrates_on_stderr_and_answers_json_without_a_token(
    words: list[str], child_environment: dict[str, str], store: ProfileStore
) -> None:
    login = Login(child_environment, "work", *words, "--json")
    url = login.until("Open").split()[1]
    browser = pressing(url)
    code, out, err = login.end()
    browser.join()
    assert code == 0
    token = store.read("work").access_token.reveal()
    assert token not in out + err
    answer = json.loads(out)
    assert answer["ok"] is True
    assert answer["profile"]["name"] == "work"
    assert run("token", env=child_environment).stdout == token + "\n"


def test_a_cancelled_login_exits_1_with_json_on_stdout(words: list[str], child_environment: dict[str, str]) -> None:
    login = Login(child_environment, *words, "--json")
    url = login.until("Open").split()[1]
    pressing(url, "cancel")
    code, out, _ = login.end()
    assert code == 1
    assert json.loads(out)["error"] == "access_denied"


def test_a_pasted_address_finishes_a_login_and_the_end_of_stdin_changes_nothing(
    words: list[str], child_environment: dict[str, str], workspace: Workspace, store: ProfileStore
) -> None:
    login = Login(child_environment, *words)
    url = login.until("Open").split()[1]
    query = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
    code = workspace.issue_code("v2_user", query, {})
    assert login.process.stdin is not None
    login.process.stdin.write("nonsense!\n")
    login.process.stdin.write(f"{query['redirect_uri']}?code={code}&state={query['state']}\n")
    login.process.stdin.flush()
    assert login.end()[0] == 0

    silent = Login(child_environment, *words)
    assert silent.process.stdin is not None
    silent.process.stdin.close()
    silent.process.stdin = None
    url = silent.until("Open").split()[1]
    pressing(url)
    assert silent.end()[0] == 0


def test_a_time_out_exits_75(words: list[str], child_environment: dict[str, str]) -> None:
    done = run("login", *words, "--timeout", "0.3", env=child_environment)
    assert done.returncode == 75


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_a_login_with_the_port_closed(
    words: list[str], child_environment: dict[str, str], redirect_uris: tuple[str, ...], number: int, code: int
) -> None:
    login = Login(child_environment, *words)
    login.until("Open")
    login.process.send_signal(number)
    ended, _, err = login.end()
    assert ended == code
    assert "Traceback" not in err
    with suppress(OSError), socket.create_connection(("127.0.0.1", urlsplit(redirect_uris[0]).port or 0), 1):
        pytest.fail("the port is still open")


@pytest.mark.parametrize(
    ("extra", "words_of_it"),
    [
        (["--client-id", "nope"], "A Client ID is digits"),
        (["--client-id", "0" * 32], "a client secret or a signing secret"),
        (["--slack-url", "http://slack.com"], "needs https"),
        (["--scopes", "users read!"], "is not a scope"),
        (["--redirect-uri", "http://localhost/x"], "needs a port"),
    ],
)
def test_what_cannot_work_is_said_before_anything_opens(
    extra: list[str], words_of_it: str, child_environment: dict[str, str]
) -> None:
    done = run("login", "--client-id", CLIENT_ID, *extra, env=child_environment)
    assert done.returncode == 2
    assert words_of_it in done.stderr
    assert not re.search("Traceback", done.stderr)


def test_a_client_secret_comes_by_stdin_and_never_by_argument(child_environment: dict[str, str]) -> None:
    assert "--client-secret " not in run("login", "--help", env=child_environment).stdout
    done = run(
        "login", "--client-id", CLIENT_ID, "--client-secret-stdin", env=child_environment, given="canary-secret\n"
    )
    assert done.returncode == 2
    assert "https redirect" in done.stderr
    assert "canary-secret" not in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_while_slack_answers_loses_no_token(
    words: list[str],
    child_environment: dict[str, str],
    store: ProfileStore,
    exchanging: tuple[threading.Event, threading.Event],
    number: int,
    code: int,
) -> None:
    given, arrives = exchanging
    login = Login(child_environment, "work", *words)
    browser = pressing(login.until("Open").split()[1])
    assert given.wait(30)
    login.process.send_signal(number)
    login.until("Stopping")
    for _ in range(2):  # whoever does not wait loses nothing either
        time.sleep(0.3)  # as an impatient person presses; signals at once would be one
        login.process.send_signal(number)
    arrives.set()
    ended, _, err = login.end()
    browser.join()
    assert ended == code
    assert "The token had come already, and was saved." in err
    assert run("token", "work", env=child_environment).returncode == 0


def test_a_token_that_cannot_be_saved_is_put_where_import_finds_it(
    words: list[str],
    child_environment: dict[str, str],
    store: ProfileStore,
    exchanging: tuple[threading.Event, threading.Event],
    tmp_path: Path,
) -> None:
    given, arrives = exchanging
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    (tmp_path / "stale").write_text("no directory")
    there = {"XDG_RUNTIME_DIR": str(tmp_path / "stale"), "TMPDIR": str(runtime)}
    login = Login({**child_environment, **there}, *words)
    pressing(login.until("Open").split()[1])
    assert given.wait(30)
    profiles = store.home / "profiles"
    profiles.rmdir()
    profiles.write_text("in the way")
    arrives.set()
    code, out, err = login.end()
    assert code == 5
    assert "-practice-" not in out + err
    line = err.split("is mended: ")[1].splitlines()[0]
    rescued = Path(line.split("< ")[1])
    assert (rescued.parent.parent, rescued.stat().st_mode & 0o777) == (runtime, 0o600)
    profiles.unlink()
    done = run(*shlex.split(line.split(" < ")[0])[1:], env=child_environment, given=rescued.read_text())
    assert done.returncode == 0, done.stderr
    assert len(store.names()) == 1
