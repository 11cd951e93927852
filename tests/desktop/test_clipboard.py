"""The clipboard: a real X server and xclip, a real tmux, tools that hang or lie, and honest words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from slack_token_tui.desktop import clipboard, clipboard_probe
from slack_token_tui.desktop.clipboard import ClearPolicy, Copied, NotCopied
from slack_token_tui.secret import Secret
from tests.conftest import becomes

TOKEN = Secret("xoxp-canary-clipboard-0123")


class Tty:
    def __init__(self, *, allowed: bool = True, there: bool = True) -> None:
        self.sent: list[str] = []
        self.allowed = allowed
        self.there = there

    async def confirm(self) -> bool:
        return self.allowed

    def write(self, text: str) -> bool:
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
    assert await clipboard.copy(TOKEN, tty) == Copied("xclip", is_verified=True)
    held = subprocess.run(["xclip", "-selection", "clipboard", "-o"], capture_output=True, text=True, check=True).stdout
    assert held == TOKEN.reveal()
    assert tty.sent == []


async def test_the_caller_s_pipe_is_not_held_open_by_the_tool(display: str) -> None:
    program = (
        "import asyncio; from slack_token_tui.desktop import clipboard; from slack_token_tui.secret import Secret;"
        "from tests.desktop.test_clipboard import Tty as tty;"
        "print(asyncio.run(clipboard.copy(Secret('xoxp-canary-pipe-0123'), tty())).is_verified)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "True\n"


async def test_over_ssh_the_text_goes_to_the_terminal(display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "x")
    tty = Tty()
    copied = await clipboard.copy(TOKEN, tty)
    assert copied == Copied("OSC 52", is_verified=False)
    assert "not known" in copied.message("acme")
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
    monkeypatch.setattr(clipboard, "_COPY_TIMEOUT_SECONDS", 5)
    fake(fakes, "xclip", f"echo $$ > {tmp_path}/pid; exec sleep 600")
    tty = Tty()
    before = time.monotonic()
    assert await clipboard.copy(TOKEN, tty) == Copied("OSC 52", is_verified=False)
    assert time.monotonic() - before < 20
    pid = int((tmp_path / "pid").read_text())

    def has_ended() -> bool:
        state = _read(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()
        return not state or state[0] == b"Z"

    assert becomes(has_ended), "the hanging tool still runs"


async def test_a_tool_that_hangs_when_it_is_read_back_leaves_a_copy_that_is_cleared(
    fakes: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The token is on the clipboard by then, so its clearing must not hang on what reading back says."""
    monkeypatch.setattr(clipboard, "_CHECK_TIMEOUT_SECONDS", 0.8)
    held = tmp_path / "held"
    fake(
        fakes,
        "xclip",
        f'case "$*" in *-o*) [ -e {tmp_path}/works ] || exec sleep 60; cat {held};; *) cat > {held};; esac',
    )
    copied = await clipboard.copy(TOKEN, Tty(allowed=False), clearing(tmp_path, 8))
    assert copied == Copied("xclip", is_verified=False)
    assert held.read_text() == TOKEN.reveal()
    (tmp_path / "works").touch()
    assert becomes(lambda: held.read_text() == "")


async def test_a_line_end_that_a_tool_adds_changes_nothing(fakes: Path, tmp_path: Path) -> None:
    held = tmp_path / "held"
    fake(fakes, "xclip", f'case "$*" in *-o*) cat {held};; *) cat > {held}; echo >> {held};; esac')
    copied = await clipboard.copy(TOKEN, Tty(), clearing(tmp_path))
    assert isinstance(copied, Copied) and copied.is_verified
    assert becomes(lambda: held.read_text() == "\n")


async def test_a_tool_that_lies_is_not_called_certain(fakes: Path) -> None:
    fake(fakes, "xclip", "cat > /dev/null")
    assert await clipboard.copy(TOKEN, Tty()) == Copied("OSC 52", is_verified=False)
    copied = await clipboard.copy(TOKEN, Tty(allowed=False))
    assert copied == Copied("xclip", is_verified=False)
    assert "could not be read back" in copied.message("acme")


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
        assert await clipboard.copy(TOKEN, Tty()) == Copied("tmux", is_verified=False)
        held = subprocess.run(
            [*tmux, "show-buffer", "-b", clipboard.TMUX_BUFFER], capture_output=True, text=True, check=True
        ).stdout
        assert held == TOKEN.reveal()
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)


# ── cleared again ──


def held(environment: dict[str, str] | None = None) -> str:
    shown = subprocess.run(["xclip", "-selection", "clipboard", "-o"], capture_output=True, text=True, env=environment)
    return shown.stdout


def clearing(directory: Path, seconds: int = 2) -> ClearPolicy:
    return ClearPolicy(seconds, directory / "clipboard")


async def test_a_copied_token_is_cleared_after_its_time(display: str, tmp_path: Path) -> None:
    copied = await clipboard.copy(TOKEN, Tty(), clearing(tmp_path, 6))
    assert copied == Copied("xclip", is_verified=True, cleared_after_seconds=6)
    assert "cleared in 6 s" in copied.message("acme")
    assert held() == TOKEN.reveal()
    assert becomes(lambda: held() == "")


async def test_it_is_cleared_when_the_program_that_copied_has_gone(display: str, tmp_path: Path) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path; from slack_token_tui.desktop import clipboard;"
        "from tests.desktop.test_clipboard import TOKEN, Tty, clearing;"
        "assert asyncio.run(clipboard.copy(TOKEN, Tty(), clearing(Path(sys.argv[1]), 8))).is_verified"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=60)
    assert held() == TOKEN.reveal()
    assert becomes(lambda: held() == "")


async def test_what_somebody_copied_since_is_left_alone(display: str, tmp_path: Path) -> None:
    await clipboard.copy(TOKEN, Tty(), clearing(tmp_path))
    subprocess.run(["xclip", "-selection", "clipboard"], input=b"mine", check=True)
    assert not becomes(lambda: held() != "mine", 3.5)


async def test_a_second_copy_has_its_own_time(display: str, tmp_path: Path) -> None:
    await clipboard.copy(TOKEN, Tty(), clearing(tmp_path, 2))
    await clipboard.copy(TOKEN, Tty(), clearing(tmp_path, 8))
    assert not becomes(lambda: held() == "", 3)
    assert becomes(lambda: held() == "")


async def test_never_means_never(display: str, tmp_path: Path) -> None:
    copied = await clipboard.copy(TOKEN, Tty(), clearing(tmp_path, 0))
    assert copied == Copied("xclip", is_verified=True)
    assert "cleared" not in copied.message("acme")
    assert not (tmp_path / "clipboard").exists()


async def test_whoever_waits_to_clear_knows_only_a_hash(display: str, tmp_path: Path) -> None:
    await clipboard.copy(TOKEN, Tty(), clearing(tmp_path, 8))
    waiting = [
        process
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and b"clipboard_clearing" in _read(process / "cmdline")
    ]
    assert waiting
    for process in waiting:
        secret = TOKEN.reveal().encode()
        assert secret not in _read(process / "cmdline") + _read(process / "environ")
        with suppress(OSError), (process / "mem").open("rb") as memory:
            for line in (process / "maps").read_text().splitlines():
                start, end = (int(number, 16) for number in line.split()[0].split("-"))
                if " rw" in line and "[heap]" in line:
                    memory.seek(start)
                    assert secret not in memory.read(end - start)
    assert becomes(lambda: held() == "")


def _read(path: Path) -> bytes:
    with suppress(OSError):
        return path.read_bytes()
    return b""


async def test_a_tmux_buffer_is_deleted_after_its_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not shutil.which("tmux"):
        pytest.skip("LOUD: no tmux here")
    tmux = ["tmux", "-S", str(tmp_path / "tmux")]
    subprocess.run([*tmux, "-f", "/dev/null", "new-session", "-d", "sleep 60"], check=True)
    monkeypatch.setenv("TMUX", f"{tmp_path / 'tmux'},1,0")
    try:
        copied = await clipboard.copy(TOKEN, Tty(), clearing(tmp_path))
        assert copied == Copied("tmux", is_verified=False, cleared_after_seconds=2)

        def buffers() -> str:
            return subprocess.run([*tmux, "list-buffers"], capture_output=True, text=True).stdout

        assert clipboard.TMUX_BUFFER in buffers()
        assert becomes(lambda: clipboard.TMUX_BUFFER not in buffers())
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)


# ── Wayland ──


@pytest.fixture
def wayland(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A headless compositor with a seat, so that its clipboard works."""
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    if not all(map(shutil.which, ("sway", "wl-copy", *as_nobody[:1]))):
        pytest.skip("LOUD: no sway, wl-copy or setpriv here, so no real Wayland clipboard")
    # A short path: the name of a socket has 108 characters. Sway does not run as root.
    runtime = Path(tempfile.mkdtemp(prefix="way"))
    config = runtime / "sway"
    config.write_text("seat seat0 fallback true\nxwayland disable\n")
    if as_nobody:
        for path in (runtime, config):
            os.chown(path, 65534, 65534)
    environment = {
        **os.environ,
        "XDG_RUNTIME_DIR": str(runtime),
        "WLR_BACKENDS": "headless",
        "WLR_LIBINPUT_NO_DEVICES": "1",
        "WLR_RENDERER": "pixman",
    }
    compositor = subprocess.Popen(
        [*as_nobody, "sway", "-c", str(config)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    if not becomes(lambda: any(runtime.glob("wayland-?"))):
        compositor.kill()
        pytest.skip("LOUD: sway does not start here, so no real Wayland clipboard")
    name = next(runtime.glob("wayland-?")).name
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("WAYLAND_DISPLAY", name)
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    yield name
    compositor.terminate()
    compositor.wait()
    shutil.rmtree(runtime)


async def test_a_wayland_clipboard_is_written_read_back_and_cleared(wayland: str, tmp_path: Path) -> None:
    tty = Tty()
    assert await clipboard.copy(TOKEN, tty, clearing(tmp_path, 6)) == Copied(
        "wl-copy", is_verified=True, cleared_after_seconds=6
    )
    assert tty.sent == []

    def pasted() -> str:
        return subprocess.run(["wl-paste", "-n"], capture_output=True, text=True).stdout

    assert pasted() == TOKEN.reveal()
    assert becomes(lambda: pasted() == "")


async def test_a_wl_copy_that_knows_it_is_told_that_this_is_sensitive(
    fakes: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-9")
    fake(
        fakes,
        "wl-copy",
        f'[ "$1" = --help ] && echo "--sensitive" && exit; echo "$@" >> {tmp_path}/said; cat > {tmp_path}/held',
    )
    fake(fakes, "wl-paste", f"cat {tmp_path}/held")
    assert await clipboard.copy(TOKEN, Tty()) == Copied("wl-copy", is_verified=True)
    assert (tmp_path / "said").read_text() == "--sensitive\n"


async def test_a_wl_copy_without_a_seat_is_found_out(fakes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with success and has copied nothing."""
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-9")
    fake(fakes, "wl-copy", "cat > /dev/null")
    fake(fakes, "wl-paste", "exit 1")
    tty = Tty()
    assert await clipboard.copy(TOKEN, tty) == Copied("OSC 52", is_verified=False)
    assert tty.sent == [TOKEN.reveal()]


def test_the_check_asks_a_real_wayland_clipboard_and_leaves_it_alone(wayland: str) -> None:
    (empty,) = clipboard_probe.list_backends()
    assert (empty.tool, empty.works) == ("wl-copy", None), empty.message
    subprocess.run(["wl-copy", "canary"], check=True, timeout=10)
    (way,) = clipboard_probe.list_backends()
    assert way.works is None, way.message
    assert subprocess.run(["wl-paste", "-n"], capture_output=True, timeout=10).stdout == b"canary"
