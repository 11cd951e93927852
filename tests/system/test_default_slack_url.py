"""Sign in with only a Client ID, at a server that is https://slack.com here: a hosts entry, and a CA in SSL_CERT_FILE.

The hosts entry is in a mount namespace, so nothing on the machine changes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from slack_token_tui.store.profiles import ProfileStore

PROGRAM = """
import json, os, ssl, subprocess, sys, threading, urllib.request
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.practice.models import CLIENT_ID, App
from slack_token_tui.practice.workspace import Workspace
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])
with PracticeSlack(Workspace(apps=[App()]), 443, context):
    login = subprocess.Popen([sys.executable, "-m", "slack_token_tui", "login", "--client-id", CLIENT_ID, "--json", "--no-browser"],
        env={**os.environ, "SSL_CERT_FILE": sys.argv[2]}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = ""
    for line in login.stderr:
        said += line
        if line.startswith("Open"):
            url = line.split()[1]
            assert url.startswith("https://slack.com/oauth/v2_user/authorize?"), url
            threading.Thread(target=simulate_browser, args=(url,), daemon=True).start()
    out = login.stdout.read()
    print(json.dumps({"code": login.wait(), "out": out, "err": said}))
"""


def can_unshare() -> bool:
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        return False
    return subprocess.run(["unshare", "-mn", "true"], check=False, capture_output=True).returncode == 0


@pytest.fixture
def tls_files(tmp_path: Path) -> dict[str, Path]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("slack.com").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    (tmp_path / "hosts").write_text("127.0.0.1 localhost slack.com\n::1 localhost\n")
    return {name: tmp_path / f"{name}.pem" for name in ("ca", "server")} | {"hosts": tmp_path / "hosts"}


def sign_in(tls_files: dict[str, Path], trusted: Path, environment: dict[str, str]) -> dict[str, object]:
    script = f'ip link set lo up && mount --bind "{tls_files["hosts"]}" /etc/hosts && exec "$@"'
    done = subprocess.run(
        [
            "unshare",
            "-mn",
            "sh",
            "-c",
            script,
            "sh",
            sys.executable,
            "-c",
            PROGRAM,
            str(tls_files["server"]),
            str(trusted),
        ],
        capture_output=True,
        text=True,
        env={**environment, "SSL_CERT_FILE": str(tls_files["ca"])},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@pytest.mark.skipif(not can_unshare(), reason="LOUD: a hosts entry of our own needs root, unshare and ip")
def test_default_urls_work_with_only_a_client_id(
    tls_files: dict[str, Path], child_environment: dict[str, str], store: ProfileStore
) -> None:
    answer = sign_in(tls_files, tls_files["ca"], child_environment)
    assert answer["code"] == 0, answer["err"]
    assert json.loads(str(answer["out"]))["profile"]["slack"] == "https://slack.com"
    assert store.read("acme-practice").redirect_uri == "http://localhost:28417/callback"


@pytest.mark.skipif(not can_unshare(), reason="LOUD: a hosts entry of our own needs root, unshare and ip")
def test_untrusted_certificate_is_rejected(
    tls_files: dict[str, Path], child_environment: dict[str, str], store: ProfileStore
) -> None:
    other = tls_files["ca"].with_name("other.pem")
    trustme.CA().cert_pem.write_to_path(str(other))
    answer = sign_in(tls_files, other, child_environment)
    assert "tls_untrusted" in str(answer["err"])
    assert store.names() == []
