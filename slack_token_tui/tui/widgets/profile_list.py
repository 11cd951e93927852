"""List of profiles with the state of each."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from slack_token_tui.sanitize import clean
from slack_token_tui.store.profile import Profile
from slack_token_tui.tui.profiles_model import Entry, ProfilesModel
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.time_format import STATUS_LABELS, STATUS_MARKS


class ProfileList(OptionList):
    """List of the entries of a :class:`~slack_token_tui.tui.profiles_model.ProfilesModel` that match its filter."""

    def __init__(self, model: ProfilesModel) -> None:
        super().__init__(id="profiles")
        self.border_title = "Profiles"
        self._model = model
        self._rows: dict[str, object] = {}
        """The text of each shown entry by its name, in order."""
        self._last: tuple[str | None, int] = (None, 0)

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
        options = self._create_options()
        self._rows = {str(option.id): option.prompt for option in options}
        self.set_options(options)
        names = list(self._rows)
        if model.filter_text and not names:
            words = Content(f"Nothing matches “{clean(model.filter_text)}”.\nEsc shows all.")
            self.add_option(Option(words, disabled=True))
        if names:
            # If the profile is gone, its neighbor is in its row now.
            row = 0 if model.filter_text else min(self._last[1], len(names) - 1)
            self.highlighted = names.index(name) if name in names else row
        few = f"{len(names)} of {len(model.entries)}" if model.filter_text else str(len(names))
        by = "" if model.order == "name" else f", by {model.order}"
        self.border_title = Content(f"Profiles · {few}{by}" if model.entries else "Profiles")

    def _create_options(self) -> list[Option]:
        return [Option(self._format_row(entry), id=entry.name) for entry in self._model.shown()]

    def redraw(self, name: str | None = None) -> None:
        """Redraw the row of ``name``, or all rows, as far as their text has changed. No row moves."""
        for entry in self._model.entries:
            if entry.name in self._rows and name in (None, entry.name):
                row = self._format_row(entry)
                if row != self._rows[entry.name]:
                    self._rows[entry.name] = row
                    self.replace_option_prompt(entry.name, row)

    def _format_row(self, entry: Entry) -> Content:
        model = self._model
        state = model.state_of(entry)
        mark, color = STATUS_MARKS[state]
        who = f" · {entry.account_label}" if isinstance(entry, Profile) else ""
        word = "asking Slack …" if entry.name in model.busy else STATUS_LABELS[state]
        default = (" · default", MUTED) if entry.name == model.default else ""
        problem = ("! ", "bold $text-error") if entry.name in model.problems else "  "
        # The state comes before anything that a narrow list may cut off.
        return Content.assemble(
            (mark, color), " ", (entry.name, "bold"), default, "\n", problem, (word, color), (who, MUTED)
        )
