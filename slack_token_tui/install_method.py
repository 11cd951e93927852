"""The command that adds a package to the environment of this program. It depends on how the program was installed.

pip, pipx and uv each need their own command: a package that another one installs may be out of reach, or be removed by
the next upgrade.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from slack_token_tui.interpreter import find_interpreter

_DISTRIBUTION = "slack-token-tui"


def install_command(package: str) -> str:
    """Return the shell command that installs ``package`` beside this program."""
    prefix = Path(sys.prefix)
    if (prefix / "pipx_metadata.json").is_file():
        return _join("pipx", "inject", prefix.name, package)
    if (prefix / "uv-receipt.toml").is_file():
        return _uv_tool_command(package, prefix)
    python = str(find_interpreter() or sys.executable or "python3")
    if find_spec("pip") is None and _is_uv_environment(prefix):
        return _join("uv", "pip", "install", "--python", python, package)
    return _join(python, "-m", "pip", "install", package)


def _uv_tool_command(package: str, prefix: Path) -> str:
    """Return the command that installs the tool at ``prefix`` again, with the same packages and ``package``.

    uv removes what the command does not name.
    """
    requirements = _read_uv_receipt(prefix / "uv-receipt.toml")
    # The first requirement is the tool. It may be another program that slack-token-tui was added to.
    tool, *others = requirements or [{"name": _DISTRIBUTION}]
    words = ["--with", package]
    for other in others:
        if other["name"] != package:
            words += [f"--with{'-editable' if 'editable' in other else ''}", _uv_requirement(other)]
    words += ["--editable"] if "editable" in tool else []
    return _join("uv", "tool", "install", *words, _uv_requirement(tool))


def _read_uv_receipt(path: Path) -> list[Mapping[str, Any]]:
    """Return the requirements in uv's receipt, or [] if it can't be read: its format is not documented."""
    try:
        requirements = tomllib.loads(path.read_text())["tool"]["requirements"]
        return [requirement for requirement in requirements if isinstance(requirement["name"], str)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _uv_requirement(requirement: Mapping[str, Any]) -> str:
    """Return an entry of uv's receipt as an argument of uv: a name, a path, or a name with the URL of its source."""
    name = requirement["name"]
    extras = f"[{','.join(requirement['extras'])}]" if requirement.get("extras") else ""
    for key in ("directory", "editable", "path"):
        if key in requirement:
            return f"{requirement[key]}{extras}"
    if "git" in requirement:
        return f"{name}{extras} @ {_git_url(requirement['git'])}"
    if "url" in requirement:
        return f"{name}{extras} @ {requirement['url']}"
    if name == _DISTRIBUTION and (source := _recorded_source()):
        return f"{name}{extras} @ {source}" if "://" in source else f"{source}{extras}"
    return f"{name}{extras}{requirement.get('specifier', '')}"


def _git_url(url: str) -> str:
    """Return the repository URL in uv's receipt, which has the revision as a parameter, as pip writes it."""
    parts = urlsplit(url)
    parameters = parse_qs(parts.query)
    revision = next((f"@{parameters[key][0]}" for key in ("rev", "tag", "branch") if key in parameters), "")
    subdirectory = f"#subdirectory={parameters['subdirectory'][0]}" if "subdirectory" in parameters else ""
    return f"git+{parts._replace(query='', fragment='').geturl()}{revision}{subdirectory}"


def _recorded_source() -> str | None:
    """Return the path or URL that this program was installed from, or None if it came from an index. PEP 610."""
    from importlib.metadata import PackageNotFoundError, distribution  # deferred: slow, and rarely needed
    from urllib.request import url2pathname

    try:
        record = json.loads(distribution(_DISTRIBUTION).read_text("direct_url.json") or "{}")
        url = str(record["url"])
    except (PackageNotFoundError, OSError, ValueError, KeyError, TypeError):
        return None
    if vcs := record.get("vcs_info"):
        return f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    return url2pathname(urlsplit(url).path) if url.startswith("file:") else url


def _is_uv_environment(prefix: Path) -> bool:
    """Return whether uv created the virtual environment at ``prefix``. uv installs no pip."""
    try:
        return "\nuv = " in f"\n{(prefix / 'pyvenv.cfg').read_text()}"
    except OSError:
        return False


def _join(*words: str) -> str:
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
