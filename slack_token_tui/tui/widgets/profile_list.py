"""Sidebar with the profiles: badge, name, status and time left of each."""

from __future__ import annotations

from datetime import datetime

from textual import events
from textual.content import Content
from textual.widgets.option_list import Option

from slack_token_tui.store.profile import Profile
from slack_token_tui.tui.profiles_model import STATUS_LABELS, Entry, ProfilesModel
from slack_token_tui.tui.widgets.badge import format_badge, format_profile_badge
from slack_token_tui.tui.widgets.cursor_list import CursorList
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.time_format import STATUS_MARKS, format_short_time

MAX_TWO_LINE_ROWS = 8
"""With more profiles, each has one line."""
_INDENT = 5
"""Columns of the badge and the gap after it."""
_TIME_WIDTH = 10
_USUAL_WIDTH = 33
"""Columns of a row at 80 columns, before the real width is known."""
_SHORT_LABELS = {
    "refreshable": "refreshes",
    "expired": "sign in",
    "revoked": "revoked",
    "unreadable": "file",
}
"""What a row says in place of the time left."""


class ProfileList(CursorList):
    """List of the entries of a :class:`~slack_token_tui.tui.profiles_model.ProfilesModel` that match its filter."""

    def __init__(self, model: ProfilesModel) -> None:
        super().__init__(id="profiles")
        self._model = model
        self._rows: dict[str, object] = {}
        """The text of each shown entry by its name, in order."""
        self._last: tuple[str | None, int] = (None, 0)
        self._row_width = _USUAL_WIDTH

    @property
    def highlighted_entry(self) -> Entry | None:
        """The highlighted entry, or None."""
        names, row = list(self._rows), self.highlighted
        if row is None or row >= len(names):
            return None
        return next((entry for entry in self._model.entries if entry.name == names[row]), None)

    def rebuild(self, highlight: str | None = None) -> None:
        """Show all entries that match the filter. The cursor stays on its profile, or moves to ``highlight``."""
        names = list(self._rows)
        if self.highlighted is not None and self.highlighted < len(names):
            self._last = (names[self.highlighted], self.highlighted)
        name, model = highlight or self._last[0], self._model
        shown = model.shown()
        is_short = len(shown) > MAX_TWO_LINE_ROWS
        options = [Option(self._format_row(entry, is_short=is_short), id=entry.name) for entry in shown]
        self._rows = {str(option.id): option.prompt for option in options}
        self.set_options(options)
        names = list(self._rows)
        if names:
            # If the profile is gone, its neighbor is in its row now.
            row = 0 if model.filter_text else min(self._last[1], len(names) - 1)
            self.highlighted = names.index(name) if name in names else row

    def redraw(self, name: str | None = None) -> None:
        """Redraw the row of ``name``, or all rows, as far as their text has changed. No row moves."""
        is_short = len(self._rows) > MAX_TWO_LINE_ROWS
        for entry in self._model.entries:
            if entry.name in self._rows and name in (None, entry.name):
                row = self._format_row(entry, is_short=is_short)
                if row != self._rows[entry.name]:
                    self._rows[entry.name] = row
                    self.replace_option_prompt(entry.name, row)

    def on_resize(self, _: events.Resize) -> None:
        width = self.scrollable_content_region.width - self.get_component_styles("option-list--option").padding.width
        if width > 0 and width != self._row_width:
            self._row_width = width
            self.redraw()

    def _format_row(self, entry: Entry, *, is_short: bool) -> Content:
        model, width = self._model, self._row_width
        state = model.state_of(entry)
        mark, color = ("!", "$text-error") if entry.name in model.problems else STATUS_MARKS[state]
        time = self._format_time(entry, state, model.now())
        is_default = entry.name == model.default
        room, gap = width - _INDENT, " "
        name = Content.styled(f"{entry.name} ★" if is_default else entry.name, "bold")
        end = Content.assemble((mark, color), (time.rjust(_TIME_WIDTH), MUTED))
        # The name comes first. A long one takes the room of the time, which then moves to the second line.
        if moves_down := name.cell_length + 1 + end.cell_length > room:
            end = Content.styled(mark, color)
            if is_default and name.cell_length + 1 + end.cell_length > room:
                name, gap = Content.styled(entry.name, "bold"), "★"
        badge = format_profile_badge(entry) if isinstance(entry, Profile) else format_badge(entry.name, entry.name)
        row = Content.assemble(badge, gap, _fit(name, end, room))
        if is_short:
            return row
        who = Content.styled(entry.account_label if isinstance(entry, Profile) else STATUS_LABELS[state], MUTED)
        has_room = who.cell_length + 1 + len(time) <= room
        second = _fit(who, Content.styled(time if moves_down and has_room else "", MUTED), room)
        return Content.assemble(row, "\n", " " * _INDENT, second)

    def _format_time(self, entry: Entry, state: str, now: datetime) -> str:
        if entry.name in self._model.busy:
            return "working…"
        if state in _SHORT_LABELS:
            return _SHORT_LABELS[state]
        assert isinstance(entry, Profile), "an unreadable profile has a label"
        if state == "refresh_expiring" and entry.refresh_expires_at is not None:
            return format_short_time(entry.refresh_expires_at, now)
        return "no expiry" if entry.expires_at is None else format_short_time(entry.expires_at, now)


def _fit(text: Content, end: Content, width: int) -> Content:
    """Return ``text`` with ``end`` right-aligned in ``width`` columns. Only ``text`` is shortened."""
    room = width - end.cell_length
    shown = text if text.cell_length <= room else text.truncate(max(1, room - (1 if end else 0)), ellipsis=True)
    return Content.assemble(shown, " " * (width - shown.cell_length - end.cell_length), end)
