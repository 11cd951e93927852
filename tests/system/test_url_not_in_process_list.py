"""The authorize URL is not in the process list, where another user could read it and open it with another account."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from slack_token_tui.practice.server import PracticeSlack
from tests.support.browser import press_consent_button
from tests.support.chromium import CHROMIUM_FLAGS
from tests.support.cli import LoginProcess, make_login_arguments
from tests.support.processes import list_pids, read_process_file
from tests.support.scripts import write_script
from tests.support.waiting import wait_until

CHROMIUM = shutil.which("chromium")


def read_all_arguments() -> str:
    return "\n".join(read_process_file(pid, "cmdline").decode(errors="replace") for pid in list_pids())


@pytest.mark.skipif(not CHROMIUM, reason="LOUD: chromium is not on this machine")
@pytest.mark.skipif(sys.platform != "linux", reason="LOUD: only Linux shows processes in /proc")
def test_browser_opens_slack_through_the_private_redirect_file(
    slack: PracticeSlack, redirect_uris: tuple[str, ...], child_environment: dict[str, str], tmp_path: Path
) -> None:
    page = tmp_path / "page"
    flags = f"{' '.join(CHROMIUM_FLAGS)} --no-proxy-server --user-data-dir={tmp_path}/data"
    # Chromium prints the page of the moment when its virtual time is over. On a busy machine that may be an earlier one.
    opener = write_script(
        tmp_path / "chromium",
        f"""for attempt in 1 2 3 4 5; do
    {CHROMIUM} {flags} --virtual-time-budget=20000 --dump-dom "$@" > {page}.new 2> {tmp_path}/said
    grep -q "requesting permission" {page}.new && break
done
mv {page}.new {page}""",
    )
    environment = {**child_environment, "BROWSER": f"{opener} %s"}
    login = LoginProcess(environment, *make_login_arguments(slack.base, redirect_uris), "--json")
    url = login.wait_for_url()
    state = re.search("state=([^&]+)", url)[1]  # type: ignore[index]
    seen = []

    def has_arrived() -> bool:
        seen.append(read_all_arguments())
        return page.exists()

    assert wait_until(has_arrived)
    assert "is requesting permission to access a Slack workspace" in page.read_text(), (tmp_path / "said").read_text()
    assert any(str(opener) in arguments for arguments in seen)
    assert not any(state in arguments for arguments in seen)
    press_consent_button(url)
    assert login.finish()[0] == 0
    assert list((Path(environment["SLACK_TOKEN_TUI_HOME"]) / "browser").iterdir()) == []
