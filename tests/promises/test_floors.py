"""The house: each floor imports only from floors below it, and fast commands load little."""

from __future__ import annotations

import subprocess
import sys

import pytest

from slack_token_tui.keeping.store import ProfileStore
from tests.accounts import profile

ALL = {"tui", "cli", "signing_in", "keeping", "slack", "desktop", "practice"}
MAY_USE = {
    "slack_token_tui.signing_in.flow": {"signing_in", "keeping", "slack", "desktop"},
    "slack_token_tui.keeping.store": {"keeping", "slack"},
    "slack_token_tui.slack.client": {"slack"},
    "slack_token_tui.slack.explanations": {"slack"},
    "slack_token_tui.slack.scopes": {"slack"},
    "slack_token_tui.desktop.browser": {"desktop"},
    "slack_token_tui.desktop.clipboard": {"desktop"},
    "slack_token_tui.desktop.port_holders": {"desktop"},
    "slack_token_tui.practice.server": {"practice"},
    "slack_token_tui.tui.screens.sign_in": {"tui", "signing_in", "keeping", "slack", "desktop"},
    "slack_token_tui.tui.app": {"tui", "keeping", "slack", "desktop"},
    "slack_token_tui.cli.login": {"cli", "signing_in", "keeping", "slack", "desktop"},
    "slack_token_tui.keeping.refresh": {"keeping", "slack"},
    "slack_token_tui.keeping.refresh_child": {"keeping", "slack"},
    "slack_token_tui.keeping.removal": {"keeping", "slack"},
    "slack_token_tui.keeping.formats": {"keeping", "slack"},
    "slack_token_tui.desktop.clipboard_clearing": {"desktop"},
    "slack_token_tui.desktop.clipboard_check": {"desktop"},
    "slack_token_tui.desktop.surroundings": {"desktop"},
    "slack_token_tui.slack.manifest": {"slack"},
    "slack_token_tui.slack.scope_catalogue": {"slack"},
    "slack_token_tui.keeping.apps": {"keeping", "slack"},
    "slack_token_tui.practice.apps_page": {"practice"},
    "slack_token_tui.doctor": {"signing_in", "keeping", "slack", "desktop"},
    "slack_token_tui.cli.manifest": {"cli", "keeping", "slack"},
    "slack_token_tui.cli.doctor": {"cli", "signing_in", "keeping", "slack", "desktop"},
    "slack_token_tui.tui.screens.app_setup": {"tui", "keeping", "slack"},
    "slack_token_tui.tui.screens.scope_picker": {"tui", "keeping", "slack"},
    "slack_token_tui.tui.screens.doctor": {"tui", "signing_in", "keeping", "slack", "desktop"},
    "slack_token_tui.library": {"keeping", "slack"},
    "slack_token_tui.notebook": {"signing_in", "keeping", "slack", "desktop"},
    "slack_token_tui.tui.upkeep": {"tui", "keeping", "slack"},
    "slack_token_tui.cli.upkeep": {"cli", "keeping", "slack"},
    "slack_token_tui.cli.renewal": {"cli", "keeping", "slack"},
    "slack_token_tui.cli.moving": {"cli", "keeping", "slack"},
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
    store.keep(profile())
    loaded = loaded_by(f"from slack_token_tui.cli.main import main; assert main({command!r}) == 0", child_environment)
    assert not loaded & {"textual", "rich", "httpx", "asyncio", "ssl", "keyring", "filelock"}
