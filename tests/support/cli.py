"""Child processes: the command line run to its end, and a ``login`` that waits for a browser."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from slack_token_tui.practice.models import CLIENT_ID

COMMAND = [sys.executable, "-m", "slack_token_tui"]
STORE_COMMANDS = (
    "token acme",
    "token",
    "list",
    "list --json",
    "list --names",
    "show acme",
    "verify acme",
    "verify --all",
    "refresh acme",
    "refresh --all --json",
    "export acme",
    "exec acme -- true",
    "copy acme",
    "default acme",
    "rename acme work",
    "remove acme --yes",
    "remove acme --keep-grant --yes",
    "move --all --to file",
    "login --client-id 1111111111.2222222222222 --scopes users:read --no-browser",
)
"""Command lines that need the config directory."""


def run_command(*arguments: str, env: dict[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run ``slack-token-tui`` with ``arguments`` and return its exit code and output."""
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, env=env, input=stdin, timeout=60, check=False
    )


def run_python(
    program: str, *arguments: str, env: dict[str, str] | None = None, check: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run the source text ``program`` in a Python process of its own and return its exit code and output."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=check)


def unprivileged(command: list[str]) -> list[str]:
    """Return ``command`` so that file permissions apply to it, even if root runs the tests."""
    if os.geteuid() != 0:
        return command
    if not shutil.which("setpriv"):
        pytest.skip("LOUD: running as root without setpriv, so permissions could not be tried")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]


@dataclass(frozen=True)
class Outcome:
    """What one command has returned and printed."""

    code: int
    stdout: str
    stderr: str


_RUN_ALL = """
import contextlib, io, json, sys
from slack_token_tui.cli.main import main

def run(arguments):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    return code, out.getvalue(), err.getvalue()

print(json.dumps([run(arguments) for arguments in json.load(sys.stdin)]))
"""


def run_commands(commands: Iterable[str], env: dict[str, str], *, is_unprivileged: bool = False) -> list[Outcome]:
    """Run several command lines in one process, without ``slack-token-tui`` in front, which is faster than in many."""
    program = [sys.executable, "-c", _RUN_ALL]
    words = [shlex.split(command) for command in commands]
    done = subprocess.run(
        unprivileged(program) if is_unprivileged else program,
        capture_output=True,
        text=True,
        env=env,
        input=json.dumps(words),
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Outcome(*outcome) for outcome in json.loads(done.stdout)]


def make_login_arguments(slack_url: str, redirect_uris: Iterable[str]) -> list[str]:
    """Return the arguments of a ``login`` at a practice Slack."""
    redirects = [word for redirect_uri in redirect_uris for word in ("--redirect-uri", redirect_uri)]
    return ["--client-id", CLIENT_ID, "--slack-url", slack_url, *redirects]


class LoginProcess:
    """A running ``slack-token-tui login`` whose standard error is read line by line."""

    def __init__(self, env: dict[str, str], *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "login", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )
        self.lines: list[str] = []

    def wait_for_line(self, prefix: str) -> str:
        """Read standard error up to the first line that starts with ``prefix``, and return that line."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            if line.startswith(prefix):
                return line
        raise AssertionError(f"no line starts with {prefix!r}: {self.lines}")

    def wait_for_url(self) -> str:
        """Return the authorize URL once it is printed."""
        return self.wait_for_line("Open").split()[1]

    def finish(self) -> tuple[int, str, str]:
        """Wait for the exit code. Return it with all of standard output and standard error."""
        stdout, stderr = self.process.communicate(timeout=30)
        return self.process.returncode, stdout, "".join(self.lines) + stderr
