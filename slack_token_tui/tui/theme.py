"""The two themes of this program, and what its styles need of Textual's other themes.

``#`` and the color of the top bar are Slack's. All text has a contrast of at least 4.5:1, which a test computes.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import Theme

TOP_BAR = {"top-bar": "#4a154b", "top-bar-text": "#ffffff", "top-bar-muted": "#d9c7da", "hash": "#ecb22e"}
SELECTION = {"selected": "#1164a3", "selected-text": "#ffffff", "selected-muted": "#d7e6f3"}
BADGES = (
    ("#2eb67d", "#000000"),
    ("#36c5f0", "#000000"),
    ("#ecb22e", "#000000"),
    ("#e01e5a", "#ffffff"),
    ("#9a6bd0", "#000000"),
    ("#5c8a8a", "#000000"),
)
"""Background and text of the badges of workspaces."""
_DARK = {"muted": "#a79bab", "border": "#5a4a5e", "rule": "#453748"}
_LIGHT = {"muted": "#66586a", "border": "#c9bccd", "rule": "#d9cddc"}


def _create_theme(name: str, *, dark: bool, colors: Mapping[str, str], ours: Mapping[str, str]) -> Theme:
    """Return a theme in which colored text has the plain color, and secondary text is muted."""
    texts = {f"text-{color}": colors[color] for color in ("primary", "success", "warning", "error")}
    variables = {
        **TOP_BAR,
        **SELECTION,
        **ours,
        **texts,
        "text": colors["foreground"],
        "text-muted": ours["muted"],
        "foreground-muted": ours["muted"],
        "border-blurred": ours["border"],
        "border": colors["primary"],
        "block-cursor-background": SELECTION["selected"],
        "block-cursor-foreground": SELECTION["selected-text"],
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": SELECTION["selected"],
        "block-cursor-blurred-foreground": SELECTION["selected-text"],
        "input-cursor-background": colors["foreground"],
        "input-cursor-foreground": colors["background"],
        "input-selection-background": SELECTION["selected"],
        "input-selection-foreground": SELECTION["selected-text"],
        "footer-background": colors["surface"],
        "footer-foreground": ours["muted"],
        "footer-key-foreground": colors["primary"],
        "footer-description-foreground": ours["muted"],
        "scrollbar": ours["border"],
        "scrollbar-hover": colors["primary"],
        "scrollbar-active": colors["primary"],
        "scrollbar-background": colors["surface"],
        "scrollbar-background-hover": colors["surface"],
        "scrollbar-background-active": colors["surface"],
        "scrollbar-corner-color": colors["surface"],
        "link-color": colors["primary"],
        "button-color-foreground": colors["background"],
        "screen-selection-background": SELECTION["selected"],
        "screen-selection-foreground": SELECTION["selected-text"],
    }
    return Theme(
        name,
        primary=colors["primary"],
        warning=colors["warning"],
        error=colors["error"],
        success=colors["success"],
        accent=colors["primary"],
        foreground=colors["foreground"],
        background=colors["background"],
        surface=colors["surface"],
        panel=colors["panel"],
        dark=dark,
        variables=variables,
    )


AUBERGINE = _create_theme(
    "aubergine",
    dark=True,
    colors={
        "background": "#1a151c",
        "surface": "#221b24",
        "panel": "#2c2130",
        "foreground": "#e8e3ea",
        "primary": "#36c5f0",
        "success": "#3dcf8e",
        "warning": "#ecb22e",
        "error": "#ff7a93",
    },
    ours=_DARK,
)
AUBERGINE_LIGHT = _create_theme(
    "aubergine-light",
    dark=False,
    colors={
        "background": "#ffffff",
        "surface": "#f6f2f7",
        "panel": "#ece5ee",
        "foreground": "#1d1c1d",
        "primary": "#0b5fa5",
        "success": "#0b6b3f",
        "warning": "#8a5a00",
        "error": "#b3123f",
    },
    ours=_LIGHT,
)
THEMES = (AUBERGINE, AUBERGINE_LIGHT)


def complete_variables(variables: Mapping[str, str], *, dark: bool) -> dict[str, str]:
    """Return the CSS ``variables`` of a theme, with those that only this program's themes have."""
    ours = _DARK if dark else _LIGHT
    # Other themes have transparent secondary text, or name colors that only a terminal knows.
    return {**TOP_BAR, **SELECTION, **ours, **variables, "foreground-muted": ours["muted"]}
