"""Exported text runs no code from the current directory, sends a token to the right Slack, and reads back unchanged."""

from __future__ import annotations

import ast
import io
import json
import random
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import venv
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from dotenv import dotenv_values
from textual.widgets import OptionList

import slack_token_tui
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import GOVSLACK, SLACK, Endpoints
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens import export_formats
from tests.support.cli import run_command
from tests.support.pilot import WIDE, run_app, wait_for_text
from tests.support.practice import issue_profile
from tests.support.profiles import CANARY, new_sign_in, profile, time_from_now
from tests.support.scripts import write_script

COMMAND_NAME = "slack-token-tui"
SYSTEM_PATH = "/usr/bin:/bin"
PATHS = [
    SYSTEM_PATH,
    f".:{SYSTEM_PATH}",
    f":{SYSTEM_PATH}",
    f"{SYSTEM_PATH}:",
    f"bin:{SYSTEM_PATH}",
    f"./bin:{SYSTEM_PATH}",
]


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return an interpreter that can import the package and has no ``slack-token-tui`` beside it."""
    root = tmp_path_factory.mktemp("bare")
    venv.create(root, symlinks=True)
    libraries = [str(Path(slack_token_tui.__file__).parents[1]), sysconfig.get_path("purelib")]
    site_packages = next(root.glob("lib/python*/site-packages"))
    (site_packages / "project.pth").write_text("\n".join(libraries))
    return str(root / "bin" / "python")


@pytest.fixture
def hostile_directory(tmp_path: Path) -> Path:
    """Return a directory in which every likely file, when run, writes the file ``ran``."""
    directory = tmp_path / "hostile"
    (directory / "bin").mkdir(parents=True)
    for module in ("argparse", "json", "slack_token_tui"):
        (directory / f"{module}.py").write_text(f"open({str(directory / 'ran')!r}, 'a').write(__file__)")
    for place in (directory, directory / "bin"):
        write_script(place / COMMAND_NAME, f"echo {COMMAND_NAME} >> {directory / 'ran'}")
    return directory


def export_as(format_id: str, python: str, environment: dict[str, str], cwd: Path) -> str:
    words = [python, "-P", "-m", "slack_token_tui", "export", "acme", "--as", format_id]
    return subprocess.run(words, capture_output=True, text=True, env=environment, cwd=cwd, check=True).stdout


def read_own_command(python: str, environment: dict[str, str], cwd: Path, first: str = "pass") -> object:
    program = f"import json, sys; {first}; from slack_token_tui.tokens import export_formats; print(json.dumps(export_formats.executable_command()))"
    done = subprocess.run([python, "-P", "-c", program], capture_output=True, text=True, env=environment, cwd=cwd)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


# ── the program's own command ──


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("has_script", [True, False])
def test_python_format_runs_no_code_from_the_current_directory(
    store: ProfileStore,
    slack: PracticeSlack,
    child_environment: dict[str, str],
    bare_python: str,
    hostile_directory: Path,
    tmp_path: Path,
    path: str,
    has_script: bool,
) -> None:
    issue_profile(store, slack, expires_at=time_from_now(hours=5))
    environment = {**child_environment, "PATH": path}
    program = tmp_path / "program.py"
    program.write_text(
        export_as("python", sys.executable if has_script else bare_python, environment, hostile_directory)
    )
    words = [sys.executable, str(program)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=hostile_directory, check=False)
    assert not (hostile_directory / "ran").exists()
    assert "'user': 'jane'" in done.stdout, done.stderr


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("has_script", [True, False])
def test_mcp_entry_runs_no_code_from_the_current_directory(
    store: ProfileStore,
    child_environment: dict[str, str],
    bare_python: str,
    hostile_directory: Path,
    path: str,
    has_script: bool,
) -> None:
    store.save_sign_in(*new_sign_in())
    environment = {**child_environment, "PATH": path}
    text = export_as("mcp", sys.executable if has_script else bare_python, environment, hostile_directory)
    server = json.loads(text)["mcpServers"]["slack"]
    assert Path(server["command"]).is_absolute()
    words = server["args"][: server["args"].index("--") + 1]
    done = subprocess.run(
        [server["command"], *words, "printenv", "SLACK_MCP_XOXP_TOKEN"],
        capture_output=True,
        text=True,
        env={**environment, **server["env"]},
        cwd=hostile_directory,
        check=False,
    )
    assert not (hostile_directory / "ran").exists()
    assert done.stdout == CANARY + "\n", done.stderr


def test_command_next_to_the_interpreter_is_preferred_over_path(
    child_environment: dict[str, str], bare_python: str, tmp_path: Path
) -> None:
    found = str(write_script(tmp_path / COMMAND_NAME, ":"))
    environment = {**child_environment, "PATH": f"bin:{tmp_path}:{SYSTEM_PATH}"}
    assert read_own_command(sys.executable, environment, tmp_path) == [str(Path(sys.executable).parent / COMMAND_NAME)]
    assert read_own_command(bare_python, environment, tmp_path) == [found]


@pytest.mark.parametrize("path", [*PATHS, "", None])
def test_relative_path_entries_are_never_used(
    child_environment: dict[str, str], bare_python: str, hostile_directory: Path, path: str | None
) -> None:
    environment = {**child_environment, "PATH": path or ""}
    if path is None:
        del environment["PATH"]
    assert read_own_command(bare_python, environment, hostile_directory) == [bare_python, "-P", "-m", "slack_token_tui"]


@pytest.mark.parametrize("unknown", ["''", "None", "'python3'"])
def test_unknown_interpreter_is_an_error_unless_the_command_is_on_path(
    child_environment: dict[str, str], bare_python: str, hostile_directory: Path, tmp_path: Path, unknown: str
) -> None:
    environment = {**child_environment, "PATH": f".:{SYSTEM_PATH}"}
    first = f"sys.executable = {unknown}"
    found_by_prefix = read_own_command(bare_python, environment, hostile_directory, first)
    assert isinstance(found_by_prefix, list) and found_by_prefix[1:] == ["-P", "-m", "slack_token_tui"]
    first += "; sys.prefix = sys.exec_prefix = sys.base_prefix = '/nonexistent'"
    assert "StorageError: own_command_unknown" in str(
        read_own_command(bare_python, environment, hostile_directory, first)
    )
    environment["PATH"] = str(tmp_path)
    found = str(write_script(tmp_path / COMMAND_NAME, ":"))
    assert read_own_command(bare_python, environment, hostile_directory, first) == [found]


@pytest.mark.parametrize("format_id", ["python", "mcp"])
def test_export_explains_that_its_own_command_is_unknown(
    store: ProfileStore, child_environment: dict[str, str], bare_python: str, hostile_directory: Path, format_id: str
) -> None:
    store.save_sign_in(*new_sign_in())
    program = (
        "import sys; sys.executable = ''; sys.prefix = sys.exec_prefix = sys.base_prefix = '/nonexistent';"
        "from slack_token_tui.cli.main import main;"
        f"sys.exit(main(['export', '--as', {format_id!r}]))"
    )
    environment = {**child_environment, "PATH": SYSTEM_PATH}
    words = [bare_python, "-P", "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=hostile_directory, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "own_command_unknown" in done.stderr


# ── the directory of profiles ──


@pytest.mark.parametrize("format_id", ["python", "mcp"])
def test_exported_profile_directory_is_absolute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, format_id: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SLACK_TOKEN_TUI_HOME", "~/mine")
    assert json.dumps(str(tmp_path / "mine")) in export_formats.preview(profile(), format_id).replace("'", '"')
    text = export_formats.preview(profile(), format_id, Path("other"))
    assert json.dumps(str(tmp_path / "other")) in text.replace("'", '"')
    monkeypatch.delenv("SLACK_TOKEN_TUI_HOME")
    assert "SLACK_TOKEN_TUI_HOME" not in export_formats.preview(profile(), format_id)


def test_hostile_values_cannot_inject_python_code(
    slack: PracticeSlack, child_environment: dict[str, str], tmp_path: Path
) -> None:
    nasty = "a'b\"c\\d\n{0}%s\u2028#é\udcff"
    one = profile(name=nasty, endpoints=Endpoints(f"https://{nasty}"))
    body = ast.parse(export_formats.format_token(one, "python", "", home=tmp_path / nasty)).body
    assert [type(statement) for statement in body] == [ast.Import, ast.Assign, ast.Assign, ast.Expr, ast.Expr]
    values = {node.value for statement in body for node in ast.walk(statement) if isinstance(node, ast.Constant)}
    assert {nasty, f"https://{nasty}/api/auth.test", str(tmp_path / nasty)} <= values

    home = tmp_path / nasty.removesuffix("\udcff")  # not every file system allows such a name
    issue_profile(ProfileStore(home), slack, expires_at=time_from_now(hours=5))
    environment = {**child_environment, "SLACK_TOKEN_TUI_HOME": str(home)}
    program = export_as("python", sys.executable, environment, tmp_path)
    del environment["SLACK_TOKEN_TUI_HOME"]
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=tmp_path, check=True)
    assert "'user': 'jane'" in done.stdout


# ── the MCP server ──


@pytest.mark.parametrize(("base", "more"), [(SLACK, {}), (GOVSLACK, {"SLACK_MCP_GOVSLACK": "true"})])
def test_mcp_entry_sets_the_slack_variant_and_pins_the_server_version(
    base: str, more: dict[str, str], tmp_path: Path
) -> None:
    text = export_formats.preview(profile(endpoints=Endpoints(base)), "mcp", tmp_path)
    server = json.loads(text)["mcpServers"]["slack"]
    assert server["env"] == {"SLACK_TOKEN_TUI_HOME": str(tmp_path), **more}
    words = server["args"][server["args"].index("--") + 1 :]
    assert words[0] == "npx"
    assert "-y" not in words and "--yes" not in words
    assert [word for word in words if re.fullmatch(r"slack-mcp-server@\d+\.\d+\.\d+", word)]


@pytest.mark.parametrize("base", ["http://localhost:1234", "https://slack.com.example.org", "https://slack.com:8443"])
def test_mcp_entry_is_rejected_for_an_unsupported_slack(
    store: ProfileStore, child_environment: dict[str, str], tmp_path: Path, base: str
) -> None:
    store.save_sign_in(*new_sign_in(endpoints=Endpoints(base)))
    for command in (["export", "--as", "mcp"], ["copy", "--as", "mcp"]):
        done = run_command(*command, env=child_environment)
        assert (done.returncode, done.stdout) == (1, "")
        assert "mcp_other_slack" in done.stderr and "--as python" in done.stderr


@pytest.mark.skipif(shutil.which("npx") is None, reason="npx is not installed")
def test_npx_starts_no_server_from_the_current_directory(
    store: ProfileStore, child_environment: dict[str, str], hostile_directory: Path, tmp_path: Path
) -> None:
    store.save_sign_in(*new_sign_in())
    server = json.loads(export_as("mcp", sys.executable, child_environment, hostile_directory))["mcpServers"]["slack"]
    package = next(word for word in server["args"] if word.startswith("slack-mcp-server@"))
    installed = hostile_directory / "node_modules" / "slack-mcp-server"
    installed.mkdir(parents=True)
    program = write_script(installed / "server.sh", f"echo server >> {hostile_directory / 'ran'}")
    (installed / "package.json").write_text(
        json.dumps({"name": "slack-mcp-server", "version": package.split("@")[1], "bin": program.name})
    )
    (hostile_directory / "node_modules" / ".bin").mkdir()
    (hostile_directory / "node_modules" / ".bin" / "slack-mcp-server").symlink_to(program)
    (hostile_directory / ".npmrc").write_text(
        f"script-shell={write_script(hostile_directory / 'shell', f'echo shell >> {hostile_directory}/ran')}\n"
    )
    environment = {
        **child_environment,
        **server.get("env", {}),
        "HOME": str(tmp_path),
        "npm_config_registry": "http://127.0.0.1:1",
        "npm_config_fetch_retries": "0",
    }

    def run_in_hostile_directory(words: list[str]) -> str:
        given = subprocess.DEVNULL
        return subprocess.run(
            words, stdin=given, capture_output=True, text=True, env=environment, cwd=hostile_directory
        ).stderr

    said = run_in_hostile_directory([server["command"], *server["args"]])
    assert not (hostile_directory / "ran").exists()
    assert "ECONNREFUSED" in said
    run_in_hostile_directory(["npx", package])
    assert (hostile_directory / "ran").exists(), "the directory is hostile to a plain npx"


async def test_copy_as_dialog_shows_why_a_format_is_rejected(store: ProfileStore, home: Path) -> None:
    store.save_sign_in(*new_sign_in(endpoints=Endpoints("https://slack.example.org")))
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("C")
        await wait_for_text(pilot, "a curl command")
        pilot.app.screen.query_one(OptionList).highlighted = list(export_formats.FORMATS).index("mcp")
        await wait_for_text(pilot, "✗ The MCP server supports only slack.com and GovSlack")
        await pilot.press("enter")
        await wait_for_text(
            pilot, "Choose another format: slack-token-tui export acme --as python. Press F1 for details."
        )


async def test_home_shows_why_a_token_was_not_copied_in_a_format(store: ProfileStore, home: Path) -> None:
    """The preview has a masked token, so only the copy finds this out."""
    store.save_sign_in(*new_sign_in(access_token=Secret("xoxp-canary-'-0123456789abcdef")))
    async with run_app(home, size=WIDE) as pilot:
        await pilot.press("C")
        await wait_for_text(pilot, "a curl command")
        pilot.app.screen.query_one(OptionList).highlighted = list(export_formats.FORMATS).index("dotenv")
        await wait_for_text(pilot, "SLACK_TOKEN='xoxp-…cdef'")
        await pilot.press("enter")
        await wait_for_text(pilot, "A .env file can't hold this token")


# ── values read back unchanged ──

_PRINTABLE = [chr(code) for code in range(0x21, 0x7F)]
_SPECIAL = "'\"`$\\#{}()=:~!&|;<>*?[]%+-/. "
_CHANGED_BY_DOTENV = ("'", "\\\\", "${")


def make_token_values() -> list[str]:
    """Return tokens with each printable character at each place, each pair of special ones, and random ones."""
    places = [
        pattern.replace("@", character)
        for character in _PRINTABLE
        for pattern in ("@practice", "prac@tice", "practice@")
    ]
    pairs = [f"practice{first}{second}0" for first in _SPECIAL for second in _SPECIAL]
    dice = random.Random(20261124)
    lengths = [8, 4096, *(dice.randint(8, 120) for _ in range(600))]
    random_ones = ["".join(dice.choices(_PRINTABLE, k=length)) for length in lengths]
    known = [
        "practice${HOME}",
        "practice${A:-b}",
        "practice$(id)",
        "practice`id`",
        "practice\\n",
        "=ls",
        "a:=ls",
        "~root",
    ]
    return [*places, *pairs, *random_ones, *known]


def run_lines(shell: str, lines: str, directory: Path) -> list[str]:
    """Run ``lines``, which print values, and return the values. Each one ends with a newline."""
    (directory / "lines").write_text(lines)
    done = subprocess.run([shell, str(directory / "lines")], capture_output=True, text=True, cwd=directory, check=True)
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


SHELLS = [shell for shell in ("sh", "bash", "dash", "zsh") if shutil.which(shell)]


@pytest.mark.parametrize("shell", SHELLS)
def test_shells_read_env_lines_unchanged(shell: str, tmp_path: Path) -> None:
    given = make_token_values()
    lines = [export_formats.format_token(profile(), "env", value, "T") + "\nprintf '%s\\n' \"$T\"" for value in given]
    assert run_lines(shell, "\n".join(lines), tmp_path) == given


def test_dotenv_line_is_read_unchanged_by_python_dotenv_and_shells_or_rejected(tmp_path: Path) -> None:
    given, lines = [], []
    for value in make_token_values():
        is_changed = any(part in value for part in _CHANGED_BY_DOTENV) or value.endswith("\\")
        try:
            lines.append(export_formats.format_token(profile(), "dotenv", value, f"T{len(given)}"))
        except StorageError as error:
            assert (error.code, is_changed) == ("dotenv_unsafe", True)
        else:
            assert not is_changed
            given.append(value)
    assert len(given) >= 480
    text = "\n".join(lines) + "\n"
    assert list(dotenv_values(stream=io.StringIO(text)).values()) == given
    for shell in SHELLS:
        show = "".join(f"printf '%s\\n' \"$T{number}\"\n" for number in range(len(given)))
        assert run_lines(shell, text + show, tmp_path) == given


def test_plain_token_is_not_quoted() -> None:
    plain = "practice.token-1_0123%2B/Ab+c:d"
    assert export_formats.format_token(profile(), "dotenv", plain) == f"SLACK_TOKEN={plain}"
    assert export_formats.format_token(profile(), "env", plain) == f"export SLACK_TOKEN={plain}"


@pytest.fixture
def recording_server() -> Iterator[tuple[str, list[str]]]:
    """Return the URL of a server and the list of Authorization headers that it receives."""
    got: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            got.append(self.headers["Authorization"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", got
        server.shutdown()


def test_curl_sends_every_token_unchanged(recording_server: tuple[str, list[str]], tmp_path: Path) -> None:
    base, got = recording_server
    # No token contains a space, and a header can't end with one.
    given = [value for value in make_token_values() if " " not in value][::2]
    assert len(given) >= 480
    lines = [export_formats.format_token(profile(endpoints=Endpoints(base)), "curl", value) for value in given]
    assert run_lines("sh", "\n".join(lines), tmp_path) == []
    assert got == [f"Bearer {value}" for value in given]
