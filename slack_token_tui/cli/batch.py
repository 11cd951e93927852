"""Run a command over several profiles and collect one result per profile. Failures do not stop the batch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from slack_token_tui.cli import output
from slack_token_tui.cli.exit_codes import EXIT_CODES, SUCCESS
from slack_token_tui.problems import InvalidInput, Kind, Problem
from slack_token_tui.secret import redact
from slack_token_tui.store.hot_path import exists, resolve_name
from slack_token_tui.store.profiles import ProfileStore

CommandResult = tuple[int, dict[str, Any]]
"""An exit code, and the object that ``--json`` prints."""
_SEVERITY = tuple(
    EXIT_CODES[kind] for kind in (Kind.STORAGE, Kind.SIGN_IN, Kind.NOT_FOUND, Kind.USAGE, Kind.REFUSED, Kind.RETRY)
)
"""Exit codes, most severe first. A batch exits with the first one that occurred."""


def run_for(name: str, do: Callable[[], CommandResult], *, kind: str = "profile") -> CommandResult:
    """Call ``do`` and return its result. If it raises a Problem, report it and return a failed result.

    Args:
        name: name of the profile, app or settings that ``do`` works on.
        do: function to call.
        kind: ``profile``, ``app`` or ``settings``. Used as the key of ``name`` in the JSON output.
    """
    try:
        return do()
    except Problem as problem:
        # A token may have been typed in place of a name.
        name = redact(name)
        problem = problem.with_facts(name=name)
        explanation = problem.explain()
        output.print_explanation(explanation, name or "an empty name")
        return EXIT_CODES[explanation.kind], {kind: name, **output.explanation_record(explanation)}


def finish_batch(outcomes: Iterable[CommandResult], *, as_json: bool) -> int:
    """Print ``outcomes`` as a JSON list if ``as_json``, and return the most severe exit code."""
    outcomes = list(outcomes)
    if as_json:
        output.print_json([record for _, record in outcomes], indent=1)
    codes = {code for code, _ in outcomes}
    return next((code for code in _SEVERITY if code in codes), SUCCESS)


def all_names(store: ProfileStore) -> list[str]:
    """Return the names of all profiles. Say so if there are none.

    Raises:
        Problem: the profiles can't be listed, or ``SLACK_TOKEN_TUI_HOME`` names no directory. A scheduled job must not
            succeed forever because of a typo.
    """
    names = store.names()
    if not names:
        if os.environ.get("SLACK_TOKEN_TUI_HOME") and not exists(str(store.home)):
            raise Problem("home_missing", file=str(store.home))
        output.print_message(f"No profiles yet in {store.home}. Sign in: slack-token-tui login")
    return names


def for_each_profile(
    names: Sequence[str], all_profiles: bool, as_json: bool, do: Callable[[ProfileStore, str], CommandResult]
) -> int:
    """Run ``do`` for the named profiles, or for every profile, and return the exit code."""
    if all_profiles and names:
        raise InvalidInput("Names and --all were given.", "Name profiles, or use --all")
    store = ProfileStore()
    # Without a name, there is one profile to choose, or nothing to do.
    chosen = all_names(store) if all_profiles else list(names) or [resolve_name(str(store.home), None)]
    if chosen:
        output.warn_about_key_log()

    def run_one(name: str) -> CommandResult:
        return do(store, resolve_name(str(store.home), name))

    return finish_batch([run_for(name, partial(run_one, name)) for name in chosen], as_json=as_json)
