"""Run a command over several profiles and collect one result per profile. Failures do not stop the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.problems import Explanation, explain
from slack_token_tui.secret import redact
from slack_token_tui.store.atomic_file import StorageError
from slack_token_tui.store.hot_path import ProfileChoiceError, ProfileFileError, resolve_name
from slack_token_tui.store.profiles import ProfileStore

CommandResult = tuple[int, dict[str, Any]]
"""An exit code, and the object that ``--json`` prints."""
_SEVERITY = (
    exit_codes.STORAGE,
    exit_codes.SIGN_IN,
    exit_codes.NOT_FOUND,
    exit_codes.USAGE,
    exit_codes.REFUSED,
    exit_codes.RETRY,
    exit_codes.SUCCESS,
)
"""Exit codes, most severe first. A batch exits with the first one that occurred."""


def run_for(name: str, do: Callable[[], CommandResult], *, kind: str = "profile") -> CommandResult:
    """Call ``do`` and return its result. If it raises a known error, report it and return a failed result.

    Args:
        name: name of the profile, app or settings that ``do`` works on.
        do: function to call.
        kind: ``profile``, ``app`` or ``settings``. Used as the key of ``name`` in the JSON output.
    """
    try:
        return do()
    except ProfileChoiceError as error:
        # A token may have been typed in place of a name.
        name = redact(name)
        return report_failure(
            name, explain(error.code, {"name": name}), output.CHOICE_EXIT_CODES[error.code], kind=kind
        )
    except FileNotFoundError:
        return report_failure(name, explain("profile_not_found", {"name": name}), exit_codes.NOT_FOUND, kind=kind)
    except ProfileFileError as error:
        return report_failure(name, explain(error.code, output.file_facts(error)), exit_codes.STORAGE, kind=kind)
    except StorageError as error:
        explanation = explain(error.code, {"name": name, **error.facts})
        return report_failure(name, explanation, output.exit_code_for(explanation), kind=kind)


def report_failure(name: str, explanation: Explanation, code: int, *, kind: str = "profile") -> CommandResult:
    """Report why the command failed for ``name``, and return the failed result."""
    output.print_message(f"{name or 'an empty name'}: {explanation.title} ({explanation.code}). {explanation.happened}")
    output.print_message(f"  {explanation.remedies[0]}")
    return code, {
        "ok": False,
        kind: name,
        "error": explanation.code,
        "message": explanation.happened,
        "remedy": explanation.remedy,
    }


def finish_batch(outcomes: Iterable[CommandResult], *, as_json: bool) -> int:
    """Print ``outcomes`` as a JSON list if ``as_json``, and return the most severe exit code."""
    outcomes = list(outcomes)
    if as_json:
        output.print_json([record for _, record in outcomes], indent=1)
    codes = {code for code, _ in outcomes}
    return next((code for code in _SEVERITY if code in codes), exit_codes.SUCCESS)


def for_each_profile(
    names: Sequence[str], all_profiles: bool, as_json: bool, do: Callable[[ProfileStore, str], CommandResult]
) -> int:
    """Run ``do`` for the profiles in ``names``, or for all profiles if ``every``. Return the exit code."""
    if all_profiles and names:
        return output.report_usage("Names and --all were given.", "Name profiles, or use --all", as_json=as_json)
    store = ProfileStore()
    try:
        chosen = store.names() if all_profiles else [resolve_name(str(store.home), name) for name in names or (None,)]
    except ProfileChoiceError as error:
        return output.report_choice_error(error, as_json=as_json)
    if not chosen:
        output.print_message("No profiles yet. Sign in: slack-token-tui login")
    else:
        output.warn_about_key_log()
    return finish_batch([run_for(name, partial(do, store, name)) for name in chosen], as_json=as_json)
