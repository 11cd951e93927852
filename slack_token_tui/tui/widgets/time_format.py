"""Symbols of profile states, bars, and formatting of remaining times."""

from __future__ import annotations

from datetime import datetime, timedelta

from textual.content import Content

STATUS_MARKS = {
    "good": ("●", "$text-success"),
    "unverified": ("◐", "$text-warning"),
    "expiring": ("◔", "$text-warning"),
    "refresh_expiring": ("◔", "$text-warning"),
    "refresh_refused": ("◔", "$text-warning"),
    "refreshable": ("◌", "$text-success"),
    "expired": ("○", "$text-error"),
    "revoked": ("✗", "$text-error"),
    "unreadable": ("!", "$text-error"),
}
"""Symbol and color of each state."""


def format_time_left(until: datetime, now: datetime) -> str:
    """Return ``29 days``, ``11 h 59 min``, ``42 min``, or ``9:58`` in the last ten minutes, down to ``0:00``."""
    seconds = max(0, int((until - now).total_seconds()))
    if seconds >= timedelta(days=2).total_seconds():
        return f"{seconds // 86_400} days"
    if seconds >= 3600:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02} min"
    return f"{seconds // 60} min" if seconds >= 600 else format_clock(seconds)


def format_short_time(until: datetime, now: datetime) -> str:
    """Return the same in a form that fits into a narrow column, such as ``11h 59m``."""
    return format_time_left(until, now).replace(" h ", "h ").replace(" min", "m")


def format_clock(seconds: float) -> str:
    """Return minutes and seconds, for example ``4:12``."""
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def format_bar(share: float, width: int, color: str = "$text-primary") -> Content:
    """Return a bar of ``width`` columns of which ``share`` (0 to 1) is filled."""
    filled = round(max(0.0, min(1.0, share)) * width)
    return Content.assemble(("━" * filled, color), ("━" * (width - filled), "$rule"))
