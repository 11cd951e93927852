"""``remove``: revoke a profile's tokens and delete it."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.problems import InvalidInput
from slack_token_tui.store.errors import ProfileError
from slack_token_tui.store.hot_path import resolve_name

if TYPE_CHECKING:
    from slack_token_tui.store.profile import Profile
    from slack_token_tui.tokens.revoke import Removal

EXAMPLE = "slack-token-tui remove acme"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``remove``."""
    parser.add_argument("name", metavar="NAME", help="profile name")
    parser.add_argument("--keep-grant", action="store_true", help="remove here only (the tokens still work in Slack)")
    parser.add_argument("--yes", action="store_true", help="don't prompt")
    parser.add_argument("--json", action="store_true", help="print Slack's responses as JSON")


def run(options: argparse.Namespace) -> int:
    """Revoke both tokens, print Slack's response for each, delete the profile and print what remains in Slack."""
    from slack_token_tui.store.profiles import ProfileStore
    from slack_token_tui.tokens.revoke import describe_removal, remove_profile

    store, keep_grant = ProfileStore(), options.keep_grant
    name = resolve_name(str(store.home), options.name)
    try:
        profile: Profile | None = store.read(name)
    except ProfileError:
        if not keep_grant:
            raise
        profile = None
    if not options.yes:
        if sys.stdin is None or sys.stderr is None or not sys.stdin.isatty():
            raise InvalidInput("Can't prompt: no terminal.", "Pass --yes to remove it without a prompt")
        output.print_message(describe_removal(profile, store.path(name), keep_grant=keep_grant))
        sys.stderr.write("Remove it? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            output.print_message("Nothing was changed.")
            return exit_codes.REFUSED
    if profile is None:
        store.delete_unreadable(name)
        output.print_message(f"Removed {name}. Its file couldn't be read, so nothing was revoked in Slack")
        if options.json:
            output.print_json({"ok": True, "profile": name, "answers": [], "authorization": None})
        return exit_codes.SUCCESS
    if not keep_grant:
        output.warn_about_key_log()
    return report_removal(remove_profile(store, name, keep_grant=keep_grant), as_json=options.json)


def report_removal(removal: Removal, *, as_json: bool) -> int:
    """Report Slack's response for each token and whether the profile was deleted. Return the exit code."""
    from slack_token_tui.tokens.revoke import authorization_url

    profile = removal.profile
    for revocation in removal.revocations:
        output.print_message(revocation.sentence)
    if removal.error is not None:
        output.print_message(
            f"{profile.name} was not removed. Its tokens are revoked, but its file couldn't be deleted"
        )
        return output.report(removal.error, as_json=as_json)
    answers = [
        {"token": revocation.kind, "ended": revocation.revoked, "answer": revocation.outcome}
        for revocation in removal.revocations
    ]
    if removal.problem is not None:
        return output.report(removal.problem, as_json=as_json)
    page = authorization_url(profile)
    output.print_message(f"Removed {profile.name}")
    output.print_message("Slack still lists this app as authorized. Remove it under Configuration:")
    output.print_message(f"  {page}")
    for path in removal.quarantined:
        output.print_message(f"This unusable response may hold a valid token: {path}")
    if as_json:
        output.print_json({"ok": True, "profile": profile.name, "answers": answers, "authorization": page})
    return exit_codes.SUCCESS
