"""Screen to choose user scopes: one searchable list, the scopes that can be requested first."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from slack_token_tui.slack.limits import MAX_SCOPES
from slack_token_tui.slack.scope_catalog import (
    TOPICS,
    Group,
    Scope,
    Sensitivity,
    bot_scopes,
    find_scope,
    request_warnings,
    unavailable_reasons,
    user_scopes,
)
from slack_token_tui.slack.scopes import PRESETS, parse_scopes
from slack_token_tui.store.profile import Profile
from slack_token_tui.tui.actions import SCOPES, bindings, find_action
from slack_token_tui.tui.screens.base import AppScreen
from slack_token_tui.tui.widgets.cursor_list import CursorList
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.footer import Footer
from slack_token_tui.tui.widgets.header import Header
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.keys import button
from slack_token_tui.tui.widgets.search_box import SearchBox
from slack_token_tui.tui.widgets.sign_in_form import describe_scope_change

_NAME_WIDTH = 22
_TAG_WIDTH = 9
_TAGS = {Sensitivity.READS_PRIVATE: "private", Sensitivity.ACTS_AS_YOU: "as you", Sensitivity.ADMINISTERS: "admin"}
"""Short forms of the sensitivity. The line below the list has the sentence."""
_UNAVAILABLE = "Can't be requested"


class ScopePickerScreen(AppScreen[tuple[str, ...] | None]):
    """Screen that returns the chosen scopes, or None to leave them unchanged."""

    screen_id = SCOPES
    AUTO_FOCUS = "#scope_list"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(SCOPES),
        Binding("escape", "leave", show=False),
    ]

    def __init__(self, chosen: tuple[str, ...], app_scopes: tuple[str, ...], existing_profile: Profile | None) -> None:
        """
        Args:
            chosen: initial scopes.
            app_scopes: scopes registered with the app. Empty if unknown.
            existing_profile: the profile that is signed in again, or None.
        """
        super().__init__()
        self._before = chosen
        self._chosen = dict.fromkeys(chosen)
        self._app_scopes = app_scopes
        self._existing_profile = existing_profile
        self._is_leaving = False

    def compose(self) -> ComposeResult:
        yield Header("Choose scopes", None, f"for {self._existing_profile.name}" if self._existing_profile else "")
        with Container(id="picker"):
            yield Static(self._format_presets(), id="presets")
            yield SearchBox("Search scopes, or type one that isn't listed")
            yield CursorList(id="scope_list")
            yield Static(id="scope_text")
            yield Static(id="chosen_text")
        yield Footer()

    def on_mount(self) -> None:
        self._show_list()
        self._show_chosen()

    def _format_presets(self) -> Content:
        ids = ["preset_1", "preset_2", "preset_3", *(["preset_4"] if self._app_scopes else []), "preset_0"]
        found = [action for action_id in ids if (action := find_action(action_id, SCOPES))]
        return Content("  ").join(button(action.key_label, action.label, f"screen.{action.id}") for action in found)

    # ── scope list ──

    @on(Input.Changed, "#search")
    def filter_scopes(self) -> None:
        self._show_list()

    @on(Input.Submitted, "#search")
    def submit_search(self, event: Input.Submitted) -> None:
        """Select the typed scopes, or the first match."""
        try:
            typed = parse_scopes(event.value)
        except ValueError:
            typed = ()
        # "direct messages" and "files:rea" are searches. Unlisted scopes in a list of several have a colon.
        are_known = [find_scope(name).group is not Group.UNLISTED for name in typed]
        is_list = len(typed) > 1 and all(":" in name or known for name, known in zip(typed, are_known, strict=True))
        if typed and (is_list or are_known == [True] or (len(typed) == 1 and self._highlighted is None)):
            self._add_scopes(*typed)
        else:
            self.action_choose()
        event.input.value = ""
        self.query_one(OptionList).focus()

    def on_key(self, event: events.Key) -> None:
        search, listed = self.query_one("#search", Input), self.query_one(OptionList)
        if self.focused is search and event.key == "down" and listed.option_count:
            event.stop()
            listed.focus()
        elif self.focused is not search and event.character and (event.character.isalpha() or event.character in ":._"):
            # Typing in the list goes to the search field.
            event.stop()
            search.focus()
            search.insert_text_at_cursor(event.character)

    def on_paste(self, event: events.Paste) -> None:
        """Search for what was pasted into the list."""
        search = self.query_one(SearchBox)
        search.on_paste(event)
        search.focus()

    def _show_list(self) -> None:
        words = self.query_one("#search", Input).value.lower().split()
        option_list, previous = self.query_one(OptionList), self._highlighted
        typed = [find_scope(name) for name in self._chosen if find_scope(name).group is Group.UNLISTED]
        matches = [scope for scope in (*typed, *user_scopes(), *bot_scopes()) if _matches(scope, words)]
        usable = [scope for scope in matches if self._is_usable(scope)]
        others = [scope for scope in matches if not self._is_usable(scope)]
        options: list[Option] = []
        topic = ""
        for scope in usable:
            if scope.topic != topic:
                topic = scope.topic
                options.append(_heading(TOPICS.get(topic, "Not listed")))
            options.append(Option(self._format_scope(scope), id=scope.name))
        if others and not words:
            options.append(_heading(f"{len(others)} scopes can't be requested. Search to see them."))
        elif others:
            options.append(_heading(_UNAVAILABLE))
            options += [Option(self._format_scope(scope), id=scope.name) for scope in others]
        option_list.set_options(options)
        names = [option.id for option in options]
        if previous is not None and previous.name in names:
            option_list.highlighted = names.index(previous.name)
        else:
            option_list.highlighted = next((row for row, name in enumerate(names) if name), None)
        self._show_description()

    def _is_usable(self, scope: Scope) -> bool:
        return not scope.unavailable_reason or scope.name in self._chosen

    def _format_scope(self, scope: Scope) -> Content:
        mark = Content.styled("[✓]", "bold $text-success") if scope.name in self._chosen else Content("[ ]")
        if not self._is_usable(scope):
            return Content.styled(f"    {scope.name.ljust(_NAME_WIDTH)}{' ' * _TAG_WIDTH}{scope.description}", MUTED)
        is_new = self._existing_profile is not None and scope.name not in self._existing_profile.scopes
        new = (" new", "$text-primary") if is_new and scope.name in self._chosen else ""
        tag = _TAGS[scope.sensitivity] if scope.sensitivity else ""
        name = Content.assemble((scope.name, "bold"), new)
        padding = " " * max(1, _NAME_WIDTH - name.cell_length)
        return Content.assemble(mark, " ", name, padding, (tag.ljust(_TAG_WIDTH), "$text-warning"), scope.description)

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
        """Show what the row of the highlighted scope has no room for."""
        scope = self._highlighted
        if scope is None:
            text = Content("No match. Press Enter to add it anyway.")
        else:
            lines = [Content(scope.note)] if scope.note else []
            if scope.unavailable_reason:
                lines.append(Content.styled(scope.unavailable_reason, "$text-error"))
            elif scope.warning:
                lines.append(Content.styled(scope.warning, "$text-warning"))
            if self._existing_profile is not None and scope.name in self._existing_profile.scopes:
                lines.append(Content.styled(f"{self._existing_profile.name} already has it.", MUTED))
            if self._app_scopes and scope.name not in self._app_scopes and not scope.unavailable_reason:
                lines.append(Content.styled("The app may not have it. Add it under User Token Scopes first.", MUTED))
            text = Content("\n").join(lines)
        self.query_one("#scope_text", Static).update(text)
        self.refresh_bindings()

    # ── chosen scopes ──

    @on(OptionList.OptionSelected)
    def choose_clicked(self) -> None:
        """Select the clicked scope. Enter in the list applies, and doesn't get here."""
        self.action_choose()

    def action_choose(self) -> None:
        """Select the highlighted scope, or clear it."""
        scope = self._highlighted
        if scope is None:
            return
        if scope.name in self._chosen:
            del self._chosen[scope.name]
        elif scope.unavailable_reason:
            return  # the reason is shown below the list
        else:
            self._chosen[scope.name] = None
        self._is_leaving = False
        self.query_one(OptionList).replace_option_prompt(scope.name, self._format_scope(scope))
        self._show_chosen()

    def _add_scopes(self, *names: str) -> None:
        refused = [scope.unavailable_reason for scope in map(find_scope, names) if scope.unavailable_reason]
        if refused:
            self.notify(" ".join(refused), severity="warning")
        self._chosen |= dict.fromkeys(name for name in names if not find_scope(name).unavailable_reason)
        self._show_list()
        self._show_chosen()

    def _show_chosen(self) -> None:
        names = tuple(self._chosen)
        if self._is_leaving:
            words = "Discard your changes? Press F2 to apply them, or Esc again to discard."
            self.query_one("#chosen_text", Static).update(Content.styled(words, "$text-warning"))
            return
        kinds = dict.fromkeys(scope.sensitivity for scope in map(find_scope, names) if scope.sensitivity)
        head = f"{len(names)} selected" + (f": {', '.join(kinds)}" if kinds else "")
        lines: list[Content] = [Content.styled(head, "bold")] if names else [Content("Select at least one scope.")]
        if len(names) > MAX_SCOPES:
            lines.append(Content.styled(f"Slack accepts at most {MAX_SCOPES}.", "$text-error"))
        lines += [Content.styled(reason, "$text-error") for reason in unavailable_reasons(names)]
        lines += [Content.styled(warning, "$text-warning") for warning in request_warnings(names)]
        if self._existing_profile is not None:
            lines += describe_scope_change(names, self._existing_profile)
        self.query_one("#chosen_text", Static).update(Content("\n").join(lines))
        self.refresh_bindings()

    @property
    def _is_valid(self) -> bool:
        names = tuple(self._chosen)
        return 0 < len(names) <= MAX_SCOPES and not unavailable_reasons(names)

    def is_available(self, action_id: str) -> bool:
        if action_id == "apply":
            return self._is_valid
        if action_id == "preset_4":
            return bool(self._app_scopes)
        if action_id == "choose":
            return self._highlighted is not None
        return super().is_available(action_id)

    def action_search(self) -> None:
        self.query_one("#search").focus()

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
        self._is_leaving = False
        self._chosen = dict.fromkeys(names)
        self._show_list()
        self._show_chosen()

    def action_apply(self) -> None:
        if self._is_valid:
            self.close(tuple(self._chosen))

    def action_leave(self) -> None:
        """Leave the search first, then the screen. Changes are discarded by a second Esc."""
        search = self.query_one("#search", Input)
        if self.focused is search or search.value:
            search.value = ""
            self.query_one(OptionList).focus()
        elif self._is_leaving or set(self._chosen) == set(self._before):
            self.close(None)
        else:
            self._is_leaving = True
            self._show_chosen()


def _heading(text: str) -> Option:
    return Option(Content.styled(text, f"bold {MUTED}"), disabled=True)


def _matches(scope: Scope, words: list[str]) -> bool:
    tag = scope.sensitivity or ""
    text = f"{scope.name} {scope.description} {TOPICS.get(scope.topic, '')} {tag}".lower()
    return all(word in text for word in words)
