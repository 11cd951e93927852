"""The authorize URL is in no list of processes: another user of the machine could open it first, with another account."""

from __future__ import annotations

import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from slack_token_tui.practice.models import CLIENT_ID
from slack_token_tui.practice.server import PracticeSlack
from tests.cli.test_login import Login
from tests.conftest import becomes, pressing

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --no-proxy-server"
)


def arguments_of_all_processes() -> str:
    said = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            said.append(path.read_bytes().decode(errors="replace"))
    return "\n".join(said)


@pytest.mark.skipif(not CHROMIUM, reason="LOUD: chromium is not on this machine")
@pytest.mark.skipif(sys.platform != "linux", reason="LOUD: only Linux shows processes in /proc")
def test_a_real_browser_reaches_slack_by_the_private_file(
    slack: PracticeSlack, redirect_uris: tuple[str, ...], child_environment: dict[str, str], tmp_path: Path
) -> None:
    page, opener = tmp_path / "page", tmp_path / "chromium"
    opener.write_text(
        f'#!/bin/sh\n{CHROMIUM} {FLAGS} --user-data-dir={tmp_path}/data --virtual-time-budget=20000 --dump-dom "$@" '
        f"> {page}.new 2> {tmp_path}/said\nmv {page}.new {page}\n"
    )
    opener.chmod(0o755)
    environment = {**child_environment, "BROWSER": f"{opener} %s"}
    redirects = [word for address in redirect_uris for word in ("--redirect-uri", address)]
    login = Login(environment, "--client-id", CLIENT_ID, "--slack-url", slack.base, *redirects, "--json")
    url = login.until("Open").split()[1]
    state = re.search("state=([^&]+)", url)[1]  # type: ignore[index]
    seen = []

    def has_arrived() -> bool:
        seen.append(arguments_of_all_processes())
        return page.exists()

    assert becomes(has_arrived)
    assert "is asking for permission to act for you" in page.read_text(), (tmp_path / "said").read_text()
    assert any(str(opener) in arguments for arguments in seen)
    assert not any(state in arguments for arguments in seen)
    pressing(url)
    assert login.end()[0] == 0
    assert list((Path(environment["SLACK_TOKEN_TUI_HOME"]) / "browser").iterdir()) == []
