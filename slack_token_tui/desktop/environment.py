"""Detection of SSH, containers, WSL, tmux and the terminal type."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_%-]{0,252}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,64}")
_SSH_PORT = "22"
CONTAINER_FILES = ("/.dockerenv", "/run/.containerenv")
_UPDATED_BY_TMUX = frozenset({"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "SSH_CONNECTION"})
_TMUX_TIMEOUT_SECONDS = 1


@dataclass(frozen=True)
class Environment:
    """The environment that this process runs in.

    Attributes:
        is_over_ssh: whether the terminal is on a different machine than this process.
        ssh_host: ``ssh`` arguments that reach this machine from the terminal's, with ``-p`` if the port is not 22.
        container: the kind of container, or None.
        is_wsl: whether this is Linux on Windows.
        has_display: whether a browser could open a window here.
        in_tmux: whether the program runs in tmux.
        terminal: ``vscode`` or ``jupyter``, or None for a standalone terminal.
        variables: the environment variables of the terminal that is attached now, for programs that are started.
    """

    is_over_ssh: bool = False
    ssh_host: str = ""
    container: str | None = None
    is_wsl: bool = False
    has_display: bool = True
    in_tmux: bool = False
    terminal: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_remote(self) -> bool:
        """Whether the user's browser runs elsewhere and can't reach this machine's localhost directly.

        A machine without a display is one too: ``su -``, ``sudo -i`` and ``kubectl exec`` leave no other trace.
        """
        is_local = self.has_display or (self.is_wsl and self.container is None)
        return self.is_over_ssh or not is_local

    @property
    def has_terminal_clipboard(self) -> bool:
        """Whether the terminal may accept text for its clipboard (OSC 52). JupyterLab's ignores it."""
        return self.terminal != "jupyter" or self.in_tmux

    @property
    def no_browser_reason(self) -> str | None:
        """Why no browser is opened here, as a sentence, or None if one can be."""
        if self.is_over_ssh:
            return "This is an SSH session, so the browser won't open automatically."
        if self.container is not None and not self.has_display:
            return f"Running in a container ({self.container}), so the browser won't open automatically."
        if not self.has_display and not self.is_wsl:
            return "This machine has no display to open a browser on."
        return None

    def tunnel_command(self, port: int) -> str | None:
        """Return the command that forwards ``localhost:port`` of the browser's machine to this one. ssh(1), ``-L``.

        None if this is not an SSH session.
        """
        return f"ssh -L {port}:localhost:{port} {self.ssh_host}" if self.is_over_ssh else None

    @property
    def hints(self) -> tuple[str, ...]:
        """What works differently in this terminal, one hint per string."""
        hints = []
        if self.terminal == "vscode":
            hints.append(
                "VS Code uses Ctrl+Q and some function keys itself. Press q to quit and ? to list every key. "
                "Ctrl+click opens a link. VS Code forwards the ports of remote windows automatically."
            )
        if self.terminal == "jupyter":
            hints.append(
                "Paste with Ctrl+V or the browser's menu. JupyterLab's terminal doesn't support copying (OSC 52). "
                "To copy a token, press t and select it with Shift+drag. In a notebook, use slack_token_tui.token()."
            )
        if self.in_tmux:
            hints.append(
                "Copies go through tmux's buffer. Use Shift+drag to select text with your terminal instead. "
                "Open links with your terminal's modifier key."
            )
        return tuple(hints)


def current_variables() -> dict[str, str]:
    """Return the environment variables of the terminal that is attached now.

    A tmux pane keeps the variables of the terminal that it was created in. tmux itself updates those in its
    ``update-environment`` option whenever a terminal is attached. tmux(1).
    """
    current = dict(os.environ)
    if not current.get("TMUX"):
        return current
    for line in _ask_tmux().splitlines():
        name, is_set, value = line.removeprefix("-").partition("=")
        if name not in _UPDATED_BY_TMUX:
            continue
        if is_set:
            current[name] = value
        else:
            current.pop(name, None)
        if name == "SSH_CONNECTION":
            current.pop("SSH_TTY", None)  # of the terminal that the pane was created in
    return current


def _ask_tmux() -> str:
    try:
        result = subprocess.run(
            ["tmux", "show-environment"],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_TMUX_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout


def detect(variables: Mapping[str, str] | None = None) -> Environment:
    """Detect SSH, containers, WSL, tmux and the terminal type.

    Args:
        variables: the environment variables. None means those of the terminal that is attached now, which may take a
            second if tmux hangs.
    """
    environ = current_variables() if variables is None else variables
    over_ssh = bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))
    is_wsl = sys.platform == "linux" and _is_wsl()
    has_display = sys.platform in {"darwin", "win32"} or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
    return Environment(
        is_over_ssh=over_ssh,
        ssh_host=_ssh_host(environ) if over_ssh else "",
        container=_detect_container(),
        is_wsl=is_wsl,
        has_display=has_display,
        in_tmux=bool(environ.get("TMUX")),
        terminal=_detect_terminal(),
        variables=environ,
    )


def _is_wsl() -> bool:
    if os.environ.get("WSL_DISTRO_NAME") or os.environ.get("WSL_INTEROP"):
        return True
    try:
        return "microsoft" in Path("/proc/sys/kernel/osrelease").read_text().lower() and not _detect_container()
    except OSError:
        return False


def _detect_container() -> str | None:
    environ = os.environ
    if environ.get("CODESPACES"):
        return "GitHub Codespace"
    if environ.get("REMOTE_CONTAINERS"):
        return "dev container"
    if environ.get("KUBERNETES_SERVICE_HOST"):
        return "Kubernetes pod"
    if sys.platform != "linux":
        return None
    for path, kind in zip(CONTAINER_FILES, ("Docker", "Podman"), strict=True):
        if Path(path).exists():
            return kind
    container = environ.get("container", "")
    return container if re.fullmatch(r"[a-z-]{1,20}", container) else None


def _detect_terminal() -> str | None:
    environ = os.environ
    if environ.get("TERM_PROGRAM") == "vscode" or environ.get("VSCODE_INJECTION"):
        return "vscode"
    # JupyterLab's terminals are child processes of the server, which sets these variables for them.
    if environ.get("JUPYTER_SERVER_ROOT") or environ.get("JUPYTERHUB_USER"):
        return "jupyter"
    return None


def _ssh_host(environ: Mapping[str, str]) -> str:
    """Return the ``ssh`` arguments that reach this machine from the client.

    ``SSH_CONNECTION`` has the client's IP address and port, then the server's, which the client can reach. ssh(1).
    """
    words = environ.get("SSH_CONNECTION", "").split()
    host, port = (words[2], words[3]) if len(words) == 4 else (socket.gethostname(), _SSH_PORT)
    if not _HOST.fullmatch(host):
        host = "HOST"
    user = ""
    with suppress(KeyError, OSError, ImportError):  # a user without a name, or a system without a user database
        import getpass

        name = getpass.getuser()
        # The name may come from the environment, and ssh would parse a name that starts with a dash as an option.
        user = f"{name}@" if _USER.fullmatch(name) else ""
    target = shlex.quote(f"{user}{host}")
    return target if port == _SSH_PORT or not port.isdigit() else f"-p {port} {target}"
