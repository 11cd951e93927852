"""The doctor: every check, passed and failed, on real ports, files and servers. Checking changes nothing."""

from __future__ import annotations

import json
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slack_token_tui.desktop import clipboard_probe
from slack_token_tui.doctor import Finding, Verdict, connectivity, format_report, machine, run_checks
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.journal import Journal
from slack_token_tui.store.profiles import ProfileStore
from tests.support.cli import run_command
from tests.support.ports import get_port
from tests.support.profiles import new_sign_in
from tests.support.scripts import write_script
from tests.support.servers import reserve_refusing_port
from tests.support.store import save_last_app
from tests.support.tls import create_tls_context


async def run_checks_about(home: Path, app: SlackApp, about: str) -> list[Finding]:
    return [finding async for finding in run_checks(home, app) if finding.id.split("_")[0] == about]


async def test_fresh_machine_has_no_failed_check(home: Path, app: SlackApp) -> None:
    findings = [finding async for finding in run_checks(home, app)]
    assert not [finding for finding in findings if finding.verdict is Verdict.BAD]
    assert {"versions", "surroundings", "loopback", "browser", "clipboard", "directory", "slack", "clock"} <= {
        finding.id for finding in findings
    }
    assert not home.exists(), "looking makes nothing"


async def test_port_in_use_names_its_holder(home: Path, app: SlackApp) -> None:
    ports = [get_port(redirect_uri) for redirect_uri in app.redirect_uris]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports[0]))
        taken.listen()
        found = await run_checks_about(home, app, "port")
    assert [finding.about for finding in found] == [f"Port {port}" for port in ports]
    assert found[0].verdict is Verdict.LOOK
    assert "Not available: " in found[0].said
    assert str(ports[0]) in found[0].said
    assert [finding.verdict for finding in found[1:]] == [Verdict.GOOD] * 2


async def test_no_free_port_suggests_pasting(home: Path, app: SlackApp) -> None:
    taken = [socket.create_server(("127.0.0.1", get_port(redirect_uri))) for redirect_uri in app.redirect_uris]
    try:
        found = await run_checks_about(home, app, "port")
    finally:
        for sock in taken:
            sock.close()
    assert {finding.verdict for finding in found} == {Verdict.BAD}
    assert "paste" in found[0].remedy


async def test_directory_accessible_to_others_fails_the_check(home: Path, app: SlackApp) -> None:
    home.mkdir()
    home.chmod(0o755)
    (found,) = await run_checks_about(home, app, "directory")
    assert (found.verdict, found.remedy) == (Verdict.BAD, f"chmod 700 {home}")
    home.chmod(0o700)
    (found,) = await run_checks_about(home, app, "directory")
    assert found.verdict is Verdict.GOOD


async def test_git_work_tree_and_synced_folder_are_reported(tmp_path: Path, app: SlackApp) -> None:
    (tmp_path / ".git").mkdir()
    home = tmp_path / "Dropbox" / "config"
    home.mkdir(parents=True, mode=0o700)
    (git,) = await run_checks_about(home, app, "git")
    assert git.verdict is Verdict.LOOK
    ProfileStore(home).check_writable()
    (git,) = await run_checks_about(home, app, "git")
    assert git.verdict is Verdict.NOTE, "our .gitignore keeps them out"
    (synced,) = await run_checks_about(home, app, "synced")
    assert "Two machines" in synced.remedy


async def test_damaged_profiles_journals_and_quarantine_are_listed(
    store: ProfileStore, home: Path, app: SlackApp
) -> None:
    saved = store.save_sign_in(*new_sign_in()).profile
    store.path("bad").write_text("{")
    store.path("bad").chmod(0o600)
    journal = Journal(home, saved.id, in_keyring=False)
    journal.reserve()
    journal.close()
    (home / "quarantine").mkdir(exist_ok=True)
    (home / "quarantine" / "answer.json").write_text("{}")
    found = {finding.id: finding async for finding in run_checks(home, app)}
    assert (found["profile"].about, found["profile"].verdict) == ("bad", Verdict.BAD)
    assert found["profiles"].said == "1 readable."
    assert f"slack-token-tui refresh {saved.name}" in found["journal"].remedy
    assert "answer.json" in found["quarantine"].said


async def test_unreachable_slack_is_explained(home: Path, app: SlackApp) -> None:
    from dataclasses import replace

    from slack_token_tui.slack.endpoints import Endpoints

    with reserve_refusing_port() as url:
        away = replace(app, endpoints=Endpoints(url))
        (found,) = await run_checks_about(home, away, "slack")
    assert found.verdict is Verdict.BAD
    assert found.remedy


def test_clock_is_compared_with_slacks_clock() -> None:
    assert connectivity.check_clock(datetime.now(UTC)).verdict is Verdict.GOOD
    behind = connectivity.check_clock(datetime.now(UTC) + timedelta(minutes=4))
    assert (behind.verdict, "4 min behind" in behind.said) == (Verdict.LOOK, True)
    assert connectivity.check_clock(datetime.now(UTC) - timedelta(hours=1)).verdict is Verdict.BAD


async def test_certificate_issuer_is_reported(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from slack_token_tui.practice.server import PracticeSlack
    from slack_token_tui.slack.endpoints import Endpoints

    context = create_tls_context("127.0.0.1", tmp_path / "ca.pem", "Acme Inspection")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with PracticeSlack(tls=context) as slack:
        (found,) = await run_checks_about(home, SlackApp("1.1", Endpoints(slack.base)), "tls")
    assert found.verdict is Verdict.LOOK
    assert "Acme Inspection" in found.said
    assert "TLS 1." in found.said


class TestClipboard:
    def test_terminal_is_reported_when_no_clipboard_exists(self) -> None:
        (found,) = machine.check_clipboard()
        assert "OSC 52" in found.said

    @pytest.mark.parametrize(
        ("body", "works"), [("exit 1", False), ("sleep 60", False), ("cat > /dev/null; echo other", False)]
    )
    def test_tool_that_copies_nothing_fails_the_check(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, works: bool
    ) -> None:
        write_script(tmp_path / "xclip", body)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        monkeypatch.setenv("DISPLAY", ":77")
        monkeypatch.setattr(clipboard_probe, "TIMEOUT_SECONDS", 0.5)
        (way,) = clipboard_probe.list_backends()
        assert (way.tool, way.works) == ("xclip", works)

    @pytest.mark.usefixtures("x_display")
    def test_real_clipboard_works_and_its_content_is_preserved(self) -> None:
        subprocess.run(["xclip", "-selection", "clipboard"], input=b"canary", check=True, stdout=subprocess.DEVNULL)
        (way,) = clipboard_probe.list_backends()
        assert way.works is True
        there = subprocess.run(["xclip", "-selection", "clipboard", "-o"], capture_output=True, timeout=5).stdout
        assert there == b"canary"

    def test_tmux_check_uses_a_separate_buffer(self, tmux: list[str]) -> None:
        (way,) = clipboard_probe.list_backends()
        assert (way.tool, way.works) == ("tmux", True)
        assert subprocess.run([*tmux, "list-buffers"], capture_output=True).stdout == b""


async def test_findings_contain_no_control_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, app: SlackApp
) -> None:
    evil = "e\x1b]52;c;cHduZWQ=\x07\x9b\u202e"
    program = write_script(tmp_path / evil)
    monkeypatch.setenv("BROWSER", f"'{program}'")
    store = ProfileStore(tmp_path / f"home{evil}")
    store.save_sign_in(*new_sign_in())
    store.save_sign_in(*new_sign_in(user_id="U2"), "damaged").path.write_text("{")
    (store.home / "apps").mkdir()
    (store.home / "apps" / "1.1.json").write_text("{")
    (store.home / "quarantine").mkdir()
    (store.home / "quarantine" / evil).write_text("{}")
    store.home.chmod(0o755)
    found = [finding async for finding in run_checks(store.home, app)]
    assert {"browser", "directory", "profile", "app", "quarantine"} <= {finding.id for finding in found}
    for finding in found:
        for words in (finding.about, finding.said, finding.remedy):
            assert words == escape_unprintable(words)
    assert format_report(found) == escape_unprintable(format_report(found))


def test_doctor_command_prints_text_or_json_and_sets_the_exit_code(
    store: ProfileStore, app: SlackApp, child_environment: dict[str, str]
) -> None:
    save_last_app(store, app)
    done = run_command("doctor", env=child_environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ Slack: " in done.stdout
    done = run_command("doctor", "--json", env=child_environment)
    answer = json.loads(done.stdout)
    assert answer["ok"] is True
    assert {"id", "verdict", "about", "said", "remedy"} == set(answer["findings"][0])
    store.home.chmod(0o755)
    assert run_command("doctor", env=child_environment).returncode == 1
