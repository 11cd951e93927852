"""Home as a screen: its parts, its clock, its keys, and the ways to the other rooms."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import OptionList, Static

from slack_token_tui.problems import explain
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.settings import read_settings
from slack_token_tui.tui.actions import HOME, bindings
from slack_token_tui.tui.screens.home_commands import HomeCommands
from slack_token_tui.tui.widgets.header import TopLine
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.profile_detail import ProfileDetail
from slack_token_tui.tui.widgets.profile_list import ORDERS, ProfileList

if TYPE_CHECKING:
    from slack_token_tui.store.apps import SlackApp

_CLOCK_SECONDS = 1.0
_FIRST_FRAME_PROFILES = 60
"""More than any terminal shows at once."""
_OF_A_PROFILE = frozenset(
    {"copy", "copy_as", "sign_in_again", "reveal", "verify", "refresh", "rename", "make_default", "move_tokens"}
)
_OF_MANY = frozenset({"verify_all", "refresh_all", "filter", "sort"})


class HomeScreen(HomeCommands):
    """What is kept, and the way to more."""

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

    # ── what is shown ──

    def compose(self) -> ComposeResult:
        """Title, list and an empty room for details, or the welcome: the rest comes right after the first frame."""
        note = "demo, gone at the end" if self.token_app.start.is_demo else ""
        yield TopLine("slack-token-tui", None, note)
        with Container(id="home"):
            with Vertical(id="left"):
                yield ProfileList()
            yield ProfileDetail()
        yield Container(id="welcome")
        yield Static(id="notice")
        yield Static(id="room_for_the_footer")

    async def _furnish(self) -> None:
        """What the first frame can do without. A signal may end the program at each pause; nothing can be mounted then."""
        from slack_token_tui.tui.auto_refresh import RefreshScheduler
        from slack_token_tui.tui.widgets.footer import Footer

        self._upkeep = RefreshScheduler(self.token_app.store, self._told)
        if self.is_attached:
            await self.query_one(ProfileDetail).furnish()
        if self.is_attached:
            await self.mount(Footer())
        if self.is_attached:
            await self.query_one("#room_for_the_footer").remove()
        if self.is_attached:
            self._furnished = True
            self.read_rest()

    def on_mount(self) -> None:
        """Read, and keep the clocks right."""
        order = read_settings(self.token_app.store.home).get("order")
        self._list.order = order if order in ORDERS else ORDERS[0]
        self.read(only_first=_FIRST_FRAME_PROFILES if self._list.order == ORDERS[0] else None)
        self.set_interval(_CLOCK_SECONDS, self._tick)
        self.call_after_refresh(self._furnish)

    def on_screen_resume(self) -> None:
        """A sign-in may have changed what is kept."""
        if self._furnished and self._files_have_changed():
            self.read()

    def _tick(self) -> None:
        """Once a second: the clocks, what other programs have saved, and what is due."""
        if not self._furnished:
            return
        now = self.token_app.start.now()
        if self.is_current:
            if self._files_have_changed() and not self._upkeep.busy:
                self.read()
            self._list.follow_the_clock(now)
            if isinstance(entry := self.highlighted, Profile) and entry.expires_at:
                self._show_detail()
        for name in self._upkeep.due(self._list.entries, now):
            self.run_worker(self._upkeep.refresh(name), group="renewing", exit_on_error=False)

    @on(OptionList.OptionHighlighted, "#profiles")
    def highlight_changed(self) -> None:
        """The details follow the cursor, of the keyboard and of the mouse. What was shown or said of another one goes."""
        entry = self.highlighted
        if entry is None or entry.name != self._told_of:
            self._told_of = None if entry is None else entry.name
            self._revealed = None
            if self._many is None:
                self._notice("")
        self._show_detail()
        self.refresh_bindings()

    def can_do(self, action_id: str) -> bool:
        """Each key only where it does something."""
        if not self._furnished:
            return action_id in {"quit", "help", "sign_in", "make_app"}
        if action_id == "explain":
            return self._to_explain is not None
        entry = self.highlighted
        if action_id == "move_tokens" and self.token_app.start.is_demo:
            return False  # what the demo saves is gone at the end; a keyring keeps it
        if action_id in _OF_A_PROFILE:
            return isinstance(entry, Profile) and (action_id != "refresh" or entry.has_refresh_token)
        if action_id in _OF_MANY:
            return bool(self._list.entries)
        if action_id == "remove":
            return entry is not None
        return True

    # ── moving about ──

    def action_move(self, rows: int) -> None:
        """Move the cursor as vi does."""
        profiles = self._list
        if profiles.highlighted is not None:
            profiles.highlighted = max(0, min(profiles.option_count - 1, profiles.highlighted + rows))

    def action_filter(self) -> None:
        """Type to see fewer."""
        if self._filter is None:
            self._filter = Input(placeholder="name, person, workspace · Enter, Esc", id="filter")
            self.query_one("#left").mount(self._filter, before=0)
        self._filter.display = True
        self._filter.focus()

    @on(Input.Changed, "#filter")
    def filter_changed(self, event: Input.Changed) -> None:
        """The list follows the typing."""
        self._list.wanted = event.value
        self._list.rearrange(self.token_app.start.now())
        self._show_detail()

    @on(Input.Submitted, "#filter")
    def filter_done(self) -> None:
        """Back into the list, with the filter left on."""
        self._list.focus()

    def action_step_back(self) -> None:
        """Escape: out of the filter, out of what is running, out of what is shown."""
        if self._filter is not None and self._filter.display:
            self._filter.value = ""
            self._filter.display = False
            self._list.focus()
        elif not self.cancel_running():
            self._revealed = None
            self._notice("")
            self._show_detail()

    def action_sort(self) -> None:
        """Go to the next order, and remember it."""
        profiles = self._list
        profiles.order = ORDERS[(ORDERS.index(profiles.order) + 1) % len(ORDERS)]
        profiles.rearrange(self.token_app.start.now())
        self._change_settings(order=profiles.order)

    def action_reload(self) -> None:
        """Read the files again."""
        self.read()

    # ── to the other rooms ──

    def action_sign_in(self) -> None:
        """Sign in to another workspace."""
        self._sign_in()

    def action_sign_in_again(self) -> None:
        """Sign in again with everything filled in."""
        if isinstance(entry := self.highlighted, Profile):
            self._sign_in(entry)

    def _sign_in(self, older: Profile | None = None, app: SlackApp | None = None) -> None:
        from slack_token_tui.tui.screens.sign_in import SignInScreen

        self.app.push_screen(SignInScreen(older, app), self._signed_in)

    def _signed_in(self, name: str | None) -> None:
        """The new profile is the one that is meant next."""
        if name is not None:
            self.read(highlight=name)

    @work(exclusive=True, group="rooms", exit_on_error=False)
    async def action_make_app(self) -> None:
        """Make an app, and sign in with it."""
        from slack_token_tui.tui.screens.app_setup import AppSetupScreen

        setup = AppSetupScreen(self.token_app.start.endpoints, ())
        if (app := await self.app.push_screen_wait(setup)) is not None:
            self._sign_in(app=app)

    @work(exclusive=True, group="rooms", exit_on_error=False)
    async def action_apps(self) -> None:
        """Choose an app, and sign in with it."""
        from slack_token_tui.tui.screens.apps import AppsScreen

        if (app := await self.app.push_screen_wait(AppsScreen())) is not None:
            self._sign_in(app=app)

    @work(exclusive=True, group="rooms", exit_on_error=False)
    async def action_errors(self) -> None:
        """Look an error up; its remedies begin a sign-in."""
        from slack_token_tui.store.apps import remembered_apps
        from slack_token_tui.tui.screens.errors import ErrorsScreen

        app = next(iter(remembered_apps(self.token_app.store.home)), self.token_app.start.app)
        facts = {} if app is None else {"client_id": app.client_id, "app_settings": app.endpoints.apps_page}
        errors = ErrorsScreen(lambda code: explain(code, facts), app, "", from_page=False)
        chosen = await self.app.push_screen_wait(errors)
        if chosen == "other_pair" and app is not None:
            app = replace(app, endpoints=Endpoints(app.endpoints.base, app.endpoints.pair.other))
        if chosen is not None:
            self._sign_in(app=app)

    def action_doctor(self) -> None:
        """Check the machine."""
        from slack_token_tui.tui.screens.doctor import DoctorScreen

        self.app.push_screen(DoctorScreen())

    def action_explain(self) -> None:
        """Everything that is known about what is wrong with the highlighted profile, or was said last."""
        from slack_token_tui.tui.screens.dialogs import ExplanationScreen

        if (explanation := self._to_explain) is not None:
            self.app.push_screen(ExplanationScreen(explanation))

    async def action_quit(self) -> None:
        """Leave."""
        await self.app.action_quit()
