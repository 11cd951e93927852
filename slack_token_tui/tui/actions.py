"""Table of all user actions: keys, footer label, help text and the screens that offer them."""

from __future__ import annotations

from dataclasses import dataclass

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
    HOME: "Your saved sign-ins. Arrows or j, k, g, G move. Rotating tokens renew themselves while this is open.",
    SIGN_IN: "From your app’s Client ID to a saved token. While it waits, a paste anywhere lands in the paste box.",
    APP_SETUP: "A Slack app of your own, made once from a text that is written for you. It takes about two minutes.",
    SCOPES: "What the app may do with your account. Type to find a scope; those that are sensitive are marked with !.",
    APPS: "The Slack apps that you have made or signed in with. The one used last comes first.",
    ERRORS: "What Slack’s pages and answers mean. Type words that you see; Tab goes between the search and the list.",
    DOCTOR: "What a sign-in needs of this machine, checked one by one. Nothing is changed.",
}
"""Purpose of each screen, shown at the top of its help."""


@dataclass(frozen=True)
class Action:
    """An action that the user runs with a key.

    Attributes:
        id: method name suffix. The screen implements ``action_<id>``.
        keys: key names as in Textual, separated by commas. The first one is displayed.
        label: one or two words for the footer.
        help: one sentence on what the action does and why to use it.
        screens: ids of the screens that offer it.
        in_footer: whether the footer shows it. The palette and the help always do.
    """

    id: str
    keys: str
    label: str
    help: str
    screens: tuple[str, ...]
    in_footer: bool = True

    @property
    def key_label(self) -> str:
        """The first key, formatted for display."""
        key = self.keys.split(",")[0]
        return _KEY_LABELS.get(key) or (key.upper() if key[:1] == "f" and key[1:].isdigit() else key)

    @property
    def is_letter(self) -> bool:
        """Whether a focused text field would consume the key."""
        return len(self.keys.split(",")[0]) == 1 or self.keys.startswith(("question_mark", "slash", "space"))


_KEY_LABELS = {
    "escape": "Esc",
    "slash": "/",
    "question_mark": "?",
    "enter": "Enter",
    "space": "Space",
    "down": "↓",
    "ctrl+c": "Ctrl+C",
}

ACTIONS = (
    # ── home ──
    Action("sign_in", "a", "Sign in", "Sign in to a workspace and save its token.", (HOME,)),
    Action("copy", "c,y", "Copy", "Put the highlighted profile’s access token on the clipboard.", (HOME,)),
    Action("help", "question_mark", "Help", "Show what can be done on this screen.", (HOME,)),
    Action("quit", "q", "Quit", "Leave the program.", (HOME,)),
    Action("copy_as", "C", "Copy as…", "Copy it as a header, a shell line, a curl command and more.", (HOME,)),
    Action("filter", "slash", "Filter", "Show only profiles whose name, person or workspace matches.", (HOME,)),
    Action("verify", "v", "Verify", "Ask Slack whether the token works, and whose it is.", (HOME,)),
    Action("refresh", "r", "Renew", "Get a new access token now, if this one is more than an hour old.", (HOME,)),
    Action("sign_in_again", "s", "Sign in again", "With this profile’s app and scopes; also to add scopes.", (HOME,)),
    Action("make_app", "N", "Make an app", "Be led through making a Slack app of your own.", (HOME, APPS)),
    Action("apps", "p", "Apps", "Choose, change or forget the Slack apps that you sign in with.", (HOME,)),
    Action("errors", "e", "Errors", "Look up what a message of Slack’s means, and what to do.", (HOME,)),
    Action("doctor", "D", "Check", "Check ports, browser, clipboard, network and files of this machine.", (HOME,)),
    Action("rename", "n", "Rename", "Give the profile another name for the command line.", (HOME,)),
    Action("make_default", "d", "Default", "Make it the profile that commands without a name use, or not.", (HOME,)),
    Action("remove", "x,delete", "Remove", "End both tokens at Slack and delete the profile; asks first.", (HOME,)),
    Action("import_token", "i", "Import", "Save a token that you already have.", (HOME,)),
    Action("reveal", "t", "Show token", "Show the token in clear for ten seconds.", (HOME,), in_footer=False),
    Action(
        "move_tokens", "m", "Move", "Keep the tokens in the system’s keyring, or in the file again.", (HOME,), False
    ),
    Action("sort", "o", "Order", "By name, by what needs you, by what ends soonest.", (HOME,), in_footer=False),
    Action("verify_all", "V", "Verify all", "Ask Slack about every token.", (HOME,), in_footer=False),
    Action("refresh_all", "R", "Renew all", "Renew every token that is more than an hour old.", (HOME,), False),
    Action("reload", "f5", "Read again", "Read the profiles from disk again.", (HOME,), in_footer=False),
    # ── sign in ──
    Action(
        "simulate_browser",
        "p",
        "Play browser",
        "Let the practice Slack press its button for you.",
        (SIGN_IN, APP_SETUP),
    ),
    Action("again", "r", "Try again", "Start the same sign-in anew.", (SIGN_IN, ERRORS)),
    Action("other_pair", "o", "Other pair", "Try Slack’s other pair of authorize page and method.", (SIGN_IN, ERRORS)),
    Action("change_app", "a", "Change app", "Go back to Client ID and scopes.", (SIGN_IN, ERRORS)),
    Action(
        "copy_redirect",
        "d",
        "Copy redirect",
        "Put the redirect address on the clipboard, to register it.",
        (SIGN_IN, ERRORS),
    ),
    Action("open_settings", "s", "App settings", "Open the settings of your Slack apps.", (SIGN_IN, ERRORS)),
    Action("choose_scopes", "f2", "Choose scopes", "Choose what to ask for from a list in plain words.", (SIGN_IN,)),
    Action("choose_app", "f3", "Other app", "Choose among the apps that you have signed in with.", (SIGN_IN,)),
    Action("app_details", "f4", "App details", "Its Slack, redirect address, browser, client secret.", (SIGN_IN,)),
    Action("new_app", "f6", "Make an app", "Be led through making a Slack app of your own.", (SIGN_IN,)),
    Action("more_time", "e", "More time", "Wait for the browser at least five minutes from now.", (SIGN_IN,)),
    Action("copy_url", "u", "Copy address", "Put Slack’s address on the clipboard, to open it elsewhere.", (SIGN_IN,)),
    Action(
        "copy_tunnel",
        "l",
        "Copy ssh line",
        "Copy the ssh line that leads your browser’s localhost here.",
        (SIGN_IN,),
    ),
    Action("browser_says", "b", "Browser says", "Find what Slack’s page shows when no answer comes back.", (SIGN_IN,)),
    Action("copy_new", "c", "Copy token", "Put the new access token on the clipboard.", (SIGN_IN,)),
    Action("save_again", "w", "Save again", "Save the token that is here and could not be saved.", (SIGN_IN,)),
    Action("save_in_file", "f", "Keep in a file", "Save it in a file instead of the keyring.", (SIGN_IN,)),
    Action("undo", "x", "Undo", "Revoke the new token at Slack, and remove the profile.", (SIGN_IN,)),
    Action("copy_report", "y", "Copy report", "Put this on the clipboard, without any secret.", (SIGN_IN,), False),
    Action("explain", "f1", "More", "Read everything that is known about this error.", (SIGN_IN, HOME)),
    # ── create an app ──
    Action("open_page", "o", "Open Slack", "Open Slack’s page with the manifest filled in.", (APP_SETUP,)),
    Action(
        "copy_manifest", "c", "Copy manifest", "Put the manifest on the clipboard, to paste it there.", (APP_SETUP,)
    ),
    Action("copy_page", "u", "Copy address", "Put the address of Slack’s page on the clipboard.", (APP_SETUP,)),
    Action(
        "copy_request",
        "m",
        "Message to an admin",
        "Put a ready message on the clipboard, for somebody who may make apps.",
        (APP_SETUP,),
    ),
    Action("pick_scopes", "f2", "Choose scopes", "Choose what the app may ask for, in plain words.", (APP_SETUP,)),
    Action("other_slack", "f3", "Other Slack", "Make it on GovSlack instead of slack.com, or back.", (APP_SETUP,)),
    Action("change_form", "b", "Change it", "Go back to name, scopes and rotation.", (APP_SETUP,)),
    # ── scopes ──
    Action("choose", "space", "Choose, undo", "Ask for the highlighted scope, or no longer.", (SCOPES,)),
    Action("done", "f2", "Use these", "Take the chosen scopes back to the form.", (SCOPES,)),
    Action(
        "to_list", "down", "Into the list", "Leave the search for the list, where letters are keys.", (SCOPES, ERRORS)
    ),
    Action("search", "slash", "Search", "Go to the search field.", (SCOPES, ERRORS)),
    Action("chosen_only", "f3", "Chosen only", "Show only what is chosen, or everything.", (SCOPES,)),
    Action("preset_1", "1", "Read-only", "Choose what reads channels, people and reactions.", (SCOPES,), False),
    Action("preset_2", "2", "Messages", "Choose what reads and writes messages as you.", (SCOPES,), False),
    Action("preset_3", "3", "AI search", "Choose what AI tools and MCP servers ask for.", (SCOPES,), False),
    Action("preset_4", "4", "All of the app", "Choose everything that the app is known to allow.", (SCOPES,), False),
    Action("preset_0", "0", "None", "Choose nothing.", (SCOPES,), False),
    # ── apps ──
    Action("use", "enter", "Sign in with it", "Go to the sign-in with the highlighted app.", (APPS,)),
    Action("edit", "e", "Change", "Its name, Slack, redirect address, browser, client secret.", (APPS,)),
    Action("forget", "x,delete", "Forget", "Forget it here; nothing changes at Slack. Asks first.", (APPS,)),
    # ── doctor ──
    Action("check_again", "r", "Check again", "Look at everything anew.", (DOCTOR,)),
    Action("copy_report", "y", "Copy report", "Put the list on the clipboard; no secret is in it.", (DOCTOR,)),
    # ── all screens except home ──
    Action("leave", "escape", "Leave", "Stop here and go back; an open port is closed at once.", (SIGN_IN,)),
    Action("leave", "escape", "Back", "Go back.", (APP_SETUP, SCOPES, APPS, ERRORS, DOCTOR)),
    Action(
        "help",
        "question_mark",
        "Help",
        "Show what can be done on this screen.",
        (SIGN_IN, APP_SETUP, SCOPES, APPS, ERRORS, DOCTOR),
    ),
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
    """Return the Textual bindings of ``screen`` in footer order."""
    screen_bindings = [
        Binding(action.keys, action.id, action.label, key_display=action.key_label, show=action.in_footer)
        # Leave always comes first, because a narrow footer has room for only two or three keys.
        for action in sorted(actions_for(screen), key=lambda action: action.id != "leave")
    ]
    # In a text field "?" is a letter, so the footer shows F1 there. F1 opens the help outside a field too. That binding
    # comes last, because F1 explains an error if there is one.
    default_index = 1 if screen_bindings[0].action == "leave" else len(screen_bindings)
    help_index = next((number for number, binding in enumerate(screen_bindings) if binding.key == "f2"), default_index)
    screen_bindings.insert(help_index, Binding("f1", "help_in_field", "Help", key_display="F1"))
    return [*screen_bindings, Binding("f1", "help", show=False)]
