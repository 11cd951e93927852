"""``remove``: revoke a profile's tokens and delete it."""

from __future__ import annotations

import sys

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.problems import explain
from slack_token_tui.store.atomic_file import StoreError
from slack_token_tui.store.hot_path import ChoiceError, ProfileFileError, chosen_name
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.revoke import Removal, delete_unreadable, left_at_slack, remove, what_ends


def remove_profile(argument: str, keep_grant: bool, yes: bool, as_json: bool) -> int:
    """Revoke both tokens at Slack, show its answer to each, delete the profile, and say what stays at Slack."""
    store = ProfileStore()
    try:
        name = chosen_name(str(store.home), argument)
        try:
            profile: Profile | None = store.read(name)
        except ProfileFileError:
            if not keep_grant:
                raise
            profile = None
        if not yes:
            if sys.stdin is None or not sys.stdin.isatty():
                return output.usage(
                    "There is nobody to ask.", "Add --yes to remove it without a question", as_json=as_json
                )
            output.say(what_ends(profile, store.path(name), keep_grant=keep_grant))
            sys.stderr.write("Remove it? [y/N] ")
            sys.stderr.flush()
            if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
                output.say("Nothing was changed.")
                return exit_codes.SAID_NO
        if profile is None:
            delete_unreadable(store, name)
            output.say(f"{name} is deleted. Its file could not be read, so Slack was asked nothing")
            if as_json:
                output.print_json({"ok": True, "profile": name, "answers": [], "authorization": None})
            return exit_codes.DONE
        if not keep_grant:
            output.warn_of_key_log()
        removal = remove(store, name, keep_grant=keep_grant)
    except (ChoiceError, FileNotFoundError, ProfileFileError, StoreError) as error:
        return output.trouble(error, argument, as_json=as_json)
    return report_removal(removal, as_json=as_json)


def report_removal(removal: Removal, *, as_json: bool) -> int:
    """Report what Slack said of each token and whether the profile is gone; return the exit code."""
    profile = removal.profile
    for one in removal.revocations:
        output.say(one.sentence)
    if removal.error is not None:
        output.say(f"{profile.name} is still here: its tokens are ended, its file could not be deleted")
        return output.store_trouble(removal.error, as_json=as_json)
    answers = [{"token": one.kind, "ended": one.ended, "answer": one.answer} for one in removal.revocations]
    if not removal.deleted:
        answer = next(one.answer for one in removal.revocations if not one.ended and not one.is_good_enough)
        explanation = explain("not_revoked", {"name": profile.name, "detail": answer})
        later = explain(answer).again == "later"
        return output.explained(explanation, exit_codes.TRY_LATER if later else exit_codes.SAID_NO, as_json=as_json)
    page = left_at_slack(profile)
    output.say(f"{profile.name} is deleted")
    output.say("What stays at Slack: your authorization of the app. End it under Configuration → Your authorization:")
    output.say(f"  {page}")
    for path in removal.set_aside:
        output.say(f"An answer of Slack’s that could not be used may hold a living token: {path}")
    if as_json:
        output.print_json({"ok": True, "profile": profile.name, "answers": answers, "authorization": page})
    return exit_codes.DONE
