"""Error lookup: paste or type what Slack or the browser shows, and get the fix.

Letters always go to the search field. Enter opens a dialog with the fix and its keys.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from slack_token_tui import __version__
from slack_token_tui.error_lookup import find_errors
from slack_token_tui.problems import Explanation, list_codes
from slack_token_tui.secret import redact
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.tui.actions import ERRORS, SIGN_IN, actions_for, bindings, find_action
from slack_token_tui.tui.background import background
from slack_token_tui.tui.screens.base import AppScreen
from slack_token_tui.tui.screens.dialogs import ConfirmDialog, Dialog, format_explanation
from slack_token_tui.tui.widgets.cursor_list import ThemedList
from slack_token_tui.tui.widgets.error_card import ErrorCard, format_report, redirect_uri_rows
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.footer import Footer
from slack_token_tui.tui.widgets.header import Header
from slack_token_tui.tui.widgets.keys import ESC_BACK, hint
from slack_token_tui.tui.widgets.search_box import SearchBox, join_lines

SIGN_IN_ACTIONS = frozenset({"again", "other_pair", "change_app"})
"""Actions that are carried out by the screen that opened the lookup. They end a sign-in that waits."""
_DIALOG_ACTIONS = ("again", "change_app", "other_pair", "open_settings", "copy_redirect", "copy_report")
DIALOG_KEYS = {action.id: action.keys for action in actions_for(SIGN_IN) if action.id in _DIALOG_ACTIONS}
"""Keys of the actions in the dialog of a result: the same as on the sign-in screen."""

_ACTIONS_IN_PLACE = frozenset({"copy_redirect", "copy_report", "open_settings"})
"""Actions that leave the dialog open."""


class ErrorsScreen(AppScreen[str | None]):
    """Screen that returns the action that the user chose, or None."""

    screen_id = ERRORS
    AUTO_FOCUS = "#search"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(ERRORS),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("pagedown", "scroll(1)", show=False, priority=True),
        Binding("pageup", "scroll(-1)", show=False, priority=True),
    ]

    def __init__(
        self,
        explain: Callable[[str], Explanation],
        app: SlackApp | None,
        sent: str,
        *,
        from_page: bool,
        is_waiting: bool = False,
        initial_search: str = "",
    ) -> None:
        """
        Args:
            explain: returns the explanation of an error code, with the details of this sign-in filled in.
            app: app whose settings and redirect URLs are shown.
            sent: redirect URL that the sign-in has sent, or "".
            from_page: whether Slack's page probably shows the error, because a sign-in waits or has timed out.
            is_waiting: whether a sign-in waits, so that an action that ends it needs a confirmation.
            initial_search: initial search text, such as the error on Slack's page.
        """
        super().__init__()
        explanations = [explain(code) for code in list_codes()]
        order = {code: number for number, code in enumerate(list_codes(in_order=True))}
        explanations.sort(key=lambda explanation: (explanation.browser_says is None, order[explanation.code]))
        self._explanations = {explanation.code: explanation for explanation in explanations}
        self._app = app
        self._sent = sent
        self._from_page = from_page
        self._is_waiting = is_waiting
        self._initial_search = redact(join_lines(initial_search))

    def compose(self) -> ComposeResult:
        yield Header("Error lookup", self._app.endpoints if self._app else Endpoints(), self.slack_label)
        yield SearchBox("Paste or type what Slack or the browser shows")
        with Container(id="errors"):
            yield ThemedList(id="error_list")
            with VerticalScroll(id="error_detail", can_focus=False):
                yield Static(id="error_text")
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#error_list").can_focus = False
        search = self.query_one(SearchBox)
        search.value = self._initial_search
        search.cursor_position = len(search.value)
        self.show_matches(self._initial_search)

    @on(SearchBox.Changed, "#search")
    def filter_errors(self, event: SearchBox.Changed) -> None:
        if (shown := redact(event.value)) != event.value:  # a pasted token must not stay on the screen
            self.query_one(SearchBox).value = shown
            return
        self.show_matches(event.value)

    @on(SearchBox.Submitted, "#search")
    def open_result(self) -> None:
        self.action_open_result()

    @on(OptionList.OptionSelected)
    def open_clicked_result(self) -> None:
        self.action_open_result()

    def on_paste(self, event: events.Paste) -> None:
        self.query_one(SearchBox).on_paste(event)

    def show_matches(self, wanted: str) -> None:
        """List the errors that match ``wanted``."""
        codes = find_errors(wanted) if wanted.strip() else self._explanations
        matches = [self._explanations[code] for code in codes]
        if self._from_page and not wanted.strip():
            matches = [explanation for explanation in matches if explanation.browser_says]
        option_list = self.query_one(OptionList)
        option_list.clear_options()
        option_list.add_options(Option(_format_row(explanation), id=explanation.code) for explanation in matches)
        if matches:
            option_list.highlighted = 0
        else:
            words = "No match.\n\nTry fewer words, or the error code with underscores, such as bad_redirect_uri."
            self.query_one("#error_text", Static).update(Content(words))
        self.refresh_bindings()

    @property
    def highlighted(self) -> Explanation | None:
        """The highlighted error, or None."""
        option_list = self.query_one(OptionList)
        if option_list.highlighted is None or not option_list.option_count:
            return None
        return self._explanations[str(option_list.get_option_at_index(option_list.highlighted).id)]

    @on(OptionList.OptionHighlighted)
    def explain_highlighted(self) -> None:
        if (chosen := self.highlighted) is not None:
            redirects = redirect_uri_rows(chosen, self._sent, self._app.redirect_uris if self._app else ())
            self.query_one("#error_text", Static).update(format_explanation(chosen, redirects))
            self.query_one("#error_detail").scroll_home(animate=False)
            self.refresh_bindings()

    def is_available(self, action_id: str) -> bool:
        return action_id != "open_result" or self.highlighted is not None

    def action_move(self, rows: int) -> None:
        """Move the cursor of the list. The focus stays in the search field."""
        option_list = self.query_one(OptionList)
        option_list.action_cursor_down() if rows > 0 else option_list.action_cursor_up()

    def action_scroll(self, pages: int) -> None:
        """Scroll the explanation."""
        detail = self.query_one("#error_detail")
        detail.scroll_page_down() if pages > 0 else detail.scroll_page_up()

    @background("result")
    async def action_open_result(self) -> None:
        """Show the fix with its keys, and run the action that the user chooses."""
        if (chosen := self.highlighted) is None:
            return
        offered = [action for action in chosen.actions if action in DIALOG_KEYS and self._can_run(action)]
        offered.append("copy_report")
        while (action := await self.app.push_screen_wait(ErrorDialog(chosen, offered, self._run_here))) is not None:
            if await self._confirm_end():
                self.close(action)
                return

    @background("fix", exclusive=False)
    async def _run_here(self, action: str, explanation: Explanation) -> None:
        """Run an action that leaves the dialog open."""
        match action:
            case "open_settings":
                app = self._app or SlackApp("")
                await self.open_page(app.endpoints.apps_url, app.browser)
            case "copy_redirect":
                self.copy_redirect_uri(self._app, self._sent)
            case "copy_report":
                outcome = await self.token_app.copy_text(format_report(explanation, __version__))
                self.notify_copied(outcome, "the report")

    def _can_run(self, action: str) -> bool:
        return action not in {"again", "other_pair"} or self._app is not None

    async def _confirm_end(self) -> bool:
        """Ask before an action ends the sign-in that waits."""
        if not self._is_waiting:
            return True
        question = Content.assemble(("Cancel the current sign-in?\n\n", "bold"), "It is still waiting for the browser.")
        return await self.app.push_screen_wait(ConfirmDialog(question, "Cancel it", "Keep waiting"))


class ErrorDialog(Dialog[str | None]):
    """The fix of one error, with the key of each step. It returns the chosen action, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Back"),
        *(Binding(key, f"choose('{action}')", show=False) for action, key in DIALOG_KEYS.items()),
    ]

    def __init__(self, explanation: Explanation, offered: list[str], run: Callable[[str, Explanation], object]) -> None:
        """
        Args:
            explanation: explanation of the error.
            offered: actions that have a key.
            run: runs an action that leaves the dialog open.
        """
        super().__init__()
        self._explanation = explanation
        self._offered = offered
        self._run_action = run

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="sheet -error"):
            yield ErrorCard(self._explanation, self._key_of)

    def format_keys(self) -> Content:
        return Content.assemble(self._key_of("copy_report"), "  ", ESC_BACK)

    def _key_of(self, action_id: str) -> Content:
        action = find_action(action_id)
        if action is None or action_id not in self._offered:
            return Content("")
        return hint(action.key_label, action.label, f"screen.choose('{action_id}')")

    def action_choose(self, action_id: str) -> None:
        if action_id not in self._offered:
            return
        if action_id in _ACTIONS_IN_PLACE:
            self._run_action(action_id, self._explanation)
        else:
            self.dismiss(action_id)


def _format_row(explanation: Explanation) -> Content:
    shown = explanation.browser_says or explanation.code
    return Content.assemble((explanation.title, "bold"), (f"   {shown}", MUTED))
