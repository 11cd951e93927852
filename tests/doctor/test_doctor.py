"""The doctor: each thing it looks at, good and bad, on real ports, files and servers; nothing is changed by looking."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from slack_token_tui.desktop import clipboard_probe
from slack_token_tui.doctor import Finding, Verdict, connectivity, format_report, machine, run_checks
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.store.apps import SlackApp, save_app
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import remember_last_app
from slack_token_tui.tokens.journal import Journal
from tests.support.profiles import profile


async def look(home: Path, app: SlackApp, about: str) -> list[Finding]:
    return [finding async for finding in run_checks(home, app) if finding.id.split("_")[0] == about]


async def test_a_fresh_machine_has_nothing_in_the_way(home: Path, app: SlackApp) -> None:
    findings = [finding async for finding in run_checks(home, app)]
    assert not [finding for finding in findings if finding.verdict is Verdict.BAD]
    assert {"versions", "surroundings", "loopback", "browser", "clipboard", "directory", "slack", "clock"} <= {
        finding.id for finding in findings
    }
    assert not home.exists(), "looking makes nothing"


async def test_a_taken_port_names_who_holds_it(home: Path, app: SlackApp) -> None:
    ports = [urlsplit(address).port for address in app.redirect_uris]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports[0] or 0))
        taken.listen()
        found = await look(home, app, "port")
    assert [finding.about for finding in found] == [f"Port {port}" for port in ports]
    assert found[0].verdict is Verdict.LOOK
    assert "Not free: " in found[0].said
    assert str(ports[0]) in found[0].said
    assert [finding.verdict for finding in found[1:]] == [Verdict.GOOD] * 2


async def test_when_no_port_is_left_the_way_out_is_said(home: Path, app: SlackApp) -> None:
    taken = [socket.create_server(("127.0.0.1", urlsplit(address).port or 0)) for address in app.redirect_uris]
    try:
        found = await look(home, app, "port")
    finally:
        for sock in taken:
            sock.close()
    assert {finding.verdict for finding in found} == {Verdict.BAD}
    assert "paste" in found[0].remedy


async def test_a_directory_that_others_can_enter_is_in_the_way(home: Path, app: SlackApp) -> None:
    home.mkdir()
    home.chmod(0o755)
    (found,) = await look(home, app, "directory")
    assert (found.verdict, found.remedy) == (Verdict.BAD, f"chmod 700 {home}")
    home.chmod(0o700)
    (found,) = await look(home, app, "directory")
    assert found.verdict is Verdict.GOOD


async def test_a_git_work_tree_and_a_synchronised_folder_are_named(tmp_path: Path, app: SlackApp) -> None:
    (tmp_path / ".git").mkdir()
    home = tmp_path / "Dropbox" / "config"
    home.mkdir(parents=True, mode=0o700)
    (git,) = await look(home, app, "git")
    assert git.verdict is Verdict.LOOK
    ProfileStore(home).check_writable()
    (git,) = await look(home, app, "git")
    assert git.verdict is Verdict.NOTE, "our .gitignore keeps them out"
    (synced,) = await look(home, app, "synced")
    assert "one machine" in synced.remedy


async def test_damaged_profiles_journals_and_quarantine_are_listed(
    store: ProfileStore, home: Path, app: SlackApp
) -> None:
    saved = store.save_sign_in(profile()).profile
    store.path("bad").write_text("{")
    store.path("bad").chmod(0o600)
    journal = Journal(home, saved.id, in_keyring=False)
    journal.reserve()
    journal.close()
    (home / "quarantine").mkdir(exist_ok=True)
    (home / "quarantine" / "answer.json").write_text("{}")
    found = {finding.id: finding async for finding in run_checks(home, app)}
    assert (found["profile"].about, found["profile"].verdict) == ("bad", Verdict.BAD)
    assert found["profiles"].said == "1 can be read."
    assert f"slack-token-tui refresh {saved.name}" in found["journal"].remedy
    assert "answer.json" in found["quarantine"].said


async def test_slack_that_cannot_be_reached_is_explained(home: Path, app: SlackApp) -> None:
    from dataclasses import replace

    from slack_token_tui.slack.endpoints import Endpoints

    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = replace(app, endpoints=Endpoints(f"http://127.0.0.1:{nobody.getsockname()[1]}"))
        (found,) = await look(home, away, "slack")
    assert found.verdict is Verdict.BAD
    assert found.remedy


def test_a_wrong_clock_is_measured_against_slacks() -> None:
    assert connectivity.check_clock(datetime.now(UTC)).verdict is Verdict.GOOD
    behind = connectivity.check_clock(datetime.now(UTC) + timedelta(minutes=4))
    assert (behind.verdict, "4 min behind" in behind.said) == (Verdict.LOOK, True)
    assert connectivity.check_clock(datetime.now(UTC) - timedelta(hours=1)).verdict is Verdict.BAD


async def test_who_vouches_for_slack_is_named(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ssl

    import trustme

    from slack_token_tui.practice.server import PracticeSlack
    from slack_token_tui.slack.endpoints import Endpoints

    authority = trustme.CA(organization_name="Acme Inspection")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with PracticeSlack(tls=context) as slack:
        (found,) = await look(home, SlackApp("1.1", Endpoints(slack.base)), "tls")
    assert found.verdict is Verdict.LOOK
    assert "Acme Inspection" in found.said
    assert "TLSv1" in found.said


class TestClipboard:
    def test_without_any_the_terminal_is_named(self) -> None:
        (found,) = machine.check_clipboard()
        assert "OSC 52" in found.said

    @pytest.mark.parametrize(
        ("body", "works"), [("exit 1", False), ("sleep 60", False), ("cat > /dev/null; echo other", False)]
    )
    def test_a_tool_that_says_yes_and_does_nothing_is_found_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, works: bool
    ) -> None:
        (tmp_path / "xclip").write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / "xclip").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        monkeypatch.setenv("DISPLAY", ":77")
        monkeypatch.setattr(clipboard_probe, "_TIMEOUT_SECONDS", 0.5)
        (way,) = clipboard_probe.list_backends()
        assert (way.tool, way.works) == ("xclip", works)

    @pytest.mark.skipif(not shutil.which("Xvfb") or not shutil.which("xclip"), reason="needs Xvfb and xclip")
    def test_a_real_one_works_and_keeps_what_is_on_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        server = subprocess.Popen(["Xvfb", "-displayfd", "1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            assert server.stdout is not None
            monkeypatch.setenv("DISPLAY", f":{server.stdout.readline().decode().strip()}")
            subprocess.run(["xclip", "-selection", "clipboard"], input=b"canary", check=True, stdout=subprocess.DEVNULL)
            (way,) = clipboard_probe.list_backends()
            assert way.works is True
            there = subprocess.run(["xclip", "-selection", "clipboard", "-o"], capture_output=True, timeout=5).stdout
            assert there == b"canary"
        finally:
            server.kill()
            server.wait()

    @pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux")
    def test_tmux_is_tried_with_a_buffer_of_its_own(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        socket_path = tmp_path / "tmux"
        tmux = ["tmux", "-S", str(socket_path), "-f", "/dev/null"]
        subprocess.run([*tmux, "new-session", "-d", "sleep 30"], check=True)
        try:
            monkeypatch.setenv("TMUX", f"{socket_path},1,0")
            (way,) = clipboard_probe.list_backends()
            assert (way.tool, way.works) == ("tmux", True)
            assert subprocess.run([*tmux, "list-buffers"], capture_output=True).stdout == b""
        finally:
            subprocess.run([*tmux, "kill-server"], check=False)


async def test_no_finding_holds_what_a_terminal_obeys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, app: SlackApp
) -> None:
    evil = "e\x1b]52;c;cHduZWQ=\x07\x9b\u202e"
    program = tmp_path / evil
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"'{program}'")
    store = ProfileStore(tmp_path / f"home{evil}")
    store.save_sign_in(profile())
    store.save_sign_in(profile(user_id="U2"), "damaged").path.write_text("{")
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


def test_the_command_prints_lines_or_json_and_tells_by_its_exit_code(
    store: ProfileStore, app: SlackApp, child_environment: dict[str, str]
) -> None:
    store.check_writable()
    save_app(store.home, app)
    remember_last_app(store.home, app.client_id)
    command = [sys.executable, "-m", "slack_token_tui", "doctor"]
    done = subprocess.run(command, capture_output=True, text=True, env=child_environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ Slack: " in done.stdout
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, env=child_environment)
    answer = json.loads(done.stdout)
    assert answer["ok"] is True
    assert {"id", "verdict", "about", "said", "remedy"} == set(answer["findings"][0])
    store.home.chmod(0o755)
    assert subprocess.run(command, capture_output=True, env=child_environment).returncode == 1
