"""``move``: one result per profile, and a failure does not stop the others."""

from __future__ import annotations

import json

from slack_token_tui.store.profiles import ProfileStore
from tests.support.cli import run_command
from tests.support.profiles import new_sign_in


def test_unusable_profile_does_not_stop_a_move(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.save_sign_in(*new_sign_in())
    (store.home / "profiles" / "aaa.json").write_text("{")
    done = run_command("move", "--all", "--to", "file", "--json", env=child_environment)
    bad, good = json.loads(done.stdout)
    assert good == {"ok": True, "profile": "acme", "kept_in": "file"}
    assert (bad["ok"], bad["profile"], bad["error"]) == (False, "aaa", "profile_exposed")
    assert bad["remedy"]
    assert done.returncode == 5


def test_invalid_or_missing_name_does_not_stop_a_move(store: ProfileStore, child_environment: dict[str, str]) -> None:
    store.save_sign_in(*new_sign_in())
    done = run_command(
        "move", "missing", "acme", "xoxp-canary-0123456789", "--to", "file", "--json", env=child_environment
    )
    assert [(item["ok"], item["profile"]) for item in json.loads(done.stdout)][:2] == [
        (False, "missing"),
        (True, "acme"),
    ]
    assert done.returncode == 3
    assert "canary-0123456789" not in done.stdout + done.stderr
