"""The house: each floor imports only from floors below it, and fast commands load little."""

from __future__ import annotations

import subprocess
import sys

import pytest

from slack_token_tui.store.profiles import ProfileStore
from tests.support.profiles import profile

ALL = {"tui", "cli", "oauth", "store", "tokens", "slack", "desktop", "practice"}
MAY_USE = {
    "slack_token_tui.oauth.session": {"oauth", "store", "tokens", "slack", "desktop"},
    "slack_token_tui.store.profiles": {"store", "tokens", "slack"},
    "slack_token_tui.slack.client": {"slack"},
    "slack_token_tui.problems": {"slack"},
    "slack_token_tui.slack.scopes": {"slack"},
    "slack_token_tui.desktop.browser": {"desktop"},
    "slack_token_tui.desktop.clipboard": {"desktop"},
    "slack_token_tui.desktop.port_holders": {"desktop"},
    "slack_token_tui.practice.server": {"practice"},
    "slack_token_tui.tui.screens.sign_in": {"tui", "oauth", "store", "tokens", "slack", "desktop"},
    "slack_token_tui.tui.app": {"tui", "store", "tokens", "slack", "desktop"},
    "slack_token_tui.cli.commands.login": {"cli", "oauth", "store", "tokens", "slack", "desktop"},
    "slack_token_tui.tokens.refresh": {"store", "tokens", "slack"},
    "slack_token_tui.tokens.refresh_worker": {"store", "tokens", "slack"},
    "slack_token_tui.tokens.revoke": {"store", "tokens", "slack"},
    "slack_token_tui.tokens.export_formats": {"store", "tokens", "slack"},
    "slack_token_tui.desktop.clipboard_clearing": {"desktop"},
    "slack_token_tui.desktop.clipboard_probe": {"desktop"},
    "slack_token_tui.desktop.environment": {"desktop"},
    "slack_token_tui.slack.manifest": {"slack"},
    "slack_token_tui.slack.scope_catalog": {"slack"},
    "slack_token_tui.store.apps": {"store", "tokens", "slack"},
    "slack_token_tui.practice.apps_page": {"practice"},
    "slack_token_tui.doctor": {"oauth", "store", "tokens", "slack", "desktop"},
    "slack_token_tui.cli.commands.manifest": {"cli", "store", "tokens", "slack"},
    "slack_token_tui.cli.commands.doctor": {"cli", "oauth", "store", "tokens", "slack", "desktop"},
    "slack_token_tui.tui.screens.app_setup": {"tui", "store", "tokens", "slack"},
    "slack_token_tui.tui.screens.scope_picker": {"tui", "store", "tokens", "slack"},
    "slack_token_tui.tui.screens.doctor": {"tui", "oauth", "store", "tokens", "slack", "desktop"},
    "slack_token_tui.api": {"store", "tokens", "slack"},
    "slack_token_tui.jupyter": {"oauth", "store", "tokens", "slack", "desktop"},
    "slack_token_tui.tui.auto_refresh": {"tui", "store", "tokens", "slack"},
    "slack_token_tui.cli.commands.refresh": {"cli", "store", "tokens", "slack"},
    "slack_token_tui.cli.fresh_token": {"cli", "store", "tokens", "slack"},
    "slack_token_tui.cli.commands.move": {"cli", "store", "tokens", "slack"},
    "slack_token_tui": set(),
}
NO_TEXTUAL = [module for module in MAY_USE if ".tui" not in module]


def loaded_by(statement: str, environment: dict[str, str]) -> set[str]:
    program = f"import sys\n{statement}\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("module", MAY_USE)
def test_each_floor_imports_only_from_floors_below(module: str, child_environment: dict[str, str]) -> None:
    loaded = loaded_by(f"import {module}", child_environment)
    floors = {name.split(".")[1] for name in loaded if name.startswith("slack_token_tui.")} & ALL
    assert floors <= MAY_USE[module]
    if module in NO_TEXTUAL:
        assert "textual" not in loaded
    if module == "slack_token_tui.practice.server":
        assert {name for name in loaded if name.startswith("slack_token_tui.") and ".practice" not in name} == set()


@pytest.mark.parametrize(
    "command",
    [
        ["token"],
        ["export"],
        ["export", "--as", "json"],
        ["default"],
        ["list", "--names"],
        ["list"],
        ["list", "--json"],
        ["show"],
        ["explain"],
        ["explain", "invalid_code"],
        ["--version"],
    ],
)
def test_commands_that_only_read_load_neither_textual_nor_a_network(
    command: list[str], store: ProfileStore, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(profile())
    loaded = loaded_by(f"from slack_token_tui.cli.main import main; assert main({command!r}) == 0", child_environment)
    assert not loaded & {"textual", "rich", "httpx", "asyncio", "ssl", "keyring", "filelock"}
