"""``login``: what it prints, what it accepts, how it ends, and that no token is lost when it stops early."""

from __future__ import annotations

import json
import re
import shlex
import signal
import threading
import time
from pathlib import Path

import pytest

from slack_token_tui.practice.models import CLIENT_ID
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.store.profiles import ProfileStore
from tests.support.browser import RecordingBrowser, issue_callback_url, press_consent_button
from tests.support.cli import LoginProcess, run_command
from tests.support.locks import hold_lock
from tests.support.ports import get_port, is_port_open, occupied_ports
from tests.support.profiles import new_sign_in
from tests.support.store import read_tokens


def test_login_prints_progress_to_stderr_and_json_without_a_token(
    login_arguments: list[str], child_environment: dict[str, str], store: ProfileStore
) -> None:
    login = LoginProcess(child_environment, "work", *login_arguments, "--json")
    url = login.wait_for_url()
    browser = press_consent_button(url)
    code, out, err = login.finish()
    browser.join()
    assert code == 0
    token = read_tokens(store, "work").access_token.reveal()
    assert token not in out + err
    answer = json.loads(out)
    assert answer["ok"] is True
    assert answer["profile"]["name"] == "work"
    assert run_command("token", env=child_environment).stdout == token + "\n"


def test_canceled_login_exits_1_with_json_on_stdout(
    login_arguments: list[str], child_environment: dict[str, str]
) -> None:
    login = LoginProcess(child_environment, *login_arguments, "--json")
    url = login.wait_for_url()
    press_consent_button(url, "cancel")
    code, out, _ = login.finish()
    assert code == 1
    assert json.loads(out)["error"] == "access_denied"


def test_pasted_url_finishes_a_login_and_end_of_stdin_does_not_stop_it(
    login_arguments: list[str], child_environment: dict[str, str], workspace: Workspace, store: ProfileStore
) -> None:
    login = LoginProcess(child_environment, *login_arguments)
    url = login.wait_for_url()
    assert login.process.stdin is not None
    login.process.stdin.write("nonsense!\n")
    login.process.stdin.write(f"{issue_callback_url(workspace, url)}\n")
    login.process.stdin.flush()
    assert login.finish()[0] == 0

    silent = LoginProcess(child_environment, *login_arguments)
    assert silent.process.stdin is not None
    silent.process.stdin.close()
    silent.process.stdin = None
    url = silent.wait_for_url()
    press_consent_button(url)
    assert silent.finish()[0] == 0


def test_login_that_nobody_can_answer_ends_at_once(
    login_arguments: list[str], child_environment: dict[str, str], redirect_uris: tuple[str, ...]
) -> None:
    """Its ports are taken, and standard input has ended. It would wait for five minutes."""
    with occupied_ports(redirect_uris):
        done = run_command("login", *login_arguments, "--json", env=child_environment)
    assert done.returncode == 1 and json.loads(done.stdout)["error"] == "paste_impossible"
    assert "for the browser" not in done.stderr


def test_timeout_exits_75(login_arguments: list[str], child_environment: dict[str, str]) -> None:
    done = run_command("login", *login_arguments, "--timeout", "0.3", env=child_environment)
    assert done.returncode == 75


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signal_ends_a_login_and_closes_the_port(
    login_arguments: list[str],
    child_environment: dict[str, str],
    redirect_uris: tuple[str, ...],
    number: int,
    code: int,
) -> None:
    login = LoginProcess(child_environment, *login_arguments, "--json")
    login.wait_for_line("Open")
    login.process.send_signal(number)
    ended, out, err = login.finish()
    assert ended == code
    assert json.loads(out)["error"] == "sign_in_stopped"
    assert "Traceback" not in err
    assert not is_port_open(get_port(redirect_uris[0]))


@pytest.mark.parametrize(
    ("extra", "words_of_it"),
    [
        (["--client-id", "nope"], "A Client ID looks like"),
        (["--client-id", "0" * 32], "a client secret or a signing secret"),
        (["--slack-url", "http://slack.com"], "Use https"),
        (["--scopes", "users read!"], "is not a scope"),
        (["--redirect-uri", "http://localhost/x"], "needs a port"),
    ],
)
def test_invalid_login_options_are_reported_before_anything_opens(
    extra: list[str], words_of_it: str, child_environment: dict[str, str]
) -> None:
    done = run_command("login", "--client-id", CLIENT_ID, *extra, env=child_environment)
    assert done.returncode == 2
    assert words_of_it in done.stderr
    assert not re.search("Traceback", done.stderr)


def test_login_notes_admin_and_unknown_scopes_before_the_browser_opens(
    login_arguments: list[str], child_environment: dict[str, str]
) -> None:
    scopes = "user:read,admin.users:read"
    login = LoginProcess(child_environment, *login_arguments, "--scopes", scopes, "--timeout", "0.3")
    code, _, err = login.finish()
    assert code == 75
    notes = (
        "Note       Unknown scope user:read. Did you mean users:read?",
        "Note       admin.users:read needs an Org Owner or Admin and an org-wide install.",
    )
    lines = err.splitlines()
    assert all(lines.index(note) < next(n for n, line in enumerate(lines) if "Open" in line) for note in notes)


def test_client_secret_is_read_from_stdin_and_not_from_arguments(child_environment: dict[str, str]) -> None:
    assert "--client-secret " not in run_command("login", "--help", env=child_environment).stdout
    done = run_command(
        "login", "--client-id", CLIENT_ID, "--client-secret-stdin", env=child_environment, stdin="canary-secret\n"
    )
    assert done.returncode == 2
    assert "https redirect" in done.stderr
    assert "canary-secret" not in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signal_during_the_code_exchange_loses_no_token(
    login_arguments: list[str],
    child_environment: dict[str, str],
    store: ProfileStore,
    delayed_exchange: tuple[threading.Event, threading.Event],
    number: int,
    code: int,
) -> None:
    given, arrives = delayed_exchange
    login = LoginProcess(child_environment, "work", *login_arguments, "--json")
    browser = press_consent_button(login.wait_for_url())
    assert given.wait(30)
    login.process.send_signal(number)
    login.wait_for_line("Stopping")
    for _ in range(2):  # an impatient person loses no token either
        time.sleep(0.3)  # signals that are sent at once would arrive as one
        login.process.send_signal(number)
    arrives.set()
    ended, out, err = login.finish()
    browser.join()
    assert ended == code and json.loads(out)["profile"]["name"] == "work"
    assert "The token had already been received and is saved." in err
    assert run_command("token", "work", env=child_environment).returncode == 0


def test_unsaved_token_is_written_to_a_fallback_file_for_import(
    login_arguments: list[str],
    child_environment: dict[str, str],
    store: ProfileStore,
    delayed_exchange: tuple[threading.Event, threading.Event],
    tmp_path: Path,
) -> None:
    given, arrives = delayed_exchange
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    (tmp_path / "stale").write_text("no directory")
    there = {"XDG_RUNTIME_DIR": str(tmp_path / "stale"), "TMPDIR": str(runtime)}
    login = LoginProcess({**child_environment, **there}, *login_arguments)
    press_consent_button(login.wait_for_url())
    assert given.wait(30)
    profiles = store.home / "profiles"
    profiles.rmdir()
    profiles.write_text("in the way")
    arrives.set()
    code, out, err = login.finish()
    assert code == 5
    assert "-practice-" not in out + err
    line = err.split("then run: ")[1].splitlines()[0]
    rescued = Path(line.split("< ")[1])
    assert (rescued.parent.parent, rescued.stat().st_mode & 0o777) == (runtime, 0o600)
    profiles.unlink()
    done = run_command(*shlex.split(line.split(" < ")[0])[1:], env=child_environment, stdin=rescued.read_text())
    assert done.returncode == 0, done.stderr
    assert len(store.names()) == 1


def test_login_whose_token_slack_refuses_exits_4_and_keeps_it(
    login_arguments: list[str], child_environment: dict[str, str], workspace: Workspace, store: ProfileStore
) -> None:
    workspace.verify_error = "token_revoked"
    login = LoginProcess(child_environment, "work", *login_arguments, "--json")
    press_consent_button(login.wait_for_url())
    code, stdout, stderr = login.finish()
    assert (code, json.loads(stdout)["error"]) == (4, "new_token_refused")
    assert "It's saved as work, marked as revoked" in stderr and "You are signed in" not in stderr
    assert store.read("work").refused == "token_revoked"
    done = run_command("token", "work", env=child_environment)
    assert (done.returncode, done.stdout) == (4, "")


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"HTTPS_PROXY": "http://[broken"}, "proxy_unusable"),
        ({"HTTPS_PROXY": "http://proxy.example.com:99999"}, "proxy_unusable"),
        ({"SSL_CERT_FILE": "/nonexistent/ca.pem"}, "certificates_unreadable"),
        ({"SSL_CERT_FILE": "/dev/null"}, "certificates_unreadable"),
        ({"SSLKEYLOGFILE": "/nonexistent/keys"}, "key_log_unusable"),
    ],
)
def test_settings_that_no_request_could_use_end_a_login_before_the_browser_opens(
    child_environment: dict[str, str], tmp_path: Path, variables: dict[str, str], code: str
) -> None:
    """They were found after Allow, when the code was spent on nothing."""
    browser = RecordingBrowser(tmp_path)
    environment = {**child_environment, "BROWSER": browser.program, "DISPLAY": ":0", **variables}
    done = run_command("login", "--client-id", "1.2", "--scopes", "users:read", "--json", env=environment)
    assert json.loads(done.stdout)["error"] == code, done.stderr
    assert "Open  " not in done.stderr and "Listening" not in done.stderr and not browser.was_opened
    assert next(iter(variables)) in done.stderr, "the remedy names the variable"


def test_signal_while_a_refused_token_is_saved_does_not_turn_it_into_a_success(
    login_arguments: list[str], child_environment: dict[str, str], workspace: Workspace, store: ProfileStore
) -> None:
    store.save_sign_in(*new_sign_in(user_id="U9"), "other")
    workspace.verify_error = "token_revoked"
    with hold_lock(store.home / "locks", ".new-profiles") as release:
        login = LoginProcess(child_environment, *login_arguments, "--json")
        press_consent_button(login.wait_for_url())
        login.wait_for_line("Unverified")
        login.process.send_signal(signal.SIGINT)
        release.set()
        code, stdout, stderr = login.finish()
    assert code == 130 and json.loads(stdout)["error"] == "new_token_refused"
    assert "Use it" not in stderr
