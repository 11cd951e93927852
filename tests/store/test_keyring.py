"""Tokens in a real Secret Service that is unlocked, locked, hanging or absent. Moving them there and back loses none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.secret import Secret
from slack_token_tui.store import keyring as stored_tokens
from slack_token_tui.store.apps import SlackApp, forget_app, read_app, save_app, with_secret
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.journal import Journal
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import change_settings
from slack_token_tui.tokens.keyring_migration import move_tokens
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from slack_token_tui.tokens.revoke import remove_profile
from tests.support.cli import run_command, run_python
from tests.support.faults import raise_store_full
from tests.support.practice import issue_profile
from tests.support.profiles import CANARY, new_sign_in, time_from_now
from tests.support.store import change_profile, find_files_with, read_tokens
from tests.support.waiting import wait_until

pytest.importorskip("keyring", reason="LOUD: the keyring extra is not installed")


BUS_CONFIG = """<busconfig>
  <type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>"""
"""A bus without service directories, so that an early call doesn't start a second, locked Secret Service."""


@pytest.fixture
def secret_service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, child_environment: dict[str, str]
) -> Iterator[None]:
    """Run a session bus with an unlocked Secret Service on it."""
    if not shutil.which("gnome-keyring-daemon") or not shutil.which("dbus-daemon"):
        pytest.skip("LOUD: no gnome-keyring-daemon or dbus-daemon here, so no real Secret Service")
    (tmp_path / "bus.conf").write_text(BUS_CONFIG)
    daemon = subprocess.Popen(
        ["dbus-daemon", f"--config-file={tmp_path / 'bus.conf'}", "--nofork", "--print-address"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert daemon.stdout is not None
    changes = {
        "DBUS_SESSION_BUS_ADDRESS": daemon.stdout.readline().strip(),
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring",
    }
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
        child_environment[name] = value
    service = subprocess.Popen(
        ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert service.stdin is not None
    service.stdin.write(b"practice-password")
    service.stdin.close()
    _forget_backend()
    assert wait_until(is_unlocked, 30), "the Secret Service did not start"
    yield
    for process in (service, daemon):
        process.terminate()
        process.wait()
    _forget_backend()


def _forget_backend() -> None:
    import keyring.core

    keyring.core._keyring_backend = None


def is_unlocked() -> bool:
    """Tell whether the default collection exists and is unlocked. Asking this way creates none, which would prompt."""
    import secretstorage
    from secretstorage.exceptions import SecretStorageException

    try:
        with closing(secretstorage.dbus_init()) as bus:
            return not secretstorage.get_collection_by_alias(bus, "default").is_locked()
    except SecretStorageException:
        return False


def list_items() -> set[str]:
    import secretstorage

    with closing(secretstorage.dbus_init()) as bus:
        found = secretstorage.search_items(bus, {"service": stored_tokens.SERVICE})
        return {item.get_attributes()["username"] for item in found}


def lock_keyring() -> None:
    import secretstorage

    with closing(secretstorage.dbus_init()) as bus:
        secretstorage.get_default_collection(bus).lock()


def test_profile_moves_to_the_keyring_and_back(store: ProfileStore, secret_service: None) -> None:
    new, tokens = new_sign_in(
        refresh_token=Secret("xoxe-1-canary-refresh-0123"), refresh_issued_at=time_from_now(hours=-1)
    )
    before = store.save_sign_in(new, tokens).profile
    moved = move_tokens(store, "acme", to_keyring=True)
    assert not find_files_with(store.home, "canary")
    assert list_items() == {f"{before.id}.{moved.generation}.{kind}" for kind in ("access", "refresh")}
    listed = store.read("acme")
    assert listed == moved and listed.masked_token == "xoxp-…cdef" and listed.in_keyring
    assert read_tokens(store) == tokens
    back = move_tokens(store, "acme", to_keyring=False)
    assert store.read_with_tokens("acme") == (back, tokens)
    assert list_items() == set()


def test_failed_move_leaves_the_tokens_in_place(
    store: ProfileStore, secret_service: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, tokens = new_sign_in()
    before = store.save_sign_in(new, tokens).profile
    with monkeypatch.context() as broken:
        broken.setattr("slack_token_tui.store.profile_file.write_atomically", raise_store_full)
        with pytest.raises(StorageError):
            move_tokens(store, "acme", to_keyring=True)
    assert store.read_with_tokens("acme") == (before, tokens)
    assert move_tokens(store, "acme", to_keyring=True).in_keyring
    assert read_tokens(store) == tokens


def test_keyring_setting_applies_only_to_new_sign_ins(store: ProfileStore, secret_service: None) -> None:
    store.save_sign_in(*new_sign_in(user_id="U0"), "before")
    change_settings(store.home, storage="keyring")
    saved = store.save_sign_in(*new_sign_in(user_id="U9"), "after").profile
    assert saved.in_keyring
    assert not find_files_with(store.path("after"), CANARY)
    assert read_tokens(store, "after").access_token == Secret(CANARY)
    again = store.save_sign_in(*new_sign_in(user_id="U9", access_token=Secret("xoxp-canary-again-0123")))
    assert again.replaced and read_tokens(store, "after").access_token == Secret("xoxp-canary-again-0123")
    assert len(list_items()) == 1
    assert not store.read("before").in_keyring


def save_in_keyring(store: ProfileStore, slack: PracticeSlack) -> Profile:
    issue_profile(store, slack)
    return move_tokens(store, "acme", to_keyring=True)


def test_refresh_stores_new_tokens_and_journal_in_the_keyring(
    store: ProfileStore, slack: PracticeSlack, secret_service: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = save_in_keyring(store, slack)
    seen: list[str] = []
    answered = Journal.write_response

    def watch_response(self: Journal, body: bytes) -> None:
        answered(self, body)
        token = json.loads(body)["access_token"]
        seen.append("file" if find_files_with(store.home, token) else "keyring")
        assert f"{old.id}.journal" in list_items()

    monkeypatch.setattr(Journal, "write_response", watch_response)
    result = refresh_in_process(store, "acme")
    assert result.refreshed and seen == ["keyring"]
    new, tokens = store.read_with_tokens("acme")
    assert slack.workspace.tokens.authenticate(tokens.access_token.reveal())
    assert list_items() == {f"{old.id}.{new.generation}.{kind}" for kind in ("access", "refresh")}
    assert not find_files_with(store.home, "practice-")


def test_unfinished_refresh_is_recovered_from_the_keyring(
    store: ProfileStore, slack: PracticeSlack, secret_service: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_in_keyring(store, slack)
    slack.workspace.tokens.grace_seconds = 0

    with monkeypatch.context() as broken:
        broken.setattr("slack_token_tui.store.locked_profile.write_profile_file", raise_store_full)
        broken.setattr("slack_token_tui.store.recovery.SAVE_RETRY_SECONDS", 0.0)
        result = refresh_in_process(store, "acme")
    assert result.problem and result.problem.code == "refresh_not_saved"
    again = refresh_in_process(store, "acme")
    assert again.recovered and again.tokens.access_token == result.tokens.access_token


def test_token_command_reads_the_keyring_and_list_works_without_it(
    store: ProfileStore, slack: PracticeSlack, secret_service: None, child_environment: dict[str, str]
) -> None:
    save_in_keyring(store, slack)
    change_profile(store, expires_at=time_from_now(hours=5))
    done = run_command("token", env=child_environment)
    assert (done.returncode, slack.workspace.tokens.refreshed) == (0, 0)
    assert slack.workspace.tokens.authenticate(done.stdout.strip())
    without = {**child_environment, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}
    assert "acme" in run_command("list", env=without).stdout
    assert run_command("list", env=without).returncode == 0


def test_move_all_moves_tokens_and_client_secrets_both_ways(
    store: ProfileStore, slack: PracticeSlack, secret_service: None, child_environment: dict[str, str]
) -> None:
    issue_profile(store, slack)
    save_app(store.home, SlackApp("1.1", redirect_uris=("https://a.example/",), client_secret=Secret("canary-secret")))
    files = (store.path("acme"), store.home / "apps" / "1.1.json")
    done = run_command("move", "--all", "--to", "keyring", "--json", env=child_environment)
    assert [item["ok"] for item in json.loads(done.stdout)] == [True, True], done.stderr
    assert not any(word in file.read_text() for file in files for word in ("-practice-", "canary"))
    done = run_command("move", "--all", "--to", "file", env=child_environment)
    assert "1.1: client secret is now in its file" in done.stderr
    assert "canary-secret" in files[1].read_text()
    assert list_items() == set()


def test_remove_deletes_the_keyring_items(store: ProfileStore, slack: PracticeSlack, secret_service: None) -> None:
    save_in_keyring(store, slack)
    assert remove_profile(store, "acme").deleted
    assert list_items() == set()


def test_locked_keyring_is_reported_without_falling_back_to_a_file(
    store: ProfileStore, slack: PracticeSlack, secret_service: None, child_environment: dict[str, str]
) -> None:
    save_in_keyring(store, slack)
    lock_keyring()
    before = time.monotonic()
    for words in (["token"], ["export"], ["refresh"]):
        done = run_command(*words, env=child_environment)
        assert done.returncode == 5
        assert "keyring_" in done.stderr and done.stdout == ""
    assert time.monotonic() - before < 20
    assert slack.workspace.tokens.refreshed == 0
    change_settings(store.home, storage="keyring")
    with pytest.raises(StorageError, match="keyring_"):
        store.save_sign_in(*new_sign_in(user_id="U7"), "new")
    assert store.names() == ["acme"]
    assert not find_files_with(store.home, CANARY)


def test_new_token_can_be_saved_in_a_file_when_the_keyring_is_locked(store: ProfileStore, secret_service: None) -> None:
    move_tokens(store, store.save_sign_in(*new_sign_in()).profile.name, to_keyring=True)
    lock_keyring()
    with pytest.raises(StorageError):
        store.check_writable("acme")
    with pytest.raises(StorageError):
        store.save_sign_in(*new_sign_in(access_token=Secret("xoxp-canary-newer")))
    saved = store.save_sign_in(*new_sign_in(access_token=Secret("xoxp-canary-newer")), in_keyring=False).profile
    assert (saved.name, saved.in_keyring) == ("acme", False)
    assert read_tokens(store).access_token.reveal() == "xoxp-canary-newer"


def test_import_rejects_a_token_already_in_the_keyring(
    store: ProfileStore, slack: PracticeSlack, secret_service: None, child_environment: dict[str, str]
) -> None:
    save_in_keyring(store, slack)
    token = read_tokens(store).access_token
    done = run_command("import", "--slack-url", slack.base, env=child_environment, stdin=token.reveal())
    assert done.returncode == 1
    assert "token_already_kept" in done.stderr
    assert store.names() == ["acme"]


def test_remove_reports_a_quarantined_response_without_deleting_it(
    store: ProfileStore, slack: PracticeSlack, secret_service: None
) -> None:
    old = save_in_keyring(store, slack)
    slack.workspace.faults.append('with:{"token_type": "weird"}')
    problem = refresh_in_process(store, "acme").problem
    assert problem is not None
    assert problem.code == "refresh_response_unusable"
    removal = remove_profile(store, "acme")
    assert removal.deleted
    assert removal.quarantined == (f"the keyring (service slack-token-tui, item {old.id}.unusable)",)
    assert list_items() == {f"{old.id}.unusable"}


def test_missing_keyring_service_is_reported(
    store: ProfileStore, slack: PracticeSlack, secret_service: None, child_environment: dict[str, str]
) -> None:
    save_in_keyring(store, slack)
    without = {**child_environment, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}
    del without["PYTHON_KEYRING_BACKEND"]
    done = run_command("token", env=without)
    assert done.returncode == 5
    assert "keyring_absent" in done.stderr


@pytest.mark.parametrize(
    "backend", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring", "keyrings.alt.file.PlaintextKeyring"]
)
def test_unsupported_keyring_backend_is_not_used(
    store: ProfileStore, child_environment: dict[str, str], backend: str
) -> None:
    store.save_sign_in(*new_sign_in())
    done = run_command("move", "acme", "--to", "keyring", env={**child_environment, "PYTHON_KEYRING_BACKEND": backend})
    assert done.returncode == 5
    assert "keyring_" in done.stderr
    assert read_tokens(store).access_token.reveal() == CANARY


def test_missing_keyring_package_is_reported_with_a_fix(
    store: ProfileStore, child_environment: dict[str, str], tmp_path: Path
) -> None:
    store.save_sign_in(*new_sign_in())
    change_profile(store, in_keyring=True)
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "keyring.py").write_text("raise ImportError")
    done = run_command("token", env={**child_environment, "PYTHONPATH": str(hidden)})
    assert done.returncode == 5
    assert "pip install keyring" in done.stderr


def test_hanging_keyring_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_tokens, "TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(stored_tokens, "_backend", lambda: time.sleep(30))
    before = time.monotonic()
    with pytest.raises(StorageError, match="keyring_timeout"):
        stored_tokens.load_item("x")
    assert time.monotonic() - before < 20


def test_keyring_is_not_loaded_for_profiles_in_files(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.save_sign_in(*new_sign_in())
    program = "import sys; from slack_token_tui.cli.main import main; main(['token']); main(['list']); main(['copy']); assert 'keyring' not in sys.modules"
    done = run_python(program, env=child_environment)
    assert done.returncode == 0, done.stderr
    assert os.environ.get("PYTHON_KEYRING_BACKEND") is None


@pytest.mark.usefixtures("secret_service")
def test_client_secret_is_saved_loaded_and_deleted_in_a_real_keyring(store: ProfileStore) -> None:
    store.check_writable()
    change_settings(store.home, storage="keyring")
    app = SlackApp("1.1", redirect_uris=("https://example.com/done",), client_secret=Secret("canary-client-secret"))
    save_app(store.home, app)
    assert "canary" not in (store.home / "apps" / "1.1.json").read_text()
    back = read_app(store.home, "1.1")
    assert back is not None
    secret = with_secret(back).client_secret
    assert secret is not None
    assert secret.reveal() == "canary-client-secret"
    forget_app(store.home, back)
    assert stored_tokens.load_item("app.1.1.client_secret") is None
