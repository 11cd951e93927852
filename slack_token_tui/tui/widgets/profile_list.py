"""List of profiles with a filter, a sort order, and the state of each profile."""

from __future__ import annotations

from datetime import UTC, datetime

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from slack_token_tui.sanitize import clean
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import UnreadableProfile
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.time_format import STATUS_LABELS, STATUS_MARKS

Entry = Profile | UnreadableProfile
ORDERS = ("name", "state", "expiry")
"""Sort orders that ``o`` cycles through. ``state`` lists problems first, ``expiry`` what expires next."""
_URGENCY_ORDER = (
    "unreadable",
    "revoked",
    "expired",
    "refresh_refused",
    "expiring",
    "refresh_expiring",
    "refreshable",
    "unverified",
    "good",
)
_NEVER = datetime.max.replace(tzinfo=UTC)


def entry_state(entry: Entry, now: datetime) -> str:
    """Return the state of ``entry``, which is ``unreadable`` for an unreadable profile."""
    return entry.state(now) if isinstance(entry, Profile) else "unreadable"


class ProfileList(OptionList):
    """List of the entries that match the filter."""

    def __init__(self) -> None:
        super().__init__(id="profiles")
        self.border_title = "Profiles"
        self.order = ORDERS[0]
        self.filter_text = ""
        self.default: str | None = None
        self.busy: frozenset[str] = frozenset()
        self.failed_names: frozenset[str] = frozenset()
        self._entries: list[Entry] = []
        self._shown: list[Entry] = []
        self._states: dict[str, str] = {}
        self._last: tuple[str | None, int] = (None, 0)

    @property
    def entries(self) -> list[Entry]:
        """All entries, shown or not, sorted by name."""
        return self._entries

    @property
    def highlighted_entry(self) -> Entry | None:
        """The highlighted entry, or None."""
        row = self.highlighted
        return self._shown[row] if row is not None and row < len(self._shown) else None

    def show(self, entries: list[Entry], now: datetime, highlight: str | None = None) -> None:
        """Show ``entries``. The cursor stays on its profile, or moves to ``highlight``."""
        self._entries = entries
        self.rebuild(now, highlight)

    def rebuild(self, now: datetime, highlight: str | None = None) -> None:
        """Filter and sort the entries again."""
        if self.highlighted_entry is not None:
            self._last = (self.highlighted_entry.name, self.highlighted or 0)
        name = highlight or self._last[0]
        self._shown = sorted(
            (entry for entry in self._entries if self._matches(entry)), key=lambda entry: self._sort_key(entry, now)
        )
        self._states = {entry.name: entry_state(entry, now) for entry in self._shown}
        self.set_options(Option(self._format_row(entry), id=entry.name) for entry in self._shown)
        names = [entry.name for entry in self._shown]
        if self.filter_text and not names:
            words = Content(f"Nothing matches “{clean(self.filter_text)}”.\nEsc shows all.")
            self.add_option(Option(words, disabled=True))
        if names:
            # If the profile is gone, its neighbor is in its row now.
            row = 0 if self.filter_text else min(self._last[1], len(names) - 1)
            self.highlighted = names.index(name) if name in names else row
        few = f"{len(names)} of {len(self._entries)}" if self.filter_text else str(len(names))
        by = "" if self.order == "name" else f", by {self.order}"
        self.border_title = Content(f"Profiles · {few}{by}" if self._entries else "Profiles")

    def replace(self, entry: Entry, now: datetime) -> None:
        """Update ``entry`` in its row without moving any rows."""
        for entries in (self._entries, self._shown):
            for row, old in enumerate(entries):
                if old.name == entry.name:
                    entries[row] = entry
        self._redraw_rows(entry, now)

    def mark(self, busy: frozenset[str], failed_names: frozenset[str], now: datetime) -> None:
        """Mark the profiles with a request in progress and those whose last request failed."""
        changed = (self.busy ^ busy) | (self.failed_names ^ failed_names)
        self.busy, self.failed_names = busy, failed_names
        for entry in self._shown:
            if entry.name in changed:
                self._redraw_rows(entry, now)

    def update_clock(self, now: datetime) -> None:
        """Redraw the rows whose state has changed over time."""
        for entry in self._shown:
            if isinstance(entry, Profile) and entry.expires_at and entry.state(now) != self._states.get(entry.name):
                self._redraw_rows(entry, now)

    def _redraw_rows(self, entry: Entry, now: datetime) -> None:
        if entry.name in self._states:
            self._states[entry.name] = entry_state(entry, now)
            self.replace_option_prompt(entry.name, self._format_row(entry))

    def _matches(self, entry: Entry) -> bool:
        text = entry.name
        if isinstance(entry, Profile):
            text = f"{text} {entry.user_name} {entry.team_name} {entry.enterprise_name} {entry.workspace_url}"
        return all(word in text.lower() for word in self.filter_text.lower().split())

    def _sort_key(self, entry: Entry, now: datetime) -> tuple[object, ...]:
        if self.order == "state":
            return (entry.name not in self.failed_names, _URGENCY_ORDER.index(entry_state(entry, now)), entry.name)
        if self.order == "expiry":
            expires_at = entry.expires_at if isinstance(entry, Profile) else None
            return (expires_at or _NEVER, entry.name)
        return (entry.name,)

    def _format_row(self, entry: Entry) -> Content:
        state = self._states[entry.name]
        mark, color = STATUS_MARKS[state]
        who = ""
        if isinstance(entry, Profile):
            who = f" · {entry.account_label}"
        word = "asking Slack …" if entry.name in self.busy else STATUS_LABELS[state]
        default = (" · default", MUTED) if entry.name == self.default else ""
        problem = ("! ", "bold $text-error") if entry.name in self.failed_names else "  "
        # The state comes before anything that a narrow list may cut off.
        return Content.assemble(
            (mark, color), " ", (entry.name, "bold"), default, "\n", problem, (word, color), (who, MUTED)
        )
