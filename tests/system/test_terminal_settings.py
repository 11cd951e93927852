"""Terminals that are set to something unusual: a fixed size, another encoding, GNU screen, a shell's background."""

from __future__ import annotations

import base64
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from slack_token_tui.store.profiles import ProfileStore
from tests.support.browser import press_consent_button
from tests.support.cli import COMMAND
from tests.support.clipboard import run_tmux_server
from tests.support.processes import read_process_file
from tests.support.profiles import CANARY, new_sign_in
from tests.support.terminal import Shell, Terminal


def run_on_terminal(command: list[str], environment: dict[str, str]) -> Terminal:
    """Return a terminal with any program on it, not only Python."""
    return Terminal(environment, "-c", f"import os; os.execvp({command[0]!r}, {command!r})")


@pytest.mark.skipif(not shutil.which("tmux"), reason="LOUD: no tmux here, so no terminal of another size")
def test_exported_columns_and_lines_do_not_freeze_the_layout(child_environment: dict[str, str], tmp_path: Path) -> None:
    """JupyterLab's terminal exports the size that it had at first."""
    variables = [f"{name}={value}" for name, value in {**child_environment, "COLUMNS": "40", "LINES": "10"}.items()]
    program = shlex.join(["env", *variables, *COMMAND])
    with run_tmux_server(tmp_path / "tmux") as tmux:
        subprocess.run([*tmux, "new-session", "-d", "-s", "wide", "-x", "100", "-y", "30", program], check=True)
        deadline = time.monotonic() + 60
        rows: list[str] = []
        while not any("Sign in" in row for row in rows):
            assert time.monotonic() < deadline, rows
            time.sleep(0.1)
            shown = subprocess.run([*tmux, "capture-pane", "-p", "-t", "wide"], capture_output=True, text=True)
            rows = shown.stdout.splitlines()
    assert any(len(row.rstrip()) > 40 for row in rows), rows
    assert any(row.strip() for row in rows[10:]), rows


@pytest.mark.parametrize(
    ("variables", "sentences"),
    [
        ({"TERM": "dumb"}, ("can't show the interface (TERM=dumb)", "slack-token-tui login")),
        (
            {"PYTHONIOENCODING": "latin-1"},
            ("needs UTF-8, and this terminal is set to iso8859-1", "unset PYTHONIOENCODING"),
        ),
        (
            {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
            ("needs UTF-8, and this terminal is set to", "export LC_ALL=C.UTF-8"),
        ),
    ],
)
def test_terminal_that_cannot_show_the_interface_gets_a_sentence(
    child_environment: dict[str, str], variables: dict[str, str], sentences: tuple[str, ...]
) -> None:
    terminal = Terminal({**child_environment, **variables}, "-m", "slack_token_tui")
    assert terminal.wait_for_exit() == 2
    assert b"\x1b" not in terminal.output, "no codes for a full screen"
    text = terminal.output.decode("utf-8" if "TERM" in variables else "latin-1")
    assert all(sentence in text for sentence in sentences), text


@pytest.mark.skipif(not shutil.which("screen"), reason="LOUD: no GNU screen here")
def test_copy_in_gnu_screen_reaches_the_terminal_around_it(
    store: ProfileStore, child_environment: dict[str, str], tmp_path: Path
) -> None:
    store.save_sign_in(*new_sign_in())
    (tmp_path / "sockets").mkdir(mode=0o700)
    environment = {**child_environment, "SCREENDIR": str(tmp_path / "sockets")}
    terminal = run_on_terminal(["screen", "-c", "/dev/null", "-m", *COMMAND, "copy", "acme"], environment)
    terminal.wait_for_exit()
    copied = base64.b64encode(CANARY.encode())
    assert b"\x1b]52;c;" + copied + b"\x07" in terminal.output, terminal.output


@pytest.mark.skipif(not shutil.which("screen"), reason="LOUD: no GNU screen here")
def test_copy_in_the_interface_in_gnu_screen_reaches_the_terminal_around_it(
    store: ProfileStore, child_environment: dict[str, str], tmp_path: Path
) -> None:
    store.save_sign_in(*new_sign_in())
    (tmp_path / "sockets").mkdir(mode=0o700)
    environment = {**child_environment, "SCREENDIR": str(tmp_path / "sockets")}
    terminal = run_on_terminal(["screen", "-c", "/dev/null", "-U", "-m", *COMMAND], environment)
    terminal.wait_for_text("acme")
    terminal.press(b"c")
    terminal.wait_for_text("Send the token of acme")
    terminal.press(b"y")
    copied = base64.b64encode(CANARY.encode())
    terminal.wait_until(lambda output: b"\x1b]52;c;" + copied + b"\x07" in output)
    terminal.press(b"\x03\x03")
    terminal.wait_for_exit()


def test_long_copy_in_gnu_screen_is_split_for_older_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    from slack_token_tui.desktop.clipboard import osc52_sequence

    plain = osc52_sequence(CANARY * 20)
    monkeypatch.setenv("STY", "1.pts")
    pieces = re.findall("\x1bP(.*?)\x1b\\\\", osc52_sequence(CANARY * 20), re.DOTALL)
    assert "".join(pieces) == plain and max(map(len, pieces)) <= 200


def find_url(shell: Shell) -> str:
    """Return the authorize URL, once it is printed."""
    shell.wait_until(lambda output: re.search(rb"https?://\S+state=\S+\s", output))
    return re.search(rb"https?://\S+state=\S+", shell.output)[0].decode()  # type: ignore[index]


@pytest.mark.skipif(not shutil.which("bash"), reason="LOUD: no bash here, so no job control")
@pytest.mark.parametrize("how", ["&", "Ctrl+Z and bg"])
def test_sign_in_in_the_background_shows_its_link_and_ends(
    login_arguments: list[str], child_environment: dict[str, str], store: ProfileStore, how: str
) -> None:
    """A read from the terminal would stop it (SIGTTIN)."""
    shell = Shell(child_environment)
    command = shlex.join([sys.executable, "-m", "slack_token_tui", "login", "work", *login_arguments])
    if how == "&":
        shell.press(f"{command} &\r".encode())
        url = find_url(shell)
    else:
        shell.press(f"{command}\r".encode())
        url = find_url(shell)
        shell.press(b"\x1a")
        shell.wait_for_new_text("Stopped")
        shell.press(b"bg\r")
    press_consent_button(url)
    shell.wait_for_text("slack-token-tui token work")  # it may have come already
    shell.press(b"\r")
    shell.wait_for_new_text("Done")
    assert store.names() == ["work"]
    shell.press(b"exit\r")
    assert shell.wait_for_exit() == 0


@pytest.mark.skipif(not shutil.which("bash"), reason="LOUD: no bash here, so no job control")
def test_sign_in_brought_back_to_the_foreground_takes_a_paste(
    login_arguments: list[str], child_environment: dict[str, str], store: ProfileStore
) -> None:
    shell = Shell(child_environment)
    command = shlex.join([sys.executable, "-m", "slack_token_tui", "login", "work", *login_arguments])
    shell.press(f"{command} &\r".encode())
    find_url(shell)
    shell.press(b"fg\r")
    shell.press(b"https://example.com/callback\r")
    shell.wait_for_new_text("That URL is for another page")
    shell.press(b"\x03")
    shell.wait_for_new_text("stopped")
    assert read_process_file(shell.pid, "stat"), "the shell is still there"
    shell.press(b"exit\r")
    shell.wait_for_exit()


def test_key_reports_of_the_kitty_protocol_are_not_asked_for_and_end_nothing(
    store: ProfileStore, child_environment: dict[str, str]
) -> None:
    """A Cyrillic layout had no key that quits, and Textual 8.2 ended with a traceback at some reports."""
    store.save_sign_in(*new_sign_in())
    terminal = Terminal({**child_environment, "TEXTUAL_DISABLE_KITTY_KEY": "0"}, "-m", "slack_token_tui")
    terminal.wait_for_text("acme")
    for report in (b"\x1b[1081::113u", b"\x1b[1092::97;5u", b"\x1b[1089:1057:99;5:1;1089u", b"\x1b[57399u"):
        terminal.press(report)
    terminal.press(b"?")
    terminal.wait_for_new_text("Keys")
    terminal.press(b"\x03\x03")
    assert terminal.wait_for_exit() == 0
    assert b"Traceback" not in terminal.output
    assert not re.search(rb"\x1b\[[>=]\d*u", terminal.output), "the protocol is never switched on"


@pytest.mark.skipif(not shutil.which("bash"), reason="LOUD: no bash here, so no job control")
def test_ctrl_z_suspends_the_interface_and_fg_redraws_it(
    store: ProfileStore, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(*new_sign_in())
    shell = Shell(child_environment)
    shell.press(shlex.join(COMMAND).encode() + b"\r")
    shell.wait_for_new_text("acme.slack.com")
    shell.press(b"/")  # in a field too
    shell.press(b"\x1a")
    shell.wait_for_new_text("Stopped")
    shell.press(b"echo still here\r")
    shell.wait_for_new_text("still here")
    shell.press(b"fg\r")
    shell.wait_for_new_text("acme.slack.com")
    shell.press(b"\x03\x03")
    shell.wait_for_new_text("ready>")
    shell.press(b"exit\r")
    assert shell.wait_for_exit() == 0
