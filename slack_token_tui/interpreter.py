"""Running a module of this package in a new Python interpreter.

``sys.executable`` may be missing or be a program that embeds Python, such as uWSGI or a frozen application. The package
may be in a zip archive, or in a directory that only this process has on its path.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

_NAME_OF_PYTHON = re.compile(r"(python|pypy|graalpy)[0-9.]*[a-z]*(-[a-z0-9]+)?(\.exe)?", re.IGNORECASE)


def find_interpreter() -> Path | None:
    """Return the absolute path of an interpreter of this Python version, or None if there is none."""
    executable = Path(sys.executable or "")
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidates = [executable] if _NAME_OF_PYTHON.fullmatch(executable.name) else []
    for directory in dict.fromkeys((sys.prefix, sys.exec_prefix, sys.base_prefix)):
        # By its whole name: python3 in a shared prefix may be of another version.
        candidates.append(Path(directory, "python.exe") if sys.platform == "win32" else Path(directory, "bin", name))
    usable = (one for one in candidates if one.is_absolute() and one.is_file() and os.access(one, os.X_OK))
    return next(usable, None)


def module_command(module: str, *arguments: str) -> list[str] | None:
    """Return the command that runs ``module`` of this package, or None if there is no interpreter.

    Start it with :func:`child_environment`.
    """
    interpreter = find_interpreter()
    # -P: do not import modules from the current directory.
    return None if interpreter is None else [str(interpreter), "-P", "-m", f"slack_token_tui.{module}", *arguments]


def child_environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return ``variables``, by default those of this process, with a ``PYTHONPATH`` that has this process's modules.

    It lacks the current directory, unless this package itself is there.
    """
    package_parent = Path(__file__).absolute().parent.parent
    try:
        current = Path.cwd()
        entries = [Path(entry).absolute() for entry in sys.path if entry]
    except FileNotFoundError:  # the current directory was removed
        current, entries = None, [Path(entry) for entry in sys.path if Path(entry).is_absolute()]
    kept = [str(entry) for entry in (*entries, package_parent) if entry != current or entry == package_parent]
    environment = dict(os.environ if variables is None else variables)
    return {**environment, "PYTHONPATH": os.pathsep.join(dict.fromkeys(kept))}
