"""Home screen: its widgets, its clock, its keys, and the way to the other screens."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import OptionList, Static

from slack_token_tui.problems import Explanation, Problem, explain
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.settings import read_settings
from slack_token_tui.tui import first_frame
from slack_token_tui.tui.actions import HOME, bindings, find_action
from slack_token_tui.tui.background import background
from slack_token_tui.tui.profiles_model import ORDER_LABELS, ORDERS, Entry, ProfilesModel, version_of
from slack_token_tui.tui.screens.base import AppScreen
from slack_token_tui.tui.widgets.header import Header
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.paste_box import PasteInput
from slack_token_tui.tui.widgets.profile_detail import ProfileDetail
from slack_token_tui.tui.widgets.profile_list import ProfileList

if TYPE_CHECKING:
    from slack_token_tui.desktop.clipboard import Copied, NotCopied
    from slack_token_tui.secret import Secret
    from slack_token_tui.store.apps import SlackApp
    from slack_token_tui.tui.auto_refresh import RefreshScheduler
    from slack_token_tui.tui.screens.home_commands import HomeCommands, Severity

_TICK_SECONDS = 1.0
_NOTICE_SECONDS = 10.0
PRACTICE_NOTE = "Practice mode: nothing here is real"
Command = Callable[[], Awaitable[None]]
FIRST_FRAME_ACTIONS = frozenset({"quit", "help", "sign_in", "make_app", "first_sign_in"})
"""Actions that work before the screen is complete."""
PROFILE_ACTIONS = (
    "copy",
    "copy_as",
    "verify",
    "refresh",
    "sign_in_again",
    "replace_leaked",
    "rename",
    "make_default",
    "reveal",
    "move_tokens",
)
"""Actions on a readable profile, in the order of the menu."""
BATCH_ACTIONS = frozenset({"verify_all", "refresh_all"})
"""Actions on all readable profiles that are shown."""
LIST_ACTIONS = frozenset({"filter", "sort"})
"""Actions on a list that is not empty."""


class HomeScreen(AppScreen[None]):
    """The saved profiles.

    Attributes:
        model: the profiles and what is known about them.
        is_complete: whether everything that the first frame leaves out is there.
    """

    screen_id = HOME
    AUTO_FOCUS = "#profiles"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(HOME),
        Binding("escape", "close_filter", "show all", key_display="Esc"),
        Binding("escape", "step_back", show=False),
    ]

    model: ProfilesModel
    is_complete = False
    _scheduler: RefreshScheduler
    _commands: HomeCommands

    def __init__(self) -> None:
        super().__init__()
        self._filter: Input | None = None
        self._notice_profile: str | None = None
        self._last_explanation: Explanation | None = None
        self._shown_problem: Problem | None = None
        """A problem with the directory or the settings."""
        self._welcome_problem: Problem | None = None
        self._shown_network_problem: Problem | None = None
        self._notice_timer: Timer | None = None
        self._has_examples = False

    # ── layout ──

    def compose(self) -> ComposeResult:
        options = self.token_app.options
        self.model = ProfilesModel(self.token_app.store, options.now, self._show_change)
        yield Header("slack-token-tui")
        with Container(id="home"):
            with Vertical(id="left"):
                yield ProfileList(self.model)
            yield ProfileDetail()
        yield Container(id="welcome")
        yield Static(id="notice")
        yield from first_frame.compose_footer_placeholder()

    def on_mount(self) -> None:
        order = read_settings(self.token_app.store.home).get("order")
        self.model.order = order if order in ORDERS else ORDERS[0]
        self.model.load(only_first=first_frame.FIRST_PROFILES if self.model.order == ORDERS[0] else None)
        self._show_model()
        self.set_interval(_TICK_SECONDS, self._tick)
        self.call_after_refresh(self._complete)

    async def on_unmount(self) -> None:
        if self.is_complete:
            await self._scheduler.close()

    async def _complete(self) -> None:
        """Add what the first frame has left out."""
        from slack_token_tui.tui.auto_refresh import RefreshScheduler
        from slack_token_tui.tui.screens.home_commands import HomeCommands

        self._scheduler = RefreshScheduler(self.model)
        self._commands = HomeCommands(self.model, self._scheduler, self, self.token_app.options)
        if self.is_attached:
            await self.query_one(ProfileDetail).mount_fields()
        await first_frame.mount_footer(self)
        if self.is_attached:
            self.is_complete = True
            if self.model.is_partial:
                self.model.load()
            self._show_model()

    # ── the model, as widgets ──

    @property
    def _list(self) -> ProfileList:
        return self.query_one(ProfileList)

    @property
    def highlighted(self) -> Entry | None:
        """The highlighted entry, or None."""
        return self._list.highlighted_entry

    @property
    def _profile(self) -> Profile | None:
        """The highlighted profile, if its file can be read."""
        entry = self.highlighted
        return entry if isinstance(entry, Profile) else None

    def reload(self, highlight: str | None = None) -> None:
        """Read the profiles again. The cursor stays on its profile, or moves to ``highlight``."""
        self.model.load()
        self._show_model(highlight)

    def _show_model(self, highlight: str | None = None) -> None:
        self._list.rebuild(highlight)
        has_profiles = bool(self.model.entries)
        self.query_one("#home").display = has_profiles
        welcome = self.query_one("#welcome")
        welcome.display = not has_profiles
        problem = self.model.directory_problem or self.model.settings_problem
        if has_profiles and self.is_complete and problem != self._shown_problem:
            self._shown_problem = problem
            if problem is not None:
                self.show_problem(problem)
        if not has_profiles and (not welcome.children or problem != self._welcome_problem):
            self._show_welcome(welcome, problem)
        self._show_header_note()
        self.show_detail()
        if has_profiles and self.is_current and self.focused is None:
            self._list.focus()
        self.refresh_bindings()

    def _show_header_note(self) -> None:
        count = len(self.model.entries)
        profiles = "1 profile" if count == 1 else f"{count} profiles"
        if self.model.filter_text:
            profiles = f"{len(self.model.shown())} of {profiles}"
        if self.model.order != ORDERS[0]:
            profiles += f", by {ORDER_LABELS[self.model.order]}"
        if self.token_app.options.is_demo:
            self.query_one(Header).show_note(PRACTICE_NOTE)
        elif not self.model.is_partial:
            self.query_one(Header).show_note(profiles if count else "")

    def _show_welcome(self, welcome: Widget, problem: Problem | None) -> None:
        from slack_token_tui.tui.widgets.welcome import Welcome  # not needed where there are profiles

        async def replace_card(card: Widget) -> None:
            await welcome.remove_children()
            await welcome.mount(card)

        self._welcome_problem = problem
        card = Welcome(None if problem is None else problem.explain())
        if welcome.children:
            self.call_later(replace_card, card)
        else:
            welcome.mount(card)

    def _show_change(self, name: str | None) -> None:
        """Show a change of the model. At the end of the app it may come when there is no screen any more."""
        if not self.is_running:
            return
        if name is None:
            self._show_model()
            return
        self._list.redraw(name)
        if self.highlighted is not None and self.highlighted.name == name:
            self.show_detail()
            self.refresh_bindings()

    def show_detail(self) -> None:
        """Show the highlighted profile. Only what has changed is drawn."""
        if not self.is_running:  # the app ends while a token is revealed
            return
        entry = self.highlighted
        detail = self.query_one(ProfileDetail)
        if entry is None and self.is_complete and self.model.entries:
            detail.show_nothing("No profile matches. Press Esc to show all.")
        if entry is not None and self.is_complete:
            revealed = self._commands.revealed
            token = revealed[1] if revealed is not None and revealed[0] == version_of(entry) else None
            path = self.token_app.store.path(entry.name)
            detail.show(entry, path, self.model.now(), self.model.explain(entry), token)

    @on(OptionList.OptionHighlighted, "#profiles")
    def show_highlighted(self) -> None:
        entry = self.highlighted
        if self.is_complete and (entry is None or entry.name != self._notice_profile):
            # The revealed token and the notice belong to the previous profile.
            self._notice_profile = None if entry is None else entry.name
            self._commands.revealed = None
            if self._commands.batch is None:
                self.show_notice("")
        self.show_detail()
        self.refresh_bindings()

    # ── the clock ──

    def on_screen_resume(self) -> None:
        # A sign-in may have changed the profiles.
        if self.is_complete and self.model.have_files_changed():
            self.reload()

    def _tick(self) -> None:
        """Reload what other programs have saved, show what time has changed, and refresh due tokens. Every second."""
        if not self.is_complete:
            return
        if self.is_current:
            # Not the other way around: a change that is seen while a request is in progress would be forgotten.
            if not self.model.busy and self.model.have_files_changed():
                self.reload()
            profile = self._profile
            if profile is not None and profile.expires_at is not None:
                self.show_detail()
        self._show_network_problem()
        if self.model.tick():
            self._list.redraw()
            self.refresh_bindings()
        highlighted = self.highlighted
        for name in self._scheduler.due_names(highlighted.name if highlighted else None):
            self._refresh_automatically(name)

    def _show_network_problem(self) -> None:
        """Say once that Slack can't be reached. The profiles are not marked."""
        problem, shown = self.model.network_problem, self._shown_network_problem
        if problem is None:
            self._shown_network_problem = None
            if shown is not None and self._last_explanation == shown.explain():
                self.show_notice("")  # Slack can be reached again
        elif not (self._commands.pending or self._commands.batch) and (shown is None or shown.code != problem.code):
            self._shown_network_problem = problem
            self.show_problem(problem)

    @background("refresh", exclusive=False)
    async def _refresh_automatically(self, name: str) -> None:
        await self._scheduler.refresh_automatically(name)

    # ── what the commands need (HomeHost) ──

    def show_notice(self, text: str, severity: Severity = "information") -> None:
        """Show ``text`` above the footer, and take it to be about the highlighted profile."""
        self._last_explanation = None
        if text:
            self._notice_profile = self.highlighted.name if self.highlighted else None
        notice = self.query_one("#notice", Static)
        notice.update(Content(escape_unprintable(text)))
        notice.set_classes(f"-shown -{severity}" if text else "")
        if self._notice_timer is not None:
            self._notice_timer.stop()
        # It covers the last rows of the panes. An error stays until something else happens, and so does progress.
        is_lasting = severity in ("warning", "error") or self._commands_are_running
        self._notice_timer = None if is_lasting or not text else self.set_timer(_NOTICE_SECONDS, self._hide_notice)

    def _hide_notice(self) -> None:
        self.show_notice("")

    @property
    def _commands_are_running(self) -> bool:
        return self.is_complete and bool(self._commands.pending or self._commands.batch)

    def show_problem(self, problem: Problem) -> None:
        """Show a problem in the notice. F1 tells more."""
        explanation = problem.explain()
        self.show_notice(f"{explanation.summary} Press F1 for details.", "error")
        self._last_explanation = explanation
        self.refresh_bindings()

    async def ask(self, dialog: Screen[Any]) -> Any:
        """Open ``dialog`` and return its answer, or None if a key was repeated and another dialog is open."""
        if not self.is_current:
            return None
        return await self.app.push_screen_wait(dialog)

    async def change_settings(self, **changes: str | None) -> None:
        """Save settings in the order of the calls."""
        await self.token_app.change_settings(**changes)

    async def copy(self, text: Secret, name: str | None) -> Copied | NotCopied:
        """Copy ``text``. A token is cleared later; ``name`` is that of its profile."""
        if name is None:
            return await self.token_app.copy_text(text.reveal())
        return await self.token_app.copy_secret(text, name)

    # ── the next step, and pastes ──

    def action_open_menu(self) -> None:
        """Show what can be done with the highlighted profile."""
        if self.highlighted is not None:
            self._open_menu()

    @background("menu")
    async def _open_menu(self) -> None:
        from slack_token_tui.tui.screens.dialogs import Choice, MenuDialog

        entry = self.highlighted
        assert entry is not None, "the list has the focus"
        ids = [action_id for action_id in (*PROFILE_ACTIONS, "remove") if self.is_available(action_id)]
        actions = [action for action_id in ids if (action := find_action(action_id, HOME)) is not None]
        choices = [Choice(action.id, action.key_label, action.title) for action in actions]
        title = Content.styled(entry.name, "bold")
        chosen = await self.ask(MenuDialog(title, choices))
        if chosen is None:
            return
        if self.highlighted is None or _identity(self.highlighted) != _identity(entry):
            self.show_notice(f"Another program removed or renamed {entry.name}.", "warning")
            return
        await self.run_action(chosen)

    def on_paste(self, event: events.Paste) -> None:
        """Begin what the pasted text is for: a Client ID signs in, a token is imported, anything else is looked up."""
        from slack_token_tui.slack.client_id import PastedKind, recognize
        from slack_token_tui.slack.token_types import find_tokens

        event.stop()
        text = event.text.strip()
        if not self.is_complete or not text:
            return
        pasted = recognize(text)
        if re.search(r"[?&](code|error)=", text):
            self.show_problem(Problem("pasted_without_sign_in"))
        elif pasted.client_id is not None:
            from slack_token_tui.store.apps import SlackApp, read_app

            home, client_id = self.token_app.store.home, pasted.client_id
            self._open_sign_in(app=read_app(home, client_id) or SlackApp(client_id, self.token_app.options.endpoints))
        elif pasted.kind is PastedKind.TOKEN:
            self._edit(partial(self._commands.import_token, find_tokens(text)))
        elif pasted.kind.is_secret:
            self.show_notice(pasted.message, "warning")
        elif len(text.split()) > 1:
            self._look_up(" ".join(text.split()))
        else:
            self.show_notice(pasted.message, "warning")

    # ── commands ──

    @background("copy", exclusive=False)
    async def _copy(self, command: Command) -> None:
        await self._report_once(command)

    @background("reveal")
    async def _reveal(self, command: Command) -> None:
        await self._report_once(command)

    @background("request", exclusive=False)
    async def _request(self, command: Command) -> None:
        await self._report_once(command)

    @background("batch", exclusive=False)
    async def _batch(self, command: Command) -> None:
        await self._report_once(command)
        self._list.rebuild()

    async def _report_once(self, command: Command) -> None:
        """Run ``command``. If its notice has said why Slack can't be reached, the clock doesn't say it again."""
        before = self.model.network_problem
        await command()
        if self.model.network_problem is not before:
            self._shown_network_problem = self.model.network_problem

    @background("profile_edit", exclusive=False)
    async def _edit(self, command: Command) -> None:
        await command()

    def action_copy(self) -> None:
        if (profile := self._profile) is not None:
            self._copy(partial(self._commands.copy, profile))

    def action_copy_as(self) -> None:
        if (profile := self._profile) is not None:
            self._copy(partial(self._commands.copy_as, profile))

    def action_reveal(self) -> None:
        """Show the token in plain text for ten seconds, or hide it again."""
        if self._commands.revealed is not None:
            self._commands.hide()
        elif (profile := self._profile) is not None:
            self._reveal(partial(self._commands.reveal, profile))

    def action_verify(self) -> None:
        if (profile := self._profile) is not None:
            self._request(partial(self._commands.verify, profile.name))

    def action_refresh(self) -> None:
        if (profile := self._profile) is not None:
            self._request(partial(self._commands.refresh, profile))

    def action_verify_all(self) -> None:
        self._batch(self._commands.verify_all)

    def action_refresh_all(self) -> None:
        self._batch(self._commands.refresh_all)

    def action_make_default(self) -> None:
        if (profile := self._profile) is not None:
            self._edit(partial(self._commands.make_default, profile.name))

    def action_rename(self) -> None:
        if (profile := self._profile) is not None:
            self._edit(partial(self._commands.rename, profile))

    def action_move_tokens(self) -> None:
        if (profile := self._profile) is not None:
            self._edit(partial(self._commands.move_tokens, profile))

    def action_remove(self) -> None:
        if (entry := self.highlighted) is not None:
            self._edit(partial(self._commands.remove, entry))

    @background("replace_leaked")
    async def action_replace_leaked(self) -> None:
        profile = self._profile
        if profile is None or not await self._commands.replace_leaked(profile):
            return
        if self.is_current:
            self._open_sign_in(profile)
        else:  # the user has opened another screen meanwhile
            self.token_app.notify(f"Revoked the tokens of {profile.name}. Sign in again to get new ones.")

    def action_import_token(self) -> None:
        self._edit(self._commands.import_token)

    def refocus(self) -> None:
        if self.model.entries:
            self._list.focus()

    def cancel_running(self) -> bool:
        """Cancel the requests or the batch that the user is waiting for. Return whether there was one."""
        if not self.is_complete:
            return False
        pending, batch = self._commands.pending, self._commands.batch
        if pending:
            names = ", ".join(dict.fromkeys(pending))
            self.show_notice(f"Stopped waiting for {names}. Slack's response is still saved.")
            for group in ("request", "copy", "reveal"):
                self.workers.cancel_group(self, group)
        elif batch is not None:
            self.show_notice(f"{batch} stopped. The results so far are saved.")
            self.workers.cancel_group(self, "batch")
        return bool(pending or batch)

    # ── which keys work ──

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "close_filter":
            return self._filter is not None and bool(self._filter.display)
        return super().check_action(action, parameters)

    def is_available(self, action_id: str) -> bool:
        if not self.is_complete:
            return action_id in FIRST_FRAME_ACTIONS and (action_id != "first_sign_in" or not self.model.entries)
        if action_id == "explain":
            return self._current_explanation is not None or self._profile is not None
        entry = self.highlighted
        if action_id == "move_tokens" and self.token_app.options.is_demo:
            return False  # practice data is deleted on exit, but not from a keyring
        if action_id in PROFILE_ACTIONS:
            return isinstance(entry, Profile) and (action_id != "refresh" or entry.has_refresh_token)
        if action_id in BATCH_ACTIONS:
            return bool(self.model.shown_profiles())
        if action_id in LIST_ACTIONS:
            return bool(self.model.entries)
        if action_id == "first_sign_in":
            return not self.model.entries
        if action_id in {"remove", "open_menu"}:
            return entry is not None
        return True

    @property
    def _current_explanation(self) -> Explanation | None:
        """What F1 explains: the last error shown, or the problem of the highlighted profile."""
        entry = self.highlighted
        return self._last_explanation or (None if entry is None else self.model.explain(entry))

    # ── the list ──

    def action_filter(self) -> None:
        from slack_token_tui.slack.client_id import PastedKind, recognize

        def accepts(text: str) -> bool:
            # A token is imported, and not shown in a field.
            return recognize(text).kind not in {PastedKind.TOKEN, PastedKind.SECRET}

        if self._filter is None:
            hint = "Name, person, workspace or status"
            self._filter = PasteInput(joined_by=" ", placeholder=hint, accepts=accepts, id="filter")
            self.query_one("#left").mount(self._filter, before=0)
        self._filter.display = True
        self._filter.focus()

    @on(Input.Changed, "#filter")
    def apply_filter(self, event: Input.Changed) -> None:
        self.model.filter_text = event.value
        self._list.rebuild()
        self._show_header_note()
        self.show_detail()

    @on(Input.Submitted, "#filter")
    def focus_list(self) -> None:
        """Focus the list and leave the filter on."""
        self._list.focus()

    def action_close_filter(self) -> None:
        """Show all profiles."""
        if self._filter is not None:
            self.model.filter_text = self._filter.value = ""
            self._filter.display = False
            self._list.rebuild()
            self._list.focus()

    def action_step_back(self) -> None:
        """Cancel what is running, or clear what is shown."""
        self.refocus()
        if not self.cancel_running() and self.is_complete:
            self.show_notice("")
            self._commands.hide()

    def action_sort(self) -> None:
        self.model.order = self.model.next_order()
        self._list.rebuild()
        self._show_header_note()
        self._save_order(self.model.order)

    @background("settings", exclusive=False)
    async def _save_order(self, order: str) -> None:
        await self.token_app.change_settings(order=order)

    def action_reload(self) -> None:
        self.reload()

    # ── other screens ──

    def action_first_sign_in(self) -> None:
        self._open_sign_in()

    def action_sign_in(self) -> None:
        self._open_sign_in()

    def action_sign_in_again(self) -> None:
        if (profile := self._profile) is not None:
            self._open_sign_in(profile)

    def _open_sign_in(self, previous: Profile | None = None, app: SlackApp | None = None) -> None:
        from slack_token_tui.tui.screens.sign_in import SignInScreen

        self.app.push_screen(SignInScreen(previous, app), self._highlight_saved)

    def _highlight_saved(self, name: str | None) -> None:
        """Highlight the new profile, because the next action is probably about it."""
        if name is not None:
            self.show_notice("")
            if self.model.filter_text:
                self.action_close_filter()
            self.reload(highlight=name)
            self._add_examples(name)

    @background("examples")
    async def _add_examples(self, name: str) -> None:
        """Add the example profiles of practice mode, after its first sign-in."""
        practice = self.token_app.options.practice
        if practice is not None and not self._has_examples:
            self._has_examples = True
            await practice.add_examples()
            self.reload(highlight=name)
            self.show_notice("Added two example profiles. One of them refreshes in a few seconds.")

    @background("navigation")
    async def action_make_app(self) -> None:
        from slack_token_tui.tui.screens.app_setup import AppSetupScreen

        setup = AppSetupScreen(self.token_app.options.endpoints, ())
        if (app := await self.app.push_screen_wait(setup)) is not None:
            self._open_sign_in(app=app)

    @background("navigation")
    async def action_apps(self) -> None:
        from slack_token_tui.tui.screens.apps import AppsScreen

        if (app := await self.app.push_screen_wait(AppsScreen())) is not None:
            self._open_sign_in(app=app)

    def action_errors(self) -> None:
        self._look_up("")

    @background("navigation")
    async def _look_up(self, text: str) -> None:
        """Look up an error. Its remedies start a sign-in."""
        from slack_token_tui.store.apps import last_used_app
        from slack_token_tui.tui.screens.errors import ErrorsScreen

        app = last_used_app(self.token_app.store.home) or self.token_app.options.slack_app
        facts = {} if app is None else {"client_id": app.client_id, "app_settings": app.endpoints.apps_url}
        errors = ErrorsScreen(lambda code: explain(code, facts), app, "", from_page=False, initial_search=text)
        chosen = await self.app.push_screen_wait(errors)
        if chosen == "other_pair" and app is not None:
            app = replace(app, endpoints=Endpoints(app.endpoints.base, app.endpoints.variant.alternative))
        if chosen is not None:
            self._open_sign_in(app=app)

    def action_doctor(self) -> None:
        from slack_token_tui.tui.screens.doctor import DoctorScreen

        self.app.push_screen(DoctorScreen())

    def action_explain(self) -> None:
        """Show everything about the last error and the highlighted profile."""
        from slack_token_tui.tui.screens.dialogs import TextDialog, format_explanation
        from slack_token_tui.tui.widgets.profile_detail import format_profile

        parts = []
        if (explanation := self._current_explanation) is not None:
            parts.append(format_explanation(explanation))
        if (profile := self._profile) is not None:
            parts.append(format_profile(profile, self.token_app.store.path(profile.name), self.model.now()))
        if parts:
            self.app.push_screen(TextDialog(Content("\n\n").join(parts)))

    async def action_quit(self) -> None:
        await self.app.action_quit()


def _identity(entry: Entry) -> str:
    """Return what stays the same while an entry is renamed or refreshed."""
    return entry.id if isinstance(entry, Profile) else entry.name
