"""Everything that can be done, in one table: its key, its word in the footer, its place in palette and help."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding

HOME, SIGN_IN = "home", "sign_in"


@dataclass(frozen=True)
class Action:
    """Something that a key does.

    Attributes:
        id: the screen's method is ``action_<id>``.
        keys: as Textual names them, separated by commas; the first is shown.
        label: one or two words for the footer.
        help: a sentence that says what it does and why one would.
        screens: where it is offered.
        in_footer: whether it has a place there; the palette and the help have it in any case.
    """

    id: str
    keys: str
    label: str
    help: str
    screens: tuple[str, ...]
    in_footer: bool = True

    @property
    def shown_key(self) -> str:
        """The first key as a person reads it."""
        return _SHOWN.get(key := self.keys.split(",")[0], key)

    @property
    def is_letter(self) -> bool:
        """Whether a text field would swallow the key."""
        return len(self.keys.split(",")[0]) == 1 or self.keys.startswith(("question_mark", "slash"))


_SHOWN = {
    "escape": "Esc",
    "slash": "/",
    "f5": "F5",
    "question_mark": "?",
    "f1": "F1",
    "enter": "Enter",
    "ctrl+c": "Ctrl+C",
    "f2": "F2",
}

ACTIONS = (
    Action("sign_in", "a", "Sign in", "Sign in to a workspace and save its token.", (HOME,)),
    Action("copy", "c,y", "Copy", "Put the highlighted profile’s access token on the clipboard.", (HOME,)),
    Action("help", "question_mark", "Help", "Show what can be done on this screen.", (HOME,)),
    Action("quit", "q", "Quit", "Leave the program.", (HOME,)),
    Action("copy_as", "C", "Copy as…", "Copy it as a header, a shell line, a curl command and more.", (HOME,)),
    Action("filter", "slash", "Filter", "Show only profiles whose name, person or workspace matches.", (HOME,)),
    Action("verify", "v", "Verify", "Ask Slack whether the token works, and whose it is.", (HOME,)),
    Action("refresh", "r", "Renew", "Get a new access token now, if this one is more than an hour old.", (HOME,)),
    Action("sign_in_again", "s", "Sign in again", "With this profile’s app and scopes; also to add scopes.", (HOME,)),
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
    Action("play_browser", "p", "Play browser", "Let the practice Slack press Allow for you.", (SIGN_IN,)),
    Action("more_time", "e", "More time", "Wait five minutes longer for the browser.", (SIGN_IN,)),
    Action("copy_url", "u", "Copy address", "Put Slack’s address on the clipboard, to open it elsewhere.", (SIGN_IN,)),
    Action("browser_says", "b", "Browser says", "Find what Slack’s page shows when no answer comes back.", (SIGN_IN,)),
    Action("copy_new", "c", "Copy token", "Put the new access token on the clipboard.", (SIGN_IN,)),
    Action("save_again", "w", "Save again", "Save the token that is here and could not be saved.", (SIGN_IN,)),
    Action("keep_in_file", "f", "Keep in a file", "Save it in a file instead of the keyring.", (SIGN_IN,)),
    Action("again", "r", "Try again", "Start the same sign-in anew.", (SIGN_IN,)),
    Action(
        "other_pair", "o", "Other pair", "Try Slack’s other pair of authorize page and exchange method.", (SIGN_IN,)
    ),
    Action("change_app", "a", "Change app", "Go back to Client ID and scopes.", (SIGN_IN,)),
    Action(
        "copy_redirect", "d", "Copy redirect", "Put the redirect address on the clipboard, to register it.", (SIGN_IN,)
    ),
    Action("open_settings", "s", "App settings", "Open the settings of your Slack apps in the browser.", (SIGN_IN,)),
    Action(
        "copy_report", "y", "Copy report", "Put this error on the clipboard, without any secret.", (SIGN_IN,), False
    ),
    Action("explain", "f1", "More", "Read everything that is known about this error.", (SIGN_IN,)),
    Action("leave", "escape", "Leave", "Stop here and go back; the port is closed at once.", (SIGN_IN,)),
    Action("help", "question_mark", "Help", "Show what can be done on this screen.", (SIGN_IN,)),
)
_BY_ID = {action.id: action for action in ACTIONS}


def on(screen: str) -> tuple[Action, ...]:
    """Return what can be done on ``screen``, in the order of the footer."""
    return tuple(action for action in ACTIONS if screen in action.screens)


def find(action_id: str) -> Action | None:
    """Return the action of that id, if there is one."""
    return _BY_ID.get(action_id)


def bindings(screen: str) -> list[Binding]:
    """Return Textual's bindings for ``screen``."""
    return [
        Binding(action.keys, action.id, action.label, key_display=action.shown_key, show=action.in_footer)
        for action in on(screen)
    ]
