"""A profile's token in the form that its next user takes: a header, a shell's variable, a command."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from slack_token_tui.keeping.fast_read import home
from slack_token_tui.keeping.profile import Profile
from slack_token_tui.secret import Secret

VARIABLE = "SLACK_TOKEN"
_PLAIN = re.compile(r"[A-Za-z0-9._%+/=:-]+")


@dataclass(frozen=True)
class Format:
    """One form.

    Attributes:
        id: as ``export --as`` names it.
        label: what it is, in a few words.
        holds_token: whether the token itself stands in the text; otherwise it fetches a fresh one when it is used.
        text: makes it, of the profile, its token, the name of an environment variable, and the environment that says where
            profiles are.
    """

    id: str
    label: str
    holds_token: bool
    text: Callable[[Profile, str, str, Mapping[str, str]], str]


def formatted(profile: Profile, format_id: str, token: str, variable: str = VARIABLE, at: Path | None = None) -> str:
    """Return the text of format ``format_id``, without a newline at its end.

    Args:
        profile: whose token it is.
        format_id: one of :data:`FORMATS`.
        token: the access token itself, or a mask for a preview.
        variable: the environment variable, where one is used.
        at: the directory of profiles, where it is not this user's own.
    """
    return FORMATS[format_id].text(profile, token, variable, _elsewhere(at))


def preview(profile: Profile, format_id: str, at: Path | None = None) -> str:
    """Return the same text with the token masked."""
    return formatted(profile, format_id, profile.masked_token, at=at)


def secret_text(profile: Profile, format_id: str, variable: str = VARIABLE, at: Path | None = None) -> Secret:
    """Return the text with the token in it. The profile has its tokens."""
    assert profile.access_token is not None, "with_tokens() comes first"
    return Secret(formatted(profile, format_id, profile.access_token.reveal(), variable, at))


def own_command() -> list[str]:
    """Return how this program is started from anywhere: other programs' ``PATH`` may be shorter than ours."""
    found = shutil.which("slack-token-tui")
    return [found] if found else [sys.executable, "-m", "slack_token_tui"]


def _elsewhere(at: Path | None) -> Mapping[str, str]:
    """The variable that says where profiles are, when one must: programs started by others do not inherit it."""
    if at is not None:
        return {"SLACK_TOKEN_TUI_HOME": str(at)}
    return {"SLACK_TOKEN_TUI_HOME": home()} if os.environ.get("SLACK_TOKEN_TUI_HOME") else {}


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


def _dotenv(_: Profile, token: str, variable: str, __: object) -> str:
    if _PLAIN.fullmatch(token):
        return f"{variable}={token}"
    escaped = re.sub(r'(["\\$`])', r"\\\1", token)
    return f'{variable}="{escaped}"'


def _curl(profile: Profile, token: str, *_: object) -> str:
    # printf is part of the shell and curl reads the header from its standard input: no list of processes shows it.
    header = 'header = "Authorization: Bearer %s"\\n'
    escaped = re.sub(r'(["\\])', r"\\\1", token)
    address = _quoted(profile.endpoints.method("auth.test"))
    return f"printf '{header}' {_quoted(escaped)} | curl --silent --config - {address}"


def _python(profile: Profile, _: str, __: str, elsewhere: Mapping[str, str]) -> str:
    command = [*own_command(), "token", profile.name]
    where = f", env={{**os.environ, **{elsewhere!r}}}" if elsewhere else ""
    return "\n".join(
        [
            "import json, os, subprocess, urllib.request",
            f"token = subprocess.run({command!r}, stdout=subprocess.PIPE, text=True, check=True{where}).stdout.strip()",
            f"request = urllib.request.Request({profile.endpoints.method('auth.test')!r}, method='POST')",
            'request.add_header("Authorization", f"Bearer {token}")',
            "print(json.load(urllib.request.urlopen(request)))",
        ]
    )


def _mcp(profile: Profile, _: str, __: str, elsewhere: Mapping[str, str]) -> str:
    command, *arguments = own_command()
    server = ["npx", "-y", "slack-mcp-server@latest", "--transport", "stdio"]
    words = [*arguments, "exec", profile.name, "--env", "SLACK_MCP_XOXP_TOKEN", "--", *server]
    environment = {"env": elsewhere} if elsewhere else {}
    return json.dumps({"mcpServers": {"slack": {"command": command, "args": words, **environment}}}, indent=2)


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else shlex.quote(text)


FORMATS = {
    one.id: one
    for one in (
        Format("token", "the token alone", True, lambda _, token, *__: token),
        Format("header", "an HTTP header", True, lambda _, token, *__: f"Authorization: Bearer {token}"),
        Format("env", "a line for a shell", True, lambda _, token, name, __: f"export {name}={_quoted(token)}"),
        Format("dotenv", "a line of a .env file", True, _dotenv),
        Format("curl", "a curl command", True, _curl),
        Format("python", "a Python program that fetches a fresh token", False, _python),
        Format("mcp", "an MCP server’s entry that fetches a fresh token", False, _mcp),
        Format("json", "a JSON object", True, _json),
    )
}
