"""Run a command over several profiles and collect one result per profile. Failures do not stop the batch."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, TypeVar

from slack_token_tui import event_loop
from slack_token_tui.cli import output
from slack_token_tui.cli.exit_codes import EXIT_CODES, SUCCESS
from slack_token_tui.problems import InvalidInput, Kind, Problem
from slack_token_tui.secret import redact
from slack_token_tui.store.hot_path import exists, resolve_name
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.batch import Batch, Report
from slack_token_tui.tokens.deferred_signals import DeferredSignals, defer_signals

_Result = TypeVar("_Result")
CommandResult = tuple[int, dict[str, Any]]
"""An exit code, and the object that ``--json`` prints."""
_SEVERITY = tuple(
    EXIT_CODES[kind] for kind in (Kind.STORAGE, Kind.SIGN_IN, Kind.NOT_FOUND, Kind.USAGE, Kind.REFUSED, Kind.RETRY)
)
"""Exit codes, most severe first. A batch exits with the first one that occurred."""

_SUSPEND = getattr(signal, "SIGTSTP", None)
_MAX_NAMES = 10


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


def run_for_profiles(
    names: Sequence[str],
    all_profiles: bool,
    as_json: bool,
    open_batch: Callable[[ProfileStore, Report], AbstractAsyncContextManager[Batch[_Result]]],
    render: Callable[[str, _Result], CommandResult],
) -> int:
    """Run a batch over the named profiles, or over every profile, and return the exit code.

    After a signal, what has begun is finished and everything known is printed. Only then does the signal act.

    Args:
        names: the names that were given.
        all_profiles: whether every profile was asked for.
        as_json: whether to print the results as a JSON list, in the order of the names.
        open_batch: returns the batch.
        render: prints the result of one profile.
    """
    if all_profiles and names:
        raise InvalidInput("Names and --all were given.", "Name profiles, or use --all")
    store = ProfileStore()
    # Without a name, there is one profile to choose, or nothing to do.
    given = all_names(store) if all_profiles else list(names) or [resolve_name(str(store.home), None)]
    given = list(dict.fromkeys(given))
    if given:
        output.warn_about_key_log()
    outcomes: dict[str, CommandResult] = {}
    left_alone: list[Problem] = []

    def report(name: str, outcome: _Result | Problem) -> None:
        if isinstance(outcome, Problem) and outcome.code == "batch_left_alone":
            left_alone.append(outcome)
            outcomes[name] = _failed(name, outcome)
        else:
            outcomes[name] = run_for(name, partial(_render, render, name, outcome))

    def print_all() -> int:
        not_reached = [name for name in given if name not in outcomes]
        _print_untouched(left_alone, not_reached)
        outcomes.update({name: _failed(name, Problem("batch_not_reached", name=name)) for name in not_reached})
        return finish_batch([outcomes[name] for name in given], as_json=as_json)

    for name in given:
        result = run_for(name, partial(_check_name, store, name))
        if result[0] != SUCCESS:
            outcomes[name] = result
    while True:
        with defer_signals() as signals:
            remaining = [name for name in given if name not in outcomes]
            event_loop.run(_run_until_signal(open_batch(store, report), remaining, signals))
            is_over = not signals.numbers or set(signals.numbers) != {_SUSPEND}
            code = print_all() if is_over else SUCCESS
        if is_over:
            return code


def _check_name(store: ProfileStore, name: str) -> CommandResult:
    resolve_name(str(store.home), name)
    return SUCCESS, {}


def _render(render: Callable[[str, _Result], CommandResult], name: str, outcome: _Result | Problem) -> CommandResult:
    if isinstance(outcome, Problem):
        raise outcome
    return render(name, outcome)


async def _run_until_signal(
    opened: AbstractAsyncContextManager[Batch[_Result]], names: Sequence[str], signals: DeferredSignals
) -> None:
    async with opened as batch:
        loop = asyncio.get_running_loop()
        signals.on_first = lambda: loop.call_soon_threadsafe(batch.stop)
        if signals.numbers:
            batch.stop()
        try:
            await batch.run(names)
        finally:
            signals.on_first = None  # the event loop ends here


def _failed(name: str, problem: Problem) -> CommandResult:
    explanation = problem.explain()
    return EXIT_CODES[explanation.kind], {"profile": name, **output.explanation_record(explanation)}


def _print_untouched(left_alone: Sequence[Problem], not_reached: Sequence[str]) -> None:
    """Say which profiles were not tried, once for all of them."""
    if left_alone:
        explanation = left_alone[0].explain()
        names = _list_names([problem.facts["name"] for problem in left_alone])
        output.print_message(f"Left alone: {names}")
        output.print_message(f"  {explanation.happened} {explanation.remedies[0]}")
    if not_reached:
        output.print_message(f"Stopped. Not reached: {_list_names(not_reached)}")


def _list_names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MAX_NAMES])
    return shown if len(names) <= _MAX_NAMES else f"{shown} and {len(names) - _MAX_NAMES} more"
