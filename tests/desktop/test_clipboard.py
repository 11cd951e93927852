"""The clipboard: real X11, Wayland and tmux, tools that hang or lie, and messages that don't promise too much."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from slack_token_tui.desktop import clipboard, clipboard_probe
from slack_token_tui.desktop.clipboard import Copied, NotCopied
from tests.support.cli import run_python
from tests.support.clipboard import (
    CLEAR_SECONDS,
    CLIPBOARD_TOKEN,
    RecordingTerminal,
    find_clearing_processes,
    let_clear_timeout_pass,
    let_clear_timeouts_pass,
    make_clear_policy,
)
from tests.support.processes import read_process_file
from tests.support.scripts import write_script
from tests.support.waiting import wait_until


async def test_x11_clipboard_is_written_and_read_back(x_display: str) -> None:
    tty = RecordingTerminal()
    assert await clipboard.copy(CLIPBOARD_TOKEN, tty) == Copied("xclip", is_verified=True)
    held = subprocess.run(["xclip", "-selection", "clipboard", "-o"], capture_output=True, text=True, check=True).stdout
    assert held == CLIPBOARD_TOKEN.reveal()
    assert tty.sent == []


async def test_clipboard_tool_does_not_hold_the_callers_pipe_open(x_display: str) -> None:
    program = (
        "import asyncio; from slack_token_tui.desktop import clipboard;"
        "clipboard.COPY_TIMEOUT_SECONDS = clipboard.CHECK_TIMEOUT_SECONDS = 60;"
        "from tests.support.clipboard import CLIPBOARD_TOKEN, RecordingTerminal;"
        "print(asyncio.run(clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal())).is_verified)"
    )
    done = run_python(program, check=True)
    assert done.stdout == "True\n"


async def test_over_ssh_text_is_copied_through_the_terminal(x_display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "x")
    tty = RecordingTerminal()
    copied = await clipboard.copy(CLIPBOARD_TOKEN, tty)
    assert copied == Copied("OSC 52", is_verified=False)
    assert "If pasting fails" in copied.message("acme")
    assert tty.sent == [CLIPBOARD_TOKEN.reveal()]


async def test_jupyterlab_terminal_gets_no_token_because_it_ignores_osc_52(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "TMUX"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("JUPYTER_SERVER_ROOT", "/home")
    tty = RecordingTerminal()
    outcome = await clipboard.copy(CLIPBOARD_TOKEN, tty)
    assert isinstance(outcome, NotCopied)
    assert "JupyterLab" in outcome.reason and "Shift+drag" in outcome.reason
    assert tty.sent == []


@pytest.fixture
def tool_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only directory in PATH, for tools that stand in for real ones."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name in ("which", "sh", "sleep", "cat"):
        found = shutil.which(name)
        assert found
        (directory / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setenv("DISPLAY", ":99")
    return directory


async def test_hanging_tool_times_out_and_is_killed(
    tool_directory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(clipboard, "COPY_TIMEOUT_SECONDS", 5)
    write_script(tool_directory / "xclip", f"echo $$ > {tmp_path}/pid; exec sleep 600")
    tty = RecordingTerminal()
    before = time.monotonic()
    assert await clipboard.copy(CLIPBOARD_TOKEN, tty) == Copied("OSC 52", is_verified=False)
    assert time.monotonic() - before < 20
    pid = int((tmp_path / "pid").read_text())

    def has_ended() -> bool:
        state = read_process_file(pid, "stat").rpartition(b")")[2].split()
        return not state or state[0] == b"Z"

    assert wait_until(has_ended), "the hanging tool still runs"


async def test_copy_is_cleared_even_if_reading_it_back_hangs(
    tool_directory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The token is on the clipboard by then, so it must be cleared even if it could not be read back."""
    monkeypatch.setattr(clipboard, "CHECK_TIMEOUT_SECONDS", 0.8)
    held = tmp_path / "held"
    write_script(
        tool_directory / "xclip",
        f'case "$*" in *-o*) [ -e {tmp_path}/works ] || exec sleep 60; cat {held};; *) cat > {held};; esac',
    )
    copied = await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal(allows=False), make_clear_policy(tmp_path))
    assert copied == Copied("xclip", is_verified=False)
    assert held.read_text() == CLIPBOARD_TOKEN.reveal()
    (tmp_path / "works").touch()
    let_clear_timeouts_pass(tmp_path)
    assert held.read_text() == ""


async def test_trailing_newline_added_by_a_tool_is_ignored(tool_directory: Path, tmp_path: Path) -> None:
    held = tmp_path / "held"
    write_script(tool_directory / "xclip", f'case "$*" in *-o*) cat {held};; *) cat > {held}; echo >> {held};; esac')
    copied = await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal(), make_clear_policy(tmp_path))
    assert isinstance(copied, Copied) and copied.is_verified
    let_clear_timeouts_pass(tmp_path)
    assert held.read_text() == "\n"


async def test_tool_that_copies_nothing_is_reported_as_unverified(tool_directory: Path) -> None:
    write_script(tool_directory / "xclip", "cat > /dev/null")
    assert await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal()) == Copied("OSC 52", is_verified=False)
    copied = await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal(allows=False))
    assert copied == Copied("xclip", is_verified=False)
    assert "couldn't be verified" in copied.message("acme")


async def test_copy_without_clipboard_or_terminal_returns_not_copied() -> None:
    assert isinstance(await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal(is_present=False)), NotCopied)
    assert isinstance(await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal(allows=False)), NotCopied)


async def test_tmux_copy_loads_the_buffer(tmux: list[str]) -> None:
    assert await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal()) == Copied("tmux", is_verified=False)
    shown = subprocess.run(
        [*tmux, "show-buffer", "-b", clipboard.TMUX_BUFFER], capture_output=True, text=True, check=True
    )
    assert shown.stdout == CLIPBOARD_TOKEN.reveal()


# ── cleared after some time ──


def read_x_clipboard(environment: dict[str, str] | None = None) -> str:
    shown = subprocess.run(["xclip", "-selection", "clipboard", "-o"], capture_output=True, text=True, env=environment)
    return shown.stdout


async def test_copied_token_is_cleared_after_the_timeout(x_display: str, tmp_path: Path) -> None:
    copied = await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal(), make_clear_policy(tmp_path))
    assert copied == Copied("xclip", is_verified=True, cleared_after_seconds=CLEAR_SECONDS)
    assert f"cleared in {CLEAR_SECONDS} s" in copied.message("acme")
    assert read_x_clipboard() == CLIPBOARD_TOKEN.reveal()
    let_clear_timeouts_pass(tmp_path)
    assert read_x_clipboard() == ""


async def test_timeout_passes_without_help(x_display: str, tmp_path: Path) -> None:
    await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal(), make_clear_policy(tmp_path, 1))
    assert wait_until(lambda: read_x_clipboard() == "")


async def test_clipboard_is_cleared_after_the_copying_program_exits(x_display: str, tmp_path: Path) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path; from slack_token_tui.desktop import clipboard;"
        "clipboard.COPY_TIMEOUT_SECONDS = clipboard.CHECK_TIMEOUT_SECONDS = 60;"
        "from tests.support.clipboard import CLIPBOARD_TOKEN as token, RecordingTerminal, make_clear_policy;"
        "policy = make_clear_policy(Path(sys.argv[1]));"
        "assert asyncio.run(clipboard.copy(token, RecordingTerminal(), policy)).is_verified"
    )
    run_python(program, str(tmp_path), check=True)
    assert read_x_clipboard() == CLIPBOARD_TOKEN.reveal()
    let_clear_timeouts_pass(tmp_path)
    assert read_x_clipboard() == ""


async def test_newer_clipboard_content_is_not_cleared(x_display: str, tmp_path: Path) -> None:
    await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal(), make_clear_policy(tmp_path))
    subprocess.run(["xclip", "-selection", "clipboard"], input=b"mine", check=True)
    let_clear_timeouts_pass(tmp_path)
    assert read_x_clipboard() == "mine"


async def test_second_copy_restarts_the_clear_timeout(x_display: str, tmp_path: Path) -> None:
    await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal(), make_clear_policy(tmp_path))
    (first,) = find_clearing_processes(tmp_path)
    await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal(), make_clear_policy(tmp_path))
    assert len(find_clearing_processes(tmp_path)) == 2
    let_clear_timeout_pass(first)
    assert read_x_clipboard() == CLIPBOARD_TOKEN.reveal()
    let_clear_timeouts_pass(tmp_path)
    assert read_x_clipboard() == ""


async def test_zero_timeout_never_clears_the_clipboard(x_display: str, tmp_path: Path) -> None:
    copied = await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal(), make_clear_policy(tmp_path, 0))
    assert copied == Copied("xclip", is_verified=True)
    assert "cleared" not in copied.message("acme")
    assert not (tmp_path / "clipboard").exists()


async def test_clearing_process_stores_only_a_hash(x_display: str, tmp_path: Path) -> None:
    await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal(), make_clear_policy(tmp_path))
    waiting = find_clearing_processes(tmp_path)
    assert waiting
    for pid in waiting:
        secret = CLIPBOARD_TOKEN.reveal().encode()
        assert secret not in read_process_file(pid, "cmdline") + read_process_file(pid, "environ")
        with suppress(OSError), Path(f"/proc/{pid}/mem").open("rb") as memory:
            for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
                start, end = (int(number, 16) for number in line.split()[0].split("-"))
                if " rw" in line and "[heap]" in line:
                    memory.seek(start)
                    assert secret not in memory.read(end - start)
    let_clear_timeouts_pass(tmp_path)
    assert read_x_clipboard() == ""


async def test_tmux_buffer_is_deleted_after_the_timeout(tmux: list[str], tmp_path: Path) -> None:
    copied = await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal(), make_clear_policy(tmp_path))
    assert copied == Copied("tmux", is_verified=False, cleared_after_seconds=CLEAR_SECONDS)

    def list_buffers() -> str:
        return subprocess.run([*tmux, "list-buffers"], capture_output=True, text=True).stdout

    assert clipboard.TMUX_BUFFER in list_buffers()
    let_clear_timeouts_pass(tmp_path)
    assert clipboard.TMUX_BUFFER not in list_buffers()


# ── Wayland ──


@pytest.fixture
def wayland_display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run a headless compositor. It has a seat, without which its clipboard would not work."""
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    if not all(map(shutil.which, ("sway", "wl-copy", *as_nobody[:1]))):
        pytest.skip("LOUD: no sway, wl-copy or setpriv here, so no real Wayland clipboard")
    # A short path, because the name of a socket has at most 108 characters. Sway refuses to run as root.
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
    if not wait_until(lambda: any(runtime.glob("wayland-?"))):
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


async def test_wayland_clipboard_is_written_read_back_and_cleared(wayland_display: str, tmp_path: Path) -> None:
    tty = RecordingTerminal()
    assert await clipboard.copy(CLIPBOARD_TOKEN, tty, make_clear_policy(tmp_path)) == Copied(
        "wl-copy", is_verified=True, cleared_after_seconds=CLEAR_SECONDS
    )
    assert tty.sent == []

    def read_clipboard() -> str:
        return subprocess.run(["wl-paste", "-n"], capture_output=True, text=True).stdout

    assert read_clipboard() == CLIPBOARD_TOKEN.reveal()
    let_clear_timeouts_pass(tmp_path)
    assert read_clipboard() == ""


async def test_wl_copy_gets_the_sensitive_flag_if_supported(
    tool_directory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-9")
    write_script(
        tool_directory / "wl-copy",
        f'[ "$1" = --help ] && echo "--sensitive" && exit; echo "$@" >> {tmp_path}/said; cat > {tmp_path}/held',
    )
    write_script(tool_directory / "wl-paste", f"cat {tmp_path}/held")
    assert await clipboard.copy(CLIPBOARD_TOKEN, RecordingTerminal()) == Copied("wl-copy", is_verified=True)
    assert (tmp_path / "said").read_text() == "--sensitive\n"


async def test_wl_copy_that_copies_nothing_falls_back_to_the_terminal(
    tool_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reports success and has copied nothing."""
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-9")
    write_script(tool_directory / "wl-copy", "cat > /dev/null")
    write_script(tool_directory / "wl-paste", "exit 1")
    tty = RecordingTerminal()
    assert await clipboard.copy(CLIPBOARD_TOKEN, tty) == Copied("OSC 52", is_verified=False)
    assert tty.sent == [CLIPBOARD_TOKEN.reveal()]


def test_clipboard_probe_does_not_change_a_wayland_clipboard(wayland_display: str) -> None:
    (empty,) = clipboard_probe.list_backends()
    assert (empty.tool, empty.works) == ("wl-copy", None), empty.message
    subprocess.run(["wl-copy", "canary"], check=True, timeout=10)
    (way,) = clipboard_probe.list_backends()
    assert way.works is None, way.message
    assert subprocess.run(["wl-paste", "-n"], capture_output=True, timeout=10).stdout == b"canary"
