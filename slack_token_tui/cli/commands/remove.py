"""``remove``: revoke a profile's tokens and delete it."""

from __future__ import annotations

import sys

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.problems import explain
from slack_token_tui.store.atomic_file import StorageError
from slack_token_tui.store.hot_path import ProfileChoiceError, ProfileFileError, resolve_name
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.revoke import (
    Removal,
    authorization_url,
    delete_unreadable,
    describe_removal,
    remove_profile,
)


def run_remove(argument: str, keep_grant: bool, yes: bool, as_json: bool) -> int:
    """Revoke both tokens, print Slack's response for each, delete the profile and print what remains in Slack."""
    store = ProfileStore()
    try:
        name = resolve_name(str(store.home), argument)
        try:
            profile: Profile | None = store.read(name)
        except ProfileFileError:
            if not keep_grant:
                raise
            profile = None
        if not yes:
            if sys.stdin is None or not sys.stdin.isatty():
                return output.report_usage(
                    "There is nobody to ask.", "Add --yes to remove it without a question", as_json=as_json
                )
            output.print_message(describe_removal(profile, store.path(name), keep_grant=keep_grant))
            sys.stderr.write("Remove it? [y/N] ")
            sys.stderr.flush()
            if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
                output.print_message("Nothing was changed.")
                return exit_codes.REFUSED
        if profile is None:
            delete_unreadable(store, name)
            output.print_message(f"{name} is deleted. Its file could not be read, so Slack was asked nothing")
            if as_json:
                output.print_json({"ok": True, "profile": name, "answers": [], "authorization": None})
            return exit_codes.SUCCESS
        if not keep_grant:
            output.warn_about_key_log()
        removal = remove_profile(store, name, keep_grant=keep_grant)
    except (ProfileChoiceError, FileNotFoundError, ProfileFileError, StorageError) as error:
        return output.report_error(error, argument, as_json=as_json)
    return report_removal(removal, as_json=as_json)


def report_removal(removal: Removal, *, as_json: bool) -> int:
    """Report Slack's response for each token and whether the profile was deleted. Return the exit code."""
    profile = removal.profile
    for revocation in removal.revocations:
        output.print_message(revocation.sentence)
    if removal.error is not None:
        output.print_message(f"{profile.name} is still here: its tokens are ended, its file could not be deleted")
        return output.report_storage_error(removal.error, as_json=as_json)
    answers = [
        {"token": revocation.kind, "ended": revocation.revoked, "answer": revocation.outcome}
        for revocation in removal.revocations
    ]
    if not removal.deleted:
        answer = next(
            revocation.outcome
            for revocation in removal.revocations
            if not revocation.revoked and not revocation.allows_removal
        )
        explanation = explain("not_revoked", {"name": profile.name, "detail": answer})
        later = explain(answer).again == "later"
        return output.report(explanation, exit_codes.RETRY if later else exit_codes.REFUSED, as_json=as_json)
    page = authorization_url(profile)
    output.print_message(f"{profile.name} is deleted")
    output.print_message(
        "What stays at Slack: your authorization of the app. End it under Configuration → Your authorization:"
    )
    output.print_message(f"  {page}")
    for path in removal.quarantined:
        output.print_message(f"An answer of Slack’s that could not be used may hold a living token: {path}")
    if as_json:
        output.print_json({"ok": True, "profile": profile.name, "answers": answers, "authorization": page})
    return exit_codes.SUCCESS
