"""The same done for several profiles: a bad one does not stop the others, and each is answered for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.problems import Explanation, explain
from slack_token_tui.secret import redacted
from slack_token_tui.store.atomic_file import StoreError
from slack_token_tui.store.hot_path import ChoiceError, ProfileFileError, chosen_name
from slack_token_tui.store.profiles import ProfileStore

Outcome = tuple[int, dict[str, Any]]
"""An exit code, and what ``--json`` says of it."""
_GRAVITY = (
    exit_codes.STORE_UNUSABLE,
    exit_codes.SIGN_IN_NEEDED,
    exit_codes.NO_SUCH_PROFILE,
    exit_codes.USAGE,
    exit_codes.SAID_NO,
    exit_codes.TRY_LATER,
    exit_codes.DONE,
)
"""Of several outcomes the first of these is the command's own."""


def answered_for(name: str, do: Callable[[], Outcome], *, kind: str = "profile") -> Outcome:
    """Do ``do``; return what came of it, also where something stood in the way.

    Args:
        name: what it is about.
        do: does it.
        kind: of thing: ``profile``, ``app`` or ``settings``.
    """
    try:
        return do()
    except ChoiceError as error:
        # Somebody may have typed a token where a name belongs.
        name = redacted(name)
        return failed(name, explain(error.code, {"name": name}), output.CHOICE[error.code], kind=kind)
    except FileNotFoundError:
        return failed(name, explain("profile_not_found", {"name": name}), exit_codes.NO_SUCH_PROFILE, kind=kind)
    except ProfileFileError as error:
        return failed(name, explain(error.code, output.file_facts(error)), exit_codes.STORE_UNUSABLE, kind=kind)
    except StoreError as error:
        explanation = explain(error.code, {"name": name, **error.facts})
        return failed(name, explanation, output.exit_code_of(explanation), kind=kind)


def failed(name: str, explanation: Explanation, code: int, *, kind: str = "profile") -> Outcome:
    """Report why it did not go well with ``name``."""
    output.say(f"{name or 'an empty name'}: {explanation.title} ({explanation.code}). {explanation.happened}")
    output.say(f"  {explanation.remedies[0]}")
    return code, {
        "ok": False,
        kind: name,
        "error": explanation.code,
        "message": explanation.happened,
        "remedy": explanation.remedy,
    }


def concluded(outcomes: Iterable[Outcome], *, as_json: bool) -> int:
    """Print all ``outcomes`` as a JSON list where that was asked for, and return the gravest exit code."""
    outcomes = list(outcomes)
    if as_json:
        output.print_json([said for _, said in outcomes], indent=1)
    codes = {code for code, _ in outcomes}
    return next((code for code in _GRAVITY if code in codes), exit_codes.DONE)


def for_each_profile(
    names: Sequence[str], every: bool, as_json: bool, do: Callable[[ProfileStore, str], Outcome]
) -> int:
    """Run ``do`` for the named profiles, or for every profile, and return the exit code."""
    if every and names:
        return output.usage("Names and --all were given.", "Name profiles, or use --all", as_json=as_json)
    store = ProfileStore()
    try:
        chosen = store.names() if every else [chosen_name(str(store.home), name) for name in names or (None,)]
    except ChoiceError as error:
        return output.no_choice(error, as_json=as_json)
    if not chosen:
        output.say("No profiles yet. Sign in: slack-token-tui login")
    else:
        output.warn_of_key_log()
    return concluded([answered_for(name, partial(do, store, name)) for name in chosen], as_json=as_json)
