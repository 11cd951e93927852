"""A profile's token in the form that its next user takes: a header, a shell's variable, a command."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import GOVSLACK, SLACK
from slack_token_tui.store.atomic_file import StorageError
from slack_token_tui.store.hot_path import config_home
from slack_token_tui.store.profile import Profile

VARIABLE = "SLACK_TOKEN"
# No "=": zsh replaces =ls at the beginning of a value, or after a colon, by the path of ls.
_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z0-9._%+/:-]+")
# Inside single quotes, python-dotenv still reads these in its own way: it unescapes \\ and \', and fills in ${NAME}.
_CHANGED_BY_DOTENV = re.compile(r"'|\\\\|\\\Z|\$\{")
# Pinned: @latest would hand the token to any later release.
_MCP_SERVER = "slack-mcp-server@1.3.0"
_MCP_ENVIRONMENTS: Mapping[str, Mapping[str, str]] = {SLACK: {}, GOVSLACK: {"SLACK_MCP_GOVSLACK": "true"}}
"""What tells the MCP server which Slack to use. It knows these two and sends every other token to slack.com."""


@dataclass(frozen=True)
class Format:
    """One form.

    Attributes:
        id: as ``export --as`` names it.
        label: what it is, in a few words.
        contains_token: whether the token itself stands in the text; otherwise it fetches a fresh one when it is used.
        text: makes it, of the profile, its token, the name of an environment variable, and the directory of profiles, where
            it is not this user's own. It raises StorageError when no text can be right.
    """

    id: str
    label: str
    contains_token: bool
    render: Callable[[Profile, str, str, Path | None], str]


def format_token(
    profile: Profile, format_id: str, token: str, variable: str = VARIABLE, home: Path | None = None
) -> str:
    """Return the text of format ``format_id``, without a newline at its end.

    Args:
        profile: whose token it is.
        format_id: one of :data:`FORMATS`.
        token: the access token itself, or a mask for a preview.
        variable: the environment variable, where one is used.
        at: the directory of profiles, where it is not this user's own.

    Raises:
        StorageError: the format cannot hold this token, does not work with the profile's Slack, or needs this program's own
            command and that is unknown.
    """
    return FORMATS[format_id].render(profile, token, variable, home)


def preview(profile: Profile, format_id: str, home: Path | None = None) -> str:
    """Return the same text with the token masked.

    Raises:
        StorageError: as :func:`formatted`.
    """
    return format_token(profile, format_id, profile.masked_token, home=home)


def format_secret(profile: Profile, format_id: str, variable: str = VARIABLE, home: Path | None = None) -> Secret:
    """Return the text with the token in it. The profile has its tokens.

    Raises:
        StorageError: as :func:`formatted`.
    """
    assert profile.access_token is not None, "with_tokens() comes first"
    return Secret(format_token(profile, format_id, profile.access_token.reveal(), variable, home))


def executable_command() -> list[str]:
    """Return how this program is started from anywhere: other programs' ``PATH`` may be shorter than ours.

    Raises:
        StorageError: neither its command nor its interpreter has an absolute path.
    """
    interpreter = Path(sys.executable or "")
    directories = [
        str(interpreter.parent),
        sysconfig.get_path("scripts"),
        *os.environ.get("PATH", "").split(os.pathsep),
    ]
    # A relative directory, and an empty one, is whatever directory the text is used in.
    absolute = [directory for directory in directories if Path(directory).is_absolute()]
    found = shutil.which("slack-token-tui", path=os.pathsep.join(absolute))
    if found and Path(found).is_absolute():  # Windows looks into the current directory too
        return [found]
    if interpreter.is_absolute():
        return [str(interpreter), "-P", "-m", "slack_token_tui"]  # -P: the current directory is not imported from
    raise StorageError("own_command_unknown")


def _profiles_home(home: Path | None) -> str:
    return str(home.absolute()) if home is not None else config_home()


def _home_variable(home: Path | None) -> Mapping[str, str]:
    """The variable that says where profiles are, when one must: programs started by others do not inherit it."""
    is_elsewhere = home is not None or os.environ.get("SLACK_TOKEN_TUI_HOME")
    return {"SLACK_TOKEN_TUI_HOME": _profiles_home(home)} if is_elsewhere else {}


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
    # Without quotes every reader agrees, also docker --env-file, which takes quotes for a part of the value. Inside single
    # quotes python-dotenv, shells and Node agree, but for what is refused here.
    if _NEEDS_NO_QUOTES.fullmatch(token):
        return f"{variable}={token}"
    if _CHANGED_BY_DOTENV.search(token):
        raise StorageError("dotenv_unsafe", name=profile.name)
    return f"{variable}='{token}'"


def _curl(profile: Profile, token: str, *_: object) -> str:
    # printf is part of the shell and curl reads the header from its standard input: no list of processes shows it.
    header = 'header = "Authorization: Bearer %s"\\n'
    escaped = re.sub(r'(["\\])', r"\\\1", token)
    address = _shell_quote(profile.endpoints.method_url("auth.test"))
    return f"printf '{header}' {_shell_quote(escaped)} | curl --silent --config - {address}"


def _python(profile: Profile, _: str, __: str, home: Path | None) -> str:
    command = [*executable_command(), "token", profile.name]
    elsewhere = _home_variable(home)
    where = f", env={{**os.environ, **{elsewhere!r}}}" if elsewhere else ""
    return "\n".join(
        [
            "import json, os, subprocess, urllib.request",
            f"token = subprocess.run({command!r}, stdout=subprocess.PIPE, text=True, check=True{where}).stdout.strip()",
            f"request = urllib.request.Request({profile.endpoints.method_url('auth.test')!r}, method='POST')",
            'request.add_header("Authorization", f"Bearer {token}")',
            "print(json.load(urllib.request.urlopen(request)))",
        ]
    )


def _mcp(profile: Profile, _: str, __: str, home: Path | None) -> str:
    if profile.endpoints.base not in _MCP_ENVIRONMENTS:
        raise StorageError("mcp_other_slack", name=profile.name)
    command, *arguments = executable_command()
    # npx is a bare name: it is the MCP client's machine and PATH that say where Node is. --prefix: otherwise npx takes the
    # server from node_modules, and its settings from .npmrc, in the current directory.
    server = ["npx", "--prefix", _profiles_home(home), _MCP_SERVER, "--transport", "stdio"]
    words = [*arguments, "exec", profile.name, "--env", "SLACK_MCP_XOXP_TOKEN", "--", *server]
    variables = {**_home_variable(home), **_MCP_ENVIRONMENTS[profile.endpoints.base]}
    environment = {"env": variables} if variables else {}
    return json.dumps({"mcpServers": {"slack": {"command": command, "args": words, **environment}}}, indent=2)


def _shell_quote(text: str) -> str:
    if _NEEDS_NO_QUOTES.fullmatch(text):
        return text
    # Not shlex.quote, which leaves = without quotes.
    return "'" + text.replace("'", "'\"'\"'") + "'"


FORMATS = {
    token_format.id: token_format
    for token_format in (
        Format("token", "the token alone", True, lambda _, token, *__: token),
        Format("header", "an HTTP header", True, lambda _, token, *__: f"Authorization: Bearer {token}"),
        Format("env", "a line for a shell", True, lambda _, token, name, __: f"export {name}={_shell_quote(token)}"),
        Format("dotenv", "a line of a .env file", True, _dotenv),
        Format("curl", "a curl command", True, _curl),
        Format("python", "a Python program that fetches a fresh token", False, _python),
        Format("mcp", "an MCP server’s entry that fetches a fresh token", False, _mcp),
        Format("json", "a JSON object", True, _json),
    )
}


def is_variable_name(text: str) -> bool:
    """Tell whether ``text`` can be the name of an environment variable."""
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) is not None
