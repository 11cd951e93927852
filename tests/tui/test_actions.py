"""Every action that is named anywhere is in the table, its screen implements it, and its key has one meaning."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from slack_token_tui.problems import explain, list_codes
from slack_token_tui.tui.actions import (
    ACTIONS,
    APP_SETUP,
    APPS,
    DOCTOR,
    ERRORS,
    HOME,
    SCOPES,
    SIGN_IN,
    Action,
    actions_for,
    find_action,
)
from slack_token_tui.tui.screens import errors, home, sign_in
from slack_token_tui.tui.screens.app_setup import AppSetupScreen
from slack_token_tui.tui.screens.apps import AppsScreen
from slack_token_tui.tui.screens.base import AppScreen
from slack_token_tui.tui.screens.doctor import DoctorScreen
from slack_token_tui.tui.screens.errors import ErrorsScreen
from slack_token_tui.tui.screens.home import HomeScreen
from slack_token_tui.tui.screens.scope_picker import ScopePickerScreen
from slack_token_tui.tui.screens.sign_in import SignInScreen

SCREENS: dict[str, type[AppScreen[object]]] = {
    HOME: HomeScreen,  # type: ignore[dict-item]  # what a screen returns does not matter here
    SIGN_IN: SignInScreen,  # type: ignore[dict-item]
    APP_SETUP: AppSetupScreen,  # type: ignore[dict-item]
    SCOPES: ScopePickerScreen,  # type: ignore[dict-item]
    APPS: AppsScreen,  # type: ignore[dict-item]
    ERRORS: ErrorsScreen,  # type: ignore[dict-item]
    DOCTOR: DoctorScreen,  # type: ignore[dict-item]
}
SETS: dict[str, tuple[str, Collection[str]]] = {
    "form": (SIGN_IN, sign_in.FORM_ACTIONS),
    "states": (SIGN_IN, sign_in.COMMANDS),
    "errors": (SIGN_IN, sign_in.OFFERED_BY_ERRORS),
    "lookup": (SIGN_IN, errors.SIGN_IN_ACTIONS),
    "lookup dialog": (SIGN_IN, errors.DIALOG_KEYS),
    "first frame": (HOME, home.FIRST_FRAME_ACTIONS),
    "profile": (HOME, home.PROFILE_ACTIONS),
    "list": (HOME, home.LIST_ACTIONS),
}
"""Sets of actions in the source, each with the screen that it is about."""
MEANINGS: dict[str, tuple[str, set[str]]] = {
    "enter": ("the next step", {"open_menu", "first_sign_in", "start", "done", "again", "continue_setup"}),
    "escape": ("back or cancel", {"leave", "cancel"}),
    "q": ("quit", {"quit"}),
    "question_mark": ("all keys", {"help"}),
    "slash": ("filter or search", {"filter", "search"}),
    "a": ("sign in: the form", {"sign_in", "change_app"}),
    "N": ("create a Slack app", {"make_app"}),
    "i": ("import a token", {"import_token"}),
    "c": ("copy the token, or the manifest before there is one", {"copy", "copy_new", "copy_manifest"}),
    "C": ("copy as", {"copy_as", "copy_new_as"}),
    "u": ("copy the URL of this screen", {"copy_url", "copy_redirect", "copy_page"}),
    "o": ("open the URL of this screen", {"open_url", "open_settings", "open_page"}),
    "e": ("error lookup", {"errors", "browser_says"}),
    "plus": ("more time", {"more_time"}),
    "l": ("copy the ssh line", {"copy_tunnel"}),
    "m": ("copy the request for an admin", {"copy_request"}),
    "p": ("practice browser", {"simulate_browser"}),
    "v": ("verify", {"verify"}),
    "V": ("verify all", {"verify_all"}),
    "r": ("refresh", {"refresh"}),
    "R": ("refresh all", {"refresh_all"}),
    "s": ("sign in again", {"sign_in_again"}),
    "n": ("rename", {"rename", "rename_new"}),
    "d": ("default", {"make_default"}),
    "x": ("remove", {"remove", "undo", "forget"}),
    "delete": ("remove", {"remove", "forget"}),
    "t": ("show the token", {"reveal"}),
    "k": ("keyring or file", {"move_tokens", "save_in_file"}),
    "w": ("save again", {"save_again"}),
    "y": ("copy a report", {"copy_report"}),
    "A": ("apps", {"apps"}),
    "D": ("check this machine", {"doctor"}),
    "S": ("sort", {"sort"}),
    "f1": ("details", {"explain", "show_manifest"}),
    "f2": ("scopes", {"choose_scopes", "pick_scopes", "apply"}),
    "f3": ("apps", {"choose_app"}),
    "f4": ("advanced: another Slack, other endpoints", {"app_details", "other_pair", "other_slack", "edit"}),
    "f5": ("do it again", {"reload", "check_again"}),
    "space": ("select", {"choose"}),
    **{number: ("preset of scopes", {f"preset_{number}"}) for number in "01234"},
}
"""The one meaning of each key, with the actions that have it. New actions need a key with their meaning."""
NEXT_STEPS = {"apply", "use", "open_result"}
"""The next step of the scope picker, the apps and the error lookup."""
NAMES = {"GovSlack", "URL", "Slack", "Read", "AI", "All"}
"""Words of labels with capitals: names, and the presets as their chips show them."""


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: f"{action.id}-{action.screens[0]}")
def test_every_screen_implements_its_actions(action: Action) -> None:
    for screen in action.screens:
        assert hasattr(SCREENS[screen], f"action_{action.id}"), screen


@pytest.mark.parametrize("name", SETS)
def test_actions_named_in_the_source_are_in_the_table(name: str) -> None:
    screen, ids = SETS[name]
    assert set(ids) <= {action.id for action in actions_for(screen)}


def test_actions_named_in_the_catalog_are_in_the_table() -> None:
    offered = {action for code in list_codes() for action in explain(code).actions} - {"paste"}
    assert offered <= {action.id for action in actions_for(SIGN_IN)}
    assert offered <= set(errors.DIALOG_KEYS), "the dialog of the error lookup has a key for each"


def test_every_key_has_one_meaning() -> None:
    for action in ACTIONS:
        for key in action.keys.split(",") if action.keys else ():
            meaning, ids = MEANINGS[key]
            assert action.id in ids or (key == "enter" and action.id in NEXT_STEPS), f"{key} means {meaning}"


def test_table_of_meanings_names_only_real_actions() -> None:
    ids = {action.id for action in ACTIONS}
    assert {action_id for _, wanted in MEANINGS.values() for action_id in wanted} | NEXT_STEPS <= ids


def test_dialog_of_the_error_lookup_has_the_keys_of_the_table() -> None:
    for action_id, key in errors.DIALOG_KEYS.items():
        action = find_action(action_id, SIGN_IN)
        assert action is not None
        assert action.keys == key


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: f"{action.id}-{action.screens[0]}")
def test_labels_are_short_and_lowercase(action: Action) -> None:
    words = action.label.split()
    assert 1 <= len(words) <= (4 if not action.in_footer else 3)
    assert all(word.islower() or word in NAMES for word in words)
    assert action.help.endswith(".")


def test_every_action_of_a_sign_in_belongs_to_the_form_or_to_a_state() -> None:
    general = {"leave", "cancel", "help"}
    assert {action.id for action in actions_for(SIGN_IN)} == sign_in.FORM_ACTIONS | set(sign_in.COMMANDS) | general
