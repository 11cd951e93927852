"""Detecting SSH, containers, WSL and terminals, and what each of them changes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from slack_token_tui.desktop import environment
from slack_token_tui.desktop.environment import Environment


def test_ssh_tunnel_command_uses_the_real_port_user_and_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "203.0.113.9 51234 198.51.100.7 22")
    monkeypatch.setenv("LOGNAME", "jane")
    around = environment.detect()
    assert around.is_remote
    assert around.tunnel_command(28418) == "ssh -L 28418:localhost:28418 jane@198.51.100.7"


def test_ssh_tunnel_command_includes_a_nonstandard_ssh_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "2001:db8::9 51234 2001:db8::7 2222")
    monkeypatch.setenv("LOGNAME", "jane")
    assert environment.detect().tunnel_command(28417) == "ssh -L 28417:localhost:28417 -p 2222 jane@2001:db8::7"


@pytest.mark.parametrize("value", ["x", "a b $(id) 22", "a b ;rm 22", "a b c d"])
def test_malformed_ssh_connection_cannot_inject_shell_commands(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SSH_CONNECTION", value)
    line = environment.detect().tunnel_command(28417) or ""
    assert "$" not in line
    assert ";" not in line


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("CODESPACES", "GitHub Codespace"),
        ("REMOTE_CONTAINERS", "dev container"),
        ("KUBERNETES_SERVICE_HOST", "Kubernetes pod"),
    ],
)
def test_container_without_a_display_has_no_browser(monkeypatch: pytest.MonkeyPatch, name: str, kind: str) -> None:
    monkeypatch.setenv(name, "true")
    around = environment.detect()
    assert around.container == kind
    assert around.is_remote
    assert kind in str(around.no_browser_reason)
    assert around.tunnel_command(28417) is None
    monkeypatch.setenv("DISPLAY", ":0")
    assert environment.detect().no_browser_reason is None, "a container with a display, as toolbox and distrobox have"


@pytest.mark.parametrize(("mark", "kind"), [("docker", "Docker"), ("podman", "Podman")])
def test_docker_and_podman_are_detected_by_their_marker_files(tmp_path: Path, mark: str, kind: str) -> None:
    (tmp_path / mark).touch()
    assert environment.detect().container == kind


def test_wsl_is_local_and_has_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSL_DISTRO_NAME", "Debian")
    around = environment.detect()
    assert around.is_wsl
    assert not around.is_remote
    assert around.no_browser_reason is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TERM_PROGRAM", "vscode", "VS Code uses Ctrl+Q"),
        ("JUPYTER_SERVER_ROOT", "/home", "JupyterLab's terminal doesn't support copying"),
        ("TMUX", "/tmp/tmux-0/default,1,0", "tmux's buffer"),
    ],
)
def test_hints_name_terminals_with_special_behavior(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    assert any(words in hint for hint in environment.detect().hints)


def test_ordinary_terminal_has_no_hints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    assert environment.detect() == Environment()


def test_user_name_that_looks_like_an_ssh_option_is_omitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.5 50000 10.0.0.9 22")
    monkeypatch.setenv("LOGNAME", "-oProxyCommand=x")
    assert environment.detect().tunnel_command(28417) == "ssh -L 28417:localhost:28417 10.0.0.9"


def test_machine_without_a_display_is_remote(monkeypatch: pytest.MonkeyPatch) -> None:
    """After ``su -``, or in ``kubectl exec`` or SSM, no variable says that the person is elsewhere."""
    around = environment.detect()
    assert around.is_remote and around.tunnel_command(28417) is None
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert not environment.detect().is_remote


def test_tmux_pane_from_the_desk_that_is_attached_over_ssh_is_remote(
    monkeypatch: pytest.MonkeyPatch, tmux: list[str]
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    subprocess.run([*tmux, "set-environment", "DISPLAY", ":0"], check=True)
    assert not environment.detect().is_remote
    subprocess.run([*tmux, "set-environment", "-r", "DISPLAY"], check=True)
    subprocess.run([*tmux, "set-environment", "SSH_CONNECTION", "203.0.113.9 51234 198.51.100.7 2222"], check=True)
    around = environment.detect()
    assert around.is_over_ssh and not around.has_display
    assert str(around.tunnel_command(28417)).endswith("@198.51.100.7")
    assert "-p 2222" in str(around.tunnel_command(28417))


def test_tmux_pane_from_an_ssh_session_that_is_attached_at_the_desk_is_local(
    monkeypatch: pytest.MonkeyPatch, tmux: list[str]
) -> None:
    came_from = "203.0.113.9 51234 198.51.100.7 22"
    monkeypatch.setenv("SSH_CONNECTION", came_from)
    monkeypatch.setenv("SSH_TTY", "/dev/pts/1")
    subprocess.run([*tmux, "set-environment", "SSH_CONNECTION", came_from], check=True)
    assert environment.detect().is_over_ssh
    subprocess.run([*tmux, "set-environment", "-r", "SSH_CONNECTION"], check=True)
    subprocess.run([*tmux, "set-environment", "DISPLAY", ":1"], check=True)
    around = environment.detect()
    assert not around.is_remote and around.has_display
    assert environment.current_variables()["DISPLAY"] == ":1", "a browser is started with this one"


def test_tmux_that_is_gone_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("TMUX", f"{tmp_path / 'gone'},1,0")
    assert environment.current_variables() == dict(os.environ)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment.current_variables() == dict(os.environ)
