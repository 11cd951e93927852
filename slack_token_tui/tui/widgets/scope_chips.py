"""Row of chips for common sets of scopes. The arrow keys choose one, and F2 opens the full list."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import Static

from slack_token_tui.slack.scopes import PRESETS

_NO_BREAK = "\N{NO-BREAK SPACE}"
_CHIP_META = "chip"


class ScopeChips(Static, can_focus=True):
    """Chips of the presets, and one for any other choice."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", show=False),
        Binding("right", "move(1)", show=False),
    ]

    class Changed(Message):
        """Posted when another set was chosen."""

        def __init__(self, scopes: tuple[str, ...]) -> None:
            super().__init__()
            self.scopes = scopes

    class ListRequested(Message):
        """Posted when the user wants the full list."""

    def __init__(self, scopes: tuple[str, ...]) -> None:
        super().__init__(id="chips")
        self._scopes = scopes

    def on_mount(self) -> None:
        self._redraw()

    @property
    def scopes(self) -> tuple[str, ...]:
        """The chosen scopes."""
        return self._scopes

    @scopes.setter
    def scopes(self, scopes: tuple[str, ...]) -> None:
        self._scopes = scopes
        self._redraw()
        self.post_message(self.Changed(scopes))

    @property
    def _chosen(self) -> int | None:
        """Number of the preset with these scopes, or None."""
        return next((n for n, preset in enumerate(PRESETS) if set(preset.scopes) == set(self._scopes)), None)

    def _redraw(self) -> None:
        chosen = self._chosen
        chips = [_chip(preset.label, number, is_chosen=number == chosen) for number, preset in enumerate(PRESETS)]
        custom = "Choose… F2" if chosen is not None else f"{len(self._scopes)} chosen  F2"
        self.update(Content("  ").join([*chips, _chip(custom, len(PRESETS), is_chosen=chosen is None)]))

    def action_move(self, step: int) -> None:
        """Choose the next or previous preset."""
        chosen = self._chosen
        number = (0 if step > 0 else len(PRESETS) - 1) if chosen is None else (chosen + step) % len(PRESETS)
        self.scopes = PRESETS[number].scopes

    def on_click(self, event: events.Click) -> None:
        number = event.style.meta.get(_CHIP_META)
        if isinstance(number, int) and number < len(PRESETS):
            self.scopes = PRESETS[number].scopes
        elif number is not None:
            self.post_message(self.ListRequested())


def _chip(label: str, number: int, *, is_chosen: bool) -> Content:
    words = f" {'●' if is_chosen else '○'} {label} ".replace(" ", _NO_BREAK)
    style = "bold $button-color-foreground on $primary" if is_chosen else "$foreground on $panel"
    return Content.styled(words, style).stylize(Style.from_meta({_CHIP_META: number}))
