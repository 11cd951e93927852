"""Output formats for a token: HTTP header, shell variable, curl command, MCP server entry and others."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from slack_token_tui import __version__
from slack_token_tui.interpreter import find_interpreter
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import GOVSLACK, SLACK
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.hot_path import config_home
from slack_token_tui.store.profile import Profile

VARIABLE = "SLACK_TOKEN"
_VERSION_TIMEOUT_SECONDS = 10
# "=" is excluded: zsh expands =ls to the path of ls at the start of a value or after a colon.
_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z0-9._%+/:-]+")
# python-dotenv interprets these even inside single quotes: it unescapes \\ and \', and expands ${NAME}.
_CHANGED_BY_DOTENV = re.compile(r"'|\\\\|\\\Z|\$\{")
# Pinned: @latest would pass the token to any later release.
_MCP_SERVER = "slack-mcp-server@1.3.0"
_MCP_ENVIRONMENTS: Mapping[str, Mapping[str, str]] = {SLACK: {}, GOVSLACK: {"SLACK_MCP_GOVSLACK": "true"}}
"""Environment variables that select a Slack in the MCP server. It sends tokens of any other Slack to slack.com."""


@dataclass(frozen=True)
class Format:
    """One output format.

    Attributes:
        id: the value for ``export --as``.
        label: a short description.
        contains_token: whether the text contains the token. If not, it fetches a fresh token whenever it is used.
        render: returns the text. It receives the profile, its token, the name of an environment variable, and the
            configuration directory (None for the default). It raises StorageError if no correct text is possible.
    """

    id: str
    label: str
    contains_token: bool
    render: Callable[[Profile, str, str, Path | None], str]


def format_token(
    profile: Profile, format_id: str, token: str, variable: str = VARIABLE, home: Path | None = None
) -> str:
    """Return ``token`` in format ``format_id``, without a trailing newline.

    Args:
        profile: the profile that the token belongs to.
        format_id: a key of :data:`FORMATS`.
        token: the access token, or a masked one for a preview.
        variable: the name of the environment variable, for formats that set one.
        home: the config directory, or None for the default.

    Raises:
        StorageError: the format can't represent this token or doesn't support the profile's Slack. Also raised if it
            needs the command that starts this program, and that command can't be determined.
    """
    return FORMATS[format_id].render(profile, token, variable, home)


def preview(profile: Profile, format_id: str, home: Path | None = None) -> str:
    """Return the output of :func:`format_token` with a masked token.

    Raises:
        StorageError: see :func:`format_token`.
    """
    return format_token(profile, format_id, profile.masked_token, home=home)


def format_secret(
    profile: Profile, access_token: Secret, format_id: str, variable: str = VARIABLE, home: Path | None = None
) -> Secret:
    """Return the output of :func:`format_token` with the real token.

    Raises:
        StorageError: see :func:`format_token`.
    """
    return Secret(format_token(profile, format_id, access_token.reveal(), variable, home))


def executable_command() -> list[str]:
    """Return a command that starts this program from any directory, and with a shorter ``PATH``.

    Raises:
        StorageError: there is no slack-token-tui command, archive or importable module with an absolute path.
    """
    interpreter = find_interpreter()
    directories = [
        *([str(interpreter.parent)] if interpreter else []),
        sysconfig.get_path("scripts"),
        *os.environ.get("PATH", "").split(os.pathsep),
    ]
    # A relative or empty entry would resolve against the directory in which the text is used.
    absolute = [directory for directory in directories if Path(directory).is_absolute()]
    command_path = shutil.which("slack-token-tui", path=os.pathsep.join(absolute))
    if command_path and Path(command_path).is_absolute():  # Windows also searches the current directory
        return [command_path]
    if interpreter is not None:
        archive = Path(sys.argv[0]).absolute() if sys.argv and sys.argv[0] else None
        if archive is not None and zipfile.is_zipfile(archive) and _is_this_program(str(interpreter), str(archive)):
            return [str(interpreter), str(archive)]
        module = [str(interpreter), "-P", "-m", "slack_token_tui"]  # -P: do not import from the current directory
        if _is_this_program(*module):
            return module
    raise StorageError("own_command_unknown")


@cache
def _is_this_program(*command: str) -> bool:
    """Return whether ``command`` starts this program where ``PYTHONPATH`` is not set."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        done = subprocess.run(
            [*command, "--version"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=variables,
            timeout=_VERSION_TIMEOUT_SECONDS,
            cwd=os.sep,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == f"slack-token-tui {__version__}".encode()


def _profiles_home(home: Path | None) -> str:
    return str(home.absolute()) if home is not None else config_home()


def _home_variable(home: Path | None) -> Mapping[str, str]:
    """Return ``SLACK_TOKEN_TUI_HOME`` if it must be set: programs started by other programs do not inherit it."""
    is_custom = home is not None or os.environ.get("SLACK_TOKEN_TUI_HOME")
    return {"SLACK_TOKEN_TUI_HOME": _profiles_home(home)} if is_custom else {}


def _json(profile: Profile, token: str, *_: object) -> str:
    record = {
        "profile": profile.name,
        "token": token,
        "expires_at": profile.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ") if profile.expires_at else None,
        "scopes": list(profile.scopes),
        "user_id": profile.user_id,
        "team_id": profile.team_id,
        "slack": profile.endpoints.base,
    }
    return json.dumps(record, ensure_ascii=False, indent=1)


def _dotenv(profile: Profile, token: str, variable: str, _: object) -> str:
    # All parsers agree on unquoted values, including docker --env-file, which treats quotes as part of the value.
    # Inside single quotes, python-dotenv, shells and Node agree, except on what is rejected here.
    if _NEEDS_NO_QUOTES.fullmatch(token):
        return f"{variable}={token}"
    if _CHANGED_BY_DOTENV.search(token):
        raise StorageError("dotenv_unsafe", name=profile.name)
    return f"{variable}='{token}'"


def _curl(profile: Profile, token: str, *_: object) -> str:
    # printf is a shell builtin and curl reads the header from stdin, so the token never appears in a process list.
    header = 'header = "Authorization: Bearer %s"\\n'
    escaped = re.sub(r'(["\\])', r"\\\1", token)
    url = _shell_quote(profile.endpoints.method_url("auth.test"))
    return f"printf '{header}' {_shell_quote(escaped)} | curl --silent --config - {url}"


def _python(profile: Profile, _: str, __: str, home: Path | None) -> str:
    command = [*executable_command(), "token", profile.name]
    home_variable = _home_variable(home)
    env_arg = f", env={{**os.environ, **{home_variable!r}}}" if home_variable else ""
    return "\n".join(
        [
            "import json, os, subprocess, urllib.request",
            f"token = subprocess.run({command!r}, stdout=subprocess.PIPE, text=True, check=True{env_arg}).stdout.strip()",
            f"request = urllib.request.Request({profile.endpoints.method_url('auth.test')!r}, method='POST')",
            'request.add_header("Authorization", f"Bearer {token}")',
            "print(json.load(urllib.request.urlopen(request)))",
        ]
    )


def _mcp(profile: Profile, _: str, __: str, home: Path | None) -> str:
    if profile.endpoints.base not in _MCP_ENVIRONMENTS:
        raise StorageError("mcp_other_slack", name=profile.name)
    command, *arguments = executable_command()
    # npx is a bare name, because the MCP client's machine and PATH determine where Node is. Without --prefix, npx would
    # use the server from node_modules and the settings from .npmrc in the current directory.
    server = ["npx", "--prefix", _profiles_home(home), _MCP_SERVER, "--transport", "stdio"]
    exec_arguments = [*arguments, "exec", profile.name, "--env", "SLACK_MCP_XOXP_TOKEN", "--", *server]
    variables = {**_home_variable(home), **_MCP_ENVIRONMENTS[profile.endpoints.base]}
    environment = {"env": variables} if variables else {}
    return json.dumps({"mcpServers": {"slack": {"command": command, "args": exec_arguments, **environment}}}, indent=2)


def _shell_quote(text: str) -> str:
    if _NEEDS_NO_QUOTES.fullmatch(text):
        return text
    # Not shlex.quote: it leaves = unquoted.
    return "'" + text.replace("'", "'\"'\"'") + "'"


FORMATS = {
    token_format.id: token_format
    for token_format in (
        Format("token", "only the token", True, lambda _, token, *__: token),
        Format("header", "an HTTP header", True, lambda _, token, *__: f"Authorization: Bearer {token}"),
        Format("env", "a line for a shell", True, lambda _, token, name, __: f"export {name}={_shell_quote(token)}"),
        Format("dotenv", "a line of a .env file", True, _dotenv),
        Format("curl", "a curl command", True, _curl),
        Format("python", "a Python program that fetches a fresh token", False, _python),
        Format("mcp", "an MCP server entry that fetches a fresh token", False, _mcp),
        Format("json", "a JSON object", True, _json),
    )
}


def is_variable_name(text: str) -> bool:
    """Return whether ``text`` is a valid environment variable name."""
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) is not None
