"""Home: the profiles at the left, the highlighted one at the right."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from slack_token_tui.desktop.clipboard import Copied
from slack_token_tui.profiles.profile import Profile
from slack_token_tui.profiles.store import Unreadable
from slack_token_tui.slack.explanations import explain
from slack_token_tui.tui.actions import HOME, bindings
from slack_token_tui.tui.screens.room import Room
from slack_token_tui.tui.widgets.expiry import IN_WORDS, MARKS, left
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.profile_detail import ProfileDetail
from slack_token_tui.tui.widgets.top_line import TopLine

_CLOCK_SECONDS = 1.0


class HomeScreen(Room):
    """What is kept, and the way to more."""

    room = HOME
    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(HOME),
        Binding("j", "move(1)", show=False),
        Binding("k", "move(-1)", show=False),
        Binding("g", "move(-100000)", show=False),
        Binding("G", "move(100000)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[Profile | Unreadable] = []

    def compose(self) -> ComposeResult:
        """Title, list and details or the welcome, and the keys."""
        note = "demo, gone at the end" if self.token_app.start.is_demo else ""
        yield TopLine("slack-token-tui", None, note)
        with Container(id="home"):
            profiles = OptionList(id="profiles")
            profiles.border_title = "Profiles"
            yield profiles
            yield ProfileDetail()
        with Container(id="welcome"):
            yield Static(self._welcome(), id="welcome_card")
        yield Static(id="notice")
        yield Footer(show_command_palette=False)

    def _welcome(self) -> Content:
        return Content.assemble(
            ("No profiles yet\n\n", "bold"),
            "Press ",
            ("a", "bold $text-primary"),
            " to sign in to Slack.\n\n",
            "You need the Client ID of a Slack app with PKCE on and the Redirect URL http://localhost:28417/callback. "
            "Your browser opens, you press Allow, and the token is saved on this machine:\n",
            (str(self.token_app.store.home / "profiles"), MUTED),
        )

    def on_mount(self) -> None:
        """Read, and keep the clocks right."""
        self.read()
        self.set_interval(_CLOCK_SECONDS, self._tick)

    def on_screen_resume(self) -> None:
        """A sign-in may have changed what is kept."""
        if self.is_mounted:
            self.read()

    def read(self, highlight: str | None = None) -> None:
        """Read the profiles again, and keep the highlight where it was unless told otherwise."""
        profiles = self.query_one("#profiles", OptionList)
        wanted = highlight or (entry.name if (entry := self.highlighted) else None)
        self._entries = list(self.token_app.store.entries())
        profiles.set_options(Option(self._row(entry), id=entry.name) for entry in self._entries)
        self.query_one("#home").display = bool(self._entries)
        self.query_one("#welcome").display = not self._entries
        names = [entry.name for entry in self._entries]
        if names:
            profiles.highlighted = names.index(wanted) if wanted in names else 0
        self._show_detail()
        if self._entries and self.is_current:
            profiles.focus()
        self.refresh_bindings()

    def _row(self, entry: Profile | Unreadable) -> Content:
        state = entry.state(self.token_app.start.now()) if isinstance(entry, Profile) else "unreadable"
        mark, colour = MARKS[state]
        who = ""
        if isinstance(entry, Profile):
            who = (
                f"{entry.user_name or entry.user_id or 'unknown'} in {entry.team_name or entry.team_id or 'unknown'} · "
            )
        return Content.assemble((mark, colour), " ", (entry.name, "bold"), f"\n  {who}", (IN_WORDS[state], colour))

    @property
    def highlighted(self) -> Profile | Unreadable | None:
        """The entry under the cursor."""
        row = self.query_one("#profiles", OptionList).highlighted
        return self._entries[row] if row is not None and row < len(self._entries) else None

    def _show_detail(self) -> None:
        if (entry := self.highlighted) is not None:
            now = self.token_app.start.now()
            self.query_one(ProfileDetail).show(entry, self.token_app.store.path(entry.name), now)

    def _tick(self) -> None:
        """One clock for all that is shown; it rests while nothing shown expires."""
        if self.is_current and isinstance(entry := self.highlighted, Profile) and entry.expires_at:
            self._show_detail()

    @on(OptionList.OptionHighlighted)
    def highlight_changed(self) -> None:
        """The details follow the cursor, of the keyboard and of the mouse."""
        self._show_detail()
        self.refresh_bindings()

    def can_do(self, action_id: str) -> bool:
        """Copying needs a good profile."""
        if action_id in {"copy", "sign_in_again"}:
            return isinstance(self.highlighted, Profile)
        return True

    def action_move(self, rows: int) -> None:
        """Move the cursor as vi does."""
        profiles = self.query_one("#profiles", OptionList)
        if profiles.highlighted is not None:
            profiles.highlighted = max(0, min(profiles.option_count - 1, profiles.highlighted + rows))

    def action_reload(self) -> None:
        """Read the files again."""
        self.read()

    def action_sign_in(self) -> None:
        """Sign in to another workspace."""
        self._sign_in(None)

    def action_sign_in_again(self) -> None:
        """Sign in again with everything filled in."""
        if isinstance(entry := self.highlighted, Profile):
            self._sign_in(entry)

    def _sign_in(self, older: Profile | None) -> None:
        from slack_token_tui.tui.screens.sign_in import SignInScreen

        self.app.push_screen(SignInScreen(older))

    @work(exclusive=True, group="copy", exit_on_error=False)
    async def action_copy(self) -> None:
        """Copy the highlighted token, unless it is known to be dead."""
        entry = self.highlighted
        if not isinstance(entry, Profile):
            return
        state = entry.state(self.token_app.start.now())
        if state in {"expired", "revoked"}:
            why = f"is {IN_WORDS[state]}" if state == "revoked" else "has expired"
            self._notice(
                explain("sign_in_needed", {"name": entry.name, "detail": why}).happened + " Press s to sign in again."
            )
            return
        outcome = await self.token_app.copy_secret(entry.access_token)
        if isinstance(outcome, Copied):
            until = f" It works for {left(entry.expires_at, self.token_app.start.now())}." if entry.expires_at else ""
            self.notify(outcome.sentence(entry.name) + until, markup=False)
            self._notice("")
        else:
            self._notice(f"Not copied. {outcome.reason} On the command line: slack-token-tui token {entry.name}")

    def _notice(self, text: str) -> None:
        notice = self.query_one("#notice", Static)
        notice.update(Content(text))
        notice.set_class(bool(text), "-shown")

    def action_quit(self) -> None:
        """Leave."""
        self.app.exit()
