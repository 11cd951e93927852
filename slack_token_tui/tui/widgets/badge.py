"""Badge of a workspace: two letters on a color that depends on its id."""

from __future__ import annotations

from zlib import crc32

from textual.content import Content

from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.store.profile import Profile
from slack_token_tui.tui.theme import BADGES
from slack_token_tui.tui.widgets.field import MUTED

WIDTH = 4


def format_badge(label: str, key: str) -> Content:
    """Return two letters of ``label`` on one of six colors.

    Args:
        label: name of the workspace, or of the profile if it has none.
        key: chooses the color, so that a workspace always has the same one.
    """
    background, text = BADGES[crc32(key.encode()) % len(BADGES)]
    return Content.styled(f" {_initials(label)} ", f"bold {text} on {background}")


def _initials(label: str) -> str:
    words = ["".join(filter(str.isalnum, word)) for word in label.replace("-", " ").replace("_", " ").split()]
    words = [word for word in words if word and word.isascii()]
    if len(words) > 1:
        return (words[0][0] + words[1][0]).upper()
    return (words[0] if words else "?")[:2].upper().ljust(2)


def format_profile_badge(profile: Profile) -> Content:
    """Return the badge of the workspace of ``profile``."""
    return format_badge(
        profile.workspace_label or profile.name, profile.team_id or profile.enterprise_id or profile.name
    )


def format_identity(profile: Profile, width: int) -> Content:
    """Return badge, workspace and host, and below them who.

    Args:
        profile: the profile.
        width: columns. If there are few, the host gets a line to itself.
    """
    host = escape_unprintable((profile.workspace_url or "").removeprefix("https://").rstrip("/"))
    workspace = escape_unprintable(profile.workspace_label or "Unknown workspace")
    indent = " " * (WIDTH + 2)
    gap = "  " if len(indent) + len(workspace) + 2 + len(host) <= width else f"\n{indent}"
    return Content.assemble(
        format_profile_badge(profile),
        "  ",
        (workspace, "bold"),
        (f"{gap}{host}" if host else "", MUTED),
        f"\n{indent}",
        escape_unprintable(profile.user_name or ""),
        (f"{' ' if profile.user_name else ''}{profile.user_id or ''}", MUTED),
    )
