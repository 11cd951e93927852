"""The command that installs a missing package, in environments as venv, pipx 1.18 and uv 0.13 write them to disk."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from slack_token_tui.problems import explain
from tests.support.cli import run_python

ROOT = Path(__file__).parent.parent
QUESTION = "from slack_token_tui.install_method import install_command; print(install_command('socksio'))"
PIPX_METADATA = (
    '{"backend": "pip", "main_package": {"package": "slack-token-tui", "suffix": ""}, "injected_packages": {}}'
)
UV_RECEIPT = """\
[tool]
requirements = {requirements}
entrypoints = [
    {{ name = "slack-token-tui", install-path = "/home/jane/.local/bin/slack-token-tui", from = "slack-token-tui" }},
]
"""


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Return a virtual environment without pip, as pipx and uv create it."""
    path = tmp_path / "slack-token-tui"
    venv.create(path, with_pip=False, symlinks=True)
    return path


def ask(prefix: Path) -> str:
    """Return the command that this program, started in ``prefix``, says to type."""
    command = [str(prefix / "bin" / "python"), "-c", QUESTION]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)}
    ).stdout.strip()


def record_source(prefix: Path, direct_url: dict[str, object]) -> None:
    """Write the metadata that pip and uv write of a package from a path or URL."""
    (packages,) = prefix.glob("lib/python*/site-packages")
    metadata = packages / "slack_token_tui-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.4\nName: slack-token-tui\nVersion: 0.1.0\n")
    (metadata / "direct_url.json").write_text(json.dumps(direct_url))


def test_pip_installs_with_the_interpreter_of_this_program(prefix: Path) -> None:
    assert shlex.split(ask(prefix)) == [str(prefix / "bin" / "python"), "-m", "pip", "install", "socksio"]


def test_path_with_a_space_is_quoted(tmp_path: Path) -> None:
    prefix = tmp_path / "my tools"
    venv.create(prefix, with_pip=False, symlinks=True)
    assert ask(prefix) == f"'{prefix}/bin/python' -m pip install socksio"


@pytest.mark.parametrize("name", ["slack-token-tui", "slack-token-tui-beta", "jupyterlab"])
def test_pipx_injects_into_the_environment_of_this_program(prefix: Path, name: str) -> None:
    """Its name has a suffix after ``pipx install --suffix``, and is another one after ``pipx inject``."""
    (prefix / "pipx_metadata.json").write_text(PIPX_METADATA)
    assert ask(prefix.rename(prefix.with_name(name))) == f"pipx inject {name} socksio"


@pytest.mark.parametrize(
    ("requirements", "arguments"),
    [
        ('[{ name = "slack-token-tui" }]', ["slack-token-tui"]),
        ('[{ name = "slack-token-tui", specifier = ">=0.1,<1" }]', ["slack-token-tui>=0.1,<1"]),
        ('[{ name = "slack-token-tui", extras = ["keyring"] }]', ["slack-token-tui[keyring]"]),
        ('[{ name = "slack-token-tui", directory = "/src/a b" }]', ["/src/a b"]),
        (
            '[{ name = "slack-token-tui", extras = ["keyring"], editable = "/src/stt" }]',
            ["--editable", "/src/stt[keyring]"],
        ),
        ('[{ name = "slack-token-tui", path = "/src/stt-0.1.0.whl" }]', ["/src/stt-0.1.0.whl"]),
        (
            '[{ name = "slack-token-tui", url = "https://example.org/stt-0.1.0.whl" }]',
            ["slack-token-tui @ https://example.org/stt-0.1.0.whl"],
        ),
        (
            '[{ name = "slack-token-tui", git = "https://github.com/acme/stt?tag=v1" }]',
            ["slack-token-tui @ git+https://github.com/acme/stt@v1"],
        ),
        (
            '[{ name = "slack-token-tui", git = "https://github.com/acme/stt?subdirectory=py" }]',
            ["slack-token-tui @ git+https://github.com/acme/stt#subdirectory=py"],
        ),
        (
            '[{ name = "slack-token-tui" }, { name = "keyring", specifier = ">=25" }, { name = "x", editable = "/x" }]',
            ["--with", "keyring>=25", "--with-editable", "/x", "slack-token-tui"],
        ),
        (
            '[{ name = "jupyterlab" }, { name = "slack-token-tui", directory = "/src/stt" }]',
            ["--with", "/src/stt", "jupyterlab"],
        ),
    ],
)
def test_uv_installs_the_tool_again_from_its_source_with_all_its_packages(
    prefix: Path, requirements: str, arguments: list[str]
) -> None:
    (prefix / "uv-receipt.toml").write_text(UV_RECEIPT.format(requirements=requirements))
    assert shlex.split(ask(prefix)) == ["uv", "tool", "install", "--with", "socksio", *arguments]


@pytest.mark.parametrize(
    ("direct_url", "source"),
    [
        ({"url": "file:///src/a%20b", "dir_info": {}}, "/src/a b"),
        ({"url": "https://example.org/stt.whl", "archive_info": {}}, "slack-token-tui @ https://example.org/stt.whl"),
        (
            {"url": "https://github.com/acme/stt", "vcs_info": {"vcs": "git", "commit_id": "ee7abf8"}},
            "slack-token-tui @ git+https://github.com/acme/stt@ee7abf8",
        ),
    ],
)
@pytest.mark.parametrize("receipt", [UV_RECEIPT.format(requirements='[{ name = "slack-token-tui" }]'), "tool = 1", "["])
def test_source_is_read_from_the_package_if_the_receipt_does_not_name_it(
    prefix: Path, receipt: str, direct_url: dict[str, object], source: str
) -> None:
    (prefix / "uv-receipt.toml").write_text(receipt)
    record_source(prefix, direct_url)
    assert shlex.split(ask(prefix)) == ["uv", "tool", "install", "--with", "socksio", source]


def test_uv_environment_without_pip_uses_uv(prefix: Path) -> None:
    with (prefix / "pyvenv.cfg").open("a") as file:
        file.write("uv = 0.13.9\n")
    python = str(prefix / "bin" / "python")
    assert shlex.split(ask(prefix)) == ["uv", "pip", "install", "--python", python, "socksio"]


@pytest.mark.parametrize(("code", "package"), [("proxy_socks_missing", "socksio"), ("keyring_missing", "keyring")])
def test_error_about_a_missing_package_has_the_command(code: str, package: str) -> None:
    assert explain(code).remedies[0].endswith(f" {package}")
    assert "slack-token-tui[" not in " ".join(explain(code).remedies), "no index may have this program"


def test_running_interpreter_is_named() -> None:
    assert run_python(QUESTION, check=True).stdout.startswith((sys.executable, f"'{sys.executable}", "uv ", "pipx "))
