"""Every action that is named anywhere is in the table, and its screen implements it."""

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
)
from slack_token_tui.tui.screens import home, sign_in
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
    "first frame": (HOME, home.FIRST_FRAME_ACTIONS),
    "profile": (HOME, home.PROFILE_ACTIONS),
    "list": (HOME, home.LIST_ACTIONS),
}
"""Sets of actions in the source, each with the screen that it is about."""


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
    for screen in (SIGN_IN, ERRORS):
        assert offered <= {action.id for action in actions_for(screen)}


def test_every_action_of_a_sign_in_belongs_to_the_form_or_to_a_state() -> None:
    general = {"leave", "help"}
    assert {action.id for action in actions_for(SIGN_IN)} == sign_in.FORM_ACTIONS | set(sign_in.COMMANDS) | general
