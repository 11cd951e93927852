"""Marks and labels of profile states, and formatting of remaining times."""

from __future__ import annotations

from datetime import datetime, timedelta

STATUS_MARKS = {
    "good": ("●", "$text-success"),
    "unverified": ("◐", "$text-warning"),
    "expiring": ("◔", "$text-warning"),
    "refresh_expiring": ("◕", "$text-warning"),
    "refresh_refused": ("◔", "$text-warning"),
    "refreshable": ("◌", "$text-success"),
    "expired": ("○", "$text-error"),
    "revoked": ("✗", "$text-error"),
    "unreadable": ("!", "$text-error"),
}
"""Mark and color of each state. The label is always shown next to them."""
STATUS_LABELS = {
    "good": "good",
    "unverified": "not verified",
    "expiring": "about to expire",
    "refresh_expiring": "renewal ends soon",
    "refresh_refused": "sign in soon",
    "refreshable": "renews on use",
    "expired": "sign in again",
    "revoked": "revoked",
    "unreadable": "file unreadable",
}


def format_time_left(until: datetime, now: datetime) -> str:
    """Return ``11 h 59 min``, ``29 days`` or ``0:42``, or ``over`` if no time is left."""
    seconds = int((until - now).total_seconds())
    if seconds <= 0:
        return "over"
    if seconds >= timedelta(days=2).total_seconds():
        return f"{seconds // 86_400} days"
    if seconds >= 3600:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02} min"
    return format_clock(seconds)


def format_clock(seconds: float) -> str:
    """Return minutes and seconds, for example ``4:12``."""
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02}"
