"""Table of all user actions: keys, footer label, help text and the screens that offer them.

A key has one meaning on all screens. ``tests/tui/test_actions.py`` holds the table of meanings.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding

HOME, SIGN_IN, APP_SETUP, SCOPES, APPS, ERRORS, DOCTOR = (
    "home",
    "sign_in",
    "app_setup",
    "scopes",
    "apps",
    "errors",
    "doctor",
)
SCREEN_DESCRIPTIONS = {
    HOME: "Your saved profiles. Due tokens are refreshed while this is open.",
    SIGN_IN: "From a Client ID to a saved token. You can paste anywhere.",
    APP_SETUP: "Create your own Slack app. It takes about two minutes.",
    SCOPES: "What the token can do. Type to search.",
    APPS: "Your Slack apps. Most recent first.",
    ERRORS: "Paste or type what Slack or the browser shows.",
    DOCTOR: "What a sign-in needs on this machine. Nothing is changed.",
}
"""Purpose of each screen, shown at the top of its help."""


class Group(StrEnum):
    """Headings of the help."""

    TOKEN = "Token"  # noqa: S105 - a heading
    PROFILES = "Profiles"
    APPS = "Apps"
    VIEW = "View"
    PROGRAM = "Program"


@dataclass(frozen=True)
class Action:
    """An action that the user runs with a key.

    Attributes:
        id: method name suffix. The screen implements ``action_<id>``.
        keys: key names as in Textual, separated by commas. The first one is displayed.
        label: one to three words for the footer and the menus, as a command.
        help: one sentence on what the action does.
        screens: ids of the screens that offer it.
        group: heading of the help that lists it.
        in_footer: whether the footer shows it. The palette and the help always do.
        in_fields: whether a text field leaves the key to it.
        only_practice: whether only practice mode has it.
    """

    id: str
    keys: str
    label: str
    help: str
    screens: tuple[str, ...]
    group: Group = Group.PROGRAM
    in_footer: bool = True
    in_fields: bool = False
    only_practice: bool = False

    @property
    def key_label(self) -> str:
        """The first key, formatted for display."""
        key = self.keys.split(",")[0]
        return _KEY_LABELS.get(key) or (key.upper() if key[:1] == "f" and key[1:].isdigit() else key)

    @property
    def title(self) -> str:
        """The label as it begins a line."""
        return self.label[:1].upper() + self.label[1:]

    @property
    def is_letter(self) -> bool:
        """Whether a focused text field would consume the key."""
        key = self.keys.split(",")[0]
        return len(key) == 1 or key in {"question_mark", "slash", "space", "plus"}


_KEY_LABELS = {
    "escape": "Esc",
    "slash": "/",
    "question_mark": "?",
    "plus": "+",
    "enter": "Enter",
    "space": "Space",
    "down": "↓",
    "ctrl+c": "Ctrl+C",
}
_TOKEN, _PROFILES, _APPS, _VIEW, _PROGRAM = Group.TOKEN, Group.PROFILES, Group.APPS, Group.VIEW, Group.PROGRAM
_EVERYWHERE = (HOME, SIGN_IN, APP_SETUP, SCOPES, APPS, ERRORS, DOCTOR)

ACTIONS = (
    # ── home ──
    Action("open_menu", "enter", "actions", "Show what you can do with this profile.", (HOME,), _PROFILES),
    Action("first_sign_in", "enter", "sign in", "Get your first token.", (HOME,), _PROFILES, False),
    Action("sign_in", "a", "sign in", "Sign in to a workspace and save its token.", (HOME,), _PROFILES),
    Action("copy", "c", "copy", "Copy the access token.", (HOME,), _TOKEN),
    Action("copy_as", "C", "copy as", "Copy it as a header, a shell line or a curl command.", (HOME,), _TOKEN),
    Action("verify", "v", "verify", "Ask Slack whether the token works.", (HOME,), _TOKEN),
    Action("refresh", "r", "refresh", "Get a new access token now.", (HOME,), _TOKEN),
    Action("remove", "x,delete", "remove", "Revoke the tokens and remove the profile.", (HOME,), _PROFILES),
    Action("filter", "slash", "filter", "Show profiles by name, person, workspace or status.", (HOME,), _VIEW),
    Action("sign_in_again", "s", "sign in again", "Replace the token, or add scopes.", (HOME,), _PROFILES, False),
    Action("rename", "n", "rename", "Change the name that scripts use.", (HOME,), _PROFILES, False),
    Action("make_default", "d", "make default", "Set or clear the default profile.", (HOME,), _PROFILES, False),
    Action("reveal", "t", "show token", "Show the token for ten seconds.", (HOME,), _TOKEN, False),
    Action(
        "move_tokens", "k", "move tokens", "Move the tokens to the keyring or back to the file.", (HOME,), _TOKEN, False
    ),
    Action("replace_leaked", "", "replace a leaked token", "Revoke it, then sign in again.", (HOME,), _TOKEN, False),
    Action("import_token", "i", "import", "Import an existing token.", (HOME,), _PROFILES),
    Action("verify_all", "V", "verify all", "Verify every profile that is shown.", (HOME,), _TOKEN, False),
    Action("refresh_all", "R", "refresh all", "Refresh every profile that is shown.", (HOME,), _TOKEN, False),
    Action("make_app", "N", "create app", "Create your own Slack app, step by step.", (HOME,), _APPS),
    Action("apps", "A", "apps", "Choose, edit or forget a Slack app.", (HOME,), _APPS, False),
    Action("errors", "e", "error lookup", "Look up a Slack error and how to fix it.", (HOME,), _PROGRAM, False),
    Action("doctor", "D", "check", "Check ports, browser, clipboard, network and files.", (HOME,), _PROGRAM),
    Action("sort", "S", "sort", "Sort by name, status or expiry.", (HOME,), _VIEW, False),
    Action("reload", "f5", "reload", "Reload profiles.", (HOME,), _VIEW, False),
    Action("quit", "q", "quit", "Quit.", (HOME,), _PROGRAM),
    # ── sign in ──
    Action("start", "enter", "sign in", "Open Slack in the browser.", (SIGN_IN,), in_fields=True),
    Action("done", "enter", "done", "Go back to your profiles.", (SIGN_IN,)),
    Action("again", "enter", "try again", "Start the same sign-in again.", (SIGN_IN,)),
    Action("cancel", "escape", "cancel", "Cancel the sign-in.", (SIGN_IN,)),
    Action("leave", "escape", "back", "Go back.", (SIGN_IN,)),
    Action("choose_scopes", "f2", "scopes", "Choose what the token can do.", (SIGN_IN,)),
    Action("choose_app", "f3", "apps", "Choose or create a Slack app.", (SIGN_IN,)),
    Action("app_details", "f4", "advanced", "Edit redirect URLs, browser and client secret.", (SIGN_IN,)),
    Action(
        "simulate_browser",
        "p",
        "practice browser",
        "Choose what the practice browser does.",
        (SIGN_IN, APP_SETUP),
        only_practice=True,
    ),
    Action("copy_new", "c", "copy", "Copy the new access token.", (SIGN_IN,), _TOKEN),
    Action("copy_new_as", "C", "copy as", "Copy it as a header, a shell line or a curl command.", (SIGN_IN,), _TOKEN),
    Action("rename_new", "n", "rename", "Change the name that scripts use.", (SIGN_IN,), _PROFILES),
    Action("save_again", "w", "save again", "Save the token that couldn't be saved.", (SIGN_IN,), _TOKEN),
    Action("save_in_file", "k", "save in file", "Save it in a file instead of the keyring.", (SIGN_IN,), _TOKEN),
    Action("open_settings", "o", "open settings", "Open the app's settings in the browser.", (SIGN_IN,)),
    Action("copy_redirect", "u", "copy URL", "Copy the redirect URL to register.", (SIGN_IN,)),
    Action("open_url", "o", "open", "Open the link in the browser again.", (SIGN_IN,)),
    Action("copy_url", "u", "copy link", "Copy the link, to open it in another browser.", (SIGN_IN,)),
    Action("browser_says", "e", "error lookup", "Look up the error that Slack's page shows.", (SIGN_IN,)),
    Action("more_time", "plus", "more time", "Wait five minutes from now.", (SIGN_IN,)),
    Action("copy_tunnel", "l", "copy ssh line", "Copy the ssh command that forwards the port.", (SIGN_IN,)),
    Action("change_app", "a", "change app", "Go back to the form.", (SIGN_IN,)),
    Action("other_pair", "f4", "other endpoints", "Use Slack's other authorize page and method.", (SIGN_IN,)),
    Action("undo", "x", "revoke", "Revoke the new token and remove its profile.", (SIGN_IN,), _TOKEN, False),
    Action(
        "copy_report", "y", "copy report", "Copy this as text. It holds no secrets.", (SIGN_IN, DOCTOR), in_footer=False
    ),
    Action("explain", "f1", "details", "Show everything about this.", (SIGN_IN, HOME)),
    # ── create an app ──
    Action("continue_setup", "enter", "continue", "Go to the next step.", (APP_SETUP,), in_fields=True),
    Action("open_page", "o", "open Slack", "Open Slack's page with everything filled in.", (APP_SETUP,)),
    Action("copy_page", "u", "copy link", "Copy the link to Slack's page.", (APP_SETUP,)),
    Action("copy_request", "m", "copy request", "Copy a request for your Slack admin.", (APP_SETUP,)),
    Action("copy_manifest", "c", "copy manifest", "Copy the app manifest.", (APP_SETUP,)),
    Action("pick_scopes", "f2", "scopes", "Choose the scopes that the app can request.", (APP_SETUP,)),
    Action("other_slack", "f4", "GovSlack", "Use GovSlack instead of slack.com, or go back.", (APP_SETUP,)),
    Action("show_manifest", "f1", "details", "Show the manifest and the link.", (APP_SETUP,)),
    # ── scopes ──
    Action("choose", "space", "select", "Select the scope, or clear it.", (SCOPES,)),
    Action("apply", "f2,enter", "apply", "Use the selected scopes.", (SCOPES,)),
    Action("search", "slash", "search", "Go to the search field.", (SCOPES,), in_footer=False),
    Action("preset_1", "1", "Read", "Select scopes that read public data.", (SCOPES,), in_footer=False),
    Action("preset_2", "2", "Read and write", "Select scopes that read and post messages.", (SCOPES,), in_footer=False),
    Action("preset_3", "3", "AI tools", "Select what AI tools and MCP servers ask for.", (SCOPES,), in_footer=False),
    Action("preset_4", "4", "All of the app", "Select every scope that the app has.", (SCOPES,), in_footer=False),
    Action("preset_0", "0", "none", "Clear the selection.", (SCOPES,), in_footer=False),
    # ── apps ──
    Action("use", "enter", "sign in", "Sign in with the selected app.", (APPS,)),
    Action("make_app", "N", "create app", "Create your own Slack app, step by step.", (APPS,), _APPS),
    Action("edit", "f4", "edit", "Edit name, redirect URLs, browser and client secret.", (APPS,)),
    Action("forget", "x,delete", "forget", "Forget the app here. Slack isn't changed.", (APPS,)),
    # ── error lookup ──
    Action("open_result", "enter", "fix it", "Show the fix and its keys.", (ERRORS,), in_fields=True),
    # ── doctor ──
    Action("check_again", "f5", "check again", "Run all checks again.", (DOCTOR,)),
    # ── everywhere ──
    Action("leave", "escape", "back", "Go back.", (APP_SETUP, SCOPES, APPS, ERRORS, DOCTOR)),
    Action("help", "question_mark", "keys", "Show all keys.", _EVERYWHERE),
)
_BY_ID = {action.id: action for action in ACTIONS}


def actions_for(screen: str) -> tuple[Action, ...]:
    """Return the actions of ``screen``, most important first."""
    return tuple(action for action in ACTIONS if screen in action.screens)


def find_action(action_id: str, screen: str | None = None) -> Action | None:
    """Return the action with this id, on ``screen`` if given, or None."""
    if screen is None:
        return _BY_ID.get(action_id)
    return next((action for action in actions_for(screen) if action.id == action_id), None)


def bindings(screen: str) -> list[Binding]:
    """Return the Textual bindings of ``screen`` in footer order. Help comes last and is never left out.

    F1 comes just before it, because it opens the help in a field, where "?" is a letter.
    """
    screen_bindings = [
        Binding(
            action.keys,
            action.id,
            action.label,
            key_display=action.key_label,
            show=action.in_footer,
            priority=action.in_fields,
        )
        for action in sorted(actions_for(screen), key=lambda action: (action.id == "help", action.keys == "f1"))
        if action.keys
    ]
    # Outside a field F1 shows details, if there are any.
    return [
        *screen_bindings,
        Binding("f1", "help_in_field", "keys", key_display="F1"),
        Binding("f1", "help", show=False),
    ]
