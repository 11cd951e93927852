"""What may be said of an exception: its kind and its place, never its message or the values around it."""

from __future__ import annotations

import traceback
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.traceback import Traceback


def place_of(error: BaseException) -> str:
    """Return ``TypeError in session.py, line 12``."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    return f"{type(error).__name__} in {PurePath(frames[-1].filename).name}, line {frames[-1].lineno}"


def place_of_traceback(rendered: Traceback) -> str:
    """Return the type and source line of the exception in a Rich traceback."""
    stacks = rendered.trace.stacks
    if not stacks:
        return "an error of unknown kind"
    if not (frames := stacks[0].frames):
        return stacks[0].exc_type
    return f"{stacks[0].exc_type} in {PurePath(frames[-1].filename).name}, line {frames[-1].lineno}"


def way_to(error: BaseException) -> list[str]:
    """Return the calls that led to ``error``, outermost first, one a line."""
    return [
        f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
