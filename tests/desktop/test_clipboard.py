"""The clipboard: a real X server and xclip, a real tmux, tools that hang or lie, and honest words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from slack_token_tui.desktop import clipboard
from slack_token_tui.desktop.clipboard import Copied, NotCopied
from slack_token_tui.secret import Secret

TOKEN = Secret("xoxp-canary-clipboard-0123")


class Tty:
    def __init__(self, *, allowed: bool = True, there: bool = True) -> None:
        self.sent: list[str] = []
        self.allowed = allowed
        self.there = there

    async def allows(self) -> bool:
        return self.allowed

    def send(self, text: str) -> bool:
        self.sent.append(text)
        return self.there


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if not shutil.which("Xvfb") or not shutil.which("xclip"):
        pytest.skip("LOUD: no Xvfb or xclip here, so no real X11 clipboard")
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-nolisten", "tcp"], pass_fds=[writer], stderr=subprocess.DEVNULL
    )
    os.close(writer)
    with os.fdopen(reader) as said:
        name = f":{said.readline().strip()}"
    monkeypatch.setenv("DISPLAY", name)
    yield name
    server.terminate()
    server.wait()


async def test_an_x11_clipboard_is_written_and_read_back(display: str) -> None:
    tty = Tty()
    assert await clipboard.copy(TOKEN, tty) == Copied("xclip", certain=True)
    held = subprocess.run(["xclip", "-selection", "clipboard", "-o"], capture_output=True, text=True, check=True).stdout
    assert held == TOKEN.reveal()
    assert tty.sent == []


async def test_the_caller_s_pipe_is_not_held_open_by_the_tool(display: str) -> None:
    program = (
        "import asyncio; from slack_token_tui.desktop import clipboard; from slack_token_tui.secret import Secret;"
        "from tests.desktop.test_clipboard import Tty as tty;"
        "print(asyncio.run(clipboard.copy(Secret('xoxp-canary-pipe-0123'), tty())).certain)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=10, check=True)
    assert done.stdout == "True\n"


async def test_over_ssh_the_text_goes_to_the_terminal(display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "x")
    tty = Tty()
    copied = await clipboard.copy(TOKEN, tty)
    assert copied == Copied("OSC 52", certain=False)
    assert "not known" in copied.sentence("acme")
    assert tty.sent == [TOKEN.reveal()]


def fake(directory: Path, name: str, body: str) -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "bin"
    directory.mkdir()
    for name in ("which", "sh", "sleep", "cat"):
        found = shutil.which(name)
        assert found
        (directory / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setenv("DISPLAY", ":99")
    return directory


async def test_a_tool_that_hangs_is_given_up_and_killed(
    fakes: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(clipboard, "_HELPER_SECONDS", 0.8)
    fake(fakes, "xclip", f"echo $$ > {tmp_path}/pid; exec sleep 60")
    tty = Tty()
    before = time.monotonic()
    assert await clipboard.copy(TOKEN, tty) == Copied("OSC 52", certain=False)
    assert time.monotonic() - before < 3
    pid = int((tmp_path / "pid").read_text())
    for _ in range(50):
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0]:
            return
        time.sleep(0.02)
    raise AssertionError("the hanging tool still runs")


async def test_a_tool_that_lies_is_not_called_certain(fakes: Path) -> None:
    fake(fakes, "xclip", "cat > /dev/null")
    assert await clipboard.copy(TOKEN, Tty()) == Copied("OSC 52", certain=False)
    copied = await clipboard.copy(TOKEN, Tty(allowed=False))
    assert copied == Copied("xclip", certain=False)
    assert "could not be read back" in copied.sentence("acme")


async def test_without_clipboard_and_terminal_it_says_so() -> None:
    assert isinstance(await clipboard.copy(TOKEN, Tty(there=False)), NotCopied)
    assert isinstance(await clipboard.copy(TOKEN, Tty(allowed=False)), NotCopied)


async def test_in_tmux_the_buffer_is_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not shutil.which("tmux"):
        pytest.skip("LOUD: no tmux here")
    socket = tmp_path / "tmux"
    tmux = ["tmux", "-S", str(socket)]
    subprocess.run([*tmux, "-f", "/dev/null", "new-session", "-d", "sleep 60"], check=True)
    monkeypatch.setenv("TMUX", f"{socket},1,0")
    try:
        assert await clipboard.copy(TOKEN, Tty()) == Copied("tmux", certain=False)
        held = subprocess.run(
            [*tmux, "show-buffer", "-b", clipboard.TMUX_BUFFER], capture_output=True, text=True, check=True
        ).stdout
        assert held == TOKEN.reveal()
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)
