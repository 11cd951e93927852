"""Screen that explains the errors on Slack's pages and in its responses: a searchable list with remedies."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from slack_token_tui.error_lookup import find_errors
from slack_token_tui.problems import Explanation, list_codes
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.tui.actions import ERRORS, bindings
from slack_token_tui.tui.background import background
from slack_token_tui.tui.screens.dialogs import format_explanation
from slack_token_tui.tui.screens.search_base import SearchScreen
from slack_token_tui.tui.widgets.error_card import redirect_uri_rows
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.footer import Footer
from slack_token_tui.tui.widgets.header import Header
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.keys import key_hints
from slack_token_tui.tui.widgets.search_box import SearchBox

_SIGN_IN_ACTIONS = frozenset({"again", "other_pair", "change_app"})
"""Remedies that are carried out by the screen that opened this one."""


class ErrorsScreen(SearchScreen[str | None]):
    """Screen that returns the remedy that the user chose, or None."""

    screen_id = ERRORS
    AUTO_FOCUS = "#search"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(ERRORS)]

    def __init__(
        self,
        explain: Callable[[str], Explanation],
        app: SlackApp | None,
        sent: str,
        *,
        from_page: bool,
        initial_search: str = "",
    ) -> None:
        """
        Args:
            explain: returns the explanation of an error code, with the details of this sign-in filled in.
            app: app whose settings and redirect URLs are shown.
            sent: redirect URL that the waiting sign-in has sent, or "".
            from_page: whether to list only the errors that Slack shows on its page, until the user searches.
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
        self._initial_search = initial_search

    def compose(self) -> ComposeResult:
        title = "What does the browser say?" if self._from_page else "Errors explained"
        yield Header(title, self._app.endpoints if self._app else Endpoints(), self.slack_label)
        yield SearchBox("words that you see, or a code")
        with Container(id="errors"):
            yield OptionList(id="error_list")
            with VerticalScroll(id="error_detail"):
                yield Static(id="error_text")
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#search", Input).value = self._initial_search
        self.show_matches(self._initial_search)

    @on(Input.Changed, "#search")
    def filter_errors(self, event: Input.Changed) -> None:
        self.show_matches(event.value)

    @on(Input.Submitted, "#search")
    def focus_list(self) -> None:
        self.query_one(OptionList).focus()

    def show_matches(self, wanted: str) -> None:
        """List the errors that match ``wanted``."""
        codes = find_errors(wanted) if wanted.strip() else self._explanations
        matches = [self._explanations[code] for code in codes]
        if self._from_page and not wanted.strip():
            matches = [explanation for explanation in matches if explanation.browser_says]
        option_list = self.query_one(OptionList)
        option_list.clear_options()
        option_list.add_options(
            Option(_format_error(explanation, self._from_page), id=explanation.code) for explanation in matches
        )
        if matches:
            option_list.highlighted = 0
        else:
            words_of_page = "Nothing matches. Try a word or two of it; the code of an error has underscores: "
            self.query_one("#error_text", Static).update(Content(f"{words_of_page}bad_redirect_uri."))
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
        if (chosen := self.highlighted) is None:
            return
        redirects = redirect_uri_rows(chosen, self._sent, self._app.redirect_uris if self._app else ())
        keys = key_hints(*(action for action in chosen.actions if self.is_available(action)), screen=ERRORS)
        self.query_one("#error_text", Static).update(format_explanation(chosen, redirects, keys))
        self.query_one("#error_detail").scroll_home(animate=False)
        self.refresh_bindings()

    def is_available(self, action_id: str) -> bool:
        # Only remedies that the explanation names. Signing in again also requires a known app.
        if action_id in {"again", "other_pair"} and self._app is None:
            return False
        if action_id in _SIGN_IN_ACTIONS | {"copy_redirect", "open_settings"}:
            return (chosen := self.highlighted) is not None and action_id in chosen.actions
        return action_id != "paste" and super().is_available(action_id)

    def action_again(self) -> None:
        self.close("again")

    def action_other_pair(self) -> None:
        self.close("other_pair")

    def action_change_app(self) -> None:
        self.close("change_app")

    def action_copy_redirect(self) -> None:
        self.copy_redirect_uri(self._app, self._sent)

    @background("settings")
    async def action_open_settings(self) -> None:
        app = self._app or SlackApp("")
        await self.open_page(app.endpoints.apps_url, app.browser)


def _format_error(explanation: Explanation, from_page: bool) -> Content:
    if from_page and explanation.browser_says:
        return Content.assemble(explanation.browser_says, ("\n  " + explanation.title, MUTED))
    return Content.assemble(explanation.title, (f"\n  {explanation.code}", MUTED))
