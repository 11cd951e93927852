"""What home shows: the profiles, the details of the highlighted one, and the line that says what is wrong."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from slack_token_tui.problems import Explanation, explain
from slack_token_tui.store.atomic_file import StoreError
from slack_token_tui.store.hot_path import ProfileFileError
from slack_token_tui.store.profiles import Unreadable
from slack_token_tui.store.settings import change_settings, read_settings
from slack_token_tui.tokens.refresh_result import standing_trouble
from slack_token_tui.tui.actions import HOME
from slack_token_tui.tui.screens.base import AppScreen
from slack_token_tui.tui.widgets.profile_detail import ProfileDetail
from slack_token_tui.tui.widgets.profile_list import Entry, ProfileList

if TYPE_CHECKING:
    from slack_token_tui.tui.auto_refresh import RefreshScheduler


class ShownProfiles(AppScreen[None]):
    """The ground that the rooms of home stand on: reading, showing, telling."""

    room = HOME

    def __init__(self) -> None:
        super().__init__()
        self._upkeep: RefreshScheduler
        self._seen_at: object = None
        self._furnished = False
        self._revealed: tuple[str, str] | None = None
        self._many: str | None = None
        self._asked_about: str | None = None
        self._is_partly_read = False
        self._told_of: str | None = None
        self._said: Explanation | None = None
        self._store_problem: Explanation | None = None

    @property
    def _list(self) -> ProfileList:
        return self.query_one(ProfileList)

    @property
    def highlighted(self) -> Entry | None:
        """The entry under the cursor."""
        return self._list.current

    def _files_have_changed(self) -> bool:
        """Every save replaces a file, and so changes its directory: one look tells what other programs have done."""
        home = self.token_app.store.home
        seen = []
        for path in (home / "profiles", home):
            try:
                seen.append(path.stat().st_mtime_ns)
            except OSError:
                seen.append(0)
        changed = seen != self._seen_at
        self._seen_at = seen
        return changed

    def read(self, highlight: str | None = None, *, only_first: int | None = None) -> None:
        """Read the profiles again, and keep the cursor where it was unless told otherwise.

        Args:
            highlight: where the cursor goes.
            only_first: read no more than these; :meth:`read_rest` brings the others.
        """
        self._files_have_changed()
        profiles = self._list
        profiles.default = read_settings(self.token_app.store.home).get("default_profile")
        problem: Explanation | None = None
        try:
            entries = list(islice(self.token_app.store.entries(), only_first))
        except StoreError as error:
            entries, problem = [], explain(error.code, error.facts)
        self._is_partly_read = len(entries) == only_first
        profiles.show(entries, self.token_app.start.now(), highlight)
        there = bool(profiles.entries)
        self.query_one("#home").display = there
        welcome = self.query_one("#welcome")
        welcome.display = not there
        if not there and (not welcome.children or problem != self._store_problem):
            from slack_token_tui.tui.widgets.welcome import Welcome

            card = Welcome(self.token_app.store.home, problem)
            if welcome.children:
                self.call_later(self._replace_welcome, card)
            else:
                welcome.mount(card)
        self._store_problem = problem
        self._show_detail()
        if there and self.is_current and self.focused is None:
            profiles.focus()
        self.refresh_bindings()

    async def _replace_welcome(self, card: Widget) -> None:
        welcome = self.query_one("#welcome")
        await welcome.remove_children()
        await welcome.mount(card)

    def read_rest(self) -> None:
        """Read what the first frame has left out."""
        if self._is_partly_read:
            self.read()
        else:
            self._show_detail()
            self.refresh_bindings()

    def _told(self, name: str, entry: Entry | None) -> None:
        """Something about a profile has changed; the upkeep says so."""
        now = self.token_app.start.now()
        if entry is None:
            self.read()
            return
        self._list.replace(entry, now)
        self._list.mark(frozenset(self._upkeep.busy), frozenset(self._upkeep.troubles), now)
        if self.highlighted is not None and self.highlighted.name == name:
            self._show_detail()

    def _show_detail(self) -> None:
        entry = self.highlighted
        detail = self.query_one(ProfileDetail)
        detail.display = entry is not None
        if entry is not None and self._furnished:
            now, path = self.token_app.start.now(), self.token_app.store.path(entry.name)
            revealed = self._revealed[1] if self._revealed and self._revealed[0] == entry.name else None
            detail.show(entry, path, now, self._trouble_of(entry), revealed)

    def _trouble_of(self, entry: Entry) -> Explanation | None:
        if isinstance(entry, Unreadable):
            return explain(entry.error.code, {"file": entry.error.path, "detail": entry.error.detail or "damaged"})
        if trouble := self._upkeep.troubles.get(entry.name) or standing_trouble(entry):
            return explain(trouble.code, trouble.facts)
        why = None if entry.is_renewable else entry.unusable_reason(self.token_app.start.now())
        return explain("sign_in_needed", {"name": entry.name, "detail": why}) if why else None

    def _change_settings(self, **changes: str | None) -> bool:
        try:
            change_settings(self.token_app.store.home, **changes)
        except (StoreError, ProfileFileError) as error:
            facts = error.facts if isinstance(error, StoreError) else {"file": error.path, "detail": error.detail}
            self._say(explain(error.code, facts))
            return False
        return True

    @property
    def _to_explain(self) -> Explanation | None:
        """What F1 tells more about: what was said last, else what is wrong with the highlighted profile."""
        entry = self.highlighted
        return self._said or (None if entry is None or not self._furnished else self._trouble_of(entry))

    def _say(self, explanation: Explanation) -> None:
        self._notice(f"{explanation.title}. {explanation.happened} {explanation.remedies[0]}. F1 tells more.")
        self._said = explanation
        self.refresh_bindings()

    def _notice(self, text: str) -> None:
        self._said = None
        notice = self.query_one("#notice", Static)
        notice.update(Content(text))
        notice.set_class(bool(text), "-shown")
