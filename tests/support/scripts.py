"""Shell scripts that stand in for real programs."""

from __future__ import annotations

from pathlib import Path


def write_script(path: Path, body: str = "") -> Path:
    """Write an executable shell script to ``path`` and return ``path``."""
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path
