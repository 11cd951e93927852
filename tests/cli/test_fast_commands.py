"""Commands that start without the parser: the same output and exit code as with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import change_settings
from tests.support.cli import run_command, run_python
from tests.support.profiles import CANARY, new_sign_in

WITH_PARSER = """
import sys
from slack_token_tui.cli import main
main._run_fast_command = lambda *_: None
sys.exit(main.main())
"""


def change_record(**changes: object) -> Callable[[Path], object]:
    return lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


PROFILE_CHANGES: dict[str, Callable[[Path], object]] = {
    "good": lambda _: None,
    "expired": change_record(expires_at="2020-01-01T00:00:00Z"),
    "revoked": change_record(refused="token_revoked"),
    "no token": change_record(access_token=None),
    "bad scopes": change_record(scopes=5),
    "not JSON": lambda path: path.write_text("{"),
    "newer schema": change_record(schema=99),
    "exposed": lambda path: path.chmod(0o644),
    "removed": lambda path: path.unlink(),
    "link": lambda path: path.symlink_to(path.rename(path.with_suffix(".moved"))),
    "shared directory": lambda path: path.parent.chmod(0o777),
}


@pytest.mark.parametrize("change", PROFILE_CHANGES)
def test_fast_commands_answer_as_with_the_parser(
    store: ProfileStore, child_environment: dict[str, str], change: str
) -> None:
    PROFILE_CHANGES[change](store.save_sign_in(*new_sign_in()).path)
    for words in (
        ["token"],
        ["token", "acme"],
        ["token", "nobody"],
        ["token", ""],
        ["exec", "--", "printenv", "SLACK_TOKEN"],
        ["exec", "acme", "--", "sh", "-c", "ulimit -c; trap; exit 42"],
        ["exec", "acme", "--", "no-such-program"],
        ["exec", "acme", "--", "/etc/passwd"],
        ["exec", "nobody", "--", "true", "--json"],
        ["list", "--names"],
    ):
        fast = run_command(*words, env=child_environment)
        parsed = run_python(WITH_PARSER, *words, env=child_environment)
        assert (fast.returncode, fast.stdout, fast.stderr) == (parsed.returncode, parsed.stdout, parsed.stderr), words


def test_fast_commands_use_the_environment_and_the_default_profile(
    store: ProfileStore, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(*new_sign_in())
    store.save_sign_in(*new_sign_in(user_id="U2"), "other")
    words = ["exec", "--", "printenv", "SLACK_TOKEN"]
    assert run_command(*words, env=child_environment).returncode == 2
    assert run_command(*words, env={**child_environment, "SLACK_TOKEN_PROFILE": "acme"}).stdout == f"{CANARY}\n"
    change_settings(store.home, default_profile="acme")
    assert run_command(*words, env=child_environment).stdout == f"{CANARY}\n"
    assert run_command("list", "--names", env=child_environment).stdout == "acme\nother\n"
