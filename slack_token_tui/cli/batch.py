"""Run a command over several profiles and collect one result per profile. Failures do not stop the batch."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Protocol, TypeVar

from slack_token_tui import event_loop
from slack_token_tui.cli import output
from slack_token_tui.cli.exit_codes import EXIT_CODES, SUCCESS
from slack_token_tui.problems import InvalidInput, Kind, Problem
from slack_token_tui.secret import redact
from slack_token_tui.store.hot_path import exists, resolve_name
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.batch import Batch, Report
from slack_token_tui.tokens.deferred_signals import DeferredSignals, defer_signals
from slack_token_tui.tokens.refresh_in_process import refresh_in_process
from slack_token_tui.tokens.refresh_result import Refresher

_Result = TypeVar("_Result")
CommandResult = tuple[int, dict[str, Any]]
"""An exit code, and the object that ``--json`` prints."""
_SEVERITY = tuple(
    EXIT_CODES[kind] for kind in (Kind.STORAGE, Kind.SIGN_IN, Kind.NOT_FOUND, Kind.USAGE, Kind.REFUSED, Kind.RETRY)
)
"""Exit codes, most severe first. A batch exits with the first one that occurred."""


class OpenBatch(Protocol[_Result]):
    """Function that returns a batch."""

    def __call__(
        self, store: ProfileStore, report: Report, refresher: Refresher
    ) -> AbstractAsyncContextManager[Batch[_Result]]:
        """Return a batch that reports to ``report`` and refreshes tokens with ``refresher``."""


_SUSPEND = getattr(signal, "SIGTSTP", None)
_MAX_NAMES = 10
"""How many names are listed on one line."""


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
        return report_problem(name, problem, kind=kind)


def report_problem(name: str, problem: Problem, *, kind: str = "profile") -> CommandResult:
    """Print ``problem`` with the profile, app or settings called ``name``, and return the failed result."""
    output.print_explanation(problem.with_facts(name=redact(name)).explain(), redact(name) or "an empty name")
    return failed_result(name, problem, kind=kind)


def failed_result(name: str, problem: Problem, *, kind: str = "profile") -> CommandResult:
    """Return the failed result of ``problem`` with the profile, app or settings called ``name``."""
    name = redact(name)  # a token may have been typed in place of a name
    explanation = problem.with_facts(name=name).explain()
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
    open_batch: OpenBatch[_Result],
    print_result: Callable[[str, _Result], CommandResult],
) -> int:
    """Run a batch over the named profiles, or over every profile, and return the exit code.

    After a signal, what has begun is finished and everything known is printed. Only then does the signal act.

    Args:
        names: the names that were given.
        all_profiles: whether every profile was asked for.
        as_json: whether to print the results as a JSON list, in the order of the names.
        open_batch: returns the batch.
        print_result: prints the result of one profile.
    """
    if all_profiles and names:
        raise InvalidInput("Profile names and --all can't be combined.", "Use one of them")
    store = ProfileStore()
    # Without a name, there is one profile to choose, or nothing to do.
    chosen = all_names(store) if all_profiles else list(names) or [resolve_name(str(store.home), None)]
    chosen = list(dict.fromkeys(chosen))
    if chosen:
        output.warn_about_key_log()
    results: dict[str, CommandResult] = {}
    left_alone: list[Problem] = []

    def report(name: str, outcome: _Result | Problem) -> None:
        if not isinstance(outcome, Problem):
            results[name] = print_result(redact(name), outcome)
        elif outcome.code == "batch_left_alone":
            left_alone.append(outcome)
            results[name] = failed_result(name, outcome)
        else:
            results[name] = report_problem(name, outcome)

    def finish() -> int:
        not_reached = [name for name in chosen if name not in results]
        _print_skipped(left_alone, not_reached)
        results.update({name: failed_result(name, Problem("batch_not_reached")) for name in not_reached})
        return finish_batch([results[name] for name in chosen], as_json=as_json)

    for name in chosen:
        try:
            resolve_name(str(store.home), name)
        except Problem as problem:
            results[name] = report_problem(name, problem)
    with defer_signals() as signals:
        # The batch waits for rate limits itself, so that all profiles that they apply to wait.
        refresher = partial(refresh_in_process, deferred=signals, waits_for_limit=len(chosen) == 1)
        while remaining := [name for name in chosen if name not in results]:
            event_loop.run(_run_until_signal(open_batch(store, report, refresher), remaining, signals))
            if set(signals.numbers) != {_SUSPEND}:
                break
            signals.suspend()
        return finish()  # the signals act after this


async def _run_until_signal(
    opened: AbstractAsyncContextManager[Batch[_Result]], names: Sequence[str], signals: DeferredSignals
) -> None:
    loop = asyncio.get_running_loop()
    async with opened as batch:

        def stop() -> None:
            output.print_message("Stopping. Waiting for requests that were already sent.")
            batch.stop()

        with signals.calling(lambda: loop.call_soon_threadsafe(stop)):
            await batch.run(names)


def _print_skipped(left_alone: Sequence[Problem], not_reached: Sequence[str]) -> None:
    """Say which profiles were not tried, once for all of them."""
    if left_alone:
        explanation = left_alone[0].explain()
        output.print_message(f"Skipped: {_list_names([problem.facts['name'] for problem in left_alone])}")
        output.print_message(f"  {explanation.happened} {explanation.remedies[0]}.")
    if not_reached:
        output.print_message(f"Not processed: {_list_names(not_reached)}")


def _list_names(names: Sequence[str]) -> str:
    shown = ", ".join(map(redact, names[:_MAX_NAMES]))
    return shown if len(names) <= _MAX_NAMES else f"{shown} and {len(names) - _MAX_NAMES} more"
