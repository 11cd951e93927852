"""The command line as a script sees it: standard output, standard error and exit codes of real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from slack_token_tui.keeping.store import ProfileStore
from slack_token_tui.practice.people import CLIENT_ID
from slack_token_tui.practice.server import PracticeSlack, play_browser
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.secret import Secret
from tests.accounts import CANARY, in_, profile

COMMAND = [sys.executable, "-m", "slack_token_tui"]


def run(*words: str, env: dict[str, str], given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, env=env, input=given, timeout=60, check=False
    )


def test_token_prints_the_token_and_a_newline_and_nothing_else(
    store: ProfileStore, child_environment: dict[str, str]
) -> None:
    store.keep(profile(expires_at=in_(hours=3)))
    done = run("token", "acme", env=child_environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, CANARY + "\n", "")


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"expires_at": in_(seconds=-5)}, 4), ({"refused": "token_revoked"}, 4), ({"refused": "invalid_auth"}, 0)],
)
def test_a_dead_token_is_never_printed(
    store: ProfileStore, child_environment: dict[str, str], changes: dict[str, object], code: int
) -> None:
    store.keep(profile(**changes))
    done = run("token", env=child_environment)
    assert done.returncode == code
    if code:
        assert done.stdout == ""
        assert CANARY not in done.stderr
        assert len(done.stderr.splitlines()) == 2


def test_exit_codes_tell_a_script_what_is_wrong(store: ProfileStore, child_environment: dict[str, str]) -> None:
    assert run("token", env=child_environment).returncode == 3
    path = store.keep(profile()).path
    store.keep(profile(user_id="U2"), "other")
    assert run("token", env=child_environment).returncode == 2
    assert "acme, other" in run("token", env=child_environment).stderr
    assert run("token", "nobody", env=child_environment).returncode == 3
    assert run("token", "../x", env=child_environment).returncode == 2
    assert run("token", "--bogus", env=child_environment).returncode == 2
    path.chmod(0o644)
    done = run("token", "acme", env=child_environment)
    assert done.returncode == 5
    assert f"chmod 600 {path}" in done.stderr
    assert run("token", "other", env=child_environment).returncode == 0


def test_list_and_show_mask_every_token(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.keep(profile(refresh_token=Secret("xoxe-1-canary-refresh-0123"), expires_at=in_(hours=1)))
    for words in (["list"], ["list", "--json"], ["show"], ["show", "--json"], ["show", "acme"]):
        done = run(*words, env=child_environment)
        assert done.returncode == 0
        assert "canary" not in done.stdout + done.stderr
    assert json.loads(run("list", "--json", env=child_environment).stdout)[0]["access_token"] == "xoxp-…cdef"


def test_a_damaged_profile_is_listed_with_its_remedy(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.keep(profile()).path.write_text("{")
    assert "unreadable" in run("list", env=child_environment).stdout
    assert json.loads(run("list", "--json", env=child_environment).stdout)[0]["error"] == "profile_unreadable"


def test_explain_prints_one_or_all(child_environment: dict[str, str]) -> None:
    assert "Redirect URLs" in run("explain", "bad_redirect_uri", env=child_environment).stdout
    assert len(run("explain", env=child_environment).stdout.splitlines()) > 100
    assert run("explain", "brand_new", env=child_environment).returncode == 1


@pytest.mark.parametrize(
    "words", [["--help"], ["login", "--help"], ["token", "--help"], ["copy", "--help"], ["explain", "--help"]]
)
def test_help_shows_an_example(words: list[str], child_environment: dict[str, str]) -> None:
    done = run(*words, env=child_environment)
    assert done.returncode == 0
    assert "slack-token-tui" in done.stdout
    assert words == ["--help"] or "example:" in done.stdout


def test_a_closed_pipe_is_no_error(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.keep(profile())
    done = subprocess.run(
        f"{sys.executable} -m slack_token_tui explain --json | head -c 1",
        shell=True,
        capture_output=True,
        text=True,
        env=child_environment,
    )
    assert done.stderr == ""


def test_a_defect_shows_its_place_and_no_secret(child_environment: dict[str, str]) -> None:
    program = (
        "import sys\nfrom slack_token_tui.cli import main, tokens\n"
        f"def broken(_):\n    secret = {CANARY!r}\n    raise RuntimeError(secret)\n"
        "tokens.print_token = broken\nsys.exit(main.main(['token']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=child_environment)
    assert done.returncode == 1
    assert "RuntimeError" in done.stderr
    assert "Traceback" not in done.stderr
    assert CANARY not in done.stderr


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
    browser = threading.Thread(target=play_browser, args=(url,))
    browser.start()
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
    threading.Thread(target=play_browser, args=(url, "cancel")).start()
    code, out, _ = login.end()
    assert code == 1
    assert json.loads(out)["error"] == "access_denied"


def test_a_pasted_address_finishes_a_login_and_the_end_of_stdin_changes_nothing(
    words: list[str], child_environment: dict[str, str], workspace: Workspace, store: ProfileStore
) -> None:
    login = Login(child_environment, *words)
    url = login.until("Open").split()[1]
    query = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
    code = workspace.allow("v2_user", query, {})
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
    threading.Thread(target=play_browser, args=(url,)).start()
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


def test_no_core_dumps() -> None:
    program = "import resource; from slack_token_tui.cli.main import main; main(['--version']); print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0"
    assert Path(sys.executable).exists()
    assert os.name == "posix"
