"""Screen to choose user scopes from a searchable list that marks sensitive and new scopes."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from slack_token_tui.slack.limits import MAX_SCOPES
from slack_token_tui.slack.scope_catalog import (
    TOPICS,
    Group,
    Scope,
    bot_scopes,
    find_scope,
    unavailable_reasons,
    user_scopes,
)
from slack_token_tui.slack.scopes import PRESETS, parse_scopes
from slack_token_tui.store.profile import Profile
from slack_token_tui.tui.actions import SCOPES, bindings
from slack_token_tui.tui.background import background
from slack_token_tui.tui.screens.dialogs import ConfirmDialog
from slack_token_tui.tui.screens.search_base import SearchScreen
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.footer import Footer
from slack_token_tui.tui.widgets.header import Header
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.search_box import SearchBox
from slack_token_tui.tui.widgets.sign_in_form import describe_scope_change


class ScopePickerScreen(SearchScreen[tuple[str, ...] | None]):
    """Screen that returns the chosen scopes, or None to leave them unchanged."""

    screen_id = SCOPES
    AUTO_FOCUS = "#scope_list"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(SCOPES)]

    def __init__(self, chosen: tuple[str, ...], app_scopes: tuple[str, ...], existing_profile: Profile | None) -> None:
        """
        Args:
            chosen: initial scopes.
            app_scopes: scopes registered with the app. Empty if unknown. Empty if unknown.
            existing_profile: the profile that is signed in again, or None.
        """
        super().__init__()
        self._before = chosen
        self._chosen = dict.fromkeys(chosen)
        self._app_scopes = app_scopes
        self._existing_profile = existing_profile
        self._shows_only_chosen = False

    def compose(self) -> ComposeResult:
        yield Header("Choose scopes", None, f"for {self._existing_profile.name}" if self._existing_profile else "")
        yield SearchBox("words, as in “direct messages”, or a scope that is not in the list")
        with Horizontal(id="presets"):
            for number, preset in enumerate(PRESETS, 1):
                button = Button(Content(f"{preset.label} ({number})"), id=f"preset_{number}", compact=True)
                button.tooltip = Content(preset.purpose)
                yield button
            yield Button("All of app (4)", id="preset_4", compact=True, disabled=not self._app_scopes)
            yield Button("None (0)", id="preset_0", compact=True)
        with Container(id="scope_columns"):
            yield OptionList(id="scope_list")
            with VerticalScroll(id="scope_detail"):
                yield Static(id="scope_text")
                yield Static(id="chosen_text")
        with Horizontal(id="done_row"):
            yield Button("", id="done", variant="primary", compact=True)
            yield Static("Type to find; ↓ into the list; Space chooses")
        yield Footer()

    def on_mount(self) -> None:
        self._show_list()
        self._show_chosen()

    # ── scope list ──

    @on(Input.Changed, "#search")
    def filter_scopes(self) -> None:
        self._show_list()

    @on(Input.Submitted, "#search")
    def submit_search(self, event: Input.Submitted) -> None:
        """Choose the scope whose full name was typed, listed or not. Otherwise move to the list."""
        listed = self.query_one(OptionList)
        try:
            typed = parse_scopes(event.value)
        except ValueError:
            typed = ()
        if typed and all(find_scope(name).group is not Group.UNLISTED for name in typed):
            self._add_scopes(*typed)
            event.input.value = ""
        elif listed.option_count:
            listed.focus()  # an unfinished name: the list shows what it matches
        elif typed:
            self._add_scopes(*typed)
            event.input.value = ""

    def on_key(self, event: events.Key) -> None:
        # Typing in the list goes to the search field.
        search = self.query_one("#search", Input)
        if self.focused is not search and event.character and (event.character.isalpha() or event.character in ":._"):
            search.focus()
            search.insert_text_at_cursor(event.character)
            event.stop()

    def _show_list(self) -> None:
        words = self.query_one("#search", Input).value.lower().split()
        option_list = self.query_one(OptionList)
        previous = self._highlighted
        typed = [find_scope(name) for name in self._chosen if find_scope(name).group is Group.UNLISTED]
        # Bot scopes are hidden until the user searches: many search for one that they have read about.
        for_bots = [scope for scope in bot_scopes() if words or scope.name in self._chosen]
        options: list[Option] = []
        topic = ""
        for scope in (*typed, *user_scopes(), *for_bots):
            title = TOPICS.get(scope.topic, "Not in the list")
            if (self._shows_only_chosen and scope.name not in self._chosen) or not _matches(scope, title, words):
                continue
            if scope.topic != topic:
                topic = scope.topic
                options.append(Option(Content.styled(title, f"bold {MUTED}"), disabled=True))
            options.append(Option(self._format_scope(scope), id=scope.name))
        option_list.clear_options()
        option_list.add_options(options)
        if options:
            names = [option.id for option in options]
            option_list.highlighted = names.index(previous.name) if previous and previous.name in names else 1
        self._show_description()

    def _format_scope(self, scope: Scope) -> Content:
        if scope.unavailable_reason and scope.name not in self._chosen:
            mark: Content = Content.styled("–", MUTED)
        else:
            mark = Content.styled("✓", "bold $text-success") if scope.name in self._chosen else Content(" ")
        sensitive = Content.styled("!", "$text-warning") if scope.is_sensitive else Content(" ")
        is_new = (
            self._existing_profile is not None
            and scope.name in self._chosen
            and scope.name not in self._existing_profile.scopes
        )
        new = Content.styled(" new", "$text-accent") if is_new else Content("")
        return Content.assemble(
            "[", mark, "] ", sensitive, " ", (scope.name, "bold"), new, (f"  {scope.description}", MUTED)
        )

    @property
    def _highlighted(self) -> Scope | None:
        listed = self.query_one(OptionList)
        if listed.highlighted is None or listed.highlighted >= listed.option_count:
            return None
        name = listed.get_option_at_index(listed.highlighted).id
        return find_scope(name) if name else None

    @on(OptionList.OptionHighlighted)
    def show_highlighted(self) -> None:
        self._show_description()

    def _show_description(self) -> None:
        scope = self._highlighted
        if scope is None:
            text = Content("Nothing matches. A scope that is not in the list is taken as you type it: Enter.")
        else:
            lines: list[Content] = [Content.styled(scope.name, "bold"), Content(f"{scope.description}.")]
            if scope.is_sensitive:
                words = "! Sensitive: it shows private content or e-mail, acts as you, or changes things."
                lines.append(Content.styled(words, "$text-warning"))
            if scope.note:
                lines.append(Content.styled(f"{scope.note[0].upper()}{scope.note[1:]}.", MUTED))
            if scope.unavailable_reason:
                lines.append(Content.styled(f"✗ {scope.unavailable_reason}.", "$text-error"))
            if self._existing_profile is not None and scope.name in self._existing_profile.scopes:
                lines.append(Content.styled(f"{self._existing_profile.name} has it already.", MUTED))
            if self._app_scopes and scope.name not in self._app_scopes and not scope.unavailable_reason:
                words = "The app is not known to have it: add it there first, under User Token Scopes."
                lines.append(Content.styled(words, MUTED))
            text = Content("\n").join(lines)
        self.query_one("#scope_text", Static).update(text)
        self.refresh_bindings()

    # ── chosen scopes ──

    @on(OptionList.OptionSelected)
    def choose_highlighted(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        """Choose the highlighted scope, or undo the choice."""
        scope = self._highlighted
        if scope is None:
            return
        if scope.name in self._chosen:
            del self._chosen[scope.name]
        elif scope.unavailable_reason:
            return  # the reason is shown next to the list
        else:
            self._chosen[scope.name] = None
        self.query_one(OptionList).replace_option_prompt(scope.name, self._format_scope(scope))
        self._show_chosen()

    def _add_scopes(self, *names: str) -> None:
        refused = [scope.unavailable_reason for scope in map(find_scope, names) if scope.unavailable_reason]
        if refused:
            self.notify(". ".join(refused) + ".", severity="warning")
        self._chosen |= dict.fromkeys(name for name in names if not find_scope(name).unavailable_reason)
        self._show_list()
        self._show_chosen()

    def _show_chosen(self) -> None:
        names = tuple(self._chosen)
        sensitive = sum(find_scope(name).is_sensitive for name in names)
        head = f"{len(names)} chosen" + (f", {sensitive} of them sensitive" if sensitive else "")
        lines = [
            Content.styled(f"\n{head}", "bold"),
            Content(", ".join(names) or "Slack gives no token without a scope."),
        ]
        lines += [Content.styled(f"✗ {reason}", "$text-error") for reason in unavailable_reasons(names)]
        if len(names) > MAX_SCOPES:
            lines.append(Content.styled(f"✗ Slack takes {MAX_SCOPES} at most.", "$text-error"))
        if self._existing_profile is not None:
            lines.append(describe_scope_change(names, self._existing_profile))
        self.query_one("#chosen_text", Static).update(Content("\n").join(lines))
        done = self.query_one("#done", Button)
        done.label = Content(f"Use these {len(names)} (F2)" if names else "Choose at least one")
        done.disabled = not self._is_valid

    @property
    def _is_valid(self) -> bool:
        names = tuple(self._chosen)
        return 0 < len(names) <= MAX_SCOPES and not unavailable_reasons(names)

    @on(Button.Pressed)
    async def handle_button(self, event: Button.Pressed) -> None:
        await self.run_action(str(event.button.id))

    def is_available(self, action_id: str) -> bool:
        if action_id == "done":
            return self._is_valid
        if action_id == "preset_4":
            return bool(self._app_scopes)
        if action_id == "choose":
            return self._highlighted is not None
        return super().is_available(action_id)

    def action_preset_1(self) -> None:
        self._choose_exactly(PRESETS[0].scopes)

    def action_preset_2(self) -> None:
        self._choose_exactly(PRESETS[1].scopes)

    def action_preset_3(self) -> None:
        self._choose_exactly(PRESETS[2].scopes)

    def action_preset_4(self) -> None:
        self._choose_exactly(self._app_scopes)

    def action_preset_0(self) -> None:
        self._choose_exactly(())

    def _choose_exactly(self, names: tuple[str, ...]) -> None:
        if removed := [name for name in self._chosen if name not in names]:
            self.notify(f"No longer chosen: {', '.join(removed)}.")
        self._chosen = dict.fromkeys(names)
        self._show_list()
        self._show_chosen()

    def action_chosen_only(self) -> None:
        self._shows_only_chosen = not self._shows_only_chosen
        self._show_list()

    def action_done(self) -> None:
        if self._is_valid:
            self.close(tuple(self._chosen))

    def action_leave(self) -> None:
        self._leave()

    @background("question")
    async def _leave(self) -> None:
        if set(self._chosen) != set(self._before):
            chosen = ", ".join(self._chosen) or "nothing"
            question = Content.assemble(
                ("Leave without using what you have chosen?\n\n", "bold"), f"{chosen}\n\nF2 uses it."
            )
            if not await self.app.push_screen_wait(ConfirmDialog(question, "Leave", "Stay")):
                return
        self.close(None)


def _matches(scope: Scope, title: str, words: list[str]) -> bool:
    text = f"{scope.name} {scope.description} {title} {'sensitive' if scope.is_sensitive else ''}".lower()
    return all(word in text for word in words)
