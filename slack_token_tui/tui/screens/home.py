"""Home screen: its widgets, clock, keys, and the navigation to the other screens."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import OptionList, Static

from slack_token_tui.problems import Problem, explain
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.settings import read_settings
from slack_token_tui.tui.actions import HOME, bindings
from slack_token_tui.tui.background import background
from slack_token_tui.tui.screens.home_commands import HomeCommands
from slack_token_tui.tui.widgets.header import Header
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.profile_detail import ProfileDetail
from slack_token_tui.tui.widgets.profile_list import ORDERS, ProfileList

if TYPE_CHECKING:
    from slack_token_tui.store.apps import SlackApp

_TICK_SECONDS = 1.0
_FIRST_FRAME_PROFILES = 60
"""More than any terminal shows at once."""
_PROFILE_ACTIONS = frozenset(
    {"copy", "copy_as", "sign_in_again", "reveal", "verify", "refresh", "rename", "make_default", "move_tokens"}
)
_LIST_ACTIONS = frozenset({"verify_all", "refresh_all", "filter", "sort"})


class HomeScreen(HomeCommands):
    """Home screen with the saved profiles."""

    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(HOME),
        Binding("j", "move(1)", show=False),
        Binding("k", "move(-1)", show=False),
        Binding("g", "move(-100000)", show=False),
        Binding("G", "move(100000)", show=False),
        Binding("escape", "step_back", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._filter: Input | None = None

    # ── layout and updates ──

    def compose(self) -> ComposeResult:
        # Only what the first frame needs. _mount_deferred_widgets() adds the rest.
        note = "demo, gone at the end" if self.token_app.options.is_demo else ""
        yield Header("slack-token-tui", None, note)
        with Container(id="home"):
            with Vertical(id="left"):
                yield ProfileList()
            yield ProfileDetail()
        yield Container(id="welcome")
        yield Static(id="notice")
        yield Static(id="footer_placeholder")

    async def _mount_deferred_widgets(self) -> None:
        """Mount the widgets that the first frame doesn't need.

        A signal may end the app at each await, and nothing can be mounted after that.
        """
        from slack_token_tui.tui.auto_refresh import RefreshScheduler
        from slack_token_tui.tui.widgets.footer import Footer

        self._scheduler = RefreshScheduler(self.token_app.store, self._update_entry, self.token_app.options.now)
        if self.is_attached:
            await self.query_one(ProfileDetail).mount_fields()
        if self.is_attached:
            await self.mount(Footer())
        if self.is_attached:
            await self.query_one("#footer_placeholder").remove()
        if self.is_attached:
            self._is_fully_mounted = True
            self.reload_if_partial()

    def on_mount(self) -> None:
        order = read_settings(self.token_app.store.home).get("order")
        self._list.order = order if order in ORDERS else ORDERS[0]
        self.reload(only_first=_FIRST_FRAME_PROFILES if self._list.order == ORDERS[0] else None)
        self.set_interval(_TICK_SECONDS, self._tick)
        self.call_after_refresh(self._mount_deferred_widgets)

    def on_screen_resume(self) -> None:
        # A sign-in may have changed the profiles.
        if self._is_fully_mounted and self._have_files_changed():
            self.reload()

    def _tick(self) -> None:
        """Update the clocks, reload what other programs have saved, and refresh due tokens. Runs every second."""
        if not self._is_fully_mounted:
            return
        now = self.token_app.options.now()
        if self.is_current:
            # Not the other way around: a change that is seen while a request is in progress would be forgotten.
            if not self._scheduler.busy and self._have_files_changed():
                self.reload()
            self._list.update_clock(now)
            if isinstance(entry := self.highlighted, Profile) and entry.expires_at:
                self._show_detail()
        first = self.highlighted.name if self.highlighted else None
        for name in self._scheduler.due_names(self._list.entries, now, first):
            self._refresh_automatically(name)

    @background("refresh", exclusive=False)
    async def _refresh_automatically(self, name: str) -> None:
        with suppress(Problem):  # the profile shows it
            await self._scheduler.refresh(name)

    @on(OptionList.OptionHighlighted, "#profiles")
    def show_highlighted(self) -> None:
        entry = self.highlighted
        if entry is None or entry.name != self._notice_profile:
            # The revealed token and the notice belong to the previous profile.
            self._notice_profile = None if entry is None else entry.name
            self._revealed = None
            if self._batch_name is None:
                self._show_notice("")
        self._show_detail()
        self.refresh_bindings()

    def is_available(self, action_id: str) -> bool:
        if not self._is_fully_mounted:
            return action_id in {"quit", "help", "sign_in", "make_app"}
        if action_id == "explain":
            return self._current_explanation is not None
        entry = self.highlighted
        if action_id == "move_tokens" and self.token_app.options.is_demo:
            return False  # practice data is deleted on exit, but not from a keyring
        if action_id in _PROFILE_ACTIONS:
            return isinstance(entry, Profile) and (action_id != "refresh" or entry.has_refresh_token)
        if action_id in _LIST_ACTIONS:
            return bool(self._list.entries)
        if action_id == "remove":
            return entry is not None
        return True

    # ── navigation ──

    def action_move(self, rows: int) -> None:
        profiles = self._list
        if profiles.highlighted is not None:
            profiles.highlighted = max(0, min(profiles.option_count - 1, profiles.highlighted + rows))

    def action_filter(self) -> None:
        if self._filter is None:
            self._filter = Input(placeholder="name, person, workspace · Enter, Esc", id="filter")
            self.query_one("#left").mount(self._filter, before=0)
        self._filter.display = True
        self._filter.focus()

    @on(Input.Changed, "#filter")
    def apply_filter(self, event: Input.Changed) -> None:
        self._list.filter_text = event.value
        self._list.rebuild(self.token_app.options.now())
        self._show_detail()

    @on(Input.Submitted, "#filter")
    def focus_list(self) -> None:
        """Focus the list and leave the filter on."""
        self._list.focus()

    def action_step_back(self) -> None:
        """Close the filter, cancel what is running, or clear what is shown."""
        if self._filter is not None and self._filter.display:
            self._filter.value = ""
            self._filter.display = False
            self._list.focus()
        elif not self.cancel_running():
            self._revealed = None
            self._show_notice("")
            self._show_detail()

    def action_sort(self) -> None:
        profiles = self._list
        profiles.order = ORDERS[(ORDERS.index(profiles.order) + 1) % len(ORDERS)]
        profiles.rebuild(self.token_app.options.now())
        self._save_order(profiles.order)

    @background("settings", exclusive=False)
    async def _save_order(self, order: str) -> None:
        await self.token_app.change_settings(order=order)

    def action_reload(self) -> None:
        self.reload()

    # ── other screens ──

    def action_sign_in(self) -> None:
        self._open_sign_in()

    def action_sign_in_again(self) -> None:
        if isinstance(entry := self.highlighted, Profile):
            self._open_sign_in(entry)

    def _open_sign_in(self, previous: Profile | None = None, app: SlackApp | None = None) -> None:
        from slack_token_tui.tui.screens.sign_in import SignInScreen

        self.app.push_screen(SignInScreen(previous, app), self._highlight_saved)

    def _highlight_saved(self, name: str | None) -> None:
        """Highlight the new profile, because the next action is probably about it."""
        if name is not None:
            self.reload(highlight=name)

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

    @background("navigation")
    async def action_errors(self) -> None:
        """Look up an error. Its remedies start a sign-in."""
        from slack_token_tui.store.apps import list_apps
        from slack_token_tui.tui.screens.errors import ErrorsScreen

        app = next(iter(list_apps(self.token_app.store.home)), self.token_app.options.slack_app)
        facts = {} if app is None else {"client_id": app.client_id, "app_settings": app.endpoints.apps_url}
        errors = ErrorsScreen(lambda code: explain(code, facts), app, "", from_page=False)
        chosen = await self.app.push_screen_wait(errors)
        if chosen == "other_pair" and app is not None:
            app = replace(app, endpoints=Endpoints(app.endpoints.base, app.endpoints.variant.alternative))
        if chosen is not None:
            self._open_sign_in(app=app)

    def action_doctor(self) -> None:
        from slack_token_tui.tui.screens.doctor import DoctorScreen

        self.app.push_screen(DoctorScreen())

    def action_explain(self) -> None:
        from slack_token_tui.tui.screens.dialogs import ExplanationDialog

        if (explanation := self._current_explanation) is not None:
            self.app.push_screen(ExplanationDialog(explanation))

    async def action_quit(self) -> None:
        await self.app.action_quit()
